//! What a person does about words the desk refused after the server took them: new words, or taking them back. Both
//! are judged by the row's state alone.

use pocketdesk_protocol::{
    ids::PersonId,
    op::AmendBody,
    rows::{DeskState, kind as row},
    sync::{Gone, code},
};

use super::{Case, Outcome, Rejection, Stop};
use crate::{
    desk::{
        Handed, remove,
        ticket::{self, Ticket},
    },
    journal::rows::json,
    store::write::Write,
    values,
};

pub(super) async fn amend(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let body: AmendBody = case.body()?;
    if let Some(subject) = &body.subject {
        case.check_subject(subject)?;
    }
    if let Some(text) = &body.text {
        case.check_text("text", text, false)?;
    }
    if let Some(outcome) = taken_back(case, tx, ticket).await? {
        return Ok(outcome);
    }
    let state = state(case, tx, ticket).await?;
    if !case.returning {
        match state {
            DeskState::Refused { can_edit: true, .. } => {}
            _ => return Err(Rejection::of(code::NOT_REFUSED).into()),
        }
    }
    let entity = case.op.entity;
    if entity == ticket.id.into() {
        if let Some(subject) = body.subject {
            ticket.subject = subject.trim().to_owned();
        }
        if let Some(text) = body.text {
            ticket.description = text;
        }
        ticket.desk = case.ctx.desk.take(tx, Handed::Ticket, ticket.id, entity).await?;
        ticket.save(tx).await?;
        return Ok(case.outcome(ticket, ticket.v));
    }
    if let Some(text) = body.text {
        tx.execute("UPDATE comment SET body = $2 WHERE id = $1", &values![entity, text]).await?;
    }
    let state = case.ctx.desk.take(tx, Handed::Comment, ticket.id, entity).await?;
    let v = ticket::set_comment_desk(tx, ticket, entity, &state).await?;
    Ok(case.outcome(ticket, v))
}

pub(super) async fn withdraw(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    if let Some(outcome) = taken_back(case, tx, ticket).await? {
        return Ok(outcome);
    }
    let state = state(case, tx, ticket).await?;
    if !case.returning && !matches!(state, DeskState::Refused { .. }) {
        return Err(Rejection::of(code::NOT_REFUSED).into());
    }
    let (entity, outside) = (case.op.entity, case.ctx.outside.as_ref());
    let what = if entity == ticket.id.into() {
        remove::ticket(tx, outside, ticket, Gone::Deleted).await?;
        row::TICKET
    } else {
        remove::comment(tx, outside, ticket, entity, Gone::Deleted).await?;
        row::COMMENT
    };
    let v = remove::find(tx.tx(), what, entity).await?.map_or(0, |(_, v)| v);
    Ok(case.outcome(ticket, v))
}

/// What comes of a returning op whose comment is gone already: nothing more, and no attention for what was done.
async fn taken_back(case: &Case<'_>, tx: &mut Write, ticket: &Ticket) -> Result<Option<Outcome>, Stop> {
    if !case.returning || case.op.entity == ticket.id.into() {
        return Ok(None);
    }
    let gone = remove::find(tx.tx(), row::COMMENT, case.op.entity).await?;
    Ok(gone.map(|(_, v)| case.outcome(ticket, v)))
}

/// The state of the row the op names, which must be the person's own.
async fn state(case: &Case<'_>, tx: &mut Write, ticket: &Ticket) -> Result<DeskState, Stop> {
    let entity = case.op.entity;
    let (author, state) = if entity == ticket.id.into() {
        (Some(ticket.author), ticket.desk.clone())
    } else {
        let rows = tx
            .query(
                "SELECT author_id, desk FROM comment WHERE id = $1 AND ticket_id = $2",
                &values![entity, ticket.id],
            )
            .await?;
        match rows.first() {
            Some(row) => (row[0].id_or_none::<PersonId>()?, json(&row[1])?),
            None => return Err(Rejection::of(code::NOT_REFUSED).into()),
        }
    };
    if author != Some(case.viewer.person) {
        return Err(Rejection::of(code::NO_RIGHT).into());
    }
    Ok(state)
}
