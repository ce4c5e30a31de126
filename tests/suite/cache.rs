//! The cache may go at any moment and comes back by itself; what was deleted at the desk does not.

use std::path::PathBuf;

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, Switch, comment, registered, remedies, said},
};

/// Every file of a phone whose name says it belongs to a cache.
fn cache_files(data: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of the phone") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("cache"))
            {
                found.push(path);
            }
        }
    }
    found
}

async fn with_tickets(desk: &Desk) -> (Phone, Vec<TicketKey>) {
    let olena = Phone::new("Olena", desk).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let mut keys = Vec::new();
    for (subject, text) in [("Roof", "It leaks."), ("Floor", "It is wet.")] {
        let key = olena.file(subject, text).await;
        olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
        keys.push(key);
    }
    olena.reply(&keys[0], "more since the rain").await;
    olena.shows(&keys[0], "it with the desk", |view| said(view, "more since the rain")).await;
    desk.staff().reply(&keys[0].id, "We are coming").await.expect("staff");
    olena.shows(&keys[0], "the answer", |view| comment(view, "We are coming").is_some()).await;
    olena.rests().await;
    (olena, keys)
}

fn texts(view: &TicketView) -> Vec<&str> {
    view.comments.iter().map(|comment| comment.text.as_str()).collect()
}

#[tokio::test]
async fn a_cache_that_was_lost_while_the_app_was_closed_comes_back_whole() {
    let desk = Desk::open("A lost cache").await;
    let (olena, keys) = with_tickets(&desk).await;
    olena.app.set_offline(true);
    olena.reply(&keys[1], "not sent yet").await;
    let off = olena.closed().await;
    let files = cache_files(off.data());
    assert!(!files.is_empty(), "the test does not find the cache");
    for file in &files {
        std::fs::remove_file(file).expect("the cache can be deleted");
    }

    desk.teller.section("without a connection her own words are still there, the kept ones too");
    let olena = off.opened(Switch { offline: true, ..Switch::default() }).await;
    let view = olena.sees(&keys[0]).await;
    assert_eq!(view.description, "It leaks.");
    assert!(comment(&view, "more since the rain").is_some(), "{view:#?}");
    assert!(comment(&olena.sees(&keys[1]).await, "not sent yet").is_some());

    desk.teller.section("with one, everything");
    olena.app.set_offline(false);
    let view =
        olena.shows(&keys[0], "the answer again", |view| comment(view, "We are coming").is_some()).await;
    assert_eq!(texts(&view), ["more since the rain", "We are coming"]);
    olena.shows(&keys[1], "the unsent words with the desk", |view| said(view, "not sent yet")).await;
    let page = olena.lists("both tickets", |page| page.total == 2 && !page.loading).await;
    assert_eq!(page.tickets.len(), 2);
    let hits = olena.app.search(None, "coming".into(), false, 10).await.expect("it searches");
    assert_eq!(hits.len(), 1, "search came back, too: {hits:#?}");
}

#[tokio::test]
async fn a_cache_that_is_deleted_under_the_running_app_comes_back_whole() {
    let desk = Desk::open("A cache deleted under the app").await;
    let (olena, keys) = with_tickets(&desk).await;
    for file in cache_files(olena.data()) {
        std::fs::remove_file(file).expect("the cache can be deleted");
    }
    olena.reply(&keys[1], "after the loss").await;
    olena.shows(&keys[1], "it with the desk", |view| said(view, "after the loss")).await;
    let olena = olena.killed(Switch::default()).await;
    let view = olena
        .shows(&keys[0], "everything", |view| {
            said(view, "more since the rain") && comment(view, "We are coming").is_some()
        })
        .await;
    assert_eq!(texts(&view), ["more since the rain", "We are coming"]);
    let view = olena.shows(&keys[1], "everything", |view| said(view, "after the loss")).await;
    assert_eq!(texts(&view), ["after the loss"]);
}

#[tokio::test]
async fn a_cache_that_is_overwritten_with_rubbish_is_built_anew() {
    let desk = Desk::open("A damaged cache").await;
    let (olena, keys) = with_tickets(&desk).await;
    let off = olena.closed().await;
    for file in cache_files(off.data()) {
        let length = std::fs::metadata(&file).expect("it is there").len();
        std::fs::write(&file, vec![0x5a; usize::try_from(length).expect("it is small")])
            .expect("it can be written");
    }
    let olena = off.opened(Switch::default()).await;
    let view =
        olena.shows(&keys[0], "the answer again", |view| comment(view, "We are coming").is_some()).await;
    assert_eq!(texts(&view), ["more since the rain", "We are coming"]);
    olena.lists("both tickets", |page| page.total == 2 && !page.loading).await;
}

