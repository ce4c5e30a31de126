//! What staff do, as functions; the routes under `/staff` call them. `by` is the name requesters see.

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, CommentId, EntityId, PersonId, TicketId},
    op::FileRef,
    rows::{
        AttachmentRow, CommentRow, Deadline, EventData, EventRow, FileState, PersonRef, Side, Status,
        TicketRow,
    },
    sync::Gone,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::{Context, ServiceError},
    desk::{
        participants, remove,
        ticket::{self, Ticket},
    },
    journal::{backfill, rows},
    people,
    store::{
        Mode,
        write::{Write, with_write},
    },
    values,
};

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

/// Characters of a name or reason staff give.
const LINE_CHARS: usize = 300;

/// Newest first.
pub async fn list(ctx: &Context, query: &ListQuery) -> Result<Vec<StaffTicket>, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let tx = tx.as_mut();
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let before = query.before.map_or_else(|| "g".to_owned(), |id| id.to_string());
    let status = query.status.map_or("", Status::as_str);
    let sql = format!(
        "SELECT id FROM ticket WHERE id < $1 AND ($2 = '' OR status = $2) ORDER BY id DESC LIMIT {limit}"
    );
    let rows = tx.query(&sql, &values![before, status]).await?;
    let ids: Vec<EntityId> = rows.iter().map(|row| row[0].id()).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = ticket::load_many(tx, &ids).await?;
    let mut tickets: Vec<StaffTicket> = found.iter().map(|ticket| staff_ticket(ctx, ticket)).collect();
    tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.id));
    Ok(tickets)
}

/// The ticket the desk gave this number.
pub async fn find_number(ctx: &Context, number: &str) -> Result<TicketId, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let rows = match number {
        "" => Vec::new(),
        _ => {
            tx.query("SELECT id FROM ticket WHERE number = $1 ORDER BY id LIMIT 1", &values![number]).await?
        }
    };
    Ok(rows.first().ok_or(ServiceError::NotFound("ticket"))?[0].id()?)
}

/// One ticket whole.
pub async fn get(ctx: &Context, ticket: TicketId) -> Result<StaffTicketView, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let tx = tx.as_mut();
    let found = ticket::load(tx, ticket).await?.ok_or(ServiceError::NotFound("ticket"))?;
    let mut view = StaffTicketView {
        ticket: staff_ticket(ctx, &found),
        comments: Vec::new(),
        attachments: Vec::new(),
        events: Vec::new(),
        notes: Vec::new(),
    };
    let of_ticket = "WHERE ticket_id = $1 ORDER BY";
    let sql = format!("SELECT {} FROM comment {of_ticket} position", rows::COMMENT);
    for row in tx.query(&sql, &values![ticket]).await? {
        let (id, _, row) = rows::comment(&row)?;
        view.comments.push(StaffComment { id: id.into(), row });
    }
    let sql = format!("SELECT {} FROM attachment {of_ticket} created_at, id", rows::ATTACHMENT);
    for row in tx.query(&sql, &values![ticket]).await? {
        let (id, _, row) = rows::attachment(&row)?;
        view.attachments.push(StaffAttachment { id: id.into(), row });
    }
    let sql = format!("SELECT {} FROM event {of_ticket} position", rows::EVENT);
    for row in tx.query(&sql, &values![ticket]).await? {
        view.events.push(rows::event(&row)?.2);
    }
    let sql = format!("SELECT id, by_name, body, at FROM note {of_ticket} at, id");
    for row in tx.query(&sql, &values![ticket]).await? {
        view.notes.push(Note {
            id: row[0].id()?,
            by: row[1].text()?.to_owned(),
            text: row[2].text()?.to_owned(),
            at: row[3].int()?,
        });
    }
    Ok(view)
}

/// A reply requesters see; takes a `new` ticket into `open`. Text or files must be there.
pub async fn reply(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    text: &str,
    files: &[StaffFile],
) -> Result<CommentId, ServiceError> {
    reply_as(ctx, by, ticket, CommentId(ctx.env.new_id()), text, files).await
}

/// The same under an id of the caller's: what was asked for twice, because an answer was lost, is there once.
pub async fn reply_as(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    id: CommentId,
    text: &str,
    files: &[StaffFile],
) -> Result<CommentId, ServiceError> {
    check_text(ctx, "text", text, !files.is_empty())?;
    if files.len() > ctx.policy.limits.attachments as usize {
        return Err(ServiceError::invalid(
            "files",
            "too many files for one reply; send the rest with another",
        ));
    }
    change(ctx, by, ticket, move |tx, ticket, by, _| {
        Box::pin(async move {
            if written(tx, "comment", id, ticket.id, text).await? {
                return Ok((id, Change::None));
            }
            let now = tx.now;
            ticket.comment(tx, id, by, text, now).await?;
            for StaffFile { file, mime } in files {
                ticket.attachment(tx, Some(id), by, file, FileState::Complete, mime.as_deref()).await?;
            }
            if ticket.status == Status::New {
                ticket.set_status(tx, by, Status::Open, 0).await?;
            }
            Ok((id, Change::Made))
        })
    })
    .await
}

