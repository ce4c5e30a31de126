//! Which ops may go now, and how they are grouped.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    Millis,
    ids::{OpId, TicketId},
    limits,
    sync::BlockedOn,
};

use crate::outbox::{
    LaneKey, OpState, StoredOp, Wake,
    lane::{InLane, Standing},
};

/// Bytes of an op on the wire beside its body: ids, digest, receipt, punctuation.
const OP_OVERHEAD: usize = 640;

/// What the machine knows of an op that is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedOp {
    /// Its place.
    pub n: i64,
    /// Which.
    pub op: OpId,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// Its lane.
    pub lane: LaneKey,
    /// Whether it makes its ticket.
    pub makes_ticket: bool,
    /// Bytes it takes in a request, at most.
    pub bytes: usize,
    /// Whether this build knows its kind; others are not sent.
    pub known: bool,
    /// Rejected: holds its lane and is not sent.
    pub rejected: bool,
    /// Sends begun.
    pub starts: u32,
    /// Failures alone while others succeeded.
    pub alone_failures: u32,
    /// When it is tried next.
    pub wake: Wake,
    /// The last answer that was no verdict.
    pub blocked: Option<BlockedOn>,
    /// Whether a wish waits for its answer.
    pub has_wish: bool,
}

impl QueuedOp {
    /// Of an op that is not applied; none of one that is.
    pub fn of(op: &StoredOp) -> Option<Self> {
        if matches!(op.state, OpState::Applied(_)) {
            return None;
        }
        Some(Self {
            n: op.n,
            op: op.op,
            ticket: op.ticket,
            lane: op.lane.clone(),
            makes_ticket: op.makes_ticket(),
            // The body travels as a JSON string: every byte of it may need escaping.
            bytes: escaped_len(&op.body) + OP_OVERHEAD,
            known: op.is_known(),
            rejected: matches!(op.state, OpState::Rejected(_)),
            starts: op.starts,
            alone_failures: op.alone_failures,
            wake: op.wake,
            blocked: op.blocked,
            has_wish: op.wish.is_some(),
        })
    }
}

/// Length of `text` as a JSON string without its quotes.
fn escaped_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| {
            if matches!(byte, b'"' | b'\\') {
                2
            } else if byte < 0x20 {
                6
            } else {
                1
            }
        })
        .sum()
}
