//! A cache file: what the server said, in order, and nothing that is older, gone or somebody else's.

use pocketdesk_core::store::{Order, Reader};

use super::*;

fn subjects(reader: &mut Reader) -> Vec<String> {
    let page = reader.read(|snap| snap.cache().unwrap().inbox(None, 100)).unwrap();
    page.into_iter().map(|entry| entry.ticket.row.subject).collect()
}

fn found(reader: &mut Reader, query: &str) -> Vec<(TicketId, String)> {
    let newest = reader.read(|snap| snap.search(query, Order::Newest, 50)).unwrap();
    let mut ranked = reader.read(|snap| snap.search(query, Order::Ranked, 50)).unwrap();
    let hits: Vec<_> = newest.iter().map(|hit| (hit.ticket, hit.kind.clone())).collect();
    ranked.sort_by_key(|hit| newest.iter().position(|other| other == hit));
    assert_eq!(newest, ranked, "both orders find the same");
    hits
}

#[test]
fn the_list_is_in_the_order_a_person_needs_and_pages_join() {
    let phone = Phone::new();
    let mut store = phone.store();
    let mut rows = vec![
        ticket_with(1, 1, json!({"subject": "solved long ago", "status": "closed", "updated_at": 10})),
        ticket_with(2, 1, json!({"subject": "open, no promise", "updated_at": 50})),
        ticket_with(
            3,
            1,
            json!({"subject": "open, far promise", "updated_at": 60, "deadline": {"at": 9_000}}),
        ),
        ticket_with(
            4,
            1,
            json!({"subject": "open, near promise", "updated_at": 20, "deadline": {"at": 5_000}}),
        ),
        ticket_with(5, 1, json!({"subject": "asked", "status": "waits_for_requester", "updated_at": 5})),
        ticket_with(6, 1, json!({"subject": "closed lately", "status": "closed", "updated_at": 70})),
    ];
    rows.reverse();
    built(&mut store, &rows);
    let mut reader = store.reader().unwrap();
    let order = [
        "asked",
        "open, near promise",
        "open, far promise",
        "open, no promise",
        "closed lately",
        "solved long ago",
    ];
    assert_eq!(subjects(&mut reader), order);
    let mut after = None;
    for subject in order {
        let page = reader.read(|snap| snap.cache().unwrap().inbox(after, 1)).unwrap();
        assert_eq!(page[0].ticket.row.subject, subject);
        after = Some(page[0].place);
    }
    assert_eq!(reader.read(|snap| snap.cache().unwrap().inbox(after, 1)).unwrap(), []);
}

#[test]
fn tickets_of_one_moment_are_each_listed_once() {
    let phone = Phone::new();
    let mut store = phone.store();
    let rows: Vec<_> =
        (1..=25).map(|n| ticket_with(n, 1, json!({"subject": n.to_string(), "updated_at": 5}))).collect();
    built(&mut store, &rows);
    let mut reader = store.reader().unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = reader.read(|snap| snap.cache().unwrap().inbox(after, 4)).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place);
        seen.extend(page.into_iter().map(|entry| entry.ticket.row.subject));
    }
    assert_eq!(seen, (1..=25).rev().map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_page_asked_with_another_cursor_file_epoch_or_scopes_is_dropped() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "first", "open")]);
    let rows = [ticket(1, 9, "late", "open")];
    let cursor = |text: &str| Cursor(text.into());
    let (asked, next) = (cursor("c0"), cursor("c1"));
    let plan = PagePlan {
        file: &file,
        asked: &asked,
        asked_scopes_rev: 1,
        epoch: EPOCH,
        scopes_rev: 1,
        verdicts_known: 0,
        items: &rows,
        next: &next,
        complete: true,
    };
    let other = cursor("as-of");
    let stale = [
        PagePlan { asked: &other, ..plan },
        PagePlan { asked_scopes_rev: 2, scopes_rev: 2, ..plan },
        PagePlan { scopes_rev: 2, ..plan },
        PagePlan { epoch: Epoch(EPOCH.0 - 1), ..plan },
    ];
    let mut reader = store.reader().unwrap();
    for plan in stale {
        assert_eq!(store.apply_page(&plan).unwrap(), Applied::Stale);
        assert_eq!(subjects(&mut reader), ["first"]);
    }
    assert!(matches!(store.apply_page(&plan).unwrap(), Applied::Done(_)));
    assert_eq!(store.apply_page(&plan).unwrap(), Applied::Stale, "the same page twice");
    assert_eq!(subjects(&mut reader), ["late"]);
    // A page asked before a reset and arriving after it.
    store.forget_cache().unwrap();
    built(&mut store, &[ticket(1, 1, "rebuilt", "open")]);
    assert_eq!(store.apply_page(&plan).unwrap(), Applied::Stale);
    assert_eq!(subjects(&mut reader), ["rebuilt"]);
}

