//! Restores, resets and kept ops: what a person would have lost when a server or a cache comes back changed.

use pocketdesk_protocol::{
    ids::{EntityId, Epoch},
    sync::{BlockedOn, ResetReason},
};

use super::{begin, desk::Desk, in_step, is_applied};
use crate::{
    outbox::{OpState, OwnChange, testing::ticket},
    sync::{Answer, BuildFacts, BuildPhase, CacheStatus, Effect, Input, Now, QueuedOp, Signal, Start, State},
};

#[test]
fn a_restored_server_gets_the_lost_words_back_in_their_order() {
    let (mut phone, mut desk) = in_step();
    let backup = desk.clone();
    let first = phone.ops.comment("first");
    let first = phone.write(first, &mut desk);
    let second = phone.ops.comment("second");
    let second = phone.write(second, &mut desk);
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(second)));
    let old_file = phone.active.clone().unwrap();
    desk.restore(&backup);
    assert_eq!(desk.order.len(), 1);
    phone.signal(Signal::Foreground, &mut desk);
    phone.run(60_000, &mut desk);
    assert_eq!(&desk.order[1..], &[first, second]);
    assert_eq!(phone.epoch, Some(desk.epoch));
    for id in [first, second] {
        let OpState::Applied(applied) = &phone.op(id).state else { panic!("{:?}", phone.op(id)) };
        assert_eq!(applied.epoch, desk.epoch);
    }
    let file = phone.active.as_ref().unwrap();
    assert_ne!(file.facts().epoch, old_file.facts().epoch);
    assert_eq!(file.rows.len(), 3);
}

#[test]
fn an_answer_from_before_the_restore_that_arrives_after_it_says_nothing() {
    let (mut phone, mut desk) = in_step();
    let comment = phone.ops.comment("hello");
    phone.own.push(comment.clone());
    let queue: Vec<_> = phone.own.iter().filter_map(QueuedOp::of).collect();
    let now = Now { at: phone.now, random: 1 };
    let effects = phone.state.step(Input::Ops(queue), now);
    let Effect::Push { exchange, .. } = effects[0] else { panic!("{effects:?}") };
    phone.state.epoch = Some(Epoch(6));
    let verdict = pocketdesk_protocol::sync::Verdict::Applied {
        v: 9,
        number: None,
        ack: vec![],
        receipt: "old".into(),
        merged_into: None,
    };
    let answer = Answer {
        epoch: Epoch(5),
        server_time: 1,
        verdicts: vec![pocketdesk_protocol::sync::OpVerdict { op: comment.op, verdict }],
        page: true,
        complete: true,
        heads: vec![],
        reset: None,
        asked_at: 9,
    };
    let effects = phone.state.step(Input::Answered { exchange, answer }, now);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::ApplyPage(_))));
    assert!(!effects.iter().any(|effect| {
        matches!(effect, Effect::Record(changes)
            if changes.iter().any(|change| matches!(change, OwnChange::Applied { .. })))
    }));
    phone.state.epoch = phone.epoch;
    phone.crash(&mut desk);
    phone.run(60_000, &mut desk);
    assert!(is_applied(phone.op(comment.op)));
}

#[test]
fn ops_of_a_ticket_that_the_restored_server_lacks_wait_for_the_phone_that_filed_it() {
    let (mut phone, mut desk) = begin();
    desk.touch(ticket().into());
    phone.run(10_000, &mut desk);
    let comment = phone.ops.comment("from the second phone");
    let id = phone.write(comment, &mut desk);
    phone.run(10_000, &mut desk);
    desk.restore(&Desk::new(Epoch(0)));
    phone.signal(Signal::Foreground, &mut desk);
    phone.run(600_000, &mut desk);
    let op = phone.op(id);
    assert_eq!((op.is_live(), op.blocked), (true, Some(BlockedOn::Ticket)));
    assert!(!op.is_attention());
    desk.touch(ticket().into());
    phone.run(300_000, &mut desk);
    assert!(is_applied(phone.op(id)));
}

