//! What the store does with files of other versions, and what SQLite itself would do with its files.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pocketdesk_domain::outbox::NewDraft;
use pocketdesk_protocol::ids::{EntityId, InstallId};

use super::*;
use crate::env::{
    Body, NetError, Remote,
    system::{FileSecrets, SystemClock, SystemRng, SystemWork},
};

struct NoNetwork;

impl Remote for NoNetwork {
    fn send(
        &self,
        _: http::Request<bytes::Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        Box::pin(async { Err(NetError::Unreachable) })
    }
}

struct Phone {
    _dir: tempfile::TempDir,
    env: Env,
    home: Home,
    account: String,
    install: InstallId,
}

impl Phone {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let env = Env {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            secrets: Arc::new(FileSecrets::new(dir.path().join("secrets"))),
            remote: Arc::new(NoNetwork),
            work: Arc::new(SystemWork::new(runtime.handle().clone())),
        };
        let home = Home::open(dir.path().join("data")).unwrap();
        let account = home.create(env.rng.as_ref(), env.secrets.as_ref()).unwrap();
        let install = home.install(&env).unwrap();
        Self { _dir: dir, env, home, account, install }
    }

    fn open(&self, migrations: &[&'static str]) -> Result<Store> {
        Store::open_with(&self.home, &self.account, &self.env, self.install, migrations)
    }
}

fn draft() -> NewDraft {
    NewDraft {
        id: EntityId(uuid::Uuid::from_u128(7)),
        ticket: None,
        subject: "s".into(),
        text: "недописанное".into(),
        attachments: Vec::new(),
        updated_at: 1,
    }
}

const ADDS_A_COLUMN: &str = "ALTER TABLE drafts ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';";
const FAILS: &str =
    "ALTER TABLE drafts ADD COLUMN size INTEGER NOT NULL DEFAULT 0; INSERT INTO nowhere VALUES (1);";

/// Today's migrations and a later one.
fn then(later: &'static str) -> Vec<&'static str> {
    [OWN_MIGRATIONS, &[later]].concat()
}

fn newer_by_one() -> ReadOnly {
    let known = i64::try_from(OWN_MIGRATIONS.len()).unwrap();
    ReadOnly::Newer { found: known + 1, known }
}

#[test]
fn words_of_a_newer_app_can_be_read_and_are_not_written() {
    let phone = Phone::new();
    let newer = then(ADDS_A_COLUMN);
    phone.open(&newer).unwrap().write(|tx| tx.put_draft(&draft())).unwrap();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    assert_eq!(store.read_only(), Some(&newer_by_one()));
    assert_eq!(store.read(|snap| snap.own().drafts()).unwrap(), [draft()]);
    assert_eq!(store.reader().unwrap().read(|snap| snap.own().drafts()).unwrap(), [draft()]);
    let refused = store.write(|tx| tx.remove_draft(draft().id)).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }));
    assert_eq!(phone.open(&newer).unwrap().read(|snap| snap.own().drafts()).unwrap(), [draft()]);
}

#[test]
fn a_migration_that_fails_leaves_every_word_readable_and_the_file_as_it_was() {
    let phone = Phone::new();
    phone.open(OWN_MIGRATIONS).unwrap().write(|tx| tx.put_draft(&draft())).unwrap();
    let mut store = phone.open(&then(FAILS)).unwrap();
    assert!(store.read_only().is_some());
    assert_eq!(store.read(|snap| snap.own().drafts()).unwrap(), [draft()]);
    drop(store);
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    assert_eq!(store.read_only(), None, "nothing of the failed one is left");
    assert!(store.own.prepare("SELECT size FROM drafts").is_err());
    store.write(|tx| tx.remove_draft(draft().id)).unwrap();
}

#[test]
fn a_migration_keeps_what_was_there_and_is_done_once() {
    let phone = Phone::new();
    phone.open(OWN_MIGRATIONS).unwrap().write(|tx| tx.put_draft(&draft())).unwrap();
    for _ in 0..2 {
        let mut store = phone.open(&then(ADDS_A_COLUMN)).unwrap();
        assert_eq!(store.read_only(), None);
        assert_eq!(store.read(|snap| snap.own().drafts()).unwrap(), [draft()]);
    }
}

#[test]
fn every_acknowledged_word_is_synced_to_the_disk_and_nothing_spills_beside_it() {
    let phone = Phone::new();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    store.begin_build(None).unwrap();
    let number = |db: &Connection, pragma: &str| -> i64 {
        db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    };
    let text = |db: &Connection, pragma: &str| -> String {
        db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    };
    let cache = &store.active.as_ref().unwrap().db;
    assert_eq!((number(&store.own, "synchronous"), number(&store.own, "fullfsync")), (2, 1), "FULL");
    assert_eq!(number(cache, "synchronous"), 1, "NORMAL");
    for db in [&store.own, cache] {
        assert_eq!(text(db, "cipher"), "chacha20");
        assert_eq!(text(db, "journal_mode"), "wal");
        assert_eq!(number(db, "temp_store"), 2, "in memory");
        assert_eq!(number(db, "secure_delete"), 1);
    }
}

