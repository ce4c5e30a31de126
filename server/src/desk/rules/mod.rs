//! What each kind of op does, and when it may not. A rule is judged once: an op that returns after a restore with the
//! server's receipt was judged before (3-sync rule 9).

use pocketdesk_protocol::{
    Millis,
    ids::{EntityId, Epoch, OpId, TicketId},
    op::{FileRef, WireOp, kind},
    rows::{DeskState, FileState, Status},
    sync::code,
};

use super::{Handed, ticket::Ticket};
use crate::{
    context::{Context, ServiceError},
    people::Viewer,
    store::{StoreError, Tx, write::Write},
    values,
};

mod amend;
mod create;
mod follow;
mod marks;
mod status;

pub use status::{Judged, judge};

/// What an applied op did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Version of the row it made or changed.
    pub v: i64,
    /// The desk's number of the ticket, when known.
    pub number: Option<String>,
    /// Position of the event that set the ticket's status after it; what a later request of its lane may answer.
    pub position: i64,
    /// The ticket that goes on instead of the one it named.
    pub merged_into: Option<TicketId>,
}

/// Why an op never takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// One of [`code`].
    pub code: &'static str,
    /// Which field of the body.
    pub field: Option<&'static str>,
    /// Whether new words may help.
    pub can_edit: bool,
}

impl Rejection {
    /// New words do not help.
    pub const fn of(code: &'static str) -> Self {
        Self { code, field: None, can_edit: false }
    }

    /// New words in this field may help.
    pub const fn field(code: &'static str, field: &'static str) -> Self {
        Self { code, field: Some(field), can_edit: true }
    }

    /// The sentence for an app that lacks the key of the code.
    pub fn words(&self) -> &'static str {
        match self.code {
            code::OP_ID_REUSED => {
                "This was sent before with other words. Copy the words and write them anew."
            }
            code::DIGEST => "What arrived is not what was written. Copy the words and send them anew.",
            code::UNKNOWN_KIND => "The desk's server does not know this kind of request yet.",
            code::TOO_LONG => "The text is too long. Shorten it and send it again.",
            code::TOO_MANY_FILES => "There are too many files. Take some away and send it again.",
            code::FILE_TOO_LARGE => "A file is too large. Take it away and send it again.",
            code::ID_TAKEN => "This cannot be filed under its number. Copy the words and write them anew.",
            code::TICKET_GONE => "The request does not exist any more. Copy the words or file a new request.",
            code::ERASED => "This was erased at the desk.",
            code::LEFT => "You no longer follow this request. Copy the words or file a new request.",
            code::NO_RIGHT => "You may not do this here.",
            code::MOVED_ON => "The request moved on in the meantime. Look at it and decide again.",
            code::NOT_SOLVED => "The request is not solved.",
            code::ALREADY_CLOSED => "The request is done already.",
            code::REOPEN_WINDOW_PASSED => "It is too late to reopen this request. File a follow-up.",
            code::RATING_WINDOW_PASSED => "It is too late to rate this.",
            code::UNKNOWN_PERSON => "The desk does not know this person.",
            code::NOT_REFUSED => "The desk has not refused this.",
            _ => "Something in it is not as it should be. Correct it and send it again.",
        }
    }
}

/// Why applying an op stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The op is rejected.
    #[error("rejected: {}", .0.code)]
    Rejected(Rejection),
    /// The store or what lies beside it failed: nothing is known about the op.
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// One op on its way through the rules.
pub struct Case<'a> {
    /// The server.
    pub ctx: &'a Context,
    /// Who sent it.
    pub viewer: &'a Viewer,
    /// The op, its digest right.
    pub op: &'a WireOp,
    /// Whether it was judged before: it returns with a valid receipt.
    pub returning: bool,
    /// The ticket that went on instead of the one it named, if so.
    pub merged_into: Option<TicketId>,
}

