//! The inbox's order as a key that SQL can index.

use super::{AccountFacts, TicketFacts};

/// Which part of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InboxGroup {
    /// Attention, the desk's question, "solved?", a rating asked for.
    NeedsPerson = 0,
    /// Open: unsent first, then nearest promise.
    Open = 1,
    /// Solved and closed.
    Done = 2,
}

/// Ascending order: `ORDER BY group_no, sort, ticket DESC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboxKey {
    /// [`InboxGroup`] as a number.
    pub group: i64,
    /// Within the group.
    pub sort: i64,
}

/// Where a ticket stands in the inbox.
pub fn inbox_key(facts: &TicketFacts<'_>, account: &AccountFacts) -> InboxKey {
    let _ = (facts, account);
    unimplemented!("follows within the hour")
}
