use pocketdesk_protocol::{op::kind, rows::Status, sync::code};

use super::*;
use crate::outbox::{
    InvalidReason, OutboxError,
    new_op::{NewRead, NewTicket},
    testing::{self, EPOCH, Ops, with_maker},
};

fn target<'a>(op: &'a StoredOp, ops: &'a [StoredOp]) -> Target<'a> {
    let cache = CacheFacts { epoch: Some(EPOCH), complete_asked_at: 0 };
    Target { op: Some(op), ops, ticket: None, comment: None, cache }
}

fn words(text: &str) -> Edit {
    Edit { text: Some(text.into()), ..Edit::default() }
}

fn sent(op: StoredOp) -> StoredOp {
    StoredOp { starts: 1, ..op }
}

fn drafts(plan: &Plan) -> Vec<&NewDraft> {
    let draft = |change: &'_ OwnChange| matches!(change, OwnChange::AddDraft(_));
    plan.changes
        .iter()
        .filter(|change| draft(change))
        .map(|change| match change {
            OwnChange::AddDraft(draft) => draft,
            _ => unreachable!(),
        })
        .collect()
}

fn replacement(plan: &Plan) -> (OpId, &StoredOp) {
    match plan.changes.iter().find(|change| matches!(change, OwnChange::ReplaceOp { .. })) {
        Some(OwnChange::ReplaceOp { old, new }) => (*old, new),
        _ => panic!("nothing is replaced in {plan:?}"),
    }
}

#[test]
fn words_that_never_left_the_phone_are_changed_in_their_place() {
    let mut ops = Ops::default();
    let comment = ops.comment("the boiler leeks");
    let plan = with_maker(&mut ops, |maker| {
        plan_edit(target(&comment, std::slice::from_ref(&comment)), &words("the boiler leaks"), maker)
    })
    .unwrap();
    let (old, new) = replacement(&plan);
    assert_eq!((old, new.op, new.entity, new.n), (comment.op, comment.op, comment.entity, comment.n));
    assert_eq!(new.payload().text(), "the boiler leaks");
    assert_ne!(new.sha256, comment.sha256);
    assert_eq!(plan.outcome, PlanOutcome::Changed);
}

#[test]
fn an_edit_while_the_answer_is_out_is_remembered_and_makes_no_second_comment() {
    let mut ops = Ops::default();
    let comment = sent(ops.comment("come at nine"));
    let plan = with_maker(&mut ops, |maker| {
        plan_edit(target(&comment, std::slice::from_ref(&comment)), &words("come at ten"), maker)
    })
    .unwrap();
    assert_eq!(plan.outcome, PlanOutcome::Remembered);
    assert_eq!(
        plan.changes,
        [OwnChange::SetWish { op: comment.op, wish: Some(Wish::Edit(words("come at ten"))) }]
    );
}

#[test]
fn a_second_wish_keeps_what_the_first_one_changed() {
    let mut ops = Ops::default();
    let create = sent(ops.create("Boiler", "leaks"));
    let first = Edit { subject: Some("Boiler in flat 4".into()), ..Edit::default() };
    let create = StoredOp { wish: Some(Wish::Edit(first)), ..create };
    let plan = with_maker(&mut ops, |maker| {
        plan_edit(target(&create, std::slice::from_ref(&create)), &words("leaks badly"), maker)
    })
    .unwrap();
    let OwnChange::SetWish { wish: Some(Wish::Edit(edit)), .. } = &plan.changes[0] else {
        panic!("{plan:?}")
    };
    assert_eq!(edit.subject.as_deref(), Some("Boiler in flat 4"));
    assert_eq!(edit.text.as_deref(), Some("leaks badly"));
}

