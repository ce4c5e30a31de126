//! Cache files are built, switched and lost at every possible moment, and a person sees every word all the while.

use pocketdesk_core::store::{CacheState, Reader};
use pocketdesk_domain::outbox::overlay;

use super::*;

/// Rows of twelve tickets in six frames, as a server sends them: newest first.
fn frames() -> Vec<Vec<Item>> {
    let tickets: Vec<u64> = (1..=12).rev().collect();
    let rows = |n: &u64| {
        [ticket(*n, 1, &format!("Принтер {n}"), "open"), comment(100 + n, *n, 1, 1, by_staff(), "чиним")]
    };
    tickets.chunks(2).map(|pair| pair.iter().flat_map(rows).collect()).collect()
}

fn shown(store: &mut Store) -> Vec<String> {
    store
        .read(|snap| match snap.cache() {
            Some(cache) => Ok::<_, StoreError>(
                cache.inbox(None, 100)?.into_iter().map(|entry| entry.ticket.row.subject).collect(),
            ),
            None => Ok(Vec::new()),
        })
        .unwrap()
}

/// What a syncing process does from whatever it finds: goes on with the build, or begins one, to its end.
fn go_on(store: &mut Store, frames: &[Vec<Item>]) -> CacheState {
    let found = store.clean_caches().unwrap();
    let unfinished = found.building.as_ref().or(found.active.as_ref().filter(|facts| !facts.finished));
    let (file, from, cursor) = match unfinished {
        Some(facts) => (
            facts.name.clone(),
            if facts.frames_done {
                frames.len()
            } else {
                facts.resume.as_ref().map_or(0, |key| key.parse().unwrap())
            },
            facts.cursor.clone(),
        ),
        None if found.active.is_some() => return found,
        None => (store.begin_build(Some(olena())).unwrap().0, 0, None),
    };
    for (number, rows) in frames.iter().enumerate().skip(from) {
        let start =
            (number == from).then(|| SnapshotStart { as_of: Cursor(format!("as-of-{number}")), ..start(12) });
        let end = frame_end(&(number + 1).to_string(), number + 1 == frames.len());
        store.apply_frame(&file, start.as_ref(), rows, &end).unwrap();
    }
    let state = store.cache_state().unwrap();
    let facts =
        [state.active, state.building].into_iter().flatten().find(|facts| facts.name == file).unwrap();
    let asked = cursor.or(facts.cursor).unwrap();
    assert!(["as-of-0", "done"].contains(&asked.0.as_str()), "the first as_of is kept: {asked:?}");
    if asked.0 != "done" {
        let delta = [ticket(3, 2, "Принтер 3", "solved"), gone("ticket", id(4), 2, Gone::Deleted)];
        assert!(matches!(page(store, &file, &asked.0, &delta, "done", 0), Applied::Done(_)));
    }
    store.finish_build(&file).unwrap();
    store.cache_state().unwrap()
}

