//! A writing transaction: what it touched is gathered while it runs and appended to the journals as its last
//! statements, so that no change of a synced row can be committed beside the journal.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{Millis, ids::Epoch, sync::Ack};

use super::{Mode, Row, StoreError, Tx, Value};
use crate::{
    backup::outside::{Outside, high_water},
    context::{Context, ServiceError},
    env::Env,
    journal::{self, Touched, hints::Hint},
    values,
};

/// Times a transaction is run again before its caller hears of it.
const ATTEMPTS: u32 = 12;

/// Numbers noted outside the database at once.
const NUMBERS_RESERVED: i64 = 100;

/// Tables whose rows travel to phones.
const SYNCED: [&str; 8] =
    ["ticket", "comment", "attachment", "event", "read_mark", "rating", "participant", "catalogue"];

/// A writing transaction. Dropped without [`Write::commit`] it leaves nothing behind.
pub struct Write {
    tx: Box<dyn Tx>,
    /// The ports.
    pub env: Env,
    /// The server's clock when it began; every row of the transaction carries it.
    pub now: Millis,
    /// The server's epoch.
    pub epoch: Epoch,
    /// The tag of its commit in every journal it touches.
    pub tag: i64,
    /// What it touched so far.
    pub touched: Touched,
    changed: bool,
    outside: Arc<dyn Outside>,
}

impl Write {
    /// Begins one.
    pub async fn begin(ctx: &Context) -> Result<Self, StoreError> {
        let mut tx = ctx.store.begin(Mode::Write).await?;
        let epoch = journal::epoch(tx.as_mut()).await?;
        let tag = i64::from_le_bytes(ctx.env.random());
        let now = ctx.env.clock.now();
        Ok(Self {
            tx,
            env: ctx.env.clone(),
            now,
            epoch,
            tag,
            touched: Touched::default(),
            changed: false,
            outside: ctx.outside.clone(),
        })
    }

    /// The transaction itself, for functions that read in either mode.
    pub fn tx(&mut self) -> &mut dyn Tx {
        self.tx.as_mut()
    }

    /// See [`Tx::query`].
    pub async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let rows = self.tx.query(sql, values).await?;
        self.changed |= !rows.is_empty() && changes_synced(sql);
        Ok(rows)
    }

    /// See [`Tx::execute`].
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let rows = self.tx.execute(sql, values).await?;
        self.changed |= rows > 0 && changes_synced(sql);
        Ok(rows)
    }

    /// See [`Tx::for_update`].
    pub fn for_update(&self) -> &'static str {
        self.tx.for_update()
    }

    /// Begins a savepoint; what was touched after it is forgotten if it is undone.
    pub async fn savepoint(&mut self) -> Result<(Touched, bool), StoreError> {
        self.tx.savepoint().await?;
        Ok((self.touched.clone(), self.changed))
    }

    /// Keeps what came after the savepoint.
    pub async fn keep(&mut self) -> Result<(), StoreError> {
        self.tx.release(true).await
    }

    /// Undoes what came after the savepoint.
    pub async fn undo(&mut self, before: (Touched, bool)) -> Result<(), StoreError> {
        (self.touched, self.changed) = before;
        self.tx.release(false).await
    }

    /// Appends to the journals and commits; durable when it returns. Answers its commit in every journal it touched.
    pub async fn commit(mut self) -> Result<Vec<Ack>, StoreError> {
        // The safety net of the journal: a row that moved and is in no journal is a row nobody will ever see.
        debug_assert!(
            !self.changed || !self.touched.is_empty(),
            "a synced row changed and no journal was told"
        );
        let acks = journal::append(self.tx.as_mut(), &self.touched, self.tag, self.now).await?;
        self.tx.commit().await?;
        Ok(acks)
    }

    /// The next number of a ticket. Serialises the transactions that give one; a rollback gives it back.
    pub async fn next_number(&mut self) -> Result<i64, StoreError> {
        self.next("number").await
    }

    /// The next revision of anybody's scopes.
    pub async fn next_scopes_rev(&mut self) -> Result<i64, StoreError> {
        self.next("scopes_rev").await
    }

    /// Counts on in a row. Blocks are noted outside the database before a number of theirs is given, so that a
    /// restore knows what may have been given since its backup.
    async fn next(&mut self, counter: &str) -> Result<i64, StoreError> {
        let rows = self
            .query(
                "INSERT INTO counter (name, value) VALUES ($1, 1) \
                 ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value, reserved",
                &values![counter],
            )
            .await?;
        let (value, reserved) = (rows[0][0].int()?, rows[0][1].int()?);
        if value > reserved {
            let up_to = value + NUMBERS_RESERVED - 1;
            high_water::note(self.outside.as_ref(), counter, up_to)?;
            self.execute("UPDATE counter SET reserved = $2 WHERE name = $1", &values![counter, up_to])
                .await?;
        }
        Ok(value)
    }
}

