//! Does the net catch fish? Each fault is planted in the product behind a switch, one at a time; World must catch it
//! within the stated number of days. A property nobody can break proves nothing.

use pocketdesk_tests::world::{Plan, run};

/// Fault, and the days within which it must be caught.
const FAULTS: &[(&str, u64)] = &[
    // The phone's words and files.
    ("own-not-synced", 20),
    ("file-not-synced", 120),
    ("starts-not-counted", 80),
    ("applied-not-kept", 40),
    ("kept-not-offered", 40),
    ("gone-stays", 40),
    // What the phone does and shows.
    ("news-unheard", 10),
    ("timer-lost", 20),
    ("ack-hides", 40),
    ("prev-not-named", 40),
    // The server.
    ("prev-not-waited-for", 40),
    ("verdict-not-replayed", 20),
    ("journal-skips", 10),
    ("part-not-kept", 40),
    ("everybody-sees", 40),
    ("restore-keeps-epoch", 60),
];

#[test]
fn every_planted_fault_is_caught() {
    let mut survived = Vec::new();
    for (fault, days) in FAULTS {
        let plan = Plan { planted: fault, ..Plan::DAY };
        match (0..*days).find_map(|seed| Some((seed, run(seed, &plan).problems.into_iter().next()?))) {
            Some((seed, problem)) => println!("{fault}: caught on day {seed} of {days}: {problem}"),
            None => survived.push(*fault),
        }
    }
    assert_eq!(survived, Vec::<&str>::new(), "these faults were planted and nobody noticed");
}

#[test]
fn without_a_fault_the_same_days_pass() {
    for seed in 0..20 {
        assert_eq!(run(seed, &Plan::DAY).problems, Vec::<String>::new(), "seed {seed}");
    }
}
