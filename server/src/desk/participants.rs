//! Who follows a ticket. Following brings all its rows into the follower's scope; leaving takes them out.

use pocketdesk_protocol::{
    ids::{PersonId, Scope},
    rows::{EventData, PersonRef, kind},
};

use super::ticket::Ticket;
use crate::{
    journal::backfill::{self, Direction},
    store::{StoreError, write::Write},
    values,
};

/// Adds a person; `false` if they have it already.
pub async fn add(
    tx: &mut Write,
    ticket: &mut Ticket,
    by: &PersonRef,
    person: PersonId,
    name: &str,
) -> Result<bool, StoreError> {
    if ticket.author == person || ticket.participants.iter().any(|(id, _)| *id == person) {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO participant (ticket_id, person_id, name) VALUES ($1, $2, $3)",
        &values![ticket.id, person, name],
    )
    .await?;
    // Saved before it is in the newcomer's scope: on joining the ticket's own row comes last.
    ticket.event(tx, by, &EventData::ParticipantAdded { name: name.to_owned() }).await?;
    ticket.save(tx).await?;
    ticket.participants.push((person, name.to_owned()));
    backfill::append(tx, Scope::Person(person), ticket.id, Direction::Joining).await?;
    Ok(true)
}

/// Removes a person; `false` if they do not follow it.
pub async fn remove(
    tx: &mut Write,
    ticket: &mut Ticket,
    by: &PersonRef,
    person: PersonId,
) -> Result<bool, StoreError> {
    let Some(at) = ticket.participants.iter().position(|(id, _)| *id == person) else { return Ok(false) };
    let (_, name) = ticket.participants.remove(at);
    tx.execute(
        "DELETE FROM participant WHERE ticket_id = $1 AND person_id = $2",
        &values![ticket.id, person],
    )
    .await?;
    ticket.event(tx, by, &EventData::ParticipantRemoved { name }).await?;
    ticket.save(tx).await?;
    tx.touched.row([Scope::Person(person)], kind::TICKET, ticket.id.into());
    backfill::append(tx, Scope::Person(person), ticket.id, Direction::Leaving).await?;
    Ok(true)
}
