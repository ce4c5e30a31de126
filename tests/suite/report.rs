//! What a person sends to whoever helps them tells how things stand and nothing of theirs.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::{DESK_ADDRESS, Fate},
    phone::{Phone, Switch, comment, registered, remedies, said},
};

fn text(report: &DiagnosticReport) -> String {
    report.lines.iter().map(|line| format!("{}: {}\n", line.name, line.value)).collect()
}

#[tokio::test]
async fn a_report_tells_how_things_stand_and_not_a_word_of_the_persons() {
    let mut desk = Desk::open("A report").await;
    let olena = Phone::new("Zebraowner", &desk).await;
    let account = olena.sign_in(&desk, "zebraolena@zebrashop.example").await;
    let file = olena.attach("zebraphoto.png", b"zebrabytes").await;
    let filed = NewTicket {
        subject: "Zebrasubject".into(),
        description: "Zebradescription of it".into(),
        attachments: vec![file.id.clone()],
        ..NewTicket::default()
    };
    let key = olena.app.submit_ticket(None, filed).await.expect("it is filed");
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    desk.staff().reply(&key.id, "Zebraanswer").await.expect("staff");
    olena.shows(&key, "the answer", |view| comment(view, "Zebraanswer").is_some()).await;
    olena.app.add_participant(key.clone(), "zebranobody@nowhere.example".into()).await.expect("it is kept");
    olena
        .outbox("what needs her", |items| items.iter().any(|item| !remedies(Some(&item.delivery)).is_empty()))
        .await;
    let draft = NewDraft { text: "Zebradraft".into(), ..NewDraft::default() };
    olena.app.save_draft(None, draft).await.expect("it is kept");
    let page = Fate::Instead { status: 502, ours: false, header: None, body: "<html>Zebraportal</html>" };
    olena.net.always("/", page);
    olena.reply(&key, "Zebrareply").await;
    let waits = |view: &TicketView| {
        comment(view, "Zebrareply").is_some_and(|c| matches!(c.delivery, Some(Delivery::Retrying { .. })))
    };
    olena.shows(&key, "that it waits", waits).await;

    let told = text(&olena.app.report().await.expect("a report"));
    desk.teller.says("the report", &told);
    for expected in [
        env!("CARGO_PKG_VERSION"),
        "protocol: 1",
        "ops comment.add (live, failed last): 1",
        "ops participant.add (rejected, unknown_person): 1",
        "drafts: 1",
        "files attached here: 1 (10 bytes)",
        "cache: whole, 1 tickets",
        "error: something between this device and the desk answered",
    ] {
        assert!(told.contains(expected), "{expected:?} is missing:\n{told}");
    }
    let secrets: Vec<String> = std::fs::read_dir(olena.data().join("accounts"))
        .expect("accounts")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let lower = told.to_lowercase();
    for word in ["zebra", "example", "127.0.0.1", "bearer", DESK_ADDRESS, &key.id, &file.id, &account.account]
        .into_iter()
        .chain(secrets.iter().map(String::as_str))
    {
        assert!(!lower.contains(&word.to_lowercase()), "{word:?} is in it:\n{told}");
    }

    desk.teller.section("the next process can still tell what went wrong in this one");
    let olena = olena.restarted(Switch { offline: true, ..Switch::default() }).await;
    let told = text(&olena.app.report().await.expect("a report"));
    assert!(told.contains("error: something between this device and the desk answered"), "{told}");
    assert!(!told.to_lowercase().contains("zebra"), "{told}");
    olena.app.set_offline(false);
    olena.shows(&key, "the reply with the desk", |view| said(view, "Zebrareply")).await;
    desk.stop().await;
}
