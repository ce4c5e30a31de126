//! The plug pulled at moments nobody chose, while words and files are written and while they go out: what the program
//! had said is there, once and whole; what it had not yet said is there once or not at all.

use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use crate::{desk::Desk, terminal::Terminal};

/// Of a file.
const BYTES: usize = 300_000;

fn rounds() -> u64 {
    if std::env::var_os("POCKETDESK_NIGHTLY").is_some() { 200 } else { 40 }
}

/// Bytes that repeat nowhere, the same for the same seed.
fn noise(seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..BYTES).map(|_| chance.next().to_le_bytes()[4]).collect()
}

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }
}

/// What the program said was saved.
#[derive(Default)]
struct Acknowledged {
    /// Words and the seed of the file, by ticket.
    tickets: BTreeMap<String, (String, Option<u64>)>,
    /// Ticket, words and seed, by comment.
    comments: BTreeMap<String, (String, String, Option<u64>)>,
    /// Ticket and seed, by file.
    files: BTreeMap<String, (String, u64)>,
}

#[test]
fn whatever_was_acknowledged_between_kills_is_there_once_and_whole() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, "olena@shop.example");
    let begun = Instant::now();
    let first = here.one(&["new", "--subject", "First", "--description", "words"]);
    let usual = begun.elapsed();
    let first = first["id"].as_str().unwrap().to_owned();
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let mut chance = Chance(u64::try_from(seed & u128::from(u64::MAX)).unwrap() | 1);
    println!("chance begins at {}", chance.0);

    let mut said = Acknowledged::default();
    said.tickets.insert(first.clone(), ("words".into(), None));
    let mut cut = 0;
    for round in 0..rounds() {
        let words = format!("words of round {round}");
        let file = here.file(&format!("{round}.bin"), &noise(round));
        let file = file.to_str().unwrap();
        let tickets: Vec<String> = said.tickets.keys().cloned().collect();
        let ticket = tickets[usize::try_from(chance.below(tickets.len() as u64)).unwrap()].clone();
        let with_file = chance.below(2) == 0;
        let kind = chance.below(3);
        let mut args = match kind {
            0 => vec!["new", "--subject", &words, "--description", &words],
            1 => vec!["comment", &ticket, "--text", &words],
            _ => vec!["attach", &ticket, file],
        };
        if with_file && kind < 2 {
            args.extend(["--attach", file]);
        }
        if chance.below(3) == 0 {
            args.insert(0, "--offline");
        }
        args.push("--json");
        let mut child = here.command(&args).stdout(Stdio::piped()).spawn().unwrap();
        let life = usual.mul_f64(chance.below(3_000) as f64 / 1_000.0);
        std::thread::sleep(life.min(Duration::from_secs(5)));
        // kill -9, or done already.
        let _ = child.kill();
        let done = child.wait_with_output().unwrap();
        cut += u32::from(!done.status.success());
        // A line is written at once: there, or not.
        let line = String::from_utf8(done.stdout).unwrap();
        let Some(line) = line.lines().next() else { continue };
        let line: Value = serde_json::from_str(line).expect("half a line was said");
        let id = line["id"].as_str().expect("an id").to_owned();
        let seed = with_file.then_some(round);
        match kind {
            0 => drop(said.tickets.insert(id, (words, seed))),
            1 => drop(said.comments.insert(id, (ticket, words, seed))),
            _ => drop(said.files.insert(id, (ticket, round))),
        }
    }
    assert!(cut > 0, "no run was cut: this proves nothing");
    println!(
        "{cut} cut; said: {} tickets, {} comments, {} files",
        said.tickets.len(),
        said.comments.len(),
        said.files.len()
    );

    // Everything goes out, and comes to a computer that never saw any of it.
    let synced = here.run(&["sync", "--json"]);
    assert_eq!(synced.code, 0, "{synced:?}");
    assert!(here.json(&["outbox"]).is_empty());
    let there = Terminal::new();
    there.sign_in(&desk, "olena@shop.example");
    assert_eq!(there.run(&["sync", "--json"]).code, 0);
    let listed = there.json(&["list", "--limit", "1000"]);
    // The desk lists fifty at a time.
    assert_eq!(listed.len().min(50), desk.tickets());
    let mut shown: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for ticket in &listed {
        let id = ticket["id"].as_str().unwrap().to_owned();
        let before = shown.insert(id.clone(), there.json(&["show", &id]));
        assert!(before.is_none(), "{id} is listed twice");
    }
    let all_words: Vec<&str> = shown
        .values()
        .flat_map(|lines| {
            lines.iter().filter_map(|line| line["description"].as_str().or(line["text"].as_str()))
        })
        .collect();
    for words in &all_words {
        let times = all_words.iter().filter(|other| other == &words).count();
        assert_eq!(times, 1, "{words:?} is there {times} times");
    }
    let check_file = |files: &Value, id: Option<&str>, seed: u64| {
        let name = format!("{seed}.bin");
        let fits = |file: &&Value| id.map_or(file["name"] == *name, |id| file["id"] == id);
        let files: Vec<&Value> = files.as_array().unwrap().iter().filter(fits).collect();
        assert_eq!(files.len(), 1, "{name}: {files:?}");
        assert_eq!(files[0]["state"], "complete", "{name}: {files:?}");
        let copy = there.folder().join(format!("copy-of-{name}"));
        there.one(&["open", files[0]["id"].as_str().unwrap(), "--to", copy.to_str().unwrap()]);
        assert!(std::fs::read(copy).unwrap() == noise(seed), "{name} has other bytes");
    };
    for (id, (words, file)) in &said.tickets {
        let ticket = &shown[id][0];
        assert_eq!(ticket["description"], **words, "{id}");
        if let Some(seed) = file {
            check_file(&ticket["attachments"], None, *seed);
        }
    }
    for (id, (ticket, words, file)) in &said.comments {
        let fitting: Vec<_> = shown[ticket].iter().skip(1).filter(|line| line["id"] == **id).collect();
        assert_eq!(fitting.len(), 1, "{words:?}: {fitting:?}");
        assert_eq!(fitting[0]["text"], **words);
        if let Some(seed) = file {
            check_file(&fitting[0]["attachments"], None, *seed);
        }
    }
    for (id, (ticket, seed)) in &said.files {
        check_file(&shown[ticket][0]["attachments"], Some(id), *seed);
    }
}
