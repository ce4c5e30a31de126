//! Deleting and erasing. Ids of what went are kept, outside the database too: a restore must not bring it back, and an
//! op that comes late must be told.

use std::collections::BTreeSet;

use pocketdesk_protocol::{
    ids::{AttachmentId, EntityId, PersonId, Scope, TicketId},
    limits::ENTITIES_PER_COMMIT,
    rows::kind,
    sync::Gone,
};
use serde::{Deserialize, Serialize};

use super::ticket::Ticket;
use crate::{
    backup::outside::Outside,
    context::ServiceError,
    store::{StoreError, Tx, write::Write},
    values,
};

/// Name of the log outside the database.
const LOG: &str = "gone";

/// A row that went: ids, never words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneRow {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: EntityId,
    /// Where it belonged.
    pub ticket: TicketId,
    /// Whose words they were; none for staff.
    pub author: Option<PersonId>,
    /// Deleted or erased.
    pub why: Gone,
    /// Its last version, and one more.
    pub v: i64,
}

/// Removes a ticket with all that belongs to it. Answers the files whose bytes may go.
pub async fn ticket(
    tx: &mut Write,
    outside: &dyn Outside,
    ticket: &Ticket,
    why: Gone,
) -> Result<Vec<AttachmentId>, ServiceError> {
    let mut rows = vec![GoneRow {
        kind: kind::TICKET.to_owned(),
        id: ticket.id.into(),
        ticket: ticket.id,
        author: Some(ticket.author),
        why,
        v: ticket.v + 1,
    }];
    for (what, author) in
        [(kind::COMMENT, "author_id"), (kind::ATTACHMENT, "author_id"), (kind::EVENT, "by_id")]
    {
        let sql = format!("SELECT id, {author}, v FROM {what} WHERE ticket_id = $1");
        for row in tx.query(&sql, &values![ticket.id]).await? {
            rows.push(GoneRow {
                kind: what.to_owned(),
                id: row[0].id()?,
                ticket: ticket.id,
                author: row[1].id_or_none()?,
                why,
                v: row[2].int()? + 1,
            });
        }
    }
    let mut readers = BTreeSet::new();
    for table in [kind::RATING, "read_mark"] {
        let sql = format!("SELECT person_id FROM {table} WHERE ticket_id = $1");
        for row in tx.query(&sql, &values![ticket.id]).await? {
            readers.insert(row[0].id::<PersonId>()?);
        }
    }
    log(outside, &rows)?;
    let files = rows.iter().filter(|row| row.kind == kind::ATTACHMENT).map(|row| row.id.into()).collect();
    for row in &rows {
        drop_row(tx.tx(), row).await?;
    }
    for table in ["participant", "solved", "read_mark", "rating", "note"] {
        tx.execute(&format!("DELETE FROM {table} WHERE ticket_id = $1"), &values![ticket.id]).await?;
    }
    for person in readers {
        tx.touched.row([Scope::Person(person)], kind::READ, ticket.id.into());
        tx.touched.row([Scope::Person(person)], kind::RATING, ticket.id.into());
    }
    let mut scopes = ticket.scopes();
    if why == Gone::Erased {
        scopes.extend(rows.iter().filter_map(|row| row.author).map(Scope::Person));
    }
    if rows.len() + tx.touched.rows() <= ENTITIES_PER_COMMIT {
        touch(tx, &scopes, &rows);
    } else {
        touch(tx, &scopes, &rows[..1]);
        for scope in scopes {
            let id = tx.env.new_id();
            tx.execute(
                "INSERT INTO backfill (id, scope, ticket_id) VALUES ($1, $2, $3)",
                &values![id, scope, ticket.id],
            )
            .await?;
        }
    }
    Ok(files)
}

