//! More than one process, and more than one device with the same folder.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, Switch, comment, registered, said},
};

fn texts_of(ticket: &serde_json::Value) -> Vec<&str> {
    let comments = ticket["comments"].as_array().expect("a ticket has comments");
    comments.iter().map(|comment| comment["text"].as_str().expect("a comment has words")).collect()
}

#[tokio::test]
async fn what_a_second_process_writes_the_first_one_sends() {
    let desk = Desk::open("Two processes on one folder").await;
    let app = Phone::new("the app", &desk).await;
    app.sign_in(&desk, "olena@shop.example").await;
    let key = app.file("Printer", "It jams.").await;
    app.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    app.rests().await;

    let cli = app.second_process().await;
    let view = cli.sees(&key).await;
    assert_eq!(view.summary.number.as_deref(), Some("1"), "it reads what the first one has");
    cli.reply(&key, "from the command line").await;
    app.shows(&key, "it, with the desk", |view| said(view, "from the command line")).await;
    cli.shows(&key, "it delivered, too", |view| said(view, "from the command line")).await;
    app.reply(&key, "from the app").await;
    app.shows(&key, "it with the desk", |view| said(view, "from the app")).await;
    assert_eq!(
        texts_of(&desk.staff().ticket(&key.id).await.expect("staff")),
        ["from the command line", "from the app"]
    );
}

#[tokio::test]
async fn a_cloned_phone_sends_nothing_twice_and_loses_nothing() {
    let desk = Desk::open("A device made from a backup").await;
    let old = Phone::new("the old phone", &desk).await;
    old.sign_in(&desk, "olena@shop.example").await;
    let key = old.file("Window", "It does not shut.").await;
    old.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    old.rests().await;
    old.app.set_offline(true);
    old.reply(&key, "unsent when the backup was made").await;
    let off = old.closed().await;
    let old = off.opened(Switch { offline: true, ..Switch::default() }).await;
    let new = old.cloned("the new phone", Switch { offline: true, ..Switch::default() }).await;

    desk.teller.section("both send");
    old.reply(&key, "only on the old one").await;
    new.reply(&key, "only on the new one").await;
    old.app.set_offline(false);
    old.shows(&key, "its words with the desk", |view| {
        said(view, "unsent when the backup was made") && said(view, "only on the old one")
    })
    .await;
    new.app.set_offline(false);
    desk.teller.section("if one of the two is signed out as a thief of the other's token, it says so");
    let accounts = new
        .accounts("an end", |accounts| {
            matches!(accounts[0].sync, SyncState::Paused { why: PausedReason::SignedOut })
                || (accounts[0].sync == SyncState::Idle && accounts[0].unsent == 0)
        })
        .await;
    if accounts[0].sync != SyncState::Idle {
        assert!(comment(&new.sees(&key).await, "only on the new one").is_some(), "its words are kept");
        new.sign_in(&desk, "olena@shop.example").await;
    }
    new.shows(&key, "its words with the desk", |view| said(view, "only on the new one")).await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    let mut texts = texts_of(&seen);
    texts.sort_unstable();
    assert_eq!(texts, ["only on the new one", "only on the old one", "unsent when the backup was made"]);
}

#[tokio::test]
async fn a_server_that_dies_under_load_takes_no_acknowledged_word_with_it() {
    let mut desk = Desk::open("The server dies under load").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Alarm", "It rings.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    let mut words = Vec::new();
    for life in 0..5 {
        for n in 0..10 {
            let text = format!("{life}-{n}");
            olena.reply(&key, &text).await;
            words.push(text);
        }
        if life % 2 == 0 {
            // Something of this life is acknowledged; the rest dies where it is.
            let first = format!("{life}-0");
            olena.shows(&key, "something with the desk", |view| said(view, &first)).await;
        }
        desk.kill().await;
        desk.start().await;
        olena.app.signal(Signal::Online { network: format!("network {life}"), metered: false });
    }
    let view = olena.shows(&key, "all of it", |view| words.iter().all(|text| said(view, text))).await;
    assert_eq!(view.comments.iter().map(|c| c.text.clone()).collect::<Vec<_>>(), words, "in order");
    assert_eq!(texts_of(&desk.staff().ticket(&key.id).await.expect("staff")), words, "each once");
}
