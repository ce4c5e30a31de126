//! Signing in, tokens, and what a session is: `/sign-in/…`, `/token`, `/sessions`, `GET /me`.

use serde::{Deserialize, Serialize};

use crate::{
    Millis,
    ids::{CompanyId, DeskId, Epoch, InstallId, PersonId, RotationId, SessionId, SignInId, SiteId},
    limits::Limits,
    rows::Named,
    sync::Ack,
};

/// Body of `POST /sign-in/email`. Answered alike, in the same time, for known and unknown addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignInEmail {
    /// Where to send the code.
    pub email: String,
    /// SHA-256 of a secret that stays on the asking phone, lower-case hex: a code read over somebody's shoulder is
    /// of no use elsewhere.
    pub challenge: String,
    /// Language of the mail: `ru`, `uk` or `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// Answer of `POST /sign-in/email`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignInAsked {
    /// Names this asking.
    pub sign_in: SignInId,
    /// Seconds until the code is void.
    pub expires_in_s: u64,
}

/// Body of `POST /sign-in/code`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignInCode {
    /// Which asking.
    pub sign_in: SignInId,
    /// Six digits.
    pub code: String,
    /// The secret behind the challenge, lower-case hex.
    pub secret: String,
    /// Which copy of the app.
    pub install: InstallId,
    /// As the person knows the device; shown in the list of sessions.
    pub device: String,
}

/// Answer of `POST /sign-in/code` and `POST /token`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Tokens {
    /// Bearer of every other request.
    pub access_token: String,
    /// Seconds the access token lives.
    pub expires_in_s: u64,
    /// Good for one rotation.
    pub refresh_token: String,
    /// Which session.
    pub session: SessionId,
    /// Whose.
    pub person: PersonId,
    /// At which desk.
    pub desk: DeskId,
}

/// Body of `POST /token`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TokenRequest {
    /// The newest refresh token the phone holds.
    pub refresh_token: String,
    /// Made and committed before it is sent: asked again with the same one, the server repeats its answer.
    pub rotation: RotationId,
}

/// One sign-in, as its person sees it in `GET /sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SessionView {
    /// For `DELETE /sessions/{id}`.
    pub id: SessionId,
    /// As named at sign-in.
    pub device: String,
    /// When it signed in.
    pub created_at: Millis,
    /// When it last asked for anything.
    pub used_at: Millis,
    /// Whether it is the asking one.
    pub current: bool,
}

/// Answer of `GET /me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Me {
    /// The desk.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub desk: Named<DeskId>,
    /// The person.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub person: Named<PersonId>,
    /// Their address.
    pub email: String,
    /// The company they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub company: Option<Named<CompanyId>>,
    /// Sites they may file for.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Object>))]
    pub sites: Vec<Named<SiteId>>,
    /// The server's epoch.
    pub epoch: Epoch,
    /// The revision of the session's scopes.
    pub scopes_rev: i64,
    /// The session's scopes and where their journals stand.
    pub heads: Vec<Ack>,
    /// The server's clock.
    pub server_time: Millis,
    /// Milliseconds an applied op is kept on the phone in case the server is restored.
    pub restore_window_ms: i64,
    /// What the desk allows.
    pub limits: Limits,
}

/// Body of every error answer of the API (RFC 9457 in spirit: a machine's name and a sentence).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A machine's name: one of [`problem`].
    pub code: String,
    /// A sentence in English for logs and developers.
    pub detail: String,
    /// Tries left, for a wrong code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
}

/// Names of problems that concern the session, never an op.
pub mod problem {
    #![allow(missing_docs)]
    pub const UNAUTHORIZED: &str = "unauthorized";
    /// The refresh token or session is ended: the only one that pauses an account.
    pub const REVOKED: &str = "revoked";
    pub const WRONG_CODE: &str = "wrong_code";
    pub const CODE_EXPIRED: &str = "code_expired";
    pub const TOO_MANY_REQUESTS: &str = "too_many_requests";
    pub const TOO_LARGE: &str = "too_large";
    pub const TOO_OLD: &str = "too_old";
    pub const NOT_FOUND: &str = "not_found";
    pub const BAD_REQUEST: &str = "bad_request";
    pub const UNAVAILABLE: &str = "unavailable";
    pub const DIGEST_MISMATCH: &str = "digest_mismatch";
}

macro_rules! secret_debug {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            /// Nothing of it: these go through logs and errors by accident.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), " { … }"))
            }
        }
    )+};
}
secret_debug!(SignInEmail, SignInCode, Tokens, TokenRequest);
