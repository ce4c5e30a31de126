//! Frames that share a transaction, and their words in the search index.

use pocketdesk_core::store::{FramePlan, Order};

use super::*;

/// More rows than a transaction needs for its words to be indexed with it.
const MANY: u64 = 1_200;

fn found(store: &mut Store, query: &str) -> Vec<EntityId> {
    let hits = store.read(|snap| snap.search(query, Order::Newest, 5_000)).unwrap();
    hits.into_iter().map(|hit| hit.id).collect()
}

fn resume(store: &mut Store) -> Option<String> {
    store.cache_state().unwrap().active.unwrap().resume
}

/// Comments of ticket 1, three of a thousand of them rare.
fn comments(from: u64) -> Vec<Item> {
    let text = |n: u64| {
        if n.is_multiple_of(400) {
            "осциллограф в кабинете"
        } else {
            "проверьте принтер"
        }
    };
    (from..from + MANY).map(|n| comment(n, 1, 1, n.cast_signed(), by_staff(), text(n))).collect()
}

#[test]
fn frames_that_share_a_transaction_are_all_there_or_none_with_the_last_ones_key() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (file, _) = store.begin_build(Some(olena())).unwrap();
    let (start, ends) = (start(3), ["a", "b", "c"].map(|key| frame_end(key, key == "c")));
    let rows = [1, 2, 3].map(|n| [ticket(n, 1, "Принтер", "open")]);
    store.apply_frame(&file, Some(&start), &rows[0], &ends[0]).unwrap();
    let before = phone.killed_now();
    let later = [1, 2].map(|at: usize| FramePlan { start: None, items: &rows[at], end: &ends[at] });
    store.apply_frames(&file, &later).unwrap();
    for (phone, key, tickets) in [(before, "a", 1), (phone.killed_now(), "c", 3)] {
        let mut store = phone.store();
        assert_eq!(resume(&mut store).as_deref(), Some(key));
        let counts = store.read(|snap| snap.cache().unwrap().counts()).unwrap();
        assert_eq!(counts.tickets, tickets);
    }
}

#[test]
fn words_are_found_while_the_first_sync_goes_on_and_once_each_after_it() {
    let phone = Phone::new();
    let mut store = phone.store();
    let (file, _) = store.begin_build(Some(olena())).unwrap();
    let (start, end) = (start(2), |key: &str| frame_end(key, false));
    let few = [ticket(1, 1, "Осциллограф молчит", "open"), ticket(2, 1, "Принтер", "open")];
    store.apply_frame(&file, Some(&start), &few, &end("1")).unwrap();
    assert_eq!(found(&mut store, "осциллографы"), [], "the words of a few rows wait");

    let (many, more) = (comments(1_000), comments(3_000));
    store.apply_frame(&file, None, &many, &end("2")).unwrap();
    assert_eq!(found(&mut store, "осциллографы").len(), 4, "and come with the next many");
    assert_eq!(found(&mut store, "принтеры").len(), 1_198);

    // One that comes again with other words, one that came twice in one transaction, and some that are erased.
    let again = [
        comment(1_200, 1, 2, 1_200, by_staff(), "заземление"),
        comment(3_200, 1, 2, 3_200, by_staff(), "заземление"),
    ];
    let erased = [1_600, 3_600].map(|n| EntityId(id(n)));
    let last = FrameEnd { erased: erased.to_vec(), ..frame_end("4", true) };
    let frames = [
        FramePlan { start: None, items: &more, end: &end("3") },
        FramePlan { start: None, items: &again, end: &last },
    ];
    store.apply_frames(&file, &frames).unwrap();
    page(&mut store, &file, "as-of", &[], "c0", 0);
    let whole = |store: &mut Store| {
        let mut rare = found(store, "осциллографы");
        rare.sort();
        assert_eq!(rare, [id(1), id(2_000), id(4_000)].map(EntityId));
        let mut renamed = found(store, "заземление");
        renamed.sort();
        assert_eq!(renamed, [id(1_200), id(3_200)].map(EntityId));
        assert_eq!(found(store, "принтеры").len(), 2 * 1_197 + 1);
    };
    whole(&mut store);
    store.finish_build(&file).unwrap();
    whole(&mut store);
    while store.merge_some().unwrap() {}
    whole(&mut store);
    drop(store);
    whole(&mut phone.killed_now().store());
}

#[test]
fn words_of_a_row_that_takes_the_place_of_one_that_went_are_found() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "Принтер", "open")]);
    page(&mut store, &file, "c0", &[comment(2, 1, 1, 1, by_staff(), "осциллограф")], "c1", 0);
    assert_eq!(found(&mut store, "осциллограф"), [EntityId(id(2))]);
    page(&mut store, &file, "c1", &[gone("comment", id(2), 2, Gone::Deleted)], "c2", 0);
    // SQLite gives this one the key of the row that went.
    page(&mut store, &file, "c2", &[comment(3, 1, 3, 2, by_staff(), "осциллограф")], "c3", 0);
    assert_eq!(found(&mut store, "осциллограф"), [EntityId(id(3))]);
    page(&mut store, &file, "c3", &[comment(3, 1, 4, 2, by_staff(), "заземление")], "c4", 0);
    assert_eq!((found(&mut store, "осциллограф").len(), found(&mut store, "заземление").len()), (0, 1));
}