#[test]
fn a_file_under_lock_cannot_be_read_by_plain_sqlite() {
    let phone = Phone::new();
    let store = phone.open(OWN_MIGRATIONS).unwrap();
    let path = phone.home.account_dir(&phone.account).unwrap().join(OWN);
    let db = Connection::open(&path).unwrap();
    let error = db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::NotADatabase));
    // The proof that runs at every start notices a file that anybody can read.
    let plain = path.with_file_name("plain.db");
    Connection::open(&plain).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let disk = crate::env::disk::SystemDisk;
    assert!(matches!(open::prove_sealed(&disk, &plain), Err(StoreError::NotSealed { .. })));
    assert_eq!(open::prove_sealed(&disk, &path), Ok(()));
    drop(store);
}

#[test]
fn a_search_index_of_another_version_is_made_anew() {
    let phone = Phone::new();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    let (file, _) = store.begin_build(None).unwrap();
    let row = r#"{"subject":"Принтер","description":"","status":"open","status_event":0,"solve_round":0,
        "desk":{"state":"pending"},"author":{"name":"Olena","side":"requester"},"rating_max":5,"last_position":0,
        "created_at":1,"updated_at":1}"#;
    let item = pocketdesk_protocol::sync::Item {
        k: "ticket".into(),
        id: EntityId(uuid::Uuid::from_u128(1 << 90)),
        v: 1,
        row: Some(serde_json::value::RawValue::from_string(row.into()).unwrap()),
        gone: None,
    };
    let start = pocketdesk_protocol::sync::SnapshotStart {
        epoch: pocketdesk_protocol::ids::Epoch(1),
        scopes_rev: 1,
        as_of: pocketdesk_protocol::sync::Cursor("c".into()),
        tickets: 1,
    };
    let end = pocketdesk_protocol::sync::FrameEnd { resume: "r".into(), last: true, erased: Vec::new() };
    store.apply_frame(&file, Some(&start), &[item], &end).unwrap();
    while store.merge_some().unwrap() {}
    let found =
        |store: &mut Store| store.read(|snap| snap.search("принтеры", Order::Newest, 9)).unwrap().len();
    assert_eq!(found(&mut store), 1);
    store
        .active
        .as_ref()
        .unwrap()
        .db
        .execute("UPDATE facts SET words_version = words_version + 1", [])
        .unwrap();
    drop(store);
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    store.clean_caches().unwrap();
    assert_eq!(found(&mut store), 0);
    while store.merge_some().unwrap() {}
    assert_eq!(found(&mut store), 1);
}

fn ticket_row(n: u128, subject: &str, more: &str) -> pocketdesk_protocol::sync::Item {
    let row = format!(
        r#"{{"subject":"{subject}","description":"","status":"open","status_event":0,"solve_round":0,
        "desk":{{"state":"pending"}},"author":{{"name":"Olena","side":"requester"}},"rating_max":5,"last_position":0,
        "created_at":1,"updated_at":1{more}}}"#
    );
    pocketdesk_protocol::sync::Item {
        k: "ticket".into(),
        id: EntityId(uuid::Uuid::from_u128((1 << 90) + n)),
        v: 1,
        row: Some(serde_json::value::RawValue::from_string(row).unwrap()),
        gone: None,
    }
}

fn built(store: &mut Store) -> CacheName {
    let (file, _) = store.begin_build(None).unwrap();
    let start = pocketdesk_protocol::sync::SnapshotStart {
        epoch: pocketdesk_protocol::ids::Epoch(1),
        scopes_rev: 1,
        as_of: pocketdesk_protocol::sync::Cursor("0".into()),
        tickets: 0,
    };
    let end = pocketdesk_protocol::sync::FrameEnd { resume: "r".into(), last: true, erased: Vec::new() };
    store.apply_frame(&file, Some(&start), &[], &end).unwrap();
    page(store, &file, 0, &[]);
    store.finish_build(&file).unwrap();
    file
}

fn page(store: &mut Store, file: &CacheName, asked: u128, items: &[pocketdesk_protocol::sync::Item]) {
    let plan = PagePlan {
        file,
        asked: &pocketdesk_protocol::sync::Cursor(asked.to_string()),
        asked_scopes_rev: 1,
        epoch: pocketdesk_protocol::ids::Epoch(1),
        scopes_rev: 1,
        verdicts_known: 0,
        items,
        next: &pocketdesk_protocol::sync::Cursor((asked + 1).to_string()),
        complete: true,
    };
    assert!(matches!(store.apply_page(&plan).unwrap(), Applied::Done(_)));
}

