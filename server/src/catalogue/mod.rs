//! The desk's catalogue: names of request types, services, sites and urgencies, and what people call them. It is given
//! as one file and replaced as a whole; phones read it in the desk's scope.
//!
//! The replacing is one commit. Telling the journal of it is split, because a commit touches a limited number of rows:
//! what is not told yet is marked in the table and told by the commits that follow, after a crash at the next start.

mod file;

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    ids::{EntityId, Scope},
    limits::ENTITIES_PER_COMMIT,
    rows::{CatalogueKind, CatalogueRow, kind},
};

pub use file::{Catalogue, Entry, parse};

use crate::{
    context::{Context, ServiceError},
    journal::rows::{json, small},
    store::{
        Row, StoreError, Tx, Value, placeholders,
        write::{Write, with_write},
    },
    values,
};

/// What a replacing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replaced {
    /// Names that were not there.
    pub added: usize,
    /// Names whose words or place moved.
    pub changed: usize,
    /// Names that are gone.
    pub removed: usize,
    /// Names that stayed as they were.
    pub unchanged: usize,
}

/// Makes the catalogue what `new` says, whole or not at all. A name keeps its id as long as it stays in its kind under
/// that name (or under the id the file gives it).
pub async fn replace(ctx: &Context, new: &Catalogue) -> Result<Replaced, ServiceError> {
    let replaced = with_write(ctx, move |tx, _| Box::pin(replace_in(tx, new))).await?;
    finish(ctx).await?;
    Ok(replaced)
}

async fn replace_in(tx: &mut Write, new: &Catalogue) -> Result<Replaced, ServiceError> {
    let lock = format!("SELECT id FROM catalogue ORDER BY id{}", tx.for_update());
    tx.query(&lock, &[]).await?;
    let mut before: BTreeMap<EntityId, (CatalogueRow, bool)> = BTreeMap::new();
    for row in tx.query(&format!("SELECT {COLUMNS}, removed FROM catalogue ORDER BY id"), &[]).await? {
        let (id, _, word) = read(&row)?;
        before.insert(id, (word, row[6].int()? == 1));
    }
    // Of one name the row that is there comes before one that was removed.
    let mut by_name: BTreeMap<(CatalogueKind, &str), EntityId> = BTreeMap::new();
    for there in [false, true] {
        let rows = before.iter().filter(|(_, (_, removed))| *removed != there);
        by_name.extend(rows.map(|(id, (row, _))| ((row.kind, row.name.as_str()), *id)));
    }
    let sites = sites(tx).await?;
    let mut done = Replaced::default();
    let mut kept = BTreeSet::new();
    for (place, entry) in new.places() {
        let same_name = by_name.get(&(entry.kind, entry.name.as_str())).copied();
        let site = sites.get(&entry.name).copied().flatten().filter(|_| entry.kind == CatalogueKind::Site);
        let id = match (entry.id, same_name) {
            (Some(id), _) => id,
            (None, Some(id)) => id,
            (None, None) => site.unwrap_or_else(|| EntityId(tx.env.new_id())),
        };
        if !kept.insert(id) {
            return Err(ServiceError::invalid("id", "one id stands for two names; give each its own"));
        }
        let row = CatalogueRow {
            kind: entry.kind,
            name: entry.name.clone(),
            synonyms: entry.synonyms.clone(),
            place,
            extra: Default::default(),
        };
        match before.get(&id) {
            Some((was, false)) if *was == row => {
                done.unchanged += 1;
                continue;
            }
            Some((_, false)) => done.changed += 1,
            _ => done.added += 1,
        }
        put(tx, id, &row).await?;
    }
    for (id, (_, removed)) in &before {
        if !removed && !kept.contains(id) {
            let sql = "UPDATE catalogue SET removed = 1, told = 0, v = v + 1 WHERE id = $1";
            tx.execute(sql, &values![*id]).await?;
            done.removed += 1;
        }
    }
    tell(tx).await?;
    Ok(done)
}

