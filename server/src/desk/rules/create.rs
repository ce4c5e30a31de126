//! New tickets, comments and files.

use pocketdesk_protocol::{
    ids::TicketId,
    op::{AttachmentAddBody, CommentAddBody, TicketCreateBody},
    rows::{DeskState, EventData, Status},
    sync::code,
};

use super::{Case, Outcome, Rejection, Stop};
use crate::{
    desk::{Handed, ticket::Ticket},
    store::write::Write,
    values,
};

pub(super) async fn ticket(case: &Case<'_>, tx: &mut Write) -> Result<Outcome, Stop> {
    let body: TicketCreateBody = case.body()?;
    case.check_subject(&body.subject)?;
    case.check_text("description", &body.description, true)?;
    case.check_files("attachments", &body.attachments)?;
    let viewer = case.viewer;
    let id = TicketId::from(case.op.entity);
    if !tx.query("SELECT id FROM ticket WHERE id = $1", &values![id]).await?.is_empty() {
        return Err(Rejection::of(code::ID_TAKEN).into());
    }
    // A person files for their own company and sites; what they held when it was judged may have changed since.
    let company = match body.company {
        Some(company) if viewer.company != Some(company) && !case.returning => {
            return Err(Rejection::field(code::NO_RIGHT, "company").into());
        }
        Some(company) => Some(company),
        None => viewer.company,
    };
    let site = match body.site {
        Some(site) if !viewer.sites.contains(&site) && !case.returning => {
            return Err(Rejection::field(code::NO_RIGHT, "site").into());
        }
        Some(site) => Some(site),
        None if viewer.sites.len() == 1 => viewer.sites.first().copied(),
        None => None,
    };
    let author = viewer.as_author();
    let mut ticket = Ticket {
        id,
        v: 0,
        subject: body.subject.trim().to_owned(),
        description: body.description,
        status: Status::New,
        status_event: 0,
        solve_round: 0,
        desk: DeskState::Pending,
        author: viewer.person,
        author_name: viewer.name.clone(),
        company,
        company_name: String::new(),
        site,
        site_name: String::new(),
        assignee: None,
        deadline: None,
        rating_asked: 0,
        reopen_until: 0,
        merged_into: None,
        last_position: 0,
        created_at: tx.now,
        updated_at: tx.now,
        participants: Vec::new(),
    };
    ticket.insert(tx, body.made_at).await?;
    ticket.event(tx, &author, &EventData::Created).await?;
    case.attach(tx, &ticket, None, &body.attachments).await?;
    ticket.desk = case.ctx.desk.take(tx, Handed::Ticket, id, case.op.entity).await?;
    ticket.save(tx).await?;
    Ok(case.outcome(&ticket, ticket.v))
}

pub(super) async fn comment(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let body: CommentAddBody = case.body()?;
    case.check_text("text", &body.text, !body.attachments.is_empty())?;
    case.check_files("attachments", &body.attachments)?;
    let v = case.comment(tx, ticket, case.op.entity, &body.text, body.made_at).await?;
    case.attach(tx, ticket, Some(case.op.entity.into()), &body.attachments).await?;
    case.answered(tx, ticket).await?;
    ticket.save(tx).await?;
    Ok(case.outcome(ticket, v))
}

pub(super) async fn attachment(
    case: &Case<'_>,
    tx: &mut Write,
    ticket: &mut Ticket,
) -> Result<Outcome, Stop> {
    let body: AttachmentAddBody = case.body()?;
    if body.file.id.0 != case.op.entity.0 {
        return Err(Rejection::field(code::INVALID, "file").into());
    }
    case.check_files("file", std::slice::from_ref(&body.file))?;
    case.attach(tx, ticket, None, std::slice::from_ref(&body.file)).await?;
    ticket.save(tx).await?;
    Ok(case.outcome(ticket, 1))
}
