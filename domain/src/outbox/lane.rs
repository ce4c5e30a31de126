//! Lanes: which ops of this install keep their order among each other (3-sync rule 3).
//!
//! A ticket's own lane holds what people say and ask in it; there `prev` is satisfied when that op is *applied*, so
//! an op in attention holds back the rest. Files wait only for their ticket. Read marks, a rating and participants
//! have lanes of their own, where any final verdict satisfies `prev`: a refused comment must not freeze badges.

use std::fmt;

use pocketdesk_protocol::{
    ids::{EntityId, OpId, TicketId},
    op::kind,
};

use super::{OpState, StoredOp};

/// Names a lane of this install; text, so that the store can index it. Equal keys, one lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey(pub String);

impl LaneKey {
    /// A ticket's own lane.
    pub fn ticket(ticket: TicketId) -> Self {
        Self(format!("ticket:{ticket}"))
    }

    /// A file's: alone in it.
    pub fn file(file: EntityId) -> Self {
        Self(format!("file:{file}"))
    }

    /// Read marks of a ticket.
    pub fn read(ticket: TicketId) -> Self {
        Self(format!("read:{ticket}"))
    }

    /// The person's rating of one solve round.
    pub fn rating(ticket: TicketId, round: u32) -> Self {
        Self(format!("rating:{ticket}:{round}"))
    }

    /// Who follows a ticket.
    pub fn participants(ticket: TicketId) -> Self {
        Self(format!("participants:{ticket}"))
    }

    /// Whether `prev` is satisfied only by `applied` (else by any final verdict).
    pub fn needs_applied(&self) -> bool {
        self.0.starts_with("ticket:")
    }

    /// For SQL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether ops of this kind are in their ticket's own lane.
pub fn is_ticket_lane(kind_of: &str) -> bool {
    matches!(
        kind_of,
        kind::TICKET_CREATE
            | kind::COMMENT_ADD
            | kind::TICKET_CONFIRM
            | kind::TICKET_REOPEN
            | kind::TICKET_WITHDRAW
            | kind::ENTITY_AMEND
            | kind::ENTITY_WITHDRAW
    )
}

/// What the lane needs to know of an op; [`StoredOp`] and the sync machine's own copy both have it.
pub trait InLane {
    /// Its place.
    fn n(&self) -> i64;
    /// Its id.
    fn op_id(&self) -> OpId;
    /// Its lane.
    fn lane(&self) -> &LaneKey;
    /// Its ticket.
    fn ticket(&self) -> Option<TicketId>;
    /// Whether it makes its ticket.
    fn makes_ticket(&self) -> bool;
    /// What became of it.
    fn standing(&self) -> Standing;
}

/// How an op stands towards those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No final verdict, and it goes by itself.
    Live,
    /// No final verdict, and it needs the person (or a newer app) first; it may still be tried.
    Stuck,
    /// Applied and kept.
    Applied,
    /// Rejected; the person decides.
    Rejected,
}

impl InLane for StoredOp {
    fn n(&self) -> i64 {
        self.n
    }
    fn op_id(&self) -> OpId {
        self.op
    }
    fn lane(&self) -> &LaneKey {
        &self.lane
    }
    fn ticket(&self) -> Option<TicketId> {
        self.ticket
    }
    fn makes_ticket(&self) -> bool {
        self.kind == kind::TICKET_CREATE
    }
    fn standing(&self) -> Standing {
        match self.state {
            OpState::Applied(_) => Standing::Applied,
            OpState::Rejected(_) => Standing::Rejected,
            OpState::Live if self.is_stuck() || !self.is_known() => Standing::Stuck,
            OpState::Live => Standing::Live,
        }
    }
}

/// Whether later ops of the lane name it as their `prev`. In lanes where any final verdict will do a rejected op is
/// passed over: a restored server may have lost the rejection, and would wait for the op for ever.
fn stands<O: InLane>(op: &O) -> bool {
    op.lane().needs_applied() || op.standing() != Standing::Rejected
}

/// The nearest earlier op of `op`'s lane that still stands, among all ops of this phone (kept ones too; in any
/// order). Computed at each sending.
pub fn prev_of<O: InLane>(op: &O, ops: &[O]) -> Option<OpId> {
    if pocketdesk_protocol::planted::is("prev-not-named") {
        return None;
    }
    before(op, ops).filter(|other| stands(*other)).max_by_key(|other| other.n()).map(InLane::op_id)
}

fn before<'a, O: InLane>(op: &'a O, ops: &'a [O]) -> impl Iterator<Item = &'a O> {
    ops.iter().filter(move |other| other.lane() == op.lane() && other.n() < op.n())
}

/// What on this phone keeps an op from going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// An op before it in its lane, which needs the person.
    LaneAttention(OpId),
    /// An op before it in its lane, which goes by itself; both may travel in one request, in order.
    LaneLive(OpId),
    /// The op that makes its ticket, which needs the person.
    TicketAttention(OpId),
    /// The op that makes its ticket, which goes by itself; both may travel in one request, in order.
    TicketLive(OpId),
}

/// What holds `op` among all ops of this phone; the most serious reason. None: it may go.
pub fn held<O: InLane>(op: &O, ops: &[O]) -> Option<Held> {
    let attention = |other: &&O| matches!(other.standing(), Standing::Stuck | Standing::Rejected);
    let live = |other: &&O| other.standing() == Standing::Live;
    let lane =
        || before(op, ops).filter(|other| op.lane().needs_applied() || other.standing() == Standing::Stuck);
    let create = || {
        ops.iter().filter(|other| {
            other.makes_ticket()
                && other.ticket() == op.ticket()
                && other.op_id() != op.op_id()
                && !op.makes_ticket()
        })
    };
    let id = InLane::op_id;
    create()
        .find(attention)
        .filter(|_| !op.lane().needs_applied())
        .map(|other| Held::TicketAttention(id(other)))
        .or_else(|| lane().filter(attention).map(|other| Held::LaneAttention(id(other))).next())
        .or_else(|| create().find(live).map(|other| Held::TicketLive(id(other))))
        .or_else(|| {
            before(op, ops).filter(live).max_by_key(|other| other.n()).map(|other| Held::LaneLive(id(other)))
        })
}
