//! The rules of 3-sync that are decisions of the machine, each named after what a person would have lost.

mod chance;
mod desk;
mod fake;
mod reset;

use desk::Desk;
use fake::Phone;
use pocketdesk_protocol::ids::Epoch;

use super::{Effect, Failure, Input, LiveInput, Now, RefreshOutcome, Signal, State};
use crate::{
    model::{PausedReason, SyncState},
    outbox::{OpState, OwnChange, StoredOp, Wish},
};

fn begin() -> (Phone, Desk) {
    let (mut phone, mut desk) = (Phone::new(1), Desk::new(Epoch(5)));
    phone.start(&mut desk);
    (phone, desk)
}

/// A phone that is in step with its desk, with one ticket applied.
fn in_step() -> (Phone, Desk) {
    let (mut phone, mut desk) = begin();
    let create = phone.ops.create("Boiler", "It leaks");
    phone.write(create, &mut desk);
    phone.run(60_000, &mut desk);
    assert!(phone.own.iter().all(|op| matches!(op.state, OpState::Applied(_))));
    assert!(phone.state.is_settled(phone.now) && phone.state.is_current());
    (phone, desk)
}

fn is_applied(op: &StoredOp) -> bool {
    matches!(op.state, OpState::Applied(_))
}

#[test]
fn a_ticket_filed_before_the_first_sync_reaches_the_desk_while_the_cache_is_built() {
    let (phone, desk) = in_step();
    assert_eq!(desk.order.len(), 1);
    let file = phone.active.as_ref().expect("the built file is active");
    assert_eq!(file.rows.len(), 1);
}

#[test]
fn an_answer_lost_on_the_way_makes_no_second_comment() {
    let (mut phone, mut desk) = in_step();
    phone.road.lose_answer = true;
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(10_000, &mut desk);
    assert_eq!(desk.order.len(), 2, "it arrived; only the answer was lost");
    phone.road.lose_answer = false;
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(id)));
    assert_eq!(desk.order.len(), 2);
    assert!(phone.op(id).starts >= 2);
}

#[test]
fn starts_are_counted_before_the_first_byte_goes_out() {
    let (mut phone, mut desk) = in_step();
    let comment = phone.ops.comment("hello");
    phone.own.push(comment.clone());
    let queue = phone.own.iter().filter_map(super::QueuedOp::of).collect();
    let effects = phone.state.step(Input::Ops(queue), Now { at: phone.now, random: 7 });
    assert!(matches!(&effects[0], Effect::Push { ops, .. } if ops == &[comment.op]));
    phone.apply(OwnChange::CountStarts { ops: vec![comment.op] });
    phone.crash(&mut desk);
    phone.run(60_000, &mut desk);
    assert_eq!(phone.op(comment.op).starts, 2);
}

#[test]
fn one_poisonous_op_does_not_hold_back_forty_good_ones() {
    let (mut phone, mut desk) = in_step();
    phone.signal(Signal::Network { up: false, id: None }, &mut desk);
    let mut ids = Vec::new();
    for n in 0..40 {
        let op = phone.ops.attach(&format!("photo {n}.jpg"));
        ids.push(phone.write(op, &mut desk));
    }
    desk.poison.insert(ids[17]);
    phone.signal(Signal::Network { up: true, id: None }, &mut desk);
    phone.run(60_000, &mut desk);
    for (n, id) in ids.iter().enumerate().filter(|(n, _)| *n != 17) {
        assert!(is_applied(phone.op(*id)), "op {n}");
    }
    let poison = phone.op(ids[17]);
    assert!(poison.is_stuck(), "within a minute the person knows: {poison:?}");
    assert!(desk.pushes.iter().any(|ops| ops.len() == 20), "a batch that failed twice goes in halves");
    let before = desk.requests;
    phone.run(7_300_000, &mut desk);
    let alone = desk.pushes.iter().filter(|ops| ops == &&[ids[17]]).count();
    assert!(alone >= 7, "still tried hourly");
    assert!(desk.requests - before < 20, "and not more often");
    desk.poison.clear();
    phone.run(3_700_000, &mut desk);
    assert!(is_applied(phone.op(ids[17])));
}

#[test]
fn a_server_that_fails_for_all_makes_no_op_a_matter_of_attention() {
    let (mut phone, mut desk) = in_step();
    desk.failing = Some(Failure::Server);
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(3_600_000, &mut desk);
    assert!(!phone.op(id).is_attention());
    assert!(desk.requests < 60, "{} requests in an hour without a server", desk.requests);
    desk.failing = None;
    phone.run(330_000, &mut desk);
    assert!(is_applied(phone.op(id)), "a silent recovery is noticed within 330 s");
}

