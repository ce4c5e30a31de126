//! From what a person wants to an op: validated, encoded once, hashed, put in its lane.

use pocketdesk_protocol::{
    Millis,
    ids::{CommentId, CompanyId, EntityId, Epoch, OpId, PersonId, SiteId, TicketId},
    limits::{self, Limits},
    op::{
        self, AmendBody, Answers, AttachmentAddBody, CommentAddBody, EntityWithdrawBody, FileRef,
        ParticipantBody, RatingSetBody, ReadBody, StatusRequestBody, TicketCreateBody, kind,
    },
    rows::{Status, TicketRow},
};
use serde::Serialize;

use super::{InvalidReason, LaneKey, OutboxError, Payload};

/// Bytes of an e-mail address.
const EMAIL_BYTES: usize = 254;

/// The op's id and the phone's clock at the moment of "Send".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// A UUIDv7 of this phone, never used before.
    pub op: OpId,
    /// ms since the epoch by the phone's clock.
    pub made_at: Millis,
}

/// A valid op, not yet kept.
#[derive(Clone, PartialEq, Eq)]
pub struct NewOp {
    /// The op's own id.
    pub op: OpId,
    /// What it makes or changes.
    pub entity: EntityId,
    /// The ticket it concerns.
    pub ticket: Option<TicketId>,
    /// One of [`kind`].
    pub kind: String,
    /// The body's version.
    pub v: u32,
    /// The exact string that travels.
    pub body: String,
    /// [`op::digest`] of it.
    pub sha256: String,
    /// Its lane.
    pub lane: LaneKey,
    /// Files it names.
    pub attachments: Vec<FileRef>,
    /// The phone's clock.
    pub made_at: Millis,
}

impl std::fmt::Debug for NewOp {
    /// All but the words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewOp").field("op", &self.op).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl NewOp {
    /// Encodes a body; the only place where that happens.
    pub(crate) fn encode(
        stamp: Stamp,
        kind_of: &str,
        entity: EntityId,
        ticket: TicketId,
        lane: LaneKey,
        body: &impl Serialize,
        attachments: Vec<FileRef>,
    ) -> Self {
        let body = serde_json::to_string(body).expect("bodies hold only strings, numbers and lists");
        Self {
            op: stamp.op,
            entity,
            ticket: Some(ticket),
            kind: kind_of.to_owned(),
            v: Payload::V,
            sha256: op::digest(kind_of, Payload::V, entity, &body),
            body,
            lane,
            attachments,
            made_at: stamp.made_at,
        }
    }

    /// Plain bytes of its files.
    pub fn file_bytes(&self) -> u64 {
        self.attachments.iter().map(|file| file.size).sum()
    }
}

/// What waits on this phone already: live ops, and plain bytes of files not uploaded yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Ops without a final verdict.
    pub ops: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Refuses what would not fit any more; the words stay in the draft. Read marks always fit: there is at most one
/// unsent a ticket, and a badge that cannot be cleared helps nobody.
pub fn check_room(waiting: Waiting, new: &NewOp) -> Result<(), OutboxError> {
    let full = waiting.ops >= limits::OUTBOX_OPS as u64
        || waiting.bytes.saturating_add(new.file_bytes()) > limits::OUTBOX_BYTES;
    if full && !matches!(new.kind.as_str(), kind::READ_MARK | kind::READ_UNMARK) {
        return Err(OutboxError::Full { ops: waiting.ops, bytes: waiting.bytes });
    }
    Ok(())
}

/// Refuses a file before it is copied.
pub fn check_file(name: &str, size: u64, limits: &Limits) -> Result<(), OutboxError> {
    if name.is_empty() || name.len() > limits::FILE_NAME_BYTES {
        let limit = limits::FILE_NAME_BYTES as u64;
        let reason = if name.is_empty() { InvalidReason::Empty } else { InvalidReason::TooLong { limit } };
        return Err(OutboxError::invalid("name", reason));
    }
    if size > limits.attachment_bytes {
        return Err(OutboxError::TooLarge { name: name.to_owned(), size, limit: limits.attachment_bytes });
    }
    Ok(())
}

