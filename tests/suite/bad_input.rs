//! What nobody should have handed in, and what a disk should not have done: each gets a clear sentence that says what
//! to do, and takes no word with it.

use std::path::{Path, PathBuf};

use pocketdesk_core::{
    env::{
        Env,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    store::{Home, PagePlan, Store},
};
use pocketdesk_domain::outbox::{LaneKey, OpState, OwnChange, StoredOp, Wake};
use pocketdesk_ffi::{DeskError, Source, model::*};
use pocketdesk_protocol::{
    ids::{EntityId, Epoch, OpId, TicketId},
    op,
    sync::{Cursor, FrameEnd, Item, SnapshotStart},
};
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    noise,
    phone::{Off, Phone, Switch, comment, registered, remedies, said, with_the_desk},
};

const OFFLINE: Switch = Switch { offline: true, by_hand: false, keeps: None, newer: false, trusts: None };

async fn with_a_ticket(desk: &Desk) -> (Phone, TicketKey) {
    let olena = Phone::new("Olena", desk).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    (olena, key)
}

/// The files of the only account of a phone, as its own app would open them.
pub(crate) fn store_of(off: &Off, later: &'static [&'static str]) -> Store {
    let runtime = tokio::runtime::Handle::current();
    let net = pocketdesk_tests::net::Net::new(pocketdesk_tests::net::Place::default());
    let env = Env {
        clock: std::sync::Arc::new(SystemClock),
        rng: std::sync::Arc::new(SystemRng),
        secrets: std::sync::Arc::new(FileSecrets::new(off.folder().join("secrets"))),
        remote: std::sync::Arc::new(pocketdesk_tests::net::Way(net)),
        work: std::sync::Arc::new(SystemWork::new(runtime)),
    };
    let home = Home::open(off.data()).expect("the folder is there").of_a_newer_app(later);
    let names = home.accounts().expect("it can be read");
    assert_eq!(names.len(), 1, "{names:?}");
    Store::open(&home, &names[0], &env).expect("its files open")
}

pub(crate) fn account_dir(data: &Path) -> PathBuf {
    let mut dirs = std::fs::read_dir(data.join("accounts")).expect("accounts");
    dirs.next().expect("an account").expect("an account").path()
}

fn id(n: u64) -> uuid::Uuid {
    uuid::Builder::from_unix_timestamp_millis(1_750_000_000_000 + n, &[7; 10]).into_uuid()
}

