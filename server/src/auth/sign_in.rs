//! The door with an e-mail code.

use pocketdesk_protocol::{
    ids::{InstallId, PersonId, SessionId, SignInId},
    session::{SignInAsked, SignInCode, SignInEmail, Tokens},
};

use super::{Auth, AuthError, CODE_MS, CODE_TRIES, DEVICE_CHARS, EMAIL_BYTES, keys, tokens};
use crate::{
    config::SignUp,
    mail::CodeMail,
    people::{self, NewPerson},
    store::write::{Write, with_write},
    values,
};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 60 * 60 * 1000;

impl Auth {
    /// Mails a code, or does as much work and mails none.
    pub async fn ask_code(&self, ask: SignInEmail) -> Result<SignInAsked, AuthError> {
        let email = address(&ask.email)?;
        if keys::unhex(&ask.challenge).is_none() {
            return Err(AuthError::Invalid { field: "challenge", reason: "must be 64 hexadecimal digits" });
        }
        let id = SignInId(self.ctx.env.new_id());
        let code = self.new_code();
        let hash = self.code_hash(id, &code);
        let may_enter = with_write(&self.ctx, {
            let (email, challenge) = (email.clone(), ask.challenge.to_lowercase());
            move |tx, _| {
                let (email, challenge, hash) = (email.clone(), challenge.clone(), hash.to_vec());
                Box::pin(async move { self.note_asking(tx, id, &email, &challenge, hash).await })
            }
        })
        .await?;
        let mail = CodeMail { email, code, locale: ask.locale.unwrap_or_default() };
        let post = self.post.clone();
        // In the background for everybody: how long SMTP takes must not tell who is known.
        self.ctx.env.work.spawn(Box::pin(async move {
            if may_enter && let Err(why) = post.code(mail).await {
                tracing::warn!(reason = %why, "a sign-in mail could not be sent");
            }
        }));
        Ok(SignInAsked { sign_in: id, expires_in_s: (CODE_MS / 1000).unsigned_abs() })
    }

    async fn note_asking(
        &self,
        tx: &mut Write,
        id: SignInId,
        email: &str,
        challenge: &str,
        hash: Vec<u8>,
    ) -> Result<bool, AuthError> {
        let now = tx.now;
        tx.execute("DELETE FROM sign_in WHERE expires_at < $1", &values![now - HOUR_MS]).await?;
        let recent = tx
            .query(
                "SELECT COUNT(*), MIN(created_at) FROM sign_in WHERE email = $1 AND created_at > $2",
                &values![email, now - HOUR_MS],
            )
            .await?;
        let asked = recent.first().map_or(Ok(0), |row| row[0].int())?;
        if asked >= i64::from(self.rules.mails_an_hour) {
            let oldest = recent.first().map_or(Ok(now), |row| row[1].int())?;
            let wait = (oldest + HOUR_MS - now).max(1000).unsigned_abs();
            return Err(AuthError::TooMany { retry_after_s: wait.div_ceil(1000) });
        }
        let known = people::find_by_email(tx.tx(), email).await?.is_some();
        let may_enter = known || self.may_sign_up(email);
        tx.execute(
            "INSERT INTO sign_in (id, email, challenge, code, may_enter, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &values![id.0, email, challenge, hash, i64::from(may_enter), now, now + CODE_MS],
        )
        .await?;
        Ok(may_enter)
    }

    fn may_sign_up(&self, email: &str) -> bool {
        match self.rules.sign_up {
            SignUp::Invited => false,
            SignUp::Open => true,
            SignUp::Domains => {
                let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
                self.rules.domains.iter().any(|known| known == domain)
            }
        }
    }