fn check_files(files: &[FileRef], limits: &Limits) -> Result<(), OutboxError> {
    if files.len() > limits.attachments as usize {
        let limit = u64::from(limits.attachments);
        return Err(OutboxError::invalid("attachments", InvalidReason::TooMany { limit }));
    }
    for (at, file) in files.iter().enumerate() {
        check_file(&file.name, file.size, limits)?;
        if files[..at].iter().any(|other| other.id == file.id) {
            return Err(OutboxError::invalid("attachments", InvalidReason::Twice));
        }
    }
    Ok(())
}

fn check_text(field: &str, text: &str, needed: bool, limits: &Limits) -> Result<(), OutboxError> {
    if needed && text.trim().is_empty() {
        return Err(OutboxError::invalid(field, InvalidReason::Empty));
    }
    if text.len() as u64 > limits.text_bytes {
        return Err(OutboxError::invalid(field, InvalidReason::TooLong { limit: limits.text_bytes }));
    }
    Ok(())
}

fn check_subject(subject: &str) -> Result<(), OutboxError> {
    let reason = if subject.trim().is_empty() {
        InvalidReason::Empty
    } else if subject.chars().any(|c| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')) {
        InvalidReason::NotOneLine
    } else if subject.chars().count() > limits::SUBJECT_CHARS {
        InvalidReason::TooLong { limit: limits::SUBJECT_CHARS as u64 }
    } else {
        return Ok(());
    };
    Err(OutboxError::invalid("subject", reason))
}

fn check_email(email: &str) -> Result<(), OutboxError> {
    let looks_right = email.len() <= EMAIL_BYTES
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if looks_right { Ok(()) } else { Err(OutboxError::invalid("email", InvalidReason::NotAnAddress)) }
}

/// A new ticket.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NewTicket {
    /// One line.
    pub subject: String,
    /// The person's words; may be empty when there are files.
    pub description: String,
    /// Durable files.
    pub attachments: Vec<FileRef>,
    /// Whose company it concerns.
    pub company: Option<CompanyId>,
    /// Which site it concerns.
    pub site: Option<SiteId>,
}

impl NewTicket {
    /// `ticket` is the new ticket's id, final from here on.
    pub fn build(self, stamp: Stamp, ticket: TicketId, limits: &Limits) -> Result<NewOp, OutboxError> {
        check_subject(&self.subject)?;
        check_text("text", &self.description, false, limits)?;
        check_files(&self.attachments, limits)?;
        let body = TicketCreateBody {
            subject: self.subject,
            description: self.description,
            attachments: self.attachments,
            company: self.company,
            site: self.site,
            made_at: stamp.made_at,
        };
        let lane = LaneKey::ticket(ticket);
        let files = body.attachments.clone();
        Ok(NewOp::encode(stamp, kind::TICKET_CREATE, ticket.into(), ticket, lane, &body, files))
    }
}

/// A reply.
#[derive(Clone, PartialEq, Eq)]
pub struct NewComment {
    /// Where it belongs.
    pub ticket: TicketId,
    /// The person's words; may be empty when there are files.
    pub text: String,
    /// Durable files.
    pub attachments: Vec<FileRef>,
}

impl NewComment {
    /// `comment` is the new comment's id, final from here on.
    pub fn build(self, stamp: Stamp, comment: CommentId, limits: &Limits) -> Result<NewOp, OutboxError> {
        check_text("text", &self.text, self.attachments.is_empty(), limits)?;
        check_files(&self.attachments, limits)?;
        let Self { ticket, text, attachments } = self;
        let body = CommentAddBody { ticket, text, attachments, made_at: stamp.made_at };
        let files = body.attachments.clone();
        Ok(NewOp::encode(
            stamp,
            kind::COMMENT_ADD,
            comment.into(),
            ticket,
            LaneKey::ticket(ticket),
            &body,
            files,
        ))
    }
}

/// A file added to a ticket by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// Where it belongs.
    pub ticket: TicketId,
    /// The durable file.
    pub file: FileRef,
}

