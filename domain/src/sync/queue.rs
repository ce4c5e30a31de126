//! Which ops may go now, and how they are grouped into requests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pocketdesk_protocol::{
    Millis,
    ids::{OpId, TicketId},
    limits,
    sync::BlockedOn,
};

use crate::outbox::{
    ALONE_FAILURES_BEFORE_ATTENTION, LaneKey, OpState, STARTS_BEFORE_ALONE, StoredOp, Wake, lane::InLane,
};

/// Bytes of an op on the wire beside its body: ids, digest, receipt, punctuation.
const OP_OVERHEAD: usize = 640;
/// Bytes of a request beside its ops.
const REQUEST_OVERHEAD: usize = 8 << 10;

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
            // The body travels as a JSON string: some of its bytes need escaping.
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

    /// Travels in a request of its own ([`StoredOp::is_alone`]).
    pub(super) fn is_alone(&self) -> bool {
        self.starts >= STARTS_BEFORE_ALONE && self.blocked.is_none()
    }

    /// Needs the person, still tried hourly ([`StoredOp::is_stuck`]).
    pub(super) fn is_stuck(&self) -> bool {
        !self.rejected && self.alone_failures >= ALONE_FAILURES_BEFORE_ATTENTION
    }

    /// Goes by itself sooner or later.
    fn goes(&self) -> bool {
        self.known && !self.rejected
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

/// When an op may go, for all that its lane and ticket say: its own time, but not before those it follows. Those
/// that wait for the person's decision about another op have none.
fn times(ops: &[QueuedOp]) -> Vec<Option<Millis>> {
    // None: shut until something changes.
    let mut lanes: BTreeMap<&LaneKey, Option<Millis>> = BTreeMap::new();
    let mut tickets: BTreeMap<TicketId, Option<Millis>> = BTreeMap::new();
    let mut times = Vec::with_capacity(ops.len());
    for op in ops {
        let after_lane = lanes.get(&op.lane).copied().unwrap_or(Some(Millis::MIN));
        let ticket = op.ticket.filter(|_| !op.makes_ticket);
        let after_ticket =
            ticket.and_then(|ticket| tickets.get(&ticket).copied()).unwrap_or(Some(Millis::MIN));
        let time = match (after_lane, after_ticket) {
            (Some(lane), Some(ticket)) if op.goes() => Some(op.wake.due.max(lane).max(ticket)),
            _ => None,
        };
        times.push(time);
        if !op.rejected || op.lane.needs_applied() {
            // Behind one that needs the person the lane is shut, though that one itself is still tried.
            lanes.insert(&op.lane, time.filter(|_| !op.is_stuck()));
        }
        if let Some(ticket) = op.ticket.filter(|_| op.makes_ticket) {
            tickets.insert(ticket, time.filter(|_| !op.is_stuck()));
        }
    }
    times
}

/// The next time at which anything may go.
pub(super) fn next_time(ops: &[QueuedOp]) -> Option<Millis> {
    times(ops).into_iter().flatten().min()
}

/// The next request's ops, in order; empty when nothing may go now. Suspects go first (a batch that failed twice, in
/// halves), then all that is in good standing, then those that have to go alone, one by one. `ops` are in order of n.
pub(super) fn pick(ops: &[QueuedOp], suspects: &mut VecDeque<Vec<OpId>>, now: Millis) -> Vec<OpId> {
    while let Some(group) = suspects.front() {
        // A suspect's own wake-up is not waited for: bisection goes on as fast as the session does.
        let batch = batch(ops, Millis::MAX, |op| group.contains(&op.op) && !op.is_alone());
        suspects.pop_front();
        if !batch.is_empty() {
            return batch;
        }
    }
    let healthy = batch(ops, now, |op| !op.is_alone());
    if !healthy.is_empty() {
        return healthy;
    }
    let times = times(ops);
    let alone =
        ops.iter().zip(times).find(|(op, time)| op.is_alone() && time.is_some_and(|time| time <= now));
    alone.map(|(op, _)| vec![op.op]).unwrap_or_default()
}

/// What `wanted` picks, as far as those before it in lane and ticket are picked too.
fn batch(ops: &[QueuedOp], now: Millis, wanted: impl Fn(&QueuedOp) -> bool) -> Vec<OpId> {
    let mut left_lanes: BTreeSet<&LaneKey> = BTreeSet::new();
    let mut left_tickets: BTreeSet<TicketId> = BTreeSet::new();
    let mut picked = Vec::new();
    let mut bytes = REQUEST_OVERHEAD;
    for (op, time) in ops.iter().zip(times(ops)) {
        let Some(time) = time else { continue };
        let follows_left = left_lanes.contains(&op.lane)
            || (!op.makes_ticket && op.ticket.is_some_and(|ticket| left_tickets.contains(&ticket)));
        let fits = picked.is_empty()
            || (picked.len() < limits::OPS_PER_REQUEST && bytes + op.bytes <= limits::SYNC_REQUEST_BYTES);
        if !follows_left && fits && time <= now && wanted(op) {
            bytes += op.bytes;
            picked.push(op.op);
            continue;
        }
        left_lanes.insert(&op.lane);
        left_tickets.extend(op.ticket.filter(|_| op.makes_ticket));
        if picked.len() >= limits::OPS_PER_REQUEST {
            break;
        }
    }
    picked
}
