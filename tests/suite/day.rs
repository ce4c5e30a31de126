//! The demo's day, in this process.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, Switch, comment, registered, said, saved, with_the_desk},
};

#[tokio::test]
async fn a_day_from_the_basement_to_the_last_mark_loses_no_word() {
    let desk = Desk::open("A requester's day").await;
    let staff = desk.staff();

    desk.teller.section("no connection: Olena files a ticket with a photo, and the app is killed");
    let olena = Phone::switched("Olena", &desk, Switch { offline: true, ..Switch::default() }).await;
    let photo: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let file = olena.attach("till.png", &photo).await;
    let filed = NewTicket {
        subject: "The till is dark".into(),
        description: "It blinks red.".into(),
        attachments: vec![file.id.clone()],
        ..NewTicket::default()
    };
    let key = olena.app.submit_ticket(None, filed).await.expect("it is filed");
    let olena = olena.killed(Switch { offline: true, ..Switch::default() }).await;
    let view = olena.sees(&key).await;
    assert_eq!(view.summary.subject, "The till is dark");
    assert_eq!(view.description, "It blinks red.");
    assert!(saved(view.summary.delivery.as_ref()), "{view:#?}");
    assert!(view.attachments[0].on_phone, "{view:#?}");

    desk.teller.section("connection: she signs in, and what she filed goes out by itself");
    olena.app.set_offline(false);
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.found(&key.id).await;
    let view = olena
        .shows(&key, "№1 and the photo with the desk", |view| {
            view.summary.number.as_deref() == Some("1")
                && registered(view.summary.delivery.as_ref())
                && view.attachments.first().is_some_and(|file| with_the_desk(file.delivery.as_ref()))
        })
        .await;
    assert_eq!(staff.file(&view.attachments[0].id).await.expect("staff open the photo"), photo);

    desk.teller.section("staff answer with a file and move the promise: it appears by itself");
    let promise = desk.time.wall() + 3_600_000;
    staff.assignee(&key.id, "Taras").await.expect("staff");
    staff.deadline(&key.id, promise, None).await.expect("staff");
    staff.deadline(&key.id, promise + 3_600_000, Some("the part comes at noon")).await.expect("staff");
    staff.note(&key.id, "fuse box first").await.expect("staff");
    staff
        .reply_with_file(&key.id, "Unplug it, see the sheet.", "reset.txt", b"1. Unplug.")
        .await
        .expect("staff");
    let view = olena
        .shows(&key, "the reply and the moved promise", |view| {
            comment(view, "Unplug it, see the sheet.").is_some_and(|reply| reply.attachments.len() == 1)
                && view.deadline.as_ref().is_some_and(|deadline| deadline.moved_from == Some(promise))
        })
        .await;
    assert_eq!(view.assignee.as_deref(), Some("Taras"));
    assert!(view.summary.unread > 0, "{view:#?}");
    assert!(!format!("{view:?}").contains("fuse box"), "an internal note reached the phone: {view:#?}");
    let sheet = &comment(&view, "Unplug it, see the sheet.").expect("it was there").attachments[0];
    assert_eq!(olena.bytes_of(&key.account, &sheet.id).await, b"1. Unplug.");
    olena.app.mark_read(key.clone()).await.expect("it is marked");
    olena.shows(&key, "nothing unread", |view| view.summary.unread == 0).await;

    desk.teller.section("a tunnel: one reply without a connection, one after it");
    olena.app.set_offline(true);
    olena.reply(&key, "Unplugged. Still red.").await;
    let view = olena.sees(&key).await;
    assert!(saved(comment(&view, "Unplugged. Still red.").and_then(|c| c.delivery.as_ref())), "{view:#?}");
    olena.app.set_offline(false);
    olena.reply(&key, "Now the screen is dark, too.").await;
    let view = olena
        .shows(&key, "both with the desk", |view| {
            said(view, "Unplugged. Still red.") && said(view, "Now the screen is dark, too.")
        })
        .await;
    let order: Vec<&str> = view.comments.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(order, ["Unplug it, see the sheet.", "Unplugged. Still red.", "Now the screen is dark, too."]);

    desk.teller.section("solved, not solved, solved, confirmed, rated");
    staff.status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "the question whether it is fixed", |view| view.can_confirm && view.can_reopen).await;
    olena.app.reopen(key.clone(), "It went dark again.".into()).await.expect("she may");
    olena
        .shows(&key, "the ticket open again", |view| {
            view.summary.status == TicketStatus::Open && view.requests.is_empty()
        })
        .await;
    staff.status(&key.id, "solved").await.expect("staff");
    staff.ask_rating(&key.id).await.expect("staff");
    olena.shows(&key, "the question for a mark", |view| view.can_confirm && view.rating_asked).await;
    olena.app.confirm(key.clone()).await.expect("she may");
    olena.app.rate(key.clone(), 5, Some("Quick and kind".into())).await.expect("she may");
    olena.rests().await;
    let view = olena.sees(&key).await;
    assert_eq!(view.rating.as_ref().map(|rating| rating.value), Some(5), "{view:#?}");
    assert!(view.requests.is_empty(), "{view:#?}");
    let seen = staff.ticket(&key.id).await.expect("staff").to_string();
    assert!(seen.contains("Quick and kind") && seen.contains("It went dark again."), "{seen}");
    assert_eq!(olena.app.unsent(key.account.clone()).await.expect("it counts"), Unsent::default());
}