/// Ids of the desk's sites by name, where only one has it: a ticket can be filed for those.
async fn sites(tx: &mut Write) -> Result<BTreeMap<String, Option<EntityId>>, StoreError> {
    let mut sites: BTreeMap<String, Option<EntityId>> = BTreeMap::new();
    for row in tx.query("SELECT id, name FROM site", &[]).await? {
        let id = row[0].id()?;
        sites.entry(row[1].text()?.to_owned()).and_modify(|several| *several = None).or_insert(Some(id));
    }
    Ok(sites)
}

async fn put(tx: &mut Write, id: EntityId, row: &CatalogueRow) -> Result<(), StoreError> {
    let synonyms = serde_json::to_string(&row.synonyms)
        .map_err(|error| StoreError::Failed(format!("synonyms cannot be written as JSON: {error}")))?;
    tx.execute(
        "INSERT INTO catalogue (id, v, kind, name, synonyms, place, removed, told) VALUES ($1, 1, $2, $3, $4, $5, 0, 0) \
         ON CONFLICT (id) DO UPDATE SET v = catalogue.v + 1, kind = excluded.kind, name = excluded.name, \
         synonyms = excluded.synonyms, place = excluded.place, removed = 0, told = 0",
        &values![id, row.kind.as_str(), row.name.as_str(), synonyms, i64::from(row.place)],
    )
    .await?;
    Ok(())
}

/// Tells the journal of what it was not told of. Called after a commit that left something, and at the server's start.
pub async fn finish(ctx: &Context) -> Result<(), ServiceError> {
    while with_write::<_, StoreError, _>(ctx, move |tx, _| Box::pin(tell(tx))).await? {}
    Ok(())
}

/// As many as a commit tells of; whether there were any.
async fn tell(tx: &mut Write) -> Result<bool, StoreError> {
    let room = ENTITIES_PER_COMMIT;
    let sql = format!("SELECT id FROM catalogue WHERE told = 0 ORDER BY id LIMIT {room}{}", tx.for_update());
    let ids: Vec<EntityId> =
        tx.query(&sql, &[]).await?.iter().map(|row| row[0].id()).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(false);
    }
    for id in &ids {
        tx.touched.row([Scope::Desk], kind::CATALOGUE, *id);
    }
    let values: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
    let sql = format!("UPDATE catalogue SET told = 1 WHERE id IN ({})", placeholders(1, ids.len()));
    tx.execute(&sql, &values).await?;
    Ok(true)
}

/// Columns of [`read`].
const COLUMNS: &str = "id, v, kind, name, synonyms, place";

fn read(row: &Row) -> Result<(EntityId, i64, CatalogueRow), StoreError> {
    let name = row[2].text()?;
    let kind = CatalogueKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    let word = CatalogueRow {
        kind: kind.unwrap_or(CatalogueKind::Unknown),
        name: row[3].text()?.to_owned(),
        synonyms: json(&row[4])?,
        place: small(&row[5])?,
        extra: Default::default(),
    };
    Ok((row[0].id()?, row[1].int()?, word))
}

/// The rows of these ids with their versions; no row where the name was removed.
pub async fn rows(
    tx: &mut dyn Tx,
    ids: &[EntityId],
) -> Result<Vec<(EntityId, i64, Option<CatalogueRow>)>, StoreError> {
    let values: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
    let list = placeholders(1, ids.len());
    let found =
        tx.query(&format!("SELECT {COLUMNS}, removed FROM catalogue WHERE id IN ({list})"), &values).await?;
    found
        .iter()
        .map(|row| {
            let (id, v, word) = read(row)?;
            Ok((id, v, (row[6].int()? == 0).then_some(word)))
        })
        .collect()
}

/// Ids after `after`, at most `limit`; of names that are there.
pub async fn ids_after(tx: &mut dyn Tx, after: &str, limit: usize) -> Result<Vec<EntityId>, StoreError> {
    let sql = format!("SELECT id FROM catalogue WHERE removed = 0 AND id > $1 ORDER BY id LIMIT {limit}");
    tx.query(&sql, &values![after]).await?.iter().map(|row| row[0].id()).collect()
}