impl Case<'_> {
    /// The body.
    pub fn body<T: serde::de::DeserializeOwned>(&self) -> Result<T, Stop> {
        body(self.op).ok_or_else(|| Rejection::field(code::INVALID, "body").into())
    }

    /// When it was made, for windows: arrival minus its age where the phone knows it, else the phone's clock; never in
    /// the future and never older than the lateness the desk accepts.
    pub fn made_at(&self, now: Millis, phone: Millis) -> Millis {
        let made_at = match self.op.age_ms {
            Some(age) => now.saturating_sub(i64::try_from(age).unwrap_or(i64::MAX)),
            None => phone,
        };
        made_at.clamp(now - self.ctx.policy.late_ms, now)
    }

    /// Bytes and characters of the person's words. A returning op was measured before.
    pub fn check_text(&self, field: &'static str, text: &str, may_be_empty: bool) -> Result<(), Stop> {
        // PostgreSQL has no place for it, and no keyboard makes it.
        if text.contains('\0') {
            return Err(Rejection::field(code::INVALID, field).into());
        }
        if self.returning {
            return Ok(());
        }
        if text.len() as u64 > self.ctx.policy.limits.text_bytes {
            return Err(Rejection::field(code::TOO_LONG, field).into());
        }
        if !may_be_empty && text.trim().is_empty() {
            return Err(Rejection::field(code::INVALID, field).into());
        }
        Ok(())
    }

    /// A subject: one line.
    pub fn check_subject(&self, subject: &str) -> Result<(), Stop> {
        self.check_text("subject", subject, false)?;
        if !self.returning && subject.chars().count() > pocketdesk_protocol::limits::SUBJECT_CHARS {
            return Err(Rejection::field(code::TOO_LONG, "subject").into());
        }
        if !self.returning && subject.contains(['\n', '\r']) {
            return Err(Rejection::field(code::INVALID, "subject").into());
        }
        Ok(())
    }

    /// Names, sizes and digests of files.
    pub fn check_files(&self, field: &'static str, files: &[FileRef]) -> Result<(), Stop> {
        let limits = &self.ctx.policy.limits;
        if !self.returning && files.len() > limits.attachments as usize {
            return Err(Rejection::field(code::TOO_MANY_FILES, field).into());
        }
        for file in files {
            let hex = file.sha256.len() == 64
                && file.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            let name = !file.name.trim().is_empty()
                && file.name.len() <= pocketdesk_protocol::limits::FILE_NAME_BYTES
                && !file.name.contains('\0');
            if !hex || !name || i64::try_from(file.size).is_err() {
                return Err(Rejection::field(code::INVALID, field).into());
            }
            if !self.returning && file.size > limits.attachment_bytes {
                return Err(Rejection::field(code::FILE_TOO_LARGE, field).into());
            }
        }
        Ok(())
    }

    /// Names the files of a ticket or comment; those that are whole already are shown so.
    async fn attach(
        &self,
        tx: &mut Write,
        ticket: &Ticket,
        comment: Option<pocketdesk_protocol::ids::CommentId>,
        files: &[FileRef],
    ) -> Result<(), Stop> {
        for file in files {
            if super::remove::find(tx.tx(), pocketdesk_protocol::rows::kind::ATTACHMENT, file.id.into())
                .await?
                .is_some()
            {
                continue;
            }
            let uploaded = crate::files::uploaded(tx, self.viewer.person, file).await?;
            let (state, mime) = match &uploaded {
                Some(mime) => (FileState::Complete, mime.as_deref()),
                None => (FileState::Pending, None),
            };
            ticket.attachment(tx, comment, &self.viewer.as_author(), file, state, mime).await?;
        }
        Ok(())
    }

    /// Adds the person's words to the ticket and hands them to the desk; the ticket is to be saved after it. Answers
    /// the row's version.
    async fn comment(
        &self,
        tx: &mut Write,
        ticket: &mut Ticket,
        id: EntityId,
        text: &str,
        made_at: Millis,
    ) -> Result<i64, Stop> {
        ticket.comment(tx, id.into(), &self.viewer.as_author(), text, made_at).await?;
        let state = self.ctx.desk.take(tx, Handed::Comment, ticket.id, id).await?;
        if state == (DeskState::Registered { number: None }) {
            return Ok(1);
        }
        Ok(super::ticket::set_comment_desk(tx, ticket, id, &state).await?)
    }

    /// Words of a requester answer what staff asked.
    async fn answered(&self, tx: &mut Write, ticket: &mut Ticket) -> Result<(), Stop> {
        if ticket.status == Status::WaitsForRequester {
            let window = self.ctx.policy.reopen_window_ms;
            ticket.set_status(tx, &self.viewer.as_author(), Status::Open, window).await?;
        }
        Ok(())
    }

    fn outcome(&self, ticket: &Ticket, v: i64) -> Outcome {
        Outcome { v, number: ticket.number(), position: ticket.status_event, merged_into: self.merged_into }
    }
}

