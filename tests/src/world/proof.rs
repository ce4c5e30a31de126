//! What World proves: ten thousand short days (nightly), both journeys with a kill at every poll and a stop at
//! every change of the disk, and every planted fault caught.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Journey, Outcome, Plan, replay, run, run_all};

/// How many short days.
pub const DAYS: u64 = 10_000;

/// Chance of the journeys' networks; whichever it is, they are the same in each run.
const JOURNEY_SEED: u64 = 7;

/// Faults that are planted in the product, and the fuller days within which each must be caught.
pub const FAULTS: &[(&str, u64)] = &[
    // The phone's words and files.
    ("own-not-synced", 20),
    ("file-not-synced", 120),
    ("starts-not-counted", 80),
    ("applied-not-kept", 40),
    ("kept-not-offered", 40),
    ("gone-stays", 40),
    ("sign-out-takes-unsent", 60),
    ("failed-sign-out-silences", 400),
    ("bad-line-signs-out", 60),
    ("row-passed-over", 20),
    // What the phone does and shows.
    ("news-unheard", 10),
    ("timer-lost", 20),
    ("ack-hides", 40),
    ("prev-not-named", 40),
    ("no-back-off", 60),
    ("old-epoch-believed", 120),
    ("portal-believed", 60),
    ("other-process-unheard", 60),
    // The server.
    ("prev-not-waited-for", 40),
    ("verdict-not-replayed", 20),
    ("journal-skips", 10),
    ("part-not-kept", 40),
    ("everybody-sees", 40),
    ("restore-keeps-epoch", 60),
    ("restore-forgets-erasures", 60),
    ("server-not-synced", 60),
    ("scopes-not-reset", 60),
];

/// What failed: what to type, and why.
pub type Failed = BTreeMap<String, Vec<String>>;

/// Lives every case; `progress` hears of each that is done, with how many there were until then.
pub fn live(
    cases: impl Iterator<Item = (u64, Plan)> + Send,
    threads: usize,
    progress: impl Fn(u64, &str, &Outcome) + Send + Sync,
) -> Failed {
    let (failed, done) = (Mutex::new(Failed::new()), AtomicU64::new(0));
    run_all(cases, threads, |seed, plan, outcome| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let replay = replay(seed, plan);
        progress(done, &replay, &outcome);
        if !outcome.problems.is_empty() {
            failed.lock().unwrap_or_else(PoisonError::into_inner).insert(replay, outcome.problems);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Short days, a seed each.
pub fn days(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Plan)> + Send {
    seeds.map(|seed| (seed, Plan::SHORT))
}

/// A journey with its phone killed at every `step`th poll, and stopped at every `step`th change of its disk.
pub fn kills(journey: Journey, step: u64) -> impl Iterator<Item = (u64, Plan)> + Send {
    let quiet = run(JOURNEY_SEED, &Plan::told(journey));
    let at = move |count: u64| (1..=count).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    let polls = at(quiet.polls).map(move |poll| Plan { die_at_poll: poll, ..Plan::told(journey) });
    let stops = at(quiet.changes).map(move |change| Plan { stop_at_change: change, ..Plan::told(journey) });
    polls.chain(stops).map(|plan| (JOURNEY_SEED, plan))
}

/// Plants the fault: the first day that catches it, and what was seen of it.
pub fn caught(fault: &'static str, within: u64) -> Option<(u64, String)> {
    let plan = Plan { planted: fault, ..Plan::DAY };
    (0..within).find_map(|seed| Some((seed, run(seed, &plan).problems.into_iter().next()?)))
}
