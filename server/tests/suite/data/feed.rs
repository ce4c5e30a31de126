//! Pages, cursors, resets and snapshots.

use pocketdesk_protocol::{
    ids::{Epoch, Scope, TicketId},
    op::kind,
    rows::Status,
    sync::{Cursor, Gone, ResetReason, SnapshotLine},
};
use pocketdesk_server::{
    context::DAY_MS,
    journal::{self, cursor::Position, trim},
    people::{self, PutScopes, Sees},
    staff,
    store::{Mode, write::with_write},
    sync,
    testing::{Setting, TestServer},
    values,
};

use super::support::{Phone, all_applied, applied, lines, on_both_stores};

on_both_stores! { Setting::default();
    a_reply_comes_on_the_next_page,
    a_page_ends_on_a_commit_and_holds_at_least_one,
    a_small_page_loses_nothing,
    a_comment_that_was_deleted_does_not_come_back,
    an_erased_ticket_is_erased_on_every_phone,
    a_cursor_of_another_epoch_is_reset,
    a_cursor_of_other_scopes_is_reset,
    a_cursor_of_another_history_is_reset,
    a_cursor_ahead_of_the_head_is_reset,
    a_cursor_past_the_horizon_is_reset_and_one_at_the_head_is_not,
    a_snapshot_cut_at_any_frame_goes_on_where_it_was,
    what_moves_under_a_snapshot_comes_with_its_delta,
    a_snapshot_stops_when_the_scopes_move_under_it,
    a_phone_that_pulled_holds_what_a_new_one_gets,
    an_internal_note_reaches_no_requester,
    a_long_comment_fits_a_frame_of_its_own,
    an_ack_names_the_commit_that_the_page_reaches,
}

async fn a_reply_comes_on_the_next_page(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    olena.build().await;
    let before = olena.page(None).await;
    assert!(before.complete && before.items.is_empty(), "nothing moved");
    let reply = staff::reply(&server.ctx, "Ira", ticket, "On my way", &[]).await.unwrap();
    let mut news = server.ctx.hints.subscribe([Scope::Person(olena.session.person)]);
    staff::set_deadline(&server.ctx, "Ira", ticket, Some(1_760_000_000_000), None).await.unwrap();
    let hints = news.next().await;
    let page = olena.page(None).await;
    assert_eq!(page.heads.iter().find(|head| head.scope == hints[0].scope).unwrap().seq, hints[0].seq);
    assert_eq!(olena.words(ticket), ["On my way"]);
    assert!(olena.rows.contains_key(&("comment".into(), reply.into())));
    let row = olena.ticket(ticket).unwrap();
    assert_eq!(row.status, Status::Open);
    assert_eq!(row.deadline.unwrap().at, 1_760_000_000_000);
}

async fn a_page_ends_on_a_commit_and_holds_at_least_one(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    olena.build().await;
    let (ticket, create) = olena.file("The lift").await;
    let words = "x".repeat(10_000);
    for _ in 0..5 {
        applied(&olena.send(&[olena.comment(ticket, &words, Some(&create))]).await[0]);
    }
    let page = olena.page(Some(1)).await;
    assert!(!page.complete && !page.items.is_empty());
    // Each commit of a comment is the comment alone: its ticket's row moved on with the last.
    let mut pages = 1;
    loop {
        let before = olena.words(ticket).len();
        let page = olena.page(Some(1)).await;
        pages += 1;
        assert!(olena.words(ticket).len() <= before + 1);
        if page.complete {
            break;
        }
    }
    assert!(pages >= 5, "one commit a page");
    assert_eq!(olena.words(ticket).len(), 5);
}

async fn a_small_page_loses_nothing(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut small = Phone::another(&server.ctx, olena.session.person).await;
    small.build().await;
    for n in 0..20 {
        let (ticket, create) = olena.file(&format!("Ticket {n}")).await;
        let mut ops = vec![create];
        for m in 0..n {
            ops.push(olena.comment(ticket, &format!("{m}"), ops.last()));
        }
        all_applied(&olena.send(&ops).await);
        if n % 3 == 0 {
            small.page(Some(500)).await;
        }
    }
    small.pull(Some(700)).await;
    olena.build().await;
    assert_eq!(small.shown(), olena.shown());
}

async fn a_comment_that_was_deleted_does_not_come_back(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "My card number is…", Some(&create));
    applied(&olena.send(std::slice::from_ref(&comment)).await[0]);
    olena.build().await;
    staff::delete_comment(&server.ctx, comment.entity.into()).await.unwrap();
    olena.pull(None).await;
    assert_eq!(olena.gone[&("comment".into(), comment.entity)], Gone::Deleted);
    // Its op comes back once more (the verdict was lost on the way): the words stay deleted.
    applied(&olena.send(&[comment]).await[0]);
    olena.build().await;
    assert!(olena.words(ticket).is_empty());
}

