//! What every service function stands on: the store, the ports, the desk's policy and the hints that wake waiters.

use std::sync::Arc;

use pocketdesk_protocol::{
    Millis,
    ids::{InstallId, PersonId, SessionId},
    limits::Limits,
};

use crate::{
    backup::outside::Outside,
    desk::Desk,
    env::Env,
    journal::hints::ChangeHints,
    store::{Store, StoreError},
    sync::receipt::ReceiptKey,
};

/// Milliseconds of a day.
pub const DAY_MS: Millis = 24 * 60 * 60 * 1000;

/// What the desk's operator may set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Sizes of what comes from a phone.
    pub limits: Limits,
    /// How long after solving a ticket may be reopened.
    pub reopen_window_ms: Millis,
    /// How long after solving it may be rated.
    pub rating_window_ms: Millis,
    /// How long a phone keeps applied ops in case the server is restored.
    pub restore_window_ms: Millis,
    /// How old a wish may be on arrival and still count as made inside its window.
    pub late_ms: Millis,
    /// How far back journals reach at least.
    pub horizon_ms: Millis,
    /// After how long a file whose bytes did not come is `missing`.
    pub missing_after_ms: Millis,
    /// Best mark of the desk's scale.
    pub rating_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            reopen_window_ms: 7 * DAY_MS,
            rating_window_ms: 30 * DAY_MS,
            restore_window_ms: 30 * DAY_MS,
            late_ms: 7 * DAY_MS,
            horizon_ms: 30 * DAY_MS,
            missing_after_ms: 14 * DAY_MS,
            rating_max: 5,
        }
    }
}

/// Who asks, as the access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The sign-in.
    pub session: SessionId,
    /// Whose.
    pub person: PersonId,
    /// From which copy of the app.
    pub install: InstallId,
}

/// Everything a service function needs. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Where rows live.
    pub store: Arc<dyn Store>,
    /// Clock, chance, work.
    pub env: Env,
    /// The operator's choices.
    pub policy: Arc<Policy>,
    /// Signs receipts and cursors; lies outside the backup.
    pub key: Arc<ReceiptKey>,
    /// The help desk behind this server.
    pub desk: Arc<dyn Desk>,
    /// Wakes live streams and waiting pulls.
    pub hints: Arc<ChangeHints>,
    /// What must outlive a restore: erasures and the highest numbers given.
    pub outside: Arc<dyn Outside>,
}

/// Why a service function could not do what it was asked; never about one op of a phone, which has a verdict.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is no such thing, or not for this person: the two look alike.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The request breaks a rule; a sentence for whoever sent it.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The database failed; asking again may help.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What must lie outside the database could not be written; nothing was changed.
    #[error("the files beside the database could not be written: {0}")]
    Outside(#[from] std::io::Error),
}

impl ServiceError {
    /// A broken rule.
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }
}

/// What a [`Context`] is opened from.
pub struct Parts {
    /// See [`crate::store::open`].
    pub store: Arc<dyn Store>,
    /// See [`Env`].
    pub env: Env,
    /// See [`Policy`].
    pub policy: Policy,
    /// See [`ReceiptKey`].
    pub key: ReceiptKey,
    /// See [`Desk`].
    pub desk: Arc<dyn Desk>,
    /// See [`Outside`].
    pub outside: Arc<dyn Outside>,
}

impl Context {
    /// Begins the server's life on a migrated database: gives a new one its epoch, its desk id and the desk's
    /// journal, refuses one whose restore did not end, and finishes what a crash cut off.
    pub async fn open(parts: Parts) -> Result<Self, ServiceError> {
        let Parts { store, env, policy, key, desk, outside } = parts;
        let ctx = Self {
            store,
            env,
            policy: Arc::new(policy),
            key: Arc::new(key),
            desk,
            hints: Arc::default(),
            outside,
        };
        unimplemented!("open {}", ctx.store.kind())
    }
}