fn expect_whole(store: &mut Store, when: &str) {
    let state = go_on(store, &frames());
    assert!(state.active.as_ref().is_some_and(|facts| facts.finished) && state.building.is_none(), "{when}");
    let list = shown(store);
    assert_eq!(list.len(), 11, "{when}: {list:?}");
    assert!(!list.contains(&"Принтер 4".to_owned()) && list.contains(&"Принтер 3".to_owned()), "{when}");
    store
        .read(|snap| {
            let solved = snap.cache().unwrap().ticket(ticket_id(3))?.unwrap().row.status;
            assert_eq!(solved.as_str(), "solved", "{when}");
            let hits = snap.search("принтеры", pocketdesk_core::store::Order::Newest, 100)?;
            assert_eq!(hits.len(), 11, "{when}: everything is found");
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn cache_files(phone: &Phone) -> usize {
    let names = std::fs::read_dir(phone.account_dir()).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| {
            name.to_string_lossy().starts_with("cache-") && name.to_string_lossy().ends_with(".db")
        })
        .count()
}

/// Runs a first sync (or a reset beside an old file) step by step; after each step the phone is killed and started.
fn cut_everywhere(old: bool) {
    let phone = Phone::new();
    let mut store = phone.store();
    add(&mut store, &new_comment(1, 1, "свои слова"));
    if old {
        built(&mut store, &[ticket(99, 1, "старое", "open")]);
    }
    let mut cuts = vec![("before".to_owned(), phone.killed_now())];
    let (file, _) = store.begin_build(Some(olena())).unwrap();
    cuts.push(("begun".into(), phone.killed_now()));
    for (number, rows) in frames().iter().enumerate() {
        let start = (number == 0).then(|| SnapshotStart { as_of: Cursor("as-of-0".into()), ..start(12) });
        store
            .apply_frame(&file, start.as_ref(), rows, &frame_end(&(number + 1).to_string(), number == 5))
            .unwrap();
        cuts.push((format!("frame {number}"), phone.killed_now()));
        let expected = if old { 1 } else { (number + 1) * 2 };
        assert_eq!(shown(&mut store).len(), expected, "the old file is shown until the new one is whole");
    }
    let delta = [ticket(3, 2, "Принтер 3", "solved"), gone("ticket", id(4), 2, Gone::Deleted)];
    page(&mut store, &file, "as-of-0", &delta, "done", 0);
    cuts.push(("page".into(), phone.killed_now()));
    store.finish_build(&file).unwrap();
    cuts.push(("finished".into(), phone.killed_now()));
    drop(store);
    cuts.push(("closed".into(), phone.killed_now()));
    for (when, phone) in cuts {
        let mut store = phone.store();
        if old && when == "before" {
            store.forget_cache().unwrap();
        }
        expect_whole(&mut store, &when);
        assert_eq!(store.read(|snap| snap.own().ops()).unwrap().len(), 1, "{when}: own words are untouched");
        drop(store);
        assert_eq!(cache_files(&phone), 1, "{when}: nothing old is left");
    }
}

#[test]
fn a_first_sync_cut_anywhere_goes_on_where_it_stood() {
    cut_everywhere(false);
}

#[test]
fn a_reset_cut_anywhere_goes_on_and_nothing_old_comes_back() {
    cut_everywhere(true);
}

#[test]
fn a_kill_between_the_switch_and_the_deleting_leaves_one_file() {
    let phone = Phone::new();
    let mut store = phone.store();
    let old = built(&mut store, &[ticket(1, 1, "старое", "open")]);
    let with_old = phone.killed_now();
    built(&mut store, &[ticket(1, 1, "новое", "open")]);
    drop(store);
    // The old file is back beside the new one, as if its deleting had never happened.
    for end in ["", "-wal"] {
        let name = format!("{}{end}", old.as_str());
        std::fs::copy(with_old.account_dir().join(&name), phone.account_dir().join(&name)).unwrap();
    }
    assert_eq!(cache_files(&phone), 2);
    let mut store = phone.store();
    store.clean_caches().unwrap();
    assert_eq!(cache_files(&phone), 1);
    assert_eq!(shown(&mut store), ["новое"]);
}

#[test]
fn a_build_is_not_whole_before_its_last_frame_and_a_complete_page() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (file, _) = store.begin_build(None).unwrap();
    assert!(store.finish_build(&file).is_err());
    store.apply_frame(&file, Some(&start(1)), &[], &frame_end("1", true)).unwrap();
    assert!(store.finish_build(&file).is_err());
    page(&mut store, &file, "as-of", &[], "c0", 0);
    store.finish_build(&file).unwrap();
}

#[test]
fn a_build_of_another_epoch_or_scopes_is_not_gone_on_with() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (file, _) = store.begin_build(None).unwrap();
    store.apply_frame(&file, Some(&start(1)), &[ticket(1, 1, "a", "open")], &frame_end("1", false)).unwrap();
    for other in
        [SnapshotStart { epoch: Epoch(EPOCH.0 + 1), ..start(1) }, SnapshotStart { scopes_rev: 2, ..start(1) }]
    {
        let mixed =
            store.apply_frame(&file, Some(&other), &[ticket(2, 1, "b", "open")], &frame_end("2", false));
        assert!(mixed.is_err());
    }
    assert_eq!(shown(&mut store), ["a"]);
}