/// Whether a statement changes rows that travel to phones.
fn changes_synced(sql: &str) -> bool {
    let mut words = sql.split_ascii_whitespace();
    let table = match (words.next(), words.next()) {
        (Some("UPDATE"), table) => table,
        (Some("INSERT" | "DELETE"), Some("INTO" | "FROM")) => words.next(),
        _ => return false,
    };
    table.and_then(|table| table.split('(').next()).is_some_and(|name| SYNCED.contains(&name))
}

/// An error that may hold a store's wish to have the transaction run again.
pub trait MayRetry: From<StoreError> + Send {
    /// The store's error in it, if that is what it is.
    fn store_error(&self) -> Option<&StoreError>;
}

impl MayRetry for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl MayRetry for ServiceError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// Runs `work` in a transaction and commits it; runs all of it again when the store says so. `work` may borrow what
/// lives as long as `'a`; its second argument only carries that bound:
/// `with_write(ctx, move |tx, _| Box::pin(async move { … }))`.
pub async fn with_write<'a, T, E, W>(ctx: &Context, work: W) -> Result<T, E>
where
    T: Send,
    E: MayRetry,
    W: for<'t> FnMut(&'t mut Write, [&'t &'a (); 0]) -> BoxFuture<'t, Result<T, E>> + Send,
{
    with_write_acks(ctx, work).await.map(|(value, _)| value)
}

/// As [`with_write`]; also answers the commit in every journal it touched.
pub async fn with_write_acks<'a, T, E, W>(ctx: &Context, mut work: W) -> Result<(T, Vec<Ack>), E>
where
    T: Send,
    E: MayRetry,
    W: for<'t> FnMut(&'t mut Write, [&'t &'a (); 0]) -> BoxFuture<'t, Result<T, E>> + Send,
{
    let mut failed = 0;
    loop {
        let error = match attempt(ctx, &mut work).await {
            Ok((value, acks)) => {
                for ack in &acks {
                    ctx.tell(Hint { scope: ack.scope, seq: ack.seq });
                }
                return Ok((value, acks));
            }
            Err(error) => error,
        };
        if !matches!(error.store_error(), Some(StoreError::Retry(_))) || failed == ATTEMPTS {
            return Err(error);
        }
        failed += 1;
        tracing::debug!(failed, "a transaction is run again");
        let most_ms = 1u64 << failed.min(8);
        let jitter_us = u64::from_le_bytes(ctx.env.random()) % (most_ms * 1000);
        ctx.env.clock.sleep(Duration::from_micros(jitter_us)).await;
    }
}

async fn attempt<'a, T, E, W>(ctx: &Context, work: &mut W) -> Result<(T, Vec<Ack>), E>
where
    E: MayRetry,
    W: for<'t> FnMut(&'t mut Write, [&'t &'a (); 0]) -> BoxFuture<'t, Result<T, E>> + Send,
{
    let mut tx = Write::begin(ctx).await?;
    let value = work(&mut tx, []).await?;
    let acks = tx.commit().await?;
    Ok((value, acks))
}
