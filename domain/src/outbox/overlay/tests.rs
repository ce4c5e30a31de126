use std::collections::BTreeMap;

use pocketdesk_protocol::{
    op::Answers,
    rows::{CommentRow, DeskState, EventData, EventRow, RatingRow, ReadRow, Status},
    sync::{BlockedOn, code},
};

use super::*;
use crate::{
    model::{AttentionReason, Delivery, FileState, Remedy, TicketStatus, WaitsFor},
    outbox::{
        lane,
        testing::{self, EPOCH, LATER, ME, Ops, applied, rejected, ticket_row},
    },
};

struct Facts {
    ticket: Option<Row<TicketRow>>,
    comments: Vec<Row<CommentRow>>,
    events: Vec<Row<EventRow>>,
    attachments: Vec<Row<AttachmentRow>>,
    read: Option<Row<ReadRow>>,
    rating: Option<Row<RatingRow>>,
    ops: Vec<StoredOp>,
    files: BTreeMap<AttachmentId, FileFacts>,
    cache: CacheFacts,
}

impl Facts {
    fn new(ticket: Option<Row<TicketRow>>, ops: Vec<StoredOp>) -> Self {
        Self {
            ticket,
            comments: vec![],
            events: vec![],
            attachments: vec![],
            read: None,
            rating: None,
            ops,
            files: BTreeMap::new(),
            cache: CacheFacts { epoch: Some(EPOCH), complete_asked_at: 0 },
        }
    }

    fn facts(&self) -> TicketFacts<'_> {
        TicketFacts {
            ticket: self.ticket.as_ref(),
            comments: &self.comments,
            attachments: &self.attachments,
            events: &self.events,
            read: self.read.as_ref(),
            rating: self.rating.as_ref(),
            ops: &self.ops,
            files: &self.files,
            cache: self.cache,
            unread: 0,
        }
    }

    fn view(&self, account: &AccountFacts) -> crate::model::TicketView {
        ticket_view(testing::ticket(), &self.facts(), account).expect("it is shown")
    }
}

fn online() -> AccountFacts {
    AccountFacts {
        account: "home".into(),
        me: Some(ME),
        my_name: "Olena".into(),
        paused: None,
        online: true,
        files_wait_for_wifi: false,
        sending: vec![],
        now: 3_000_000,
    }
}

fn comment_row(op: &StoredOp, v: i64, text: &str) -> Row<CommentRow> {
    Row {
        id: op.entity,
        v,
        row: CommentRow {
            ticket: testing::ticket(),
            position: 4,
            author: testing::me(),
            text: text.into(),
            desk: DeskState::Registered { number: None },
            created_at: 1_700_000,
            extra: Default::default(),
        },
    }
}