#[test]
fn a_first_sync_that_has_to_start_over_shows_what_it_had_until_the_new_one_is_whole() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (first, _) = store.begin_build(Some(olena())).unwrap();
    store.apply_frame(&first, Some(&start(12)), &frames()[0], &frame_end("1", false)).unwrap();
    // The server was restored, or the scopes changed: another file, beside the one that grew.
    store.begin_build(Some(olena())).unwrap();
    assert_eq!(shown(&mut store).len(), 2);
    drop(store);
    let mut store = phone.store();
    expect_whole(&mut store, "started over");
    drop(store);
    assert_eq!(cache_files(&phone), 1);
}

#[test]
fn a_build_that_starts_over_leaves_the_shown_file_alone() {
    let phone = Phone::new();
    let mut store = phone.store();
    built(&mut store, &[ticket(1, 1, "old", "open")]);
    let (first, _) = store.begin_build(None).unwrap();
    let (second, _) = store.begin_build(None).unwrap();
    assert_ne!(first, second, "no name is given twice");
    assert_eq!(store.apply_frame(&first, Some(&start(1)), &[], &frame_end("1", true)), Err(StoreError::Gone));
    assert_eq!(cache_files(&phone), 2, "the shown one and the new one");
    assert_eq!(shown(&mut store), ["old"]);
}

#[test]
fn a_reader_goes_over_to_the_new_file_and_survives_the_end_of_the_old() {
    let phone = Phone::new();
    let mut store = phone.store();
    let mut reader = store.reader().unwrap();
    assert!(
        reader.read(|snap| Ok::<_, StoreError>(snap.cache().is_none())).unwrap(),
        "before the first sync there is none"
    );
    let first = |reader: &mut Reader| {
        reader
            .read(|snap| {
                Ok::<_, StoreError>(snap.cache().unwrap().inbox(None, 1)?.remove(0).ticket.row.subject)
            })
            .unwrap()
    };
    for subject in ["one", "two", "three"] {
        built(&mut store, &[ticket(1, 1, subject, "open")]);
        assert_eq!(first(&mut reader), subject);
    }
    // One moment is one moment, whatever is switched meanwhile.
    reader
        .read(|snap| {
            built(&mut store, &[ticket(1, 1, "four", "open")]);
            assert_eq!(snap.cache().unwrap().inbox(None, 1)?[0].ticket.row.subject, "three");
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(first(&mut reader), "four");
}

#[test]
fn a_cache_deleted_at_any_moment_costs_no_word() {
    let steps = 5;
    for moment in 0..steps {
        let phone = Phone::new();
        let mut store = phone.store();
        let mut reader = store.reader().unwrap();
        let op = new_comment(1, 1, "свои слова");
        add(&mut store, &op);
        let delete = |now: usize| {
            if now == moment {
                for entry in std::fs::read_dir(phone.account_dir()).unwrap() {
                    let path = entry.unwrap().path();
                    if path.file_name().unwrap().to_string_lossy().starts_with("cache-") {
                        std::fs::remove_file(path).unwrap();
                    }
                }
            }
        };
        let (file, _) = store.begin_build(Some(olena())).unwrap();
        delete(0);
        let mut lost =
            store.apply_frame(&file, Some(&start(1)), &frames()[0], &frame_end("1", true)).is_err();
        delete(1);
        let plan = PagePlan {
            file: &file,
            asked: &Cursor("as-of".into()),
            asked_scopes_rev: 1,
            epoch: EPOCH,
            scopes_rev: 1,
            verdicts_known: 0,
            items: &[],
            next: &Cursor("c0".into()),
            complete: true,
        };
        lost |= !matches!(store.apply_page(&plan), Ok(Applied::Done(_)));
        delete(2);
        lost |= store.finish_build(&file).is_err();
        delete(3);
        store.write(|tx| tx.apply(&[applied(&op, 7)])).unwrap();
        delete(4);
        assert_eq!(lost, moment < 3, "moment {moment}");
        assert_eq!(store.cache_state().unwrap().active, None, "moment {moment}: it is known to be missing");
        assert!(reader.read(|snap| Ok::<_, StoreError>(snap.cache().is_none())).unwrap());
        let op = reader.read(|snap| snap.own().op(op.op)).unwrap().unwrap();
        assert!(overlay::is_shown(&op, None, overlay::CacheFacts::default()), "moment {moment}");
        expect_whole(&mut store, &format!("moment {moment}"));
    }
}

#[test]
fn a_damaged_cache_is_built_anew() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "a", "open")]);
    add(&mut store, &new_comment(1, 1, "свои слова"));
    drop(store);
    for damage in [&b""[..], &b"short"[..], &[0x5a; 9000][..]] {
        std::fs::write(phone.account_dir().join(file.as_str()), damage).unwrap();
        let mut store = phone.store();
        assert_eq!(store.clean_caches().unwrap().active, None);
        assert_eq!(store.read(|snap| snap.own().ops()).unwrap().len(), 1);
    }
    expect_whole(&mut phone.store(), "after damage");
}

