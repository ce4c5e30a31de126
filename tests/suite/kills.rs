//! kill -9 of the phone's own process at moments nobody chose: every id it had acknowledged is there once, whole.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, Switch, registered, said, with_the_desk},
};
use tokio::io::{AsyncBufReadExt, BufReader};

const ROUNDS: u64 = 20;

/// What the process had acknowledged on its standard output.
#[derive(Default)]
struct Acknowledged {
    tickets: Vec<String>,
    /// Words, by ticket.
    replies: Vec<(String, String)>,
    /// Ids of files and their bytes' seed, by ticket.
    files: Vec<(String, String, u64)>,
}

impl Acknowledged {
    fn hear(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["ticket", id] => self.tickets.push((*id).into()),
            ["reply", ticket, text] => self.replies.push(((*ticket).into(), (*text).into())),
            ["file", ticket, id, seed] => {
                self.files.push(((*ticket).into(), (*id).into(), seed.parse().expect("a number")));
            }
            other => panic!("the phone says {other:?}"),
        }
    }
}

/// One life of the process, ended by kill -9 after `life`.
async fn live_and_die(folder: &Path, round: u64, life: Duration, heard: &mut Acknowledged) {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_pocketdesk-busy-phone"))
        .arg(folder)
        .arg(round.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the phone's process starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let mut first = true;
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    let mut until_kill = until;
    loop {
        match tokio::time::timeout_at(until_kill, lines.next_line()).await {
            Ok(Ok(Some(line))) => heard.hear(&line),
            Ok(_) => panic!("the phone's process ended by itself"),
            Err(_) => break,
        }
        // Life is counted from the first acknowledged thing, so that a slow machine does not kill before there is one.
        if std::mem::take(&mut first) {
            until_kill = tokio::time::Instant::now() + life;
        }
    }
    child.kill().await.expect("it can be killed");
    // What it had said before it died and nobody had read yet; a line is one write, so none is torn.
    while let Ok(Some(line)) = lines.next_line().await {
        heard.hear(&line);
    }
}

#[tokio::test]
async fn every_acknowledged_word_and_file_survives_kill_9_once_and_whole() {
    let desk = Desk::open("kill -9 of the phone, twenty times").await;
    let phone = Phone::new("Olena", &desk).await;
    phone.sign_in_at(&desk, &desk.address(), "olena@shop.example").await;
    phone.rests().await;
    let off = phone.closed().await;

    let mut heard = Acknowledged::default();
    let mut state =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos()
            as u64
            | 1;
    desk.teller.says("chance", format!("begins at {state}"));
    for round in 0..ROUNDS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let life = Duration::from_millis(state % 400);
        live_and_die(off.folder(), round, life, &mut heard).await;
        desk.teller.says(
            "the phone",
            format!(
                "died {} ms after its first word; acknowledged so far: {} tickets, {} replies, {} files",
                life.as_millis(),
                heard.tickets.len(),
                heard.replies.len(),
                heard.files.len()
            ),
        );
    }
    assert!(heard.tickets.len() as u64 >= ROUNDS, "every round acknowledged something");

    desk.teller.section("opened again: all of it goes to the desk");
    let phone = off.opened(Switch::default()).await;
    let mut replies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (ticket, text) in &heard.replies {
        replies.entry(ticket).or_default().push(text);
    }
    let all = tokio::time::timeout(Duration::from_secs(120), async {
        phone.rests().await;
        for id in &heard.tickets {
            let key = phone.found(id).await;
            let view =
                phone.shows(&key, "its number", |view| registered(view.summary.delivery.as_ref())).await;
            for text in replies.get(id.as_str()).into_iter().flatten() {
                assert!(said(&view, text), "{text:?} of {id} is not whole: {view:#?}");
            }
            let order: Vec<_> = view.comments.iter().map(|c| c.text.as_str()).collect();
            let acknowledged = replies.get(id.as_str()).cloned().unwrap_or_default();
            let in_order: Vec<_> = order.iter().copied().filter(|text| acknowledged.contains(text)).collect();
            assert_eq!(in_order, acknowledged, "in the order they were written");
        }
    });
    all.await.expect("everything reaches the desk");

    let staff = desk.staff();
    for (ticket, id, seed) in &heard.files {
        let key = phone.found(ticket).await;
        phone
            .shows(&key, "the file with the desk", |view| {
                view.attachments.iter().any(|file| &file.id == id && with_the_desk(file.delivery.as_ref()))
            })
            .await;
        assert_eq!(
            staff.file(id).await.expect("staff open it"),
            pocketdesk_tests::noise(*seed, 40_000),
            "{id}"
        );
    }
    for id in &heard.tickets {
        let seen = staff.ticket(id).await.expect("staff");
        let texts: Vec<_> = seen["comments"]
            .as_array()
            .expect("comments")
            .iter()
            .map(|c| c["text"].as_str().expect("words"))
            .collect();
        for text in replies.get(id.as_str()).into_iter().flatten() {
            assert_eq!(texts.iter().filter(|other| other == &text).count(), 1, "{text:?}: {texts:?}");
        }
    }
}
