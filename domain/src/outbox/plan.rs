//! What edit, retry and discard do (3-sync rule 5): the outcome has to be known, else the wish is remembered.
//!
//! Pure plans, to be made and carried out in *one* write transaction of own.db: between reading `starts = 0` and
//! changing the op no request may begin.

use pocketdesk_protocol::{
    Millis,
    ids::{EntityId, OpId, TicketId},
    limits::Limits,
    op::Answers,
    rows::{CommentRow, TicketRow},
};
use uuid::Uuid;

use super::{Edit, NewOp, OutboxError, OwnChange, StoredOp, new_op::Stamp, op::MadeOn, overlay::Row};

/// Ids and clocks for what a plan makes.
pub struct Maker<'a> {
    /// Makes UUIDv7s never used before.
    pub new_id: &'a mut dyn FnMut() -> Uuid,
    /// The phone's clock, ms since the epoch.
    pub now: Millis,
    /// The phone's boot and monotonic clock.
    pub made_on: MadeOn,
    /// What the desk allows.
    pub limits: Limits,
}

impl Maker<'_> {
    /// A stamp for one op.
    pub fn stamp(&mut self) -> Stamp {
        Stamp { op: OpId((self.new_id)()), made_at: self.now }
    }

    /// A [`StoredOp`] of a new op; the store gives it its `n`.
    pub fn stored(&self, new: NewOp) -> Box<StoredOp> {
        Box::new(StoredOp::new(new, 0, self.made_on.clone()))
    }
}

/// What the person points at: the thing, all ops of its ticket, and the desk's row of it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The op that made (or last changed) it, when the phone still has it.
    pub op: Option<&'a StoredOp>,
    /// All ops of the same ticket, kept ones too, in any order (`op` among them).
    pub ops: &'a [StoredOp],
    /// The ticket's row.
    pub ticket: Option<&'a Row<TicketRow>>,
    /// The comment's row, when the thing is a comment.
    pub comment: Option<&'a Row<CommentRow>>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What the store does, in one transaction.
    pub changes: Vec<OwnChange>,
    /// What to tell the person.
    pub outcome: PlanOutcome,
}

/// What an edit, retry or discard came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanOutcome {
    /// Changed on this phone; nothing was on its way.
    Changed,
    /// A new op goes to the server.
    WillBeSent,
    /// It is tried again at once.
    WillBeTried,
    /// An answer is out: the wish is asked again when it is there.
    Remembered,
    /// It is gone; what had words is a draft now.
    Discarded,
}

/// New words.
pub fn plan_edit(target: Target<'_>, edit: &Edit, maker: &mut Maker<'_>) -> Result<Plan, OutboxError> {
    let _ = (target, edit, maker);
    unimplemented!("follows within the hour")
}

/// The same words again. A request about status is aimed at what the ticket shows now.
pub fn plan_retry(
    target: Target<'_>,
    answers: Option<Answers>,
    maker: &mut Maker<'_>,
) -> Result<Plan, OutboxError> {
    let _ = (target, answers, maker);
    unimplemented!("follows within the hour")
}

/// Let it go.
pub fn plan_discard(target: Target<'_>, maker: &mut Maker<'_>) -> Result<Plan, OutboxError> {
    let _ = (target, maker);
    unimplemented!("follows within the hour")
}

/// The words become a draft of a new ticket (`file_anew`, `follow_up`); the rejected op goes.
pub fn plan_file_anew(target: Target<'_>, maker: &mut Maker<'_>) -> Result<Plan, OutboxError> {
    let _ = (target, maker);
    unimplemented!("follows within the hour")
}

/// Asks a remembered wish again, after `op` got an answer (or its row was refused). None: nothing is to be done yet.
pub fn settle_wish(target: Target<'_>, maker: &mut Maker<'_>) -> Option<Plan> {
    let _ = (target, maker);
    unimplemented!("follows within the hour")
}

/// A read mark: replaces the one of its lane that was never sent; none when it would change nothing.
pub fn plan_read(ops: &[StoredOp], shown: i64, new: NewOp, maker: &Maker<'_>) -> Vec<OwnChange> {
    let _ = (ops, shown, new, maker);
    unimplemented!("follows within the hour")
}

/// Adds a new op at the end of its lane.
pub fn plan_add(new: NewOp, maker: &Maker<'_>) -> Vec<OwnChange> {
    vec![OwnChange::AddOp(maker.stored(new))]
}

#[allow(unused)]
fn ids(_: EntityId, _: TicketId) {}