#[test]
fn an_operators_accident_sends_kept_words_again_and_raises_an_alarm() {
    for reason in [ResetReason::Tag, ResetReason::Ahead] {
        let (mut phone, mut desk) = in_step();
        let mut other = Desk::new(desk.epoch);
        other.reset = Some(reason);
        desk = other;
        phone.signal(Signal::SyncNow, &mut desk);
        phone.run(60_000, &mut desk);
        assert_eq!(phone.alarms, [reason]);
        assert_eq!(desk.order.len(), 1, "the ticket came back");
    }
    let (mut phone, mut desk) = in_step();
    desk.reset = Some(ResetReason::Horizon);
    let starts = phone.own[0].starts;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(60_000, &mut desk);
    assert!(phone.alarms.is_empty() && phone.own[0].starts == starts && phone.state.is_current());
}

#[test]
fn words_written_during_a_reset_go_at_once_and_no_page_is_asked_but_by_the_builder() {
    let (mut phone, mut desk) = in_step();
    for _ in 0..20 {
        let id = EntityId(phone.ops.id());
        desk.touch(id);
    }
    phone.delay_frames = 2_000;
    desk.reset = Some(ResetReason::Horizon);
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(3_000, &mut desk);
    assert!(phone.building.is_some() && phone.active.is_some(), "screens read the old file");
    let comment = phone.ops.comment("hello");
    let id = phone.write(comment, &mut desk);
    phone.run(1_000, &mut desk);
    assert!(is_applied(phone.op(id)), "no upload waits for a download");
    assert!(phone.building.is_some());
    phone.run(60_000, &mut desk);
    assert!(phone.building.is_none() && phone.state.is_current());
    assert_eq!(phone.active.as_ref().unwrap().rows.len(), 22);
}

#[test]
fn a_reset_cut_at_every_frame_ends_with_every_row_and_nothing_old() {
    for cut in 0..14 {
        let (mut phone, mut desk) = in_step();
        let gone = EntityId(phone.ops.id());
        desk.touch(gone);
        phone.signal(Signal::SyncNow, &mut desk);
        phone.run(5_000, &mut desk);
        assert!(phone.active.as_ref().unwrap().rows.contains_key(&gone));
        for _ in 0..20 {
            let id = EntityId(phone.ops.id());
            desk.touch(id);
        }
        desk.reset = Some(ResetReason::Horizon);
        phone.signal(Signal::SyncNow, &mut desk);
        phone.run(300 + 100 * cut, &mut desk);
        desk.delete(gone);
        let moved = *desk.rows.keys().next().unwrap();
        desk.touch(moved);
        phone.crash(&mut desk);
        phone.run(60_000, &mut desk);
        let expected: Vec<_> = desk.rows.iter().filter_map(|(id, v)| Some((*id, (*v)?))).collect();
        let rows: Vec<_> = phone.active.as_ref().unwrap().rows.clone().into_iter().collect();
        assert_eq!(rows, expected, "cut after {cut}");
    }
}