async fn an_erased_ticket_is_erased_on_every_phone(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "Words", Some(&create));
    applied(&olena.send(std::slice::from_ref(&comment)).await[0]);
    olena.build().await;
    staff::erase_ticket(&server.ctx, ticket).await.unwrap();
    olena.pull(None).await;
    assert_eq!(olena.gone[&("ticket".into(), ticket.into())], Gone::Erased);
    assert_eq!(olena.gone[&("comment".into(), comment.entity)], Gone::Erased);
    assert!(olena.rows.is_empty());
    // A phone that was away for long learns it from the end of its snapshot.
    let frame = sync::snapshot_frame(&server.ctx, olena.session, None, true).await.unwrap();
    let Some(SnapshotLine::End(end)) = lines(&frame.bytes).pop() else { panic!("a frame ends with its end") };
    assert!(end.last && end.erased.contains(&ticket.into()) && end.erased.contains(&comment.entity));
}

async fn reason(phone: &Phone, position: &Position) -> Option<ResetReason> {
    let cursor = position.seal(&phone.ctx.key);
    let response = sync::pull(&phone.ctx, phone.session, &cursor, None).await.unwrap();
    assert!(
        response.reset.is_none()
            || (response.next.is_none() && response.items.is_empty() && !response.complete)
    );
    response.reset.map(|reset| reset.reason)
}

async fn position(phone: &mut Phone) -> Position {
    phone.build().await;
    Position::open(&phone.ctx.key, phone.cursor.as_ref().unwrap()).unwrap()
}

async fn a_cursor_of_another_epoch_is_reset(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut at = position(&mut olena).await;
    assert_eq!(reason(&olena, &at).await, None);
    at.epoch = Epoch(at.epoch.0 - 1);
    assert_eq!(reason(&olena, &at).await, Some(ResetReason::Epoch));
    let made_up = Cursor("what is this".into());
    let response = sync::pull(&server.ctx, olena.session, &made_up, None).await.unwrap();
    assert_eq!(response.reset.unwrap().reason, ResetReason::Unreadable);
}

async fn a_cursor_of_other_scopes_is_reset(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let at = position(&mut olena).await;
    let company = people::create_company(
        &server.ctx,
        &people::NewCompany { name: "Sun".into(), sites: vec!["Harbour".into()] },
    )
    .await
    .unwrap();
    let mut hears = server.ctx.hints.subscribe([Scope::Person(olena.session.person)]);
    let all = PutScopes { company: Some(company.id), sites: vec![], sees: Sees::Company };
    people::put_scopes(&server.ctx, olena.session.person, &all).await.unwrap();
    assert_eq!(hears.next().await.len(), 1, "a live stream hears that its scopes moved");
    assert_eq!(reason(&olena, &at).await, Some(ResetReason::Scopes));
    // Taken back: the same set of scopes, and still not the old revision: pages between the two were other pages.
    let none = PutScopes { company: None, sites: vec![], sees: Sees::Own };
    people::put_scopes(&server.ctx, olena.session.person, &none).await.unwrap();
    assert_eq!(reason(&olena, &at).await, Some(ResetReason::Scopes));
}

async fn a_cursor_of_another_history_is_reset(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    olena.file("The lift").await;
    let mut at = position(&mut olena).await;
    let own = at.at.get_mut(&Scope::Person(olena.session.person)).unwrap();
    own.1 = !own.1;
    assert_eq!(reason(&olena, &at).await, Some(ResetReason::Tag));
}

async fn a_cursor_ahead_of_the_head_is_reset(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut at = position(&mut olena).await;
    at.at.get_mut(&Scope::Desk).unwrap().0 += 1;
    assert_eq!(reason(&olena, &at).await, Some(ResetReason::Ahead));
}

async fn a_cursor_past_the_horizon_is_reset_and_one_at_the_head_is_not(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut new = Phone::of(&server.ctx, "Taras").await;
    let old = position(&mut olena).await;
    let idle = position(&mut new).await;
    let (ticket, _) = olena.file("The lift").await;
    let newest = position(&mut olena).await;
    server.clock.advance(29 * DAY_MS);
    trim::trim(&server.ctx).await.unwrap();
    assert_eq!(reason(&olena, &old).await, None, "journals reach back thirty days");
    server.clock.advance(2 * DAY_MS);
    assert!(trim::trim(&server.ctx).await.unwrap() > 0);
    assert_eq!(reason(&olena, &old).await, Some(ResetReason::Horizon));
    assert_eq!(reason(&olena, &newest).await, None, "a head's own commit is never trimmed");
    assert_eq!(reason(&new, &idle).await, None, "nor is a head of 0");
    staff::reply(&server.ctx, "Ira", ticket, "Still here?", &[]).await.unwrap();
    olena.pull(None).await;
    assert_eq!(olena.words(ticket), ["Still here?"]);
}