impl NewAttachment {
    /// The entity is the file's id.
    pub fn build(self, stamp: Stamp, limits: &Limits) -> Result<NewOp, OutboxError> {
        check_file(&self.file.name, self.file.size, limits)?;
        let entity = EntityId::from(self.file.id);
        let body = AttachmentAddBody { ticket: self.ticket, file: self.file, made_at: stamp.made_at };
        let files = vec![body.file.clone()];
        Ok(NewOp::encode(
            stamp,
            kind::ATTACHMENT_ADD,
            entity,
            body.ticket,
            LaneKey::file(entity),
            &body,
            files,
        ))
    }
}

/// A request about a ticket's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// "Solved."
    Confirm,
    /// "Not solved."
    Reopen,
    /// "No longer needed."
    Withdraw,
}

impl Request {
    /// The op's kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Confirm => kind::TICKET_CONFIRM,
            Self::Reopen => kind::TICKET_REOPEN,
            Self::Withdraw => kind::TICKET_WITHDRAW,
        }
    }

    /// Which request an op of this kind is.
    pub fn of_kind(kind_of: &str) -> Option<Self> {
        [Self::Confirm, Self::Reopen, Self::Withdraw].into_iter().find(|request| request.kind() == kind_of)
    }

    /// Whether it makes sense towards this status (3-sync rule 6): confirm needs solved, reopen solved or closed,
    /// withdraw neither.
    pub const fn fits(self, status: Status) -> bool {
        match self {
            Self::Confirm => matches!(status, Status::Solved),
            Self::Reopen => matches!(status, Status::Solved | Status::Closed),
            Self::Withdraw => !matches!(status, Status::Solved | Status::Closed),
        }
    }
}

/// A request about a ticket's status.
#[derive(Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Where.
    pub ticket: TicketId,
    /// What is asked for.
    pub request: Request,
    /// What the person saw when they asked ([`what_was_seen`]).
    pub answers: Answers,
    /// Why; needed for a reopen.
    pub text: Option<String>,
}

impl NewRequest {
    /// The entity is the ticket.
    pub fn build(self, stamp: Stamp, limits: &Limits) -> Result<NewOp, OutboxError> {
        let needed = self.request == Request::Reopen;
        check_text("text", self.text.as_deref().unwrap_or(""), needed, limits)?;
        let text = self.text.filter(|text| !text.trim().is_empty());
        let body = StatusRequestBody { answers: self.answers, text, made_at: stamp.made_at };
        let lane = LaneKey::ticket(self.ticket);
        Ok(NewOp::encode(
            stamp,
            self.request.kind(),
            self.ticket.into(),
            self.ticket,
            lane,
            &body,
            Vec::new(),
        ))
    }
}

/// What a request about status answers: the latest unanswered request of its lane (the create counts, as event 0 of
/// a ticket the server does not show yet), else the event that set the status on screen.
pub fn what_was_seen(
    epoch: Option<Epoch>,
    row: Option<&TicketRow>,
    unanswered: Option<OpId>,
) -> Option<Answers> {
    match (unanswered, epoch, row) {
        (Some(op), _, _) => Some(Answers::Op(op)),
        (None, Some(epoch), Some(row)) => Some(Answers::Event { epoch, position: row.status_event }),
        _ => None,
    }
}

/// A mark for a solving.
#[derive(Clone, PartialEq, Eq)]
pub struct NewRating {
    /// Where.
    pub ticket: TicketId,
    /// Which solving: the ticket's as the person saw it.
    pub round: u32,
    /// From 1 to `max`.
    pub value: u32,
    /// Best mark of the desk's scale.
    pub max: u32,
    /// In the person's words.
    pub comment: Option<String>,
}

