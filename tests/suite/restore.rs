//! A server restored from its backup has lost acknowledged words: the phones bring them back by themselves.

use std::time::Duration;

use pocketdesk_ffi::model::*;
use pocketdesk_server::desk::Handed;
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, Switch, comment, registered, remedies, said, with_the_desk},
};

fn texts_of(ticket: &serde_json::Value) -> Vec<&str> {
    let comments = ticket["comments"].as_array().expect("a ticket has comments");
    comments.iter().map(|comment| comment["text"].as_str().expect("a comment has words")).collect()
}

#[tokio::test]
async fn acknowledged_words_that_a_restored_server_lost_come_back_once() {
    let mut desk = Desk::open("Restored from a backup").await;
    let phone = Phone::new("phone", &desk).await;
    phone.sign_in(&desk, "olena@shop.example").await;
    let tablet = Phone::new("tablet", &desk).await;
    tablet.sign_in(&desk, "olena@shop.example").await;
    let key = phone.file("Heating", "It is cold.").await;
    phone.shows(&key, "№1", |view| view.summary.number.as_deref() == Some("1")).await;
    phone.reply(&key, "before the backup").await;
    phone.shows(&key, "it with the desk", |view| said(view, "before the backup")).await;
    tablet.lists("the ticket", |page| page.total == 1).await;
    let on_tablet = tablet.found(&key.id).await;
    let backup = desk.backup("monday").await;

    desk.teller.section("after the backup: replies from both, a file, a second ticket, a read mark");
    let photo = vec![7_u8; 300_000];
    let file = phone.attach("radiator.jpg", &photo).await;
    let reply =
        NewReply { text: "see the photo".into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    phone.app.reply(key.clone(), reply).await.expect("it is kept");
    phone
        .shows(&key, "the photo with the desk", |view| {
            comment(view, "see the photo").is_some_and(|c| with_the_desk(c.attachments[0].delivery.as_ref()))
        })
        .await;
    tablet.reply(&on_tablet, "from the tablet").await;
    tablet.shows(&on_tablet, "it with the desk", |view| said(view, "from the tablet")).await;
    let second = phone.file("Lamp", "It flickers.").await;
    phone.shows(&second, "№2", |view| view.summary.number.as_deref() == Some("2")).await;
    phone.reply(&second, "in the hall").await;
    phone.shows(&second, "it with the desk", |view| said(view, "in the hall")).await;
    tablet.lists("both tickets", |page| page.total == 2).await;
    tablet.reply(&tablet.found(&second.id).await, "and in the cellar").await;
    phone.shows(&second, "the tablet's words", |view| comment(view, "and in the cellar").is_some()).await;
    phone.rests().await;
    tablet.rests().await;

    desk.teller.section("the server is restored; nobody does anything");
    desk.restore(&backup).await;
    let back = async {
        desk.shows(&key.id, "all replies again", |ticket| texts_of(ticket).len() == 3).await;
        desk.shows(&second.id, "the second ticket again", |ticket| texts_of(ticket).len() == 2).await;
    };
    phone.meanwhile(Duration::from_secs(10), back).await;
    let complete = |ticket: &serde_json::Value| {
        ticket["attachments"]
            .as_array()
            .is_some_and(|files| files.iter().all(|file| file["state"] == "complete"))
    };
    desk.shows(&key.id, "the photo again", complete).await;
    phone
        .shows(&key, "everything with the desk", |view| {
            ["before the backup", "see the photo", "from the tablet"].iter().all(|text| said(view, text))
                && comment(view, "see the photo")
                    .is_some_and(|c| with_the_desk(c.attachments[0].delivery.as_ref()))
        })
        .await;
    tablet.shows(&on_tablet, "everything", |view| view.comments.len() == 3).await;
    phone
        .shows(&second, "the second ticket", |view| {
            registered(view.summary.delivery.as_ref())
                && ["in the hall", "and in the cellar"].iter().all(|text| said(view, text))
        })
        .await;
    phone.rests().await;
    tablet.rests().await;

    let staff = desk.staff();
    let first = staff.ticket(&key.id).await.expect("staff");
    let mut texts = texts_of(&first);
    texts.sort_unstable();
    assert_eq!(texts, ["before the backup", "from the tablet", "see the photo"], "each once");
    assert_eq!(staff.file(&file.id).await.expect("staff open it"), photo);
    let lamp = staff.ticket(&second.id).await.expect("staff");
    let mut texts = texts_of(&lamp);
    texts.sort_unstable();
    assert_eq!(texts, ["and in the cellar", "in the hall"], "each once");
    let number = lamp["ticket"]["desk"]["number"].as_str().expect("it is registered").to_owned();
    assert!(number != "1" && number != "2", "a number that was given is given again: {number}");
    phone.shows(&second, "its new number", |view| view.summary.number.as_ref() == Some(&number)).await;
}

#[tokio::test]
async fn words_written_while_the_server_was_being_restored_wait_and_go() {
    let mut desk = Desk::open("Restored while she writes").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Stairs", "A step is loose.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    let backup = desk.backup("monday").await;
    olena.reply(&key, "the third one").await;
    olena.shows(&key, "it with the desk", |view| said(view, "the third one")).await;
    olena.app.set_offline(true);
    olena.reply(&key, "from below").await;
    desk.restore(&backup).await;
    let olena = olena.killed(Switch::default()).await;
    desk.shows(&key.id, "both replies", |ticket| texts_of(ticket).len() == 2).await;
    let view = olena
        .shows(&key, "both with the desk", |view| said(view, "the third one") && said(view, "from below"))
        .await;
    assert_eq!(
        view.comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(),
        ["the third one", "from below"]
    );
    olena.rests().await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    assert_eq!(texts_of(&seen), ["the third one", "from below"]);
}

#[tokio::test]
async fn what_was_erased_stays_erased_through_a_restore() {
    let mut desk = Desk::open("Erased, then restored").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Private matter", "Never to be seen again.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    let backup = desk.backup("monday").await;
    desk.erase_ticket(&key.id).await;
    olena.loses(&key, "it was erased").await;
    desk.restore(&backup).await;
    olena.time.advance(Duration::from_secs(60));
    let new = olena.file("Something else", "Life goes on.").await;
    olena.shows(&new, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    assert_eq!(olena.lists("the new one alone", |page| page.total == 1).await.tickets[0].key, new);
    assert!(!desk.staff().tickets().await.expect("staff").to_string().contains("Private matter"));
    assert!(olena.app.search(None, "Never".into(), false, 10).await.expect("it searches").is_empty());
}

#[tokio::test]
async fn a_reply_that_comes_back_before_its_ticket_waits_for_it() {
    let mut desk = Desk::open("The tablet comes back before the phone").await;
    let phone = Phone::new("phone", &desk).await;
    phone.sign_in(&desk, "olena@shop.example").await;
    let tablet = Phone::new("tablet", &desk).await;
    tablet.sign_in(&desk, "olena@shop.example").await;
    phone.rests().await;
    let backup = desk.backup("monday").await;
    let key = phone.file("Sink", "It is blocked.").await;
    phone.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    tablet.lists("the ticket", |page| page.total == 1).await;
    let on_tablet = tablet.found(&key.id).await;
    tablet.reply(&on_tablet, "since the morning").await;
    tablet.shows(&on_tablet, "it with the desk", |view| said(view, "since the morning")).await;
    phone.shows(&key, "the tablet's words", |view| comment(view, "since the morning").is_some()).await;

    desk.teller.section("restored; the phone, which holds the ticket, is away");
    phone.app.set_offline(true);
    desk.restore(&backup).await;
    let waits = |view: &TicketView| {
        let delivery = comment(view, "since the morning").and_then(|comment| comment.delivery.clone());
        matches!(delivery, Some(Delivery::Saved { waits_for: WaitsFor::Ticket, .. }))
    };
    let waiting = tablet.shows(&on_tablet, "its words waiting for the ticket", waits);
    tablet.meanwhile(Duration::from_secs(10), waiting).await;
    // Once its cache is the restored server's the ticket's own row is gone: the screen must stay, with her words.
    let stays = tablet.shows(&on_tablet, "them, without the ticket's number", |view| {
        view.summary.number.is_none() && waits(view)
    });
    tablet.meanwhile(Duration::from_secs(10), stays).await;
    assert_eq!(tablet.lists("the ticket still", |page| page.total == 1).await.tickets[0].key, on_tablet);
    assert_eq!(tablet.app.accounts().await.expect("accounts")[0].attention, 0, "nothing for her to do");

    desk.teller.section("the phone comes back: both are there");
    phone.app.set_offline(false);
    let back = desk.shows(&key.id, "both again", |ticket| texts_of(ticket) == ["since the morning"]);
    tablet.meanwhile(Duration::from_secs(10), back).await;
    phone
        .shows(&key, "both with the desk", |view| {
            registered(view.summary.delivery.as_ref()) && comment(view, "since the morning").is_some()
        })
        .await;
    tablet.shows(&on_tablet, "both", |view| said(view, "since the morning")).await;
    tablet.rests().await;
}

#[tokio::test]
async fn wishes_and_marks_that_no_longer_fit_a_restored_server_bother_nobody() {
    let mut desk = Desk::open("Requests after a restore").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Gate", "It squeaks.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    desk.help.refuses_next(Handed::Comment, "off topic");
    let idle = olena.reply(&key, "nice weather").await;
    olena
        .shows(&key, "the refusal", |view| {
            !remedies(comment(view, "nice weather").and_then(|c| c.delivery.as_ref())).is_empty()
        })
        .await;
    let backup = desk.backup("monday").await;

    desk.teller.section("after the backup: taken back, read, solved, reopened, solved, rated, confirmed");
    olena.app.discard(None, idle.entity.clone()).await.expect("it is taken back");
    olena.shows(&key, "it gone", |view| comment(view, "nice weather").is_none()).await;
    let staff = desk.staff();
    staff.reply(&key.id, "Oiled").await.expect("staff");
    olena.shows(&key, "the reply", |view| view.summary.unread > 0).await;
    olena.app.mark_read(key.clone()).await.expect("it is marked");
    staff.status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "it solved", |view| view.can_reopen).await;
    olena.app.reopen(key.clone(), "it squeaks again".into()).await.expect("she may");
    olena
        .shows(&key, "it open", |view| view.summary.status == TicketStatus::Open && view.requests.is_empty())
        .await;
    staff.status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "it solved again", |view| view.can_confirm).await;
    olena.app.rate(key.clone(), 3, Some("In the end".into())).await.expect("she may");
    olena.app.confirm(key.clone()).await.expect("she may");
    olena.shows(&key, "it closed", |view| view.summary.status == TicketStatus::Closed).await;
    olena.rests().await;

    desk.teller
        .section("restored: the desk never heard of the solving; her words are back, and nothing needs her");
    desk.restore(&backup).await;
    let back =
        desk.shows(&key.id, "her words again", |ticket| texts_of(ticket).contains(&"it squeaks again"));
    olena.meanwhile(Duration::from_secs(10), back).await;
    olena
        .shows(&key, "them, too", |view| said(view, "it squeaks again") && comment(view, "Oiled").is_none())
        .await;
    olena.rests().await;
    let account = &olena.app.accounts().await.expect("accounts")[0];
    assert_eq!((account.attention, account.unsent), (0, 0), "{account:#?}");
    let view = olena.sees(&key).await;
    assert!(comment(&view, "nice weather").is_none(), "what she took back is back: {view:#?}");
    assert!(view.requests.is_empty(), "{view:#?}");
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    assert_eq!(texts_of(&seen), ["it squeaks again"], "each once");
}
