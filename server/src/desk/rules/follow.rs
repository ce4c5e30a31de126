//! Participants: people of the desk only.

use pocketdesk_protocol::{op::ParticipantBody, sync::code};

use super::{Case, Outcome, Rejection, Stop};
use crate::{
    desk::{participants, ticket::Ticket},
    people::{self, Person},
    store::write::Write,
};

pub(super) async fn add(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let found = named(case, tx, ticket).await?;
    participants::add(tx, ticket, &case.viewer.as_author(), found.id, &found.name).await?;
    Ok(case.outcome(ticket, ticket.v))
}

pub(super) async fn remove(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let person = named(case, tx, ticket).await?.id;
    let own = person == case.viewer.person || ticket.author == case.viewer.person;
    if !own && !case.returning {
        return Err(Rejection::of(code::NO_RIGHT).into());
    }
    participants::remove(tx, ticket, &case.viewer.as_author(), person).await?;
    Ok(case.outcome(ticket, ticket.v))
}

/// Whom the op names. People of other companies look like people the desk does not know: else anybody could ask for
/// names behind addresses, and put a ticket into a stranger's inbox. Staff may add anybody.
async fn named(case: &Case<'_>, tx: &mut Write, ticket: &Ticket) -> Result<Person, Stop> {
    let body: ParticipantBody = case.body()?;
    let (person, field) = match (body.person, body.email.as_deref()) {
        (Some(person), _) => (Some(person), "person"),
        (None, Some(email)) => (people::find_by_email(tx.tx(), email).await?, "email"),
        (None, None) => return Err(Rejection::field(code::INVALID, "person").into()),
    };
    let found = match person {
        Some(person) => people::get(tx.tx(), person).await?,
        None => None,
    };
    let known = |found: &Person| {
        let follows = found.id == ticket.author || ticket.participants.iter().any(|(id, _)| *id == found.id);
        follows || case.returning || found.company == case.viewer.company
    };
    found.filter(known).ok_or_else(|| Rejection::field(code::UNKNOWN_PERSON, field).into())
}
