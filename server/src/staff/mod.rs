//! What staff do, as functions; the routes under `/staff` call them. `by` is the name requesters see.

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, CommentId, PersonId, TicketId},
    op::FileRef,
    rows::{AttachmentRow, CommentRow, EventRow, Status, TicketRow},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::{Context, ServiceError};

/// A ticket in the list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StaffTicket {
    /// Its id.
    pub id: TicketId,
    /// As requesters see it.
    #[serde(flatten)]
    pub row: TicketRow,
}

/// Query of `GET /staff/tickets`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ListQuery {
    /// Only of this status.
    #[serde(default)]
    pub status: Option<Status>,
    /// Only older than this one (the last of the page before).
    #[serde(default)]
    pub before: Option<TicketId>,
    /// At most so many, up to 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A comment with its id.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StaffComment {
    /// Its id.
    pub id: CommentId,
    /// As requesters see it.
    #[serde(flatten)]
    pub row: CommentRow,
}

/// An attachment with its id.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StaffAttachment {
    /// Its id.
    pub id: AttachmentId,
    /// As requesters see it.
    #[serde(flatten)]
    pub row: AttachmentRow,
}

/// An internal note: no requester ever gets it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// Its id.
    pub id: CommentId,
    /// Who wrote it.
    pub by: String,
    /// Plain text.
    pub text: String,
    /// When.
    pub at: Millis,
}

/// Answer of `GET /staff/tickets/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StaffTicketView {
    /// The ticket.
    pub ticket: StaffTicket,
    /// Its comments by position.
    pub comments: Vec<StaffComment>,
    /// Its files.
    pub attachments: Vec<StaffAttachment>,
    /// What happened, by position.
    pub events: Vec<EventRow>,
    /// What staff told each other.
    pub notes: Vec<Note>,
}

/// A file staff uploaded before the reply: its bytes are whole already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaffFile {
    /// The file.
    #[serde(flatten)]
    pub file: FileRef,
    /// What was sniffed.
    #[serde(default)]
    pub mime: Option<String>,
}

macro_rules! later {
    ($($arg:expr),+) => {{ let _ = ($($arg),+); unimplemented!("staff") }};
}

/// Newest first.
pub async fn list(ctx: &Context, query: &ListQuery) -> Result<Vec<StaffTicket>, ServiceError> {
    later!(ctx, query)
}

/// One ticket whole.
pub async fn get(ctx: &Context, ticket: TicketId) -> Result<StaffTicketView, ServiceError> {
    later!(ctx, ticket)
}

/// A reply requesters see; takes a `new` ticket into `open`. Text or files must be there.
pub async fn reply(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    text: &str,
    files: &[StaffFile],
) -> Result<CommentId, ServiceError> {
    later!(ctx, by, ticket, text, files)
}

/// An internal note.
pub async fn note(ctx: &Context, by: &str, ticket: TicketId, text: &str) -> Result<CommentId, ServiceError> {
    later!(ctx, by, ticket, text)
}

/// Moves the status. Solving begins a new solve round and opens the reopen window.
pub async fn set_status(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    status: Status,
) -> Result<(), ServiceError> {
    later!(ctx, by, ticket, status)
}

/// Gives it to somebody, or back.
pub async fn assign(ctx: &Context, by: &str, ticket: TicketId, to: Option<&str>) -> Result<(), ServiceError> {
    later!(ctx, by, ticket, to)
}

/// Makes, moves or takes back a promise; moving one needs a reason.
pub async fn set_deadline(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    at: Option<Millis>,
    reason: Option<&str>,
) -> Result<(), ServiceError> {
    later!(ctx, by, ticket, at, reason)
}

/// Asks to be rated for the last solving.
pub async fn ask_rating(ctx: &Context, by: &str, ticket: TicketId) -> Result<(), ServiceError> {
    later!(ctx, by, ticket)
}

/// Adds and removes people who follow the ticket.
pub async fn participants(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    add: &[PersonId],
    remove: &[PersonId],
) -> Result<(), ServiceError> {
    later!(ctx, by, ticket, add, remove)
}

/// Deletes a ticket with all that belongs to it. Answers the files whose bytes may go.
pub async fn delete_ticket(ctx: &Context, ticket: TicketId) -> Result<Vec<AttachmentId>, ServiceError> {
    later!(ctx, ticket)
}

/// Deletes a comment with its files. Answers the files whose bytes may go.
pub async fn delete_comment(ctx: &Context, comment: CommentId) -> Result<Vec<AttachmentId>, ServiceError> {
    later!(ctx, comment)
}

/// As [`delete_ticket`], and every copy on every phone goes, the author's own words included.
pub async fn erase_ticket(ctx: &Context, ticket: TicketId) -> Result<Vec<AttachmentId>, ServiceError> {
    later!(ctx, ticket)
}

/// As [`delete_comment`], and every copy goes.
pub async fn erase_comment(ctx: &Context, comment: CommentId) -> Result<Vec<AttachmentId>, ServiceError> {
    later!(ctx, comment)
}

/// The ticket the desk gave this number.
pub async fn find_number(ctx: &Context, number: &str) -> Result<TicketId, ServiceError> {
    use pocketdesk_protocol::rows::DeskState;
    // The state is kept as this very text, so that it can be compared whole in both dialects.
    let state = DeskState::Registered { number: Some(number.to_owned()) };
    let text = serde_json::to_string(&state).expect("plain data has a JSON text");
    let mut tx = ctx.store.begin(crate::store::Mode::Read).await?;
    let rows = tx.query("SELECT id FROM ticket WHERE desk = $1", &crate::values![text]).await?;
    Ok(rows.first().ok_or(ServiceError::NotFound("ticket"))?[0].id()?)
}
