//! One op, one effect, for ever; lanes; what is waited for.

use pocketdesk_protocol::{
    ids::TicketId,
    op::{ParticipantBody, kind},
    sync::{BlockedOn, SyncRequest, Verdict, code},
};
use pocketdesk_server::{
    context::{DAY_MS, ServiceError},
    desk::ticket,
    staff,
    store::{Mode, write::with_write},
    sync,
    testing::{Setting, TestServer},
    values,
};

use super::support::{Phone, all_applied, applied, file, on_both_stores, receipt, rejected};

on_both_stores! { Setting::default();
    a_comment_sent_twice_is_there_once,
    an_op_id_with_other_words_never_replaces_the_first,
    a_comment_that_overtook_its_ticket_waits_for_it,
    a_comment_does_not_overtake_the_one_before_it,
    a_deleted_comment_does_not_let_those_behind_it_overtake_those_before_it,
    a_refused_comment_does_not_freeze_badges,
    an_op_of_another_epoch_is_not_looked_at,
    words_too_long_are_refused_and_the_rest_goes_on,
    somebody_elses_ticket_looks_as_if_it_did_not_exist,
    a_comment_for_a_deleted_ticket_is_told_at_once,
    one_bad_op_does_not_take_the_good_ones_with_it,
    two_hundred_ops_come_in_one_request,
    a_receipt_somebody_made_up_opens_nothing,
    a_verdict_is_replayed_after_its_body_is_forgotten,
    a_character_the_database_cannot_hold_stops_nobody_else,
    words_for_a_merged_ticket_reach_the_one_that_goes_on,
}

async fn a_comment_sent_twice_is_there_once(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "It stopped again", Some(&create));
    let first = olena.send(std::slice::from_ref(&comment)).await;
    let second = olena.send(&[comment.clone(), comment]).await;
    assert_eq!(first[0], second[0], "the stored verdict is replayed word for word");
    assert_eq!(second[0], second[1]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["It stopped again"]);
}

async fn an_op_id_with_other_words_never_replaces_the_first(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let first = olena.comment(ticket, "First words", Some(&create));
    applied(&olena.send(std::slice::from_ref(&first)).await[0]);
    let mut other = olena.comment(ticket, "Other words", Some(&create));
    other.op = first.op;
    assert_eq!(rejected(&olena.send(&[other]).await[0]), code::OP_ID_REUSED);
    applied(&olena.send(&[first]).await[0]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["First words"]);
    // Another person's guess at the id learns nothing of it.
    let taras = Phone::of(&server.ctx, "Taras").await;
    let mut stolen = taras.create("Mine");
    stolen.op = create.op;
    assert_eq!(rejected(&taras.send(&[stolen]).await[0]), code::OP_ID_REUSED);
}

async fn a_comment_that_overtook_its_ticket_waits_for_it(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let create = olena.create("The lift");
    let comment = olena.comment(create.entity.into(), "And hurry", None);
    let early = olena.send(std::slice::from_ref(&comment)).await;
    assert_eq!(early[0], Verdict::Blocked { on: BlockedOn::Ticket });
    let both = olena.send(&[create.clone(), comment]).await;
    all_applied(&both);
    olena.build().await;
    assert_eq!(olena.words(create.entity.into()), ["And hurry"]);

    // A ticket that never comes is waited for as long as a phone keeps applied ops, then said to be gone.
    let lost = olena.comment(TicketId(server.ctx.env.new_id()), "Into nothing", None);
    assert_eq!(olena.send(std::slice::from_ref(&lost)).await[0], Verdict::Blocked { on: BlockedOn::Ticket });
    server.clock.advance(29 * DAY_MS);
    assert_eq!(olena.send(std::slice::from_ref(&lost)).await[0], Verdict::Blocked { on: BlockedOn::Ticket });
    server.clock.advance(2 * DAY_MS);
    assert_eq!(rejected(&olena.send(&[lost]).await[0]), code::TICKET_GONE);
}

async fn a_comment_does_not_overtake_the_one_before_it(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let first = olena.comment(ticket, "First", Some(&create));
    let second = olena.comment(ticket, "Second", Some(&first));
    assert_eq!(olena.send(std::slice::from_ref(&second)).await[0], Verdict::Blocked { on: BlockedOn::Prev });
    applied(&olena.send(&[first]).await[0]);
    applied(&olena.send(&[second]).await[0]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["First", "Second"]);
}

