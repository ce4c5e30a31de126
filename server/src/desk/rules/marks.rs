//! What a person marks for themselves: how far they read, and how they rate.

use pocketdesk_protocol::{
    ids::Scope,
    op::{RatingSetBody, ReadBody, kind},
    rows::{EventData, kind as row},
    sync::code,
};

use super::{Case, Outcome, Rejection, Stop};
use crate::{desk::ticket::Ticket, store::write::Write, values};

pub(super) async fn rating(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let body: RatingSetBody = case.body()?;
    let words = body.comment.as_deref().unwrap_or_default();
    case.check_text("comment", words, true)?;
    if body.value == 0 || body.value > case.ctx.policy.rating_max {
        return Err(Rejection::field(code::INVALID, "value").into());
    }
    let solved = tx
        .query("SELECT at FROM solved WHERE ticket_id = $1 AND round = $2", &values![ticket.id, body.round])
        .await?;
    match solved.first() {
        None if !case.returning => return Err(Rejection::of(code::NOT_SOLVED).into()),
        Some(row)
            if !case.returning
                && case.made_at(tx.now, body.made_at) > row[0].int()? + case.ctx.policy.rating_window_ms =>
        {
            return Err(Rejection::of(code::RATING_WINDOW_PASSED).into());
        }
        _ => {}
    }
    let (person, now) = (case.viewer.person, tx.now);
    let rows = tx
        .query(
            "INSERT INTO rating (ticket_id, person_id, round, v, value, words, at) VALUES ($1, $2, $3, \
             (SELECT COALESCE(MAX(v), 0) + 1 FROM rating WHERE ticket_id = $1 AND person_id = $2), $4, $5, $6) \
             ON CONFLICT (ticket_id, person_id, round) DO UPDATE SET v = excluded.v, value = excluded.value, \
             words = excluded.words, at = excluded.at RETURNING v",
            &values![ticket.id, person, body.round, body.value, words, now],
        )
        .await?;
    let v = rows[0][0].int()?;
    tx.touched.row([Scope::Person(person)], row::RATING, ticket.id.into());
    let event = EventData::Rated { round: body.round, value: body.value, comment: body.comment };
    ticket.event(tx, &case.viewer.as_author(), &event).await?;
    ticket.save(tx).await?;
    Ok(case.outcome(ticket, v))
}

pub(super) async fn read(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let body: ReadBody = case.body()?;
    let person = case.viewer.person;
    let before = tx
        .query(
            "SELECT v, position FROM read_mark WHERE ticket_id = $1 AND person_id = $2",
            &values![ticket.id, person],
        )
        .await?;
    let (v, marked) = match before.first() {
        Some(row) => (row[0].int()?, Some(row[1].int()?)),
        None => (0, None),
    };
    let position = body.position.clamp(-1, ticket.last_position);
    let raises = marked.is_none_or(|marked| position > marked);
    // Positions of another epoch name other events.
    let counts =
        body.epoch == tx.epoch && (raises || case.op.kind == kind::READ_UNMARK) && marked != Some(position);
    if !counts {
        return Ok(case.outcome(ticket, v));
    }
    tx.execute(
        "INSERT INTO read_mark (ticket_id, person_id, v, position) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (ticket_id, person_id) DO UPDATE SET v = excluded.v, position = excluded.position",
        &values![ticket.id, person, v + 1, position],
    )
    .await?;
    tx.touched.row([Scope::Person(person)], row::READ, ticket.id.into());
    Ok(case.outcome(ticket, v + 1))
}
