//! A server restored from its backup has lost acknowledged words: the phones bring them back by themselves.

use std::time::Duration;

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, Switch, comment, registered, said, with_the_desk},
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
    phone.time.advance(Duration::from_secs(60));
    desk.shows(&key.id, "all replies again", |ticket| texts_of(ticket).len() == 3).await;
    desk.shows(&second.id, "the second ticket again", |ticket| texts_of(ticket).len() == 2).await;
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