async fn a_deleted_comment_does_not_let_those_behind_it_overtake_those_before_it(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let first = olena.comment(ticket, "First", Some(&create));
    let second = olena.comment(ticket, "Second", Some(&first));
    let third = olena.comment(ticket, "Third", Some(&second));
    // As after a restore: that the second was deleted is known, the comments themselves are lost.
    let mut tx = server.ctx.store.begin(Mode::Write).await.unwrap();
    tx.execute(
        "INSERT INTO gone (kind, id, v, why, author_id) VALUES ('comment', $1, 2, 'deleted', $2)",
        &values![second.entity, olena.session.person],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let blocked = Verdict::Blocked { on: BlockedOn::Prev };
    assert_eq!(olena.send(&[second.clone(), third.clone()]).await, [blocked.clone(), blocked]);
    all_applied(&olena.send(&[first, second, third]).await);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["First", "Third"]);
}

async fn a_refused_comment_does_not_freeze_badges(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let refused = olena.comment(ticket, "", Some(&create));
    let after = olena.comment(ticket, "After it", Some(&refused));
    let mut read = olena.read(kind::READ_MARK, ticket, 0);
    read.prev = Some(refused.op);
    let verdicts = olena.send(&[refused, after, read]).await;
    assert_eq!(rejected(&verdicts[0]), code::INVALID);
    assert_eq!(
        verdicts[1],
        Verdict::Blocked { on: BlockedOn::Prev },
        "the ticket's lane waits for the person"
    );
    applied(&verdicts[2]);
}

async fn an_op_of_another_epoch_is_not_looked_at(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    for epoch in [None, Some(pocketdesk_protocol::ids::Epoch(1))] {
        let request =
            SyncRequest { epoch, ops: vec![olena.create("The lift")], cursor: None, limit_bytes: None };
        let response = sync::sync(&server.ctx, olena.session, request).await.unwrap();
        assert!(response.verdicts.is_empty());
        assert_eq!(response.epoch, olena.epoch);
    }
    assert!(staff::list(&server.ctx, &Default::default()).await.unwrap().is_empty());
}

async fn words_too_long_are_refused_and_the_rest_goes_on(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let long_subject = olena.create(&"x".repeat(301));
    let (ticket, create) = olena.file("The lift").await;
    let long = olena.comment(ticket, &"ж".repeat(33 << 10), Some(&create));
    let huge = olena.attach(ticket, file(&server.ctx, "film.mp4", (2 << 30) + 1));
    let at_the_limit = olena.attach(ticket, file(&server.ctx, "film.mp4", 2 << 30));
    let many =
        olena.create_with("Photos", (0..21).map(|n| file(&server.ctx, &format!("{n}.jpg"), 1)).collect());
    let verdicts = olena.send(&[long_subject, long, huge, at_the_limit, many]).await;
    assert_eq!(rejected(&verdicts[0]), code::TOO_LONG);
    assert_eq!(rejected(&verdicts[1]), code::TOO_LONG);
    assert_eq!(rejected(&verdicts[2]), code::FILE_TOO_LARGE);
    applied(&verdicts[3]);
    assert_eq!(rejected(&verdicts[4]), code::TOO_MANY_FILES);
    let Verdict::Rejected { field, can_edit, text, .. } = &verdicts[1] else { unreachable!() };
    assert_eq!((field.as_deref(), can_edit), (Some("text"), &true));
    assert!(text.as_ref().is_some_and(|text| !text.is_empty()), "an old app lacks the key");
}

async fn somebody_elses_ticket_looks_as_if_it_did_not_exist(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("A private matter").await;
    let mut max = Phone::of(&server.ctx, "Max").await;
    let unknown = TicketId(server.ctx.env.new_id());
    for (theirs, none) in [
        (max.comment(ticket, "Hm", None), max.comment(unknown, "Hm", None)),
        (max.read(kind::READ_MARK, ticket, 0), max.read(kind::READ_MARK, unknown, 0)),
        (
            max.participant(
                kind::PARTICIPANT_ADD,
                ticket,
                &ParticipantBody { person: Some(max.session.person), email: None },
            ),
            max.participant(
                kind::PARTICIPANT_ADD,
                unknown,
                &ParticipantBody { person: Some(max.session.person), email: None },
            ),
        ),
    ] {
        let verdicts = max.send(&[theirs, none]).await;
        assert_eq!(verdicts[0], Verdict::Blocked { on: BlockedOn::Ticket });
        assert_eq!(verdicts[0], verdicts[1]);
    }
    staff::delete_ticket(&server.ctx, ticket).await.unwrap();
    assert_eq!(
        max.send(&[max.comment(ticket, "Hm", None)]).await[0],
        Verdict::Blocked { on: BlockedOn::Ticket }
    );
    max.build().await;
    assert!(max.rows.is_empty());
}

async fn a_comment_for_a_deleted_ticket_is_told_at_once(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    staff::delete_ticket(&server.ctx, ticket).await.unwrap();
    let late = olena.comment(ticket, "Words written meanwhile", Some(&create));
    assert_eq!(rejected(&olena.send(&[late]).await[0]), code::TICKET_GONE);
}