fn saved(delivery: &Delivery) -> WaitsFor {
    match delivery {
        Delivery::Saved { waits_for, .. } => *waits_for,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comment_shows_until_the_cache_holds_it_and_never_twice() {
    let mut ops = Ops::default();
    let op = ops.comment("hello");
    let row = Some(ticket_row(Status::Open));
    let count = |facts: &Facts| facts.view(&online()).comments.len();
    let mut facts = Facts::new(row, vec![op.clone()]);
    assert_eq!(count(&facts), 1);
    facts.ops = vec![applied(&op, EPOCH, 7, 1)];
    assert_eq!(count(&facts), 1, "between own.db and the cache");
    facts.comments = vec![comment_row(&op, 7, "hello")];
    assert_eq!(count(&facts), 1);
    let view = facts.view(&online());
    assert_eq!(view.comments[0].position, Some(4));
    assert_eq!(view.comments[0].delivery, Some(Delivery::Registered { number: None }));
}

#[test]
fn a_cache_that_was_deleted_brings_delivered_words_back_on_screen() {
    let mut ops = Ops::default();
    let op = applied(&ops.create("Boiler", "It leaks"), EPOCH, 7, 3);
    assert!(hides(&op, Some(7), CacheFacts { epoch: Some(EPOCH), complete_asked_at: 0 }));
    let growing = CacheFacts { epoch: Some(EPOCH), complete_asked_at: 0 };
    assert!(!hides(&op, None, growing));
    let facts = Facts::new(None, vec![op]);
    assert_eq!(facts.view(&online()).description, "It leaks");
    assert!(!hides(&facts.ops[0], None, CacheFacts::default()));
}

#[test]
fn an_older_row_or_one_of_another_epoch_does_not_hide_newer_words() {
    let mut ops = Ops::default();
    let op = applied(&ops.comment("hello"), EPOCH, 7, 3);
    let cache = |epoch, complete_asked_at| CacheFacts { epoch: Some(epoch), complete_asked_at };
    assert!(!hides(&op, Some(6), cache(EPOCH, 0)));
    assert!(!hides(&op, Some(9), cache(LATER, 0)));
    assert!(hides(&op, Some(8), cache(EPOCH, 0)));
    assert!(!hides(&ops.comment("unsent"), Some(9), cache(EPOCH, 99)));
}

#[test]
fn a_comment_deleted_by_staff_goes_with_the_next_page_and_not_before() {
    let mut ops = Ops::default();
    let op = applied(&ops.comment("hello"), EPOCH, 7, 3);
    let asked_before = CacheFacts { epoch: Some(EPOCH), complete_asked_at: 2 };
    let asked_after = CacheFacts { epoch: Some(EPOCH), complete_asked_at: 3 };
    assert!(!hides(&op, None, asked_before));
    assert!(hides(&op, None, asked_after));
    let mut facts = Facts::new(Some(ticket_row(Status::Open)), vec![op]);
    facts.cache = asked_after;
    assert!(facts.view(&online()).comments.is_empty());
}

#[test]
fn an_op_saved_again_after_a_restore_is_shown_again() {
    let mut ops = Ops::default();
    let op = StoredOp { starts: 2, receipt: Some("proof".into()), ..ops.comment("hello") };
    assert!(is_shown(&op, Some(7), CacheFacts { epoch: Some(EPOCH), complete_asked_at: 9 }));
    assert_eq!(testing::wire(&op).receipt.as_deref(), Some("proof"));
}

#[test]
fn a_ticket_that_a_restored_server_lost_stays_open_while_words_for_it_wait() {
    let mut ops = Ops::default();
    let waiting = StoredOp { blocked: Some(BlockedOn::Ticket), ..ops.comment("hello") };
    let facts = Facts::new(None, vec![waiting.clone()]);
    let view = facts.view(&online());
    assert_eq!(view.comments.len(), 1);
    assert_eq!(saved(view.comments[0].delivery.as_ref().expect("it is mine")), WaitsFor::Ticket);
    assert_eq!((view.summary.delivery, view.can_withdraw), (None, false), "another phone filed it");
    assert_eq!((view.created_at, view.summary.updated_at), (waiting.made_at, waiting.made_at));
    assert!(inbox_key(&facts.facts(), &online()).is_some(), "it is in the list, too");
    let gone = |op: StoredOp| {
        ticket_view(testing::ticket(), &Facts::new(None, vec![op]).facts(), &online()).is_none()
    };
    assert!(gone(rejected(&waiting, code::TICKET_GONE, false)), "a refusal stands in the outbox");
    assert!(gone(ops.read(3, false)), "a mark says nothing");
}

#[test]
fn a_lane_behind_an_op_in_attention_says_so_even_without_a_connection() {
    let mut ops = Ops::default();
    let first = rejected(&ops.comment("first"), code::INVALID, true);
    let second = ops.comment("second");
    let file = ops.attach("photo.jpg");
    let mark = ops.read(3, false);
    let all = vec![first.clone(), second.clone(), file.clone(), mark.clone()];
    assert_eq!(lane::held(&second, &all), Some(lane::Held::LaneAttention(first.op)));
    assert_eq!((lane::held(&file, &all), lane::held(&mark, &all)), (None, None), "nothing else stops");
    let facts = Facts::new(Some(ticket_row(Status::Open)), all);
    for online in [true, false] {
        let account = AccountFacts { online, ..self::online() };
        assert_eq!(saved(&delivery_of_op(&second, &facts.facts(), &account)), WaitsFor::Lane);
        assert_eq!(saved(&delivery_of_op(&file, &facts.facts(), &account)), WaitsFor::Network);
    }
    assert!(matches!(facts.view(&online()).summary.pending, Some(Delivery::Attention { .. })));
}

#[test]
fn a_file_of_a_ticket_that_was_rejected_waits_for_its_ticket() {
    let mut ops = Ops::default();
    let create = rejected(&ops.create("Boiler", "x"), code::INVALID, true);
    let file = ops.attach("photo.jpg");
    let all = vec![create.clone(), file.clone()];
    assert_eq!(lane::held(&file, &all), Some(lane::Held::TicketAttention(create.op)));
    let facts = Facts::new(None, all);
    assert_eq!(saved(&delivery_of_op(&file, &facts.facts(), &online())), WaitsFor::Ticket);
}

#[test]
fn a_rejected_rating_does_not_hold_back_the_next_one() {
    let mut ops = Ops::default();
    let first = rejected(&ops.rate(2), code::INVALID, true);
    let second = ops.rate(4);
    let all = [first, second.clone()];
    assert_eq!(lane::held(&second, &all), None);
    assert_eq!(lane::prev_of(&second, &all), None, "a restored server may have lost the rejection");
}

#[test]
fn two_phones_of_one_person_name_only_their_own_earlier_ops() {
    let mut ops = Ops::default();
    let create = applied(&ops.create("Boiler", "x"), EPOCH, 1, 1);
    let first = applied(&ops.comment("one"), EPOCH, 2, 2);
    let second = ops.comment("two");
    let all = [second.clone(), create.clone(), first.clone()];
    assert_eq!(lane::prev_of(&first, &all), Some(create.op));
    assert_eq!(lane::prev_of(&second, &all), Some(first.op));
    assert_eq!(lane::prev_of(&create, &all), None);
    let without = [second.clone(), create.clone()];
    assert_eq!(lane::prev_of(&second, &without), Some(create.op), "an erased op is passed over");
}

#[test]
fn each_wait_has_its_true_reason() {
    let mut ops = Ops::default();
    let op = ops.comment("hello");
    let delivery = |op: &StoredOp, account: &AccountFacts| {
        let facts = Facts::new(Some(ticket_row(Status::Open)), vec![op.clone()]);
        delivery_of_op(op, &facts.facts(), account)
    };
    let offline = AccountFacts { online: false, ..online() };
    let signed_out = AccountFacts { paused: Some(PausedReason::SignedOut), ..online() };
    let old = AccountFacts { paused: Some(PausedReason::AppTooOld), ..online() };
    assert_eq!(saved(&delivery(&op, &offline)), WaitsFor::Network);
    assert_eq!(saved(&delivery(&op, &signed_out)), WaitsFor::SignIn);
    assert_eq!(saved(&delivery(&op, &old)), WaitsFor::NewerApp);
    let newer = StoredOp { kind: "comment.sing".into(), ..op.clone() };
    assert_eq!(saved(&delivery(&newer, &online())), WaitsFor::NewerApp);
    let blocked = StoredOp { blocked: Some(BlockedOn::Ticket), starts: 1, ..op.clone() };
    assert_eq!(saved(&delivery(&blocked, &online())), WaitsFor::Ticket);
    let failed = StoredOp { last_failure: Some(RetryReason::Server), starts: 1, ..op.clone() };
    assert!(matches!(delivery(&failed, &online()), Delivery::Retrying { why: RetryReason::Server, .. }));
    let sending = AccountFacts { sending: vec![op.op], ..online() };
    assert_eq!(delivery(&op, &sending), Delivery::Sending { sent: 0, total: 0 });
    let stuck = StoredOp { alone_failures: 5, starts: 8, ..op.clone() };
    let Delivery::Attention { why, remedies } = delivery(&stuck, &offline) else { panic!() };
    assert_eq!(why, AttentionReason::ServerCannotTakeIt);
    assert_eq!(remedies[0], Remedy::CopyText);
}

#[test]
fn a_refusal_by_the_desk_shows_with_the_words_and_its_remedies() {
    let mut ops = Ops::default();
    let mut row = ticket_row(Status::New);
    row.row.desk = testing::refused();
    let create = applied(&ops.create("Boiler", "It leaks!!"), EPOCH, 1, 1);
    let mut facts = Facts::new(Some(row), vec![create.clone()]);
    let view = facts.view(&online());
    let Some(Delivery::Attention { remedies, .. }) = view.summary.delivery else { panic!("{view:?}") };
    assert_eq!(remedies, [Remedy::Edit, Remedy::Retry, Remedy::Discard, Remedy::CopyText]);
    let item = refused_item(None, &facts.facts(), &online()).expect("the outbox says so too");
    assert_eq!(item.op, create.entity.to_string());
    let stamp = ops.stamp();
    let amend = crate::outbox::new_op::NewAmend {
        ticket: testing::ticket(),
        entity: create.entity,
        subject: None,
        text: Some("It leaks".into()),
    };
    let amend = ops.keep(amend.build(stamp, &Default::default()).unwrap());
    facts.ops.push(amend);
    let view = facts.view(&online());
    assert_eq!((view.description.as_str(), view.summary.subject.as_str()), ("It leaks", "Boiler"));
    assert_eq!(saved(&view.summary.delivery.unwrap()), WaitsFor::Network);
    assert_eq!(refused_item(None, &facts.facts(), &online()), None, "the amend is on its way");
}

#[test]
fn a_confirmed_ticket_is_closed_only_when_the_desk_says_so() {
    let mut ops = Ops::default();
    let mut facts = Facts::new(Some(ticket_row(Status::Solved)), vec![]);
    let view = facts.view(&online());
    assert!(view.can_confirm && view.can_reopen && !view.can_withdraw);
    facts.ops = vec![ops.confirm()];
    let view = facts.view(&online());
    assert_eq!(view.summary.status, TicketStatus::Solved);
    assert!(!view.can_confirm && !view.can_reopen);
    assert_eq!(view.requests.len(), 1);
    facts.ops = vec![applied(&facts.ops[0], EPOCH, 2, 1)];
    assert_eq!(facts.view(&online()).requests.len(), 1, "the row is not there yet");
    facts.ticket = Some(Row { v: 2, ..ticket_row(Status::Closed) });
    let view = facts.view(&online());
    assert_eq!((view.summary.status, view.requests.len()), (TicketStatus::Closed, 0));
}

#[test]
fn a_reopens_words_are_on_screen_until_the_desk_shows_them() {
    let mut ops = Ops::default();
    let op = ops.reopen("it leaks again");
    let mut facts = Facts::new(Some(ticket_row(Status::Solved)), vec![op.clone()]);
    assert_eq!(facts.view(&online()).comments[0].text, "it leaks again");
    facts.ops = vec![rejected(&op, code::MOVED_ON, false)];
    let view = facts.view(&online());
    assert!(matches!(view.comments[0].delivery, Some(Delivery::Attention { .. })));
    assert!(view.can_reopen, "a refused request does not take the button away");
}

#[test]
fn a_read_mark_of_an_older_epoch_hides_no_news() {
    let mut ops = Ops::default();
    let row = Row { id: testing::ticket().into(), v: 4, row: ReadRow { position: 2 } };
    let cache = CacheFacts { epoch: Some(EPOCH), complete_asked_at: 0 };
    let marks = [ops.read(5, false), ops.read(3, false)];
    assert_eq!(read_to(Some(&row), &marks, cache), 5);
    assert_eq!(read_to(Some(&row), &[], cache), 2);
    assert_eq!(read_to(None, &[], cache), -1);
    let restored = CacheFacts { epoch: Some(LATER), complete_asked_at: 0 };
    assert_eq!(read_to(Some(&row), &marks, restored), 2);
    let unmark = [ops.read(5, false), ops.read(1, true)];
    assert_eq!(read_to(Some(&row), &unmark, cache), 1);
    let refused = [rejected(&ops.read(9, false), code::LEFT, false)];
    assert_eq!(read_to(Some(&row), &refused, cache), 2);
}

#[test]
fn a_mark_given_offline_is_shown_and_not_asked_for_again() {
    let mut ops = Ops::default();
    let mut row = ticket_row(Status::Closed);
    row.row.rating_asked = Some(1);
    let mut facts = Facts::new(Some(row), vec![]);
    assert!(facts.view(&online()).rating_asked);
    facts.ops = vec![ops.rate(3), ops.rate(5)];
    let view = facts.view(&online());
    assert!(!view.rating_asked);
    assert_eq!(view.rating.map(|rating| rating.value), Some(5));
}

#[test]
fn files_say_where_their_bytes_are() {
    let mut ops = Ops::default();
    let file = ops.file("photo.jpg");
    let op = ops.comment_with("look", vec![file.clone()]);
    let mut facts = Facts::new(Some(ticket_row(Status::Open)), vec![applied(&op, EPOCH, 7, 1)]);
    let of = |facts: &Facts, account: &AccountFacts| facts.view(account).comments[0].attachments[0].clone();
    let gone = of(&facts, &online());
    assert!(matches!(
        gone.delivery,
        Some(Delivery::Attention { why: AttentionReason::FileVanished { .. }, .. })
    ));
    facts.files.insert(file.id, FileFacts { on_phone: true, ..FileFacts::default() });
    let wifi = AccountFacts { files_wait_for_wifi: true, ..online() };
    assert_eq!(saved(&of(&facts, &wifi).delivery.unwrap()), WaitsFor::Wifi);
    facts.files.insert(file.id, FileFacts { on_phone: true, sending: true, sent: 2, ..FileFacts::default() });
    assert_eq!(of(&facts, &online()).delivery, Some(Delivery::Sending { sent: 2, total: 4 }));
    facts.files.insert(file.id, FileFacts { complete_at: Some(9), ..FileFacts::default() });
    let there = of(&facts, &online());
    assert_eq!((there.state, there.on_phone), (FileState::Complete, false));
    assert_eq!(there.delivery, Some(Delivery::Delivered { at: 9 }));
}

#[test]
fn a_comment_of_a_ticket_that_left_is_not_a_ticket_but_stays_in_the_outbox() {
    let mut ops = Ops::default();
    let op = rejected(&ops.comment("still cold"), code::LEFT, false);
    let facts = Facts::new(None, vec![op.clone()]);
    assert_eq!(summary(testing::ticket(), &facts.facts(), &online()), None);
    let item = outbox_item(&op, &facts.facts(), &online());
    assert_eq!(item.text, "still cold");
    assert!(matches!(item.delivery, Delivery::Attention { .. }));
}

#[test]
fn the_inbox_shows_first_what_waits_for_the_person() {
    let mut ops = Ops::default();
    let key = |status, ops: Vec<StoredOp>, deadline| {
        let mut row = ticket_row(status);
        row.row.deadline = deadline;
        inbox_key(&Facts::new(Some(row), ops).facts(), &online()).unwrap()
    };
    let by = |at| Some(pocketdesk_protocol::rows::Deadline { at, moved_from: None, reason: None });
    let question = key(Status::WaitsForRequester, vec![], None);
    let solved = key(Status::Solved, vec![], None);
    let attention = key(Status::Open, vec![rejected(&ops.comment("x"), code::INVALID, true)], None);
    let unsent = key(Status::Open, vec![ops.comment("x")], None);
    let answered = key(Status::WaitsForRequester, vec![ops.comment("x")], None);
    let soon = key(Status::Open, vec![], by(1_700_000));
    let later = key(Status::Open, vec![], by(1_800_000));
    let never = key(Status::Open, vec![], None);
    let confirmed = key(Status::Solved, vec![applied(&ops.confirm(), EPOCH, 9, 1)], None);
    let closed = key(Status::Closed, vec![], None);
    for needs in [question, solved, attention] {
        assert_eq!(needs.group, InboxGroup::NeedsPerson as i64);
        assert!(needs < unsent);
    }
    assert_eq!(answered, unsent);
    assert!(unsent < soon && soon < later && later < never && never < confirmed);
    assert_eq!(confirmed, closed);
    let plain = inbox_key_of_row(&ticket_row(Status::Open).row, true, None);
    assert_eq!(plain, never, "what the store keeps beside a row is the same key");
}

#[test]
fn somebody_elses_ticket_has_an_author_and_no_delivery() {
    let mut row = ticket_row(Status::Open);
    row.row.author = testing::staff();
    let facts = Facts {
        events: vec![Row {
            id: testing::ticket().into(),
            v: 1,
            row: EventRow {
                ticket: testing::ticket(),
                position: 1,
                by: testing::staff(),
                at: 5,
                data: EventData::Created,
            },
        }],
        ..Facts::new(Some(row), vec![])
    };
    let view = facts.view(&online());
    assert_eq!((view.summary.author.as_deref(), view.summary.delivery), (Some("Max"), None));
    assert!(view.events[0].by.staff && !view.events[0].by.me && !view.can_withdraw);
}

#[test]
fn a_request_on_an_unsent_ticket_answers_its_create() {
    let mut ops = Ops::default();
    let create = ops.create("Boiler", "x");
    let all = [create.clone()];
    let unanswered = crate::outbox::plan::unanswered_request(&all);
    assert_eq!(unanswered, Some(create.op));
    let seen = crate::outbox::new_op::what_was_seen(Some(EPOCH), None, unanswered);
    assert_eq!(seen, Some(Answers::Op(create.op)));
}

#[test]
fn an_answer_does_not_overtake_the_rejected_words_it_follows() {
    let mut ops = Ops::default();
    let first = rejected(&ops.comment("first"), code::INVALID, true);
    let second = ops.comment("second");
    let all = [first.clone(), second.clone()];
    assert_eq!(lane::prev_of(&second, &all), Some(first.op), "the server holds it back too");
}
