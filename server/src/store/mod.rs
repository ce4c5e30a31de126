//! The Store port: transactions of SQL statements in the dialect SQLite and PostgreSQL share. The two
//! implementations know connections, durability and error codes; every query is written once, above the port.
//!
//! Statements use `$1, $2, …` in order of first appearance, types TEXT, BIGINT (INTEGER in SQLite), BYTEA/BLOB;
//! ids are TEXT (hyphenated), times BIGINT ms, rows and lists JSON in TEXT. Both dialects know `ON CONFLICT`,
//! `RETURNING`, CTEs and window functions.

use futures_util::future::BoxFuture;

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
}

/// One transaction.
pub trait Tx: Send {
    /// Runs a statement that answers rows.
    fn query<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;
    /// Runs a statement and answers how many rows it touched.
    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> BoxFuture<'a, Result<u64, StoreError>>;
    /// Begins a savepoint.
    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Ends the last savepoint, keeping (`true`) or undoing (`false`) what came after it.
    fn release(&mut self, keep: bool) -> BoxFuture<'_, Result<(), StoreError>>;
    /// `FOR UPDATE` in PostgreSQL, nothing in SQLite: goes at the end of a locking SELECT.
    fn for_update(&self) -> &'static str;
    /// Durable when it returns (SQLite `synchronous=FULL`, PostgreSQL `synchronous_commit=on`).
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}
