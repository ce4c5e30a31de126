//! Numbered migrations in the dialect both stores share, applied in order under a lock.
//!
//! Tokens the two dialects do not share: `{int}` (BIGINT, INTEGER in SQLite), `{bytes}` (BYTEA, BLOB), `{key}` (TEXT
//! compared byte by byte in both) and `{strict}` at the end of a table. A migration never changes what a column means
//! and every column has a default, so that a dump of an older schema can be restored into a newer one.

use pocketdesk_protocol::Millis;

use super::{Mode, Store, StoreError, Tx};
use crate::values;

/// A migration; its number is its place in the list, from 1.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its statements.
    pub sql: &'static str,
    /// The oldest program, by its [`SCHEMA`], that may go on working after it: one below this migration's own number
    /// where it only adds what older programs need not know. See `migrations/README.md`.
    pub serves: i64,
}

/// Every migration, in order.
#[doc(hidden)]
pub const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("../../migrations/0001_desk.sql"), serves: 1 },
    Migration { sql: include_str!("../../migrations/0002_sessions_uploads.sql"), serves: 2 },
    Migration { sql: include_str!("../../migrations/0003_catalogue.sql"), serves: 3 },
    Migration { sql: include_str!("../../migrations/0004_schema_serves.sql"), serves: 4 },
];

/// The schema this program was built for.
pub const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// Brings the schema up to [`SCHEMA`]. One that is further already is left as it is; an error if it does not serve
/// this program.
pub async fn migrate(store: &dyn Store, now: Millis) -> Result<(), StoreError> {
    migrate_to(store, now, MIGRATIONS).await
}

/// The same with the migrations of another release: for tests of what this one makes of a newer one's database.
#[doc(hidden)]
pub async fn migrate_to(store: &dyn Store, now: Millis, migrations: &[Migration]) -> Result<(), StoreError> {
    let mut tx = store.begin(Mode::Write).await?;
    tx.lock_schema().await?;
    tx.batch(&store.dialect(
        "CREATE TABLE IF NOT EXISTS schema_version (\
         version {int} NOT NULL PRIMARY KEY, applied_at {int} NOT NULL DEFAULT 0){strict}",
    ))
    .await?;
    let found = version(tx.as_mut()).await?;
    let known = i64::try_from(migrations.len()).expect("few migrations");
    if found > known {
        return outlived_by(tx.as_mut(), known).await;
    }
    for (version, migration) in (1..).zip(migrations) {
        if version > found {
            tx.batch(&store.dialect(migration.sql)).await?;
            tx.execute(
                "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)",
                &values![version, now],
            )
            .await?;
        }
    }
    // Once all are done: the first are older than the column.
    for (version, migration) in (1..).zip(migrations) {
        if version > found {
            tx.execute(
                "UPDATE schema_version SET serves = $1 WHERE version = $2",
                &values![migration.serves, version],
            )
            .await?;
        }
    }
    tx.commit().await
}

/// The number of the last migration that was done.
pub async fn version(tx: &mut dyn Tx) -> Result<i64, StoreError> {
    tx.query("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[]).await?[0][0].int()
}

/// An error if a newer program has migrated the database to what one that knows so many migrations must not work on.
pub async fn outlived_by(tx: &mut dyn Tx, known: i64) -> Result<(), StoreError> {
    let newer = tx
        .query(
            "SELECT version, serves FROM schema_version WHERE version > $1 ORDER BY version DESC",
            &values![known],
        )
        .await?;
    for row in &newer {
        let (found, serves) = (row[0].int()?, row[1].int()?);
        // 0: it does not say.
        if serves == 0 || serves > known {
            return Err(StoreError::Outlived { found, known });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a program that does not know these statements can work on as if they had not been: what it reads is
    /// there with its old meaning, and what it writes is taken.
    fn only_adds(sql: &str) -> bool {
        let code: String =
            sql.lines().filter_map(|line| line.split("--").next()).collect::<Vec<_>>().join(" ");
        code.split(';').map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" ")).all(
            |statement| {
                let upper = statement.to_uppercase();
                let column =
                    upper.strip_prefix("ALTER TABLE ").and_then(|rest| rest.split_once(" ADD COLUMN "));
                statement.is_empty()
                    || upper.starts_with("CREATE TABLE ")
                    || upper.starts_with("CREATE INDEX ")
                    || column.is_some_and(|(_, column)| {
                        column.contains(" NOT NULL DEFAULT ") && !column.contains(',')
                    })
            },
        )
    }

    #[test]
    fn a_migration_that_older_programs_may_work_on_after_only_adds() {
        for (version, migration) in (1..).zip(MIGRATIONS) {
            assert!((1..=version).contains(&migration.serves), "{version} serves {}", migration.serves);
            assert!(
                migration.serves == version || only_adds(migration.sql),
                "{version} takes something away or forbids something: it serves no program that does not know it"
            );
        }
    }

    #[test]
    fn what_takes_away_or_forbids_is_told_from_what_adds() {
        for adds in [
            "-- DROP\nCREATE TABLE a (b {int} NOT NULL DEFAULT 0){strict};",
            "create index a_b on a (b);\nALTER TABLE a ADD COLUMN c TEXT NOT NULL DEFAULT '';",
        ] {
            assert!(only_adds(adds), "{adds}");
        }
        for not in [
            "DROP TABLE a;",
            "ALTER TABLE a DROP COLUMN b;",
            "ALTER TABLE a RENAME COLUMN b TO c;",
            "ALTER TABLE a ADD COLUMN b TEXT NOT NULL;",
            "CREATE UNIQUE INDEX a_b ON a (b);",
            "UPDATE a SET b = 1;",
            "CREATE TABLE a (b TEXT); DELETE FROM c;",
        ] {
            assert!(!only_adds(not), "{not}");
        }
    }
}
