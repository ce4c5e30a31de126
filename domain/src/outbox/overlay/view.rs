//! From facts to what a shell draws.

use pocketdesk_protocol::ids::TicketId;

use super::{AccountFacts, TicketFacts};
use crate::{
    model::{OutboxItem, TicketSummary, TicketView},
    outbox::StoredOp,
};

/// The inbox's row of a ticket; none when nothing of it can be shown (only ops without a create and no row).
pub fn summary(ticket: TicketId, facts: &TicketFacts<'_>, account: &AccountFacts) -> Option<TicketSummary> {
    let _ = (ticket, facts, account);
    unimplemented!("follows within the hour")
}

/// A ticket's screen.
pub fn ticket_view(ticket: TicketId, facts: &TicketFacts<'_>, account: &AccountFacts) -> Option<TicketView> {
    let _ = (ticket, facts, account);
    unimplemented!("follows within the hour")
}

/// An op that is not final (or that needs the person), as the outbox shows it.
pub fn outbox_item(op: &StoredOp, facts: &TicketFacts<'_>, account: &AccountFacts) -> OutboxItem {
    let _ = (op, facts, account);
    unimplemented!("follows within the hour")
}
