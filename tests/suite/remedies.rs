//! Every remedy of 3-sync rule 5: for what was never sent, for what was rejected, for what the desk refused, and for
//! what is still on its way.

use std::time::Duration;

use http::Method;
use pocketdesk_ffi::{DeskError, model::*};
use pocketdesk_server::desk::Handed;
use pocketdesk_tests::{
    desk::{Desk, refused},
    net::Fate,
    phone::{Phone, Switch, comment, registered, remedies, said, with_the_desk},
};

const LONG: &str = "a story that is much longer than this desk takes since its operator thought again";

async fn with_a_ticket(desk: &Desk) -> (Phone, TicketKey) {
    let olena = Phone::new("Olena", desk).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let key = olena.file("The pump", "It drips.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    (olena, key)
}

fn words(text: &str) -> NewWords {
    NewWords { text: Some(text.into()), ..NewWords::default() }
}

/// Waits until something in the outbox needs the person; answers it.
async fn needing_her(phone: &Phone, text: &str) -> OutboxItem {
    let of_text = |item: &&OutboxItem| item.text == text && !remedies(Some(&item.delivery)).is_empty();
    let items = phone.outbox("what needs her", |items| items.iter().any(|item| of_text(&item))).await;
    items.iter().find(of_text).expect("it was just there").clone()
}

fn code(item: &OutboxItem) -> &str {
    match &item.delivery {
        Delivery::Attention { why: AttentionReason::Rejected { code, .. }, .. } => code,
        other => panic!("{:?} should be rejected, not {other:?}", item.text),
    }
}

fn texts_of(ticket: &serde_json::Value) -> Vec<&str> {
    let comments = ticket["comments"].as_array().expect("a ticket has comments");
    comments.iter().map(|comment| comment["text"].as_str().expect("a comment has words")).collect()
}

#[tokio::test]
async fn what_was_never_sent_is_changed_and_let_go_here() {
    let desk = Desk::open("Unsent words").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    let typo = olena.reply(&key, "it dirps").await;
    let other = olena.reply(&key, "never mind").await;

    desk.teller.section("edited: the same comment, other words");
    let mended = olena.app.edit(None, typo.op.clone(), words("it drips")).await.expect("it is changed");
    assert!(matches!(mended, Mended::Now { op: Some(_) }), "{mended:?}");
    let view = olena.sees(&key).await;
    assert_eq!(view.comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["it drips", "never mind"]);
    assert_eq!(view.comments[0].id, typo.entity);

    desk.teller.section("discarded: a draft");
    let mended = olena.app.discard(None, other.op.clone()).await.expect("it is let go");
    assert_eq!(mended, Mended::Now { op: None });
    let drafts = olena.app.drafts(None).await.expect("drafts");
    assert_eq!(drafts.len(), 1, "{drafts:#?}");
    assert_eq!((drafts[0].text.as_str(), drafts[0].ticket.as_deref()), ("never mind", Some(key.id.as_str())));
    assert_eq!(olena.sees(&key).await.comments.len(), 1);

    desk.teller.section("only the new words ever reach the desk; the draft can still be sent");
    olena.app.set_offline(false);
    olena.shows(&key, "the new words with the desk", |view| said(view, "it drips")).await;
    olena.app.send_draft(None, drafts[0].id.clone()).await.expect("it is sent");
    olena.shows(&key, "the draft with the desk", |view| said(view, "never mind")).await;
    assert_eq!(texts_of(&desk.staff().ticket(&key.id).await.expect("staff")), ["it drips", "never mind"]);
}

#[tokio::test]
async fn a_rejected_reply_is_mended_in_its_place_and_those_after_it_follow() {
    let mut desk = Desk::open("Rejected words").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    let long = olena.reply(&key, LONG).await;
    olena.reply(&key, "short").await;
    desk.reconfigured(|config| config.limits.text_bytes = 40).await;
    olena.app.set_offline(false);

    desk.teller.section("rejected: it keeps its words, the next one waits for it and says so");
    let item = needing_her(&olena, LONG).await;
    assert_eq!(code(&item), "too_long");
    let ways = remedies(Some(&item.delivery));
    for way in [Remedy::Edit, Remedy::Retry, Remedy::Discard, Remedy::CopyText] {
        assert!(ways.contains(&way), "{way:?} of {ways:?}");
    }
    let view = olena
        .shows(&key, "the next one waiting", |view| {
            let next = comment(view, "short").and_then(|c| c.delivery.clone());
            matches!(next, Some(Delivery::Saved { waits_for: WaitsFor::Lane, .. }))
        })
        .await;
    assert_eq!(view.comments[0].text, LONG);

    desk.teller.section("edited: a new op for the same comment, in the same place");
    let mended = olena.app.edit(None, item.op.clone(), words("a short story")).await.expect("it is edited");
    let Mended::Now { op: Some(new) } = mended else { panic!("{mended:?}") };
    assert_ne!(new, item.op);
    let view = olena
        .shows(&key, "both with the desk", |view| said(view, "a short story") && said(view, "short"))
        .await;
    assert_eq!(view.comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["a short story", "short"]);
    assert_eq!(view.comments[0].id, long.entity);
    assert_eq!(texts_of(&desk.staff().ticket(&key.id).await.expect("staff")), ["a short story", "short"]);
    olena.rests().await;
}

#[tokio::test]
async fn a_rejected_reply_can_be_tried_again_or_kept_as_a_draft() {
    let mut desk = Desk::open("Rejected words, again").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    olena.reply(&key, LONG).await;
    desk.reconfigured(|config| config.limits.text_bytes = 40).await;
    olena.app.set_offline(false);

    desk.teller.section("tried again, it is rejected again: nothing is lost by trying");
    let item = needing_her(&olena, LONG).await;
    olena.app.retry(None, item.op.clone()).await.expect("it is tried");
    olena.outbox("the new try", |items| items.iter().all(|now| now.op != item.op)).await;
    let item = needing_her(&olena, LONG).await;

    desk.teller.section("let go, it is a draft; the desk thinks again, and the draft is sent");
    assert_eq!(olena.app.discard(None, item.op).await.expect("it is let go"), Mended::Now { op: None });
    olena.rests().await;
    assert!(olena.sees(&key).await.comments.is_empty());
    let draft = olena.app.drafts(None).await.expect("drafts").remove(0);
    assert_eq!(draft.text, LONG);
    desk.reconfigured(|config| config.limits.text_bytes = 1000).await;
    olena.app.send_draft(None, draft.id).await.expect("it is sent");
    olena.shows(&key, "it with the desk", |view| said(view, LONG)).await;
}

#[tokio::test]
async fn a_rejected_reply_that_is_retried_under_new_rules_goes_through() {
    let mut desk = Desk::open("Retry").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    let long = olena.reply(&key, LONG).await;
    desk.reconfigured(|config| config.limits.text_bytes = 40).await;
    olena.app.set_offline(false);
    let item = needing_her(&olena, LONG).await;
    desk.reconfigured(|config| config.limits.text_bytes = 1000).await;
    olena.app.retry(None, item.op).await.expect("it is tried");
    let view = olena.shows(&key, "it with the desk", |view| said(view, LONG)).await;
    assert_eq!(view.comments[0].id, long.entity);
}

#[tokio::test]
async fn a_ticket_that_was_never_taken_becomes_drafts_with_all_its_words() {
    let mut desk = Desk::open("A rejected ticket").await;
    let (olena, _) = with_a_ticket(&desk).await;
    olena.app.set_offline(true);
    let key = olena.file("New shelves", LONG).await;
    let file = olena.attach("shelf.txt", b"2 x 30 cm").await;
    let reply =
        NewReply { text: "white ones".into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    olena.app.reply(key.clone(), reply).await.expect("it is kept");
    desk.reconfigured(|config| config.limits.text_bytes = 40).await;
    olena.app.set_offline(false);
    let item = needing_her(&olena, LONG).await;
    assert_eq!(item.kind, "ticket.create");
    assert_eq!(olena.sees(&key).await.comments.len(), 1, "the whole ticket is still shown");

    desk.teller.section("discarded: two drafts, one for the ticket and one for its reply");
    olena.app.discard(None, item.op).await.expect("it is let go");
    olena.rests().await;
    let drafts = olena.app.drafts(None).await.expect("drafts");
    let filing = drafts.iter().find(|draft| draft.ticket.is_none()).expect("the ticket's words");
    let reply = drafts.iter().find(|draft| draft.ticket.is_some()).expect("the reply's words");
    assert_eq!((filing.subject.as_str(), filing.text.as_str()), ("New shelves", LONG));
    assert_eq!((reply.text.as_str(), reply.ticket.as_deref()), ("white ones", Some(filing.id.as_str())));
    assert_eq!(reply.attachments.len(), 1, "its file stays with it: {reply:#?}");

    desk.teller.section("shortened and sent, then the reply");
    let shorter = NewDraft {
        id: Some(filing.id.clone()),
        subject: "New shelves".into(),
        text: "Two, please.".into(),
        ..NewDraft::default()
    };
    olena.app.save_draft(None, shorter).await.expect("it is kept");
    let sent = olena.app.send_draft(None, filing.id.clone()).await.expect("it is sent");
    olena.app.send_draft(None, reply.id.clone()).await.expect("it is sent");
    let key = TicketKey { account: sent.account, id: sent.entity };
    let view = olena
        .shows(&key, "both with the desk", |view| {
            registered(view.summary.delivery.as_ref())
                && said(view, "white ones")
                && comment(view, "white ones")
                    .is_some_and(|c| with_the_desk(c.attachments[0].delivery.as_ref()))
        })
        .await;
    assert_eq!(view.description, "Two, please.");
    assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), b"2 x 30 cm");
}

