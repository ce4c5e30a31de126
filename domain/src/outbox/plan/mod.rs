//! What edit, retry and discard do (3-sync rule 5): the outcome has to be known, else the wish is remembered.
//!
//! Pure plans, to be made and carried out in *one* write transaction of own.db: between reading `starts = 0` and
//! changing the op no request may begin. The desk's rows come from the cache and may be a little older; what they
//! decide (an amend, a withdrawal) is judged again by the server.

mod rebuild;
#[cfg(test)]
mod tests;
mod wish;

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, EntityId, OpId, TicketId},
    limits::Limits,
    op::{Answers, kind},
    rows::{CommentRow, DeskState, TicketRow},
};
use uuid::Uuid;

pub use wish::settle_wish;

use super::{
    Edit, MadeOn, NewDraft, NewOp, OpState, OutboxError, OwnChange, Payload, StoredOp, Wake, Wish,
    lane::is_ticket_lane,
    new_op::{NewAmend, NewEntityWithdraw, Stamp},
    overlay::{CacheFacts, Row, is_shown},
    remedies,
};
use crate::model::Remedy;
use rebuild::rebuild;

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

/// What the person points at: the thing, all ops of its ticket, and the desk's rows of it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The op, when the phone still has it; none for a row that the desk refused and whose op is gone.
    pub op: Option<&'a StoredOp>,
    /// All ops of the same ticket, kept ones too, in any order (`op` among them).
    pub ops: &'a [StoredOp],
    /// The ticket's row.
    pub ticket: Option<&'a Row<TicketRow>>,
    /// The comment's row, when the thing is a comment.
    pub comment: Option<&'a Row<CommentRow>>,
    /// What the active cache file says of itself.
    pub cache: CacheFacts,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What the store does, in one transaction.
    pub changes: Vec<OwnChange>,
    /// What to tell the person.
    pub outcome: PlanOutcome,
    /// The op to look at from now on.
    pub op: Option<OpId>,
}

/// What an edit, retry or discard came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanOutcome {
    /// Changed on this phone; nothing was on its way.
    Changed,
    /// A new op goes to the server.
    WillBeSent,
    /// The same op is tried again at once.
    WillBeTried,
    /// An answer is out: the wish is asked again when it is there.
    Remembered,
    /// It is gone; what had words is a draft now.
    Discarded,
}

/// Where a thing stands towards a wish.
enum Outcome<'a> {
    /// Never sent.
    Unsent(&'a StoredOp),
    /// An answer may be out.
    Unknown(&'a StoredOp),
    /// Rejected for good.
    Rejected(&'a StoredOp),
    /// The server has it, and the desk refused it.
    Refused { ticket: TicketId, entity: EntityId },
}

impl<'a> Target<'a> {
    fn outcome(&self) -> Result<Outcome<'a>, OutboxError> {
        let Some(op) = self.op else { return self.refused_row() };
        if !op.is_known() {
            return Err(OutboxError::NeedsNewerApp);
        }
        match &op.state {
            OpState::Live if op.starts == 0 => Ok(Outcome::Unsent(op)),
            OpState::Live => Ok(Outcome::Unknown(op)),
            OpState::Rejected(_) => Ok(Outcome::Rejected(op)),
            // Only what makes or amends words can be refused by the desk; a request or mark stands.
            OpState::Applied(_)
                if matches!(
                    op.kind.as_str(),
                    kind::TICKET_CREATE | kind::COMMENT_ADD | kind::ENTITY_AMEND
                ) =>
            {
                self.refused_row()
            }
            OpState::Applied(_) => Err(OutboxError::Delivered),
        }
    }

    /// What the desk refused; if the person has asked about it already, that op is what they point at now.
    fn refused_row(&self) -> Result<Outcome<'a>, OutboxError> {
        let (ticket, entity, v, desk) = match (self.comment, self.ticket) {
            (Some(row), _) => (row.row.ticket, row.id, row.v, &row.row.desk),
            (None, Some(row)) => (row.id.into(), row.id, row.v, &row.row.desk),
            (None, None) => {
                return Err(if self.op.is_some() { OutboxError::Delivered } else { OutboxError::NotFound });
            }
        };
        if !matches!(desk, DeskState::Refused { .. }) {
            return Err(OutboxError::Delivered);
        }
        let later = self
            .ops
            .iter()
            .filter(|op| {
                op.entity == entity && matches!(op.kind.as_str(), kind::ENTITY_AMEND | kind::ENTITY_WITHDRAW)
            })
            .filter(|op| is_shown(op, Some(v), self.cache))
            .max_by_key(|op| op.n);
        match later {
            None => Ok(Outcome::Refused { ticket, entity }),
            Some(op) => match &op.state {
                OpState::Applied(_) => Err(OutboxError::Delivered),
                OpState::Live if op.starts == 0 => Ok(Outcome::Unsent(op)),
                OpState::Live => Ok(Outcome::Unknown(op)),
                OpState::Rejected(_) => Ok(Outcome::Rejected(op)),
            },
        }
    }

    fn allows(&self, op: &StoredOp, any_of: &[Remedy]) -> bool {
        let status = self.ticket.map(|row| row.row.status);
        remedies::of_op(op, status).iter().any(|remedy| any_of.contains(remedy))
    }

    /// The ticket's subject, to recognise what is filed anew.
    fn subject(&self) -> String {
        let from_op = || {
            let create = self.ops.iter().find(|op| op.kind == kind::TICKET_CREATE);
            create.and_then(|op| op.payload().subject().map(str::to_owned))
        };
        self.ticket.map(|row| row.row.subject.clone()).or_else(from_op).unwrap_or_default()
    }
}

