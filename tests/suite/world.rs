//! World in the suite: many short days, none of which may cost anybody a word. A seed that ever failed is kept in
//! `corpus/seeds` and lived again here, for ever.

use std::{collections::BTreeMap, sync::Mutex};

use pocketdesk_tests::world::{Outcome, Plan, replay, run, run_many};

/// Days lived here; `cargo x test` lives ten thousand in an optimised build besides.
const SEEDS: u64 = 200;

fn none_fails(failed: &BTreeMap<u64, Vec<String>>) {
    let list: Vec<String> = failed
        .iter()
        .map(|(seed, problems)| format!("{}\n    {}", replay(*seed), problems.join("\n    ")))
        .collect();
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), list.join("\n"));
}

#[test]
fn no_short_day_loses_a_word() {
    let failed = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    run_many(0..SEEDS, &Plan::SHORT, threads, |seed, outcome| {
        if !outcome.problems.is_empty() {
            failed.lock().unwrap().insert(seed, outcome.problems);
        }
    });
    none_fails(&failed.into_inner().unwrap());
}

#[test]
fn one_seed_is_one_trace_byte_for_byte() {
    let plan = Plan { keep: true, ..Plan::SHORT };
    for seed in 1_000..1_100 {
        let (first, second) = (run(seed, &plan), run(seed, &plan));
        let differs = first.lines.iter().zip(&second.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "{}", replay(seed));
        assert_eq!(first.lines.len(), second.lines.len(), "{}", replay(seed));
        assert!(first.lines.len() > 50);
    }
}

#[test]
fn a_seed_that_failed_once_never_fails_again() {
    let mut failed = BTreeMap::new();
    for line in include_str!("../corpus/seeds/short.txt").lines() {
        let seed = line.split('#').next().unwrap_or_default().trim();
        if seed.is_empty() {
            continue;
        }
        let seed: u64 = seed.parse().expect("a seed a line, then # and what it showed");
        let Outcome { problems, .. } = run(seed, &Plan::SHORT);
        if !problems.is_empty() {
            failed.insert(seed, problems);
        }
    }
    none_fails(&failed);
}

/// One morning's writing on the first phone, killed at every poll it takes in turn.
#[test]
fn an_app_killed_at_any_await_point_loses_nothing() {
    let mut failed = BTreeMap::new();
    for seed in [7, 8] {
        for poll in (1..1_200).step_by(13) {
            let outcome = run(seed, &Plan { die_at_poll: poll, acts: 12, seconds: 12, ..Plan::SHORT });
            if !outcome.problems.is_empty() {
                failed.insert(poll, outcome.problems);
            }
        }
    }
    none_fails(&failed);
}