#[test]
fn a_rejected_comment_keeps_its_place_before_the_ones_written_after_it() {
    let mut ops = Ops::default();
    let first = testing::rejected(&ops.comment("first"), code::INVALID, true);
    let second = ops.comment("second");
    let all = [first.clone(), second.clone()];
    let plan = with_maker(&mut ops, |maker| plan_edit(target(&first, &all), &words("first, mended"), maker))
        .unwrap();
    let (old, new) = replacement(&plan);
    assert_eq!((old, new.entity, new.n, new.supersedes), (first.op, first.entity, first.n, Some(first.op)));
    assert_ne!(new.op, first.op);
    assert_eq!((new.starts, new.is_live()), (0, true));
    let all = [new.clone(), second.clone()];
    assert_eq!(crate::outbox::lane::prev_of(&second, &all), Some(new.op));
}

#[test]
fn the_same_words_again_go_under_a_new_op_for_the_same_entity() {
    let mut ops = Ops::default();
    let op = testing::rejected(&ops.comment("hello"), code::DIGEST, false);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| plan_retry(target(&op, &all), None, maker)).unwrap();
    let (_, new) = replacement(&plan);
    assert_eq!((new.entity, new.payload().text()), (op.entity, "hello"));
    assert_ne!(new.op, op.op);
}

#[test]
fn a_request_made_again_answers_what_the_ticket_shows_now() {
    let mut ops = Ops::default();
    let confirm = testing::rejected(&ops.confirm(), code::MOVED_ON, false);
    let all = [confirm.clone()];
    let row = testing::ticket_row(Status::Solved);
    let seen = Answers::Event { epoch: EPOCH, position: 9 };
    let target = Target { ticket: Some(&row), ..target(&confirm, &all) };
    let plan = with_maker(&mut ops, |maker| plan_retry(target, Some(seen), maker)).unwrap();
    let Payload::Confirm(body) = replacement(&plan).1.payload() else { panic!("{plan:?}") };
    assert_eq!(body.answers, seen);
}

#[test]
fn discarding_a_rejected_ticket_leaves_every_word_in_a_draft_and_nothing_in_the_queue() {
    let mut ops = Ops::default();
    let create = testing::rejected(&ops.create("Boiler", "It leaks"), code::INVALID, true);
    let comment = sent(ops.comment("and it is loud"));
    let file = ops.attach("photo.jpg");
    let rate = ops.rate(4);
    let read = ops.read(3, false);
    let all = [create.clone(), comment.clone(), file.clone(), rate.clone(), read.clone()];
    let plan = with_maker(&mut ops, |maker| plan_discard(target(&create, &all), maker)).unwrap();
    let removed: Vec<_> = plan
        .changes
        .iter()
        .filter_map(|change| if let OwnChange::RemoveOp { op } = change { Some(*op) } else { None })
        .collect();
    assert_eq!(removed, all.iter().map(|op| op.op).collect::<Vec<_>>());
    let drafts = drafts(&plan);
    assert_eq!(drafts.len(), 3);
    assert_eq!((drafts[0].subject.as_str(), drafts[0].text.as_str()), ("Boiler", "It leaks"));
    assert_eq!((drafts[1].text.as_str(), drafts[1].ticket), ("and it is loud", Some(drafts[0].id.into())));
    assert_eq!(drafts[2].attachments, file.attachments);
    assert_ne!(drafts[0].id, create.entity, "a late double of the comment must find no ticket to fall into");
}

#[test]
fn an_op_of_a_newer_app_is_not_thrown_away_with_its_ticket() {
    let mut ops = Ops::default();
    let create = ops.create("Boiler", "It leaks");
    let newer = StoredOp { kind: "comment.sing".into(), ..ops.comment("la") };
    let all = [create.clone(), newer.clone()];
    let plan = with_maker(&mut ops, |maker| plan_discard(target(&create, &all), maker)).unwrap();
    assert!(!plan.changes.contains(&OwnChange::RemoveOp { op: newer.op }));
    let edit = with_maker(&mut ops, |maker| plan_edit(target(&newer, &all), &words("x"), maker));
    assert_eq!(edit, Err(OutboxError::NeedsNewerApp));
}