/// Whether the words stand under that id already, or did until they were deleted. An error if it names others.
async fn written(
    tx: &mut Write,
    table: &'static str,
    id: CommentId,
    ticket: TicketId,
    text: &str,
) -> Result<bool, ServiceError> {
    let found = tx
        .query(
            "SELECT ticket_id, body FROM comment WHERE id = $1 UNION ALL SELECT ticket_id, body FROM note WHERE id = $1",
            &values![id],
        )
        .await?;
    if let Some(row) = found.first() {
        let own = format!("SELECT 1 FROM {table} WHERE id = $1");
        let same = row[0].id::<TicketId>()? == ticket && row[1].text()? == text;
        if !same || tx.query(&own, &values![id]).await?.is_empty() {
            return Err(ServiceError::invalid("id", "names other words already; give each its own"));
        }
        return Ok(true);
    }
    let gone = tx.query("SELECT 1 FROM gone WHERE kind = 'comment' AND id = $1", &values![id]).await?;
    Ok(!gone.is_empty())
}

/// An internal note.
pub async fn note(ctx: &Context, by: &str, ticket: TicketId, text: &str) -> Result<CommentId, ServiceError> {
    note_as(ctx, by, ticket, CommentId(ctx.env.new_id()), text).await
}

/// The same under an id of the caller's, as [`reply_as`].
pub async fn note_as(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    id: CommentId,
    text: &str,
) -> Result<CommentId, ServiceError> {
    check_text(ctx, "text", text, false)?;
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            ticket::load(tx.tx(), ticket).await?.ok_or(ServiceError::NotFound("ticket"))?;
            if written(tx, "note", id, ticket, text).await? {
                return Ok(id);
            }
            let now = tx.now;
            tx.execute(
                "INSERT INTO note (id, ticket_id, by_name, body, at) VALUES ($1, $2, $3, $4, $5)",
                &values![id, ticket, by, text, now],
            )
            .await?;
            Ok(id)
        })
    })
    .await
}

/// Moves the status. Solving begins a new solve round and opens the reopen window.
pub async fn set_status(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    status: Status,
) -> Result<(), ServiceError> {
    let window = ctx.policy.reopen_window_ms;
    change(ctx, by, ticket, move |tx, ticket, by, _| {
        Box::pin(async move {
            if ticket.status == status {
                return Ok(((), Change::None));
            }
            ticket.set_status(tx, by, status, window).await?;
            Ok(((), Change::Made))
        })
    })
    .await
}

/// Gives it to somebody, or back.
pub async fn assign(ctx: &Context, by: &str, ticket: TicketId, to: Option<&str>) -> Result<(), ServiceError> {
    if let Some(to) = to {
        check_line("assignee", to)?;
    }
    change(ctx, by, ticket, move |tx, ticket, by, _| {
        Box::pin(async move {
            if ticket.assignee.as_deref() == to {
                return Ok(((), Change::None));
            }
            ticket.assignee = to.map(str::to_owned);
            ticket.event(tx, by, &EventData::Assignee { name: ticket.assignee.clone() }).await?;
            Ok(((), Change::Made))
        })
    })
    .await
}

/// Makes, moves or takes back a promise; moving one needs a reason.
pub async fn set_deadline(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    at: Option<Millis>,
    reason: Option<&str>,
) -> Result<(), ServiceError> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    if let Some(reason) = reason {
        check_text(ctx, "reason", reason, false)?;
    }
    change(ctx, by, ticket, move |tx, ticket, by, _| {
        Box::pin(async move {
            let from = ticket.deadline.as_ref().map(|deadline| deadline.at);
            if from == at {
                return Ok(((), Change::None));
            }
            if from.is_some() && reason.is_none() {
                return Err(ServiceError::invalid(
                    "reason",
                    "a promise is moved with a reason; say why it moves",
                ));
            }
            let reason = reason.map(str::to_owned);
            ticket.deadline = at.map(|at| Deadline { at, moved_from: from, reason: reason.clone() });
            ticket.event(tx, by, &EventData::Deadline { from, to: at, reason }).await?;
            Ok(((), Change::Made))
        })
    })
    .await
}

/// Asks to be rated for the last solving.
pub async fn ask_rating(ctx: &Context, by: &str, ticket: TicketId) -> Result<(), ServiceError> {
    change(ctx, by, ticket, move |tx, ticket, by, _| {
        Box::pin(async move {
            if ticket.solve_round == 0 {
                return Err(ServiceError::invalid(
                    "status",
                    "there is nothing to rate before it was solved once",
                ));
            }
            if ticket.rating_asked == ticket.solve_round {
                return Ok(((), Change::None));
            }
            ticket.rating_asked = ticket.solve_round;
            ticket.event(tx, by, &EventData::RatingAsked { round: ticket.solve_round }).await?;
            Ok(((), Change::Made))
        })
    })
    .await
}

