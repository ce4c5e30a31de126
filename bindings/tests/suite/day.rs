use pocketdesk_ffi::{DeskError, Source, model::*};
use serde_json::json;

use crate::desk::{Desk, config, open, ticket, until};

fn new_ticket(subject: &str, attachments: Vec<String>) -> NewTicket {
    NewTicket {
        subject: subject.into(),
        description: "It hums and prints nothing.".into(),
        attachments,
        ..NewTicket::default()
    }
}

#[tokio::test]
async fn a_ticket_filed_before_any_sign_in_reaches_the_desk_with_its_photo_and_its_answer_comes_live() {
    let desk = Desk::open().await;
    let dir = tempfile::tempdir().unwrap();
    let photo: Vec<u8> = (0..700_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    std::fs::write(dir.path().join("photo.jpg"), &photo).unwrap();

    let offline = pocketdesk_ffi::Config { offline: true, ..config(dir.path()) };
    let phone = open(dir.path(), offline).await;
    let path = dir.path().join("photo.jpg").display().to_string();
    let file = phone.attach(None, Source::Path { path, name: None }).await.unwrap();
    std::fs::remove_file(dir.path().join("photo.jpg")).unwrap();
    let key = phone.submit_ticket(None, new_ticket("The printer", vec![file.id.clone()])).await.unwrap();
    let view = ticket(&phone, &key).await;
    assert_eq!(view.summary.subject, "The printer");
    assert!(
        matches!(view.summary.delivery, Some(Delivery::Saved { waits_for: WaitsFor::SignIn, .. })),
        "{view:?}"
    );
    drop(phone);

    let phone = open(dir.path(), config(dir.path())).await;
    assert_eq!(ticket(&phone, &key).await.summary.subject, "The printer", "it is there after a kill");
    let account = desk.sign_in(&phone, "olena@firm.example").await;
    assert_eq!(account.account, key.account, "what was filed before is the account's");
    let view = until(&phone, &key, "registered", |view| {
        matches!(view.summary.delivery, Some(Delivery::Registered { .. }))
    })
    .await;
    assert_eq!(view.summary.number.as_deref(), Some("1"));
    until(&phone, &key, "the photo is whole", |view| {
        view.attachments.iter().any(|file| file.state == FileState::Complete)
    })
    .await;

    desk.staff(&format!("/staff/tickets/{}/reply", key.id), json!({"text": "Which model is it?"})).await;
    let view = until(&phone, &key, "the reply", |view| view.comments.len() == 1).await;
    assert_eq!(view.comments[0].text, "Which model is it?");
    assert!(view.comments[0].author.staff && view.summary.unread > 0);
    phone.mark_read(key.clone()).await.unwrap();
    until(&phone, &key, "read", |view| view.summary.unread == 0).await;

    phone.set_offline(true);
    let reply = NewReply { text: "LaserJet 4".into(), ..NewReply::default() };
    let op = phone.reply(key.clone(), reply).await.unwrap();
    assert!(matches!(phone.delivery(op.clone()).await.unwrap(), Some(Delivery::Saved { .. })));
    phone.set_offline(false);
    until(&phone, &key, "the reply is with the desk", |view| {
        view.comments.iter().any(|comment| {
            comment.text == "LaserJet 4"
                && matches!(comment.delivery, Some(Delivery::Registered { .. } | Delivery::Delivered { .. }))
        })
    })
    .await;

    desk.staff(&format!("/staff/tickets/{}/status", key.id), json!({"status": "solved"})).await;
    until(&phone, &key, "solved", |view| view.summary.status == TicketStatus::Solved && view.can_reopen)
        .await;
    phone.reopen(key.clone(), "Still hums.".into()).await.unwrap();
    until(&phone, &key, "open again", |view| {
        view.summary.status == TicketStatus::Open && view.requests.is_empty()
    })
    .await;
    desk.staff(&format!("/staff/tickets/{}/status", key.id), json!({"status": "solved"})).await;
    until(&phone, &key, "solved again", |view| view.summary.status == TicketStatus::Solved).await;
    phone.rate(key.clone(), 5, Some("Quick.".into())).await.unwrap();
    until(&phone, &key, "rated", |view| {
        view.rating.as_ref().is_some_and(|rating| {
            rating.value == 5
                && matches!(rating.delivery, Delivery::Delivered { .. } | Delivery::Registered { .. })
        })
    })
    .await;
    assert!(phone.outbox(None).await.unwrap().is_empty());
    assert_eq!(phone.search(None, "printing".into(), true, 10).await.unwrap().len(), 1);
    let report = phone.sync_now(None, 10_000).await.unwrap();
    assert_eq!((report.waiting, report.attention, report.reached), (0, 0, true));

    // A second phone of hers gets everything, the photo byte for byte.
    let other_dir = tempfile::tempdir().unwrap();
    let other = open(other_dir.path(), config(other_dir.path())).await;
    let account = desk.sign_in(&other, "olena@firm.example").await;
    let there = TicketKey { account: account.account.clone(), id: key.id.clone() };
    let feed = other.watch_tickets(TicketFilter::default(), 0, 10);
    while feed.next().await.unwrap().tickets.is_empty() {}
    let view =
        until(&other, &there, "everything", |view| view.comments.len() == 3 && view.rating.is_some()).await;
    let to = other_dir.path().join("copy.jpg");
    let id = view.attachments[0].id.clone();
    other.open_attachment(None, id, to.display().to_string()).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == photo, "byte for byte");

    other.save_draft(None, NewDraft { text: "half a tho".into(), ..NewDraft::default() }).await.unwrap();
    let refused = other.sign_out(account.account.clone(), false).await.unwrap_err();
    assert_eq!(refused, DeskError::WouldLeaveWords { ops: 0, files: 0, drafts: 1 });
    other.sign_out(account.account.clone(), true).await.unwrap();
    assert!(other.tickets(TicketFilter::default(), 0, 10).await.unwrap().tickets.is_empty());
    desk.sign_in(&other, "olena@firm.example").await;
    assert_eq!(other.drafts(None).await.unwrap()[0].text, "half a tho");
    other.shut_down().await;
    assert_eq!(other.accounts().await.unwrap_err(), DeskError::Closed);
}
