//! What every service function stands on: the store, the ports, the desk's policy and the hints that wake waiters.

use std::sync::Arc;

use pocketdesk_protocol::{
    Millis,
    ids::{Epoch, InstallId, PersonId, Scope, SessionId},
    limits::Limits,
};

use crate::{
    backup::outside::{Outside, high_water},
    desk::Desk,
    env::Env,
    journal::hints::{ChangeHints, Hint},
    store::{Mode, Store, StoreError},
    sync::receipt::ReceiptKey,
    values,
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
        ctx.begin().await?;
        crate::journal::backfill::finish(&ctx).await?;
        crate::catalogue::finish(&ctx).await?;
        ctx.store.listen(ctx.hints.clone());
        Ok(ctx)
    }

    /// A journal moved: wakes who waits for it here and at the other servers on this database.
    pub fn tell(&self, hint: Hint) {
        self.hints.moved(hint);
        self.store.announce(hint);
    }

    async fn begin(&self) -> Result<(), ServiceError> {
        let mut tx = self.store.begin(Mode::Write).await?;
        tx.lock_schema().await?;
        let tx_ref = tx.as_mut();
        if !tx_ref.query("SELECT name FROM meta WHERE name = 'restoring'", &[]).await?.is_empty() {
            return Err(StoreError::Failed(
                "a restore into this database did not end: empty it and run the restore again".into(),
            )
            .into());
        }
        let now = self.env.clock.now();
        if tx_ref.query("SELECT name FROM meta WHERE name = 'epoch'", &[]).await?.is_empty() {
            let highest = high_water::highest(self.outside.as_ref(), "epoch")?;
            let epoch = Epoch::beginning(now.max((highest >> 16) + 1), u16::from_le_bytes(self.env.random()));
            high_water::note(self.outside.as_ref(), "epoch", epoch.0)?;
            let sql = "INSERT INTO meta (name, value) VALUES ($1, $2)";
            tx_ref.execute(sql, &values!["epoch", epoch.0.to_string()]).await?;
            tx_ref.execute(sql, &values!["desk", self.env.new_id()]).await?;
            // A database begun anew beside old files goes on where the old one may have been.
            for counter in ["number", "scopes_rev"] {
                let value = high_water::highest(self.outside.as_ref(), counter)?;
                tx_ref
                    .execute(
                        "INSERT INTO counter (name, value, reserved) VALUES ($1, $2, $2)",
                        &values![counter, value],
                    )
                    .await?;
            }
            let tag = i64::from_le_bytes(self.env.random());
            crate::journal::begin_scope(tx_ref, Scope::Desk, tag, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