/// New words.
pub fn plan_edit(target: Target<'_>, edit: &Edit, maker: &mut Maker<'_>) -> Result<Plan, OutboxError> {
    match target.outcome()? {
        Outcome::Unsent(op) => {
            // Never seen by anybody: the same op with other words.
            let stamp = Stamp { op: op.op, made_at: op.made_at };
            let new = rebuild(op, edit, None, stamp, &maker.limits)?;
            let made = MadeOn { boot: op.made_boot.clone(), monotonic: op.made_monotonic };
            let new = StoredOp { supersedes: op.supersedes, ..StoredOp::new(new, op.n, made) };
            let changes = vec![OwnChange::ReplaceOp { old: op.op, new: Box::new(new) }];
            Ok(Plan { changes, outcome: PlanOutcome::Changed, op: Some(op.op) })
        }
        Outcome::Unknown(op) => {
            // Judged now, so that a wish that can never be kept is refused while the person looks.
            let edit = merged(op.wish.as_ref(), edit);
            rebuild(op, &edit, None, Stamp { op: op.op, made_at: op.made_at }, &maker.limits)?;
            Ok(remember(op, Wish::Edit(edit)))
        }
        Outcome::Rejected(op) if target.allows(op, &[Remedy::Edit, Remedy::RemoveFile, Remedy::Retry]) => {
            supersede(op, edit, None, maker)
        }
        Outcome::Rejected(_) => Err(OutboxError::NotNow),
        Outcome::Refused { ticket, entity } => amend(target, ticket, entity, edit, maker),
    }
}

/// The same words again. A request about status is aimed at `answers`, what the ticket shows now.
pub fn plan_retry(
    target: Target<'_>,
    answers: Option<Answers>,
    maker: &mut Maker<'_>,
) -> Result<Plan, OutboxError> {
    match target.outcome()? {
        Outcome::Unsent(op) | Outcome::Unknown(op) => {
            let changes =
                vec![OwnChange::SetWake { ops: vec![op.op], wake: Wake { due: maker.now, ..op.wake } }];
            Ok(Plan { changes, outcome: PlanOutcome::WillBeTried, op: Some(op.op) })
        }
        Outcome::Rejected(op) if target.allows(op, &[Remedy::Retry, Remedy::Edit]) => {
            supersede(op, &Edit::default(), answers, maker)
        }
        Outcome::Rejected(_) => Err(OutboxError::NotNow),
        Outcome::Refused { ticket, entity } => amend(target, ticket, entity, &Edit::default(), maker),
    }
}

/// Let it go. What has words or files becomes a draft.
pub fn plan_discard(target: Target<'_>, maker: &mut Maker<'_>) -> Result<Plan, OutboxError> {
    match target.outcome()? {
        Outcome::Unsent(op) | Outcome::Rejected(op) if op.kind == kind::TICKET_CREATE => {
            Ok(discard_ticket(target, op, maker))
        }
        Outcome::Unsent(op) | Outcome::Rejected(op) => {
            let mut changes = vec![OwnChange::RemoveOp { op: op.op }];
            changes.extend(draft_of(op, op.ticket, maker));
            Ok(Plan { changes, outcome: PlanOutcome::Discarded, op: None })
        }
        Outcome::Unknown(op) => Ok(remember(op, Wish::Discard)),
        Outcome::Refused { ticket, entity } => {
            let new = NewEntityWithdraw { ticket, entity }.build(maker.stamp());
            let op = new.op;
            Ok(Plan { changes: plan_add(new, maker), outcome: PlanOutcome::WillBeSent, op: Some(op) })
        }
    }
}

