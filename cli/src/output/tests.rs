//! What people and machines read, from made-up tickets: every state there is, in all three languages.

use std::sync::Arc;

use expect_test::{Expect, expect};
use pocketdesk_domain::model::{
    AttachmentView, AttentionReason, CommentView, DeadlineView, Delivery, EventView, EventWhat, FileState,
    OutboxItem, PersonView, RatingView, Remedy, RequestView, RetryReason, TicketKey, TicketStatus,
    TicketSummary, TicketView, WaitsFor,
};
use pocketdesk_texts::{Device, Language};

use super::*;

/// 2026-03-10, noon.
const NOON: i64 = 1_773_136_800_000;
const HOUR: i64 = 3_600_000;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn output(language: Language) -> (Output, Sink) {
    let sink = Sink::default();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let now = || jiff::Timestamp::from_millisecond(NOON).unwrap();
    let out = Output {
        json: false,
        sink: Mutex::new(Box::new(sink.clone())),
        colour: false,
        columns: None,
        stays: true,
        watched: false,
        texts: Texts::new(language, Device::Computer),
        times: Times::new(zone, now),
    };
    (out, sink)
}

fn printed(sink: &Sink) -> String {
    String::from_utf8(sink.0.lock().unwrap().clone()).unwrap().replace('\u{a0}', " ")
}

fn attention() -> Delivery {
    Delivery::Attention {
        why: AttentionReason::Rejected {
            code: "reopen_window_passed".to_owned(),
            text_key: "rejected-reopen-window-passed".to_owned(),
            text: Some("the server's English".to_owned()),
            field: None,
        },
        remedies: vec![Remedy::FollowUp, Remedy::CopyText],
    }
}

fn person(name: &str, me: bool) -> PersonView {
    PersonView { name: name.to_owned(), me, staff: !me }
}

fn file(delivery: Option<Delivery>) -> AttachmentView {
    AttachmentView {
        id: "0195b0b0-0000-7000-8000-00000000000f".to_owned(),
        name: "till.png".to_owned(),
        size: 3_400_000,
        sha256: "00".to_owned(),
        on_phone: true,
        state: FileState::Pending,
        delivery,
    }
}

fn ticket() -> TicketView {
    TicketView {
        summary: TicketSummary {
            key: TicketKey { account: "a".to_owned(), id: "0195b0b0-0000-7000-8000-000000000001".to_owned() },
            number: Some("12".to_owned()),
            subject: "Till 2\u{1b}[2J does not see the scanner".to_owned(),
            status: TicketStatus::Solved,
            unread: 2,
            delivery: Some(Delivery::Registered { number: Some("12".to_owned()) }),
            pending: None,
            author: None,
            deadline: Some(NOON + 4 * HOUR),
            updated_at: NOON - HOUR,
        },
        description: "Since this morning.\nThe light is off.".to_owned(),
        attachments: vec![file(Some(Delivery::Sending { sent: 1_200_000, total: 3_400_000 }))],
        assignee: Some("Max".to_owned()),
        deadline: Some(DeadlineView {
            at: NOON + 4 * HOUR,
            moved_from: Some(NOON + 2 * HOUR),
            reason: Some("a part is late".to_owned()),
        }),
        participants: vec!["Taras".to_owned()],
        company: Some("Romashka".to_owned()),
        site: None,
        comments: vec![
            CommentView {
                id: "0195b0b0-0000-7000-8000-00000000000c".to_owned(),
                author: person("Max", false),
                text: "Is it plugged in?".to_owned(),
                attachments: vec![],
                at: NOON - 2 * HOUR,
                position: Some(3),
                delivery: None,
            },
            CommentView {
                id: "0195b0b0-0000-7000-8000-00000000000d".to_owned(),
                author: person("Olena", true),
                text: "Yes".to_owned(),
                attachments: vec![],
                at: NOON - 26 * HOUR,
                position: None,
                delivery: Some(Delivery::Saved { waits_for: WaitsFor::Network, since: NOON - 26 * HOUR }),
            },
        ],
        events: vec![EventView {
            by: person("Max", false),
            at: NOON - 3 * HOUR,
            position: 1,
            what: EventWhat::Deadline {
                from: Some(NOON + 2 * HOUR),
                to: Some(NOON + 4 * HOUR),
                reason: Some("a part is late".to_owned()),
            },
        }],
        requests: vec![RequestView {
            op: "0195b0b0-0000-7000-8000-0000000000aa".to_owned(),
            kind: "ticket.reopen".to_owned(),
            delivery: attention(),
        }],
        rating: Some(RatingView {
            value: 4,
            comment: None,
            delivery: Delivery::Retrying { why: RetryReason::Busy, next: NOON + HOUR },
        }),
        rating_max: 5,
        rating_asked: false,
        can_confirm: true,
        can_reopen: true,
        reopen_until: Some(NOON + 72 * HOUR),
        can_withdraw: false,
        created_at: NOON - 4 * HOUR,
    }
}