#[test]
fn an_older_row_never_overwrites_a_newer() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 5, "newer", "solved")]);
    page(&mut store, &file, "c0", &[ticket(1, 4, "older", "open")], "c1", 0);
    assert_eq!(subjects(&mut store.reader().unwrap()), ["newer"]);
}

#[test]
fn a_comment_that_comes_before_its_ticket_shows_when_the_ticket_is_there() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[comment(2, 1, 1, 1, by_staff(), "Уже чиним принтер")]);
    let mut reader = store.reader().unwrap();
    assert_eq!(subjects(&mut reader), [""; 0]);
    assert_eq!(found(&mut reader, "принтер"), [], "not shown by the search either");
    page(&mut store, &file, "c0", &[ticket(1, 2, "here", "open")], "c1", 0);
    assert_eq!(subjects(&mut reader), ["here"]);
    let rows = reader.read(|snap| snap.cache().unwrap().rows_of(ticket_id(1))).unwrap();
    assert_eq!((rows.comments.len(), rows.unread), (1, 1));
    assert_eq!(found(&mut reader, "принтер").len(), 1);
}

#[test]
fn rows_of_a_kind_this_build_does_not_know_are_kept_and_not_shown() {
    let phone = Phone::new();
    let mut store = phone.store();
    let poll = item("poll", id(9), 3, json!({"question": "?", "ticket": ticket_id(1)}));
    let odd = item("comment", id(8), 1, json!({"ticket": 17}));
    built(&mut store, &[ticket(1, 1, "a", "open"), poll, odd]);
    let mut reader = store.reader().unwrap();
    reader
        .read(|snap| {
            let cache = snap.cache().unwrap();
            assert_eq!(cache.v("poll", EntityId(id(9)))?, Some(3));
            assert_eq!(cache.v("comment", EntityId(id(8)))?, Some(1));
            assert_eq!(cache.rows_of(ticket_id(1))?.comments, []);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn unread_counts_what_others_wrote_past_the_mark() {
    let phone = Phone::new();
    let mut store = phone.store();
    let event = item(
        "event",
        id(12),
        1,
        json!({"ticket": ticket_id(1), "position": 3, "by": by_staff(), "at": 1, "what": "status", "from": "new",
            "to": "open"}),
    );
    let rows = [
        ticket(1, 1, "a", "open"),
        comment(2, 1, 1, 1, by_staff(), "one"),
        comment(3, 1, 1, 2, by_olena(), "mine"),
        event,
    ];
    let file = built(&mut store, &rows);
    let mut reader = store.reader().unwrap();
    let unread = |reader: &mut Reader| {
        reader
            .read(|snap| {
                let cache = snap.cache().unwrap();
                let entry = cache.inbox_entry(ticket_id(1))?.unwrap();
                assert_eq!(entry.unread, cache.rows_of(ticket_id(1))?.unread);
                assert_eq!(cache.counts()?.unread, u64::from(entry.unread > 0));
                Ok::<_, StoreError>(entry.unread)
            })
            .unwrap()
    };
    assert_eq!(unread(&mut reader), 2);
    page(&mut store, &file, "c0", &[item("read", id(1), 1, json!({"position": 1}))], "c1", 0);
    assert_eq!(unread(&mut reader), 1);
    page(&mut store, &file, "c1", &[item("read", id(1), 2, json!({"position": 3}))], "c2", 0);
    assert_eq!(unread(&mut reader), 0);
    page(&mut store, &file, "c2", &[comment(4, 1, 3, 4, by_staff(), "two")], "c3", 0);
    assert_eq!(unread(&mut reader), 1);
}

#[test]
fn what_is_gone_is_gone_from_list_ticket_and_search() {
    let phone = Phone::new();
    let mut store = phone.store();
    let rows = [
        ticket(1, 1, "Принтер горит", "open"),
        comment(2, 1, 1, 1, by_staff(), "Тушим принтер"),
        ticket(3, 1, "Принтер цел", "open"),
        comment(4, 3, 1, 1, by_staff(), "Принтер стоит"),
    ];
    let file = built(&mut store, &rows);
    let mut reader = store.reader().unwrap();
    assert_eq!(found(&mut reader, "принтер").len(), 4);
    page(&mut store, &file, "c0", &[gone("comment", id(4), 2, Gone::Deleted)], "c1", 0);
    assert_eq!(found(&mut reader, "принтер").len(), 3);
    page(&mut store, &file, "c1", &[gone("ticket", id(1), 2, Gone::Left)], "c2", 0);
    assert_eq!(found(&mut reader, "принтер"), [(ticket_id(3), "ticket".into())]);
    assert_eq!(subjects(&mut reader), ["Принтер цел"]);
    let rows = reader.read(|snap| snap.cache().unwrap().rows_of(ticket_id(1))).unwrap();
    assert_eq!((rows.ticket, rows.comments), (None, vec![]));
    page(&mut store, &file, "c2", &[gone("ticket", id(3), 2, Gone::Erased)], "c3", 0);
    assert_eq!(found(&mut reader, "принтер"), []);
    // It may come back, when a person is made a participant again.
    page(&mut store, &file, "c3", &[ticket(1, 3, "Принтер снова", "open")], "c4", 0);
    assert_eq!(found(&mut reader, "принтер"), [(ticket_id(1), "ticket".into())]);
}

#[test]
fn changed_words_are_found_and_old_ones_are_not() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "Принтер", "open")]);
    let mut reader = store.reader().unwrap();
    page(&mut store, &file, "c0", &[ticket(1, 2, "Сканер", "open")], "c1", 0);
    assert_eq!(found(&mut reader, "принтер"), []);
    assert_eq!(found(&mut reader, "сканеры").len(), 1);
    assert_eq!(found(&mut reader, "скан").len(), 1, "unfinished");
    page(&mut store, &file, "c1", &[comment(5, 1, 1, 1, by_staff(), "Зламана кавоварка")], "c2", 0);
    assert_eq!(found(&mut reader, "кавоварки"), [(ticket_id(1), "comment".into())]);
    while store.merge_some().unwrap() {}
    assert_eq!(found(&mut reader, "кавоварки").len(), 1);
    assert_eq!(found(&mut reader, "принтер"), []);
}

