//! What the person sees while an answer is out, and what becomes of words when something other than the desk answers.

use std::time::Duration;

use http::Method;
use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, comment, registered, said},
};

async fn with_a_ticket(desk: &Desk) -> (Phone, TicketKey) {
    let olena = Phone::new("Olena", desk).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let key = olena.file("The bell", "It does not ring.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    (olena, key)
}

fn delivery_of(view: &TicketView, text: &str) -> Option<Delivery> {
    comment(view, text).and_then(|comment| comment.delivery.clone())
}

async fn texts_at_the_desk(desk: &Desk, key: &TicketKey) -> Vec<String> {
    let ticket = desk.staff().ticket(&key.id).await.expect("staff");
    let comments = ticket["comments"].as_array().expect("a ticket has comments");
    comments.iter().map(|comment| comment["text"].as_str().expect("words").to_owned()).collect()
}

#[tokio::test]
async fn while_an_answer_is_out_the_words_say_so_and_others_can_be_written() {
    let desk = Desk::open("An answer is out").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let gate = olena.net.hold_answer(Method::POST, "/sync");
    olena.reply(&key, "first").await;
    gate.arrived().await;
    let sending = |view: &TicketView| matches!(delivery_of(view, "first"), Some(Delivery::Sending { .. }));
    olena.shows(&key, "its words on their way", sending).await;
    olena.reply(&key, "second").await;
    let view = olena.sees(&key).await;
    assert_eq!(view.comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert!(matches!(delivery_of(&view, "second"), Some(Delivery::Saved { .. })), "{view:#?}");
    assert!(sending(&view), "the first one is still on its way: {view:#?}");
    gate.let_go();
    olena.shows(&key, "both with the desk", |view| said(view, "first") && said(view, "second")).await;
    assert_eq!(texts_at_the_desk(&desk, &key).await, ["first", "second"]);
}

#[tokio::test]
async fn an_answer_lost_on_its_way_makes_no_second_copy() {
    let desk = Desk::open("A lost answer").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.net.next(1, "/sync", Fate::AnswerLost);
    olena.reply(&key, "did you hear me?").await;
    olena.shows(&key, "it with the desk", |view| said(view, "did you hear me?")).await;
    olena.net.next(2, "/sync", Fate::AnswerLost);
    let new = olena.file("The gate", "It does not close.").await;
    let olena = olena.killed(Default::default()).await;
    olena.shows(&new, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    assert_eq!(texts_at_the_desk(&desk, &key).await, ["did you hear me?"]);
    let all = desk.staff().tickets().await.expect("staff").to_string();
    assert_eq!(all.matches("It does not close.").count(), 1, "{all}");
}

#[tokio::test]
async fn whatever_something_in_between_answers_costs_no_word_and_signs_nobody_out() {
    let desk = Desk::open("Captive portals, proxies, firewalls").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let html = "<html><body>Welcome to the hotel. Please log in.</body></html>";
    let foreign = |status| Fate::Instead { status, ours: false, header: None, body: html };
    let slow_down = Fate::Instead { status: 429, ours: true, header: Some(("retry-after", "2")), body: "{}" };
    let failed = Fate::Instead { status: 503, ours: true, header: None, body: "{}" };
    let fates = [
        ("a hotel's page with 200", foreign(200)),
        ("a login wall with 401", foreign(401)),
        ("a firewall with 403", foreign(403)),
        ("a proxy with 413", foreign(413)),
        ("a proxy with 426", foreign(426)),
        ("a proxy with 502", foreign(502)),
        ("the desk with 429", slow_down),
        ("the desk with 503", failed),
    ];
    let mut words = Vec::new();
    for (who, fate) in fates {
        desk.teller.section(who);
        let text = format!("in spite of {who}");
        olena.net.always("/", fate);
        olena.reply(&key, &text).await;
        let waiting = |view: &TicketView| matches!(delivery_of(view, &text), Some(Delivery::Retrying { .. }));
        olena.shows(&key, "that it is tried again", waiting).await;
        let accounts = olena.app.accounts().await.expect("accounts");
        assert!(!matches!(accounts[0].sync, SyncState::Paused { .. }), "{who}: {accounts:#?}");
        olena.net.mend();
        olena.time.advance(Duration::from_secs(3));
        olena.app.signal(Signal::Online { network: who.into(), metered: false });
        olena.shows(&key, "it with the desk", |view| said(view, &text)).await;
        words.push(text);
    }
    olena.rests().await;
    assert_eq!(texts_at_the_desk(&desk, &key).await, words, "in order, each once");
}

#[tokio::test]
async fn an_app_that_is_too_old_says_so_and_keeps_its_words() {
    let desk = Desk::open("Too old").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let too_old = Fate::Instead { status: 426, ours: true, header: None, body: "{}" };
    olena.net.always("/", too_old);
    olena.reply(&key, "from an old phone").await;
    let paused = SyncState::Paused { why: PausedReason::AppTooOld };
    olena.accounts("that it is too old", |accounts| accounts[0].sync == paused).await;
    let view = olena.sees(&key).await;
    assert!(
        matches!(
            delivery_of(&view, "from an old phone"),
            Some(Delivery::Saved { waits_for: WaitsFor::NewerApp, .. })
        ),
        "{view:#?}"
    );
    desk.teller.section("the app is updated: it starts again, and the desk speaks to it");
    let olena = olena.restarted(Default::default()).await;
    olena.shows(&key, "it with the desk", |view| said(view, "from an old phone")).await;
}

#[tokio::test]
async fn a_reply_the_server_chokes_on_holds_up_nothing_but_its_lane() {
    let desk = Desk::open("The server cannot take it").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let other = olena.file("The door", "It creaks.").await;
    olena.shows(&other, "a number", |view| registered(view.summary.delivery.as_ref())).await;

    desk.teller.section("one reply makes the server fail, whatever comes with it");
    olena.net.chokes_on("poison");
    olena.app.set_offline(true);
    olena.reply(&key, "poison").await;
    olena.reply(&key, "after the poison").await;
    olena.reply(&other, "of another ticket").await;
    olena.app.set_offline(false);
    let unknown = |view: &TicketView| {
        let why = delivery_of(view, "poison");
        matches!(why, Some(Delivery::Attention { why: AttentionReason::ServerCannotTakeIt, .. }))
    };
    let stuck = async {
        olena.shows(&other, "the other ticket going on", |view| said(view, "of another ticket")).await;
        olena.shows(&key, "the poison needing her", unknown).await
    };
    let view = olena.meanwhile(Duration::from_secs(30), stuck).await;
    let Some(Delivery::Attention { remedies, .. }) = delivery_of(&view, "poison") else { unreachable!() };
    assert!(remedies.contains(&Remedy::CopyText), "{remedies:?}");
    assert!(!remedies.contains(&Remedy::Discard), "its outcome is unknown: {remedies:?}");
    let after = delivery_of(&view, "after the poison");
    assert!(matches!(after, Some(Delivery::Saved { waits_for: WaitsFor::Lane, .. })), "{after:?}");

    desk.teller.section("the server is mended: within the hour it goes by itself");
    olena.net.mend();
    olena.time.advance(Duration::from_secs(3_700));
    olena
        .shows(&key, "both with the desk", |view| said(view, "poison") && said(view, "after the poison"))
        .await;
    assert_eq!(texts_at_the_desk(&desk, &key).await, ["poison", "after the poison"]);
}