fn shown(language: Language, expected: &Expect) {
    let (out, sink) = output(language);
    let mut open = ticket();
    open.summary.status = TicketStatus::Open;
    out.ticket(&open, true).unwrap();
    expected.assert_eq(&printed(&sink));
}

#[test]
fn a_ticket_is_told_in_english() {
    shown(
        Language::En,
        &expect![[r#"
            №12 Till 2[2J does not see the scanner
            In progress · Max has it now · Romashka
            We answer by 16:00
            The time moved from 14:00 to 16:00: a part is late
            Also followed by Taras

            You 08:00
              Since this morning.
              The light is off.
              + till.png  3.4 MB  ↑ Sending: 1.2 of 3.4 MB

            — Max moved the time from 14:00 to 16:00: a part is late (09:00)

            Max 10:00
              Is it plugged in?

            You yesterday, 10:00
              Yes
              ○ Waits for a connection since yesterday, 10:00

            ! Not solved: Needs you: the time to reopen it has passed; file a follow-up, your words go with it
                File a follow-up · Copy the text:  pocketdesk outbox

            Is it fixed?  pocketdesk confirm 12
              pocketdesk reopen 12 --text …
            Your mark: 4 of 5  ↻ Did not go: the desk asked to come later. Again at 13:00
        "#]],
    );
}

#[test]
fn a_ticket_is_told_in_russian() {
    shown(
        Language::Ru,
        &expect![[r#"
            №12 Till 2[2J does not see the scanner
            В работе · Теперь занимается Max · Romashka
            Ответим до 16:00
            Срок переехал с 14:00 на 16:00: a part is late
            Ещё следят: Taras

            Вы 08:00
              Since this morning.
              The light is off.
              + till.png  3,4 МБ  ↑ Отправляется: 1,2 из 3,4 МБ

            — Max: срок переехал с 14:00 на 16:00: a part is late (09:00)

            Max 10:00
              Is it plugged in?

            Вы вчера, 10:00
              Yes
              ○ Ждёт связи со вчера, 10:00

            ! Не решено: Ждёт вас: срок, когда её можно вернуть в работу, прошёл; подайте новую в продолжение, слова перейдут в неё
                Подать заявку в продолжение · Скопировать текст:  pocketdesk outbox

            Вопрос решён?  pocketdesk confirm 12
              pocketdesk reopen 12 --text …
            Ваша оценка: 4 из 5  ↻ Не вышло: поддержка просит зайти позже. Повторим в 13:00
        "#]],
    );
}

#[test]
fn a_ticket_is_told_in_ukrainian() {
    shown(
        Language::Uk,
        &expect![[r#"
            №12 Till 2[2J does not see the scanner
            У роботі · Тепер займається Max · Romashka
            Відповімо до 16:00
            Термін перенесли з 14:00 на 16:00: a part is late
            Ще стежать: Taras

            Ви 08:00
              Since this morning.
              The light is off.
              + till.png  3,4 МБ  ↑ Надсилається: 1,2 з 3,4 МБ

            — Max: термін перенесено з 14:00 на 16:00: a part is late (09:00)

            Max 10:00
              Is it plugged in?

            Ви учора, 10:00
              Yes
              ○ Чекає на зв'язок від учора, 10:00

            ! Не вирішено: Чекає на вас: час, коли її можна повернути в роботу, минув; подайте нову на продовження, слова перейдуть до неї
                Подати заявку на продовження · Скопіювати текст:  pocketdesk outbox

            Питання вирішено?  pocketdesk confirm 12
              pocketdesk reopen 12 --text …
            Ваша оцінка: 4 з 5  ↻ Не вдалося: підтримка просить зайти пізніше. Повторимо о 13:00
        "#]],
    );
}

#[test]
fn every_state_of_a_persons_words_has_its_line() {
    let (out, sink) = output(Language::En);
    let waits = [
        WaitsFor::Network,
        WaitsFor::Wifi,
        WaitsFor::Lane,
        WaitsFor::Ticket,
        WaitsFor::SignIn,
        WaitsFor::NewerApp,
    ];
    let attention = |why| Delivery::Attention { why, remedies: vec![Remedy::CopyText] };
    let refused = |key: &str, words: Option<&str>| {
        attention(AttentionReason::Refused {
            code: "quota".to_owned(),
            text_key: key.to_owned(),
            words: words.map(str::to_owned),
        })
    };
    let mut states = vec![Delivery::Draft, Delivery::Sending { sent: 0, total: 0 }];
    states.extend(waits.map(|waits_for| Delivery::Saved { waits_for, since: NOON - HOUR }));
    for why in [RetryReason::Network, RetryReason::Busy, RetryReason::Server, RetryReason::WrongDate] {
        states.push(Delivery::Retrying { why, next: NOON + 24 * HOUR });
    }
    states.extend([
        Delivery::Delivered { at: NOON },
        Delivery::Registered { number: None },
        attention(AttentionReason::ServerCannotTakeIt),
        attention(AttentionReason::FileVanished { name: "till.png".to_owned() }),
        refused("", None),
        refused("refused-unheard-of", Some("No more than 3\na day")),
        // A key of another family is not the desk's to choose, whatever it holds.
        refused("delivery-attention", None),
        attention(AttentionReason::Rejected {
            code: "novel".to_owned(),
            text_key: "rejected-novel".to_owned(),
            text: Some("the site is closed today".to_owned()),
            field: None,
        }),
    ]);
    for state in &states {
        out.reached_line(state).unwrap();
    }
    expect![[r#"
        · Draft
        ↑ Sending
        ○ Saved on this computer. Waits for a connection since 11:00
        ○ Saved on this computer. Waits for Wi-Fi since 11:00
        ○ Saved on this computer. Waits for your step before it since 11:00
        ○ Saved on this computer. Waits for its ticket to arrive since 11:00
        ○ Saved on this computer. Waits for you to sign in since 11:00
        ○ Saved on this computer. Waits for a newer version of the app since 11:00
        ↻ Saved on this computer. Did not go: there is no connection. Again tomorrow at 12:00
        ↻ Saved on this computer. Did not go: the desk asked to come later. Again tomorrow at 12:00
        ↻ Saved on this computer. Did not go: the desk does not answer. Again tomorrow at 12:00
        ↻ Saved on this computer. Did not go: the date of this computer is wrong, please check it. Again tomorrow at 12:00
        ✓ Delivered at 12:00
        ✓✓ In the ticket
        ! Needs you: the desk did not take it after many tries. We keep trying every hour; copy the text to be safe
        ! Needs you: the file “till.png” is no longer on this computer
        ! Needs you: the desk refused it, reason “quota”; change the words or copy them
        ! Needs you: the desk refused it, reason “quota”; change the words or copy them (“No more than 3 a day”)
        ! Needs you: the desk refused it, reason “quota”; change the words or copy them
        ! Needs you: the site is closed today
    "#]].assert_eq(&printed(&sink));
}

#[test]
fn a_script_reads_the_same_names_for_ever() {
    let (out, sink) = output(Language::En);
    let view = ticket();
    out.object(&json::Summary::from(&view.summary)).unwrap();
    view.comments.iter().for_each(|comment| out.object(&json::Comment::from(comment)).unwrap());
    let op = |delivery: Delivery| OutboxItem {
        account: "a".to_owned(),
        op: "0195b0b0-0000-7000-8000-0000000000aa".to_owned(),
        kind: "ticket.reopen".to_owned(),
        ticket: Some(view.summary.key.id.clone()),
        subject: "S".to_owned(),
        text: "T".to_owned(),
        delivery,
        attempts: 2,
        next_attempt: Some(NOON),
        attachments: vec![],
    };
    out.object(&json::Op::from(&op(attention()))).unwrap();
    out.object(&json::Op::from(&op(Delivery::Retrying { why: RetryReason::Server, next: NOON }))).unwrap();
    out.object(&json::Op::from(&op(Delivery::Saved { waits_for: WaitsFor::SignIn, since: NOON }))).unwrap();
    expect![[r#"
        {"id":"0195b0b0-0000-7000-8000-000000000001","number":"12","subject":"Till 2\u001b[2J does not see the scanner","status":"solved","unread":2,"delivery":"registered"}
        {"id":"0195b0b0-0000-7000-8000-00000000000c","author":"Max","text":"Is it plugged in?","attachments":[],"delivery":null,"at":1773129600000,"mine":false,"staff":true}
        {"id":"0195b0b0-0000-7000-8000-00000000000d","author":"Olena","text":"Yes","attachments":[],"delivery":"saved","at":1773043200000,"mine":true,"staff":false}
        {"op":"0195b0b0-0000-7000-8000-0000000000aa","kind":"ticket.reopen","ticket":"0195b0b0-0000-7000-8000-000000000001","delivery":"attention","attempts":2,"next_attempt":1773136800000,"why":"reopen_window_passed","remedies":["follow_up","copy_text"]}
        {"op":"0195b0b0-0000-7000-8000-0000000000aa","kind":"ticket.reopen","ticket":"0195b0b0-0000-7000-8000-000000000001","delivery":"retrying","attempts":2,"next_attempt":1773136800000,"why":"server","remedies":[]}
        {"op":"0195b0b0-0000-7000-8000-0000000000aa","kind":"ticket.reopen","ticket":"0195b0b0-0000-7000-8000-000000000001","delivery":"saved","attempts":2,"next_attempt":1773136800000,"why":"sign_in","remedies":[]}
    "#]].assert_eq(&printed(&sink));
    // Objects of many names are compared as values: their order is nobody's business.
    let whole = serde_json::to_string_pretty(&sorted(json::ticket(&view))).unwrap();
    expect![[r#"
        {
          "account": "a",
          "assignee": "Max",
          "attachments": [
            {
              "delivery": "sending",
              "here": true,
              "id": "0195b0b0-0000-7000-8000-00000000000f",
              "name": "till.png",
              "sha256": "00",
              "size": 3400000,
              "state": "pending"
            }
          ],
          "author": null,
          "can_confirm": true,
          "can_reopen": true,
          "can_withdraw": false,
          "company": "Romashka",
          "created_at": 1773122400000,
          "deadline": {
            "at": 1773151200000,
            "moved_from": 1773144000000,
            "reason": "a part is late"
          },
          "delivery": "registered",
          "description": "Since this morning.\nThe light is off.",
          "events": [
            {
              "at": 1773126000000,
              "by": "Max",
              "from": 1773144000000,
              "position": 1,
              "reason": "a part is late",
              "to": 1773151200000,
              "what": "deadline"
            }
          ],
          "id": "0195b0b0-0000-7000-8000-000000000001",
          "number": "12",
          "participants": [
            "Taras"
          ],
          "rating": {
            "comment": null,
            "delivery": "retrying",
            "value": 4
          },
          "rating_asked": false,
          "rating_max": 5,
          "reopen_until": 1773396000000,
          "requests": [
            {
              "delivery": "attention",
              "kind": "ticket.reopen",
              "op": "0195b0b0-0000-7000-8000-0000000000aa"
            }
          ],
          "site": null,
          "status": "solved",
          "subject": "Till 2\u001b[2J does not see the scanner",
          "unread": 2,
          "updated_at": 1773133200000
        }"#]]
    .assert_eq(&whole);
}

/// With its keys in order, whatever features of serde_json the build has.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            entries.into_iter().map(|(key, value)| (key, sorted(value))).collect()
        }
        serde_json::Value::Array(values) => values.into_iter().map(sorted).collect(),
        value => value,
    }
}
