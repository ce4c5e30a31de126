//! PostgreSQL: any number of stateless servers on one database. Writes are READ COMMITTED (rows are locked by name),
//! reads REPEATABLE READ; `synchronous_commit=on` whatever the database's default.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use futures_util::{FutureExt, future::BoxFuture};
use tokio_postgres::{
    Config, NoTls,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{Mode, Row, Store, StoreError, Table, Tx, Value, announce::Announcer};
use crate::{
    env::Env,
    journal::hints::{ChangeHints, Hint},
};

/// Connections at most.
const CONNECTIONS: usize = 32;

/// See the module.
pub struct Postgres {
    pool: Pool,
    announcer: Arc<Announcer>,
}

impl Postgres {
    /// Connects; the database must exist.
    pub async fn open(url: &str, env: &Env) -> Result<Self, StoreError> {
        // The error of the parser may quote the string, and the string may hold a password.
        let mut config: Config = url.parse().map_err(|_| {
            StoreError::Failed(
                "the PostgreSQL connection string cannot be read; see the README for its form".into(),
            )
        })?;
        config.options("-c synchronous_commit=on -c idle_in_transaction_session_timeout=60000");
        config.application_name("pocketdesk-server");
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let store = Self { pool, announcer: Arc::new(Announcer::new(config, env.clone())) };
        drop(store.connection().await?);
        Ok(store)
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool
            .get()
            .await
            .map_err(|error| StoreError::Failed(format!("PostgreSQL cannot be reached: {error}")))
    }
}

impl Store for Postgres {
    fn begin(&self, mode: Mode) -> BoxFuture<'_, Result<Box<dyn Tx>, StoreError>> {
        Box::pin(async move {
            let connection = self.connection().await?;
            // Owned before BEGIN is sent: a caller that gives up in between still rolls back.
            let mut tx = Transaction { connection, open: true };
            tx.batch(match mode {
                Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
            })
            .await?;
            Ok(Box::new(tx) as Box<dyn Tx>)
        })
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn listen(&self, hints: Arc<ChangeHints>) {
        self.announcer.start(hints);
    }

    fn announce(&self, hint: Hint) {
        self.announcer.announce(hint);
    }

    fn dialect(&self, sql: &str) -> String {
        sql.replace("{int}", "BIGINT")
            .replace("{bytes}", "BYTEA")
            .replace("{key}", "TEXT COLLATE \"C\"")
            .replace("{strict}", "")
    }
}

struct Transaction {
    connection: Object,
    open: bool,
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            // The first poll queues the message behind whatever is under way on this connection, which is all that
            // is needed: its next user's BEGIN comes after it.
            let _ = self.connection.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

impl Tx for Transaction {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let statement = self.connection.prepare_cached(sql).await.map_err(failed)?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            let rows = self.connection.query(&statement, &values).await.map_err(failed)?;
            rows.iter().map(|row| (0..row.len()).map(|n| read(row, n)).collect()).collect()
        })
    }

    fn execute<'a>(
        &'a mut self,
        sql: &'a str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let statement = self.connection.prepare_cached(sql).await.map_err(failed)?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            self.connection.execute(&statement, &values).await.map_err(failed)
        })
    }

    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.batch("SAVEPOINT one_op")
    }

    fn release(&mut self, keep: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        self.batch(if keep { "RELEASE one_op" } else { "ROLLBACK TO one_op; RELEASE one_op" })
    }

    fn for_update(&self) -> &'static str {
        " FOR UPDATE"
    }

    fn tables(&mut self) -> BoxFuture<'_, Result<Vec<Table>, StoreError>> {
        Box::pin(async move {
            let rows = self
                .query(
                    "SELECT c.relname::text, a.attname::text, \
                       COALESCE(array_position(i.indkey::int2[], a.attnum), -1)::bigint \
                     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                     LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
                     WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace \
                     ORDER BY c.relname COLLATE \"C\", a.attnum",
                    &[],
                )
                .await?;
            let mut tables: Vec<Table> = Vec::new();
            let mut keys: Vec<Vec<(i64, String)>> = Vec::new();
            for row in rows {
                let (table, column, at) = (row[0].text()?, row[1].text()?, row[2].int()?);
                if tables.last().is_none_or(|last| last.name != table) {
                    tables.push(Table { name: table.to_owned(), columns: Vec::new(), key: Vec::new() });
                    keys.push(Vec::new());
                }
                tables.last_mut().expect("just pushed").columns.push(column.to_owned());
                if at >= 0 {
                    keys.last_mut().expect("just pushed").push((at, column.to_owned()));
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
        self.batch("SELECT pg_advisory_xact_lock(7305808869232650)")
    }

    fn batch<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.connection.batch_execute(sql).await.map_err(failed) })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            self.batch("COMMIT").await?;
            self.open = false;
            Ok(())
        })
    }
}

fn read(row: &tokio_postgres::Row, n: usize) -> Result<Value, StoreError> {
    let value = match *row.columns()[n].type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(n).map(|value| value.map(Value::Int)),
        Type::INT4 => {
            row.try_get::<_, Option<i32>>(n).map(|value| value.map(|value| Value::Int(value.into())))
        }
        Type::BOOL => {
            row.try_get::<_, Option<bool>>(n).map(|value| value.map(|value| Value::Int(value.into())))
        }
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(n).map(|value| value.map(Value::Bytes)),
        _ => row.try_get::<_, Option<String>>(n).map(|value| value.map(Value::Text)),
    };
    Ok(value.map_err(failed)?.unwrap_or(Value::Null))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => out.put_i32(i32::try_from(*value)?),
            Self::Int(value) if *ty == Type::INT8 => out.put_i64(*value),
            Self::Text(text) if matches!(*ty, Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN) => {
                out.put_slice(text.as_bytes());
            }
            Self::Bytes(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            _ => return Err(format!("a value does not fit a parameter of type {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn failed(error: tokio_postgres::Error) -> StoreError {
    let Some(database) = error.as_db_error() else {
        return StoreError::Failed(format!("PostgreSQL: {error}"));
    };
    let code = database.code();
    // The detail of a database's message may quote a row; its name of a constraint does not.
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE]
        .contains(code)
    {
        StoreError::Retry(database.message().to_owned())
    } else if code.code().starts_with("23") {
        StoreError::Constraint(database.constraint().unwrap_or("unnamed").to_owned())
    } else {
        StoreError::Failed(format!("PostgreSQL {}: {}", code.code(), database.message()))
    }
}