async fn one_bad_op_does_not_take_the_good_ones_with_it(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let good = olena.comment(ticket, "Good", None);
    let mut broken = olena.comment(ticket, "Broken on the way", None);
    broken.body.push(' ');
    let mut unknown = olena.comment(ticket, "From a newer app", None);
    unknown.kind = "approval.delegate".into();
    unknown.sha256 = pocketdesk_protocol::op::digest(&unknown.kind, 1, unknown.entity, &unknown.body);
    let mut taken = olena.comment(ticket, "Same id as another", None);
    taken.entity = good.entity;
    taken.sha256 = pocketdesk_protocol::op::digest(&taken.kind, 1, taken.entity, &taken.body);
    let last = olena.comment(ticket, "Last", Some(&good));
    let verdicts = olena.send(&[good, broken, unknown, taken, last]).await;
    applied(&verdicts[0]);
    assert_eq!(rejected(&verdicts[1]), code::DIGEST);
    assert_eq!(rejected(&verdicts[2]), code::UNKNOWN_KIND);
    assert_eq!(rejected(&verdicts[3]), code::ID_TAKEN);
    applied(&verdicts[4]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["Good", "Last"]);
}

async fn two_hundred_ops_come_in_one_request(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    olena.build().await;
    let mut ops = vec![create];
    for n in 0..200 {
        ops.push(olena.comment(ticket, &format!("{n}"), ops.last()));
    }
    all_applied(&olena.send(&ops).await);
    olena.pull(None).await;
    assert_eq!(olena.words(ticket), (0..200).map(|n| n.to_string()).collect::<Vec<_>>());
    let first = ops[0].clone();
    ops.resize(501, first);
    let request = SyncRequest { epoch: Some(olena.epoch), ops, cursor: None, limit_bytes: None };
    assert!(sync::sync(&server.ctx, olena.session, request).await.is_err());
}

async fn a_receipt_somebody_made_up_opens_nothing(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let max = Phone::of(&server.ctx, "Max").await;
    let mut forged = max.comment(ticket, "Let me in", None);
    forged.receipt = Some("00".repeat(32));
    assert_eq!(max.send(&[forged]).await[0], Verdict::Blocked { on: BlockedOn::Ticket });
    // A real receipt is of its op alone.
    let mut other = max.comment(ticket, "Let me in", None);
    other.receipt = receipt(&olena.send(&[create]).await[0]);
    assert_eq!(max.send(&[other]).await[0], Verdict::Blocked { on: BlockedOn::Ticket });
}

async fn a_verdict_is_replayed_after_its_body_is_forgotten(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let first = olena.send(std::slice::from_ref(&create)).await;
    server.clock.advance(400 * DAY_MS);
    assert!(sync::forget(&server.ctx).await.unwrap() > 0);
    let late = olena.send(&[create]).await;
    assert_eq!(receipt(&late[0]), receipt(&first[0]));
    olena.build().await;
    assert_eq!(olena.rows.keys().filter(|key| key.0 == "ticket").count(), 1);
    assert!(olena.ticket(ticket).is_some());
}

async fn a_character_the_database_cannot_hold_stops_nobody_else(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let nul = olena.comment(ticket, "a\0b", Some(&create));
    let fine = olena.comment(ticket, "Fine", Some(&create));
    let verdicts = olena.send(&[nul, fine]).await;
    assert_eq!(rejected(&verdicts[0]), code::INVALID);
    applied(&verdicts[1]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["Fine"]);
}

async fn words_for_a_merged_ticket_reach_the_one_that_goes_on(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (old, create) = olena.file("The lift").await;
    let (survivor, _) = olena.file("The lift, again").await;
    with_write::<_, ServiceError, _>(&server.ctx, move |tx, _| {
        Box::pin(async move {
            let mut ticket = ticket::lock(tx, old).await?.ok_or(ServiceError::NotFound("ticket"))?;
            ticket.merged_into = Some(survivor);
            Ok(ticket.save(tx).await?)
        })
    })
    .await
    .unwrap();
    let comment = olena.comment(old, "Written before the merge was known", Some(&create));
    let verdicts = olena.send(std::slice::from_ref(&comment)).await;
    assert!(matches!(verdicts[0], Verdict::Applied { merged_into: Some(into), .. } if into == survivor));
    assert_eq!(olena.send(&[comment]).await, verdicts);
    olena.build().await;
    assert!(olena.words(old).is_empty());
    assert_eq!(olena.words(survivor), ["Written before the merge was known"]);
    assert_eq!(olena.ticket(old).unwrap().merged_into, Some(survivor));
}
