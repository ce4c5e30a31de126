//! News through proxies that do not like streams: one that cuts them, one that holds them back for ever, one that
//! falls silent later. They come within the times of 3-sync rule 10 all the same, and nobody is asked without end.

use std::time::Duration;

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, comment, registered},
};

/// A reachability signal's minute, and a long-poll's moment.
const WITHIN: u64 = 70_000;

async fn with_a_ticket(desk: &Desk) -> (Phone, TicketKey) {
    let olena = Phone::new("Olena", desk).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    (olena, key)
}

/// Lets time pass while something is waited for: two seconds of the journey in each 50 ms.
async fn meanwhile<T>(phone: &Phone, wait: impl Future<Output = T>) -> T {
    let passing = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            phone.time.advance(Duration::from_secs(2));
        }
    };
    tokio::select! { done = wait => done, () = passing => unreachable!("time passes without end") }
}

async fn passes(phone: &Phone, time: Duration) {
    let until = phone.time.elapsed() + u64::try_from(time.as_millis()).expect("short");
    let wait = async {
        while phone.time.elapsed() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    meanwhile(phone, wait).await;
}

fn asked(phone: &Phone, path: &str) -> usize {
    phone.net.asked().iter().filter(|asked| asked.path == path).count()
}

/// Staff says it, and she sees it in time.
async fn hears(desk: &Desk, olena: &Phone, key: &TicketKey, text: &str) {
    desk.staff().reply(&key.id, text).await.expect("staff");
    let said = olena.time.elapsed();
    meanwhile(olena, olena.shows(key, text, |view| comment(view, text).is_some())).await;
    let took = olena.time.elapsed() - said;
    assert!(took <= WITHIN, "{text:?} took {took} ms");
}

/// From now on `/live` meets this fate, on a network of its own.
fn behind(olena: &Phone, name: &str, fate: Fate) {
    olena.net.always("/live", fate);
    olena.app.set_offline(true);
    olena.app.set_offline(false);
    olena.app.signal(Signal::Online { network: name.into(), metered: false });
    olena.app.signal(Signal::Foreground);
}

#[tokio::test]
async fn news_come_through_a_proxy_that_cuts_streams() {
    let desk = Desk::open("A proxy that cuts").await;
    let (olena, key) = with_a_ticket(&desk).await;
    // Not even the hello gets through whole; later all of it, and nothing more.
    for (name, bytes) in [("in the hello", 20), ("after the hello", 400)] {
        desk.teller.section(name);
        behind(&olena, name, Fate::CutAfter(bytes));
        for n in 0..3 {
            hears(&desk, &olena, &key, &format!("{name} {n}")).await;
            passes(&olena, Duration::from_secs(20)).await;
        }
        let before = olena.net.count();
        passes(&olena, Duration::from_secs(180)).await;
        let requests = olena.net.count() - before;
        assert!(requests <= 40, "{requests} requests in three minutes");
        olena.net.mend();
    }
}

#[tokio::test]
async fn news_come_through_a_proxy_that_holds_streams_back_for_ever() {
    let desk = Desk::open("A proxy that buffers").await;
    let (olena, key) = with_a_ticket(&desk).await;
    behind(&olena, "the office", Fate::StallsAfter(0));
    let streams = asked(&olena, "/live");
    passes(&olena, Duration::from_secs(10)).await;
    for n in 0..3 {
        hears(&desk, &olena, &key, &format!("news {n}")).await;
    }
    let polls = asked(&olena, "/pull");
    passes(&olena, Duration::from_secs(600)).await;
    let polls = asked(&olena, "/pull") - polls;
    assert!((8..=60).contains(&polls), "{polls} long-polls in ten minutes");
    let streams = asked(&olena, "/live") - streams;
    assert!(streams <= 2, "{streams} streams were opened on a network that is known to hold them back");

    desk.teller.section("an hour later, or on another network, a stream is tried again");
    olena.net.mend();
    let before = asked(&olena, "/live");
    olena.app.signal(Signal::Online { network: "home".into(), metered: false });
    passes(&olena, Duration::from_secs(60)).await;
    assert!(asked(&olena, "/live") > before, "nobody tried");
    hears(&desk, &olena, &key, "at home").await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_noticed() {
    let desk = Desk::open("A stream that falls silent").await;
    let (olena, key) = with_a_ticket(&desk).await;
    behind(&olena, "the train", Fate::StallsAfter(2_000));
    hears(&desk, &olena, &key, "first").await;
    for n in 0..3 {
        // By now every stream is full and silent.
        passes(&olena, Duration::from_secs(120)).await;
        hears(&desk, &olena, &key, &format!("later {n}")).await;
    }
}
