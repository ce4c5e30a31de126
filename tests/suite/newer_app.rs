//! A folder that an app of a later release wrote, opened by this one: it says what to do, changes nothing, and loses
//! nothing; back on the later release everything goes out, once.

use std::path::Path;

use pocketdesk_domain::outbox::LaneKey;
use pocketdesk_ffi::{DeskError, SignInError, model::*};
use pocketdesk_tests::{
    desk::Desk,
    net::DESK_ADDRESS,
    noise,
    phone::{ADDED_LATER, Phone, Switch, registered, with_the_desk},
};

use crate::bad_input::{account_dir, add, new_op, store_of};

const REPLIES: usize = 200;
const NEWER: Switch = Switch { offline: false, by_hand: false, keeps: None, newer: true, trusts: None };

/// Every byte of own.db and its log.
fn bytes_of(data: &Path) -> [Vec<u8>; 2] {
    ["own.db", "own.db-wal"].map(|name| std::fs::read(account_dir(data).join(name)).unwrap_or_default())
}

fn waits_for_a_newer_app(item: &OutboxItem) -> bool {
    matches!(item.delivery, Delivery::Saved { waits_for: WaitsFor::NewerApp, .. })
}

#[tokio::test]
async fn an_older_app_on_a_newer_ones_folder_says_so_changes_nothing_and_every_word_goes_out_later_once() {
    let desk = Desk::open("Back to an older app with a full outbox").await;
    let olena = Phone::new("Olena", &desk).await;
    let account = olena.sign_in(&desk, "olena@shop.example").await.account;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;

    desk.teller.section("updated: a full outbox, with something only the later release knows");
    let olena = olena.restarted(Switch { offline: true, ..NEWER }).await;
    let file = olena.attach("lock.png", &noise(3, 50_000)).await;
    olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
    let texts: Vec<String> = (0..REPLIES).map(|n| format!("reply {n}")).collect();
    for text in &texts {
        olena.reply(&key, text).await;
    }
    let draft = NewDraft { ticket: Some(key.id.clone()), text: "perhaps".into(), ..NewDraft::default() };
    olena.app.save_draft(None, draft).await.expect("it is kept");
    let off = olena.closed().await;
    let ticket: uuid::Uuid = key.id.parse().expect("an id");
    let song = serde_json::json!({"ticket": ticket, "notes": "c d e", "made_at": 5});
    let mut song = new_op(1, "comment.sing", ticket, &song);
    song.lane = LaneKey(format!("songs:{ticket}"));
    add(&mut store_of(&off, ADDED_LATER), vec![song.clone()]);
    let before = bytes_of(&off.data());

    desk.teller.section("back to the older app, with a connection");
    let olena = off.opened(Switch::default()).await;
    let paused = SyncState::Paused { why: PausedReason::AppTooOld };
    let seen = olena.accounts("what to do", |accounts| accounts[0].sync == paused).await;
    assert_eq!((seen[0].unsent as usize, seen[0].drafts), (REPLIES + 2, 1));
    let waiting = olena.outbox("all that waits", |items| items.len() == REPLIES + 2).await;
    assert!(waiting.iter().all(waits_for_a_newer_app), "{waiting:#?}");
    let words = NewReply { text: "with the older app".into(), ..NewReply::default() };
    let refused = olena.app.reply(key.clone(), words).await.expect_err("nothing is written");
    assert!(matches!(refused, DeskError::ReadOnly { .. }), "{refused:?}");
    assert!(refused.to_string().ends_with("update the app"), "{refused}");
    let ticket = NewTicket { subject: "New".into(), description: "words".into(), ..NewTicket::default() };
    let refused = olena.app.submit_ticket(None, ticket).await.expect_err("nothing is written");
    assert!(matches!(refused, DeskError::ReadOnly { .. }), "{refused:?}");
    let refused = olena.app.sign_out(account.clone(), true).await.expect_err("it would take the words");
    assert!(matches!(refused, DeskError::ReadOnly { .. }), "{refused:?}");
    let email = "olena@shop.example".to_owned();
    let refused = olena.app.start_sign_in(DESK_ADDRESS.into(), email).await.expect_err("not beside it");
    assert_eq!(refused, SignInError::AppTooOld);
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let to = scratch.path().join("everything");
    olena.app.export(account, to.display().to_string()).await.expect("it can be exported");
    let outbox = std::fs::read_to_string(to.join("outbox.jsonl")).expect("it is there");
    assert!(texts.iter().all(|text| outbox.contains(text)) && outbox.contains("comment.sing"), "{outbox}");
    assert_eq!(olena.net.count(), 0, "the desk was asked");
    let off = olena.dead().await;
    assert!(bytes_of(&off.data()) == before, "own.db was changed");
    let off = off.opened(Switch::default()).await.closed().await;
    assert!(bytes_of(&off.data()) == before, "own.db was changed on closing");

    desk.teller.section("updated again: everything goes, once; what this release does not know is as it was");
    let olena = off.opened(NEWER).await;
    olena
        .outbox("only what it does not know", |items| items.len() == 1 && waits_for_a_newer_app(&items[0]))
        .await;
    olena
        .shows(&key, "the file with the desk", |view| {
            view.attachments.iter().any(|file| with_the_desk(file.delivery.as_ref()))
        })
        .await;
    let off = olena.closed().await;
    let kept = store_of(&off, ADDED_LATER)
        .read(|snapshot| snapshot.own().op(song.op))
        .expect("it can be read")
        .expect("it is there");
    assert_eq!((&kept.body, &kept.sha256, kept.starts), (&song.body, &song.sha256, 0));
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    let comments = seen["comments"].as_array().expect("comments");
    let said: Vec<_> = comments.iter().map(|comment| comment["text"].as_str().expect("words")).collect();
    assert_eq!(said, texts, "each once, in order");
}

#[tokio::test]
async fn an_app_that_runs_while_a_newer_one_takes_its_folder_leaves_it_the_words_and_the_sending() {
    let desk = Desk::open("A newer app beside an older one").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    olena.app.set_offline(true);
    olena.reply(&key, "with the older app").await;
    let newer = olena.beside(NEWER).await;
    newer.reply(&key, "with the newer app").await;
    let paused = SyncState::Paused { why: PausedReason::AppTooOld };
    olena.accounts("what to do", |accounts| accounts[0].sync == paused).await;
    let words = NewReply { text: "too late".into(), ..NewReply::default() };
    let refused = olena.app.reply(key.clone(), words).await.expect_err("nothing is written");
    assert!(matches!(refused, DeskError::ReadOnly { .. }), "{refused:?}");
    newer.outbox("nothing to send", <[_]>::is_empty).await;
    let seen = desk.staff().ticket(&key.id).await.expect("staff");
    let comments = seen["comments"].as_array().expect("comments");
    let said: Vec<_> = comments.iter().map(|comment| comment["text"].as_str().expect("words")).collect();
    assert_eq!(said, ["with the older app", "with the newer app"], "each once, in order");
}
