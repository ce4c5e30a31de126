//! The schema on both stores: the same, strict, and never older than its database.

use pocketdesk_server::{
    store::{self, Mode, StoreConfig, StoreError, Table, migrate::SCHEMA},
    testing::{self, Setting, TestServer},
    values,
};

use super::support::on_both_stores;
use crate::http::goldens::golden;

on_both_stores! { Setting::default();
    a_database_of_a_newer_program_is_left_alone_unless_it_says_that_it_serves,
    every_table_can_be_backed_up,
}

async fn a_database_of_a_newer_program_is_left_alone_unless_it_says_that_it_serves(server: TestServer) {
    let ctx = &server.ctx;
    let mut tx = ctx.store.begin(Mode::Write).await.unwrap();
    tx.execute("INSERT INTO schema_version (version, applied_at) VALUES ($1, 0)", &values![SCHEMA + 1])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let error = store::migrate::migrate(ctx.store.as_ref(), 0).await.unwrap_err().to_string();
    assert!(error.contains("newer version") && error.contains("nothing was changed"), "{error}");
    let says = "UPDATE schema_version SET serves = $1 WHERE version = $2";
    for (serves, works) in [(SCHEMA, true), (1, true), (SCHEMA + 1, false)] {
        let mut tx = ctx.store.begin(Mode::Write).await.unwrap();
        tx.execute(says, &values![serves, SCHEMA + 1]).await.unwrap();
        tx.commit().await.unwrap();
        let migrated = store::migrate::migrate(ctx.store.as_ref(), 0).await;
        assert_eq!(migrated.is_ok(), works, "one that serves {serves}: {migrated:?}");
    }
}

async fn every_table_can_be_backed_up(server: TestServer) {
    let mut tx = server.ctx.store.begin(Mode::Read).await.unwrap();
    for Table { name, key, columns } in tx.tables().await.unwrap() {
        assert!(!key.is_empty(), "{name} has no primary key: a backup cannot page through it");
        assert!(key.iter().all(|column| columns.contains(column)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_stores_have_the_same_tables() {
    let Some(postgres) = TestServer::postgres(Setting::default()).await else { return };
    let sqlite = TestServer::sqlite(Setting::default()).await;
    let mut one = sqlite.ctx.store.begin(Mode::Read).await.unwrap();
    let mut other = postgres.ctx.store.begin(Mode::Read).await.unwrap();
    assert_eq!(one.tables().await.unwrap(), other.tables().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_is_durable_and_strict() {
    let server = TestServer::sqlite(Setting::default()).await;
    let mut tx = server.ctx.store.begin(Mode::Write).await.unwrap();
    for (pragma, wanted) in [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1)] {
        let rows = tx.query(&format!("PRAGMA {pragma}"), &[]).await.unwrap();
        assert_eq!(rows[0][0].int().unwrap(), wanted, "{pragma}");
    }
    let rows = tx.query("PRAGMA journal_mode", &[]).await.unwrap();
    assert_eq!(rows[0][0].text().unwrap(), "wal");
    let loose = tx
        .query(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 \
                AND name NOT LIKE 'sqlite_%'",
            &[],
        )
        .await
        .unwrap();
    assert!(loose.is_empty(), "not STRICT: {loose:?}");
    let error =
        tx.execute("INSERT INTO journal_head (scope, seq) VALUES ('x', 'no number')", &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Constraint(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_durable_whatever_its_default() {
    let Some(server) = TestServer::postgres(Setting::default()).await else { return };
    let mut tx = server.ctx.store.begin(Mode::Write).await.unwrap();
    tx.batch("ALTER DATABASE template1 SET synchronous_commit = off").await.unwrap();
    let rows = tx.query("SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
    assert_eq!(rows[0][0].text().unwrap(), "on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_database_is_told_without_its_password() {
    let (env, _) = testing::env();
    for url in ["postgres://desk:hunter2@127.0.0.1:1/desk", "postgres://desk:hunter2@["] {
        let Err(error) = store::open(&StoreConfig::Postgres(url.into()), &env).await else {
            panic!("it opened")
        };
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_golden_schema_is_what_the_migrations_make() {
    let sqlite = TestServer::sqlite(Setting::default()).await;
    let mut tx = sqlite.ctx.store.begin(Mode::Read).await.unwrap();
    let rows = tx
        .query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name", &[])
        .await
        .unwrap();
    let now: String = rows.iter().map(|row| format!("{};\n", row[0].text().unwrap())).collect();
    // A shipped migration never changes: what may move here is what a new one adds.
    golden("migrations/schema.golden", &now);
}
