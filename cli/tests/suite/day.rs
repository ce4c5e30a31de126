//! Days with a real server.

use std::{
    net::TcpListener,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{desk::Desk, terminal::Terminal};

const OLENA: &str = "olena@example.com";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn what_was_filed_before_the_first_sign_in_reaches_the_desk_once() {
    let desk = Desk::open();
    let here = Terminal::new();
    let filed = here.one(&["--offline", "new", "--subject", "Till 2", "--description", "No light"]);
    let account = here.sign_in(&desk, OLENA);
    assert_eq!(account["email"], OLENA);
    here.one(&["sync"]);
    let listed = here.one(&["list"]);
    assert_eq!(
        listed,
        json!({
            "id": filed["id"], "number": "1", "subject": "Till 2", "status": "new", "unread": 0,
            "delivery": "registered",
        })
    );
    assert!(here.json(&["outbox"]).is_empty());
    let synced = here.one(&["sync"]);
    assert_eq!(synced["pushed"], 0);
    assert_eq!(synced["waiting"], 0);
    assert_eq!(synced["attention"], 0);
    assert_eq!(synced.as_object().unwrap().len(), 4);
}

#[test]
fn a_day_from_the_first_word_to_the_mark() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    let photo = here.file("till.png", &[7; 300_000]);
    let filed = here.one(&[
        "new",
        "--subject",
        "Till 2",
        "--description",
        "No light",
        "--attach",
        photo.to_str().unwrap(),
    ]);
    assert_eq!(filed["delivery"], "registered");

    desk.staff("1", "reply", json!({"text": "Is it plugged in?", "by": "Max"}));
    desk.staff("1", "assignee", json!({"assignee": "Max"}));
    desk.staff("1", "deadline", json!({"at": 4_102_444_800_000_i64, "reason": null}));
    here.one(&["sync"]);
    let lines = here.json(&["show", "№1"]);
    assert_eq!(lines[0]["id"], filed["id"]);
    assert_eq!(lines[0]["assignee"], "Max");
    assert_eq!(lines[0]["deadline"]["at"], 4_102_444_800_000_i64);
    assert_eq!(lines[0]["attachments"][0]["state"], "complete");
    assert!(lines[0]["unread"].as_u64().unwrap() > 0);
    assert_eq!(lines[1]["author"], "Max");
    assert_eq!(lines[1]["text"], "Is it plugged in?");
    assert_eq!(lines[1]["delivery"], Value::Null);

    assert_eq!(here.one(&["read", "1"])["unread"], 0);
    assert_eq!(here.one(&["comment", "1", "--text", "Yes"])["delivery"], "registered");
    let log = here.file("log.txt", b"line\n");
    assert_eq!(here.one(&["attach", "1", log.to_str().unwrap()])["delivery"], "delivered");
    desk.staff("1", "status", json!({"status": "solved"}));
    desk.staff("1", "rating-request", json!({}));
    here.one(&["sync"]);
    assert_eq!(here.one(&["list"])["status"], "solved");
    assert_eq!(here.one(&["reopen", "1", "--text", "Dark again"])["delivery"], "delivered");
    assert_eq!(here.one(&["list"])["status"], "open");
    desk.staff("1", "status", json!({"status": "solved"}));
    here.one(&["sync"]);
    here.one(&["confirm", "1"]);
    let rated = here.one(&["rate", "1", "4", "--comment", "Quick"]);
    assert_eq!(rated["delivery"], "delivered");
    here.one(&["sync"]);
    let lines = here.json(&["show", "1"]);
    assert_eq!(lines[0]["rating"]["value"], 4);
    assert_eq!(lines[0]["status"], "closed");
    let said: Vec<_> = lines[1..].iter().map(|line| text(&line["text"])).collect();
    assert_eq!(said, ["Is it plugged in?", "Yes", "Dark again"]);
    let shown = here.says(&["show", "1", "--history"]);
    assert!(shown.contains("№1 Till 2") && shown.contains("Max has it now"), "{shown}");
}