async fn a_snapshot_cut_at_any_frame_goes_on_where_it_was(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    for n in 0..12 {
        let (ticket, create) = olena.file(&format!("Ticket {n}")).await;
        let words = "я".repeat(9_000);
        let ops = [olena.comment(ticket, &words, Some(&create)), olena.comment(ticket, &words, None)];
        all_applied(&olena.send(&ops).await);
    }
    let frames = olena.build().await;
    assert!(frames > 5, "frames are small: {frames}");
    // Every frame is asked for as the first of an answer of its own.
    let (mut resume, mut items, mut order) = (None, 0, Vec::new());
    loop {
        let frame = sync::snapshot_frame(&server.ctx, olena.session, resume.as_deref(), true).await.unwrap();
        let lines = lines(&frame.bytes);
        assert!(
            matches!(lines[0], SnapshotLine::Start(_)) && matches!(lines.last(), Some(SnapshotLine::End(_)))
        );
        for line in lines {
            if let SnapshotLine::Item(item) = line {
                items += 1;
                order.extend((item.k == "ticket").then_some(TicketId::from(item.id)));
            }
        }
        if frame.last {
            break;
        }
        resume = Some(frame.resume);
    }
    assert_eq!(items, olena.rows.len(), "no row twice and none left out");
    assert!(order.is_sorted_by(|a, b| a > b), "newest first, by a key that never moves");
    assert_eq!(order.len(), 12);
}

async fn what_moves_under_a_snapshot_comes_with_its_delta(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut filed = Vec::new();
    for n in 0..6 {
        let (ticket, create) = olena.file(&format!("Ticket {n}")).await;
        applied(&olena.send(&[olena.comment(ticket, &"x".repeat(40_000), Some(&create))]).await[0]);
        filed.push(ticket);
    }
    let mut resume = None;
    for n in 0.. {
        let frame =
            sync::snapshot_frame(&server.ctx, olena.session, resume.as_deref(), n == 0).await.unwrap();
        for line in lines(&frame.bytes) {
            match line {
                SnapshotLine::Start(start) => olena.cursor = Some(start.as_of),
                SnapshotLine::Item(item) => drop(olena.rows.insert((item.k.clone(), item.id), item)),
                SnapshotLine::End(_) => {}
            }
        }
        // Between frames: the newest and the oldest ticket move, one is filed, one is deleted.
        for ticket in [filed[5], filed[0]] {
            staff::reply(&server.ctx, "Ira", ticket, &format!("Between {n}"), &[]).await.unwrap();
        }
        olena.file(&format!("Filed between {n}")).await;
        if n == 1 {
            staff::delete_ticket(&server.ctx, filed[4]).await.unwrap();
        }
        if frame.last {
            break;
        }
        resume = Some(frame.resume);
    }
    olena.pull(None).await;
    let mut fresh = Phone::another(&server.ctx, olena.session.person).await;
    fresh.build().await;
    assert_eq!(olena.shown(), fresh.shown());
    assert!(olena.ticket(filed[4]).is_none());
}

async fn a_snapshot_stops_when_the_scopes_move_under_it(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let company =
        people::create_company(&server.ctx, &people::NewCompany { name: "Sun".into(), sites: vec![] })
            .await
            .unwrap();
    let first = sync::snapshot_frame(&server.ctx, olena.session, None, true).await.unwrap();
    let all = PutScopes { company: Some(company.id), sites: vec![], sees: Sees::Company };
    people::put_scopes(&server.ctx, olena.session.person, &all).await.unwrap();
    let resume = Some(first.resume.as_str());
    assert!(sync::snapshot_frame(&server.ctx, olena.session, resume, false).await.is_err());
    let again = sync::snapshot_frame(&server.ctx, olena.session, resume, true).await.unwrap();
    let SnapshotLine::Start(start) = &lines(&again.bytes)[0] else { panic!("a start") };
    assert_eq!(start.scopes_rev, sync::standing(&server.ctx, olena.session.person).await.unwrap().scopes_rev);
    // A server that lost its key says so by beginning anew; an error would be asked for again for ever.
    let anew = sync::snapshot_frame(&server.ctx, olena.session, Some("made up"), true).await.unwrap();
    assert!(matches!(lines(&anew.bytes)[0], SnapshotLine::Start(_)));
    assert!(sync::snapshot_frame(&server.ctx, olena.session, Some("made up"), false).await.is_err());
}

