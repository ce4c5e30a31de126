//! An op as own.db keeps it.

use std::fmt;

use pocketdesk_protocol::{
    Millis,
    ids::{EntityId, Epoch, OpId, TicketId},
    op::{
        AmendBody, AttachmentAddBody, CommentAddBody, EntityWithdrawBody, FileRef, ParticipantBody,
        RatingSetBody, ReadBody, StatusRequestBody, TicketCreateBody, WireOp, kind,
    },
    rows,
    sync::{Ack, BlockedOn, code},
};
use serde::{Deserialize, Serialize};

use super::{LaneKey, NewOp};
use crate::model::RetryReason;

/// Sends begun without a verdict after which an op travels alone.
pub const STARTS_BEFORE_ALONE: u32 = 3;
/// Failures alone, while others succeeded, after which an op needs the person.
pub const ALONE_FAILURES_BEFORE_ATTENTION: u32 = 5;
/// How often an op is still tried that the server cannot take, ms.
pub const STUCK_INTERVAL_MS: i64 = 3_600_000;

/// When an op is due, kept with it so that no crash, update or clock change leaves it without a next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// The longest it may wait from now, ms.
    pub interval_ms: i64,
    /// When, ms since the epoch by the phone's clock.
    pub due: Millis,
}

impl Wake {
    /// For a new op: due at once.
    pub fn at_once(now: Millis) -> Self {
        Self { interval_ms: 1_000, due: now }
    }

    /// The wake-up after a start or a clock jump: never later than one interval from now.
    #[must_use]
    pub fn clamped(self, now: Millis) -> Self {
        Self { due: self.due.min(now.saturating_add(self.interval_ms)), ..self }
    }
}

/// What became of an op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpState {
    /// No final verdict is known.
    Live,
    /// The server applied it; the op is kept until the restore window has passed.
    Applied(Applied),
    /// The server rejected it for good; the person decides.
    Rejected(Rejected),
}

/// See [`OpState::Applied`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The epoch the verdict was given in.
    pub epoch: Epoch,
    /// Version of the row it made or changed.
    pub v: i64,
    /// The desk's number, when the verdict named one.
    pub number: Option<String>,
    /// Proof for a restored server.
    pub receipt: String,
    /// Its commit in each scope it touched.
    pub ack: Vec<Ack>,
    /// The ticket that goes on instead of the one it named.
    pub merged_into: Option<TicketId>,
    /// own.db's counter of verdicts when this one was stored (rule 8). The store gives it.
    pub verdict_no: i64,
    /// Server time of the answer; starts the restore window.
    pub seen_at: Millis,
}

/// See [`OpState::Rejected`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The epoch the verdict was given in.
    pub epoch: Epoch,
    /// One of [`pocketdesk_protocol::sync::code`], or one this build does not know.
    pub code: String,
    /// Key of a sentence in `texts`.
    pub text_key: String,
    /// The server's own words.
    pub text: Option<String>,
    /// Which field.
    pub field: Option<String>,
    /// Whether new words may help.
    pub can_edit: bool,
}

impl Rejected {
    /// The person's words are to go from everywhere.
    pub fn is_erasure(&self) -> bool {
        self.code == code::ERASED
    }
}

/// New words for something the person wrote before. `None` leaves a part as it is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// A ticket's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The description, comment, reason, or a rating's comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// All the files it shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<FileRef>>,
    /// A rating's mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// The address of somebody to add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What the person wanted while an answer was out; asked again when the answer is there (rule 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Other words.
    Edit(Edit),
    /// Not at all.
    Discard,
}

/// An op as own.db keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredOp {
    /// Its place in the order of writing. An edit of a rejected op takes its place over, so that the lane's order
    /// stays what the person saw; unique, but not ever-growing with time.
    pub n: i64,
    /// The op's own id.
    pub op: OpId,
    /// What it makes or changes.
    pub entity: EntityId,
    /// The ticket it concerns; none for kinds without one.
    pub ticket: Option<TicketId>,
    /// One of [`kind`], or one of a newer app.
    pub kind: String,
    /// The body's version.
    pub v: u32,
    /// The exact string written at commit; never encoded again.
    pub body: String,
    /// [`pocketdesk_protocol::op::digest`] of it.
    pub sha256: String,
    /// Its lane.
    pub lane: LaneKey,
    /// The phone's clock when it was made; for show.
    pub made_at: Millis,
    /// The boot it was made in.
    pub made_boot: String,
    /// Monotonic ms of that boot.
    pub made_monotonic: u64,
    /// Sends begun; counted durably before the first byte goes out, and never taken back.
    pub starts: u32,
    /// Failures alone while others succeeded, since the last final verdict.
    pub alone_failures: u32,
    /// What became of it.
    pub state: OpState,
    /// The last answer that was no verdict.
    pub blocked: Option<BlockedOn>,
    /// When it is tried next; every op without a final verdict has one.
    pub wake: Wake,
    /// Why the last try failed; none after a try that did not fail.
    pub last_failure: Option<RetryReason>,
    /// What the person wanted while an answer was out.
    pub wish: Option<Wish>,
    /// The rejected op whose place it took.
    pub supersedes: Option<OpId>,
    /// The receipt of an earlier application, kept when a restored server has to be asked again (rule 9).
    pub receipt: Option<String>,
    /// Files it names, whether their bytes are here or not.
    pub attachments: Vec<FileRef>,
}

