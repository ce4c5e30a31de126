//! What can still be read of a damaged own.db. The file itself is never written again: its readable rows are copied
//! into memory, and from there everything that reads goes on as usual; what cannot be read is left out.
//!
//! The cipher authenticates every page, so that a page is either what was written or an error. A page that is lost
//! takes its own rows with it and no others: the rows before it are found from the front, those behind it from the
//! back, and what lies between two lost pages by its key, where the key is known from elsewhere.

use pocketdesk_protocol::op::FileRef;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _,
    types::{FromSql, Value},
};
use uuid::Uuid;

use super::{
    error::{Result, StoreError},
    open,
    values::Blob,
};

/// Places of ops between two lost pages that are asked for one by one.
const PLACES: i64 = 1_000_000;

/// The tables and their keys.
const TABLES: [(&str, &str); 8] = [
    ("account", "only"),
    ("session", "only"),
    ("ops", "n"),
    ("file_uses", "file, user"),
    ("drafts", "id"),
    ("files", "id"),
    ("dictations", "id"),
    ("settings", "name"),
];

/// Whether every page of the database can be read and says what it should. An error is trouble with the disk, and
/// no judgement.
pub(super) fn is_whole(db: &Connection) -> Result<bool> {
    // Pages in memory may be better than those on the disk.
    db.release_memory()?;
    let verdict: rusqlite::Result<String> = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match verdict {
        Ok(verdict) => Ok(verdict == "ok"),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// The readable rows, in memory, in the newest of `migrations`.
pub(super) fn salvage(damaged: &Connection, migrations: &[&str]) -> Result<Connection> {
    let mut found = Connection::open_in_memory()?;
    open::migrate(&mut found, "memory", migrations)?;
    for (table, key) in TABLES {
        copy_table(damaged, &found, table, key)?;
    }
    // Files and drafts that no walk from either end reached, by the ids that other rows name.
    for id in named(&found)? {
        for table in ["files", "drafts"] {
            copy_row(damaged, &found, table, "id", &Value::Blob(id.as_bytes().to_vec()))?;
        }
    }
    Ok(found)
}

/// A second connection to the same rows, for another queue.
pub(super) fn twin(of: &Connection) -> Result<Connection> {
    let mut twin = Connection::open_in_memory()?;
    rusqlite::backup::Backup::new(of, &mut twin)?.run_to_completion(
        1_000,
        std::time::Duration::ZERO,
        None,
    )?;
    Ok(twin)
}

fn copy_table(from: &Connection, to: &Connection, table: &str, key: &str) -> Result<()> {
    // A file of an earlier format lacks the newer tables; one whose list of tables is damaged may have them.
    let there =
        from.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1").and_then(|mut find| find.exists([table]));
    if there.is_ok_and(|there| !there) {
        return Ok(());
    }
    let down = key.split(", ").map(|column| format!("{column} DESC")).collect::<Vec<_>>().join(", ");
    let first = walk(from, to, table, key)?;
    let Some(front) = first else { return Ok(()) };
    let back = walk(from, to, table, &down)?.flatten();
    if let (Some(Value::Integer(front)), Some(Value::Integer(back)), "n") = (front, back, key) {
        for place in (front.saturating_add(1)..back).take(usize::try_from(PLACES).unwrap_or(usize::MAX)) {
            copy_row(from, to, table, key, &Value::Integer(place))?;
        }
    }
    Ok(())
}

/// Copies rows in that order until one cannot be read; none: all of them could. Else the first column of the last one
/// that could.
fn walk(from: &Connection, to: &Connection, table: &str, order: &str) -> Result<Option<Option<Value>>> {
    let read = format!("SELECT * FROM {table} NOT INDEXED ORDER BY {order}");
    let mut last = None;
    let mut walk = match from.prepare(&read) {
        Ok(walk) => walk,
        Err(error) if is_damage(&error) => return Ok(Some(None)),
        Err(error) => return Err(error.into()),
    };
    let columns = columns(&walk);
    let mut rows = walk.query([])?;
    loop {
        let values = match rows.next() {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => values(row, columns.len()),
            Err(error) => Err(error),
        };
        match values {
            Ok(values) => {
                last = values.first().cloned();
                insert(to, table, &columns, &values)?;
            }
            Err(error) if is_damage(&error) => return Ok(Some(last)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn copy_row(from: &Connection, to: &Connection, table: &str, key: &str, value: &Value) -> Result<()> {
    let read = format!("SELECT * FROM {table} NOT INDEXED WHERE {key} = ?1");
    let mut find = match from.prepare_cached(&read) {
        Ok(find) => find,
        Err(error) if is_damage(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let columns = columns(&find);
    match find.query_row([value], |row| values(row, columns.len())).optional() {
        Ok(Some(values)) => insert(to, table, &columns, &values),
        Ok(None) => Ok(()),
        Err(error) if is_damage(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn columns(statement: &rusqlite::Statement<'_>) -> Vec<String> {
    statement.column_names().map(str::to_owned).collect()
}

fn values(row: &rusqlite::Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count).map(|column| row.get(column)).collect()
}

/// Of a newer app's row only the columns that this one knows.
fn insert(to: &Connection, table: &str, columns: &[String], values: &[Value]) -> Result<()> {
    let known = self::columns(&*to.prepare_cached(&format!("SELECT * FROM {table}"))?);
    let (columns, values): (Vec<&str>, Vec<&Value>) = columns
        .iter()
        .map(String::as_str)
        .zip(values)
        .filter(|(name, _)| known.iter().any(|k| k == name))
        .unzip();
    let places = (1..=columns.len()).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({places})", columns.join(", "));
    to.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(values))?;
    Ok(())
}

/// Ids that rows which could be read name: files of ops and drafts, and the drafts themselves.
fn named(found: &Connection) -> Result<Vec<Uuid>> {
    let mut ids: Vec<Uuid> = Vec::new();
    let mut uses = found.prepare("SELECT file, user FROM file_uses")?;
    let pairs = uses.query_map([], |row| Ok([row.get::<_, Blob>(0)?.0, row.get::<_, Blob>(1)?.0]))?;
    for pair in pairs {
        ids.extend(pair?);
    }
    let mut lists = found.prepare("SELECT attachments FROM ops UNION ALL SELECT attachments FROM drafts")?;
    let lists = lists.query_map([], |row| String::column_result(row.get_ref(0)?).map_err(Into::into))?;
    for list in lists {
        let files: Vec<FileRef> = serde_json::from_str(&list?).map_err(StoreError::from)?;
        ids.extend(files.into_iter().map(|file| file.id.0));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