#[test]
fn newest_hits_come_first() {
    let phone = Phone::new();
    let mut store = phone.store();
    let rows: Vec<_> = [5, 1, 9, 3].map(|n| ticket(n, 1, "Принтер", "open")).into();
    let file = built(&mut store, &rows);
    page(&mut store, &file, "c0", &[comment(7, 1, 1, 1, by_staff(), "принтер")], "c1", 0);
    let hits = found(&mut store.reader().unwrap(), "принтер");
    assert_eq!(hits.iter().map(|hit| hit.0).collect::<Vec<_>>(), [9, 1, 5, 3, 1].map(ticket_id));
}

#[test]
fn a_ticket_is_found_by_number_and_by_the_beginning_of_its_id() {
    let phone = Phone::new();
    let mut store = phone.store();
    built(&mut store, &[ticket(1, 1, "a", "open"), ticket(2, 1, "b", "open")]);
    let mut reader = store.reader().unwrap();
    reader
        .read(|snap| {
            let cache = snap.cache().unwrap();
            assert_eq!(cache.by_number("2")?, [ticket_id(2)]);
            assert_eq!(cache.by_number("3")?, []);
            let text = ticket_id(1).to_string();
            assert_eq!(cache.by_prefix(&text, 5)?, [ticket_id(1)]);
            assert_eq!(cache.by_prefix(&text[..13], 5)?, [ticket_id(1)]);
            assert_eq!(cache.by_prefix(&text[..4].to_uppercase(), 5)?, [1, 2].map(ticket_id));
            assert_eq!(cache.by_prefix("zz", 5)?, []);
            assert_eq!(cache.by_prefix("", 5)?, []);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn a_change_names_the_screens_it_moves() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "a", "open"), ticket(2, 1, "b", "open")]);
    let Applied::Done(changes) =
        page(&mut store, &file, "c0", &[comment(5, 1, 1, 1, by_staff(), "x")], "c1", 0)
    else {
        panic!("it is in")
    };
    assert_eq!((changes.tickets.into_iter().collect::<Vec<_>>(), changes.inbox), (vec![ticket_id(1)], true));
}