#[test]
fn a_captive_portal_is_a_network_and_not_a_verdict() {
    let (mut phone, mut desk) = in_step();
    desk.failing = Some(Failure::NotOurs);
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(600_000, &mut desk);
    assert!(phone.op(id).is_live() && !phone.op(id).is_attention());
    assert_eq!(phone.refreshes, 0);
    desk.failing = None;
    phone.signal(Signal::Network { up: true, id: Some("home".into()) }, &mut desk);
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(id)));
}

#[test]
fn what_concerns_the_session_never_touches_an_op() {
    for failure in
        [Failure::Unauthorized, Failure::Forbidden, Failure::TooOld, Failure::Busy { after_ms: Some(5_000) }]
    {
        let (mut phone, mut desk) = in_step();
        desk.failing = Some(failure);
        let comment = phone.ops.comment("hello");
        let id = phone.write(comment, &mut desk);
        phone.run(20_000, &mut desk);
        let op = phone.op(id);
        assert_eq!(op.alone_failures, 0);
        assert!(!op.is_attention(), "{failure:?}");
    }
}

#[test]
fn a_token_that_ran_out_is_refreshed_once_and_the_words_go() {
    let (mut phone, mut desk) = in_step();
    desk.failing = Some(Failure::Unauthorized);
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(5_000, &mut desk);
    assert!(is_applied(phone.op(id)));
    assert_eq!(phone.refreshes, 1);
}

#[test]
fn only_a_revoked_session_pauses_and_a_flaky_refresh_does_not() {
    let (mut phone, _) = in_step();
    let now = Now { at: phone.now, random: 1 };
    let comment = phone.ops.comment("hello");
    phone.own.push(comment);
    let queue: Vec<_> = phone.own.iter().filter_map(super::QueuedOp::of).collect();
    let effects = phone.state.step(Input::Ops(queue), now);
    let Effect::Push { exchange, .. } = &effects[0] else { panic!("{effects:?}") };
    let failed = Input::Failed { exchange: *exchange, failure: Failure::Unauthorized };
    assert!(phone.state.step(failed, now).contains(&Effect::Refresh));
    assert!(
        phone.state.step(Input::Timer, now).is_empty(),
        "nothing goes while the token is being refreshed"
    );
    let mut flaky = phone.state.clone();
    flaky.step(Input::Refreshed(RefreshOutcome::Transient(Failure::Unreachable)), now);
    assert!(matches!(flaky.sync_state(now.at), SyncState::Waiting { .. }));
    let effects = phone.state.step(Input::Refreshed(RefreshOutcome::Revoked), now);
    assert!(effects.contains(&Effect::Paused(Some(PausedReason::SignedOut))));
    assert!(phone.state.step(Input::Signal(Signal::SyncNow), now).is_empty());
    let again = phone.state.step(Input::Session(None), now);
    assert!(again.iter().any(|effect| matches!(effect, Effect::Push { .. })), "a sign-in sends what waited");
}

#[test]
fn what_the_server_asked_for_is_a_floor_that_no_signal_shortens() {
    let (mut phone, mut desk) = in_step();
    desk.failing = Some(Failure::Busy { after_ms: Some(120_000) });
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(1_000, &mut desk);
    desk.failing = None;
    let before = desk.requests;
    for _ in 0..50 {
        phone.signal(Signal::Foreground, &mut desk);
        phone.signal(Signal::SyncNow, &mut desk);
        phone.run(1_000, &mut desk);
    }
    assert_eq!(desk.requests, before);
    phone.run(80_000, &mut desk);
    assert!(is_applied(phone.op(id)));
}

#[test]
fn flight_mode_is_obeyed_and_the_end_of_it_noticed() {
    let (mut phone, mut desk) = in_step();
    phone.signal(Signal::Network { up: false, id: None }, &mut desk);
    let before = desk.requests;
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(3_600_000, &mut desk);
    assert_eq!(desk.requests, before);
    assert_eq!(phone.state.sync_state(phone.now), SyncState::Offline);
    phone.signal(Signal::Network { up: true, id: None }, &mut desk);
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(id)));
}

#[test]
fn a_clock_set_back_by_years_leaves_no_op_waiting_for_years() {
    let (mut phone, mut desk) = in_step();
    desk.failing = Some(Failure::Unreachable);
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(100_000, &mut desk);
    desk.failing = None;
    phone.now -= 100_000_000_000;
    phone.step(Input::ClockJumped, &mut desk);
    assert!(phone.op(id).wake.due <= phone.now + super::CAP_MS);
    phone.run(301_000, &mut desk);
    assert!(is_applied(phone.op(id)));
    let comment = phone.ops.comment("again");
    let id = phone.write(comment, &mut desk);
    phone.now -= 100_000_000_000;
    phone.crash(&mut desk);
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(id)), "a start clamps too");
}

