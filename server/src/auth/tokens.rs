//! Access and refresh tokens: 32 bytes, base64url, known to the database by their SHA-256.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pocketdesk_protocol::{
    ids::{DeskId, InstallId, PersonId, SessionId},
    session::{TokenRequest, Tokens},
};

use super::{ACCESS_MS, Auth, AuthError, keys};
use crate::{
    context::Session,
    people,
    store::{
        Mode,
        write::{Write, with_write},
    },
    values,
};

/// A session's last use is written at most this often.
const USED_EVERY_MS: i64 = 10 * 60 * 1000;

/// A token's text.
pub(super) fn encode(bytes: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(token: &str) -> Vec<u8> {
    keys::sha256(token.as_bytes()).to_vec()
}

/// What an access token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub session: Session,
    /// Until when by the server's clock, ms.
    pub expires_at: i64,
}

impl Auth {
    /// Who shows this access token.
    pub async fn access(&self, token: &str) -> Result<Access, AuthError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let rows = tx
            .query(
                "SELECT s.id, s.person_id, s.install, s.ended_at, s.used_at, a.expires_at \
                 FROM access_token a JOIN session s ON s.id = a.session WHERE a.hash = $1",
                &values![hash(token)],
            )
            .await?;
        drop(tx);
        let Some(row) = rows.first() else { return Err(AuthError::Unauthorized) };
        let now = self.ctx.env.clock.now();
        if row[3].int()? != 0 {
            return Err(AuthError::Revoked);
        }
        if row[5].int()? <= now {
            return Err(AuthError::Unauthorized);
        }
        let session = Session { session: row[0].id()?, person: row[1].id()?, install: row[2].id()? };
        if now - row[4].int()? > USED_EVERY_MS {
            self.note_use(session.session).await?;
        }
        Ok(Access { session, expires_at: row[5].int()? })
    }

    /// Whether the session has not ended, on any replica.
    pub async fn is_live(&self, session: SessionId) -> Result<bool, AuthError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let rows =
            tx.query("SELECT 1 FROM session WHERE id = $1 AND ended_at = 0", &values![session]).await?;
        Ok(!rows.is_empty())
    }

    async fn note_use(&self, session: SessionId) -> Result<(), AuthError> {
        with_write(&self.ctx, move |tx, _| {
            Box::pin(async move {
                let now = tx.now;
                tx.execute("UPDATE session SET used_at = $1 WHERE id = $2", &values![now, session]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Spends a refresh token; see the module above for what each outcome means.
    pub async fn rotate(&self, request: TokenRequest) -> Result<Tokens, AuthError> {
        let outcome = with_write(&self.ctx, move |tx, _| {
            let request = request.clone();
            // Theft is written down, so it commits and turns into an error after that.
            Box::pin(async move { self.rotate_in(tx, &request).await })
        })
        .await?;
        match outcome {
            Rotated::Tokens(tokens) => Ok(tokens),
            Rotated::Revoked => Err(AuthError::Revoked),
            Rotated::Stolen(session) => {
                tracing::warn!(%session, "a spent refresh token was used again under another name: the session ends");
                let _ = self.ended.send(session);
                Err(AuthError::Revoked)
            }
        }
    }

    async fn rotate_in(&self, tx: &mut Write, request: &TokenRequest) -> Result<Rotated, AuthError> {
        let lock = tx.for_update();
        let rows = tx
            .query(
                &format!("SELECT session, rotation FROM refresh_token WHERE hash = $1{lock}"),
                &values![hash(&request.refresh_token)],
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(Rotated::Revoked) };
        let session: SessionId = row[0].id()?;
        let Some((person, install)) = live_session(tx, session).await? else { return Ok(Rotated::Revoked) };
        let name = request.rotation.to_string();
        let successor = encode(
            &self.keys.mac("refresh", &[request.refresh_token.as_bytes(), request.rotation.0.as_bytes()]),
        );
        match row[1].text()? {
            "" => {
                let now = tx.now;
                tx.execute(
                    "UPDATE refresh_token SET rotation = $1 WHERE hash = $2",
                    &values![name, hash(&request.refresh_token)],
                )
                .await?;
                tx.execute("UPDATE session SET used_at = $1 WHERE id = $2", &values![now, session]).await?;
                tx.execute("DELETE FROM access_token WHERE expires_at < $1", &values![now]).await?;
                self.keep_refresh(tx, session, &successor).await?;
                Ok(Rotated::Tokens(self.issue(tx, session, person, successor).await?))
            }
            // Once its successor was spent too, nobody waits for this answer: only a copied phone would ask.
            same if same == name => Ok(self
                .repeat(tx, session, successor, install)
                .await?
                .map_or(Rotated::Revoked, Rotated::Tokens)),
            _ => {
                super::sessions::end_one(tx, session).await?;
                Ok(Rotated::Stolen(session))
            }
        }
    }

    /// Repeats an answer whose refresh token is still the newest; none when it is not.
    pub(super) async fn repeat(
        &self,
        tx: &mut Write,
        session: SessionId,
        refresh: String,
        install: InstallId,
    ) -> Result<Option<Tokens>, AuthError> {
        let rows =
            tx.query("SELECT rotation FROM refresh_token WHERE hash = $1", &values![hash(&refresh)]).await?;
        let newest = rows.first().is_some_and(|row| row[0].text().is_ok_and(str::is_empty));
        match live_session(tx, session).await? {
            Some((person, of)) if newest && of == install => {
                Ok(Some(self.issue(tx, session, person, refresh).await?))
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn keep_refresh(
        &self,
        tx: &mut Write,
        session: SessionId,
        refresh: &str,
    ) -> Result<(), AuthError> {
        let now = tx.now;
        tx.execute(
            "INSERT INTO refresh_token (hash, session, created_at) VALUES ($1, $2, $3)",
            &values![hash(refresh), session, now],
        )
        .await?;
        Ok(())
    }

    /// A fresh access token beside this refresh token.
    pub(super) async fn issue(
        &self,
        tx: &mut Write,
        session: SessionId,
        person: PersonId,
        refresh_token: String,
    ) -> Result<Tokens, AuthError> {
        let access_token = encode(&self.ctx.env.random());
        let expires_at = tx.now + ACCESS_MS;
        tx.execute(
            "INSERT INTO access_token (hash, session, expires_at) VALUES ($1, $2, $3)",
            &values![hash(&access_token), session, expires_at],
        )
        .await?;
        let desk: DeskId = people::desk(tx.tx()).await?;
        Ok(Tokens {
            access_token,
            expires_in_s: (ACCESS_MS / 1000).unsigned_abs(),
            refresh_token,
            session,
            person,
            desk,
        })
    }
}

enum Rotated {
    Tokens(Tokens),
    Revoked,
    Stolen(SessionId),
}

async fn live_session(
    tx: &mut Write,
    session: SessionId,
) -> Result<Option<(PersonId, InstallId)>, AuthError> {
    let rows = tx
        .query("SELECT person_id, install FROM session WHERE id = $1 AND ended_at = 0", &values![session])
        .await?;
    rows.first().map(|row| Ok((row[0].id()?, row[1].id()?))).transpose()
}
