//! own.db: what a person wrote is there after everything that can happen to it.

use pocketdesk_core::store::{AccountFacts, LocalFile, Session};
use pocketdesk_domain::{
    model::RetryReason,
    outbox::{Edit, NewDraft, Rejected, Wish},
};
use pocketdesk_protocol::{
    ids::{AttachmentId, RotationId, Scope},
    op::FileRef,
    sync::{Ack, BlockedOn},
};

use super::*;

fn ops(store: &mut Store) -> Vec<StoredOp> {
    store.read(|snap| snap.own().ops()).unwrap()
}

fn uploads(store: &mut Store) -> Vec<FileRef> {
    let files = store.read(|snap| snap.own().uploads()).unwrap();
    files.into_iter().map(|file| file.file).collect()
}

fn change(store: &mut Store, change: OwnChange) -> Changes {
    store.write(|tx| tx.apply(&[change])).unwrap().1
}

fn file(n: u64) -> FileRef {
    FileRef {
        id: AttachmentId(id(3_000_000 + n)),
        name: "фото.jpg".into(),
        size: 10,
        sha256: "00".repeat(32),
    }
}

fn staged(phone: &Phone, store: &mut Store, n: u64, used_at: i64) -> LocalFile {
    let sealed = store.files().stage(&mut &b"0123456789"[..], None, 10, phone.env.rng.as_ref()).unwrap();
    let local = LocalFile {
        file: file(n),
        sealed: sealed.name,
        staged: true,
        created_at: used_at,
        used_at,
        have: Vec::new(),
        complete_at: None,
        stopped: false,
        token: None,
        wake_interval: 1,
        wake_due: 2,
    };
    store.write(|tx| tx.put_file(&local)).unwrap();
    local
}

#[test]
fn a_sent_reply_is_there_after_a_kill_with_every_part_of_it() {
    let phone = Phone::new();
    let mut store = phone.store();
    let mut op = new_comment(1, 1, "Не работает принтер");
    op.made_monotonic = u64::MAX;
    op.starts = 2;
    op.alone_failures = 3;
    op.blocked = Some(BlockedOn::Ticket);
    op.last_failure = Some(RetryReason::WrongDate);
    op.wish = Some(Wish::Edit(Edit { text: Some("иначе".into()), ..Edit::default() }));
    op.supersedes = Some(OpId(id(77)));
    op.receipt = Some("earlier".into());
    op.attachments = vec![file(1)];
    let changes = add(&mut store, &op);
    assert!(changes.outbox && changes.inbox && changes.tickets.contains(&ticket_id(1)));
    op.n = 1;
    assert_eq!(ops(&mut phone.killed_now().store()), [op.clone()]);
    assert_eq!(store.read(|snap| snap.own().op(op.op)).unwrap(), Some(op.clone()));
    assert_eq!(store.read(|snap| snap.own().ops_of(ticket_id(1))).unwrap(), [op]);
}

#[test]
fn a_verdict_is_kept_whole_and_counted() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (first, second) = (new_comment(1, 1, "a"), new_comment(2, 1, "b"));
    add(&mut store, &first);
    add(&mut store, &second);
    let ack = vec![Ack { scope: Scope::Person(olena()), seq: 3, tag: -4 }];
    change(
        &mut store,
        OwnChange::Applied {
            op: first.op,
            epoch: EPOCH,
            v: 9,
            number: Some("17".into()),
            receipt: "proof".into(),
            ack: ack.clone(),
            merged_into: Some(ticket_id(5)),
            seen_at: 10,
        },
    );
    let rejected = Rejected {
        epoch: EPOCH,
        code: "moved_on".into(),
        text_key: "rejected-moved-on".into(),
        text: Some("нет".into()),
        field: Some("text".into()),
        can_edit: true,
    };
    change(&mut store, OwnChange::Rejected { op: second.op, rejected: rejected.clone() });
    let found = ops(&mut phone.killed_now().store());
    assert_eq!(
        found[0].state,
        OpState::Applied(pocketdesk_domain::outbox::Applied {
            epoch: EPOCH,
            v: 9,
            number: Some("17".into()),
            receipt: "proof".into(),
            ack,
            merged_into: Some(ticket_id(5)),
            verdict_no: 1,
            seen_at: 10,
        })
    );
    assert_eq!(found[1].state, OpState::Rejected(rejected));
    assert_eq!(store.read(|snap| snap.own().verdicts()).unwrap(), 2);
    assert_eq!(store.read(|snap| snap.own().unsent()).unwrap(), 1, "what was rejected needs the person");
    // A verdict on an op that is gone changes nothing and counts nothing.
    change(&mut store, applied(&new_comment(9, 1, "gone"), 1));
    assert_eq!(store.read(|snap| snap.own().verdicts()).unwrap(), 2);
}