#[tokio::test]
async fn what_the_desk_refused_is_amended_or_taken_back() {
    let desk = Desk::open("Refused by the desk").await;
    let (olena, key) = with_a_ticket(&desk).await;

    desk.teller.section("a reply is refused after the server took it: it needs her, with the desk's words");
    desk.help.refuses_next(Handed::Comment, "no shouting, please");
    let loud = olena.reply(&key, "IT DRIPS").await;
    let is_refused = |view: &TicketView, text: &str| {
        let delivery = comment(view, text).and_then(|c| c.delivery.clone());
        matches!(delivery, Some(Delivery::Attention { why: AttentionReason::Refused { .. }, .. }))
    };
    let view = olena.shows(&key, "the refusal", |view| is_refused(view, "IT DRIPS")).await;
    let delivery = comment(&view, "IT DRIPS").expect("it was there").delivery.clone();
    match &delivery {
        Some(Delivery::Attention { why: AttentionReason::Refused { words, .. }, remedies }) => {
            assert_eq!(words.as_deref(), Some("no shouting, please"));
            assert!(remedies.contains(&Remedy::Edit) && remedies.contains(&Remedy::Discard), "{remedies:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(olena.accounts("it counted", |accounts| accounts[0].attention == 1).await.len(), 1);

    desk.teller.section("amended: the same comment with new words");
    olena.app.edit(None, loud.entity.clone(), words("it drips, please")).await.expect("it is amended");
    let view = olena.shows(&key, "the new words with the desk", |view| said(view, "it drips, please")).await;
    assert_eq!(view.comments.len(), 1, "{view:#?}");
    assert_eq!(view.comments[0].id, loud.entity);
    assert_eq!(texts_of(&desk.staff().ticket(&key.id).await.expect("staff")), ["it drips, please"]);

    desk.teller.section("another one is refused, and she takes it back");
    desk.help.refuses_next(Handed::Comment, "off topic");
    let idle = olena.reply(&key, "nice weather").await;
    olena.shows(&key, "the refusal", |view| is_refused(view, "nice weather")).await;
    olena.app.discard(None, idle.entity.clone()).await.expect("it is taken back");
    olena.shows(&key, "it gone", |view| comment(view, "nice weather").is_none()).await;
    olena.rests().await;
    assert!(!desk.staff().ticket(&key.id).await.expect("staff").to_string().contains("nice weather"));

    desk.teller.section("a whole ticket is refused, amended, and gets its number");
    desk.help.refuses_next(Handed::Ticket, "which pump?");
    let vague = olena.file("The other pump", "It drips, too.").await;
    let view =
        olena.shows(&vague, "the refusal", |view| !remedies(view.summary.delivery.as_ref()).is_empty()).await;
    assert!(view.summary.number.is_none(), "{view:#?}");
    olena.app.edit(None, vague.id.clone(), words("The one at the gate drips.")).await.expect("it is amended");
    let view = olena.shows(&vague, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    assert_eq!(view.description, "The one at the gate drips.");
    olena.rests().await;
}

#[tokio::test]
async fn a_desk_that_answers_later_moves_a_reply_from_delivered_to_its_end() {
    let desk = Desk::open("A desk that takes its time").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.help.says_next(Handed::Comment, pocketdesk_protocol::rows::DeskState::Pending);
    let sent = olena.reply(&key, "any news?").await;
    let delivered = |view: &TicketView| {
        matches!(
            comment(view, "any news?").and_then(|c| c.delivery.clone()),
            Some(Delivery::Delivered { .. })
        )
    };
    olena.shows(&key, "it delivered, not registered", delivered).await;
    desk.answers(Handed::Comment, &sent.entity, refused("closed on Mondays")).await;
    let refused_now = |view: &TicketView| {
        !remedies(comment(view, "any news?").and_then(|c| c.delivery.as_ref())).is_empty()
    };
    olena.shows(&key, "the refusal", refused_now).await;
    olena.app.retry(None, sent.entity.clone()).await.expect("it is tried again");
    olena.shows(&key, "it with the desk", |view| said(view, "any news?")).await;
    assert_eq!(texts_of(&desk.staff().ticket(&key.id).await.expect("staff")), ["any news?"]);
}

#[tokio::test]
async fn a_wish_while_the_answer_is_out_is_kept_until_it_is_there() {
    let mut desk = Desk::open("Wishes while an answer is out").await;
    let (olena, key) = with_a_ticket(&desk).await;

    desk.teller.section("the answer will be yes: her new words become a draft, the sent ones stand");
    let gate = olena.net.hold_answer(Method::POST, "/sync");
    let sent = olena.reply(&key, "it drips on Mondays").await;
    gate.arrived().await;
    let mended =
        olena.app.edit(None, sent.op.clone(), words("it drips on Tuesdays")).await.expect("it is kept");
    assert_eq!(mended, Mended::WhenAnswered);
    gate.let_go();
    olena.shows(&key, "the sent words with the desk", |view| said(view, "it drips on Mondays")).await;
    olena.rests().await;
    let drafts = olena.app.drafts(None).await.expect("drafts");
    assert_eq!(drafts.iter().map(|draft| draft.text.as_str()).collect::<Vec<_>>(), ["it drips on Tuesdays"]);
    olena.app.delete_draft(None, drafts[0].id.clone()).await.expect("it is let go");

    desk.teller.section("the answer will be no: her new words take the place by themselves");
    olena.app.set_offline(true);
    let long = olena.reply(&key, LONG).await;
    desk.reconfigured(|config| config.limits.text_bytes = 40).await;
    let gate = olena.net.hold_answer(Method::POST, "/sync");
    olena.app.set_offline(false);
    gate.arrived().await;
    let mended = olena.app.edit(None, long.op.clone(), words("a short one")).await.expect("it is kept");
    assert_eq!(mended, Mended::WhenAnswered);
    gate.let_go();
    let view = olena.shows(&key, "the new words with the desk", |view| said(view, "a short one")).await;
    assert_eq!(comment(&view, "a short one").expect("it was there").id, long.entity);
    assert!(comment(&view, LONG).is_none(), "{view:#?}");

    desk.teller.section("a wish to let go, and the answer is no: a draft, and nothing at the desk");
    olena.app.set_offline(true);
    let idle = olena.reply(&key, &LONG.replace("story", "fable")).await;
    let gate = olena.net.hold_answer(Method::POST, "/sync");
    olena.app.set_offline(false);
    gate.arrived().await;
    assert_eq!(olena.app.discard(None, idle.op.clone()).await.expect("it is kept"), Mended::WhenAnswered);
    gate.let_go();
    olena.rests().await;
    assert_eq!(olena.app.drafts(None).await.expect("drafts").len(), 1);
    assert_eq!(
        texts_of(&desk.staff().ticket(&key.id).await.expect("staff")),
        ["it drips on Mondays", "a short one"]
    );
}

#[tokio::test]
async fn a_reopen_after_its_window_becomes_a_follow_up_with_its_words() {
    let desk = Desk::open("A follow-up").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.staff().status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "it solved", |view| view.can_reopen).await;

    desk.teller.section("said in time, with no connection for a month");
    olena.app.set_offline(true);
    olena.app.reopen(key.clone(), "it drips again".into()).await.expect("she may");
    olena.time.advance(Duration::from_secs(20 * 24 * 3600));
    olena.app.set_offline(false);
    let item = needing_her(&olena, "it drips again").await;
    assert_eq!(code(&item), "reopen_window_passed");
    assert_eq!(remedies(Some(&item.delivery))[0], Remedy::FollowUp);
    let follow_up = olena.app.file_anew(None, item.op).await.expect("it is filed anew");
    let view = olena.shows(&follow_up, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    assert_eq!((view.summary.subject.as_str(), view.description.as_str()), ("The pump", "it drips again"));
    let old = olena.shows(&key, "the old one at rest", |view| view.requests.is_empty()).await;
    assert_eq!(old.summary.status, TicketStatus::Solved);
    olena.rests().await;

    desk.teller.section("past the window the phone does not even offer it");
    assert!(!olena.sees(&key).await.can_reopen);
}

#[tokio::test]
async fn a_ticket_is_taken_back_by_its_author_once_and_for_all() {
    let desk = Desk::open("Withdrawn").await;
    let (olena, key) = with_a_ticket(&desk).await;
    assert!(olena.sees(&key).await.can_withdraw);
    olena.app.set_offline(true);
    olena.app.withdraw(key.clone(), "it stopped by itself".into()).await.expect("she may");
    let view = olena.sees(&key).await;
    // The status is the desk's word; the wish stands beside it, and cannot be asked for twice.
    assert_eq!(view.summary.status, TicketStatus::New, "{view:#?}");
    assert_eq!(
        view.requests.iter().map(|request| request.kind.as_str()).collect::<Vec<_>>(),
        ["ticket.withdraw"]
    );
    assert!(!view.can_withdraw, "{view:#?}");
    olena.app.set_offline(false);
    let view = olena
        .shows(&key, "it closed at the desk", |view| {
            view.summary.status == TicketStatus::Closed && view.requests.is_empty()
        })
        .await;
    assert!(!view.can_withdraw && !view.can_confirm, "{view:#?}");
    olena.rests().await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff").to_string();
    assert!(seen.contains("it stopped by itself"), "{seen}");
}

#[tokio::test]
async fn somebody_the_desk_does_not_know_is_named_anew() {
    let desk = Desk::open("An unknown participant").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.staff().person("Ira", "ira@shop.example", None).await.expect("staff");
    olena.app.add_participant(key.clone(), "irra@shop.example".into()).await.expect("it is kept");
    let items = olena
        .outbox("the request needing her", |items| {
            items.iter().any(|item| !remedies(Some(&item.delivery)).is_empty())
        })
        .await;
    assert_eq!(code(&items[0]), "unknown_person");
    olena.app.discard(None, items[0].op.clone()).await.expect("it is let go");
    olena.app.add_participant(key.clone(), "ira@shop.example".into()).await.expect("it is kept");
    olena.shows(&key, "Ira following", |view| view.participants == ["Ira"] && view.requests.is_empty()).await;
    olena.rests().await;
}

#[tokio::test]
async fn a_file_whose_bytes_vanished_from_the_phone_is_left_out_and_the_words_go() {
    let desk = Desk::open("A file that vanished").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.net.always("/uploads", Fate::Lost);
    let file = olena.attach("gone.png", &[5; 50_000]).await;
    let reply = NewReply { text: "look".into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    let sent = olena.app.reply(key.clone(), reply).await.expect("it is kept");
    olena.shows(&key, "the words with the desk", |view| said(view, "look")).await;
    let off = olena.closed().await;
    let mut sealed = 0;
    for path in sealed_files(&off.data()) {
        std::fs::remove_file(path).expect("it can be deleted");
        sealed += 1;
    }
    assert!(sealed > 0, "the test does not find the sealed file");
    let olena = off.opened(Switch::default()).await;
    let way = |view: &TicketView| {
        remedies(comment(view, "look").and_then(|c| c.attachments.first()).and_then(|f| f.delivery.as_ref()))
    };
    olena.shows(&key, "that the file needs her", |view| way(view) == [Remedy::RemoveFile]).await;
    olena.app.remove_file(None, sent.op, file.id.clone()).await.expect("it is left out");
    olena.shows(&key, "nothing that needs her", |view| way(view).is_empty()).await;
}

/// Files of a phone that are neither databases nor locks nor ids: sealed bytes.
fn sealed_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the phone") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            found.extend(sealed_files(&path));
        } else if path.parent().and_then(|parent| parent.file_name()).is_some_and(|name| name == "files") {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn a_reopen_said_in_time_counts_though_it_comes_late() {
    let desk = Desk::open("A late reopen").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.staff().status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "it solved", |view| view.can_reopen).await;
    olena.app.set_offline(true);
    olena.time.advance(Duration::from_secs(6 * 24 * 3600));
    olena.app.reopen(key.clone(), "it drips again".into()).await.expect("she may");
    olena.time.advance(Duration::from_secs(3 * 24 * 3600));
    olena.app.set_offline(false);
    let view = olena
        .shows(&key, "it open again", |view| {
            view.summary.status == TicketStatus::Open && view.requests.is_empty()
        })
        .await;
    assert!(said(&view, "it drips again"), "{view:#?}");
}

#[tokio::test]
async fn a_request_that_was_overtaken_changes_nothing_and_says_so() {
    let desk = Desk::open("Moved on").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.staff().status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "it solved", |view| view.can_confirm).await;
    olena.app.set_offline(true);
    olena.app.confirm(key.clone()).await.expect("she may");
    desk.staff().status(&key.id, "open").await.expect("staff");
    olena.app.set_offline(false);
    let items = olena
        .outbox("the request needing her", |items| {
            items.iter().any(|item| !remedies(Some(&item.delivery)).is_empty())
        })
        .await;
    assert!(["moved_on", "not_solved"].contains(&code(&items[0])), "{items:#?}");
    let view = olena.shows(&key, "it open", |view| view.summary.status == TicketStatus::Open).await;
    assert_eq!(view.requests.len(), 1, "the request is shown, to be let go: {view:#?}");
    olena.app.discard(None, items[0].op.clone()).await.expect("it is let go");
    olena.rests().await;
    assert!(olena.sees(&key).await.requests.is_empty());
}

#[tokio::test]
async fn a_name_that_nobody_on_the_ticket_bears_is_said_to_be_that_and_no_mistyped_address() {
    let desk = Desk::open("Who is that?").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.rests().await;
    let refused =
        olena.app.remove_participant(key.clone(), "Oleg".into()).await.expect_err("nobody is called so");
    assert!(matches!(&refused, DeskError::Invalid { field, .. } if field == "person"), "{refused:?}");
    assert!(refused.to_string().contains("nobody who follows this ticket"), "{refused}");
    let refused = olena.app.remove_participant(key.clone(), "oleg@".into()).await.expect_err("no address");
    assert!(matches!(&refused, DeskError::Invalid { field, .. } if field == "email"), "{refused:?}");
    assert!(olena.app.outbox(None).await.expect("outbox").is_empty(), "nothing is sent");
}
