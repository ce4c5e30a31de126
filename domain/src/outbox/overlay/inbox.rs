//! The inbox's order as a key that SQL can index.

use pocketdesk_protocol::{
    Millis,
    op::kind,
    rows::{DeskState, Status, TicketRow},
};

use super::{AccountFacts, TicketFacts, view};
use crate::{model::Delivery, outbox::StoredOp};

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

/// Further away than any time of this or the next centuries in ms.
const FAR: i64 = 1 << 60;

/// What the key is made of.
#[derive(Default)]
struct Traits {
    attention: bool,
    unsent: bool,
    replied: bool,
    asked: bool,
    rated: bool,
    updated_at: Millis,
}

/// Where a ticket stands in the inbox; none when it is not in it.
pub fn inbox_key(facts: &TicketFacts<'_>, account: &AccountFacts) -> Option<InboxKey> {
    let state = view::Ticket::read(facts, account)?;
    let all = || state.delivery.iter().chain(&state.pending);
    let shown = |kinds: &[&str]| {
        let of_kind = |op: &&StoredOp| kinds.contains(&op.kind.as_str());
        state.shown.iter().copied().filter(of_kind).any(|op| !op.is_attention())
    };
    let traits = Traits {
        attention: all().any(|delivery| matches!(delivery, Delivery::Attention { .. })),
        unsent: all().any(|delivery| {
            matches!(delivery, Delivery::Saved { .. } | Delivery::Sending { .. } | Delivery::Retrying { .. })
        }),
        replied: shown(&[kind::COMMENT_ADD]),
        asked: shown(&[kind::TICKET_CONFIRM, kind::TICKET_REOPEN, kind::TICKET_WITHDRAW]),
        rated: !state.rating_asked,
        updated_at: state.updated_at,
    };
    Some(key(facts.ticket.map(|row| &row.row), &traits))
}

/// Where a row stands that no op covers: what the store keeps beside it. `mine` says whether the person filed it,
/// `rated` is the solve round of their rating.
pub fn inbox_key_of_row(row: &TicketRow, mine: bool, rated: Option<u32>) -> InboxKey {
    let traits = Traits {
        attention: mine && matches!(row.desk, DeskState::Refused { .. }),
        rated: row.rating_asked.is_none() || row.rating_asked == rated,
        updated_at: row.updated_at,
        ..Traits::default()
    };
    key(Some(row), &traits)
}

fn key(row: Option<&TicketRow>, traits: &Traits) -> InboxKey {
    let status = row.map_or(Status::New, |row| row.status);
    let question = match status {
        Status::WaitsForRequester => !traits.replied && !traits.asked,
        Status::Solved => !traits.asked,
        Status::New | Status::Open | Status::Closed => false,
    };
    let newest_first = -traits.updated_at.clamp(0, FAR / 2);
    let (group, sort) = if traits.attention || question || !traits.rated {
        (InboxGroup::NeedsPerson, newest_first)
    } else if matches!(status, Status::Solved | Status::Closed) {
        (InboxGroup::Done, newest_first)
    } else if traits.unsent {
        (InboxGroup::Open, newest_first - FAR)
    } else {
        let deadline = row.and_then(|row| row.deadline.as_ref()).map(|deadline| deadline.at);
        (InboxGroup::Open, deadline.map_or(FAR + newest_first, |at| at.clamp(0, FAR / 4)))
    };
    InboxKey { group: group as i64, sort }
}
