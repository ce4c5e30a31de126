//! Numbered migrations in the dialect both stores share, applied in order under a lock.
//!
//! Tokens the two dialects do not share: `{int}` (BIGINT, INTEGER in SQLite), `{bytes}` (BYTEA, BLOB), `{key}` (TEXT
//! compared byte by byte in both) and `{strict}` at the end of a table. A migration never changes what a column means
//! and every column has a default, so that a dump of an older schema can be restored into a newer one.

use pocketdesk_protocol::Millis;

use super::{Mode, Store, StoreError};
use crate::values;

/// Every migration, in order; the number is its position from 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_desk.sql"),
    include_str!("../../migrations/0002_sessions_uploads.sql"),
    include_str!("../../migrations/0003_catalogue.sql"),
];

/// The schema this program was built for.
pub const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// Brings the schema up to [`SCHEMA`].
pub async fn migrate(store: &dyn Store, now: Millis) -> Result<(), StoreError> {
    let mut tx = store.begin(Mode::Write).await?;
    tx.lock_schema().await?;
    tx.batch(&store.dialect(
        "CREATE TABLE IF NOT EXISTS schema_version (\
         version {int} NOT NULL PRIMARY KEY, applied_at {int} NOT NULL DEFAULT 0){strict}",
    ))
    .await?;
    let found = tx.query("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[]).await?[0][0].int()?;
    if found > SCHEMA {
        return Err(StoreError::Failed(format!(
            "this database has schema {found}, this program knows {SCHEMA}: it was written by a newer version. \
             Install that version, or restore a backup made before the update; nothing was changed"
        )));
    }
    for (version, sql) in (1..).zip(MIGRATIONS) {
        if version > found {
            tx.batch(&store.dialect(sql)).await?;
            tx.execute(
                "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)",
                &values![version, now],
            )
            .await?;
        }
    }
    tx.commit().await
}