#[test]
fn what_the_desk_refused_is_amended_by_an_op_of_its_own_at_the_lanes_end() {
    let mut ops = Ops::default();
    let create = testing::applied(&ops.create("Boiler", "It leaks!!"), EPOCH, 1, 1);
    let all = [create.clone()];
    let mut row = testing::ticket_row(Status::New);
    row.row.desk = testing::refused();
    let target = Target { ticket: Some(&row), ..target(&create, &all) };
    let plan = with_maker(&mut ops, |maker| plan_edit(target, &words("It leaks"), maker)).unwrap();
    let [OwnChange::AddOp(new)] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!((new.kind.as_str(), new.entity), (kind::ENTITY_AMEND, create.entity));
    let Payload::Amend(body) = new.payload() else { panic!() };
    assert_eq!((body.subject.as_deref(), body.text.as_deref()), (Some("Boiler"), Some("It leaks")));
    let plan = with_maker(&mut ops, |maker| plan_discard(target, maker)).unwrap();
    let [OwnChange::AddOp(new)] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(new.kind, kind::ENTITY_WITHDRAW);
}

#[test]
fn a_second_edit_of_refused_words_changes_the_unsent_amend_instead_of_adding_another() {
    let mut ops = Ops::default();
    let create = testing::applied(&ops.create("Boiler", "It leaks!!"), EPOCH, 1, 1);
    let mut row = testing::ticket_row(Status::New);
    row.row.desk = testing::refused();
    let all = [create.clone()];
    let first = with_maker(&mut ops, |maker| {
        plan_edit(Target { ticket: Some(&row), ..target(&create, &all) }, &words("one"), maker)
    })
    .unwrap();
    let [OwnChange::AddOp(amend)] = first.changes.as_slice() else { panic!("{first:?}") };
    let all = [create.clone(), StoredOp { n: 9, ..*amend.clone() }];
    let second = with_maker(&mut ops, |maker| {
        plan_edit(Target { ticket: Some(&row), ..target(&create, &all) }, &words("two"), maker)
    })
    .unwrap();
    assert_eq!(replacement(&second).0, amend.op);
}

#[test]
fn delivered_words_stand() {
    let mut ops = Ops::default();
    let comment = testing::applied(&ops.comment("hello"), EPOCH, 1, 1);
    let all = [comment.clone()];
    let edit = with_maker(&mut ops, |maker| plan_edit(target(&comment, &all), &words("hallo"), maker));
    assert_eq!(edit, Err(OutboxError::Delivered));
    let discard = with_maker(&mut ops, |maker| plan_discard(target(&comment, &all), maker));
    assert_eq!(discard, Err(OutboxError::Delivered));
}

#[test]
fn a_wish_waits_for_its_answer_and_is_kept_when_the_answer_allows_it() {
    let mut ops = Ops::default();
    let op = StoredOp { wish: Some(Wish::Edit(words("mended"))), ..sent(ops.comment("broken")) };
    let all = [op.clone()];
    assert_eq!(with_maker(&mut ops, |maker| settle_wish(target(&op, &all), maker)), None);
    let op = testing::rejected(&op, code::INVALID, true);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| settle_wish(target(&op, &all), maker)).unwrap();
    let (old, new) = replacement(&plan);
    assert_eq!((old, new.payload().text(), &new.wish), (op.op, "mended", &None));
}

#[test]
fn new_words_for_what_was_delivered_meanwhile_become_a_draft_and_are_not_lost() {
    let mut ops = Ops::default();
    let op = StoredOp { wish: Some(Wish::Edit(words("come at ten"))), ..sent(ops.comment("come at nine")) };
    let op = testing::applied(&op, EPOCH, 1, 1);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| settle_wish(target(&op, &all), maker)).unwrap();
    let drafts = drafts(&plan);
    assert_eq!((drafts[0].text.as_str(), drafts[0].ticket), ("come at ten", op.ticket));
    assert_eq!(plan.changes[0], OwnChange::SetWish { op: op.op, wish: None });
}

