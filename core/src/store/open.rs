//! Opening a database under lock, failing closed. SQLite3MultipleCiphers must be what is linked (on some systems
//! another sqlite3 wins and would write plain text without a word), the cipher must be the one that
//! authenticates, and the key must open the file; else nothing is touched.

use std::{path::Path, sync::OnceLock, time::Duration};

use pocketdesk_sqlite_sys as _;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use zeroize::Zeroizing;

use super::{
    error::{Result, StoreError},
    keys::Key,
};
use crate::env::disk::Disk;

/// What a plain SQLite file begins with.
const PLAIN_HEADER: &[u8] = b"SQLite format 3\0";
/// How long a statement waits for another process before it gives up.
const BUSY: Duration = Duration::from_secs(10);
/// Prepared statements kept per connection: more than the store has.
const STATEMENTS: usize = 128;

/// What a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The person's words: every commit is on the disk when it returns.
    Own,
    /// The desk's facts: a power loss may cost the last commits, which come again.
    Cache,
}

/// How to open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It must not exist yet.
    Create,
    /// It must exist.
    Write,
    /// It must exist and is not written.
    Read,
}

/// Opens a database. `path`'s name is what errors name.
pub(crate) fn open(
    disk: &dyn Disk,
    path: &Path,
    key: &Key,
    kind: Kind,
    access: Access,
) -> Result<Connection> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    open_named(disk, path, key, kind, access, &name).map_err(|error| error.of(&name))
}

fn open_named(
    disk: &dyn Disk,
    path: &Path,
    key: &Key,
    kind: Kind,
    access: Access,
    name: &str,
) -> Result<Connection> {
    let not_sealed = |why| StoreError::NotSealed { file: name.to_owned(), why };
    let head = disk.first_bytes(path, PLAIN_HEADER.len() as u64)?;
    match (&head, access) {
        (Some(head), _) if head.as_slice() == PLAIN_HEADER => {
            return Err(not_sealed("it begins as plain text"));
        }
        (Some(_), Access::Create) => {
            return Err(StoreError::Failed { reason: format!("{name} is there already") });
        }
        (None, Access::Write | Access::Read) => return Err(StoreError::NotFound { what: "such database" }),
        _ => {}
    }
    // NOMUTEX: a connection is used by one thread at a time (`&mut self` everywhere).
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
        | match access {
            Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Write | Access::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
    let db = connect(disk, path, flags)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it SQLite plans a kept statement anew whenever an id is bound to it, which costs more than running it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    unlock(&db, key).map_err(|error| match error {
        // No such pragma: another SQLite is linked.
        StoreError::NotFound { .. } => not_sealed("this build's SQLite cannot encrypt"),
        other => other,
    })?;
    db.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;")?;
    // The first read of a page: a wrong key is noticed here, before anything is written.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Failed { reason: format!("{name}: journal mode {mode} instead of wal") });
    }
    match kind {
        Kind::Own => {
            let synchronous =
                if pocketdesk_protocol::planted::is("own-not-synced") { "NORMAL" } else { "FULL" };
            db.execute_batch(&format!(
                "PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000;",
            ))?;
            // fsync on Apple's systems leaves the bytes in the drive's cache; no-ops elsewhere.
            db.execute_batch("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;")?;
        }
        // Pages bring rows in the order they moved: a comment may come before its ticket.
        Kind::Cache => {
            db.execute_batch(
                "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -8000;",
            )?;
        }
    }
    db.execute_batch("PRAGMA journal_size_limit = 4194304;")?;
    if access == Access::Read {
        db.execute_batch("PRAGMA query_only = ON;")?;
        // Whoever only reads does not bring the log into the file either, should it be the last to close it.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, kind == Kind::Own)?;
    }
    Ok(db)
}

fn connect(disk: &dyn Disk, path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match disk.vfs() {
        None => Connection::open_with_flags(path, flags),
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
    }
}

/// Gives the key, and makes sure that it is one of the cipher it was meant for.
fn unlock(db: &Connection, key: &Key) -> Result<()> {
    let cipher: String = db.query_row("PRAGMA cipher = 'chacha20'", [], |row| row.get(0))?;
    let mut pragma = Zeroizing::new(String::with_capacity(96));
    pragma.push_str("PRAGMA key = \"raw:");
    for byte in key.bytes() {
        for nibble in [byte >> 4, byte & 15] {
            pragma.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hex digit"));
        }
    }
    pragma.push('"');
    db.query_row(&pragma, [], |_| Ok(()))?;
    let now: String = db.query_row("PRAGMA cipher", [], |row| row.get(0))?;
    if cipher != "chacha20" || now != "chacha20" {
        return Err(StoreError::Failed { reason: "the database cipher is not chacha20".into() });
    }
    Ok(())
}

/// Proves once per process, on the file itself, that what was written cannot be read without the key.
pub(crate) fn prove_sealed(disk: &dyn Disk, path: &Path) -> Result<()> {
    static PROVEN: OnceLock<()> = OnceLock::new();
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let not_sealed = |why| StoreError::NotSealed { file: name.clone(), why };
    if disk.first_bytes(path, PLAIN_HEADER.len() as u64)?.is_some_and(|head| head.as_slice() == PLAIN_HEADER)
    {
        return Err(not_sealed("it begins as plain text"));
    }
    if PROVEN.get().is_some() {
        return Ok(());
    }
    let db = connect(disk, path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    match db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)) {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(not_sealed("it can be read without a key")),
    }
    PROVEN.get_or_init(|| ());
    Ok(())
}

/// Brings a database to the newest of `migrations` (number n is the n-th). Each one is a transaction of its own:
/// one that fails leaves the file as the one before it left it, readable.
pub(crate) fn migrate(db: &mut Connection, name: &str, migrations: &[&str]) -> Result<()> {
    let known = i64::try_from(migrations.len()).expect("few migrations");
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { file: name.to_owned(), found, known });
    }
    for (sql, number) in migrations.iter().zip(1..).skip(usize::try_from(found).unwrap_or(0)) {
        let number: i64 = number;
        // IMMEDIATE: two processes that start after one update must not both migrate.
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let now: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if now < number {
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "user_version", number)?;
            tx.commit()?;
        }
    }
    Ok(())
}
