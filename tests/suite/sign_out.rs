//! Signing out with unsent work, on a phone that another person uses next.

use pocketdesk_ffi::{DeskError, Unbound, model::*};
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, comment, registered, said, with_the_desk},
};

const SECRET_WORDS: &str = "the safe code is forty-two";

#[tokio::test]
async fn signing_out_leaves_no_word_behind_unasked_and_loses_none_when_forced() {
    let desk = Desk::open("Sign-out with unsent work").await;
    let phone = Phone::new("Olena", &desk).await;
    let olena = phone.sign_in(&desk, "olena@shop.example").await;
    let key = phone.file("The safe", "It does not open.").await;
    phone.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    phone.rests().await;

    desk.teller.section("no connection: a reply with a file, and a draft");
    phone.app.set_offline(true);
    let file = phone.attach("safe.txt", b"left 4, right 2, left 42").await;
    let reply =
        NewReply { text: SECRET_WORDS.into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    phone.app.reply(key.clone(), reply).await.expect("it is kept");
    let draft = NewDraft { ticket: Some(key.id.clone()), text: "and also".into(), ..NewDraft::default() };
    phone.app.save_draft(None, draft).await.expect("it is kept");
    let unsent = Unsent { ops: 1, files: 1, drafts: 1 };
    assert_eq!(phone.app.unsent(olena.account.clone()).await.expect("it counts"), unsent);

    desk.teller.section("signing out is refused, with the count");
    phone.app.set_offline(false);
    phone.net.cut();
    let refused = phone.app.sign_out(olena.account.clone(), false).await;
    assert_eq!(refused, Err(DeskError::WouldLeaveWords { ops: 1, files: 1, drafts: 1 }));
    assert!(comment(&phone.sees(&key).await, SECRET_WORDS).is_some(), "nothing was touched");

    desk.teller.section("forced: the words wait");
    assert_eq!(phone.app.sign_out(olena.account.clone(), true).await.expect("she is out"), unsent);
    phone.net.mend();

    desk.teller.section("Max signs in on the same phone and sees no byte of it");
    let max = phone.sign_in_with(&desk, "max@shop.example", Unbound::Ask).await.expect("the code is right");
    assert_ne!(max.account, olena.account);
    let his = phone
        .app
        .submit_ticket(
            Some(max.account.clone()),
            NewTicket { subject: "Mine".into(), description: "Max's".into(), ..NewTicket::default() },
        )
        .await
        .expect("it is filed");
    phone.shows(&his, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    let of_max = TicketFilter { account: Some(max.account.clone()), ..TicketFilter::default() };
    let page = phone.app.tickets(of_max, 0, 10).await.expect("his inbox");
    assert_eq!(page.tickets.iter().map(|ticket| &ticket.key).collect::<Vec<_>>(), [&his]);
    for account in [Some(max.account.clone()), None] {
        let whose = |shown: &str| format!("{shown} of {account:?} shows Olena's words");
        let hits = phone.app.search(account.clone(), "safe".into(), false, 10).await.unwrap_or_default();
        assert!(hits.is_empty(), "{}: {hits:#?}", whose("search"));
        let outbox = phone.app.outbox(account.clone()).await.unwrap_or_default();
        assert!(outbox.iter().all(|item| item.account == max.account), "{}: {outbox:#?}", whose("outbox"));
        let drafts = phone.app.drafts(account.clone()).await.unwrap_or_default();
        assert!(drafts.iter().all(|draft| draft.account == max.account), "{}: {drafts:#?}", whose("drafts"));
    }
    let read = phone.app.read_attachment(Some(max.account.clone()), file.id.clone(), 0, 100).await;
    assert!(read.is_err(), "Max opened Olena's file: {read:?}");
    assert!(!desk.staff().ticket(&key.id).await.expect("staff").to_string().contains(SECRET_WORDS));

    desk.teller.section("Olena signs in again: it is all there, and goes out");
    let again =
        phone.sign_in_with(&desk, "olena@shop.example", Unbound::Ask).await.expect("the code is right");
    assert_eq!(again.account, olena.account, "it is the same account again");
    let view = phone.shows(&key, "her words with the desk", |view| said(view, SECRET_WORDS)).await;
    assert_eq!(comment(&view, SECRET_WORDS).expect("it was there").attachments.len(), 1);
    phone
        .shows(&key, "her file with the desk", |view| {
            comment(view, SECRET_WORDS).is_some_and(|c| with_the_desk(c.attachments[0].delivery.as_ref()))
        })
        .await;
    let drafts = phone.app.drafts(Some(olena.account.clone())).await.expect("her drafts");
    assert_eq!(drafts.iter().map(|draft| draft.text.as_str()).collect::<Vec<_>>(), ["and also"]);
    assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), b"left 4, right 2, left 42");
}

#[tokio::test]
async fn a_session_ended_from_afar_pauses_and_says_so_and_the_words_wait() {
    let desk = Desk::open("A lost phone").await;
    let lost = Phone::new("the lost phone", &desk).await;
    let olena = lost.sign_in(&desk, "olena@shop.example").await;
    let key = lost.file("Stolen laptop", "From the desk.").await;
    lost.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    let new = Phone::new("the new phone", &desk).await;
    let account = new.sign_in(&desk, "olena@shop.example").await;

    desk.teller.section("Olena ends the lost phone's session from the new one");
    let devices = new.app.devices(account.account.clone()).await.expect("the list of sessions");
    assert_eq!(devices.len(), 2, "{devices:#?}");
    let other = devices.iter().find(|device| !device.current).expect("the other one");
    assert_eq!(other.device, "the lost phone's phone");
    new.app.end_device(account.account.clone(), other.session.clone()).await.expect("it ends");

    desk.teller.section("the lost phone says so, keeps what is unsent, and shows it to her alone");
    lost.reply(&key, "and the charger").await;
    lost.accounts("that it is signed out", |accounts| {
        accounts.iter().any(|a| a.sync == SyncState::Paused { why: PausedReason::SignedOut })
    })
    .await;
    assert_eq!(lost.app.unsent(olena.account.clone()).await.expect("it counts").ops, 1);
    lost.sign_in(&desk, "olena@shop.example").await;
    lost.shows(&key, "her words with the desk", |view| said(view, "and the charger")).await;
}
