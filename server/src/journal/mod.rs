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

use crate::store::{StoreError, Tx, Value};

pub mod hints;

/// What a transaction touched: each row, and the scopes that hold it before or after.
#[derive(Debug, Clone, Default)]
pub struct Touched(BTreeMap<Scope, BTreeSet<(&'static str, EntityId)>>);

impl Touched {
    /// A row moved in these scopes.
    pub fn row(&mut self, scopes: impl IntoIterator<Item = Scope>, kind: &'static str, entity: EntityId) {
        for scope in scopes {
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
}

/// The server's epoch.
pub async fn epoch(tx: &mut dyn Tx) -> Result<Epoch, StoreError> {
    let _ = tx;
    unimplemented!("epoch")
}

/// Appends what was touched: the last statements of every writing transaction.
pub async fn append(
    tx: &mut dyn Tx,
    touched: &Touched,
    tag: i64,
    now: Millis,
) -> Result<Vec<Ack>, StoreError> {
    let _ = (tx, touched, tag, now, Value::Null);
    unimplemented!("append")
}