#[test]
fn a_file_of_the_desk_comes_whole_and_replaces_nothing() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    here.one(&["new", "--subject", "Till 2", "--description", "No light"]);
    // "a\nb\n"
    let files = json!([{"name": "plan.txt", "content_base64": "YQpiCg=="}]);
    desk.staff("1", "reply", json!({"text": "Follow the plan", "files": files}));
    here.one(&["sync"]);
    let file = here.json(&["show", "1"])[1]["attachments"][0].clone();
    here.file("plan.txt", b"mine");
    let opened = here.one(&["open", "1", text(&file["name"])]);
    assert_eq!(opened["path"], "plan (2).txt");
    assert_eq!(std::fs::read(here.folder().join("plan (2).txt")).unwrap(), b"a\nb\n");
    assert_eq!(std::fs::read(here.folder().join("plan.txt")).unwrap(), b"mine");
}

#[test]
fn while_the_desk_is_down_words_are_saved_and_go_out_later() {
    let mut desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    desk.close();
    let filed = here.one(&["new", "--subject", "Till 2", "--description", "No light"]);
    assert!(["saved", "retrying"].contains(&text(&filed["delivery"])), "{filed}");
    let synced = here.run(&["sync", "--json", "--within", "5"]);
    assert_eq!(synced.code, 4, "{synced:?}");
    assert_eq!(synced.lines()[0]["waiting"], 1);
    assert_eq!(here.one(&["list"])["id"], filed["id"]);
    desk.reopen();
    assert_eq!(here.one(&["sync"])["pushed"], 1);
    assert_eq!(here.one(&["list"])["delivery"], "registered");
}

#[test]
fn what_the_desk_refuses_shouts_by_exit_code_until_it_is_mended() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    here.one(&["new", "--subject", "Till 2", "--description", "No light"]);
    let refused = here.run(&["participants", "add", "1", "nobody@nowhere.example", "--json"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(refused.lines()[0]["delivery"], "attention");
    let outbox = here.run(&["outbox", "--json"]);
    assert_eq!(outbox.code, 3, "{outbox:?}");
    let op = &outbox.lines()[0];
    assert_eq!(op["kind"], "participant.add");
    assert_eq!(op["why"], "unknown_person");
    assert!(!op["remedies"].as_array().unwrap().is_empty());
    let sync = here.run(&["sync", "--json"]);
    assert_eq!(sync.code, 3, "{sync:?}");
    assert_eq!(sync.lines()[0]["attention"], 1);
    assert_eq!(here.run(&["list", "--json"]).code, 0, "reading touches nothing");
    let told = here.run(&["outbox"]);
    assert!(told.stdout.contains("pocketdesk outbox discard"), "{told:?}");
    here.one(&["outbox", "discard", text(&op["op"])]);
    assert_eq!(here.run(&["outbox", "--json"]).code, 0);
}

#[test]
fn a_mistyped_address_is_put_right_where_it_waits() {
    let desk = Desk::open();
    let (here, there) = (Terminal::new(), Terminal::new());
    here.sign_in(&desk, OLENA);
    there.sign_in(&desk, "taras@example.com");
    here.one(&["new", "--subject", "Till 2", "--description", "No light"]);
    assert_eq!(here.run(&["participants", "add", "1", "tarsa@example.com", "--json"]).code, 3);
    let op = here.run(&["outbox", "--json"]).lines().remove(0);
    assert_eq!(op["remedies"][0], "edit");
    let mended = here.one(&["outbox", "edit", text(&op["op"]), "--text", "taras@example.com"]);
    assert_eq!(mended["result"], "done");
    here.one(&["sync"]);
    assert_eq!(here.one(&["participants", "list", "1"])["name"], "taras");
    there.one(&["sync"]);
    assert_eq!(there.one(&["list"])["subject"], "Till 2");
}

#[test]
fn a_wrong_code_costs_a_try_and_not_the_sign_in() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.one(&["sign-in", &desk.url, "--email", OLENA]);
    let code = desk.code_for(OLENA);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let said = here.run(&["sign-in", &desk.url, "--email", OLENA, "--code", wrong, "--json"]).failed(1);
    assert!(said.contains("4 tries are left"), "{said}");
    here.one(&["sign-in", &desk.url, "--email", OLENA, "--code", &code]);
}