    /// Turns a code into a session. Repeated with the same code and secret within the code's life it repeats the
    /// answer: the first one may have been lost on the way.
    pub async fn enter_code(&self, entered: SignInCode) -> Result<Tokens, AuthError> {
        let secret = keys::unhex(&entered.secret)
            .ok_or(AuthError::Invalid { field: "secret", reason: "must be 64 hexadecimal digits" })?;
        let device: String =
            entered.device.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS).collect::<String>();
        let asked =
            Entered { id: entered.sign_in, code: entered.code, secret, install: entered.install, device };
        let outcome = with_write(&self.ctx, {
            let asked = asked.clone();
            move |tx, _| {
                let asked = asked.clone();
                // A wrong code is counted, so it commits like a right one and turns into an error after that.
                Box::pin(async move { self.try_code(tx, &asked).await })
            }
        })
        .await?;
        match outcome {
            Outcome::In(tokens, ended) => {
                for session in ended {
                    let _ = self.ended.send(session);
                }
                Ok(tokens)
            }
            Outcome::Wrong { tries_left } => Err(AuthError::WrongCode { tries_left }),
            Outcome::Over => Err(AuthError::CodeExpired),
        }
    }

    async fn try_code(&self, tx: &mut Write, entered: &Entered) -> Result<Outcome, AuthError> {
        let lock = tx.for_update();
        let rows = tx
            .query(
                &format!(
                    "SELECT email, challenge, code, may_enter, tries, expires_at, session FROM sign_in WHERE id = $1{lock}"
                ),
                &values![entered.id.0],
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(Outcome::Over) };
        let tries = u32::try_from(row[4].int()?).unwrap_or(CODE_TRIES);
        if row[5].int()? <= tx.now || tries >= CODE_TRIES {
            return Ok(Outcome::Over);
        }
        let challenge = crate::sync::receipt::hex(&keys::sha256(&entered.secret));
        let right_phone = keys::same(challenge.as_bytes(), row[1].text()?.as_bytes());
        let right_code = keys::same(&self.code_hash(entered.id, &entered.code), row[2].bytes()?);
        let may_enter = row[3].int()? != 0;
        if !(right_phone & right_code & may_enter) {
            tx.execute("UPDATE sign_in SET tries = tries + 1 WHERE id = $1", &values![entered.id.0]).await?;
            return Ok(Outcome::Wrong { tries_left: CODE_TRIES - tries - 1 });
        }
        let refresh =
            tokens::encode(&self.keys.mac("first-refresh", &[entered.id.0.as_bytes(), &entered.secret]));
        if let Some(session) = row[6].id_or_none::<SessionId>()? {
            return Ok(match self.repeat(tx, session, refresh, entered.install).await? {
                Some(tokens) => Outcome::In(tokens, Vec::new()),
                None => Outcome::Over,
            });
        }
        let email = row[0].text()?.to_owned();
        let person = match people::find_by_email(tx.tx(), &email).await? {
            Some(person) => person,
            // Whoever was removed between the asking and the code is not let in as a new person.
            None if self.may_sign_up(&email) => people::create_in(tx, &new_person(&email)).await?.id,
            None => return Ok(Outcome::Over),
        };
        let session = SessionId(self.ctx.env.new_id());
        let ended = self.replace_session(tx, session, person, entered).await?;
        tx.execute("UPDATE sign_in SET session = $1 WHERE id = $2", &values![session, entered.id.0]).await?;
        self.keep_refresh(tx, session, &refresh).await?;
        let tokens = self.issue(tx, session, person, refresh).await?;
        Ok(Outcome::In(tokens, ended))
    }

    /// One copy of the app has one session: signing in again on it ends the one before.
    async fn replace_session(
        &self,
        tx: &mut Write,
        session: SessionId,
        person: PersonId,
        entered: &Entered,
    ) -> Result<Vec<SessionId>, AuthError> {
        let now = tx.now;
        let ended = tx
            .query(
                "UPDATE session SET ended_at = $1 WHERE person_id = $2 AND install = $3 AND ended_at = 0 RETURNING id",
                &values![now, person, entered.install],
            )
            .await?;
        tx.execute(
            "INSERT INTO session (id, person_id, install, device, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6)",
            &values![session, person, entered.install, entered.device.as_str(), now, now],
        )
        .await?;
        ended.iter().map(|row| row[0].id().map_err(AuthError::from)).collect()
    }

    fn new_code(&self) -> String {
        // 2^64 is so much larger than a million that no code is likelier than another to any purpose.
        format!("{:06}", u64::from_le_bytes(self.ctx.env.random()) % 1_000_000)
    }

    fn code_hash(&self, id: SignInId, code: &str) -> [u8; 32] {
        self.keys.mac("code", &[id.0.as_bytes(), code.trim().as_bytes()])
    }
}

#[derive(Clone)]
pub(super) struct Entered {
    id: SignInId,
    code: String,
    secret: [u8; 32],
    install: InstallId,
    device: String,
}

enum Outcome {
    In(Tokens, Vec<SessionId>),
    Wrong { tries_left: u32 },
    Over,
}

fn new_person(email: &str) -> NewPerson {
    NewPerson {
        email: email.to_owned(),
        name: None,
        company: None,
        sites: Vec::new(),
        sees: people::Sees::default(),
    }
}

/// Trims and lowers an address, and refuses what no mail can reach or what would add a header.
fn address(text: &str) -> Result<String, AuthError> {
    let wrong =
        AuthError::Invalid { field: "email", reason: "must be an e-mail address like olena@firm.example" };
    let email = text.trim().to_lowercase();
    if email.len() > EMAIL_BYTES || email.parse::<lettre::Address>().is_err() {
        return Err(wrong);
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_smuggle_a_header_into_the_mail() {
        assert_eq!(address(" Olena@Firm.Example ").unwrap(), "olena@firm.example");
        for bad in ["", "olena", "a@b\r\nBcc: c@d", "a@b c", &format!("{}@firm.example", "a".repeat(300))] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
