//! Rows of a large ticket on their way into a scope, or out of it: more than one commit holds are split, and what is
//! left of them survives a crash as a row of its own.

use pocketdesk_protocol::{
    ids::{EntityId, Scope, TicketId},
    limits::ENTITIES_PER_COMMIT,
    rows::kind,
};

use super::scope;
use crate::{
    context::{Context, ServiceError},
    store::{
        StoreError, Tx,
        write::{Write, with_write},
    },
    values,
};

/// Kinds of rows of a ticket; their places are their ranks in SQL.
const KINDS: [&str; 5] = [kind::ATTACHMENT, kind::COMMENT, kind::EVENT, kind::RATING, kind::READ];

/// Where the rows of a ticket go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Its own row comes last: it is shown when it is whole.
    Joining,
    /// Its own row goes first: what is left of it is not shown.
    Leaving,
}

/// Appends all rows of the ticket to `scope`: in this commit if they fit, else in commits that follow it.
pub async fn append(
    tx: &mut Write,
    scope: Scope,
    ticket: TicketId,
    direction: Direction,
) -> Result<(), StoreError> {
    let rows = rows(tx.tx(), scope, ticket, (-1, ""), ENTITIES_PER_COMMIT).await?;
    if rows.len() + tx.touched.rows() < ENTITIES_PER_COMMIT {
        for (rank, id) in rows {
            tx.touched.row([scope], kind_of(rank), id);
        }
        tx.touched.row([scope], kind::TICKET, ticket.into());
        return Ok(());
    }
    if direction == Direction::Leaving {
        tx.touched.row([scope], kind::TICKET, ticket.into());
    }
    let id = tx.env.new_id();
    let last = i64::from(direction == Direction::Joining);
    tx.execute(
        "INSERT INTO backfill (id, scope, ticket_id, ticket_last) VALUES ($1, $2, $3, $4)",
        &values![id, scope, ticket, last],
    )
    .await?;
    Ok(())
}

/// Appends what large tickets left to do. Called after a commit that left something, and at the start of the server.
pub async fn finish(ctx: &Context) -> Result<(), ServiceError> {
    while with_write::<_, StoreError, _>(ctx, move |tx, _| Box::pin(part(tx))).await? {}
    Ok(())
}

/// One commit of it; `false` when there is nothing to do.
async fn part(tx: &mut Write) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT id, scope, ticket_id, ticket_last, after_rank, after_id FROM backfill ORDER BY id LIMIT 1{}",
        tx.for_update()
    );
    let found = tx.query(&sql, &[]).await?;
    let Some(row) = found.first() else { return Ok(false) };
    let (id, scope, ticket) = (row[0].text()?, scope(&row[1])?, row[2].id::<TicketId>()?);
    let rows = rows(tx.tx(), scope, ticket, (row[4].int()?, row[5].text()?), ENTITIES_PER_COMMIT - 1).await?;
    let ended = rows.len() < ENTITIES_PER_COMMIT - 1;
    for (rank, entity) in &rows {
        tx.touched.row([scope], kind_of(*rank), *entity);
    }
    match rows.last() {
        Some((rank, entity)) if !ended => {
            tx.execute(
                "UPDATE backfill SET after_rank = $2, after_id = $3 WHERE id = $1",
                &values![id, *rank, *entity],
            )
            .await?;
        }
        _ => {
            if row[3].int()? == 1 {
                tx.touched.row([scope], kind::TICKET, ticket.into());
            }
            tx.execute("DELETE FROM backfill WHERE id = $1", &values![id]).await?;
        }
    }
    Ok(true)
}

/// Rows of a ticket after (rank, id), those that are gone included; but for the ticket's own.
async fn rows(
    tx: &mut dyn Tx,
    scope: Scope,
    ticket: TicketId,
    after: (i64, &str),
    limit: usize,
) -> Result<Vec<(i64, EntityId)>, StoreError> {
    let person = match scope {
        Scope::Person(person) => Some(person),
        _ => None,
    };
    let sql = format!(
        "SELECT rank, id FROM ( \
           SELECT 0 AS rank, id FROM attachment WHERE ticket_id = $1 \
           UNION ALL SELECT 1 AS rank, id FROM comment WHERE ticket_id = $1 \
           UNION ALL SELECT 2 AS rank, id FROM event WHERE ticket_id = $1 \
           UNION ALL SELECT 3 AS rank, ticket_id FROM rating WHERE ticket_id = $1 AND person_id = $2 AND round = \
             (SELECT MAX(round) FROM rating WHERE ticket_id = $1 AND person_id = $2) \
           UNION ALL SELECT 4 AS rank, ticket_id FROM read_mark WHERE ticket_id = $1 AND person_id = $2 \
           UNION ALL SELECT CASE kind WHEN 'attachment' THEN 0 WHEN 'comment' THEN 1 ELSE 2 END AS rank, id \
             FROM gone WHERE ticket_id = $1 AND kind <> 'ticket') AS own \
         WHERE rank > $3 OR (rank = $3 AND id > $4) ORDER BY rank, id LIMIT {limit}"
    );
    let found = tx.query(&sql, &values![ticket, person, after.0, after.1]).await?;
    found.iter().map(|row| Ok((row[0].int()?, row[1].id()?))).collect()
}

/// The kind of a rank.
fn kind_of(rank: i64) -> &'static str {
    KINDS[usize::try_from(rank).unwrap_or(0).min(KINDS.len() - 1)]
}
