//! The journals: one per scope, moved by the last statements of every writing transaction.
//!
//! Neither a serial nor `updated_at` orders commits: a transaction that took its number first and commits last is
//! skipped by whoever read in between. Here a commit takes its place in a scope by locking that scope's head, holds it
//! until it is durable, and leaves a random tag: positions are gap-free, in commit order, and another history at the
//! same position is noticed. Heads are locked in sorted order, so that two commits never wait for each other.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    Millis,
    ids::{EntityId, Epoch, Scope},
    sync::Ack,
};

use crate::{
    store::{StoreError, Tx, Value, placeholders},
    values,
};

pub mod backfill;
pub mod cursor;
pub mod hints;
pub mod page;
pub mod rows;
pub mod trim;

/// What a transaction touched: each row, and the scopes that hold it before or after.
#[derive(Debug, Clone, Default)]
pub struct Touched(BTreeMap<Scope, BTreeSet<(&'static str, EntityId)>>);

impl Touched {
    /// A row moved in these scopes.
    pub fn row(&mut self, scopes: impl IntoIterator<Item = Scope>, kind: &'static str, entity: EntityId) {
        let leak = pocketdesk_protocol::planted::is("everybody-sees").then_some(Scope::Desk);
        for scope in scopes.into_iter().chain(leak) {
            self.0.entry(scope).or_default().insert((kind, entity));
        }
    }

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Distinct rows touched.
    pub fn rows(&self) -> usize {
        self.0.values().flatten().collect::<BTreeSet<_>>().len()
    }

    /// The scopes touched.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.0.keys().copied()
    }

    /// All of `other` too.
    pub fn merge(&mut self, other: Self) {
        for (scope, rows) in other.0 {
            self.0.entry(scope).or_default().extend(rows);
        }
    }
}

/// The server's epoch.
pub async fn epoch(tx: &mut dyn Tx) -> Result<Epoch, StoreError> {
    let rows = tx.query("SELECT value FROM meta WHERE name = 'epoch'", &[]).await?;
    let text = rows.first().map_or(Ok(""), |row| row[0].text())?;
    let number = text.parse().map_err(|_| {
        StoreError::Failed(
            "this database has no epoch: it was not opened by the server, or its restore was cut".into(),
        )
    })?;
    Ok(Epoch(number))
}

/// Gives a new scope its journal: a head of 0 with a commit row, so that a cursor can stand there.
pub async fn begin_scope(tx: &mut dyn Tx, scope: Scope, tag: i64, now: Millis) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO journal_head (scope, seq) VALUES ($1, 0) ON CONFLICT (scope) DO NOTHING",
        &values![scope],
    )
    .await?;
    tx.execute(
        "INSERT INTO journal_commit (scope, seq, tag, at) VALUES ($1, 0, $2, $3) ON CONFLICT (scope, seq) DO NOTHING",
        &values![scope, tag, now],
    )
    .await?;
    Ok(())
}

/// Appends what was touched: the last statements of every writing transaction. Answers the commit in every journal.
pub async fn append(
    tx: &mut dyn Tx,
    touched: &Touched,
    tag: i64,
    now: Millis,
) -> Result<Vec<Ack>, StoreError> {
    let mut acks = Vec::with_capacity(touched.0.len());
    // All heads first, in sorted order: from here to the commit nobody else is at these positions.
    for scope in touched.scopes() {
        let rows = tx
            .query(
                "INSERT INTO journal_head (scope, seq) VALUES ($1, 1) \
                 ON CONFLICT (scope) DO UPDATE SET seq = journal_head.seq + 1 RETURNING seq",
                &values![scope],
            )
            .await?;
        acks.push(Ack { scope, seq: rows[0][0].int()?, tag });
    }
    for (ack, rows) in acks.iter().zip(touched.0.values()) {
        if ack.seq == 1 {
            begin_scope(tx, ack.scope, !tag, now).await?;
        }
        tx.execute(
            "INSERT INTO journal_commit (scope, seq, tag, at) VALUES ($1, $2, $3, $4)",
            &values![ack.scope, ack.seq, tag, now],
        )
        .await?;
        let told = if pocketdesk_protocol::planted::is("journal-skips") {
            rows.len().div_ceil(2)
        } else {
            rows.len()
        };
        for part in rows.iter().take(told).collect::<Vec<_>>().chunks(100) {
            let mut values: Vec<Value> = values![ack.scope, ack.seq].into();
            let mut list = Vec::with_capacity(part.len());
            for (kind, entity) in part {
                let n = values.len() + 1;
                list.push(format!("($1, {}, $2)", placeholders(n, 2)));
                values.extend(values![*kind, *entity]);
            }
            let sql = format!(
                "INSERT INTO journal_item (scope, kind, entity, seq) VALUES {} \
                 ON CONFLICT (scope, kind, entity) DO UPDATE SET seq = excluded.seq",
                list.join(", ")
            );
            tx.execute(&sql, &values).await?;
        }
    }
    Ok(acks)
}

/// Where these journals stand, in the scopes' order.
pub async fn heads(tx: &mut dyn Tx, scopes: &BTreeSet<Scope>) -> Result<Vec<Ack>, StoreError> {
    let values: Vec<Value> = scopes.iter().map(|scope| (*scope).into()).collect();
    let sql = format!(
        "SELECT h.scope, h.seq, c.tag FROM journal_head h JOIN journal_commit c ON c.scope = h.scope AND c.seq = h.seq \
         WHERE h.scope IN ({})",
        placeholders(1, values.len())
    );
    let mut acks = Vec::with_capacity(scopes.len());
    for row in tx.query(&sql, &values).await? {
        acks.push(Ack { scope: scope(&row[0])?, seq: row[1].int()?, tag: row[2].int()? });
    }
    acks.sort_by_key(|ack| ack.scope);
    Ok(acks)
}

/// A scope from its column.
pub fn scope(value: &Value) -> Result<Scope, StoreError> {
    value.text()?.parse().map_err(StoreError::Failed)
}
