//! Revisions: a number per topic that moves with every commit that touches it. A feed remembers the sum it last
//! looked at and asks again when it moved; nothing is queued, so a slow reader costs nothing and misses nothing.
//!
//! An atomic and a Notify, not `tokio::sync::watch`: that one wakes its waiters in random order.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::store::Changes;

/// What a feed may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The list of tickets.
    Inbox,
    /// Screens of tickets.
    Tickets,
    /// Ops.
    Outbox,
    /// Drafts.
    Drafts,
    /// Accounts and sessions: what every screen is drawn by.
    Accounts,
    /// Where sync stands: no ticket's screen looks at it.
    Sync,
    /// Files and their bytes.
    Files,
}

const TOPICS: usize = 7;

/// The revisions of one folder, all accounts together: what moved is asked for again, so that a commit of another
/// account costs a query at most.
#[derive(Debug, Default)]
pub struct Topics {
    revisions: [AtomicU64; TOPICS],
    moved: Notify,
    closed: AtomicBool,
}

impl Topics {
    /// Moves one.
    pub fn move_on(&self, topic: Topic) {
        self.revisions[topic as usize].fetch_add(1, Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Moves what a commit touched.
    pub fn commit(&self, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        let touched = [
            (Topic::Inbox, changes.inbox || changes.everything),
            (Topic::Tickets, !changes.tickets.is_empty() || changes.everything),
            (Topic::Outbox, changes.outbox || changes.everything),
            (Topic::Drafts, changes.drafts),
            (Topic::Accounts, changes.account || changes.everything),
            (Topic::Sync, changes.synced),
            (Topic::Files, changes.files || changes.everything),
        ];
        for (topic, _) in touched.into_iter().filter(|(_, touched)| *touched) {
            self.revisions[topic as usize].fetch_add(1, Ordering::SeqCst);
        }
        self.moved.notify_waiters();
    }

    /// Everything ends: feeds answer none.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn sum(&self, topics: &[Topic]) -> u64 {
        topics.iter().map(|topic| self.revisions[*topic as usize].load(Ordering::SeqCst)).sum()
    }

    pub(super) fn moved(&self) -> &Notify {
        &self.moved
    }
}