/// The body of an op, if it is one of its kind.
pub fn body<T: serde::de::DeserializeOwned>(op: &WireOp) -> Option<T> {
    serde_json::from_str(&op.body).ok()
}

/// The ticket an op belongs to; `None` when its body cannot be read.
pub fn ticket_of(op: &WireOp) -> Option<TicketId> {
    #[derive(serde::Deserialize)]
    struct OfTicket {
        ticket: TicketId,
    }
    match op.kind.as_str() {
        kind::COMMENT_ADD | kind::ATTACHMENT_ADD | kind::ENTITY_AMEND | kind::ENTITY_WITHDRAW => {
            body::<OfTicket>(op).map(|body| body.ticket)
        }
        _ => Some(op.entity.into()),
    }
}

/// Files an op names.
pub fn files_of(op: &WireOp) -> Vec<FileRef> {
    #[derive(serde::Deserialize)]
    struct Files {
        #[serde(default)]
        attachments: Vec<FileRef>,
        file: Option<FileRef>,
    }
    body::<Files>(op).map_or_else(Vec::new, |files| files.attachments.into_iter().chain(files.file).collect())
}

/// Whether this build knows the kind in this version.
pub fn known(op: &WireOp) -> bool {
    const KINDS: [&str; 13] = [
        kind::TICKET_CREATE,
        kind::TICKET_CONFIRM,
        kind::TICKET_REOPEN,
        kind::TICKET_WITHDRAW,
        kind::COMMENT_ADD,
        kind::ATTACHMENT_ADD,
        kind::RATING_SET,
        kind::READ_MARK,
        kind::READ_UNMARK,
        kind::PARTICIPANT_ADD,
        kind::PARTICIPANT_REMOVE,
        kind::ENTITY_AMEND,
        kind::ENTITY_WITHDRAW,
    ];
    op.v == 1 && KINDS.contains(&op.kind.as_str())
}

/// Whether it belongs to the lane of its ticket, where `prev` must be applied and not merely answered.
pub fn in_ticket_lane(kind: &str) -> bool {
    matches!(
        kind,
        kind::TICKET_CREATE
            | kind::COMMENT_ADD
            | kind::TICKET_CONFIRM
            | kind::TICKET_REOPEN
            | kind::TICKET_WITHDRAW
            | kind::ENTITY_AMEND
            | kind::ENTITY_WITHDRAW
    )
}

/// Applies an op to its ticket, which is locked; `None` only for a create.
pub async fn apply(case: &Case<'_>, tx: &mut Write, ticket: Option<Ticket>) -> Result<Outcome, Stop> {
    let Some(mut ticket) = ticket else { return create::ticket(case, tx).await };
    let ticket = &mut ticket;
    match case.op.kind.as_str() {
        kind::COMMENT_ADD => create::comment(case, tx, ticket).await,
        kind::ATTACHMENT_ADD => create::attachment(case, tx, ticket).await,
        kind::TICKET_CONFIRM | kind::TICKET_REOPEN | kind::TICKET_WITHDRAW => {
            status::request(case, tx, ticket).await
        }
        kind::RATING_SET => marks::rating(case, tx, ticket).await,
        kind::READ_MARK | kind::READ_UNMARK => marks::read(case, tx, ticket).await,
        kind::PARTICIPANT_ADD => follow::add(case, tx, ticket).await,
        kind::PARTICIPANT_REMOVE => follow::remove(case, tx, ticket).await,
        kind::ENTITY_AMEND => amend::amend(case, tx, ticket).await,
        kind::ENTITY_WITHDRAW => amend::withdraw(case, tx, ticket).await,
        _ => Err(Rejection::of(code::UNKNOWN_KIND).into()),
    }
}

/// Position of the event a lane's earlier request left the ticket with, if that op was applied in this epoch.
async fn position_of(tx: &mut dyn Tx, op: OpId, epoch: Epoch) -> Result<Option<i64>, StoreError> {
    let rows = tx
        .query(
            "SELECT position FROM verdict WHERE op_id = $1 AND epoch = $2 AND code = 'applied'",
            &values![op, epoch.0],
        )
        .await?;
    rows.first().map(|row| row[0].int()).transpose()
}