#[test]
fn an_edit_takes_the_place_of_what_was_rejected_and_no_place_is_given_twice() {
    let phone = Phone::new();
    let mut store = phone.store();
    let all: Vec<_> = (1..=3).map(|n| new_comment(n, 1, "x")).collect();
    all.iter().for_each(|op| drop(add(&mut store, op)));
    let edited = new_comment(4, 1, "edited");
    change(&mut store, OwnChange::ReplaceOp { old: all[1].op, new: Box::new(edited.clone()) });
    change(&mut store, OwnChange::RemoveOp { op: all[2].op });
    let last = new_comment(5, 1, "last");
    add(&mut store, &last);
    let order: Vec<_> = ops(&mut store).iter().map(|op| (op.n, op.op)).collect();
    assert_eq!(order, [(1, all[0].op), (2, edited.op), (4, last.op)]);
    // The old one is gone already: the new words are kept at the end.
    let again = new_comment(6, 1, "again");
    change(&mut store, OwnChange::ReplaceOp { old: all[1].op, new: Box::new(again.clone()) });
    assert_eq!(ops(&mut store).last().map(|op| (op.n, op.op)), Some((5, again.op)));
}

#[test]
fn a_restored_server_makes_delivered_words_unsent_again() {
    let phone = Phone::new();
    let mut store = phone.store();
    change(&mut store, OwnChange::EpochIs { epoch: EPOCH, now: 1 });
    let op = new_comment(1, 1, "Спасибо");
    add(&mut store, &op);
    change(&mut store, OwnChange::CountStarts { ops: vec![op.op] });
    change(&mut store, applied(&op, 3));
    change(&mut store, OwnChange::EpochIs { epoch: EPOCH, now: 2 });
    assert!(!ops(&mut store)[0].is_live(), "the same epoch changes nothing");
    change(&mut store, OwnChange::EpochIs { epoch: Epoch(EPOCH.0 + 1), now: 50 });
    let back = ops(&mut phone.killed_now().store()).remove(0);
    assert!(back.is_live());
    assert_eq!((back.starts, back.receipt.as_deref(), back.wake), (1, Some("receipt"), Wake::at_once(50)));
    let lower = store.write(|tx| tx.apply(&[OwnChange::EpochIs { epoch: EPOCH, now: 60 }]));
    assert!(lower.is_err(), "an epoch never goes back");
    assert_eq!(store.read(|snap| snap.own().epoch()).unwrap(), Some(Epoch(EPOCH.0 + 1)));
}

#[test]
fn kept_words_go_only_after_their_window_and_when_the_cache_has_them() {
    let phone = Phone::new();
    let mut store = phone.store();
    let all: Vec<_> = (1..=2).map(|n| new_comment(n, 1, "x")).collect();
    for op in &all {
        add(&mut store, op);
        change(&mut store, applied(op, 3));
    }
    let left = |store: &mut Store, epoch, until, hidden_to| {
        change(store, OwnChange::DropKept { epoch, until, hidden_to });
        ops(store).len()
    };
    assert_eq!(left(&mut store, EPOCH, 9_999, 2), 2, "the window");
    assert_eq!(left(&mut store, Epoch(EPOCH.0 + 1), 10_000, 2), 2, "the epoch");
    assert_eq!(left(&mut store, EPOCH, 10_000, 1), 1, "the page");
    add(&mut store, &new_comment(3, 1, "unsent"));
    assert_eq!(left(&mut store, EPOCH, i64::MAX, i64::MAX), 1, "what is unsent never goes");
    assert!(ops(&mut store)[0].is_live());
}