impl NewRating {
    /// The entity is the ticket.
    pub fn build(self, stamp: Stamp, limits: &Limits) -> Result<NewOp, OutboxError> {
        if !(1..=self.max).contains(&self.value) {
            return Err(OutboxError::invalid(
                "value",
                InvalidReason::OutOfRange { max: u64::from(self.max) },
            ));
        }
        check_text("text", self.comment.as_deref().unwrap_or(""), false, limits)?;
        let comment = self.comment.filter(|text| !text.trim().is_empty());
        let body = RatingSetBody { round: self.round, value: self.value, comment, made_at: stamp.made_at };
        let lane = LaneKey::rating(self.ticket, self.round);
        Ok(NewOp::encode(stamp, kind::RATING_SET, self.ticket.into(), self.ticket, lane, &body, Vec::new()))
    }
}

/// "I have seen everything up to here", or with `unmark` "count from here as new again".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRead {
    /// Where.
    pub ticket: TicketId,
    /// The highest position seen.
    pub position: i64,
    /// The epoch the position belongs to.
    pub epoch: Epoch,
    /// Sets the mark as given, back too.
    pub unmark: bool,
}

impl NewRead {
    /// The entity is the ticket. Only one with `starts = 0` is replaced by a new one: see
    /// [`super::plan::plan_read`].
    pub fn build(self, stamp: Stamp) -> NewOp {
        let kind_of = if self.unmark { kind::READ_UNMARK } else { kind::READ_MARK };
        let body = ReadBody { position: self.position, epoch: self.epoch };
        let lane = LaneKey::read(self.ticket);
        NewOp::encode(stamp, kind_of, self.ticket.into(), self.ticket, lane, &body, Vec::new())
    }
}

/// Somebody shall (no longer) follow a ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct NewParticipant {
    /// Where.
    pub ticket: TicketId,
    /// Whom, by id.
    pub person: Option<PersonId>,
    /// Whom, by address.
    pub email: Option<String>,
    /// Removes them.
    pub remove: bool,
}

impl NewParticipant {
    /// The entity is the ticket.
    pub fn build(self, stamp: Stamp) -> Result<NewOp, OutboxError> {
        let email = self.email.map(|email| email.trim().to_owned());
        match (&self.person, &email) {
            (None, None) => return Err(OutboxError::invalid("person", InvalidReason::Empty)),
            (_, Some(email)) => check_email(email)?,
            (Some(_), None) => {}
        }
        let kind_of = if self.remove { kind::PARTICIPANT_REMOVE } else { kind::PARTICIPANT_ADD };
        let body = ParticipantBody { person: self.person, email };
        let lane = LaneKey::participants(self.ticket);
        Ok(NewOp::encode(stamp, kind_of, self.ticket.into(), self.ticket, lane, &body, Vec::new()))
    }
}

/// New words for what the desk refused.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAmend {
    /// The ticket whose lane it belongs to.
    pub ticket: TicketId,
    /// The refused ticket or comment.
    pub entity: EntityId,
    /// A ticket's new subject.
    pub subject: Option<String>,
    /// The new description or comment.
    pub text: Option<String>,
}

impl NewAmend {
    /// The entity is the refused ticket or comment.
    pub fn build(self, stamp: Stamp, limits: &Limits) -> Result<NewOp, OutboxError> {
        if let Some(subject) = &self.subject {
            check_subject(subject)?;
        }
        let is_comment = EntityId::from(self.ticket) != self.entity;
        check_text("text", self.text.as_deref().unwrap_or(""), is_comment, limits)?;
        let Self { ticket, entity, subject, text } = self;
        let body = AmendBody { ticket, subject, text };
        let lane = LaneKey::ticket(ticket);
        Ok(NewOp::encode(stamp, kind::ENTITY_AMEND, entity, ticket, lane, &body, Vec::new()))
    }
}

/// Takes back what the desk refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEntityWithdraw {
    /// The ticket whose lane it belongs to.
    pub ticket: TicketId,
    /// The refused ticket or comment.
    pub entity: EntityId,
}

impl NewEntityWithdraw {
    /// The entity is the refused ticket or comment.
    pub fn build(self, stamp: Stamp) -> NewOp {
        let body = EntityWithdrawBody { ticket: self.ticket };
        let lane = LaneKey::ticket(self.ticket);
        NewOp::encode(stamp, kind::ENTITY_WITHDRAW, self.entity, self.ticket, lane, &body, Vec::new())
    }
}