#[tokio::test]
async fn a_cache_cut_at_every_part_of_its_building_ends_whole() {
    let desk = Desk::open("A reset that is cut").await;
    let (olena, keys) = with_tickets(&desk).await;
    let off = olena.closed().await;
    for file in cache_files(off.data()) {
        std::fs::remove_file(file).expect("the cache can be deleted");
    }
    let mut olena = off.opened(Switch { offline: true, ..Switch::default() }).await;
    for _ in 0..4 {
        olena = olena.killed(Switch { offline: true, ..Switch::default() }).await;
        olena.net.next(1, "/snapshot", Fate::AnswerLost);
        let seen = olena.net.count();
        olena.app.set_offline(false);
        olena.net.more_than(seen).await;
    }
    olena = olena.killed(Switch::default()).await;
    let view = olena.shows(&keys[0], "everything", |view| comment(view, "We are coming").is_some()).await;
    assert_eq!(texts(&view), ["more since the rain", "We are coming"]);
    olena.lists("both tickets", |page| page.total == 2 && !page.loading).await;
    olena.rests().await;
    assert!(
        cache_files(olena.data()).iter().filter(|path| path.extension().is_some_and(|e| e == "db")).count()
            <= 1
    );
}

#[tokio::test]
async fn a_comment_that_was_deleted_does_not_return_with_a_new_cache() {
    let desk = Desk::open("A deleted comment").await;
    let (olena, keys) = with_tickets(&desk).await;
    let view = olena.sees(&keys[0]).await;
    let mine = comment(&view, "more since the rain").expect("it is there").id.clone();

    desk.teller.section("a moderator deletes Olena's acknowledged words: she sees so");
    desk.delete_comment(&mine).await;
    olena.shows(&keys[0], "it gone", |view| comment(view, "more since the rain").is_none()).await;
    olena.rests().await;

    desk.teller.section("her phone still keeps the op; a new cache must not show it as words on their way");
    let off = olena.closed().await;
    for file in cache_files(off.data()) {
        std::fs::remove_file(file).expect("the cache can be deleted");
    }
    let olena = off.opened(Switch::default()).await;
    let view = olena.shows(&keys[0], "the answer alone", |view| texts(view) == ["We are coming"]).await;
    assert!(view.summary.pending.is_none(), "{view:#?}");
    olena.rests().await;
    assert_eq!(texts(&olena.sees(&keys[0]).await), ["We are coming"]);
    assert!(olena.app.search(None, "rain".into(), false, 10).await.expect("it searches").is_empty());
    let seen = desk.staff().ticket(&keys[0].id).await.expect("staff").to_string();
    assert!(!seen.contains("since the rain"), "it came back at the desk: {seen}");
}

#[tokio::test]
async fn words_for_a_ticket_that_was_deleted_can_be_filed_anew() {
    let desk = Desk::open("A deleted ticket").await;
    let (olena, keys) = with_tickets(&desk).await;
    olena.app.set_offline(true);
    olena.reply(&keys[0], "and the wall is wet").await;
    desk.delete_ticket(&keys[0].id).await;
    olena.app.set_offline(false);
    let items = olena
        .outbox("words that need her", |items| {
            items.iter().any(|item| !remedies(Some(&item.delivery)).is_empty())
        })
        .await;
    assert_eq!(items[0].text, "and the wall is wet");
    match &items[0].delivery {
        Delivery::Attention { why: AttentionReason::Rejected { code, .. }, remedies } => {
            assert_eq!(code, "ticket_gone");
            assert!(remedies.contains(&Remedy::FileAnew), "{remedies:?}");
        }
        other => panic!("{other:?}"),
    }
    olena.lists("the other ticket", |page| page.tickets.iter().any(|ticket| ticket.key == keys[1])).await;
    olena.app.discard(None, items[0].op.clone()).await.expect("it is let go");
    olena.lists("the other ticket alone", |page| page.total == 1).await;
    let drafts = olena.app.drafts(None).await.expect("drafts");
    assert_eq!(drafts.iter().map(|draft| draft.text.as_str()).collect::<Vec<_>>(), ["and the wall is wet"]);
}

#[tokio::test]
async fn erased_words_leave_every_copy_on_the_phone() {
    let desk = Desk::open("Erased words").await;
    let (olena, keys) = with_tickets(&desk).await;
    desk.teller.section("with words about it still unsent, and a draft");
    olena.app.set_offline(true);
    olena.reply(&keys[0], "the ceiling, too").await;
    let draft =
        NewDraft { ticket: Some(keys[0].id.clone()), text: "and the lamp".into(), ..NewDraft::default() };
    olena.app.save_draft(None, draft).await.expect("it is kept");
    desk.erase_ticket(&keys[0].id).await;
    olena.app.set_offline(false);
    olena.loses(&keys[0], "it was erased").await;
    olena.rests().await;
    assert!(olena.app.drafts(None).await.expect("drafts").is_empty());
    for query in ["leaks", "rain", "coming", "ceiling", "lamp"] {
        let hits = olena.app.search(None, query.into(), false, 10).await.expect("it searches");
        assert!(hits.is_empty(), "{query}: {hits:#?}");
    }
    let off = olena.closed().await;
    for file in cache_files(off.data()) {
        std::fs::remove_file(file).expect("the cache can be deleted");
    }
    let olena = off.opened(Switch::default()).await;
    olena.lists("the other ticket alone", |page| page.total == 1 && !page.loading).await;
    assert!(olena.app.ticket(keys[0].clone()).await.is_err());
}
