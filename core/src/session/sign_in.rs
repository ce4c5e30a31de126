//! Signing in by a code from an e-mail. What the code needs besides itself stays on this phone, in the secrets: a
//! code read over somebody's shoulder is of no use elsewhere, and another process of the same folder may finish.

use pocketdesk_protocol::{
    ids::{InstallId, SignInId},
    session::{Me, SignInAsked, SignInCode, SignInEmail, Tokens, problem},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    env::Env,
    error::{Error, Result},
    remote::{address, answer::Failure, api::Api},
};

/// The code is digits and short: what a mail program adds around it is taken away.
const CODE_DIGITS: usize = 6;

/// A sign-in that was begun.
#[derive(Clone, Serialize, Deserialize)]
struct Pending {
    sign_in: SignInId,
    secret: String,
}

/// What a sign-in brought.
pub struct SignedIn {
    /// The server's address, normalised.
    pub server: String,
    /// Access and refresh token.
    pub tokens: Tokens,
    /// Who it is.
    pub me: Me,
}

/// The two fields of a sign-in, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The server's address, normalised.
    pub server: String,
    /// The person's, trimmed.
    pub email: String,
}

impl Address {
    /// Checks both.
    pub fn new(server: &str, email: &str) -> Result<Self> {
        let server = address::normalise(server)?;
        let email = email.trim().to_owned();
        let looks_right = email.len() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control())
            && email.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if !looks_right {
            return Err(Error::Invalid {
                field: "email",
                reason: "this is not an e-mail address".to_owned(),
            });
        }
        Ok(Self { server, email })
    }

    /// Where the secrets keep what the code needs; one sign-in at a time for each address at each desk.
    fn secret_name(&self) -> String {
        let digest = Sha256::digest(format!("{}\n{}", self.server, self.email.to_lowercase()));
        format!("sign-in-{}", hex(&digest[..8]))
    }
}

/// Asks for a code.
pub async fn start(env: &Env, api: &Api, address: &Address, locale: &str) -> Result<SignInAsked> {
    let mut secret = [0; 32];
    env.rng.fill(&mut secret);
    let language = locale.split(['-', '_', '.']).next().unwrap_or_default().to_lowercase();
    let body = SignInEmail {
        email: address.email.clone(),
        challenge: hex(&Sha256::digest(secret)),
        locale: ["ru", "uk", "en"].contains(&language.as_str()).then_some(language),
    };
    let asked = api.sign_in_email(&body).await?;
    let pending = Pending { sign_in: asked.sign_in, secret: hex(&secret) };
    let kept = serde_json::to_vec(&pending).expect("two strings are JSON");
    let (secrets, name) = (env.secrets.clone(), address.secret_name());
    blocking(env, move || secrets.save(&name, &kept)).await?;
    Ok(asked)
}

/// Gives the code. What it needed is forgotten once the desk has taken it.
pub async fn finish(
    env: &Env,
    api: &Api,
    address: &Address,
    code: &str,
    install: InstallId,
    device: &str,
) -> Result<SignedIn> {
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if code.len() != CODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Invalid { field: "code", reason: format!("the code has {CODE_DIGITS} digits") });
    }
    let (secrets, name) = (env.secrets.clone(), address.secret_name());
    let of = name.clone();
    let kept = blocking(env, move || secrets.load(&of)).await?;
    let pending: Option<Pending> = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
    // Without it no code can be right: as good as expired.
    let pending = pending.ok_or_else(expired)?;
    let body = SignInCode {
        sign_in: pending.sign_in,
        code,
        secret: pending.secret,
        install,
        device: device.to_owned(),
    };
    let tokens = api.sign_in_code(&body).await?;
    let me = api.me(&tokens.access_token).await?;
    let secrets = env.secrets.clone();
    blocking(env, move || secrets.remove(&name)).await?;
    Ok(SignedIn { server: address.server.clone(), tokens, me })
}

fn expired() -> Error {
    Failure::Refused { status: 410, code: problem::CODE_EXPIRED.to_owned(), tries_left: None }.into()
}

async fn blocking<T: Send + 'static>(env: &Env, job: impl FnOnce() -> T + Send + 'static) -> T {
    Env::run(&*env.work.queue("secrets"), job).await
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_slip_in_an_address_is_said_before_anything_is_sent() {
        for email in ["", "olena", "@example.com", "olena@", "olena @example.com"] {
            let refused = Address::new("https://desk.example.com", email).expect_err(email);
            assert!(matches!(refused, Error::Invalid { field: "email", .. }));
        }
        assert!(Address::new("https://desk.example.com", " olena@example.com ").is_ok());
    }

    #[test]
    fn two_desks_and_two_people_do_not_mix_their_codes() {
        let name = |server, email| Address::new(server, email).expect("an address").secret_name();
        let one = name("https://a.example.com", "olena@example.com");
        assert_ne!(one, name("https://b.example.com", "olena@example.com"));
        assert_ne!(one, name("https://a.example.com", "taras@example.com"));
        assert_eq!(one, name("https://A.example.com/", "Olena@example.com"));
        assert!(one.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
    }
}