/// Where and when an op was made, by clocks that a reboot or the person's hand can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeOn {
    /// The boot.
    pub boot: String,
    /// Monotonic ms of that boot.
    pub monotonic: u64,
}

impl fmt::Debug for Edit {
    /// Which parts, not their words: this goes through logs and errors by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit")
            .field("subject", &self.subject.is_some())
            .field("text", &self.text.is_some())
            .field("attachments", &self.attachments.as_ref().map(Vec::len))
            .field("value", &self.value.is_some())
            .field("email", &self.email.is_some())
            .finish()
    }
}

impl fmt::Debug for StoredOp {
    /// All but the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredOp")
            .field("n", &self.n)
            .field("op", &self.op)
            .field("entity", &self.entity)
            .field("kind", &self.kind)
            .field("starts", &self.starts)
            .field("alone_failures", &self.alone_failures)
            .field("state", &self.state)
            .field("blocked", &self.blocked)
            .field("wake", &self.wake)
            .field("wish", &self.wish)
            .finish_non_exhaustive()
    }
}

impl StoredOp {
    /// A new op at place `n`, due at once.
    pub fn new(new: NewOp, n: i64, made: MadeOn) -> Self {
        Self {
            n,
            op: new.op,
            entity: new.entity,
            ticket: new.ticket,
            kind: new.kind,
            v: new.v,
            body: new.body,
            sha256: new.sha256,
            lane: new.lane,
            made_at: new.made_at,
            made_boot: made.boot,
            made_monotonic: made.monotonic,
            starts: 0,
            alone_failures: 0,
            state: OpState::Live,
            blocked: None,
            wake: Wake::at_once(new.made_at),
            last_failure: None,
            wish: None,
            supersedes: None,
            receipt: None,
            attachments: new.attachments,
        }
    }

    /// No final verdict is known.
    pub fn is_live(&self) -> bool {
        matches!(self.state, OpState::Live)
    }

    /// The server cannot take it: needs the person, still tried hourly.
    pub fn is_stuck(&self) -> bool {
        self.is_live() && self.alone_failures >= ALONE_FAILURES_BEFORE_ATTENTION
    }

    /// Needs the person.
    pub fn is_attention(&self) -> bool {
        self.is_stuck() || matches!(self.state, OpState::Rejected(_))
    }

    /// Has to travel in a request of its own. One that the server answered `blocked` did it no harm.
    pub fn is_alone(&self) -> bool {
        self.starts >= STARTS_BEFORE_ALONE && self.blocked.is_none()
    }

    /// Whether this build knows its kind and body version; others are kept, shown and not sent.
    pub fn is_known(&self) -> bool {
        !matches!(self.payload(), Payload::Unknown)
    }

    /// The body, read.
    pub fn payload(&self) -> Payload {
        Payload::read(&self.kind, self.v, &self.body)
    }

    /// Monotonic age, where no reboot came between.
    pub fn age_ms(&self, now: &MadeOn) -> Option<u64> {
        (now.boot == self.made_boot).then(|| now.monotonic.checked_sub(self.made_monotonic)).flatten()
    }

    /// As it travels: the stored bytes, and `prev` as computed for this sending ([`super::lane::prev_of`]).
    pub fn to_wire(&self, prev: Option<OpId>, now: &MadeOn) -> WireOp {
        let receipt = match &self.state {
            OpState::Applied(applied) => Some(applied.receipt.clone()),
            _ => self.receipt.clone(),
        };
        WireOp {
            op: self.op,
            entity: self.entity,
            prev,
            kind: self.kind.clone(),
            v: self.v,
            body: self.body.clone(),
            sha256: self.sha256.clone(),
            receipt,
            age_ms: self.age_ms(now),
        }
    }