#[test]
fn a_file_that_has_not_gone_is_seen_to_wait_beside_its_words() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    let photo = here.file("till.png", &[7; 1_000]);
    here.one(&[
        "--offline",
        "new",
        "--subject",
        "S",
        "--description",
        "D",
        "--attach",
        photo.to_str().unwrap(),
    ]);
    let told = here.run(&["--offline", "outbox"]);
    let rows = |name: &str| told.stdout.lines().filter(|line| line.contains(name)).count();
    assert_eq!((rows("till.png"), rows("Nothing waits")), (1, 0), "{told:?}");
    here.one(&["sync"]);
    let told = here.run(&["outbox"]);
    assert!(!told.stdout.contains("till.png") && told.stdout.contains("Nothing waits"), "{told:?}");
}

#[test]
fn a_watching_script_hears_a_reply_as_it_comes() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    let filed = here.one(&["new", "--subject", "Till 2", "--description", "No light"]);
    let watch = here.started(&["watch"]);
    watch.until("that it is idle", |line| line["event"] == "account" && line["state"] == "idle");
    desk.staff("1", "reply", json!({"text": "On my way", "by": "Max"}));
    let comment = watch.until("the reply", |line| line["event"] == "comment");
    assert_eq!(comment["text"], "On my way");
    assert_eq!(comment["ticket"], filed["id"]);
    desk.staff("1", "status", json!({"status": "solved"}));
    let ticket = watch.until("the status", |line| line["event"] == "ticket" && line["status"] == "solved");
    assert_eq!(ticket["id"], filed["id"]);
    // Another process files while this one syncs: its words are news here, and go out.
    let other = here.one(&["new", "--subject", "Door", "--description", "Stuck"]);
    let seen = watch.until("the other's ticket", |line| {
        line["event"] == "ticket" && line["id"] == other["id"] && line["delivery"] == "registered"
    });
    assert_eq!(seen["number"], "2");
    let beside = here.one(&["sync"]);
    assert_eq!(beside["waiting"], 0);
    assert_eq!(watch.interrupted(), 0);
}

#[test]
fn of_many_processes_at_once_none_leaves_its_words_behind() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    let file = |at: u32| {
        let subject = format!("S{at}");
        let mut command = here.command(&["new", "--subject", &subject, "--description", "D", "--json"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let all: Vec<_> = (0..6).map(file).collect();
    for one in all {
        let done = one.wait_with_output().unwrap();
        let filed: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            filed["delivery"], "registered",
            "the ten seconds went by beside a process that had ended"
        );
    }
    assert_eq!(desk.tickets(), 6);
}

#[test]
fn what_many_processes_file_at_once_before_a_sign_in_goes_out_with_it() {
    let desk = Desk::open();
    let here = Terminal::new();
    let file = |at: u32| {
        let subject = format!("S{at}");
        let arguments = ["--offline", "new", "--subject", &subject, "--description", "D", "--json"];
        here.command(&arguments).stdout(Stdio::piped()).spawn().unwrap()
    };
    let all: Vec<_> = (0..6).map(file).collect();
    for one in all {
        assert!(one.wait_with_output().unwrap().status.success());
    }
    here.sign_in(&desk, OLENA);
    here.one(&["sync"]);
    let listed = here.json(&["list"]);
    assert_eq!(listed.len(), 6);
    assert!(listed.iter().all(|ticket| ticket["delivery"] == "registered"), "{listed:?}");
    assert_eq!(desk.tickets(), 6);
}

#[test]
fn signing_out_does_not_leave_words_behind_unasked() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    here.one(&["new", "--subject", "Till 2", "--description", "No light"]);
    here.one(&["--offline", "comment", "1", "--text", "Unsent"]);
    let said = here.run(&["--offline", "sign-out", "--json"]).failed(1);
    assert!(said.starts_with("1 step"), "{said}");
    assert_eq!(here.json(&["show", "1"]).len(), 2, "the refusal must change nothing");
    let left = here.one(&["sign-out", "--force"]);
    assert_eq!(left["ops"], 1);
    here.sign_in(&desk, OLENA);
    here.one(&["sync"]);
    let lines = here.json(&["show", "1"]);
    assert_eq!(lines[1]["text"], "Unsent");
    assert_eq!(lines[1]["delivery"], "registered");
}

