//! Apps and desks of different ages: nothing is lost by an update that came late.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    noise,
    phone::{Phone, Switch, comment, registered, said, with_the_desk},
};

#[tokio::test]
async fn an_app_that_is_too_old_says_so_and_keeps_every_word_and_file_until_it_is_updated() {
    let desk = Desk::open("An app that is too old").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    desk.teller.section("the desk was updated, the phone was not");
    let too_old = Fate::Instead {
        status: 426,
        ours: true,
        header: None,
        body: "{\"code\":\"too_old\",\"detail\":\"\"}",
    };
    olena.net.always("/", too_old.clone());
    let file = olena.attach("lock.png", &noise(3, 50_000)).await;
    let words =
        NewReply { text: "a photo".into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    olena.app.reply(key.clone(), words).await.expect("it is kept");
    let paused = SyncState::Paused { why: PausedReason::AppTooOld };
    olena.accounts("that the app is too old", |accounts| accounts[0].sync == paused).await;
    let waits = |view: &TicketView| {
        comment(view, "a photo").is_some_and(|comment| {
            matches!(comment.delivery, Some(Delivery::Saved { waits_for: WaitsFor::NewerApp, .. }))
        })
    };
    olena.shows(&key, "what it waits for", waits).await;
    olena.reply(&key, "written meanwhile").await;
    let asked = olena.net.count();
    olena.time.advance(std::time::Duration::from_secs(3_600));
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let asked = olena.net.count() - asked;
    assert!(asked <= 3, "a desk that will not speak to it was asked {asked} times");

    desk.teller.section("killed, started: still too old, still all there");
    let off = olena.dead().await;
    let olena = off.opened(Switch { offline: true, ..Switch::default() }).await;
    olena.net.always("/", too_old);
    olena.app.set_offline(false);
    olena.accounts("that the app is too old", |accounts| accounts[0].sync == paused).await;
    let view = olena.sees(&key).await;
    assert!(comment(&view, "written meanwhile").is_some() && comment(&view, "a photo").is_some());

    desk.teller.section("updated");
    let olena = olena.restarted(Switch::default()).await;
    olena
        .shows(&key, "both with the desk", |view| said(view, "a photo") && said(view, "written meanwhile"))
        .await;
    olena
        .shows(&key, "the file with the desk", |view| {
            comment(view, "a photo")
                .is_some_and(|comment| with_the_desk(comment.attachments[0].delivery.as_ref()))
        })
        .await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    assert_eq!(seen["comments"].as_array().expect("comments").len(), 2, "each of them once");
}
