//! `cargo x sim`: one seed of World with its trace, or many with the failing ones named.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use pocketdesk_tests::world::{Plan, replay, run, run_many};

const USAGE: &str = "usage: pocketdesk-sim (--seed N | --seeds FROM..TO) [--acts N] [--seconds N] [--poll N] \
                     [--change N] [--planted FAULT] [--threads N]";

struct Args {
    seed: Option<u64>,
    seeds: std::ops::Range<u64>,
    plan: Plan,
    threads: usize,
}

fn args() -> Result<Args, String> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut args = Args { seed: None, seeds: 0..100, plan: Plan::SHORT, threads };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{word}: {value} is no number"));
        let size = || value.parse::<usize>().map_err(|_| format!("{word}: {value} is no number"));
        match word.as_str() {
            "--seed" => args.seed = Some(number()?),
            "--seeds" => {
                let (from, to) = value.split_once("..").ok_or("--seeds wants FROM..TO")?;
                let read =
                    |text: &str| text.parse::<u64>().map_err(|_| format!("--seeds: {text} is no number"));
                args.seeds = read(from)?..read(to)?;
            }
            "--acts" => args.plan.acts = size()?,
            "--seconds" => args.plan.seconds = number()?,
            "--poll" => args.plan.die_at_poll = number()?,
            "--change" => args.plan.stop_at_change = number()?,
            "--planted" => args.plan.planted = value.leak(),
            "--threads" => args.threads = size()?,
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match args.seed {
        Some(seed) => one(seed, args.plan),
        None => many(&args),
    }
}

fn one(seed: u64, plan: Plan) -> ExitCode {
    let outcome = run(seed, &Plan { keep: true, ..plan });
    for line in &outcome.lines {
        println!("{line}");
    }
    println!(
        "seed {seed}: {} words, {} requests, {} deaths, {} restores, trace {:016x}",
        outcome.words, outcome.requests, outcome.deaths, outcome.restores, outcome.hash
    );
    for problem in &outcome.problems {
        println!("PROBLEM {problem}");
    }
    if outcome.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn many(args: &Args) -> ExitCode {
    let (failed, done) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    run_many(args.seeds.clone(), &args.plan, args.threads, |seed, outcome| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(1_000) {
            eprintln!("{done} seeds");
        }
        if let Some(first) = outcome.problems.first() {
            println!("{}   # {first}", replay(seed, &args.plan));
            failed.lock().expect("no panic holds it").push(seed);
        }
    });
    let failed = failed.into_inner().expect("no panic holds it").len();
    let passed = done.into_inner() - failed as u64;
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