/// 3-sync rule 8, as the story of one reply: at each cut the person sees it exactly once or, for a moment, as both
/// the op and the row of the same id; never not at all.
#[test]
fn a_reply_is_seen_at_every_cut_between_verdict_and_page() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "a", "open")]);
    let op = new_comment(1, 1, "Спасибо");
    let row = item(
        "comment",
        op.entity.0,
        7,
        json!({"ticket": ticket_id(1), "position": 1, "author": by_olena(), "text": "Спасибо",
            "desk": {"state": "registered"}, "created_at": 1}),
    );
    let seen = |phone: &Phone| {
        phone
            .store()
            .reader()
            .unwrap()
            .read(|snap| {
                let op = snap.own().op(op.op)?.unwrap();
                let cache = snap.cache().unwrap();
                let v = cache.v("comment", op.entity)?;
                Ok::<_, StoreError>((overlay::is_shown(&op, v, cache.overlay_facts()?), v.is_some()))
            })
            .unwrap()
    };
    add(&mut store, &op);
    assert_eq!(seen(&phone.killed_now()), (true, false), "saved");
    store.write(|tx| tx.apply(&[OwnChange::CountStarts { ops: vec![op.op] }])).unwrap();
    let asked = store.read(|snap| snap.own().verdicts()).unwrap();
    assert_eq!(seen(&phone.killed_now()), (true, false), "sending");
    store.write(|tx| tx.apply(&[applied(&op, 7)])).unwrap();
    assert_eq!(seen(&phone.killed_now()), (true, false), "verdict stored, page lost");
    // A complete page that was asked for before the verdict was stored does not hide it.
    page(&mut store, &file, "c0", &[], "c1", asked);
    assert_eq!(seen(&phone.killed_now()), (true, false), "a page of another question");
    page(&mut store, &file, "c1", &[row], "c2", asked);
    assert_eq!(seen(&phone.killed_now()), (false, true), "its row is there");
    // Deleted by staff, and seen so.
    let after = store.read(|snap| snap.own().verdicts()).unwrap();
    page(&mut store, &file, "c2", &[gone("comment", op.entity.0, 8, Gone::Deleted)], "c3", after);
    assert_eq!(seen(&phone.killed_now()), (false, false), "deleted by staff, and not back");
}

#[test]
fn erased_words_do_not_come_back_by_a_reset() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (file, _) = store.begin_build(None).unwrap();
    let rows = [
        ticket(1, 1, "стёртое", "open"),
        comment(2, 1, 1, 1, by_staff(), "стёртое"),
        ticket(3, 1, "b", "open"),
    ];
    store.apply_frame(&file, Some(&start(2)), &rows, &frame_end("1", false)).unwrap();
    let end = FrameEnd { erased: vec![EntityId(id(1))], ..frame_end("2", true) };
    store.apply_frame(&file, None, &[], &end).unwrap();
    assert_eq!(shown(&mut store), ["b"]);
    let rows = store.read(|snap| snap.cache().unwrap().rows_of(ticket_id(1))).unwrap();
    assert_eq!(rows.comments, []);
}
