//! Rows as they are now for one person, or why they are gone.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    ids::{EntityId, TicketId},
    rows::{
        AttachmentRow, CommentRow, EventData, EventRow, FileState, PersonRef, RatingRow, ReadRow, Side, kind,
    },
    sync::{Gone, Item},
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    catalogue,
    desk::ticket,
    people::Viewer,
    store::{Row, StoreError, Tx, Value, placeholders},
    values,
};

/// Rows of one statement's IN list.
const IN_LIST: usize = 200;

type Key = (String, EntityId);
/// A row that exists: its ticket (none: everybody sees it), its version, itself.
type Found = BTreeMap<Key, (Option<TicketId>, i64, Box<RawValue>)>;

/// One item for every key, in the keys' order.
pub async fn load(tx: &mut dyn Tx, viewer: &Viewer, keys: &[Key]) -> Result<Vec<Item>, StoreError> {
    let mut found = Found::new();
    for part in keys.chunks(IN_LIST) {
        for what in [kind::TICKET, kind::COMMENT, kind::ATTACHMENT, kind::EVENT, kind::READ, kind::RATING] {
            let ids: Vec<EntityId> = part.iter().filter(|key| key.0 == what).map(|key| key.1).collect();
            if !ids.is_empty() {
                of_kind(tx, viewer, what, &ids, &mut found).await?;
            }
        }
    }
    let names: Vec<EntityId> = keys.iter().filter(|key| key.0 == kind::CATALOGUE).map(|key| key.1).collect();
    let mut removed = BTreeMap::new();
    for part in names.chunks(IN_LIST) {
        for (id, v, row) in catalogue::rows(tx, part).await? {
            let key = (kind::CATALOGUE.to_owned(), id);
            match row {
                Some(row) => drop(found.insert(key, (None, v, raw(&row)?))),
                None => drop(removed.insert(key, (v, Gone::Deleted))),
            }
        }
    }
    let tickets: BTreeSet<TicketId> = found.values().filter_map(|row| row.0).collect();
    let visible = visible(tx, viewer, &tickets).await?;
    let missing: Vec<&Key> = keys.iter().filter(|key| !found.contains_key(*key)).collect();
    let mut gone = gone(tx, &missing).await?;
    gone.extend(removed);
    let mut items = Vec::with_capacity(keys.len());
    for key in keys {
        let (v, row, why) = match found.remove(key) {
            Some((ticket, v, row)) if ticket.is_none_or(|ticket| visible.contains(&ticket)) => {
                (v, Some(row), None)
            }
            Some((_, v, _)) => (v, None, Some(Gone::Left)),
            None => {
                let (v, why) = gone.get(key).copied().unwrap_or((0, Gone::Deleted));
                (v, None, Some(why))
            }
        };
        items.push(Item { k: key.0.clone(), id: key.1, v, row, gone: why });
    }
    Ok(items)
}

/// Which of these tickets the person sees.
pub async fn visible(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    tickets: &BTreeSet<TicketId>,
) -> Result<BTreeSet<TicketId>, StoreError> {
    let mut seen = BTreeSet::new();
    for part in tickets.iter().copied().collect::<Vec<_>>().chunks(IN_LIST) {
        let mut values: Vec<Value> = values![viewer.person].into();
        values.extend(part.iter().map(|id| Value::from(*id)));
        let list = placeholders(2, part.len());
        let sql = format!(
            "SELECT t.id, t.author_id, t.company_id, t.site_id, p.person_id FROM ticket t \
             LEFT JOIN participant p ON p.ticket_id = t.id AND p.person_id = $1 WHERE t.id IN ({list})"
        );
        for row in tx.query(&sql, &values).await? {
            let participates = row[4] != Value::Null;
            if participates || viewer.sees(row[1].id_or_none()?, row[2].id_or_none()?, row[3].id_or_none()?) {
                seen.insert(row[0].id()?);
            }
        }
    }
    Ok(seen)
}

async fn of_kind(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    what: &str,
    ids: &[EntityId],
    found: &mut Found,
) -> Result<(), StoreError> {
    let list = placeholders(1, ids.len());
    let mut values: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
    match what {
        kind::TICKET => {
            for ticket in ticket::load_many(tx, ids).await? {
                let row = raw(&ticket.row(viewer.rating_max))?;
                found.insert((what.to_owned(), ticket.id.into()), (Some(ticket.id), ticket.v, row));
            }
        }
        kind::COMMENT => {
            let sql = format!("SELECT {COMMENT} FROM comment WHERE id IN ({list})");
            for row in tx.query(&sql, &values).await? {
                let (id, v, comment) = comment(&row)?;
                found.insert((what.to_owned(), id), (Some(comment.ticket), v, raw(&comment)?));
            }
        }
        kind::ATTACHMENT => {
            let sql = format!("SELECT {ATTACHMENT} FROM attachment WHERE id IN ({list})");
            for row in tx.query(&sql, &values).await? {
                let (id, v, file) = attachment(&row)?;
                found.insert((what.to_owned(), id), (Some(file.ticket), v, raw(&file)?));
            }
        }
        kind::EVENT => {
            let sql = format!("SELECT {EVENT} FROM event WHERE id IN ({list})");
            for row in tx.query(&sql, &values).await? {
                let (id, v, event) = event(&row)?;
                found.insert((what.to_owned(), id), (Some(event.ticket), v, raw(&event)?));
            }
        }
        kind::READ => {
            values.push(viewer.person.into());
            let person = values.len();
            let sql = format!(
                "SELECT ticket_id, v, position FROM read_mark WHERE ticket_id IN ({list}) AND person_id = ${person}"
            );
            for row in tx.query(&sql, &values).await? {
                let ticket: TicketId = row[0].id()?;
                let read = ReadRow { position: row[2].int()? };
                found.insert((what.to_owned(), ticket.into()), (Some(ticket), row[1].int()?, raw(&read)?));
            }
        }
        kind::RATING => {
            values.push(viewer.person.into());
            let person = values.len();
            // By round: the last one of a ticket stays in the map, and versions count over all of them.
            let sql = format!(
                "SELECT ticket_id, MAX(v) OVER (PARTITION BY ticket_id), round, value, words, at FROM rating \
                 WHERE ticket_id IN ({list}) AND person_id = ${person} ORDER BY round"
            );
            for row in tx.query(&sql, &values).await? {
                let ticket: TicketId = row[0].id()?;
                let rating = RatingRow {
                    round: small(&row[2])?,
                    value: small(&row[3])?,
                    comment: words(&row[4])?,
                    at: row[5].int()?,
                };
                found.insert((what.to_owned(), ticket.into()), (Some(ticket), row[1].int()?, raw(&rating)?));
            }
        }
        _ => {}
    }
    Ok(())
}

