//! Servers of two releases on one PostgreSQL: a newer one comes while an older one runs, phones meet both, and the newer
//! one is taken away again. The newer one is this server with one migration more, done by its own start.

use std::time::Duration;

use pocketdesk_ffi::model::*;
use pocketdesk_server::{
    config::Secret,
    store::{
        StoreConfig,
        migrate::{MIGRATIONS, Migration, SCHEMA},
    },
    testing::postgres,
};
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    noise,
    phone::{Phone, Switch, comment, registered, said, with_the_desk},
};

/// What the next release adds to tables that are written all the time.
const ADDS: &str = "ALTER TABLE ticket ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
    ALTER TABLE comment ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
    ALTER TABLE journal_item ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
    ALTER TABLE upload ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
    CREATE TABLE reminder (id {key} NOT NULL PRIMARY KEY, at {int} NOT NULL DEFAULT 0){strict};";

/// The next release's migrations; `serves` is the oldest release that may work beside it.
fn next_release(serves: i64) -> &'static [Migration] {
    Box::leak([MIGRATIONS, &[Migration { sql: ADDS, serves }]].concat().into_boxed_slice())
}

async fn desk_on_postgres(title: &str) -> Option<Desk> {
    let Some(StoreConfig::Postgres(url)) = postgres::database().await else { return None };
    let mut desk = Desk::open(title).await;
    desk.reconfigured(|config| config.database = Some(Secret(url))).await;
    Some(desk)
}

fn texts_of(ticket: &serde_json::Value) -> Vec<String> {
    let comments = ticket["comments"].as_array().expect("a ticket has comments");
    comments.iter().map(|comment| comment["text"].as_str().expect("words").to_owned()).collect()
}

#[tokio::test]
async fn a_phone_that_meets_servers_of_two_releases_loses_nothing_and_files_nothing_twice() {
    let Some(mut desk) = desk_on_postgres("A rolling upgrade and back").await else { return };
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    let older = desk.address();

    desk.teller.section("a newer server comes while she writes; every few words another of the two answers");
    let mut texts = Vec::new();
    let mut newer = None;
    let file = olena.attach("lock.png", &noise(7, 3_000_000)).await;
    for n in 0..40 {
        let text = format!("reply {n}");
        olena.reply(&key, &text).await;
        texts.push(text);
        match n {
            // Its migration runs against the older one's open transactions and prepared statements.
            5 => newer = Some(desk.beside(next_release(SCHEMA)).await),
            8 => drop(olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept")),
            _ => {}
        }
        if let Some(newer) = &newer
            && n % 3 == 0
        {
            desk.leads_to(if n % 2 == 0 { &newer.address } else { &older });
            olena.net.next(1, "/sync", if n % 4 == 0 { Fate::AnswerLost } else { Fate::Twice });
            olena.app.signal(Signal::Online { network: format!("way {n}"), metered: false });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let newer = newer.expect("it came");
    let last = texts.last().expect("she wrote").clone();
    olena.shows(&key, "the last one with the desk", |view| said(view, &last)).await;
    olena
        .shows(&key, "the photo with the desk", |view| {
            view.attachments.iter().any(|file| with_the_desk(file.delivery.as_ref()))
        })
        .await;
    desk.leads_to(&newer.address);
    olena.app.signal(Signal::Online { network: "the newer one's".into(), metered: false });
    // Staff still speak to the older one.
    desk.staff().reply(&key.id, "said at the older one").await.expect("staff");
    let heard = olena.shows(&key, "what was said at the older one", |view| {
        comment(view, "said at the older one").is_some()
    });
    olena.meanwhile(Duration::from_secs(5), heard).await;

    desk.teller.section("rolled back: the newer one goes, the older one starts again on the newer schema");
    olena.app.set_offline(true);
    for n in 0..100 {
        let text = format!("meanwhile {n}");
        olena.reply(&key, &text).await;
        texts.push(text);
    }
    newer.stop().await;
    desk.stop().await;
    desk.start().await;
    olena.app.set_offline(false);
    olena.rests().await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    let said: Vec<_> = texts_of(&seen).into_iter().filter(|text| text != "said at the older one").collect();
    assert_eq!(said, texts, "each once, in order");
    assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), noise(7, 3_000_000));
    let all = desk.staff().tickets().await.expect("staff");
    assert_eq!(all["tickets"].as_array().or(all.as_array()).map(Vec::len), Some(1), "{all}");
}

#[tokio::test]
async fn a_server_that_a_newer_one_does_not_suffer_stops_at_once_and_phones_keep_everything_for_the_newer() {
    let Some(mut desk) = desk_on_postgres("An update that older servers cannot live with").await else {
        return;
    };
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;

    let newer = desk.beside(next_release(SCHEMA + 1)).await;
    let older = desk.address();
    let stands_down = async {
        while reqwest::get(format!("{older}/health")).await.expect("it listens").status() != 503 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), stands_down).await.expect("the older one stands down");
    for n in 0..50 {
        olena.reply(&key, &format!("reply {n}")).await;
    }
    let waits = |view: &TicketView| {
        comment(view, "reply 0")
            .is_some_and(|comment| matches!(comment.delivery, Some(Delivery::Retrying { .. })))
    };
    olena.shows(&key, "that it waits for the desk", waits).await;
    desk.stop().await;
    let why = desk.does_not_start().await;
    assert!(why.contains("newer version of the server") && why.contains("nothing was changed"), "{why}");

    desk.teller.section("the newer one answers");
    desk.leads_to(&newer.address);
    let olena = olena.killed(Switch::default()).await;
    olena.meanwhile(Duration::from_secs(5), olena.rests()).await;
    let view = olena.sees(&key).await;
    let shown: Vec<_> = view.comments.iter().map(|comment| comment.text.clone()).collect();
    assert_eq!(shown, (0..50).map(|n| format!("reply {n}")).collect::<Vec<_>>(), "each once, in order");
    newer.stop().await;
}