#[test]
fn everything_of_a_persons_can_be_taken_along() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    let photo = here.file("till.png", &[7; 1000]);
    here.one(&[
        "new",
        "--subject",
        "Till 2",
        "--description",
        "No light",
        "--attach",
        photo.to_str().unwrap(),
    ]);
    here.one(&["new", "--subject", "Wish", "--description", "Night mode", "--draft"]);
    here.run(&["export", ".", "--json"]).failed(1);
    let report = here.one(&["export", "mine"]);
    assert_eq!(report["tickets"], 1);
    assert_eq!(report["files"], 1);
    let tickets = std::fs::read_to_string(here.folder().join("mine/tickets.jsonl")).unwrap();
    assert!(tickets.contains("No light"), "{tickets}");
    let drafts = std::fs::read_to_string(here.folder().join("mine/drafts.jsonl")).unwrap();
    assert!(drafts.contains("Night mode"), "{drafts}");
}

#[test]
fn two_accounts_on_one_computer_are_never_taken_for_each_other() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    here.one(&["new", "--subject", "Of Olena", "--description", "D"]);
    here.sign_in(&desk, "taras@example.com");
    let said = here.run(&["new", "--subject", "Whose", "--description", "D", "--json"]).failed(1);
    assert!(said.contains(OLENA) && said.contains("taras@example.com"), "{said}");
    here.one(&["--account", "taras", "new", "--subject", "Of Taras", "--description", "D"]);
    let of = |account: &str| {
        let tickets = here.json(&["--account", account, "list"]);
        tickets.iter().map(|ticket| text(&ticket["subject"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("olena"), ["Of Olena"]);
    assert_eq!(of("taras"), ["Of Taras"]);
    assert_eq!(here.json(&["list"]).len(), 2, "one inbox over all accounts");
    assert_eq!(here.json(&["accounts"]).len(), 2);
}

#[test]
fn a_pulled_plug_while_words_go_out_neither_loses_nor_doubles_them() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    let photo = here.file("till.png", &[7; 600_000]);
    let begun = Instant::now();
    let file = |subject: &str| {
        let photo = photo.to_str().unwrap();
        here.command(&["new", "--subject", subject, "--description", "D", "--attach", photo, "--json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    file("S0").wait().unwrap();
    let whole = begun.elapsed();
    for at in 1..12_u32 {
        let mut child = file(&format!("S{at}"));
        std::thread::sleep(whole.mul_f64(f64::from(at) / 10.0));
        // kill -9, or already done.
        let _ = child.kill();
        child.wait().unwrap();
    }
    // What was not acknowledged may or may not be there; what is there goes out, once.
    let kept = here.json(&["list"]);
    let synced = here.one(&["sync"]);
    assert_eq!((&synced["waiting"], &synced["attention"]), (&json!(0), &json!(0)));
    let mut numbers = Vec::new();
    for ticket in &kept {
        let shown = here.json(&["show", text(&ticket["id"])]).remove(0);
        assert_eq!(shown["delivery"], "registered", "{shown}");
        assert_eq!(shown["attachments"][0]["state"], "complete", "{shown}");
        numbers.push(text(&shown["number"]).to_owned());
    }
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), kept.len(), "one number a ticket");
    assert_eq!(desk.tickets(), kept.len(), "the desk holds each of them once");
    assert!(kept.len() > 3, "hardly anything was filed: the test proves nothing");
}

#[test]
fn ctrl_c_while_the_desk_is_silent_says_that_the_words_are_saved() {
    let mut desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, OLENA);
    desk.close();
    // Takes connections and never answers.
    let silent = TcpListener::bind(desk.url.trim_start_matches("http://")).unwrap();
    let child = here
        .command(&["new", "--subject", "Till 2", "--description", "No light", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It asks only after the words are saved.
    let _asked = silent.accept().unwrap();
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert_eq!(said, "Stopped; what waits is saved and goes out next time.\n");
    let filed: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(here.one(&["list"])["id"], filed["id"]);
}