#[test]
fn a_discard_that_came_too_late_changes_nothing_that_was_delivered() {
    let mut ops = Ops::default();
    let op = StoredOp { wish: Some(Wish::Discard), ..sent(ops.comment("hello")) };
    let op = testing::applied(&op, EPOCH, 1, 1);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| settle_wish(target(&op, &all), maker)).unwrap();
    assert_eq!(plan.changes, [OwnChange::SetWish { op: op.op, wish: None }]);
}

#[test]
fn a_wish_for_words_on_a_ticket_that_left_keeps_them() {
    let mut ops = Ops::default();
    let op = StoredOp { wish: Some(Wish::Edit(words("better"))), ..sent(ops.comment("good")) };
    let op = testing::rejected(&op, code::LEFT, false);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| settle_wish(target(&op, &all), maker)).unwrap();
    assert_eq!(drafts(&plan)[0].text, "better");
}

#[test]
fn words_of_a_ticket_that_is_gone_begin_a_new_one() {
    let mut ops = Ops::default();
    let op = testing::rejected(&ops.comment("still cold"), code::TICKET_GONE, false);
    let all = [op.clone()];
    let row = testing::ticket_row(Status::Open);
    let target = Target { ticket: Some(&row), ..target(&op, &all) };
    let plan = with_maker(&mut ops, |maker| plan_file_anew(target, maker)).unwrap();
    let drafts = drafts(&plan);
    assert_eq!((drafts[0].ticket, drafts[0].subject.as_str()), (None, "Boiler"));
    assert_eq!(drafts[0].text, "still cold");
}

#[test]
fn a_vanished_file_is_left_out_and_the_words_still_go() {
    let mut ops = Ops::default();
    let file = ops.file("photo.jpg");
    let op = ops.comment_with("look", vec![file.clone()]);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| plan_remove_file(target(&op, &all), file.id, maker)).unwrap();
    let (_, new) = replacement(&plan);
    assert_eq!((new.payload().text(), new.attachments.len()), ("look", 0));
    let op = sent(op);
    let all = [op.clone()];
    let plan = with_maker(&mut ops, |maker| plan_remove_file(target(&op, &all), file.id, maker)).unwrap();
    assert_eq!(plan.changes, [OwnChange::StopUpload { file: file.id }]);
}

#[test]
fn ten_read_marks_offline_are_one_op_and_an_unmark_is_not_swallowed() {
    let mut ops = Ops::default();
    let first = ops.read(3, false);
    let next = |ops: &mut Ops, position, unmark| {
        let stamp = ops.stamp();
        NewRead { ticket: testing::ticket(), position, epoch: EPOCH, unmark }.build(stamp)
    };
    let new = next(&mut ops, 5, false);
    let changes = with_maker(&mut ops, |maker| plan_read(std::slice::from_ref(&first), 3, new, maker));
    assert!(matches!(&changes[..], [OwnChange::ReplaceOp { old, .. }] if *old == first.op));
    let new = next(&mut ops, 2, false);
    assert_eq!(with_maker(&mut ops, |maker| plan_read(std::slice::from_ref(&first), 3, new, maker)), []);
    let unmark = ops.read(1, true);
    let new = next(&mut ops, 5, false);
    let changes = with_maker(&mut ops, |maker| plan_read(std::slice::from_ref(&unmark), 1, new, maker));
    assert!(matches!(&changes[..], [OwnChange::AddOp(_)]), "marks merge by max: the unmark has to go first");
    let under_way = sent(ops.read(3, false));
    let new = next(&mut ops, 5, false);
    let changes = with_maker(&mut ops, |maker| plan_read(std::slice::from_ref(&under_way), 3, new, maker));
    assert!(matches!(&changes[..], [OwnChange::AddOp(_)]));
}