#[test]
fn scopes_that_change_while_frames_are_under_way_start_the_build_over() {
    let (mut phone, mut desk) = in_step();
    for _ in 0..20 {
        let id = EntityId(phone.ops.id());
        desk.touch(id);
    }
    desk.scopes_rev += 1;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(5_600, &mut desk);
    desk.scopes_rev += 1;
    phone.crash(&mut desk);
    phone.run(120_000, &mut desk);
    assert!(phone.state.is_current());
    let expected: Vec<_> = desk.rows.iter().filter_map(|(id, v)| Some((*id, (*v)?))).collect();
    assert_eq!(phone.active.as_ref().unwrap().rows.clone().into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_server_that_resets_for_ever_is_not_asked_for_ever() {
    let (mut phone, mut desk) = in_step();
    let before = desk.requests;
    desk.reset = Some(ResetReason::Other);
    phone.signal(Signal::SyncNow, &mut desk);
    for _ in 0..36_000 {
        desk.reset = Some(ResetReason::Other);
        phone.run(100, &mut desk);
    }
    let asked = desk.requests - before;
    assert!((20..100).contains(&asked), "{asked} requests in an hour");
}

#[test]
fn frames_of_other_scopes_are_not_laid_upon_those_of_the_first() {
    let mut state = State::default();
    let now = Now { at: 0, random: 1 };
    let facts = BuildFacts { active: false, stands_on: Some((Epoch(5), 1)), phase: BuildPhase::Frames };
    let start = Start { epoch: Some(Epoch(5)), cache: CacheStatus::Building(facts), ..Start::default() };
    let effects = state.step(Input::Started(start), now);
    let [Effect::Frames(exchange)] = effects[..] else { panic!("{effects:?}") };
    let began = |scopes_rev| Input::FramesBegan { exchange, epoch: Epoch(5), scopes_rev };
    assert_eq!(state.clone().step(began(1), now), [Effect::StoreFrames(exchange)]);
    let effects = state.step(began(2), now);
    assert!(matches!(
        &effects[..],
        [Effect::Cancel(_), Effect::NewBuild { active: false }, Effect::Frames(_)]
    ));
}

#[test]
fn a_damaged_cache_is_built_anew_and_no_word_goes_with_it() {
    let (mut phone, mut desk) = in_step();
    let comment = phone.ops.comment("hello");
    phone.road.lose_request = true;
    let id = phone.write(comment, &mut desk);
    phone.active = None;
    phone.step(Input::CacheDamaged, &mut desk);
    phone.road.lose_request = false;
    phone.run(120_000, &mut desk);
    assert!(is_applied(phone.op(id)) && phone.state.is_current());
    assert_eq!(phone.active.as_ref().unwrap().rows.len(), 2);
}

#[test]
fn a_kept_op_goes_only_by_the_servers_clock_and_once_the_cache_shows_its_words() {
    let (mut phone, mut desk) = in_step();
    phone.now += 10_000_000_000;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(10_000, &mut desk);
    assert_eq!(phone.own.len(), 1, "the phone's own clock drops nothing");
    desk.now += 900_000;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(10_000, &mut desk);
    assert_eq!(phone.own.len(), 1);
    desk.now += 5_000_000;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(10_000, &mut desk);
    assert!(phone.own.is_empty());
}

#[test]
fn a_kept_op_that_its_words_still_hang_on_outlives_its_window() {
    let (mut phone, mut desk) = in_step();
    phone.state.complete_asked_at = 0;
    phone.state.looked_for_kept = None;
    desk.now += 5_000_000;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(10_000, &mut desk);
    assert_eq!(
        phone.own.len(),
        1,
        "no complete page had come since its verdict when the window was looked at"
    );
    desk.now += 5_000_000;
    phone.signal(Signal::SyncNow, &mut desk);
    phone.run(10_000, &mut desk);
    assert!(phone.own.is_empty());
}

#[test]
fn a_comment_deleted_by_staff_before_it_was_seen_does_not_stay_on_screen() {
    let (mut phone, mut desk) = in_step();
    let comment = phone.ops.comment("hello");
    let entity = comment.entity;
    let id = phone.write(comment, &mut desk);
    desk.delete(entity);
    phone.run(60_000, &mut desk);
    let cache = phone.active.as_ref().unwrap().facts();
    assert!(
        crate::outbox::overlay::hides(phone.op(id), None, cache),
        "a page read after the verdict has come"
    );
}

#[test]
fn words_that_come_back_with_their_verdict_are_not_asked_for_again() {
    for (comments, requests) in [(1, 1), (3, 1), (4, 2)] {
        let (mut phone, mut desk) = in_step();
        let before = phone.state.next_exchange;
        phone.signal(Signal::Network { up: false, id: None }, &mut desk);
        for at in 0..comments {
            let comment = phone.ops.comment(&format!("hello {at}"));
            phone.write(comment, &mut desk);
        }
        phone.state.want_page = false;
        phone.signal(Signal::Network { up: true, id: None }, &mut desk);
        phone.run(10_000, &mut desk);
        let asked = phone.state.next_exchange - before;
        assert_eq!(asked, requests, "{comments} comments; a page of this desk holds three rows");
    }
}