    /// The row whose version hides it (rule 8): kind of row and id.
    pub fn target_row(&self) -> (&'static str, EntityId) {
        let row = match self.kind.as_str() {
            kind::COMMENT_ADD => rows::kind::COMMENT,
            kind::ATTACHMENT_ADD => rows::kind::ATTACHMENT,
            kind::RATING_SET => rows::kind::RATING,
            kind::READ_MARK | kind::READ_UNMARK => rows::kind::READ,
            kind::ENTITY_AMEND | kind::ENTITY_WITHDRAW
                if self.ticket.map(EntityId::from) != Some(self.entity) =>
            {
                rows::kind::COMMENT
            }
            _ => rows::kind::TICKET,
        };
        (row, self.entity)
    }
}

/// The body of an op this build knows. No `Debug`: it is all words.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// [`kind::TICKET_CREATE`].
    TicketCreate(TicketCreateBody),
    /// [`kind::COMMENT_ADD`].
    CommentAdd(CommentAddBody),
    /// [`kind::ATTACHMENT_ADD`].
    AttachmentAdd(AttachmentAddBody),
    /// [`kind::TICKET_CONFIRM`].
    Confirm(StatusRequestBody),
    /// [`kind::TICKET_REOPEN`].
    Reopen(StatusRequestBody),
    /// [`kind::TICKET_WITHDRAW`].
    Withdraw(StatusRequestBody),
    /// [`kind::RATING_SET`].
    RatingSet(RatingSetBody),
    /// [`kind::READ_MARK`].
    ReadMark(ReadBody),
    /// [`kind::READ_UNMARK`].
    ReadUnmark(ReadBody),
    /// [`kind::PARTICIPANT_ADD`].
    ParticipantAdd(ParticipantBody),
    /// [`kind::PARTICIPANT_REMOVE`].
    ParticipantRemove(ParticipantBody),
    /// [`kind::ENTITY_AMEND`].
    Amend(AmendBody),
    /// [`kind::ENTITY_WITHDRAW`].
    EntityWithdraw(EntityWithdrawBody),
    /// Of a newer app: kept, shown as "needs a newer app", not sent.
    Unknown,
}

impl Payload {
    /// The body version this build writes and reads.
    pub const V: u32 = 1;

    /// Reads a body; what this build cannot read is [`Payload::Unknown`].
    pub fn read(kind_of: &str, v: u32, body: &str) -> Self {
        fn json<'a, T: Deserialize<'a>>(body: &'a str, make: fn(T) -> Payload) -> Payload {
            serde_json::from_str(body).map_or(Payload::Unknown, make)
        }
        if v != Self::V {
            return Self::Unknown;
        }
        match kind_of {
            kind::TICKET_CREATE => json(body, Self::TicketCreate),
            kind::COMMENT_ADD => json(body, Self::CommentAdd),
            kind::ATTACHMENT_ADD => json(body, Self::AttachmentAdd),
            kind::TICKET_CONFIRM => json(body, Self::Confirm),
            kind::TICKET_REOPEN => json(body, Self::Reopen),
            kind::TICKET_WITHDRAW => json(body, Self::Withdraw),
            kind::RATING_SET => json(body, Self::RatingSet),
            kind::READ_MARK => json(body, Self::ReadMark),
            kind::READ_UNMARK => json(body, Self::ReadUnmark),
            kind::PARTICIPANT_ADD => json(body, Self::ParticipantAdd),
            kind::PARTICIPANT_REMOVE => json(body, Self::ParticipantRemove),
            kind::ENTITY_AMEND => json(body, Self::Amend),
            kind::ENTITY_WITHDRAW => json(body, Self::EntityWithdraw),
            _ => Self::Unknown,
        }
    }

    /// A ticket's subject, where the op carries one.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::TicketCreate(body) => Some(&body.subject),
            Self::Amend(body) => body.subject.as_deref(),
            _ => None,
        }
    }

    /// The person's words in it; empty when there are none.
    pub fn text(&self) -> &str {
        match self {
            Self::TicketCreate(body) => &body.description,
            Self::CommentAdd(body) => &body.text,
            Self::Confirm(body) | Self::Reopen(body) | Self::Withdraw(body) => {
                body.text.as_deref().unwrap_or("")
            }
            Self::RatingSet(body) => body.comment.as_deref().unwrap_or(""),
            Self::Amend(body) => body.text.as_deref().unwrap_or(""),
            _ => "",
        }
    }
}