#[test]
fn what_would_be_refused_by_the_desk_stays_in_the_draft() {
    let mut ops = Ops::default();
    let limits = Limits { text_bytes: 10, attachments: 1, attachment_bytes: 8 };
    let ticket = |subject: &str, description: &str| NewTicket {
        subject: subject.into(),
        description: description.into(),
        ..NewTicket::default()
    };
    let build = |ops: &mut Ops, new: NewTicket| new.build(ops.stamp(), testing::ticket(), &limits);
    let reason = |result: Result<NewOp, OutboxError>| match result {
        Err(OutboxError::Invalid { field, reason }) => (field, reason),
        other => panic!("{other:?}"),
    };
    let (field, why) = reason(build(&mut ops, ticket("  ", "x")));
    assert_eq!((field.as_str(), why), ("subject", InvalidReason::Empty));
    let (field, why) = reason(build(&mut ops, ticket("a\nb", "x")));
    assert_eq!((field.as_str(), why), ("subject", InvalidReason::NotOneLine));
    let (field, why) = reason(build(&mut ops, ticket(&"я".repeat(301), "x")));
    assert_eq!((field.as_str(), why), ("subject", InvalidReason::TooLong { limit: 300 }));
    build(&mut ops, ticket(&"я".repeat(300), "1234567890")).expect("a limit is inclusive");
    let (field, why) = reason(build(&mut ops, ticket("a", "12345678901")));
    assert_eq!((field.as_str(), why), ("text", InvalidReason::TooLong { limit: 10 }));
    let mut file = ops.file("a.jpg");
    file.size = 9;
    let large = NewTicket { attachments: vec![file], ..ticket("a", "") };
    assert!(matches!(build(&mut ops, large), Err(OutboxError::TooLarge { size: 9, limit: 8, .. })));
}

#[test]
fn a_full_outbox_refuses_words_but_never_a_cleared_badge() {
    use crate::outbox::new_op::{Waiting, check_room};
    let mut ops = Ops::default();
    let full = Waiting { ops: 10_000, bytes: 0 };
    let as_new = |op: StoredOp| NewOp {
        op: op.op,
        entity: op.entity,
        ticket: op.ticket,
        kind: op.kind,
        v: op.v,
        body: op.body,
        sha256: op.sha256,
        lane: op.lane,
        attachments: op.attachments,
        made_at: op.made_at,
    };
    let comment = as_new(ops.comment("one more"));
    assert_eq!(check_room(full, &comment), Err(OutboxError::Full { ops: 10_000, bytes: 0 }));
    check_room(Waiting { ops: 9_999, bytes: 0 }, &comment).unwrap();
    check_room(full, &as_new(ops.read(3, false))).unwrap();
    let file = as_new(ops.attach("photo.jpg"));
    let bytes = pocketdesk_protocol::limits::OUTBOX_BYTES - 4;
    check_room(Waiting { ops: 0, bytes }, &file).unwrap();
    assert!(check_room(Waiting { ops: 0, bytes: bytes + 1 }, &file).is_err());
}

#[test]
fn a_mistyped_address_is_mended_where_words_are_typed() {
    let mut ops = Ops::default();
    let invite = testing::rejected(&ops.invite("ira@exmaple.org"), code::UNKNOWN_PERSON, true);
    let all = [invite.clone()];
    let edit = words(" ira@example.org ");
    let plan = with_maker(&mut ops, |maker| plan_edit(target(&invite, &all), &edit, maker)).unwrap();
    let Payload::ParticipantAdd(body) = replacement(&plan).1.payload() else { panic!("another kind") };
    assert_eq!(body.email.as_deref(), Some("ira@example.org"));
    let wrong = with_maker(&mut ops, |maker| plan_edit(target(&invite, &all), &words("ira"), maker));
    assert_eq!(wrong, Err(OutboxError::invalid("email", InvalidReason::NotAnAddress)));
}