#[test]
fn a_comment_behind_a_rejected_one_waits_and_goes_when_that_is_mended() {
    let (mut phone, mut desk) = in_step();
    let first = phone.ops.comment("first");
    desk.refuses.insert(first.op);
    let first = phone.write(first, &mut desk);
    let second = phone.ops.comment("second");
    let second = phone.write(second, &mut desk);
    let mark = phone.ops.read(3, false);
    let mark = phone.write(mark, &mut desk);
    phone.run(60_000, &mut desk);
    assert!(phone.op(first).is_attention());
    assert!(phone.op(second).is_live() && is_applied(phone.op(mark)), "only the lane stops");
    let before = desk.requests;
    phone.run(600_000, &mut desk);
    assert!(desk.requests - before < 5, "and it is not asked for again and again");
    phone.apply(OwnChange::RemoveOp { op: first });
    let queue = phone.own.iter().filter_map(super::QueuedOp::of).collect();
    phone.step(Input::Ops(queue), &mut desk);
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(second)));
}

#[test]
fn a_wish_made_while_the_answer_was_out_is_asked_again_with_it() {
    let (mut phone, mut desk) = in_step();
    let op = phone.ops.comment("broken");
    desk.refuses.insert(op.op);
    phone.road.lose_answer = true;
    let id = phone.write(op, &mut desk);
    phone.run(1_000, &mut desk);
    let edit = crate::outbox::Edit { text: Some("mended".into()), ..Default::default() };
    phone.apply(OwnChange::SetWish { op: id, wish: Some(Wish::Edit(edit)) });
    let queue = phone.own.iter().filter_map(super::QueuedOp::of).collect();
    phone.step(Input::Ops(queue), &mut desk);
    phone.road.lose_answer = false;
    phone.run(90_000, &mut desk);
    let mended = phone.own.iter().find(|op| op.supersedes == Some(id)).expect("the wish was kept");
    assert!(is_applied(mended));
    assert_eq!(mended.payload().text(), "mended");
}

#[test]
fn a_wish_whose_verdict_was_stored_just_before_a_crash_is_still_asked() {
    let (mut phone, mut desk) = in_step();
    let op = phone.ops.comment("broken");
    let edit = crate::outbox::Edit { text: Some("mended".into()), ..Default::default() };
    let op = crate::outbox::testing::rejected(&op, "invalid", true);
    let op = StoredOp { wish: Some(Wish::Edit(edit)), ..op };
    let id = op.op;
    phone.own.push(op);
    phone.crash(&mut desk);
    phone.run(60_000, &mut desk);
    assert!(phone.own.iter().any(|op| op.supersedes == Some(id) && is_applied(op)));
}

#[test]
fn a_server_that_refuses_a_fresh_token_does_not_make_the_phone_refresh_in_a_loop() {
    let (mut phone, _) = in_step();
    let now = Now { at: phone.now, random: 1 };
    let refused = |effects: &[Effect]| {
        let exchange = effects.iter().find_map(|effect| match effect {
            Effect::Pull { exchange, .. } => Some(*exchange),
            _ => None,
        });
        Input::Failed { exchange: exchange.expect("a pull"), failure: Failure::Unauthorized }
    };
    let effects = phone.state.step(Input::Signal(Signal::SyncNow), now);
    assert_eq!(phone.state.step(refused(&effects), now), [Effect::Refresh]);
    let effects = phone.state.step(Input::Refreshed(RefreshOutcome::Ok), now);
    let effects = phone.state.step(refused(&effects), now);
    assert!(!effects.contains(&Effect::Refresh), "{effects:?}");
    assert!(matches!(phone.state.sync_state(now.at), SyncState::Waiting { .. }));
}

#[test]
fn ten_hints_during_one_pull_are_one_more_pull() {
    let (mut phone, mut desk) = in_step();
    phone.signal(Signal::Foreground, &mut desk);
    phone.run(5_000, &mut desk);
    let hello = LiveInput::Hello { epoch: desk.epoch, scopes_rev: 1, heads: vec![] };
    phone.step(Input::Live(hello), &mut desk);
    let before = desk.requests;
    let scope = pocketdesk_protocol::ids::Scope::Desk;
    for head in 1..=10 {
        phone.step(Input::Live(LiveInput::Moved { scope, head, scopes_rev: 1 }), &mut desk);
    }
    phone.run(10_000, &mut desk);
    assert_eq!(desk.requests - before, 2);
    phone.step(Input::Live(LiveInput::Moved { scope, head: 10, scopes_rev: 2 }), &mut desk);
    phone.run(1_000, &mut desk);
    assert_eq!(desk.requests - before, 3, "other scopes are news even where no journal moved");
}