pub(crate) fn new_op(n: u64, kind: &str, entity: uuid::Uuid, body: &serde_json::Value) -> StoredOp {
    let (ticket, body) = (TicketId(entity), body.to_string());
    StoredOp {
        n: 0,
        op: OpId(id(1_000_000_000 + n)),
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

fn ticket_op(n: u64) -> StoredOp {
    let body = serde_json::json!({"subject": format!("Ticket {n}"), "description": "words", "made_at": 5});
    new_op(n, op::kind::TICKET_CREATE, id(n), &body)
}

pub(crate) fn add(store: &mut Store, ops: Vec<StoredOp>) {
    let changes: Vec<OwnChange> = ops.into_iter().map(|op| OwnChange::AddOp(Box::new(op))).collect();
    store.write(|tx| tx.apply(&changes)).expect("it is written");
}

/// Turns bytes of every page of own.db from `page` on to `until`, as a dying disk does.
fn spoil(path: &Path, pages: impl Iterator<Item = usize>) {
    let mut bytes = std::fs::read(path).expect("the database is there");
    for page in pages {
        bytes[page * 4096 + 100..page * 4096 + 160].fill(0x5a);
    }
    std::fs::write(path, bytes).expect("it can be spoilt");
}

#[tokio::test]
async fn answers_that_make_no_sense_cost_no_word() {
    let desk = Desk::open("Nonsense from the desk").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let nonsense = [
        ("malformed", "{\"epoch\": 1, \"verdicts\": [}"),
        ("truncated", "{\"epoch\": 1, \"verd"),
        ("empty", ""),
        ("of wrong types", "{\"epoch\": \"soon\", \"verdicts\": 3, \"items\": {}, \"heads\": null}"),
        ("no object", "[[[[[[[[]]]]]]]]"),
        ("null", "null"),
    ];
    for (name, body) in nonsense {
        desk.teller.section(name);
        olena.net.always("/sync", Fate::Instead { status: 200, ours: true, header: None, body });
        olena.reply(&key, name).await;
        let retrying = |view: &TicketView| {
            comment(view, name)
                .is_some_and(|comment| matches!(comment.delivery, Some(Delivery::Retrying { .. })))
        };
        olena.shows(&key, "that it is tried again", retrying).await;
        olena.net.mend();
        olena.app.signal(Signal::Online { network: name.into(), metered: false });
        olena.shows(&key, "it with the desk", |view| said(view, name)).await;
    }
    olena.rests().await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    assert_eq!(seen["comments"].as_array().expect("comments").len(), nonsense.len(), "each of them once");
}

#[tokio::test]
async fn a_kind_of_op_that_this_app_does_not_know_waits_in_sight_and_holds_nothing_else_back() {
    let desk = Desk::open("An op of a newer app").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let off = olena.closed().await;
    let mut store = store_of(&off, &[]);
    let ticket: TicketId = key.id.parse().expect("an id");
    let body = serde_json::json!({"ticket": ticket, "text": "from the future"});
    let op = StoredOp { ticket: Some(ticket), ..new_op(1, "idea.sing", id(77), &body) };
    let op = StoredOp { lane: LaneKey::ticket(TicketId(id(77))), ..op };
    add(&mut store, vec![op.clone()]);
    drop(store);
    let olena = off.opened(Switch::default()).await;
    olena.reply(&key, "from the present").await;
    olena.shows(&key, "it with the desk", |view| said(view, "from the present")).await;
    let items = olena.app.outbox(None).await.expect("the outbox");
    assert!(
        items
            .iter()
            .any(|item| matches!(item.delivery, Delivery::Saved { waits_for: WaitsFor::NewerApp, .. })),
        "it should say that it needs a newer app: {items:#?}"
    );
    let off = olena.closed().await;
    let kept = store_of(&off, &[]).read(|snap| snap.own().op(op.op)).expect("it can be read");
    assert_eq!(kept.map(|kept| kept.body), Some(op.body), "not a byte of it changed");
}

#[tokio::test]
async fn a_damaged_own_db_is_read_and_exported_and_never_written_over() {
    let desk = Desk::open("A damaged own.db").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Roof", "It leaks.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    olena.app.set_offline(true);
    let long = "drip ".repeat(80);
    for n in 0..60 {
        olena.reply(&key, &format!("{n} {long}")).await;
    }
    let file = olena.attach("roof.png", &noise(5, 90_000)).await;
    let with_file = NewReply { text: "see".into(), attachments: vec![file.id], ..NewReply::default() };
    olena.app.reply(key.clone(), with_file).await.expect("it is kept");
    let off = olena.closed().await;
    let path = account_dir(&off.data()).join("own.db");
    let pages = std::fs::metadata(&path).expect("it is there").len() as usize / 4096;
    // Newly written leaves lie at the end.
    spoil(&path, [pages - 9].into_iter());
    let spoilt = std::fs::read(&path).expect("it is there");

    desk.teller.section("opened: read as far as it can be, and nothing is sent");
    let olena = off.opened(Switch::default()).await;
    let accounts = olena.accounts("the damage", |accounts| accounts.len() == 1).await;
    assert_eq!(accounts[0].sync, SyncState::Paused { why: PausedReason::Damaged }, "{accounts:#?}");
    let view = olena.sees(&key).await;
    assert!(view.comments.len() >= 50, "{} of 61 replies are read", view.comments.len());
    let words = NewReply { text: "more".into(), ..NewReply::default() };
    let refused = olena.app.reply(key.clone(), words).await.expect_err("nothing may be written");
    assert!(matches!(&refused, DeskError::ReadOnly { reason, .. } if reason.contains("export")), "{refused}");
    let refused = olena.app.sync_now(None, 1_000).await.expect_err("nothing may be sent");
    assert!(matches!(refused, DeskError::ReadOnly { .. }), "{refused}");
    let refused = olena.app.sign_out(accounts[0].account.clone(), true).await.expect_err("it is not removed");
    assert!(matches!(refused, DeskError::ReadOnly { .. }), "{refused}");

    desk.teller.section("exported");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let to = scratch.path().join("everything");
    let report = olena
        .app
        .export(accounts[0].account.clone(), to.display().to_string())
        .await
        .expect("what can be read can be taken along");
    assert!(report.unsent >= 50, "{report:?}");
    let told = std::fs::read_to_string(to.join("outbox.jsonl")).expect("it is there");
    assert!(told.matches("drip").count() >= 50 * 80, "the words are in it");

    desk.teller.section("signed in again: a new account beside it, with everything the desk has");
    olena.sign_in(&desk, "olena@shop.example").await;
    let accounts = olena.accounts("both", |accounts| accounts.len() == 2).await;
    let fresh =
        accounts.iter().find(|account| account.sync != SyncState::Paused { why: PausedReason::Damaged });
    let fresh = fresh.expect("one of them is whole").account.clone();
    let filter = TicketFilter { account: Some(fresh.clone()), ..TicketFilter::default() };
    let there = async {
        loop {
            let page = olena.app.tickets(filter.clone(), 0, 10).await.expect("a page");
            if let Some(ticket) = page.tickets.first() {
                return ticket.key.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let again =
        tokio::time::timeout(pocketdesk_tests::phone::PATIENCE, there).await.expect("the ticket comes");
    olena
        .app
        .reply(again.clone(), NewReply { text: "here I am".into(), ..NewReply::default() })
        .await
        .expect("kept");
    olena.shows(&again, "it with the desk", |view| said(view, "here I am")).await;
    let _off = olena.closed().await;
    assert!(std::fs::read(&path).expect("it is there") == spoilt, "the damaged file was written");
}

#[tokio::test]
async fn an_own_db_that_cannot_be_opened_at_all_is_kept_and_told_and_keeps_nobody_from_going_on() {
    let desk = Desk::open("An own.db that cannot be opened").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let off = olena.closed().await;
    let path = account_dir(&off.data()).join("own.db");
    spoil(&path, 0..1);
    let spoilt = std::fs::read(&path).expect("it is there");
    let olena = off.opened(Switch::default()).await;
    let accounts = olena.app.accounts().await.expect("accounts");
    assert_eq!(accounts[0].sync, SyncState::Paused { why: PausedReason::Damaged });
    let words = NewReply { text: "more".into(), ..NewReply::default() };
    let refused = olena.app.reply(key.clone(), words).await.expect_err("nobody can write there");
    assert!(refused.to_string().contains("left as it is"), "{refused}");
    let refused =
        olena.app.submit_ticket(None, NewTicket { subject: "S".into(), ..NewTicket::default() }).await;
    assert!(refused.is_err(), "words were filed where nobody would look for them");
    let told = olena.app.report().await.expect("a report");
    assert!(told.lines.iter().any(|line| line.name == "account 1 cannot be read"), "{told:?}");

    desk.teller.section("signed in again: a new account beside it");
    let account = olena.sign_in(&desk, "olena@shop.example").await;
    olena.lists("the ticket", |page| page.total == 1).await;
    let again = TicketKey { account: account.account, id: key.id };
    olena.reply(&again, "here I am").await;
    olena.shows(&again, "it with the desk", |view| said(view, "here I am")).await;
    let _off = olena.closed().await;
    assert!(std::fs::read(&path).expect("it is there") == spoilt, "the damaged file was written");
}

#[tokio::test]
async fn a_damaged_cache_is_built_anew_and_the_words_stay() {
    let desk = Desk::open("A damaged cache").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.staff().reply(&key.id, "Oil it").await.expect("staff");
    olena.shows(&key, "the answer", |view| comment(view, "Oil it").is_some()).await;
    olena.rests().await;
    olena.app.set_offline(true);
    olena.reply(&key, "not sent yet").await;
    let off = olena.closed().await;
    let dir = account_dir(&off.data());
    let cache = std::fs::read_dir(&dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|end| end == "db") && !path.ends_with("own.db"))
        .expect("a cache file");
    let pages = std::fs::metadata(&cache).expect("it is there").len() as usize / 4096;
    spoil(&cache, 1..pages);
    let olena = off.opened(Switch::default()).await;
    olena
        .shows(&key, "all of it", |view| said(view, "not sent yet") && comment(view, "Oil it").is_some())
        .await;
    olena.rests().await;
}

#[tokio::test]
async fn a_file_that_is_changed_or_deleted_after_it_was_picked_goes_as_it_was() {
    let desk = Desk::open("A file changed before its upload").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    let picked = tempfile::tempdir().expect("a temporary folder");
    let path = picked.path().join("meter.csv");
    let bytes = noise(8, 300_000);
    std::fs::write(&path, &bytes).expect("it is written");
    let source = Source::Path { path: path.display().to_string(), name: None };
    let file = olena.app.attach(None, source).await.expect("it is taken in");
    std::fs::write(&path, b"other bytes").expect("it is changed");
    std::fs::remove_file(&path).expect("it is deleted");
    olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
    olena.app.set_offline(false);
    olena
        .shows(&key, "the file with the desk", |view| {
            view.attachments.iter().any(|shown| with_the_desk(shown.delivery.as_ref()))
        })
        .await;
    assert!(desk.staff().file(&file.id).await.expect("staff open it") == bytes);

    desk.teller.section("one that vanished before it could be picked is refused in a sentence");
    let gone = Source::Path { path: path.display().to_string(), name: None };
    let refused = olena.app.attach(None, gone).await.expect_err("there is no such file");
    assert!(refused.to_string().contains("choose it again"), "{refused}");
    let folder = Source::Path { path: picked.path().display().to_string(), name: None };
    let refused = olena.app.attach(None, folder).await.expect_err("a folder is no file");
    assert!(refused.to_string().contains("folder"), "{refused}");
}

#[tokio::test]
async fn bytes_that_the_disk_spoilt_before_they_went_are_told_and_left_out() {
    let desk = Desk::open("Spoilt bytes").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    let file = olena.attach("roof.png", &noise(9, 200_000)).await;
    let words = NewReply { text: "see".into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    olena.app.reply(key.clone(), words).await.expect("it is kept");
    let sealed = std::fs::read_dir(account_dir(&olena.data()).join("files"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .next()
        .expect("a sealed file");
    let mut bytes = std::fs::read(&sealed).expect("it is there");
    bytes[100_000] ^= 1;
    std::fs::write(&sealed, bytes).expect("it can be spoilt");
    olena.app.set_offline(false);
    let told = |view: &TicketView| {
        comment(view, "see")
            .and_then(|comment| comment.attachments.first())
            .is_some_and(|file| remedies(file.delivery.as_ref()).contains(&Remedy::RemoveFile))
    };
    olena.shows(&key, "that the file is lost, and what to do", told).await;
    olena.shows(&key, "the words with the desk all the same", |view| said(view, "see")).await;
    assert!(desk.staff().file(&file.id).await.is_err(), "no spoilt byte is passed off as the file");
}

#[tokio::test]
async fn an_empty_file_and_one_at_the_limit_go_and_one_byte_more_is_refused_before_it_is_copied() {
    const LIMIT: u64 = 300_000;
    let mut desk = Desk::open("The limit of files").await;
    desk.reconfigured(|config| config.limits.attachment_bytes = LIMIT).await;
    let (olena, key) = with_a_ticket(&desk).await;
    let mut sent = Vec::new();
    for (name, bytes) in [("empty.txt", Vec::new()), ("limit.bin", noise(1, LIMIT as usize))] {
        let file = olena.attach(name, &bytes).await;
        olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
        sent.push((file.id, bytes));
    }
    olena
        .shows(&key, "both with the desk", |view| {
            view.attachments.len() == 2
                && view
                    .attachments
                    .iter()
                    .all(|file| file.state == FileState::Complete && with_the_desk(file.delivery.as_ref()))
        })
        .await;
    for (id, bytes) in &sent {
        assert!(desk.staff().file(id).await.expect("staff open it") == *bytes, "{} bytes", bytes.len());
    }
    let folder = account_dir(&olena.data()).join("files");
    let count = || std::fs::read_dir(&folder).expect("a folder").count();
    let before = count();
    let picked = tempfile::tempdir().expect("a temporary folder");
    let path = picked.path().join("over.bin");
    std::fs::write(&path, noise(2, LIMIT as usize + 1)).expect("it is written");
    let source = Source::Path { path: path.display().to_string(), name: None };
    let refused = olena.app.attach(None, source).await.expect_err("one byte too many");
    assert!(refused.to_string().contains("300001") && refused.to_string().contains("300000"), "{refused}");
    assert_eq!(count(), before, "nothing of it was copied");
}

#[tokio::test]
async fn a_file_of_whatever_name_arrives_under_it_and_obeys_nobody() {
    let desk = Desk::open("Nasty names").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let long = format!("{}.png", "ї".repeat(200));
    let names = [
        "a\u{202e}gnp.exe",
        "фото (1) «новое».jpg",
        "'; DROP TABLE tickets; --.txt",
        "%2e%2e%2fetc%2fpasswd",
        "a\"b\\c.txt",
        "\u{1f980}\u{fe0f}.gif",
        " leading and trailing ",
        "-rf",
        "CON.txt",
        "nul",
        "a\nb\tc\u{1b}[31m.txt",
        "../../../etc/passwd",
        "C:\\boot.ini",
        "<script>alert(1)</script>.html",
        "a;b&c=d?e#f.txt",
        "e\u{301}.txt",
        ".",
        "..",
        "...",
        &long,
    ];
    let mut expected = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let picked = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(picked.path(), noise(at as u64, 50)).expect("it is written");
        let source = Source::Path { path: picked.path().display().to_string(), name: Some((*name).into()) };
        match olena.app.attach(None, source).await {
            Ok(file) => {
                assert!(!file.name.is_empty() && file.name.len() <= 255, "{name:?} became {:?}", file.name);
                assert!(
                    !file.name.contains(['/', '\\']) && !file.name.chars().any(char::is_control),
                    "{:?}",
                    file.name
                );
                assert!(file.name != "." && file.name != "..", "{name:?} stayed a folder's name");
                olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
                expected.push((file.id, file.name, at as u64));
            }
            Err(refused) => {
                assert!([".", ".."].contains(name), "{name:?}: {refused}");
                assert!(matches!(refused, DeskError::Invalid { .. }), "{refused}");
            }
        }
    }
    assert!(expected.len() >= names.len() - 2);
    let count = expected.len();
    let all_there = |view: &TicketView| {
        view.attachments.len() == count
            && view.attachments.iter().all(|file| with_the_desk(file.delivery.as_ref()))
    };
    olena.shows(&key, "all of them with the desk", all_there).await;
    let tablet = Phone::new("Olena's tablet", &desk).await;
    let account = tablet.sign_in(&desk, "olena@shop.example").await;
    let key = TicketKey { account: account.account.clone(), id: key.id };
    tablet.lists("the ticket", |page| page.total == 1).await;
    let view = tablet.shows(&key, "all files", |view| view.attachments.len() == count).await;
    for (id, name, at) in expected {
        let file = view.attachments.iter().find(|file| file.id == id).expect("it is there");
        assert_eq!(file.name, name);
        assert!(tablet.bytes_of(&account.account, &id).await == noise(at, 50), "{name:?}");
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let to = scratch.path().join("out/everything");
    tablet.app.export(account.account, to.display().to_string()).await.expect("it is written");
    let outside: Vec<_> = std::fs::read_dir(scratch.path().join("out")).expect("a folder").collect();
    assert_eq!(outside.len(), 1, "no name led out of the export's folder");
}

#[tokio::test]
async fn when_the_outbox_is_full_the_words_stay_in_their_draft() {
    let desk = Desk::open("A full outbox").await;
    let olena = Phone::switched("Olena", &desk, OFFLINE).await;
    let first = olena.file("First", "words").await;
    let off = olena.closed().await;
    let mut store = store_of(&off, &[]);
    add(&mut store, (1..10_000).map(ticket_op).collect());
    drop(store);
    let olena = off.opened(OFFLINE).await;
    let draft =
        NewDraft { subject: "One too many".into(), text: "all my words".into(), ..NewDraft::default() };
    let draft = olena.app.save_draft(None, draft).await.expect("a draft always has room");
    let refused = olena.app.send_draft(None, draft.id.clone()).await.expect_err("the outbox is full");
    assert_eq!(refused, DeskError::OutboxFull);
    assert!(refused.to_string().contains("connect"), "{refused}");
    let drafts = olena.app.drafts(None).await.expect("the drafts");
    assert_eq!(drafts.len(), 1);
    assert_eq!((drafts[0].subject.as_str(), drafts[0].text.as_str()), ("One too many", "all my words"));
    let items = olena.app.outbox(None).await.expect("the outbox");
    assert_eq!(items.len(), 10_000, "nothing was pushed out for it");

    desk.teller.section("one is let go: there is room for one");
    let op = &items.iter().find(|item| item.ticket.as_ref() == Some(&first.id)).expect("the first").op;
    olena.app.discard(None, op.clone()).await.expect("it is let go");
    // Its words became a draft of their own.
    olena.app.send_draft(None, draft.id).await.expect("there is room now");
}

#[tokio::test]
async fn an_inbox_of_ten_thousand_is_listed_whole_and_in_order() {
    const TICKETS: u64 = 10_000;
    let desk = Desk::open("Ten thousand tickets").await;
    let olena = Phone::switched("Olena", &desk, OFFLINE).await;
    olena.file("Mine", "not sent yet").await;
    let off = olena.closed().await;
    let mut store = store_of(&off, &[]);
    let row = |n: u64| {
        serde_json::json!({
            "subject": format!("Ticket {n}"), "description": "words", "status": "open", "status_event": 0,
            "solve_round": 0, "desk": {"state": "registered", "number": n.to_string()},
            "author": {"name": "Max", "side": "requester"}, "rating_max": 5, "last_position": 0,
            "created_at": 1_000 + n, "updated_at": 1_000 + n,
        })
    };
    let items: Vec<Item> = (0..TICKETS)
        .map(|n| Item {
            k: "ticket".into(),
            id: EntityId(id(n)),
            v: 1,
            row: Some(serde_json::value::to_raw_value(&row(n)).expect("a row is JSON")),
            gone: None,
        })
        .collect();
    let epoch = Epoch(1 << 40);
    let (file, _) = store.begin_build(None).expect("a build begins");
    for (at, frame) in items.chunks(500).enumerate() {
        let start = SnapshotStart { epoch, scopes_rev: 1, as_of: Cursor("c".into()), tickets: TICKETS };
        let last = (at + 1) * 500 >= items.len();
        let end = FrameEnd { resume: at.to_string(), last, erased: Vec::new() };
        store.apply_frame(&file, (at == 0).then_some(&start), frame, &end).expect("a frame is kept");
    }
    let plan = PagePlan {
        file: &file,
        asked: &Cursor("c".into()),
        asked_scopes_rev: 1,
        epoch,
        scopes_rev: 1,
        verdicts_known: 0,
        items: &[],
        next: &Cursor("d".into()),
        complete: true,
    };
    store.apply_page(&plan).expect("a page is kept");
    store.finish_build(&file).expect("it is whole");
    drop(store);

    let olena = off.opened(OFFLINE).await;
    let asked = std::time::Instant::now();
    let first = olena.app.tickets(TicketFilter::default(), 0, 50).await.expect("a page");
    assert_eq!((first.total, first.tickets.len()), (TICKETS + 1, 50));
    let mut seen = Vec::new();
    for offset in [0, 50, 5_000, 9_990] {
        let page = olena.app.tickets(TicketFilter::default(), offset, 50).await.expect("a page");
        seen.push(page.tickets.iter().map(|ticket| ticket.subject.clone()).collect::<Vec<_>>());
    }
    assert!(seen[0].contains(&"Mine".to_owned()), "{:?}", seen[0]);
    assert!(seen[0].iter().all(|subject| !seen[1].contains(subject)), "no ticket on two pages");
    assert_eq!(seen[3].last().map(String::as_str), Some("Ticket 0"), "the oldest is the last");
    let found = olena.app.find_ticket(None, "7777".into()).await.expect("it is found by its number");
    assert_eq!(olena.sees(&found).await.summary.subject, "Ticket 7777");
    assert!(asked.elapsed().as_secs() < 30, "{:?}", asked.elapsed());
}
