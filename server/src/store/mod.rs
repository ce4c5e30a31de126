//! The Store port: transactions of SQL statements in the dialect SQLite and PostgreSQL share. The two
//! implementations know connections, durability and error codes; every query is written once, above the port.
//!
//! Statements use `$1, $2, …` in order of first appearance, types TEXT, BIGINT (INTEGER in SQLite), BYTEA/BLOB;
//! ids are TEXT (hyphenated), times BIGINT ms, rows and lists JSON in TEXT. Both dialects know `ON CONFLICT`,
//! `RETURNING`, CTEs and window functions.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{
    env::Env,
    journal::hints::{ChangeHints, Hint},
};

mod announce;
pub mod migrate;
pub mod postgres;
pub mod sqlite;
pub mod write;

/// A value bound to a statement or read from a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(String),
    /// BYTEA / BLOB.
    Bytes(Vec<u8>),
}

/// One row of an answer.
pub type Row = Vec<Value>;

impl Value {
    /// A BIGINT column, or the text of why it is none.
    pub fn int(&self) -> Result<i64, StoreError> {
        match self {
            Self::Int(value) => Ok(*value),
            other => Err(StoreError::Failed(format!("expected an integer column, found {}", other.kind()))),
        }
    }

    /// A TEXT column.
    pub fn text(&self) -> Result<&str, StoreError> {
        match self {
            Self::Text(value) => Ok(value),
            other => Err(StoreError::Failed(format!("expected a text column, found {}", other.kind()))),
        }
    }

    /// A BYTEA / BLOB column.
    pub fn bytes(&self) -> Result<&[u8], StoreError> {
        match self {
            Self::Bytes(value) => Ok(value),
            other => Err(StoreError::Failed(format!("expected a bytes column, found {}", other.kind()))),
        }
    }

    /// A TEXT column that holds an id.
    pub fn id<Id: From<uuid::Uuid>>(&self) -> Result<Id, StoreError> {
        let text = self.text()?;
        text.parse().map(Id::from).map_err(|_| StoreError::Failed("expected an id in a text column".into()))
    }

    /// A TEXT column that holds an id, or is empty for none.
    pub fn id_or_none<Id: From<uuid::Uuid>>(&self) -> Result<Option<Id>, StoreError> {
        if self.text()?.is_empty() { Ok(None) } else { self.id().map(Some) }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "an integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl From<uuid::Uuid> for Value {
    fn from(value: uuid::Uuid) -> Self {
        Self::Text(value.to_string())
    }
}
macro_rules! id_values {
    ($($name:ident),+) => {$(
        impl From<pocketdesk_protocol::ids::$name> for Value {
            fn from(id: pocketdesk_protocol::ids::$name) -> Self {
                Self::Text(id.to_string())
            }
        }
        impl From<Option<pocketdesk_protocol::ids::$name>> for Value {
            /// None is the empty text: columns are NOT NULL.
            fn from(id: Option<pocketdesk_protocol::ids::$name>) -> Self {
                Self::Text(id.map(|id| id.to_string()).unwrap_or_default())
            }
        }
    )+};
}
id_values!(
    OpId,
    EntityId,
    TicketId,
    CommentId,
    AttachmentId,
    PersonId,
    CompanyId,
    SiteId,
    DeskId,
    InstallId,
    SessionId
);
impl From<pocketdesk_protocol::ids::Scope> for Value {
    fn from(scope: pocketdesk_protocol::ids::Scope) -> Self {
        Self::Text(scope.to_string())
    }
}

/// The values of a statement: `values![id, now]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::store::Value::from($value)),*] };
}

/// `$first, $first+1, …`, for an IN list of `count` values.
pub fn placeholders(first: usize, count: usize) -> String {
    use std::fmt::Write;
    (first..first + count).fold(String::new(), |mut list, n| {
        let _ = write!(list, "{}${n}", if n == first { "" } else { ", " });
        list
    })
}

