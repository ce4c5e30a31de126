//! World in the suite: short days, none of which may cost anybody a word. A seed that ever failed is kept in
//! `corpus/seeds` and lived again here, for ever. The whole proof (`world::proof`) is optimised and has a step of its
//! own in `cargo x test`.

use pocketdesk_tests::world::{
    Journey, Plan,
    proof::{self, Failed, days, kills},
    replay, run, threads,
};

/// Days lived here; `cargo x nightly` lives ten thousand besides.
const SEEDS: u64 = 200;
/// Every so many polls and disk changes of the journeys here; there at each one.
const STEP: u64 = 40;

fn none_fails(failed: &Failed) {
    let list: Vec<String> =
        failed.iter().map(|(replay, why)| format!("{replay}\n    {}", why.join("\n    "))).collect();
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), list.join("\n"));
}

#[test]
fn no_short_day_loses_a_word() {
    none_fails(&proof::live(days(0..SEEDS), threads(), |_, _, _| ()));
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
    let fuller = kept(include_str!("../corpus/seeds/day.txt")).map(|seed| (seed, Plan::DAY));
    let short = kept(include_str!("../corpus/seeds/short.txt")).map(|seed| (seed, Plan::SHORT));
    none_fails(&proof::live(fuller.chain(short), threads(), |_, _, _| ()));
}

/// Seeds, one a line, then # and what each showed.
fn kept(lines: &str) -> impl Iterator<Item = u64> + Send + '_ {
    let seeds = lines.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    seeds.filter(|seed| !seed.is_empty()).map(|seed| seed.parse().expect("a seed, then # and what it showed"))
}

/// Its app killed at an await point of the real code, or its disk stopped before, in and after a commit.
#[test]
fn a_phone_that_dies_anywhere_on_a_journey_loses_nothing() {
    for journey in Journey::ALL {
        none_fails(&proof::live(kills(journey, STEP), threads(), |_, _, _| ()));
    }
}

#[test]
fn without_a_fault_fuller_days_pass() {
    none_fails(&proof::live((0..20).map(|seed| (seed, Plan::DAY)), threads(), |_, _, _| ()));
}