#[test]
fn a_page_that_comes_in_waits_for_no_merging_of_the_index_and_idle_moments_do_it() {
    let phone = Phone::new();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    let file = built(&mut store);
    for n in 1..=60 {
        page(&mut store, &file, n, &[ticket_row(n, &format!("Принтер{n}"), "")]);
    }
    let segments = |store: &Store| -> i64 {
        let db = &store.active.as_ref().unwrap().db;
        db.query_row("SELECT count(DISTINCT segid) FROM search_idx", [], |row| row.get(0)).unwrap()
    };
    assert!(segments(&store) >= 60, "{} segments: a write merged", segments(&store));
    let found =
        |store: &mut Store| store.read(|snap| snap.search("принтер", Order::Newest, 99)).unwrap().len();
    assert_eq!(found(&mut store), 60, "what has come is found at once");
    let mut steps = 0;
    while store.merge_some().unwrap() {
        steps += 1;
        assert!(steps < 10_000, "merging does not end");
    }
    assert!(segments(&store) <= 2, "{} segments are left", segments(&store));
    assert_eq!(found(&mut store), 60);
}

#[test]
fn a_field_of_a_newer_server_is_kept_as_it_came() {
    let phone = Phone::new();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    let file = built(&mut store);
    page(&mut store, &file, 1, &[ticket_row(1, "Drucker", r#","mood": {"of":["the",  "day"]}"#)]);
    let kept: String = store
        .active
        .as_ref()
        .unwrap()
        .db
        .query_row("SELECT row FROM rows WHERE kind = 'ticket'", [], |row| row.get(0))
        .unwrap();
    assert!(kept.contains(r#","mood": {"of":["the",  "day"]}"#), "{kept}");
}

/// The tables and indexes of a database, as SQLite has them after all migrations.
fn schema(migrations: &[&str], late: &str) -> String {
    let mut db = Connection::open_in_memory().unwrap();
    open::migrate(&mut db, "golden", migrations).unwrap();
    db.execute_batch(late).unwrap();
    let mut statement = db
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name")
        .unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|sql| format!("{};\n", sql.unwrap())).collect()
}

#[test]
fn the_golden_schema_is_what_the_migrations_make() {
    let now = format!(
        "-- own.db\n{}\n-- cache.db\n{}",
        schema(OWN_MIGRATIONS, ""),
        schema(cache::MIGRATIONS, cache::LATE)
    );
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations/schema.golden");
    if std::env::var("UPDATE_GOLDENS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "the schema moved: a shipped migration never changes; if a new one is meant, bless it"
    );
}

#[test]
fn a_cache_of_a_newer_app_is_built_anew_and_takes_no_word_with_it() {
    let phone = Phone::new();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    store.write(|tx| tx.put_draft(&draft())).unwrap();
    let (old, _) = store.begin_build(None).unwrap();
    let cache = &store.active.as_ref().unwrap().db;
    cache.execute_batch("ALTER TABLE rows ADD COLUMN colour TEXT; PRAGMA user_version = 99;").unwrap();
    drop(store);
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    assert_eq!(store.read_only(), None);
    assert_eq!(store.clean_caches().unwrap(), CacheState::default());
    let reader = || store.reader().unwrap().read(|snap| Ok::<_, StoreError>(snap.cache().is_none()));
    assert!(reader().unwrap(), "it is read by nobody");
    let (new, _) = store.begin_build(None).unwrap();
    assert_ne!(old, new);
    assert_eq!(store.cache_state().unwrap().active.map(|facts| facts.finished), Some(false));
    assert_eq!(store.read(|snap| snap.own().drafts()).unwrap(), [draft()]);
}

#[test]
fn a_newer_app_that_comes_while_this_one_runs_is_never_written_over() {
    let phone = Phone::new();
    let mut store = phone.open(OWN_MIGRATIONS).unwrap();
    assert!(!store.moved_elsewhere().unwrap());
    drop(phone.open(&then(ADDS_A_COLUMN)).unwrap());
    let why = newer_by_one();
    let refused = store.write(|tx| tx.put_draft(&draft())).unwrap_err();
    assert_eq!(refused, StoreError::ReadOnly { why: why.clone() });
    assert_eq!(store.read_only(), Some(&why));
    let mut other = phone.open(&then(ADDS_A_COLUMN)).unwrap();
    assert_eq!(other.read(|snap| snap.own().drafts()).unwrap(), []);
}