/// Removes a comment with its files. Answers the files whose bytes may go.
pub async fn comment(
    tx: &mut Write,
    outside: &dyn Outside,
    ticket: &Ticket,
    comment: EntityId,
    why: Gone,
) -> Result<Vec<AttachmentId>, ServiceError> {
    let mut rows = Vec::new();
    for (what, sql) in [
        (kind::COMMENT, "SELECT id, author_id, v FROM comment WHERE id = $1"),
        (kind::ATTACHMENT, "SELECT id, author_id, v FROM attachment WHERE comment_id = $1"),
    ] {
        for row in tx.query(sql, &values![comment]).await? {
            rows.push(GoneRow {
                kind: what.to_owned(),
                id: row[0].id()?,
                ticket: ticket.id,
                author: row[1].id_or_none()?,
                why,
                v: row[2].int()? + 1,
            });
        }
    }
    log(outside, &rows)?;
    for row in &rows {
        drop_row(tx.tx(), row).await?;
    }
    let mut scopes = ticket.scopes();
    if why == Gone::Erased {
        scopes.extend(rows.iter().filter_map(|row| row.author).map(Scope::Person));
    }
    touch(tx, &scopes, &rows);
    Ok(rows.iter().filter(|row| row.kind == kind::ATTACHMENT).map(|row| row.id.into()).collect())
}

/// Whether a row went, and with which version.
pub async fn find(tx: &mut dyn Tx, what: &str, id: EntityId) -> Result<Option<(Gone, i64)>, StoreError> {
    let rows = tx.query("SELECT why, v FROM gone WHERE kind = $1 AND id = $2", &values![what, id]).await?;
    rows.first().map(|row| Ok((why(row[0].text()?), row[1].int()?))).transpose()
}

/// Removes again what the log says went, from a database that was restored. Answers how many rows it still had.
pub async fn replay(tx: &mut dyn Tx, outside: &dyn Outside) -> Result<u64, ServiceError> {
    let mut found = 0;
    for line in outside.lines(LOG)? {
        // A line torn by a power cut was never acknowledged; its deletion did not happen either.
        let Ok(rows) = serde_json::from_str::<Vec<GoneRow>>(&line) else { continue };
        for row in rows {
            found += drop_row(tx, &row).await?;
            if row.kind == kind::TICKET {
                for table in
                    ["participant", "solved", "read_mark", "rating", "note", "comment", "attachment", "event"]
                {
                    tx.execute(&format!("DELETE FROM {table} WHERE ticket_id = $1"), &values![row.id])
                        .await?;
                }
            }
        }
    }
    Ok(found)
}

fn log(outside: &dyn Outside, rows: &[GoneRow]) -> Result<(), ServiceError> {
    let line = serde_json::to_string(rows).expect("ids serialise");
    // Before the commit: what was erased must not come back, what was not may be erased again.
    Ok(outside.append(LOG, &line)?)
}

async fn drop_row(tx: &mut dyn Tx, row: &GoneRow) -> Result<u64, StoreError> {
    let table = match row.kind.as_str() {
        kind::TICKET => "ticket",
        kind::COMMENT => "comment",
        kind::ATTACHMENT => "attachment",
        kind::EVENT => "event",
        _ => return Ok(0),
    };
    let count = tx.execute(&format!("DELETE FROM {table} WHERE id = $1"), &values![row.id]).await?;
    let why = if row.why == Gone::Erased { "erased" } else { "deleted" };
    tx.execute(
        "INSERT INTO gone (kind, id, ticket_id, author_id, why, v, at) VALUES ($1, $2, $3, $4, $5, $6, 0) \
         ON CONFLICT (kind, id) DO UPDATE SET why = excluded.why, \
         v = CASE WHEN excluded.v > gone.v THEN excluded.v ELSE gone.v END",
        &values![row.kind.as_str(), row.id, row.ticket, row.author, why, row.v],
    )
    .await?;
    Ok(count)
}

fn touch(tx: &mut Write, scopes: &BTreeSet<Scope>, rows: &[GoneRow]) {
    for row in rows {
        let what = match row.kind.as_str() {
            kind::TICKET => kind::TICKET,
            kind::COMMENT => kind::COMMENT,
            kind::ATTACHMENT => kind::ATTACHMENT,
            _ => kind::EVENT,
        };
        tx.touched.row(scopes.iter().copied(), what, row.id);
    }
}

/// From its column.
fn why(text: &str) -> Gone {
    if text == "erased" { Gone::Erased } else { Gone::Deleted }
}