/// Adds and removes people who follow the ticket.
pub async fn participants(
    ctx: &Context,
    by: &str,
    ticket: TicketId,
    add: &[PersonId],
    remove: &[PersonId],
) -> Result<(), ServiceError> {
    change(ctx, by, ticket, move |tx, ticket, by, _| {
        Box::pin(async move {
            for person in add {
                let found = people::get(tx.tx(), *person).await?.ok_or(ServiceError::NotFound("person"))?;
                participants::add(tx, ticket, by, *person, &found.name).await?;
            }
            for person in remove {
                participants::remove(tx, ticket, by, *person).await?;
            }
            // Each saved the ticket itself.
            Ok(((), Change::None))
        })
    })
    .await?;
    backfill::finish(ctx).await
}

/// Deletes a ticket with all that belongs to it. Answers the files whose bytes may go.
pub async fn delete_ticket(ctx: &Context, ticket: TicketId) -> Result<Vec<AttachmentId>, ServiceError> {
    remove_ticket(ctx, ticket, Gone::Deleted).await
}

/// Deletes a comment with its files. Answers the files whose bytes may go.
pub async fn delete_comment(ctx: &Context, comment: CommentId) -> Result<Vec<AttachmentId>, ServiceError> {
    remove_comment(ctx, comment, Gone::Deleted).await
}

/// As [`delete_ticket`], and every copy on every phone goes, the author's own words included.
pub async fn erase_ticket(ctx: &Context, ticket: TicketId) -> Result<Vec<AttachmentId>, ServiceError> {
    remove_ticket(ctx, ticket, Gone::Erased).await
}

/// As [`delete_comment`], and every copy goes.
pub async fn erase_comment(ctx: &Context, comment: CommentId) -> Result<Vec<AttachmentId>, ServiceError> {
    remove_comment(ctx, comment, Gone::Erased).await
}

async fn remove_ticket(
    ctx: &Context,
    ticket: TicketId,
    why: Gone,
) -> Result<Vec<AttachmentId>, ServiceError> {
    let files = with_write::<_, ServiceError, _>(ctx, move |tx, _| {
        Box::pin(async move {
            let found = ticket::lock(tx, ticket).await?.ok_or(ServiceError::NotFound("ticket"))?;
            remove::ticket(tx, ctx.outside.as_ref(), &found, why).await
        })
    })
    .await?;
    backfill::finish(ctx).await?;
    Ok(files)
}

async fn remove_comment(
    ctx: &Context,
    comment: CommentId,
    why: Gone,
) -> Result<Vec<AttachmentId>, ServiceError> {
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let rows = tx.query("SELECT ticket_id FROM comment WHERE id = $1", &values![comment]).await?;
            let ticket = rows.first().ok_or(ServiceError::NotFound("comment"))?[0].id()?;
            let found = ticket::lock(tx, ticket).await?.ok_or(ServiceError::NotFound("ticket"))?;
            remove::comment(tx, ctx.outside.as_ref(), &found, comment.into(), why).await
        })
    })
    .await
}

/// Whether the ticket is to be saved.
enum Change {
    /// It moved.
    Made,
    /// It did not, or was saved already.
    None,
}

type Changed<'t, T> = BoxFuture<'t, Result<(T, Change), ServiceError>>;

/// One change of a ticket by staff, in a transaction of its own.
async fn change<'a, T, W>(ctx: &'a Context, by: &str, id: TicketId, work: W) -> Result<T, ServiceError>
where
    T: Send,
    W: for<'t> Fn(&'t mut Write, &'t mut Ticket, &'t PersonRef, [&'t &'a (); 0]) -> Changed<'t, T>
        + Send
        + Sync,
{
    check_line("by", by)?;
    let by = PersonRef { id: None, name: by.to_owned(), side: Side::Staff };
    let (work, by) = (&work, &by);
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let mut ticket = ticket::lock(tx, id).await?.ok_or(ServiceError::NotFound("ticket"))?;
            let (value, change) = work(tx, &mut ticket, by, []).await?;
            if matches!(change, Change::Made) {
                ticket.save(tx).await?;
            }
            Ok(value)
        })
    })
    .await
}

fn staff_ticket(ctx: &Context, ticket: &Ticket) -> StaffTicket {
    StaffTicket { id: ticket.id, row: ticket.row(ctx.policy.rating_max) }
}

fn check_text(
    ctx: &Context,
    field: &'static str,
    text: &str,
    may_be_empty: bool,
) -> Result<(), ServiceError> {
    let most = ctx.policy.limits.text_bytes;
    if text.len() as u64 > most {
        return Err(ServiceError::invalid(field, format!("is longer than {most} bytes; shorten it")));
    }
    if text.contains('\0') || (!may_be_empty && text.trim().is_empty()) {
        return Err(ServiceError::invalid(field, "must hold text"));
    }
    Ok(())
}

fn check_line(field: &'static str, text: &str) -> Result<(), ServiceError> {
    if text.trim().is_empty() || text.chars().count() > LINE_CHARS || text.chars().any(char::is_control) {
        return Err(ServiceError::invalid(
            field,
            format!("must be one line of 1 to {LINE_CHARS} characters"),
        ));
    }
    Ok(())
}