/// Which database, as configured.
#[derive(Clone)]
pub enum StoreConfig {
    /// A file; its folder must exist. It is plain: the server's disk is the operator's to protect.
    Sqlite(std::path::PathBuf),
    /// A file on another disk than the system's: its path there and the name of SQLite's VFS for it.
    SqliteOn(std::path::PathBuf, &'static str),
    /// A connection string as libpq reads it (`postgres://…` or `host=… dbname=…`). No TLS: a unix socket, the same
    /// host or a private network.
    Postgres(String),
}

/// Opens the database and brings its schema up to date; refuses one of a newer program that does not serve this one.
pub async fn open(config: &StoreConfig, env: &Env) -> Result<Arc<dyn Store>, StoreError> {
    open_as(config, env, migrate::MIGRATIONS).await
}

/// As [`open`], by a program with these migrations.
#[doc(hidden)]
pub async fn open_as(
    config: &StoreConfig,
    env: &Env,
    migrations: &[migrate::Migration],
) -> Result<Arc<dyn Store>, StoreError> {
    let store: Arc<dyn Store> = match config {
        StoreConfig::Sqlite(path) => Arc::new(sqlite::Sqlite::open(path, None, env).await?),
        StoreConfig::SqliteOn(path, vfs) => Arc::new(sqlite::Sqlite::open(path, Some(vfs), env).await?),
        StoreConfig::Postgres(url) => Arc::new(postgres::Postgres::open(url, env).await?),
    };
    migrate::migrate_to(store.as_ref(), env.clock.now(), migrations).await?;
    Ok(store)
}

/// What may go wrong below the port.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A serialisation failure, deadlock or busy database: the whole transaction may be run again.
    #[error("the transaction must be run again: {0}")]
    Retry(String),
    /// A unique or foreign key or check said no; the name says which.
    #[error("constraint {0}")]
    Constraint(String),
    /// The database cannot be reached or failed.
    #[error("database: {0}")]
    Failed(String),
    /// A newer program migrated the database to what this one must not work on.
    #[error(
        "a newer version of the server wrote this database (schema {found}, this program knows {known}); install that \
         version, or restore a backup made before the update; nothing was changed"
    )]
    Outlived {
        /// The database's schema.
        found: i64,
        /// This program's.
        known: i64,
    },
}

/// Whether a transaction may write. One writer at a time in SQLite; any number in PostgreSQL (READ COMMITTED: row
/// locks taken by `UPDATE`/`ON CONFLICT`, `SELECT … FOR UPDATE` where [`Tx::for_update`] says so).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A snapshot: every statement sees the same state (REPEATABLE READ in PostgreSQL).
    Read,
    /// May write; durable when `commit` returns.
    Write,
}

/// A place rows live.
pub trait Store: Send + Sync {
    /// Begins a transaction; dropped without commit it is rolled back.
    fn begin(&self, mode: Mode) -> BoxFuture<'_, Result<Box<dyn Tx>, StoreError>>;
    /// For metrics and messages: `sqlite` or `postgres`.
    fn kind(&self) -> &'static str;
    /// Hears what other servers on the same database announce, from now on. Nothing where there are none.
    fn listen(&self, _hints: Arc<ChangeHints>) {}
    /// Tells other servers on the same database, after the commit; only a hint.
    fn announce(&self, _hint: Hint) {}
    /// A migration's statements in this store's dialect, from the shared one (see `migrations/README.md`).
    fn dialect(&self, sql: &str) -> String;
}

/// One transaction.
pub trait Tx: Send {
    /// Runs a statement that answers rows.
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;
    /// Runs a statement and answers how many rows it touched.
    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value])
    -> BoxFuture<'a, Result<u64, StoreError>>;
    /// Begins a savepoint.
    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Ends the last savepoint, keeping (`true`) or undoing (`false`) what came after it.
    fn release(&mut self, keep: bool) -> BoxFuture<'_, Result<(), StoreError>>;
    /// `FOR UPDATE` in PostgreSQL, nothing in SQLite: goes at the end of a locking SELECT.
    fn for_update(&self) -> &'static str;
    /// Every table of ours with its columns and those of its primary key, in their order; for backups.
    fn tables(&mut self) -> BoxFuture<'_, Result<Vec<Table>, StoreError>>;
    /// Waits until no other transaction migrates; held until the end of this one.
    fn lock_schema(&mut self) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Runs several statements without values.
    fn batch<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Durable when it returns (SQLite `synchronous=FULL`, PostgreSQL `synchronous_commit=on`).
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// A table as [`Tx::tables`] tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// All columns.
    pub columns: Vec<String>,
    /// Those of the primary key.
    pub key: Vec<String>,
}
