//! Requests about status, ratings and read marks.

use pocketdesk_protocol::{
    ids::TicketId,
    op::{Answers, WireOp, kind},
    rows::{EventData, RatingRow, ReadRow, Status},
    sync::{Verdict, code},
};
use pocketdesk_server::{
    context::DAY_MS,
    staff,
    testing::{Setting, TestServer},
};

use super::support::{Phone, all_applied, applied, on_both_stores, rejected};

on_both_stores! { Setting::default();
    a_confirmation_closes_what_the_person_saw_solved,
    a_reopen_keeps_its_words,
    a_request_that_answers_old_news_does_nothing,
    a_chain_of_requests_made_offline_applies_as_it_was_meant,
    a_second_withdrawal_finds_its_wish_fulfilled,
    only_the_author_withdraws,
    a_reopen_made_in_time_counts_when_it_arrives_late,
    a_reopen_after_the_window_is_told_so,
    the_last_rating_to_arrive_wins_and_all_stay_in_history,
    a_rating_of_nothing_is_refused,
    read_marks_never_go_back_by_themselves,
    an_answer_of_the_requester_wakes_the_ticket,
}

async fn ask(phone: &mut Phone, what: &str, ticket: TicketId, text: Option<&str>) -> Verdict {
    phone.build().await;
    let position = phone.ticket(ticket).unwrap().status_event;
    let op = phone.status(what, ticket, Answers::Event { epoch: phone.epoch, position }, text, None);
    phone.send(&[op]).await.remove(0)
}

async fn status(phone: &mut Phone, ticket: TicketId) -> Status {
    phone.build().await;
    phone.ticket(ticket).unwrap().status
}

async fn a_confirmation_closes_what_the_person_saw_solved(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    assert_eq!(rejected(&ask(&mut olena, kind::TICKET_CONFIRM, ticket, None).await), code::NOT_SOLVED);
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    applied(&ask(&mut olena, kind::TICKET_CONFIRM, ticket, None).await);
    assert_eq!(status(&mut olena, ticket).await, Status::Closed);
    let row = olena.ticket(ticket).unwrap();
    assert_eq!((row.solve_round, row.reopen_until.is_some()), (1, true));
}

async fn a_reopen_keeps_its_words(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut second = Phone::another(&server.ctx, olena.session.person).await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    second.build().await;
    let seen = second.ticket(ticket).unwrap().status_event;
    assert_eq!(rejected(&ask(&mut olena, kind::TICKET_REOPEN, ticket, Some(" ")).await), code::INVALID);
    applied(&ask(&mut olena, kind::TICKET_REOPEN, ticket, Some("It stopped again")).await);
    // The second phone asked the same: the wish holds, and its words count all the same.
    let answers = Answers::Event { epoch: second.epoch, position: seen };
    let op = second.status(kind::TICKET_REOPEN, ticket, answers, Some("On floor two"), None);
    applied(&second.send(std::slice::from_ref(&op)).await[0]);
    applied(&second.send(&[op]).await[0]);
    assert_eq!(status(&mut olena, ticket).await, Status::Open);
    assert_eq!(olena.words(ticket), ["It stopped again", "On floor two"]);
    assert_eq!(olena.ticket(ticket).unwrap().reopen_until, None);
}

async fn a_request_that_answers_old_news_does_nothing(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    olena.build().await;
    let position = olena.ticket(ticket).unwrap().status_event;
    let old = Answers::Event { epoch: olena.epoch, position };
    applied(&ask(&mut olena, kind::TICKET_REOPEN, ticket, Some("No")).await);
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    let reopen = olena.status(kind::TICKET_REOPEN, ticket, old, Some("Not yet"), None);
    let confirm = olena.status(kind::TICKET_CONFIRM, ticket, old, None, None);
    let other_epoch = Answers::Event {
        epoch: pocketdesk_protocol::ids::Epoch(olena.epoch.0 - 1),
        position: olena.ticket(ticket).unwrap().status_event,
    };
    let from_before = olena.status(kind::TICKET_CONFIRM, ticket, other_epoch, None, None);
    for verdict in olena.send(&[reopen, confirm, from_before]).await {
        assert_eq!(rejected(&verdict), code::MOVED_ON);
    }
    assert_eq!(status(&mut olena, ticket).await, Status::Solved);
    assert_eq!(olena.ticket(ticket).unwrap().solve_round, 2);
    assert_eq!(olena.words(ticket), ["No"], "words of a rejected request stay with their person");
}

async fn a_chain_of_requests_made_offline_applies_as_it_was_meant(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    // Filed, then withdrawn, without a connection: the withdrawal answers the create.
    let create = olena.create("The lift");
    let ticket = TicketId::from(create.entity);
    let withdraw = olena.status(kind::TICKET_WITHDRAW, ticket, Answers::Op(create.op), None, Some(&create));
    // And reopened: it answers the withdrawal.
    let reopen = olena.status(
        kind::TICKET_REOPEN,
        ticket,
        Answers::Op(withdraw.op),
        Some("After all"),
        Some(&withdraw),
    );
    let ops: [WireOp; 3] = [create, withdraw, reopen];
    all_applied(&olena.send(&ops).await);
    assert_eq!(status(&mut olena, ticket).await, Status::Open);
    assert_eq!(olena.words(ticket), ["After all"]);
}

async fn a_second_withdrawal_finds_its_wish_fulfilled(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let answers = Answers::Event { epoch: olena.epoch, position: 0 };
    let first = olena.status(kind::TICKET_WITHDRAW, ticket, answers, None, None);
    let second = olena.status(kind::TICKET_WITHDRAW, ticket, answers, None, None);
    all_applied(&olena.send(&[first, second]).await);
    assert_eq!(rejected(&ask(&mut olena, kind::TICKET_WITHDRAW, ticket, None).await), code::ALREADY_CLOSED);
}

