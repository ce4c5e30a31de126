//! A computer that never had a connection, and nobody signed in: everything a person writes is there.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::terminal::Terminal;

fn id(line: &Value) -> String {
    line["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_filed_without_a_connection_is_there_in_the_next_process() {
    let here = Terminal::new();
    let photo = here.file("till.png", b"not really a photo");
    let filed = here.one(&[
        "--offline",
        "new",
        "--subject",
        "Till 2",
        "--description",
        "No light",
        "--attach",
        photo.to_str().unwrap(),
    ]);
    assert_eq!(filed["delivery"], "saved");
    assert_eq!(filed.as_object().unwrap().len(), 2, "{filed}");

    let listed = here.one(&["list"]);
    assert_eq!(
        listed,
        json!({
            "id": filed["id"], "number": null, "subject": "Till 2", "status": "new", "unread": 0, "delivery": "saved",
        })
    );
    let reply = here.one(&["--offline", "comment", &id(&filed), "--text", "Still no light"]);
    assert_eq!(reply["delivery"], "saved");
    let shown = here.json(&["show", &id(&filed)[..20]]);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(shown[0]["description"], "No light");
    assert_eq!(shown[0]["attachments"][0]["name"], "till.png");
    assert_eq!(shown[0]["attachments"][0]["size"], 18);
    assert_eq!(shown[1]["id"], reply["id"]);
    assert_eq!(shown[1]["text"], "Still no light");
    assert_eq!(shown[1]["delivery"], "saved");

    let waiting = here.json(&["outbox"]);
    assert_eq!(waiting.iter().map(|op| &op["kind"]).collect::<Vec<_>>(), ["ticket.create", "comment.add"]);
    for op in &waiting {
        assert_eq!(op["ticket"], filed["id"]);
        assert_eq!(op["delivery"], "saved");
        assert_eq!(op["attempts"], 0);
        assert_eq!(op["remedies"], json!([]));
    }
    let copy = here.one(&["--offline", "open", &id(&filed), "--to", "copy.png"]);
    assert_eq!(copy["path"], "copy.png");
    assert_eq!(std::fs::read(here.folder().join("copy.png")).unwrap(), b"not really a photo");
}

#[test]
fn an_empty_computer_answers_instead_of_failing() {
    let here = Terminal::new();
    assert!(here.json(&["list"]).is_empty());
    assert!(here.json(&["outbox"]).is_empty());
    assert!(here.json(&["drafts"]).is_empty());
    assert!(here.json(&["search", "anything"]).is_empty());
    assert_eq!(here.says(&["list"]), "There are no tickets here yet.\n");
    assert_eq!(here.says(&["outbox"]), "Nothing waits; everything has arrived.\n");
}

#[test]
fn a_mistake_is_told_in_one_sentence_and_changes_nothing() {
    let here = Terminal::new();
    let said = here.run(&["show", "12", "--json"]).failed(1);
    assert!(said.contains("“12”"), "{said}");
    here.run(&["new", "--subject", "S", "--description", "D", "--attach", "no-such.png", "--json"]).failed(1);
    assert!(here.json(&["list"]).is_empty(), "half a ticket was filed");
    here.run(&["outbox", "retry", "0193"]).failed(1);
    here.run(&["sign-in", "ftp://desk", "--email", "olena@example.com"]).failed(1);
    let file = here.file("no-folder", b"");
    here.run(&["--data", file.to_str().unwrap(), "list"]).failed(1);
    here.run(&["drafts", "send", "0193"]).failed(1);
    assert_eq!(here.run(&["frob"]).code, 2);
    assert_eq!(here.run(&["new", "--subject", " ", "--description", "D"]).code, 2);
    assert_eq!(here.run(&["rate", "12", "best"]).code, 2);
    let said = here.run(&["show", "12", "--locale", "uk"]).failed(1);
    assert!(said.starts_with("Заявки «12» тут немає"), "{said}");
}

#[test]
fn a_part_of_an_id_that_fits_two_tickets_never_touches_the_wrong_one() {
    let here = Terminal::new();
    let file = |subject| id(&here.one(&["--offline", "new", "--subject", subject, "--description", "D"]));
    let (first, second) = (file("First"), file("Second"));
    // UUIDv7s of one minute begin alike.
    let said =
        here.run(&["--offline", "comment", &first[..6], "--text", "for the first", "--json"]).failed(1);
    assert!(said.contains(&first) && said.contains(&second), "{said}");
    for ticket in [&first, &second] {
        assert_eq!(here.json(&["show", ticket]).len(), 1);
    }
}

#[test]
fn without_the_desk_what_needs_it_says_so_with_its_own_exit_code() {
    let here = Terminal::new();
    here.one(&["--offline", "new", "--subject", "S", "--description", "D"]);
    // Port 9 of this machine: nobody listens there.
    here.run(&["sign-in", "http://127.0.0.1:9", "--email", "olena@example.com", "--json"]).failed(4);
    let said = here.run(&["sync", "--json"]);
    assert_eq!((said.code, said.stderr.trim()), (1, "Nobody is signed in; sign in first."), "{said:?}");
    here.run(&["--offline", "sign-in", "http://127.0.0.1:9", "--email", "olena@example.com"]).failed(4);
    assert_eq!(here.json(&["list"]).len(), 1);
}

#[test]
fn words_come_from_stdin_as_they_are() {
    let here = Terminal::new();
    let said = here.fed(&["--offline", "new", "--json"], Some("Каса №2\n\nНе бачить сканер.\n\nЗранку.\n"));
    assert_eq!(said.code, 0, "{said:?}");
    let ticket = here.json(&["show", &id(&said.lines()[0])]).remove(0);
    assert_eq!(ticket["subject"], "Каса №2");
    assert_eq!(ticket["description"], "Не бачить сканер.\n\nЗранку.");
    let said = here.fed(&["--offline", "new", "--subject", "S", "--json"], Some("D\n"));
    assert_eq!(here.json(&["show", &id(&said.lines()[0])]).remove(0)["description"], "D");
}

#[test]
fn a_draft_waits_until_it_is_sent_or_let_go() {
    let here = Terminal::new();
    let kept = here.one(&["new", "--subject", "Wish", "--description", "A darker night", "--draft"]);
    assert_eq!(kept["delivery"], "draft");
    here.one(&["new", "--subject", "Other", "--description", "Wish", "--draft"]);
    let drafts = here.json(&["drafts"]);
    assert_eq!(drafts.len(), 2);
    assert!(drafts.iter().any(|draft| draft["subject"] == "Wish" && draft["text"] == "A darker night"));
    assert!(here.json(&["outbox"]).is_empty(), "a draft must not go out by itself");

    let sent = here.one(&["--offline", "drafts", "send", kept["id"].as_str().unwrap()]);
    assert_eq!(sent["delivery"], "saved");
    let left = here.one(&["drafts"]);
    assert_eq!(left["subject"], "Other");
    here.one(&["drafts", "discard", left["id"].as_str().unwrap()]);
    assert!(here.json(&["drafts"]).is_empty());
    assert_eq!(here.one(&["list"])["subject"], "Wish");
}

#[test]
fn what_was_never_sent_can_be_put_right_or_let_go() {
    let here = Terminal::new();
    let filed = here.one(&["--offline", "new", "--subject", "Tll 2", "--description", "No light"]);
    let op = here.one(&["outbox"])["op"].as_str().unwrap().to_owned();
    let edited = here.one(&["--offline", "outbox", "edit", &op, "--subject", "Till 2"]);
    assert_eq!(edited["result"], "done");
    let shown = here.one(&["show", &id(&filed)]);
    assert_eq!(shown["subject"], "Till 2");
    assert_eq!(shown["description"], "No light");

    let copied = here.says(&["outbox", "copy", here.one(&["outbox"])["op"].as_str().unwrap()]);
    assert!(copied.contains("No light"), "{copied}");
    here.one(&["--offline", "outbox", "discard", here.one(&["outbox"])["op"].as_str().unwrap()]);
    assert!(here.json(&["outbox"]).is_empty());
    assert!(here.json(&["list"]).is_empty());
}

#[test]
fn words_are_found_by_their_other_forms() {
    let here = Terminal::new();
    for (subject, description) in [
        ("Касса", "Сканеры не читают штрихкоды"),
        ("Каса", "Сканери не читають"),
        ("Till", "The printers jam"),
    ] {
        here.one(&["--offline", "new", "--subject", subject, "--description", description]);
    }
    let found = |query: &str| {
        here.json(&["search", query]).iter().map(|hit| hit["subject"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("штрихкодами"), ["Касса"]);
    assert_eq!(found("printer"), ["Till"]);
}

#[test]
fn people_read_their_own_language_and_no_escapes_in_a_pipe() {
    let here = Terminal::new();
    let filed = here.one(&["--offline", "new", "--subject", "Till\u{1b}[31m 2", "--description", "D"]);
    for (locale, words) in [
        ("en", "Waits for you to sign in since"),
        ("ru_RU.UTF-8", "Ждёт, пока вы войдёте, с"),
        ("uk", "Чекає, доки ви увійдете, з"),
    ] {
        for args in [vec!["list"], vec!["outbox"], vec!["show", filed["id"].as_str().unwrap()]] {
            let said = here.says(&[&args[..], &["--locale", locale]].concat());
            assert!(said.contains(words), "{args:?} in {locale}: {said}");
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
    }
}

#[test]
fn the_reader_of_a_pipe_may_leave_early() {
    let here = Terminal::new();
    for at in 0..30 {
        here.one(&["--offline", "new", "--subject", &format!("S{at}"), "--description", "D"]);
    }
    let mut child = here.command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

#[test]
fn a_pulled_plug_takes_no_word_that_was_acknowledged() {
    let here = Terminal::new();
    let begun = Instant::now();
    here.one(&["--offline", "new", "--subject", "Whole", "--description", "D"]);
    let whole = begun.elapsed();
    let mut acknowledged = vec!["Whole".to_owned()];
    for at in 0..24_u32 {
        let subject = format!("S{at}");
        let mut child = here
            .command(&["--offline", "new", "--subject", &subject, "--description", "D", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(whole.mul_f64(f64::from(at) / 16.0).max(Duration::from_millis(1)));
        // kill -9, or already done.
        let _ = child.kill();
        let said = child.wait_with_output().unwrap();
        if String::from_utf8_lossy(&said.stdout).contains("saved") {
            acknowledged.push(subject);
        }
    }
    let listed = here.json(&["list"]);
    for subject in &acknowledged {
        assert_eq!(listed.iter().filter(|ticket| ticket["subject"] == **subject).count(), 1, "{subject}");
    }
    assert!(acknowledged.len() < 25, "no run was cut: the test proves nothing");
}

#[test]
fn a_report_shows_how_things_stand_and_nothing_that_was_written() {
    let here = Terminal::new();
    let photo = here.file("zebra.png", b"zebra");
    here.one(&[
        "--offline",
        "new",
        "--subject",
        "Zebra",
        "--description",
        "Zebra words",
        "--attach",
        photo.to_str().unwrap(),
    ]);
    here.one(&["new", "--subject", "Zebra", "--description", "Zebra draft", "--draft"]);
    let said = here.says(&["report"]);
    assert!(said.contains("ops ticket.create (live): 1") && said.contains("drafts: 1"), "{said}");
    assert!(said.contains(concat!("app: ", env!("CARGO_PKG_VERSION"))), "{said}");
    let lines = here.json(&["report"]);
    assert_eq!(lines.len(), said.lines().count(), "the same for machines");
    for said in [said, format!("{lines:?}")] {
        assert!(!said.to_lowercase().contains("zebra"), "{said}");
        assert!(!said.contains(here.folder().to_str().unwrap()), "{said}");
    }
}