#[test]
fn the_badge_counts_what_the_list_shows_whatever_comes_and_goes() {
    let phone = Phone::new();
    let mut store = phone.store();
    let rows: Vec<_> = (1..=3)
        .flat_map(|n| [ticket(n, 1, "a", "open"), comment(10 + n, n, 1, 1, by_staff(), "one")])
        .collect();
    let file = built(&mut store, &rows);
    let mut reader = store.reader().unwrap();
    let mut counts = |store: &mut Store| {
        let of = |snap: &pocketdesk_core::store::Snapshot<'_>| {
            let cache = snap.cache().unwrap();
            let list = cache.inbox(None, 100)?;
            let unread = list.iter().filter(|entry| entry.unread > 0).count() as u64;
            let counts = cache.counts()?;
            assert_eq!((counts.tickets, counts.unread), (list.len() as u64, unread));
            Ok::<_, StoreError>((counts.tickets, counts.unread))
        };
        assert_eq!(store.read(of).unwrap(), reader.read(of).unwrap());
        reader.read(of).unwrap()
    };
    assert_eq!(counts(&mut store), (3, 3));
    page(&mut store, &file, "c0", &[item("read", id(1), 1, json!({"position": 1}))], "c1", 0);
    assert_eq!(counts(&mut store), (3, 2));
    page(&mut store, &file, "c1", &[gone("ticket", id(2), 2, Gone::Deleted)], "c2", 0);
    assert_eq!(counts(&mut store), (2, 1));
    page(&mut store, &file, "c2", &[ticket(4, 3, "b", "open"), ticket(3, 4, "c", "closed")], "c3", 0);
    assert_eq!(counts(&mut store), (3, 1));
    page(&mut store, &file, "c3", &[gone("ticket", id(3), 5, Gone::Left)], "c4", 0);
    assert_eq!(counts(&mut store), (2, 0));
}

#[test]
fn a_line_knows_of_words_that_the_desk_has_not_taken() {
    let phone = Phone::new();
    let mut store = phone.store();
    let file = built(&mut store, &[ticket(1, 1, "a", "open")]);
    let mut reader = store.reader().unwrap();
    let mut waits = || {
        reader
            .read(|snap| Ok::<_, StoreError>(snap.cache().unwrap().inbox(None, 1)?.remove(0).waits))
            .unwrap()
    };
    assert!(!waits());
    let mut last = 0;
    for (desk, kept) in [
        (json!({"state": "pending"}), true),
        (json!({"state": "refused", "code": "rude", "text_key": "refused-rude", "can_edit": true}), true),
        (json!({"state": "registered"}), false),
    ] {
        let row = json!({"ticket": id(1), "position": 1, "author": by_olena(), "text": "mine", "created_at": 1,
            "desk": desk});
        let (asked, next) = (format!("c{last}"), format!("c{}", last + 1));
        last += 1;
        page(&mut store, &file, &asked, &[item("comment", id(2), last + 1, row)], &next, 0);
        assert_eq!(waits(), kept, "{desk}");
    }
}
