//! Two phones of one person.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, comment, registered, said},
};

const EMAIL: &str = "olena@shop.example";

/// Olena's phone and tablet with one ticket of hers on both.
async fn phone_and_tablet(desk: &Desk) -> (Phone, Phone, TicketKey, TicketKey) {
    let phone = Phone::new("phone", desk).await;
    phone.sign_in(desk, EMAIL).await;
    let on_phone = phone.file("No heat", "The radiator is cold.").await;
    phone.shows(&on_phone, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    let tablet = Phone::new("tablet", desk).await;
    tablet.sign_in(desk, EMAIL).await;
    tablet.lists("the ticket", |page| page.total == 1 && !page.loading).await;
    let on_tablet = tablet.found(&on_phone.id).await;
    (phone, tablet, on_phone, on_tablet)
}

#[tokio::test]
async fn what_was_read_on_one_phone_is_not_unread_on_the_other() {
    let desk = Desk::open("Read marks of two phones").await;
    let (phone, tablet, on_phone, on_tablet) = phone_and_tablet(&desk).await;

    desk.teller.section("staff reply: a badge on both");
    desk.staff().reply(&on_phone.id, "Is the valve open?").await.expect("staff");
    phone.shows(&on_phone, "a badge", |view| view.summary.unread > 0).await;
    tablet.shows(&on_tablet, "a badge", |view| view.summary.unread > 0).await;
    tablet.accounts("a badge on the app", |accounts| accounts[0].unread == 1).await;

    desk.teller.section("read on the phone: the badge goes down on both");
    phone.app.mark_read(on_phone.clone()).await.expect("it is marked");
    phone.shows(&on_phone, "no badge", |view| view.summary.unread == 0).await;
    phone.accounts("no badge on the app", |accounts| accounts[0].unread == 0).await;
    tablet.shows(&on_tablet, "no badge", |view| view.summary.unread == 0).await;
    tablet.accounts("no badge on the app", |accounts| accounts[0].unread == 0).await;

    desk.teller.section("an older mark that comes late takes nothing back");
    tablet.app.set_offline(true);
    desk.staff().reply(&on_phone.id, "Please look at the pump, too.").await.expect("staff");
    phone.shows(&on_phone, "the second reply", |view| view.summary.unread > 0).await;
    phone.app.mark_read(on_phone.clone()).await.expect("it is marked");
    phone.rests().await;
    tablet.app.set_offline(false);
    let view = tablet
        .shows(&on_tablet, "the second reply, read", |view| {
            comment(view, "Please look at the pump, too.").is_some() && view.summary.unread == 0
        })
        .await;
    assert_eq!(view.comments.len(), 2);

    desk.teller.section("marked unread on the tablet: the badge is back on both");
    tablet.app.mark_unread(on_tablet.clone()).await.expect("it is marked");
    tablet.shows(&on_tablet, "a badge", |view| view.summary.unread > 0).await;
    phone.shows(&on_phone, "a badge", |view| view.summary.unread > 0).await;
}

#[tokio::test]
async fn replies_from_two_phones_stand_in_one_order_on_both() {
    let desk = Desk::open("Replies from two phones").await;
    let (phone, tablet, on_phone, on_tablet) = phone_and_tablet(&desk).await;

    desk.teller.section("the phone is in a tunnel, the tablet is not");
    phone.app.set_offline(true);
    phone.reply(&on_phone, "one from the tunnel").await;
    phone.reply(&on_phone, "two from the tunnel").await;
    tablet.reply(&on_tablet, "from the sofa").await;
    tablet.shows(&on_tablet, "its reply with the desk", |view| said(view, "from the sofa")).await;
    phone.app.set_offline(false);

    let all = ["one from the tunnel", "two from the tunnel", "from the sofa"];
    let there = |view: &TicketView| all.iter().all(|text| said(view, text));
    let left = phone.shows(&on_phone, "all three", there).await;
    let right = tablet.shows(&on_tablet, "all three", there).await;
    let texts = |view: &TicketView| view.comments.iter().map(|c| c.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&left), texts(&right));
    assert_eq!(texts(&left), ["from the sofa", "one from the tunnel", "two from the tunnel"]);
}

#[tokio::test]
async fn of_two_marks_the_one_that_arrives_last_stands() {
    let desk = Desk::open("Marks from two phones").await;
    let (phone, tablet, on_phone, on_tablet) = phone_and_tablet(&desk).await;
    let staff = desk.staff();
    staff.status(&on_phone.id, "solved").await.expect("staff");
    staff.ask_rating(&on_phone.id).await.expect("staff");
    phone.shows(&on_phone, "the question", |view| view.rating_asked).await;
    tablet.shows(&on_tablet, "the question", |view| view.rating_asked).await;

    desk.teller.section("2 on the phone in a tunnel, 5 on the tablet, then the phone comes back");
    phone.app.set_offline(true);
    phone.app.rate(on_phone.clone(), 2, Some("It took a week".into())).await.expect("she may");
    tablet.app.rate(on_tablet.clone(), 5, None).await.expect("she may");
    tablet.rests().await;
    phone.app.set_offline(false);
    phone.rests().await;
    let value = |view: &TicketView| view.rating.as_ref().map(|rating| rating.value);
    tablet.shows(&on_tablet, "the later mark", |view| value(view) == Some(2)).await;
    let view = phone.shows(&on_phone, "its own mark", |view| value(view) == Some(2)).await;

    let rated = |view: &TicketView| {
        let marks = view.events.iter().filter_map(|event| match event.what {
            EventWhat::Rated { value, .. } => Some(value),
            _ => None,
        });
        marks.collect::<Vec<_>>()
    };
    assert_eq!(rated(&view), [5, 2], "both stay in the history: {view:#?}");
    assert!(!view.rating_asked, "the question is answered: {view:#?}");
}
