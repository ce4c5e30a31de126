//! Networks that are bad in their own ways: tokens that expire on the way, streams that are buffered, portals between
//! a file and the desk, bytes that cost money.

use std::time::Duration;

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    noise,
    phone::{Phone, comment, registered, said, with_the_desk},
};

async fn with_a_ticket(desk: &Desk) -> (Phone, TicketKey) {
    let olena = Phone::new("Olena", desk).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    (olena, key)
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_signs_nobody_out() {
    let desk = Desk::open("A lost refresh").await;
    let (olena, key) = with_a_ticket(&desk).await;
    for answer in ["first", "second", "third"] {
        desk.teller.section(&format!(
            "the access token is old; the {answer} refresh is answered, and nobody hears it"
        ));
        olena.time.advance(Duration::from_secs(20 * 60));
        olena.net.next(2, "/token", Fate::AnswerLost);
        olena.reply(&key, answer).await;
        let there = olena.shows(&key, "it with the desk", |view| said(view, answer));
        olena.meanwhile(Duration::from_secs(5), there).await;
    }
    let olena = olena.killed(Default::default()).await;
    olena.time.advance(Duration::from_secs(20 * 60));
    olena.reply(&key, "after a kill").await;
    olena.shows(&key, "it with the desk", |view| said(view, "after a kill")).await;
    olena.rests().await;
}

#[tokio::test]
async fn on_a_network_that_buffers_streams_news_come_all_the_same() {
    let desk = Desk::open("No live stream").await;
    let (olena, key) = with_a_ticket(&desk).await;
    desk.teller.section("from now on no stream says hello here");
    olena.net.always("/live", Fate::Silent);
    olena.app.set_offline(true);
    olena.app.set_offline(false);
    olena.app.signal(Signal::Online { network: "a proxy".into(), metered: false });
    olena.app.signal(Signal::Foreground);
    olena.time.advance(Duration::from_secs(6));
    desk.staff().reply(&key.id, "Oil it").await.expect("staff");
    let there = olena.shows(&key, "the reply", |view| comment(view, "Oil it").is_some());
    olena.meanwhile(Duration::from_secs(2), there).await;
    desk.staff().reply(&key.id, "And wait").await.expect("staff");
    olena.shows(&key, "the next reply", |view| comment(view, "And wait").is_some()).await;
}

#[tokio::test]
async fn a_portal_that_answers_for_the_desk_does_not_swallow_a_file() {
    let desk = Desk::open("A portal between a file and the desk").await;
    let (olena, key) = with_a_ticket(&desk).await;
    let page = Fate::Instead { status: 200, ours: false, header: None, body: "<html>log in</html>" };
    let too_large = Fate::Instead { status: 413, ours: false, header: None, body: "<html>too large</html>" };
    for (name, fate) in [("page.png", page), ("large.png", too_large)] {
        desk.teller.section(name);
        let bytes = noise(name.len() as u64, 600_000);
        let file = olena.attach(name, &bytes).await;
        olena.net.always("/uploads", fate);
        olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
        let of = |view: &TicketView| view.attachments.iter().find(|shown| shown.id == file.id).cloned();
        olena
            .shows(&key, "that the file is tried again", |view| {
                matches!(of(view).and_then(|file| file.delivery), Some(Delivery::Retrying { .. }))
            })
            .await;
        assert!(desk.staff().file(&file.id).await.is_err(), "staff should not have it yet");
        olena.net.mend();
        olena.app.signal(Signal::Online { network: name.into(), metered: false });
        let whole = olena.shows(&key, "the file with the desk", |view| {
            of(view).is_some_and(|file| {
                file.state == FileState::Complete && with_the_desk(file.delivery.as_ref())
            })
        });
        olena.meanwhile(Duration::from_secs(5), whole).await;
        assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), bytes);
    }
}

#[tokio::test]
async fn files_wait_for_wifi_when_told_and_words_do_not() {
    let desk = Desk::open("Files wait for Wi-Fi").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.app.set_files_wait_for_wifi(None, true).await.expect("it is set");
    olena.app.signal(Signal::Online { network: "mobile".into(), metered: true });
    let bytes = noise(3, 100_000);
    let file = olena.attach("key.png", &bytes).await;
    let reply = NewReply {
        text: "a photo of the key".into(),
        attachments: vec![file.id.clone()],
        ..NewReply::default()
    };
    olena.app.reply(key.clone(), reply).await.expect("it is kept");
    let delivery = |view: &TicketView| {
        comment(view, "a photo of the key").and_then(|comment| comment.attachments[0].delivery.clone())
    };
    let view = olena.shows(&key, "the words with the desk", |view| said(view, "a photo of the key")).await;
    assert!(
        matches!(delivery(&view), Some(Delivery::Saved { waits_for: WaitsFor::Wifi, .. })),
        "the file should say what it waits for: {view:#?}"
    );
    olena.app.signal(Signal::Online { network: "home".into(), metered: false });
    olena.shows(&key, "the file with the desk", |view| with_the_desk(delivery(view).as_ref())).await;
    assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), bytes);
}

#[tokio::test]
async fn no_request_that_hangs_holds_the_others_for_ever() {
    let desk = Desk::open("Requests that hang").await;
    let (olena, key) = with_a_ticket(&desk).await;
    olena.net.next(1, "/sync", Fate::Silent);
    olena.reply(&key, "into the void").await;
    let there = olena.shows(&key, "it with the desk", |view| said(view, "into the void"));
    olena.meanwhile(Duration::from_secs(5), there).await;
}