/// The words become a draft of a new ticket (`file_anew`, `follow_up`); the rejected op goes. The draft is the one
/// [`OwnChange::AddDraft`] without a ticket.
pub fn plan_file_anew(target: Target<'_>, maker: &mut Maker<'_>) -> Result<Plan, OutboxError> {
    match target.outcome()? {
        Outcome::Rejected(op) if op.kind == kind::TICKET_CREATE => Ok(discard_ticket(target, op, maker)),
        Outcome::Rejected(op) => {
            let mut changes = vec![OwnChange::RemoveOp { op: op.op }];
            changes.extend(draft_of(op, None, maker).map(|change| match change {
                OwnChange::AddDraft(draft) => {
                    OwnChange::AddDraft(NewDraft { subject: target.subject(), ..draft })
                }
                other => other,
            }));
            Ok(Plan { changes, outcome: PlanOutcome::Discarded, op: None })
        }
        Outcome::Unsent(_) | Outcome::Unknown(_) | Outcome::Refused { .. } => Err(OutboxError::NotNow),
    }
}

/// Leaves a file out: from the op where that is still possible, else its bytes are not sent and others see it as
/// missing.
pub fn plan_remove_file(
    target: Target<'_>,
    file: AttachmentId,
    maker: &mut Maker<'_>,
) -> Result<Plan, OutboxError> {
    let stop = |op: Option<OpId>| Plan {
        changes: vec![OwnChange::StopUpload { file }],
        outcome: PlanOutcome::Changed,
        op,
    };
    match (target.op, target.outcome()) {
        (Some(op), Ok(Outcome::Unsent(_) | Outcome::Rejected(_))) => {
            if !op.attachments.iter().any(|other| other.id == file) {
                return Err(OutboxError::NotFound);
            }
            let attachments: Vec<_> =
                op.attachments.iter().filter(|other| other.id != file).cloned().collect();
            let nothing_left = attachments.is_empty() && !remedies::has_words(op);
            if op.kind == kind::ATTACHMENT_ADD || nothing_left {
                let changes = vec![OwnChange::RemoveOp { op: op.op }];
                return Ok(Plan { changes, outcome: PlanOutcome::Discarded, op: None });
            }
            plan_edit(target, &Edit { attachments: Some(attachments), ..Edit::default() }, maker)
        }
        (Some(op), _) => Ok(stop(Some(op.op))),
        (None, _) => Ok(stop(None)),
    }
}

/// A read mark. Replaces a mark of its lane that was never sent; nothing when it would change nothing. `shown` is
/// [`super::overlay::read_to`].
pub fn plan_read(ops: &[StoredOp], shown: i64, new: NewOp, maker: &Maker<'_>) -> Vec<OwnChange> {
    let (marks, position) = match Payload::read(&new.kind, new.v, &new.body) {
        Payload::ReadMark(body) => (true, body.position),
        Payload::ReadUnmark(body) => (false, body.position),
        _ => return Vec::new(),
    };
    if position == shown || (marks && position < shown) {
        return Vec::new();
    }
    let last = ops.iter().filter(|op| op.lane == new.lane && op.is_live()).max_by_key(|op| op.n);
    match last {
        // A mark merges by max, so that one after an unsent unmark must not take its place.
        Some(old) if old.starts == 0 && (!marks || old.kind == kind::READ_MARK) => {
            let stored = StoredOp { n: old.n, ..*maker.stored(new) };
            vec![OwnChange::ReplaceOp { old: old.op, new: Box::new(stored) }]
        }
        _ => plan_add(new, maker),
    }
}

/// Adds a new op at the end of its lane.
pub fn plan_add(new: NewOp, maker: &Maker<'_>) -> Vec<OwnChange> {
    vec![OwnChange::AddOp(maker.stored(new))]
}

/// The latest request about status in a ticket's lane that has no final verdict: what a new one answers. A ticket
/// that only this phone knows is answered by its create.
pub fn unanswered_request(ops: &[StoredOp]) -> Option<OpId> {
    let open = ops.iter().filter(|op| op.is_live() && is_ticket_lane(&op.kind));
    let asks = |op: &&StoredOp| {
        super::new_op::Request::of_kind(&op.kind).is_some() || op.kind == kind::TICKET_CREATE
    };
    open.filter(asks).max_by_key(|op| op.n).map(|op| op.op)
}

