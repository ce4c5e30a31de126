//! The account's files: what survives, what is refused, what never lies in plain text.

mod cache;
mod corpus;
mod damage;
mod gathered;
mod reset;
mod under_lock;
mod words_kept;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use pocketdesk_core::{
    env::{
        Body, Env, NetError, Remote,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    store::{Applied, CacheName, Changes, Home, PagePlan, ReadOnly, Store, StoreError},
};
use pocketdesk_domain::outbox::{LaneKey, OpState, OwnChange, StoredOp, Wake};
use pocketdesk_protocol::{
    ids::{EntityId, Epoch, OpId, PersonId, TicketId},
    op,
    sync::{Cursor, FrameEnd, Gone, Item, SnapshotStart},
};
use serde_json::json;
use uuid::Uuid;

struct NoNetwork;

impl Remote for NoNetwork {
    fn send(
        &self,
        _: http::Request<bytes::Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        Box::pin(async { Err(NetError::Unreachable) })
    }
}

/// A phone: a folder with accounts and secrets on the real disk.
struct Phone {
    dir: tempfile::TempDir,
    env: Env,
    home: Home,
    account: String,
}

fn env(secrets: PathBuf) -> Env {
    // The store starts no task: any runtime's handle will do.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    Env {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        secrets: Arc::new(FileSecrets::new(secrets)),
        remote: Arc::new(NoNetwork),
        work: Arc::new(SystemWork::new(runtime.handle().clone())),
    }
}

impl Phone {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let env = env(dir.path().join("secrets"));
        let home = Home::open(dir.path().join("data")).unwrap();
        let account = home.create(env.rng.as_ref(), env.secrets.as_ref()).unwrap();
        Self { dir, env, home, account }
    }

    fn store(&self) -> Store {
        Store::open(&self.home, &self.account, &self.env).unwrap()
    }

    fn account_dir(&self) -> PathBuf {
        self.dir.path().join("data/accounts").join(&self.account)
    }

    /// The phone as it would be found after a kill at this very moment: what was written is there, nothing else is.
    fn killed_now(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_all(self.dir.path(), dir.path());
        let env = env(dir.path().join("secrets"));
        let home = Home::open(dir.path().join("data")).unwrap();
        Self { dir, env, home, account: self.account.clone() }
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&to, entry.metadata().unwrap().permissions()).unwrap();
            copy_all(&entry.path(), &to);
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// Every file under a folder with its bytes.
fn all_files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

const EPOCH: Epoch = Epoch(1 << 40);
const OLENA: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0001;

fn olena() -> PersonId {
    PersonId(Uuid::from_u128(OLENA))
}

/// A UUIDv7 of minute `n`.
fn id(n: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(1_750_000_000_000 + n * 60_000, &[7; 10]).into_uuid()
}

fn ticket_id(n: u64) -> TicketId {
    TicketId(id(n))
}

fn item(k: &str, id: Uuid, v: i64, row: serde_json::Value) -> Item {
    Item {
        k: k.into(),
        id: EntityId(id),
        v,
        row: Some(serde_json::value::to_raw_value(&row).unwrap()),
        gone: None,
    }
}

fn gone(k: &str, id: Uuid, v: i64, gone: Gone) -> Item {
    Item { k: k.into(), id: EntityId(id), v, row: None, gone: Some(gone) }
}

fn by_olena() -> serde_json::Value {
    json!({"id": olena(), "name": "Olena", "side": "requester"})
}

fn by_staff() -> serde_json::Value {
    json!({"name": "Ira", "side": "staff"})
}

fn ticket(n: u64, v: i64, subject: &str, status: &str) -> Item {
    ticket_with(n, v, json!({"subject": subject, "status": status}))
}

/// A ticket's row with these fields set.
fn ticket_with(n: u64, v: i64, fields: serde_json::Value) -> Item {
    let mut row = json!({
        "subject": "", "description": "", "status": "open", "status_event": 0, "solve_round": 0,
        "desk": {"state": "registered", "number": format!("{n}")}, "author": by_olena(), "rating_max": 5,
        "last_position": 0, "created_at": 1_000 + n, "updated_at": 1_000 + n,
    });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    item("ticket", id(n), v, row)
}

fn comment(n: u64, ticket: u64, v: i64, position: i64, author: serde_json::Value, text: &str) -> Item {
    let desk = json!({"state": "registered"});
    let row = json!({"ticket": ticket_id(ticket), "position": position, "author": author, "text": text, "desk": desk,
        "created_at": 2_000 + n});
    item("comment", id(n), v, row)
}

fn start(expected: u64) -> SnapshotStart {
    SnapshotStart { epoch: EPOCH, scopes_rev: 1, as_of: Cursor("as-of".into()), tickets: expected }
}

fn frame_end(resume: &str, last: bool) -> FrameEnd {
    FrameEnd { resume: resume.into(), last, erased: Vec::new() }
}

/// A page asked for from `asked` when own.db counted `verdicts`.
fn page(
    store: &mut Store,
    file: &CacheName,
    asked: &str,
    items: &[Item],
    next: &str,
    verdicts: i64,
) -> Applied {
    let plan = PagePlan {
        file,
        asked: &Cursor(asked.into()),
        asked_scopes_rev: 1,
        epoch: EPOCH,
        scopes_rev: 1,
        verdicts_known: verdicts,
        items,
        next: &Cursor(next.into()),
        complete: true,
    };
    store.apply_page(&plan).unwrap()
}

/// A whole build of these rows in one frame; the file stands at cursor "c0".
fn built(store: &mut Store, rows: &[Item]) -> CacheName {
    let (file, _) = store.begin_build(Some(olena())).unwrap();
    store.apply_frame(&file, Some(&start(1)), rows, &frame_end("r", true)).unwrap();
    assert!(matches!(page(store, &file, "as-of", &[], "c0", 0), Applied::Done(_)));
    store.finish_build(&file).unwrap();
    file
}

fn new_op(n: u64, kind: &str, entity: Uuid, ticket: TicketId, body: serde_json::Value) -> StoredOp {
    let body = body.to_string();
    StoredOp {
        n: 0,
        op: OpId(id(1_000_000 + n)),
        entity: EntityId(entity),
        ticket: Some(ticket),
        kind: kind.into(),
        v: 1,
        sha256: op::digest(kind, 1, EntityId(entity), &body),
        body,
        lane: LaneKey::ticket(ticket),
        made_at: 5,
        made_boot: "boot".into(),
        made_monotonic: 6,
        starts: 0,
        alone_failures: 0,
        state: OpState::Live,
        blocked: None,
        wake: Wake::at_once(5),
        last_failure: None,
        wish: None,
        supersedes: None,
        receipt: None,
        attachments: Vec::new(),
    }
}

fn new_comment(n: u64, ticket: u64, text: &str) -> StoredOp {
    let body = json!({"ticket": ticket_id(ticket), "text": text, "made_at": 5});
    new_op(n, op::kind::COMMENT_ADD, id(2_000_000 + n), ticket_id(ticket), body)
}

fn add(store: &mut Store, op: &StoredOp) -> Changes {
    store.write(|tx| tx.apply(&[OwnChange::AddOp(Box::new(op.clone()))])).unwrap().1
}

fn applied(op: &StoredOp, v: i64) -> OwnChange {
    OwnChange::Applied {
        op: op.op,
        epoch: EPOCH,
        v,
        number: None,
        receipt: "receipt".into(),
        ack: Vec::new(),
        merged_into: None,
        seen_at: 10_000,
    }
}
