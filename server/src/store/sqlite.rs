//! SQLite: one writer, a few readers, each on its own queue. WAL with synchronous=FULL: what `commit` returned for
//! survives a power cut. The file is plain: the server's disk is the operator's to protect.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
// Links SQLite under rusqlite.
use pocketdesk_sqlite_sys as _;
use rusqlite::{Connection, ErrorCode, OpenFlags, types::ValueRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Mode, Row, Store, StoreError, Table, Tx, Value};
use crate::env::{Env, Queue};

/// Connections that read at once.
const READERS: usize = 4;
/// How long to wait for another process (a backup) to let go of the file.
const BUSY: Duration = Duration::from_secs(10);

/// See the module.
pub struct Sqlite {
    writer: Pool,
    readers: Pool,
}

/// Connections to hand out, in the order they were asked for.
struct Pool {
    idle: Arc<Mutex<Vec<Arc<Seat>>>>,
    seats: Arc<Semaphore>,
}

/// A connection and the queue its statements run on.
struct Seat {
    connection: Mutex<Connection>,
    queue: Arc<dyn Queue>,
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic left at most an open transaction, and the next lease rolls that back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sqlite {
    /// Opens or makes the file; through SQLite's default VFS, or the one of that name.
    pub async fn open(path: &Path, vfs: Option<&'static str>, env: &Env) -> Result<Self, StoreError> {
        let writer = Pool::open(path, vfs, env, "sqlite-write", 1, false).await?;
        let readers = Pool::open(path, vfs, env, "sqlite-read", READERS, true).await?;
        Ok(Self { writer, readers })
    }
}

impl Pool {
    async fn open(
        path: &Path,
        vfs: Option<&'static str>,
        env: &Env,
        name: &str,
        seats: usize,
        read: bool,
    ) -> Result<Self, StoreError> {
        let mut idle = Vec::with_capacity(seats);
        for n in 0..seats {
            let queue = env.work.queue(&format!("{name}-{n}"));
            let path = path.to_owned();
            let connection = Env::run(queue.as_ref(), move || connect(&path, vfs, read)).await?;
            idle.push(Arc::new(Seat { connection: Mutex::new(connection), queue }));
        }
        Ok(Self { idle: Arc::new(Mutex::new(idle)), seats: Arc::new(Semaphore::new(seats)) })
    }

    async fn lease(&self) -> Lease {
        let permit = self.seats.clone().acquire_owned().await.expect("the semaphore is never closed");
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = idle.pop().expect("a permit stands for an idle connection");
        Lease { seat, idle: self.idle.clone(), ended: Arc::default(), _permit: permit }
    }
}

fn connect(path: &Path, vfs: Option<&str>, read: bool) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match vfs {
        None => Connection::open_with_flags(path, flags),
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
    }
    .map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(256);
    // secure_delete: an erased word must not stay in a free page.
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;",
        )
        .map_err(failed)?;
    if pocketdesk_protocol::planted::is("server-not-synced") {
        connection.execute_batch("PRAGMA synchronous=NORMAL;").map_err(failed)?;
    }
    if read {
        connection.execute_batch("PRAGMA query_only=ON;").map_err(failed)?;
    }
    Ok(connection)
}

impl Store for Sqlite {
    fn begin(&self, mode: Mode) -> BoxFuture<'_, Result<Box<dyn Tx>, StoreError>> {
        Box::pin(async move {
            let (pool, begin) = match mode {
                Mode::Read => (&self.readers, "BEGIN"),
                Mode::Write => (&self.writer, "BEGIN IMMEDIATE"),
            };
            let mut lease = pool.lease().await;
            lease
                .run(move |connection| {
                    if !connection.is_autocommit() {
                        connection.execute_batch("ROLLBACK").map_err(failed)?;
                    }
                    connection.execute_batch(begin).map_err(failed)
                })
                .await?;
            Ok(Box::new(lease) as Box<dyn Tx>)
        })
    }

    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn dialect(&self, sql: &str) -> String {
        sql.replace("{int}", "INTEGER")
            .replace("{bytes}", "BLOB")
            .replace("{key}", "TEXT")
            .replace("{strict}", " STRICT")
    }
}

