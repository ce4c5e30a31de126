//! Participants: people of the desk only.

use pocketdesk_protocol::{ids::PersonId, op::ParticipantBody, sync::code};

use super::{Case, Outcome, Rejection, Stop};
use crate::{
    desk::{participants, ticket::Ticket},
    people,
    store::write::Write,
};

pub(super) async fn add(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let (person, name) = named(case, tx).await?;
    participants::add(tx, ticket, &case.viewer.as_author(), person, &name).await?;
    Ok(case.outcome(ticket, ticket.v))
}

pub(super) async fn remove(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let (person, _) = named(case, tx).await?;
    let own = person == case.viewer.person || ticket.author == case.viewer.person;
    if !own && !case.returning {
        return Err(Rejection::of(code::NO_RIGHT).into());
    }
    participants::remove(tx, ticket, &case.viewer.as_author(), person).await?;
    Ok(case.outcome(ticket, ticket.v))
}

async fn named(case: &Case<'_>, tx: &mut Write) -> Result<(PersonId, String), Stop> {
    let body: ParticipantBody = case.body()?;
    let person = match (body.person, body.email.as_deref()) {
        (Some(person), _) => Some(person),
        (None, Some(email)) => people::find_by_email(tx.tx(), email).await?,
        (None, None) => return Err(Rejection::field(code::INVALID, "person").into()),
    };
    let Some(person) = person else { return Err(Rejection::field(code::UNKNOWN_PERSON, "email").into()) };
    match people::get(tx.tx(), person).await? {
        Some(found) => Ok((person, found.name)),
        None => Err(Rejection::field(code::UNKNOWN_PERSON, "person").into()),
    }
}
