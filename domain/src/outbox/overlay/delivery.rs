//! Which word of `Delivery` is true of an op or row; the one place with the order of precedence.
//!
//! For an op, from the strongest:
//! 1. a final verdict: rejected is attention; applied is what the row says of the desk, else the number the verdict
//!    named, else delivered;
//! 2. an op of a newer app waits for one;
//! 3. one the server cannot take needs the person;
//! 4. one under way is sending;
//! 5. behind one that needs the person it waits for lane or ticket: no connection would change that;
//! 6. a paused account waits for a sign-in or a newer app;
//! 7. a ticket the server does not hold is waited for;
//! 8. no connection;
//! 9. a failed try has its next one;
//! 10. one before it in its lane is still on its way;
//! 11. else it goes at the next moment the network allows.

use pocketdesk_protocol::{
    Millis,
    op::kind,
    rows::{self, DeskState},
    sync::BlockedOn,
};

use super::{AccountFacts, TicketFacts};
use crate::{
    model::{AttentionReason, Delivery, PausedReason, WaitsFor},
    outbox::{
        Applied, OpState, StoredOp,
        lane::{Held, held},
        remedies,
    },
};

/// The delivery of an op. `facts.ops` has to hold all ops of its ticket.
pub fn delivery_of_op(op: &StoredOp, facts: &TicketFacts<'_>, account: &AccountFacts) -> Delivery {
    let saved = |waits_for| Delivery::Saved { waits_for, since: op.made_at };
    let attention = |why| {
        let status = facts.ticket.map(|row| row.row.status);
        Delivery::Attention { why, remedies: remedies::of_op(op, status) }
    };
    match &op.state {
        OpState::Rejected(rejected) => {
            return attention(AttentionReason::Rejected {
                code: rejected.code.clone(),
                text_key: rejected.text_key.clone(),
                text: rejected.text.clone(),
                field: rejected.field.clone(),
            });
        }
        OpState::Applied(applied) => return of_applied(op, applied, facts),
        OpState::Live => {}
    }
    if !op.is_known() {
        return saved(WaitsFor::NewerApp);
    }
    if op.is_stuck() {
        return attention(AttentionReason::ServerCannotTakeIt);
    }
    if account.sending.contains(&op.op) {
        return Delivery::Sending { sent: 0, total: 0 };
    }
    let held = held(op, facts.ops);
    match held {
        Some(Held::LaneAttention(_)) => return saved(WaitsFor::Lane),
        Some(Held::TicketAttention(_)) => return saved(WaitsFor::Ticket),
        Some(Held::LaneLive(_) | Held::TicketLive(_)) | None => {}
    }
    if let Some(waits_for) = paused(account) {
        return saved(waits_for);
    }
    if op.blocked == Some(BlockedOn::Ticket) {
        return saved(WaitsFor::Ticket);
    }
    if !account.online {
        return saved(WaitsFor::Network);
    }
    if let Some(why) = op.last_failure {
        return Delivery::Retrying { why, next: op.wake.due };
    }
    match held {
        Some(Held::TicketLive(_)) => saved(WaitsFor::Ticket),
        Some(Held::LaneLive(_)) => saved(WaitsFor::Lane),
        _ if op.blocked == Some(BlockedOn::Prev) => saved(WaitsFor::Lane),
        _ => saved(WaitsFor::Network),
    }
}

/// What a paused account's words wait for.
pub(super) fn paused(account: &AccountFacts) -> Option<WaitsFor> {
    account.paused.map(|why| match why {
        PausedReason::AppTooOld => WaitsFor::NewerApp,
        PausedReason::NotSignedIn | PausedReason::SignedOut | PausedReason::Damaged => WaitsFor::SignIn,
    })
}

fn of_applied(op: &StoredOp, applied: &Applied, facts: &TicketFacts<'_>) -> Delivery {
    let delivered = Delivery::Delivered { at: applied.seen_at };
    if !matches!(op.kind.as_str(), kind::TICKET_CREATE | kind::COMMENT_ADD | kind::ENTITY_AMEND) {
        return delivered;
    }
    let (row_kind, entity) = op.target_row();
    let row = if row_kind == rows::kind::COMMENT {
        let row = facts.comments.iter().find(|row| row.id == entity);
        row.map(|row| (row.v, &row.row.desk, row.row.created_at))
    } else {
        facts.ticket.map(|row| (row.v, &row.row.desk, row.row.created_at))
    };
    match row {
        Some((v, desk, at)) if v >= applied.v && facts.cache.epoch == Some(applied.epoch) => {
            delivery_of_row(desk, at)
        }
        // The verdict names the ticket's number; a reply has none of its own.
        _ if applied.number.is_some() => {
            let number = applied.number.clone().filter(|_| row_kind == rows::kind::TICKET);
            Delivery::Registered { number }
        }
        _ => delivered,
    }
}

/// The delivery of the person's own row that no op covers any more. `at` is when the server took it.
pub fn delivery_of_row(desk: &DeskState, at: Millis) -> Delivery {
    match desk {
        DeskState::Pending => Delivery::Delivered { at },
        DeskState::Registered { number } => Delivery::Registered { number: number.clone() },
        DeskState::Refused { code, text_key, words, .. } => Delivery::Attention {
            why: AttentionReason::Refused {
                code: code.clone(),
                text_key: text_key.clone(),
                words: words.clone(),
            },
            remedies: remedies::of_refused(desk),
        },
    }
}

/// How pressing an unfinished delivery is; none for one that is settled.
pub(super) fn pressing(delivery: &Delivery) -> Option<u8> {
    match delivery {
        Delivery::Attention { .. } => Some(3),
        Delivery::Retrying { .. } => Some(2),
        Delivery::Saved { .. } => Some(1),
        Delivery::Sending { .. } => Some(0),
        Delivery::Draft | Delivery::Delivered { .. } | Delivery::Registered { .. } => None,
    }
}