async fn gone(tx: &mut dyn Tx, keys: &[&Key]) -> Result<BTreeMap<Key, (i64, Gone)>, StoreError> {
    let mut all = BTreeMap::new();
    for part in keys.chunks(IN_LIST) {
        let values: Vec<Value> = part.iter().map(|key| Value::from(key.1)).collect();
        let sql =
            format!("SELECT kind, id, v, why FROM gone WHERE id IN ({})", placeholders(1, values.len()));
        for row in tx.query(&sql, &values).await? {
            let (what, id, v) = (row[0].text()?.to_owned(), row[1].id()?, row[2].int()?);
            let why = if row[3].text()? == "erased" { Gone::Erased } else { Gone::Deleted };
            // A person's read mark and rating went with their ticket.
            if what == kind::TICKET {
                all.insert((kind::READ.to_owned(), id), (i64::MAX, why));
                all.insert((kind::RATING.to_owned(), id), (i64::MAX, why));
            }
            all.insert((what, id), (v, why));
        }
    }
    Ok(all)
}

/// Columns of [`comment`].
pub const COMMENT: &str =
    "id, v, ticket_id, position, author_id, author_name, author_side, body, desk, created_at";
/// Columns of [`attachment`].
pub const ATTACHMENT: &str = "id, v, ticket_id, comment_id, name, size, sha256, state, mime, author_id, author_name, \
                              author_side, created_at";
/// Columns of [`event`].
pub const EVENT: &str = "id, v, ticket_id, position, by_id, by_name, by_side, at, data";

/// A comment with its id and version, from the columns of [`COMMENT`].
pub fn comment(row: &Row) -> Result<(EntityId, i64, CommentRow), StoreError> {
    let comment = CommentRow {
        ticket: row[2].id()?,
        position: row[3].int()?,
        author: person(&row[4], &row[5], &row[6])?,
        text: row[7].text()?.to_owned(),
        desk: json(&row[8])?,
        created_at: row[9].int()?,
        extra: Default::default(),
    };
    Ok((row[0].id()?, row[1].int()?, comment))
}

/// An attachment with its id and version, from the columns of [`ATTACHMENT`].
pub fn attachment(row: &Row) -> Result<(EntityId, i64, AttachmentRow), StoreError> {
    let file = AttachmentRow {
        ticket: row[2].id()?,
        comment: row[3].id_or_none()?,
        name: row[4].text()?.to_owned(),
        size: u64::try_from(row[5].int()?).unwrap_or(0),
        sha256: row[6].text()?.to_owned(),
        state: file_state(&row[7])?,
        mime: words(&row[8])?,
        author: person(&row[9], &row[10], &row[11])?,
        created_at: row[12].int()?,
        extra: Default::default(),
    };
    Ok((row[0].id()?, row[1].int()?, file))
}

/// An event with its id and version, from the columns of [`EVENT`].
pub fn event(row: &Row) -> Result<(EntityId, i64, EventRow), StoreError> {
    let event = EventRow {
        ticket: row[2].id()?,
        position: row[3].int()?,
        by: person(&row[4], &row[5], &row[6])?,
        at: row[7].int()?,
        data: json::<EventData>(&row[8])?,
    };
    Ok((row[0].id()?, row[1].int()?, event))
}

/// A file's state from its column.
pub fn file_state(value: &Value) -> Result<FileState, StoreError> {
    Ok(match value.text()? {
        "pending" => FileState::Pending,
        "complete" => FileState::Complete,
        "missing" => FileState::Missing,
        _ => return Err(StoreError::Failed("an attachment is in no state we know".into())),
    })
}

/// JSON of a column.
pub fn json<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, StoreError> {
    serde_json::from_str(value.text()?)
        .map_err(|_| StoreError::Failed("a column holds no JSON of its kind".into()))
}

/// Text of a column; `''` is none.
pub fn words(value: &Value) -> Result<Option<String>, StoreError> {
    let text = value.text()?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A small count from its column.
pub fn small(value: &Value) -> Result<u32, StoreError> {
    u32::try_from(value.int()?).map_err(|_| StoreError::Failed("a count is out of its range".into()))
}

fn person(id: &Value, name: &Value, side: &Value) -> Result<PersonRef, StoreError> {
    let side = match side.text()? {
        "requester" => Side::Requester,
        "staff" => Side::Staff,
        _ => Side::System,
    };
    Ok(PersonRef { id: id.id_or_none()?, name: name.text()?.to_owned(), side })
}

fn raw<T: Serialize>(row: &T) -> Result<Box<RawValue>, StoreError> {
    to_raw_value(row).map_err(|error| StoreError::Failed(format!("a row cannot be written as JSON: {error}")))
}
