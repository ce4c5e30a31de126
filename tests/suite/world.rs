//! World in the suite: many short days, none of which may cost anybody a word. A seed that ever failed is kept in
//! `corpus/seeds` and lived again here, for ever.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use pocketdesk_tests::world::{Plan, replay, run, run_many};

/// Days lived here; `cargo x test` lives ten thousand in an optimised build besides.
const SEEDS: u64 = 200;

fn none_fails(failed: &BTreeMap<String, Vec<String>>) {
    let list: Vec<String> =
        failed.iter().map(|(replay, why)| format!("{replay}\n    {}", why.join("\n    "))).collect();
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), list.join("\n"));
}

#[test]
fn no_short_day_loses_a_word() {
    let failed = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    run_many(0..SEEDS, &Plan::SHORT, threads, |seed, outcome| {
        if !outcome.problems.is_empty() {
            failed
                .lock()
                .expect("no seed panics under this lock")
                .insert(replay(seed, &Plan::SHORT), outcome.problems);
        }
    });
    none_fails(&failed.into_inner().expect("no seed panics under this lock"));
}

#[test]
fn one_seed_is_one_trace_byte_for_byte() {
    let plan = Plan { keep: true, ..Plan::SHORT };
    for seed in 1_000..1_100 {
        let (first, second) = (run(seed, &plan), run(seed, &plan));
        let differs = first.lines.iter().zip(&second.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "{}", replay(seed, &plan));
        assert_eq!(first.lines.len(), second.lines.len(), "{}", replay(seed, &plan));
        assert!(first.lines.len() > 50);
    }
}

#[test]
fn a_day_that_failed_once_never_fails_again() {
    let mut failed = BTreeMap::new();
    for line in include_str!("../corpus/seeds/day.txt").lines() {
        let seed = line.split('#').next().unwrap_or_default().trim();
        if seed.is_empty() {
            continue;
        }
        let seed: u64 = seed.parse().expect("a seed a line, then # and what it showed");
        let problems = run(seed, &Plan::DAY).problems;
        if !problems.is_empty() {
            failed.insert(replay(seed, &Plan::DAY), problems);
        }
    }
    none_fails(&failed);
}

/// Two mornings of writing on the first phone, its app killed at one poll after the other: an await point of the
/// real code each.
#[test]
fn an_app_killed_at_any_await_point_loses_nothing() {
    none_fails(&each(&|n| Plan { die_at_poll: 1 + n * 7, ..MORNING }, 100));
}

/// The same with the phone stopped at one change of its disk after the other: before, in and after every commit.
#[test]
fn a_phone_that_stops_at_any_commit_loses_nothing() {
    none_fails(&each(&|n| Plan { stop_at_change: 1 + n * 2, ..MORNING }, 100));
}

/// A dozen things in a dozen seconds.
const MORNING: Plan = Plan { acts: 12, seconds: 12, ..Plan::SHORT };

fn each(plan: &(dyn Fn(u64) -> Plan + Sync), count: u64) -> BTreeMap<String, Vec<String>> {
    let (failed, next) = (Mutex::new(BTreeMap::new()), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    for seed in [7, 8] {
                        let outcome = run(seed, &plan(n));
                        if !outcome.problems.is_empty() {
                            failed
                                .lock()
                                .expect("no seed panics under this lock")
                                .insert(replay(seed, &plan(n)), outcome.problems);
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().expect("no seed panics under this lock")
}