#[test]
fn a_network_that_buffers_streams_is_polled_and_words_do_not_wait_for_the_poll() {
    let mut state = State::default();
    let now = |at| Now { at, random: 1 };
    state.step(Input::Signal(Signal::Network { up: true, id: Some("office".into()) }), now(0));
    state.step(Input::Signal(Signal::Foreground), now(0));
    let start =
        super::Start { epoch: Some(Epoch(5)), cache: super::CacheStatus::Whole, ..super::Start::default() };
    let effects = state.step(Input::Started(start), now(0));
    assert!(effects.contains(&Effect::OpenLive));
    let answer = |asked_at| super::Answer {
        epoch: Epoch(5),
        server_time: 1,
        verdicts: vec![],
        page: true,
        complete: true,
        heads: vec![],
        reset: None,
        asked_at,
    };
    let pull = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Pull { exchange, wait_s, .. } => Some((*exchange, *wait_s)),
            _ => None,
        })
    };
    let (exchange, wait_s) = pull(&effects).unwrap();
    assert_eq!(wait_s, 0);
    state.step(Input::Live(LiveInput::Silent), now(5_000));
    let effects = state.step(Input::Answered { exchange, answer: answer(0) }, now(5_100));
    let (exchange, _) = pull(&effects).expect("what the dead stream did not say");
    let effects = state.step(Input::Answered { exchange, answer: answer(0) }, now(5_200));
    let (poll, wait_s) = pull(&effects).unwrap();
    assert_eq!(wait_s, 50);
    assert!(state.is_settled(5_200));
    let op = crate::outbox::testing::Ops::default().comment("hello");
    let effects = state.step(Input::Ops(vec![super::QueuedOp::of(&op).unwrap()]), now(op.made_at));
    assert_eq!(effects[0], Effect::Cancel(poll));
    assert!(matches!(effects[1], Effect::Push { .. }));
}

#[test]
fn a_network_that_cuts_every_stream_is_polled_until_there_is_another() {
    let mut state = State::default();
    let now = |at| Now { at, random: 1 };
    let network = |id: &str| Input::Signal(Signal::Network { up: true, id: Some(id.into()) });
    state.step(network("office"), now(0));
    state.step(Input::Signal(Signal::Foreground), now(0));
    let start =
        super::Start { epoch: Some(Epoch(5)), cache: super::CacheStatus::Whole, ..super::Start::default() };
    let mut effects = state.step(Input::Started(start), now(0));
    let mut at = 0;
    for _ in 0..3 {
        assert!(effects.contains(&Effect::OpenLive), "one cut, or two, may be chance");
        let hello = LiveInput::Hello { epoch: Epoch(5), scopes_rev: 1, heads: vec![] };
        state.step(Input::Live(hello), now(at));
        state.step(Input::Live(LiveInput::Cut), now(at + 5_000));
        at += 305_000;
        effects = state.step(Input::Timer, now(at));
    }
    assert!(!effects.contains(&Effect::OpenLive), "news would wait for the next try, minutes away");
    assert!(state.step(network("home"), now(at)).contains(&Effect::OpenLive));
}

#[test]
fn a_batch_keeps_to_the_requests_limits_and_to_the_order_of_lanes() {
    let (mut phone, mut desk) = in_step();
    phone.signal(Signal::Network { up: false, id: None }, &mut desk);
    let mut ids = Vec::new();
    for n in 0..30 {
        let op = phone.ops.comment(&format!("{n}{}", "\"".repeat(60_000)));
        ids.push(phone.write(op, &mut desk));
    }
    desk.pushes.clear();
    phone.signal(Signal::Network { up: true, id: None }, &mut desk);
    phone.run(60_000, &mut desk);
    assert_eq!(&desk.order[1..], &ids[..]);
    assert!(
        desk.pushes.len() >= 4 && desk.pushes.iter().all(|ops| ops.len() <= 8),
        "{:?}",
        desk.pushes.len()
    );
}

#[test]
fn an_op_of_a_newer_app_is_kept_and_not_sent() {
    let (mut phone, mut desk) = in_step();
    let op = StoredOp { kind: "comment.sing".into(), ..phone.ops.comment("la") };
    let id = phone.write(op, &mut desk);
    phone.run(600_000, &mut desk);
    assert_eq!((phone.op(id).starts, phone.op(id).is_live()), (0, true));
}
