//! Who asks. An address proves itself by a mailed code; from then on a session lives by short access tokens and a
//! refresh token that is spent in every rotation.
//!
//! - A code is six digits, good for ten minutes and five tries, and only on the phone that asked: it must show the
//!   secret behind its challenge. Known and unknown addresses get the same answer after the same work; the mail
//!   leaves in the background.
//! - A rotation has a name the phone commits before it sends: asked again under that name, the server repeats its
//!   answer, so a lost answer signs nobody out. A spent token under another name was stolen from one of two
//!   holders, and nobody can say from which: the whole session ends. An unknown token (the server was restored) is
//!   `revoked`, never theft.
//! - Tokens are stored hashed. A successor is an HMAC of the token it replaces and the rotation's name, which is how
//!   an answer can be repeated without keeping it.

pub mod keys;
pub mod sessions;
pub mod sign_in;
pub mod tokens;

use std::sync::Arc;

use pocketdesk_protocol::{Millis, ids::SessionId};

use self::keys::Keys;
use crate::{
    config::SignUp,
    context::{Context, ServiceError},
    mail::Post,
    store::{StoreError, write::MayRetry},
};

/// Milliseconds a code is good for.
pub const CODE_MS: Millis = 10 * 60 * 1000;
/// Wrong codes until an asking is void.
pub const CODE_TRIES: u32 = 5;
/// Milliseconds an access token lives.
pub const ACCESS_MS: Millis = 15 * 60 * 1000;
/// Bytes of an address: what SMTP can carry.
pub const EMAIL_BYTES: usize = 254;
/// Characters of a device's name that are kept.
pub const DEVICE_CHARS: usize = 100;

/// Why somebody does not get in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No token, an expired one, or one nobody knows.
    #[error("sign in, or refresh the access token")]
    Unauthorized,
    /// The session is ended.
    #[error("this session is ended; sign in again")]
    Revoked,
    /// Another code.
    #[error("this is not the code that was mailed")]
    WrongCode {
        /// Tries left.
        tries_left: u32,
    },
    /// The code's time or tries are over, or it was never asked for.
    #[error("this code can no longer be used; ask for a new one")]
    CodeExpired,
    /// Too many codes to one address.
    #[error("too many codes were asked for; wait")]
    TooMany {
        /// Seconds.
        retry_after_s: u64,
    },
    /// A field is wrong.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What would be right.
        reason: &'static str,
    },
    /// Below.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl MayRetry for AuthError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Service(error) => error.store_error(),
            _ => None,
        }
    }
}

/// Who may enter, and how many codes an address gets.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Who may enter.
    pub sign_up: SignUp,
    /// For [`SignUp::Domains`], lower-case.
    pub domains: Vec<String>,
    /// Codes to one address in an hour.
    pub mails_an_hour: u32,
}

/// Sign-in, tokens and sessions over one [`Context`].
pub struct Auth {
    ctx: Context,
    keys: Keys,
    rules: Rules,
    post: Arc<dyn Post>,
    ended: tokio::sync::broadcast::Sender<SessionId>,
}

impl Auth {
    /// `post` carries the codes.
    pub fn new(ctx: Context, keys: Keys, rules: Rules, post: Arc<dyn Post>) -> Self {
        Self { ctx, keys, rules, post, ended: tokio::sync::broadcast::Sender::new(256) }
    }

    /// The server's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Hears of sessions that end on this replica; whoever must know of all asks [`Auth::is_live`] too.
    pub fn endings(&self) -> tokio::sync::broadcast::Receiver<SessionId> {
        self.ended.subscribe()
    }
}