async fn only_the_author_withdraws(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let mut taras = Phone::of(&server.ctx, "Taras").await;
    staff::participants(&server.ctx, "Ira", ticket, &[taras.session.person], &[]).await.unwrap();
    assert_eq!(rejected(&ask(&mut taras, kind::TICKET_WITHDRAW, ticket, None).await), code::NO_RIGHT);
    assert_eq!(status(&mut taras, ticket).await, Status::New);
}

async fn a_reopen_made_in_time_counts_when_it_arrives_late(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    olena.build().await;
    let position = olena.ticket(ticket).unwrap().status_event;
    server.clock.advance(6 * DAY_MS);
    let answers = Answers::Event { epoch: olena.epoch, position };
    let mut op = olena.status(kind::TICKET_REOPEN, ticket, answers, Some("Again"), None);
    server.clock.advance(6 * DAY_MS);
    // Its age by the phone's steady clock counts, whatever its wall clock says.
    op.age_ms = Some(u64::try_from(6 * DAY_MS).unwrap());
    applied(&olena.send(&[op]).await[0]);
    assert_eq!(status(&mut olena, ticket).await, Status::Open);
}

async fn a_reopen_after_the_window_is_told_so(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    olena.build().await;
    let answers = Answers::Event { epoch: olena.epoch, position: olena.ticket(ticket).unwrap().status_event };
    // Made inside the window, but more than seven days late.
    let late = olena.status(kind::TICKET_REOPEN, ticket, answers, Some("Again"), None);
    server.clock.advance(15 * DAY_MS);
    let now = olena.status(kind::TICKET_REOPEN, ticket, answers, Some("Again"), None);
    for verdict in olena.send(&[late, now]).await {
        assert_eq!(rejected(&verdict), code::REOPEN_WINDOW_PASSED);
    }
}

async fn the_last_rating_to_arrive_wins_and_all_stay_in_history(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    let ops = [olena.rate(ticket, 1, 5), olena.rate(ticket, 1, 2)];
    let verdicts = olena.send(&ops).await;
    assert!(applied(&verdicts[1]) > applied(&verdicts[0]));
    olena.build().await;
    assert_eq!(olena.row::<RatingRow>("rating", ticket.into()).unwrap().value, 2);
    let events = staff::get(&server.ctx, ticket).await.unwrap().events;
    let rated: Vec<u32> = events
        .iter()
        .filter_map(|event| if let EventData::Rated { value, .. } = event.data { Some(value) } else { None })
        .collect();
    assert_eq!(rated, [5, 2]);
    // A later round is rated by itself, and its row is the one shown, whatever comes for the older one.
    staff::set_status(&server.ctx, "Ira", ticket, Status::Open).await.unwrap();
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    let ops = [olena.rate(ticket, 2, 4), olena.rate(ticket, 1, 1)];
    all_applied(&olena.send(&ops).await);
    olena.build().await;
    let row: RatingRow = olena.row("rating", ticket.into()).unwrap();
    assert_eq!((row.round, row.value), (2, 4));
}

async fn a_rating_of_nothing_is_refused(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    assert_eq!(rejected(&olena.send(&[olena.rate(ticket, 1, 5)]).await[0]), code::NOT_SOLVED);
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    let ops = [olena.rate(ticket, 1, 6), olena.rate(ticket, 1, 0), olena.rate(ticket, 2, 3)];
    let verdicts = olena.send(&ops).await;
    assert_eq!(rejected(&verdicts[0]), code::INVALID);
    assert_eq!(rejected(&verdicts[1]), code::INVALID);
    assert_eq!(rejected(&verdicts[2]), code::NOT_SOLVED);
    server.clock.advance(40 * DAY_MS);
    assert_eq!(rejected(&olena.send(&[olena.rate(ticket, 1, 5)]).await[0]), code::RATING_WINDOW_PASSED);
}

async fn read_marks_never_go_back_by_themselves(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comments: Vec<WireOp> =
        (0..4).map(|n| olena.comment(ticket, &format!("{n}"), Some(&create))).collect();
    olena.send(&comments).await;
    let ops = [
        olena.read(kind::READ_MARK, ticket, 3),
        // A second phone's older mark arrives late.
        olena.read(kind::READ_MARK, ticket, 1),
        // A position nobody gave yet would hide what is still to come.
        olena.read(kind::READ_MARK, ticket, 1_000),
    ];
    let verdicts = olena.send(&ops).await;
    assert_eq!(applied(&verdicts[0]), applied(&verdicts[1]), "without effect");
    olena.build().await;
    assert_eq!(olena.row::<ReadRow>("read", ticket.into()).unwrap().position, 4);
    let mut old = olena.read(kind::READ_UNMARK, ticket, 0);
    applied(&olena.send(std::slice::from_ref(&old)).await[0]);
    olena.build().await;
    assert_eq!(olena.row::<ReadRow>("read", ticket.into()).unwrap().position, 0);
    // A mark of another epoch names other events.
    olena.epoch.0 -= 1;
    old = olena.read(kind::READ_MARK, ticket, 4);
    olena.epoch.0 += 1;
    applied(&olena.send(&[old]).await[0]);
    olena.build().await;
    assert_eq!(olena.row::<ReadRow>("read", ticket.into()).unwrap().position, 0);
}

async fn an_answer_of_the_requester_wakes_the_ticket(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::WaitsForRequester).await.unwrap();
    applied(&olena.send(&[olena.comment(ticket, "Floor two", None)]).await[0]);
    assert_eq!(status(&mut olena, ticket).await, Status::Open);
}
