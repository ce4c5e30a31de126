//! A person's own copy of everything.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, comment, registered, said},
};

#[tokio::test]
async fn an_export_holds_every_word_and_every_byte_that_is_on_the_phone() {
    let desk = Desk::open("Export").await;
    let olena = Phone::new("Olena", &desk).await;
    let account = olena.sign_in(&desk, "olena@shop.example").await;
    let file = olena.attach("meter.csv", b"1;2;3").await;
    let filed = NewTicket {
        subject: "Meter".into(),
        description: "It counts backwards.".into(),
        attachments: vec![file.id.clone()],
        ..NewTicket::default()
    };
    let key = olena.app.submit_ticket(None, filed).await.expect("it is filed");
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.reply(&key, "since Monday").await;
    olena.shows(&key, "it with the desk", |view| said(view, "since Monday")).await;
    desk.staff().reply_with_file(&key.id, "Try this", "reset.bin", &[1, 2, 3]).await.expect("staff");
    olena.shows(&key, "the answer", |view| comment(view, "Try this").is_some()).await;
    olena.rests().await;
    olena.net.always("/", Fate::Lost);
    olena.reply(&key, "no help").await;
    let draft = NewDraft { ticket: Some(key.id.clone()), text: "perhaps".into(), ..NewDraft::default() };
    olena.app.save_draft(None, draft).await.expect("it is kept");

    let scratch = tempfile::tempdir().expect("a temporary folder");
    let to = scratch.path().join("everything");
    let report =
        olena.app.export(account.account.clone(), to.display().to_string()).await.expect("it is written");
    assert_eq!(report.tickets, 1);
    assert_eq!(report.comments, 3, "{report:?}");
    assert_eq!(report.unsent, 2, "{report:?}");
    assert_eq!(report.files, 1, "{report:?}");
    assert_eq!(report.missing, ["reset.bin"], "what is not on the phone is named");
    let read = |name: &str| std::fs::read_to_string(to.join(name)).expect("it is there");
    let lines = |name: &str| -> Vec<serde_json::Value> {
        read(name).lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
    };
    assert_eq!(lines("tickets.jsonl").len(), 1);
    let tickets = read("tickets.jsonl");
    for word in ["Meter", "It counts backwards.", "since Monday", "Try this"] {
        assert!(tickets.contains(word), "{word:?} is missing: {tickets}");
    }
    assert!(read("outbox.jsonl").contains("no help"));
    assert!(read("drafts.jsonl").contains("perhaps"));
    let copies: Vec<_> = walk(&to.join("files"));
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(std::fs::read(&copies[0]).expect("it is there"), b"1;2;3");

    desk.teller.section("a second export overwrites nothing");
    let again = olena.app.export(account.account.clone(), to.display().to_string()).await;
    assert!(again.is_err(), "{again:?}");
    assert_eq!(read("tickets.jsonl"), tickets);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the export") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}
