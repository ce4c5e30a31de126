//! A week without the server.

use std::time::Duration;

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, Switch, registered, said},
};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_week_without_the_server_costs_no_word_and_little_battery() {
    let mut desk = Desk::open("A week without the server").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Before the week", "The server will go.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;

    desk.teller.section("the server is gone; Olena goes on writing");
    desk.stop().await;
    let mut words = Vec::new();
    let mut seen = olena.net.count();
    let began = seen;
    let week = 7 * 24;
    for hour in 0..week {
        if hour % 24 == 9 {
            let text = format!("day {}", hour / 24 + 1);
            olena.reply(&key, &text).await;
            words.push(text);
        }
        olena.time.advance(HOUR);
        // It tries again by itself within the hour: nothing but the clock wakes it. Where the hour passed while a try
        // was just ending, the next one is due within five minutes of the new time.
        let mut minutes = 0;
        while olena.net.count() == seen {
            assert!(minutes < 60, "the phone no longer tries");
            tokio::time::sleep(Duration::from_millis(5)).await;
            if olena.net.count() == seen && hour_is_over(&olena, seen).await {
                olena.time.advance(Duration::from_secs(60));
                minutes += 1;
            }
        }
        seen = olena.net.count();
    }
    let new = olena.file("In the week", "Nobody answers.").await;
    let tries = olena.net.count() - began;
    assert!(tries < week * 30, "{tries} requests in {week} hours are no back-off");
    let view = olena.sees(&key).await;
    let now = olena.time.wall();
    for comment in &view.comments {
        match comment.delivery {
            Some(Delivery::Saved { .. } | Delivery::Sending { .. }) => {}
            Some(Delivery::Retrying { next, .. }) => {
                assert!(
                    next <= now + 300_000,
                    "{:?} is tried in {} s only",
                    comment.text,
                    (next - now) / 1000
                );
            }
            ref other => panic!("{:?} is {other:?}", comment.text),
        }
    }
    let olena = olena.killed(Switch::default()).await;
    let shown = olena.sees(&key).await;
    assert_eq!(shown.comments.iter().map(|c| c.text.clone()).collect::<Vec<_>>(), words, "{shown:#?}");

    desk.teller.section("the server is back, and nobody tells the phone");
    desk.start().await;
    // In steps: jitter, a refresh of the token and the pushes each have their wake-up.
    let all_there = async {
        olena.shows(&key, "every word with the desk", |view| words.iter().all(|text| said(view, text))).await;
        olena.shows(&new, "a number", |view| registered(view.summary.delivery.as_ref())).await
    };
    olena.meanwhile(Duration::from_secs(10), all_there).await;
    let there = desk.staff().ticket(&key.id).await.expect("staff");
    let said: Vec<_> =
        there["comments"].as_array().expect("comments").iter().map(|c| c["text"].clone()).collect();
    assert_eq!(said, words, "in order, each once");
}

/// Whether the phone has had time, by the real clock, to notice the new hour, and has not tried.
async fn hour_is_over(phone: &Phone, seen: usize) -> bool {
    tokio::time::sleep(Duration::from_millis(200)).await;
    phone.net.count() == seen
}

#[tokio::test]
async fn a_clock_set_wrong_holds_no_word_back() {
    let desk = Desk::open("A wrong clock").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The clock", "It is wrong.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;

    desk.teller.section("a year ahead while a try fails, then right again: the next try is not in a year");
    olena.net.always("/sync", Fate::Lost);
    olena.time.set_wrong_by(365 * 24 * 3_600_000);
    olena.app.signal(Signal::ClockChanged);
    olena.reply(&key, "from next year").await;
    olena
        .outbox("a try that failed", |items| {
            items.iter().any(|item| matches!(item.delivery, Delivery::Retrying { .. }))
        })
        .await;
    olena.time.set_wrong_by(0);
    let olena = olena.killed(Switch::default()).await;
    olena.net.mend();
    olena.time.advance(Duration::from_secs(301));
    olena.shows(&key, "the words with the desk", |view| said(view, "from next year")).await;
}