fn remember(op: &StoredOp, wish: Wish) -> Plan {
    let changes = vec![OwnChange::SetWish { op: op.op, wish: Some(wish) }];
    Plan { changes, outcome: PlanOutcome::Remembered, op: Some(op.op) }
}

/// A second wish adds to the first: what it leaves as it is stays as wished before.
fn merged(before: Option<&Wish>, edit: &Edit) -> Edit {
    let Some(Wish::Edit(before)) = before else { return edit.clone() };
    let (before, edit) = (before.clone(), edit.clone());
    Edit {
        subject: edit.subject.or(before.subject),
        text: edit.text.or(before.text),
        attachments: edit.attachments.or(before.attachments),
        value: edit.value.or(before.value),
        email: edit.email.or(before.email),
    }
}

/// A new op for the same entity in the same place.
fn supersede(
    op: &StoredOp,
    edit: &Edit,
    answers: Option<Answers>,
    maker: &mut Maker<'_>,
) -> Result<Plan, OutboxError> {
    let stamp = maker.stamp();
    let new = rebuild(op, edit, answers, stamp, &maker.limits)?;
    let new = StoredOp { n: op.n, supersedes: Some(op.op), ..*maker.stored(new) };
    let id = new.op;
    let changes = vec![OwnChange::ReplaceOp { old: op.op, new: Box::new(new) }];
    Ok(Plan { changes, outcome: PlanOutcome::WillBeSent, op: Some(id) })
}

/// New words for what the desk refused; what the edit leaves as it is comes from the row.
fn amend(
    target: Target<'_>,
    ticket: TicketId,
    entity: EntityId,
    edit: &Edit,
    maker: &mut Maker<'_>,
) -> Result<Plan, OutboxError> {
    if edit.attachments.is_some() || edit.value.is_some() || edit.email.is_some() {
        return Err(OutboxError::invalid("attachments", super::InvalidReason::NotPossible));
    }
    let (subject, text) = match (target.comment, target.ticket) {
        (Some(row), _) => (None, row.row.text.clone()),
        (None, Some(row)) => (Some(row.row.subject.clone()), row.row.description.clone()),
        (None, None) => return Err(OutboxError::NotFound),
    };
    let subject =
        if target.comment.is_some() { edit.subject.clone() } else { edit.subject.clone().or(subject) };
    let text = Some(edit.text.clone().unwrap_or(text));
    let new = NewAmend { ticket, entity, subject, text }.build(maker.stamp(), &maker.limits)?;
    let op = new.op;
    Ok(Plan { changes: plan_add(new, maker), outcome: PlanOutcome::WillBeSent, op: Some(op) })
}

/// Its words and files as a draft; none when it has neither.
fn draft_of(op: &StoredOp, ticket: Option<TicketId>, maker: &mut Maker<'_>) -> Option<OwnChange> {
    if !remedies::has_words(op) && op.attachments.is_empty() {
        return None;
    }
    let payload = op.payload();
    Some(OwnChange::AddDraft(NewDraft {
        id: EntityId((maker.new_id)()),
        ticket,
        subject: payload.subject().unwrap_or_default().to_owned(),
        text: payload.text().to_owned(),
        attachments: op.attachments.clone(),
        updated_at: maker.now,
    }))
}

/// Every op of the ticket with words or files becomes a draft, the others go: no other op makes that entity, so
/// none of them can ever be applied. The drafts get a new ticket's id, because a late double of one of these ops
/// must not find a ticket to fall into. Ops of a newer app stay: this build cannot read their words.
fn discard_ticket(target: Target<'_>, create: &StoredOp, maker: &mut Maker<'_>) -> Plan {
    let mut changes = vec![OwnChange::RemoveOp { op: create.op }];
    let Some(OwnChange::AddDraft(filing)) = draft_of(create, None, maker) else {
        return Plan { changes, outcome: PlanOutcome::Discarded, op: None };
    };
    let ticket = TicketId::from(filing.id);
    changes.push(OwnChange::AddDraft(filing));
    let mut others: Vec<_> = target
        .ops
        .iter()
        .filter(|op| op.ticket == create.ticket && op.op != create.op && op.is_known())
        .collect();
    others.sort_by_key(|op| op.n);
    for op in others {
        changes.push(OwnChange::RemoveOp { op: op.op });
        changes.extend(draft_of(op, Some(ticket), maker));
    }
    Plan { changes, outcome: PlanOutcome::Discarded, op: None }
}