/// A connection of the pool for one transaction.
struct Lease {
    seat: Arc<Seat>,
    idle: Arc<Mutex<Vec<Arc<Seat>>>>,
    /// Told to statements that are still queued when their transaction was dropped: outside of it they would be
    /// committed one by one.
    ended: Arc<AtomicBool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (seat, ended) = (self.seat.clone(), self.ended.clone());
        let job = move || {
            let connection = seat.lock();
            if ended.load(Ordering::SeqCst) {
                return Err(StoreError::Failed(
                    "the transaction was dropped before its statement ran".into(),
                ));
            }
            work(&connection)
        };
        Env::run(self.seat.queue.as_ref(), job).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // A statement may still be running on the queue (its future was dropped): then the next lease rolls back.
        if let Ok(connection) = self.seat.connection.try_lock()
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.seat.clone());
    }
}

impl Tx for Lease {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let (sql, values) = (numbered(sql), values.to_vec());
        Box::pin(self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
            let columns = statement.column_count();
            let mut found = statement.query(rusqlite::params_from_iter(values.iter())).map_err(failed)?;
            let mut rows = Vec::new();
            while let Some(row) = found.next().map_err(failed)? {
                rows.push((0..columns).map(|n| read(row.get_ref(n))).collect::<Result<_, _>>()?);
            }
            Ok(rows)
        }))
    }

    fn execute<'a>(
        &'a mut self,
        sql: &'a str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        let (sql, values) = (numbered(sql), values.to_vec());
        Box::pin(self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
            let rows = statement.execute(rusqlite::params_from_iter(values.iter())).map_err(failed)?;
            Ok(rows as u64)
        }))
    }

    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.batch("SAVEPOINT one_op")
    }

    fn release(&mut self, keep: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        self.batch(if keep { "RELEASE one_op" } else { "ROLLBACK TO one_op; RELEASE one_op" })
    }

    fn for_update(&self) -> &'static str {
        ""
    }

    fn tables(&mut self) -> BoxFuture<'_, Result<Vec<Table>, StoreError>> {
        Box::pin(async move {
            let rows = self
                .query(
                    "SELECT m.name, c.name, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
                    &[],
                )
                .await?;
            let mut tables: Vec<Table> = Vec::new();
            let mut keys: Vec<Vec<(i64, String)>> = Vec::new();
            for row in rows {
                let (table, column, pk) = (row[0].text()?, row[1].text()?, row[2].int()?);
                if tables.last().is_none_or(|last| last.name != table) {
                    tables.push(Table { name: table.to_owned(), columns: Vec::new(), key: Vec::new() });
                    keys.push(Vec::new());
                }
                tables.last_mut().expect("just pushed").columns.push(column.to_owned());
                if pk > 0 {
                    keys.last_mut().expect("just pushed").push((pk, column.to_owned()));
                }
            }
            for (table, mut key) in tables.iter_mut().zip(keys) {
                key.sort();
                table.key = key.into_iter().map(|(_, column)| column).collect();
            }
            Ok(tables)
        })
    }

    fn lock_schema(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        // BEGIN IMMEDIATE already keeps every other writer out, of other processes too.
        Box::pin(async { Ok(()) })
    }

    fn batch<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let sql = sql.to_owned();
        Box::pin(self.run(move |connection| connection.execute_batch(&sql).map_err(failed)))
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(
            async move { self.run(|connection| connection.execute_batch("COMMIT").map_err(failed)).await },
        )
    }
}

/// `$1` is a name in SQLite, numbered by appearance; `?1` is the number itself.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

fn read(value: rusqlite::Result<ValueRef<'_>>) -> Result<Value, StoreError> {
    Ok(match value.map_err(failed)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            return Err(StoreError::Failed("a floating-point column; there is none of ours".into()));
        }
    })
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Retry(error.to_string()),
        Some(ErrorCode::ConstraintViolation) => StoreError::Constraint(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}