#[test]
fn an_error_in_the_middle_undoes_all_of_a_write() {
    let phone = Phone::new();
    let mut store = phone.store();
    let op = new_comment(1, 1, "x");
    let failed = store.write(|tx| {
        tx.apply(&[OwnChange::AddOp(Box::new(op.clone()))])?;
        Err::<(), _>(StoreError::NotFound { what: "such thing" })
    });
    assert!(failed.is_err());
    assert_eq!(ops(&mut store), []);
}

#[test]
fn drafts_session_and_facts_survive_a_kill() {
    let phone = Phone::new();
    let mut store = phone.store();
    let draft = NewDraft {
        id: EntityId(id(4)),
        ticket: Some(ticket_id(1)),
        subject: String::new(),
        text: "недописанное".into(),
        attachments: vec![file(1)],
        updated_at: 7,
    };
    let session = Session {
        session: id(5).into(),
        access_token: "a".into(),
        refresh_token: "r".into(),
        expires_boot: "b".into(),
        expires_monotonic: u64::MAX,
        rotation: Some(RotationId(id(6))),
    };
    assert!(!format!("{session:?}").contains("access_token"), "no token in logs");
    let mut facts = store.read(|snap| snap.own().account()).unwrap();
    assert_eq!((facts.server.as_str(), facts.person), ("", None), "unbound before the first sign-in");
    facts = AccountFacts {
        server: "https://desk.example".into(),
        desk: Some(id(8).into()),
        person: Some(olena()),
        synced_at: Some(4),
        paused: Some("signed_out".into()),
        ..facts
    };
    store
        .write(|tx| {
            tx.put_draft(&draft)?;
            tx.set_session(Some(&session))?;
            tx.set_account(&facts)
        })
        .unwrap();
    let mut after = phone.killed_now().store();
    after
        .read(|snap| {
            assert_eq!(snap.own().draft(draft.id)?, Some(draft.clone()));
            assert_eq!(snap.own().session()?, Some(session.clone()));
            assert_eq!(snap.own().account()?, facts);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    // No byte of account A under B: an account never becomes another person's.
    let other = AccountFacts { person: Some(PersonId(id(9))), ..facts };
    assert!(store.write(|tx| tx.set_account(&other)).is_err());
    let (_, changes) = store.write(|tx| tx.remove_draft(draft.id)).unwrap();
    assert!(changes.drafts && changes.tickets.contains(&ticket_id(1)));
    assert_eq!(store.read(|snap| snap.own().drafts()).unwrap(), []);
}

#[test]
fn erased_words_go_from_ops_drafts_and_files() {
    let phone = Phone::new();
    let mut store = phone.store();
    let local = staged(&phone, &mut store, 1, 1);
    let shared = staged(&phone, &mut store, 2, 1);
    let mut op = new_comment(1, 1, "x");
    op.attachments = vec![local.file.clone(), shared.file.clone()];
    add(&mut store, &op);
    let mut elsewhere = new_comment(2, 2, "y");
    elsewhere.attachments = vec![shared.file.clone()];
    add(&mut store, &elsewhere);
    let draft = |n, ticket| NewDraft {
        id: EntityId(id(n)),
        ticket: Some(ticket_id(ticket)),
        subject: String::new(),
        text: "z".into(),
        attachments: Vec::new(),
        updated_at: 1,
    };
    store.write(|tx| tx.put_draft(&draft(50, 1)).and_then(|()| tx.put_draft(&draft(51, 2)))).unwrap();
    let changes = change(&mut store, OwnChange::Purge { entity: ticket_id(1).into() });
    assert!(changes.outbox && changes.drafts && changes.files);
    assert_eq!(ops(&mut store).iter().map(|op| op.op).collect::<Vec<_>>(), [elsewhere.op]);
    assert_eq!(store.read(|snap| snap.own().drafts()).unwrap(), [draft(51, 2)]);
    assert!(!store.files().has(&local.sealed), "its bytes are gone");
    assert!(store.files().has(&shared.sealed), "bytes that other words name stay");
}

#[test]
fn erased_words_of_a_reopening_go_with_its_op() {
    let phone = Phone::new();
    let mut store = phone.store();
    let body = serde_json::json!({ "answers": { "op": id(7) }, "text": "It drips again", "made_at": 1 });
    let reopen = new_op(1, op::kind::TICKET_REOPEN, id(1), ticket_id(1), body);
    add(&mut store, &reopen);
    change(&mut store, applied(&reopen, 1));
    // The desk keeps the words as the comment with the op's own id.
    change(&mut store, OwnChange::Purge { entity: EntityId(reopen.op.0) });
    assert_eq!(ops(&mut store), []);
}

#[test]
fn a_photo_sent_again_with_a_mended_reply_is_offered_again() {
    let phone = Phone::new();
    let mut store = phone.store();
    let photo = staged(&phone, &mut store, 1, 1);
    let mut op = new_comment(1, 1, "refused");
    op.attachments = vec![photo.file.clone()];
    add(&mut store, &op);
    store.write(|tx| tx.put_file(&LocalFile { complete_at: Some(1), ..photo.clone() })).unwrap();
    assert_eq!(store.read(|snap| snap.own().uploads()).unwrap(), []);
    // Months later: the server has swept what no applied op named.
    let mut mended = new_comment(2, 1, "mended");
    mended.attachments = vec![photo.file.clone()];
    change(&mut store, OwnChange::ReplaceOp { old: op.op, new: Box::new(mended) });
    assert_eq!(uploads(&mut store), [photo.file]);
}

#[test]
fn a_restored_server_is_offered_what_ops_name_and_the_rest_fills_no_outbox() {
    let phone = Phone::new();
    let mut store = phone.store();
    change(&mut store, OwnChange::EpochIs { epoch: EPOCH, now: 1 });
    let [kept, old] = [1, 2].map(|n| staged(&phone, &mut store, n, 1));
    let mut op = new_comment(1, 1, "kept");
    op.attachments = vec![kept.file.clone()];
    add(&mut store, &op);
    change(&mut store, applied(&op, 1));
    let delivered = |store: &mut Store| {
        let whole = |file: &LocalFile| LocalFile { complete_at: Some(1), ..file.clone() };
        store.write(|tx| tx.put_file(&whole(&kept)).and_then(|()| tx.put_file(&whole(&old)))).unwrap();
    };
    for change_of_past in
        [OwnChange::EpochIs { epoch: Epoch(EPOCH.0 + 1), now: 50 }, OwnChange::SaveKeptAgain { now: 60 }]
    {
        delivered(&mut store);
        change(&mut store, change_of_past);
        assert_eq!(uploads(&mut store), std::slice::from_ref(&kept.file));
        assert_eq!(store.read(|snap| snap.own().waiting()).unwrap(), (1, 10), "nothing waits but what goes");
    }
}

#[test]
fn bytes_that_unsent_words_name_are_never_evicted_and_kept_ones_go_last() {
    let phone = Phone::new();
    let mut store = phone.store();
    let all: Vec<_> = (1..=5).map(|n| staged(&phone, &mut store, n, 10 - n as i64)).collect();
    let [unsent, kept, drafted, seen, fresh] = all.as_slice() else { unreachable!() };
    let mut op = new_comment(1, 1, "unsent");
    op.attachments = vec![unsent.file.clone()];
    add(&mut store, &op);
    let mut op = new_comment(2, 1, "kept");
    op.attachments = vec![kept.file.clone()];
    add(&mut store, &op);
    change(&mut store, applied(&op, 1));
    let draft = NewDraft {
        id: EntityId(id(60)),
        ticket: None,
        subject: String::new(),
        text: String::new(),
        attachments: vec![drafted.file.clone()],
        updated_at: 1,
    };
    store
        .write(|tx| {
            tx.put_draft(&draft)?;
            tx.put_file(&LocalFile { staged: false, ..seen.clone() })?;
            tx.put_file(&LocalFile { created_at: 1_000, ..fresh.clone() })?;
            // Delivered: the server has the kept op's file.
            tx.put_file(&LocalFile { complete_at: Some(1), ..kept.clone() })
        })
        .unwrap();
    let there = |store: &mut Store, bound| {
        store.write(|tx| tx.evict(bound, 500)).unwrap();
        all.iter().map(|file| store.files().has(&file.sealed)).collect::<Vec<_>>()
    };
    assert_eq!(there(&mut store, 50), [true; 5], "within the bound");
    assert_eq!(there(&mut store, 45), [true, true, true, false, true], "what was only looked at goes first");
    assert_eq!(
        there(&mut store, 0),
        [true, false, true, false, true],
        "what is needed stays, whatever the bound"
    );
}

#[test]
fn the_outbox_counts_only_what_waits() {
    let phone = Phone::new();
    let mut store = phone.store();
    let local = staged(&phone, &mut store, 1, 1);
    let mut op = new_comment(1, 1, "x");
    op.attachments = vec![local.file.clone()];
    add(&mut store, &op);
    assert_eq!(store.read(|snap| snap.own().waiting()).unwrap(), (1, 10));
    assert_eq!(store.read(|snap| snap.own().uploads()).unwrap(), std::slice::from_ref(&local));
    change(&mut store, applied(&op, 1));
    assert_eq!(store.read(|snap| snap.own().waiting()).unwrap(), (0, 10), "text never waits for bytes");
    change(&mut store, OwnChange::StopUpload { file: local.file.id });
    assert_eq!(store.read(|snap| snap.own().waiting()).unwrap(), (0, 0));
    assert_eq!(store.read(|snap| snap.own().uploads()).unwrap(), []);
}

#[test]
fn what_a_second_process_writes_is_seen() {
    let phone = Phone::new();
    let mut syncs = phone.store();
    assert!(!syncs.moved_elsewhere().unwrap());
    let op = new_comment(1, 1, "from the second window");
    add(&mut phone.store(), &op);
    assert!(syncs.moved_elsewhere().unwrap());
    assert!(!syncs.moved_elsewhere().unwrap());
    assert_eq!(ops(&mut syncs)[0].op, op.op);
    add(&mut syncs, &new_comment(2, 1, "own"));
    assert!(!syncs.moved_elsewhere().unwrap(), "its own writes are no news");
}

#[test]
fn on_a_restored_phone_every_word_is_kept_and_the_cache_is_made_anew() {
    let phone = Phone::new();
    let mut store = phone.store();
    add(&mut store, &new_comment(1, 1, "x"));
    built(&mut store, &[ticket(1, 1, "a", "open")]);
    let before = store.read(|snap| snap.own().install()).unwrap();
    drop(store);
    std::fs::remove_file(phone.dir.path().join("data/install_id")).unwrap();
    let mut store = phone.store();
    assert_ne!(store.read(|snap| snap.own().install()).unwrap(), before);
    assert_eq!(store.clean_caches().unwrap().active, None);
    assert_eq!(ops(&mut store).len(), 1);
    drop(store);
    let mut store = phone.store();
    assert_eq!(ops(&mut store).len(), 1);
}

#[test]
fn own_words_are_found_before_any_server_has_them() {
    let phone = Phone::new();
    let mut store = phone.store();
    add(&mut store, &new_comment(1, 1, "Зламався принтер у бухгалтерії"));
    let draft = NewDraft {
        id: EntityId(id(60)),
        ticket: None,
        subject: "Принтеры".into(),
        text: String::new(),
        attachments: Vec::new(),
        updated_at: 1,
    };
    store.write(|tx| tx.put_draft(&draft)).unwrap();
    let hits = store.read(|snap| snap.search_own("принтер", 10)).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.ticket).collect::<Vec<_>>(), [None, Some(ticket_id(1))]);
    assert!(hits[1].excerpt.contains("принтер"));
}

#[test]
fn an_account_whose_making_was_cut_is_made_whole() {
    let phone = Phone::new();
    std::fs::write(phone.account_dir().join("own.db"), b"").unwrap();
    let mut store = phone.store();
    add(&mut store, &new_comment(1, 1, "x"));
    assert_eq!(ops(&mut phone.killed_now().store()).len(), 1);
}