async fn a_phone_that_pulled_holds_what_a_new_one_gets(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    olena.build().await;
    let (ticket, create) = olena.file("The lift").await;
    olena.pull(None).await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    staff::ask_rating(&server.ctx, "Ira", ticket).await.unwrap();
    staff::assign(&server.ctx, "Ira", ticket, Some("Max")).await.unwrap();
    let ops = [
        olena.rate(ticket, 1, 4),
        olena.rate(ticket, 1, 5),
        olena.read(kind::READ_MARK, ticket, 3),
        olena.read(kind::READ_UNMARK, ticket, 1),
        olena.comment(ticket, "Thanks", Some(&create)),
    ];
    let verdicts = olena.send(&ops).await;
    olena.pull(None).await;
    let mut fresh = Phone::another(&server.ctx, olena.session.person).await;
    fresh.build().await;
    assert_eq!(olena.shown(), fresh.shown());
    let v = |kind: &str| olena.rows[&(kind.to_owned(), ticket.into())].v;
    assert!(v("rating") >= applied(&verdicts[1]) && v("read") >= applied(&verdicts[3]));
    let rating: pocketdesk_protocol::rows::RatingRow = olena.row("rating", ticket.into()).unwrap();
    assert_eq!(rating.value, 5);
}

async fn an_internal_note_reaches_no_requester(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    olena.build().await;
    let before = olena.page(None).await.heads;
    staff::note(&server.ctx, "Ira", ticket, "She is right, we broke it").await.unwrap();
    let page = olena.page(None).await;
    assert!(page.items.is_empty());
    assert_eq!(page.heads, before, "not even that something moved");
    assert_eq!(staff::get(&server.ctx, ticket).await.unwrap().notes[0].text, "She is right, we broke it");
}

async fn a_long_comment_fits_a_frame_of_its_own(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    // Every character of it is six on the wire.
    let words = "\u{1}".repeat(64 << 10);
    applied(&olena.send(&[olena.comment(ticket, &words, Some(&create))]).await[0]);
    olena.build().await;
    assert_eq!(olena.words(ticket), std::slice::from_ref(&words));
    let mut pulls = Phone::another(&server.ctx, olena.session.person).await;
    pulls.build().await;
    assert_eq!(pulls.words(ticket), [words]);
}

async fn an_ack_names_the_commit_that_the_page_reaches(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    olena.build().await;
    let op = olena.create("The lift");
    let verdicts = olena.send(&[op]).await;
    let pocketdesk_protocol::sync::Verdict::Applied { ack, number, .. } = &verdicts[0] else {
        panic!("applied")
    };
    assert_eq!(number.as_deref(), Some("1"), "the built-in desk registers in the verdict");
    assert_eq!(ack.len(), 1);
    let page = olena.page(None).await;
    assert!(page.heads.contains(&ack[0]), "seq and tag are those of the journal");
    // A head that moved without its tag being that of its commit would be an alarm for nothing.
    let mut tx = server.ctx.store.begin(Mode::Read).await.unwrap();
    let heads = journal::heads(tx.as_mut(), &[ack[0].scope].into()).await.unwrap();
    assert_eq!(heads, *ack);
    drop(tx);
    let rolled_back: Result<(), pocketdesk_server::context::ServiceError> =
        with_write(&server.ctx, |tx, _| {
            Box::pin(async move {
                tx.execute("INSERT INTO meta (name, value) VALUES ($1, $2)", &values!["x", "y"]).await?;
                Err(pocketdesk_server::context::ServiceError::NotFound("reason to go on"))
            })
        })
        .await;
    assert!(rolled_back.is_err());
    let mut tx = server.ctx.store.begin(Mode::Read).await.unwrap();
    assert!(tx.query("SELECT value FROM meta WHERE name = 'x'", &[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_taken_by_one_replica_wakes_a_phone_at_the_other() {
    let Some(config) = pocketdesk_server::testing::postgres::database().await else { return };
    let one = TestServer::open(tempfile::tempdir().unwrap(), &config, Setting::default()).await;
    let other = TestServer::open(tempfile::tempdir().unwrap(), &config, Setting::default()).await;
    let mut olena = Phone::of(&one.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    olena.ctx = other.ctx.clone();
    olena.build().await;
    let mut news = other.ctx.hints.subscribe([Scope::Person(olena.session.person)]);
    let heard = async {
        // The first may fall into the moment before the other listens: it is only a hint, and the next one comes.
        loop {
            staff::reply(&one.ctx, "Ira", ticket, "On my way", &[]).await.unwrap();
            if let Ok(hints) = tokio::time::timeout(std::time::Duration::from_millis(500), news.next()).await
            {
                return hints;
            }
        }
    };
    let hints =
        tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.expect("the other hears it");
    assert!(hints[0].seq > 0);
    olena.pull(None).await;
    assert!(olena.words(ticket).contains(&"On my way".to_owned()));
}
