//! `cargo x sim`: one seed of World with its trace, many with the failing ones named, or the whole proof.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]
#![allow(clippy::disallowed_methods, reason = "it says how long real seeds took")]

use std::{process::ExitCode, sync::Mutex, time::Instant};

use pocketdesk_tests::world::{
    Journey, Plan,
    proof::{self, DAYS, FAULTS, Failed},
    run, threads,
};

const USAGE: &str = "usage: pocketdesk-sim (--seed N | --seeds FROM..TO | --proof | --faults | --kills) [--acts N] [--seconds N]
                      [--journey writing|returning] [--poll N] [--change N] [--planted FAULT] [--threads N]

--seed N          live one day and print its trace
--seeds FROM..TO  live many, print how to replay those that fail
--proof           the whole proof: ten thousand days, every kill of both journeys, every planted fault
--faults          only the planted faults
--kills           only the kills
--acts, --seconds how much happens in how long
--journey, --poll, --change  a told journey; its first phone dies at a poll, or stops at a change of its disk
--planted FAULT   plant a fault in the product";

enum What {
    One(u64),
    Many(std::ops::Range<u64>),
    Proof,
    Faults,
    Kills,
}

struct Args {
    what: What,
    plan: Plan,
    threads: usize,
}

fn args() -> Result<Args, String> {
    let mut args = Args { what: What::Many(0..100), plan: Plan::SHORT, threads: threads() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--proof" => args.what = What::Proof,
            "--faults" => args.what = What::Faults,
            "--kills" => args.what = What::Kills,
            _ => {
                let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
                args.set(&word, value)?;
            }
        }
    }
    Ok(args)
}

impl Args {
    fn set(&mut self, word: &str, value: String) -> Result<(), String> {
        let number = || value.parse::<u64>().map_err(|_| format!("{word}: {value} is no number"));
        let size = || value.parse::<usize>().map_err(|_| format!("{word}: {value} is no number"));
        match word {
            "--seed" => self.what = What::One(number()?),
            "--seeds" => {
                let (from, to) = value.split_once("..").ok_or("--seeds wants FROM..TO")?;
                let read =
                    |text: &str| text.parse::<u64>().map_err(|_| format!("--seeds: {text} is no number"));
                self.what = What::Many(read(from)?..read(to)?);
            }
            "--acts" => self.plan.acts = size()?,
            "--seconds" => self.plan.seconds = number()?,
            "--journey" => {
                let journey =
                    Journey::named(&value).ok_or_else(|| format!("no journey is called {value}"))?;
                self.plan.journey = Some(journey);
            }
            "--poll" => self.plan.die_at_poll = number()?,
            "--change" => self.plan.stop_at_change = number()?,
            "--planted" => self.plan.planted = value.leak(),
            "--threads" => self.threads = size()?,
            _ => return Err(format!("{word} is not known")),
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let well = match &args.what {
        What::One(seed) => one(*seed, args.plan),
        What::Many(seeds) => {
            let plan = args.plan;
            lived("days", seeds.clone().map(move |seed| (seed, plan)), args.threads)
        }
        What::Proof => prove(args.threads),
        What::Faults => faults(args.threads),
        What::Kills => kills(args.threads),
    };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, plan: Plan) -> bool {
    let outcome = run(seed, &Plan { keep: true, ..plan });
    for line in &outcome.lines {
        println!("{line}");
    }
    println!(
        "seed {seed}: {} words, {} requests, {} deaths, {} restores, {} polls and {} changes of the first phone, \
         trace {:016x}",
        outcome.words,
        outcome.requests,
        outcome.deaths,
        outcome.restores,
        outcome.polls,
        outcome.changes,
        outcome.hash
    );
    for problem in &outcome.problems {
        println!("PROBLEM {problem}");
    }
    outcome.problems.is_empty()
}

fn prove(threads: usize) -> bool {
    // Every part is run, whatever came of the one before.
    let days = lived("short days", proof::days(0..DAYS), threads);
    let kills = kills(threads);
    let faults = faults(threads);
    days && kills && faults
}

fn kills(threads: usize) -> bool {
    let lived =
        |journey: Journey| lived(&format!("kills, {}", journey.name()), proof::kills(journey, 1), threads);
    Journey::ALL.map(lived).into_iter().all(|well| well)
}

fn lived(what: &str, cases: impl Iterator<Item = (u64, Plan)> + Send, threads: usize) -> bool {
    let began = Instant::now();
    let (failed, last) = (Mutex::new(0_u64), Mutex::new(0_u64));
    let all: Failed = proof::live(cases, threads, |done, replay, outcome| {
        if let Some(first) = outcome.problems.first() {
            println!("{replay}   # {first}");
            *failed.lock().expect("no panic holds it") += 1;
        }
        *last.lock().expect("no panic holds it") = done;
        if done.is_multiple_of(1_000) {
            let failed = *failed.lock().expect("no panic holds it");
            println!("   {what}: {done} lived, {failed} failed, {:.0} s", began.elapsed().as_secs_f32());
        }
    });
    let lived = last.into_inner().expect("no panic holds it");
    println!("{what}: {lived} lived, {} failed, {:.0} s", all.len(), began.elapsed().as_secs_f32());
    all.is_empty()
}

fn faults(threads: usize) -> bool {
    let began = Instant::now();
    // A fault may well make something panic: World hears of it, and its backtrace is of no use here.
    std::panic::set_hook(Box::new(|_| ()));
    let (next, survived) = (Mutex::new(FAULTS.iter()), Mutex::new(0_usize));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let one = next.lock().expect("no panic holds it").next();
                    let Some((fault, within)) = one else { return };
                    match proof::caught(fault, *within) {
                        Some((day, problem)) => {
                            println!("   {fault}: caught on day {day} of {within}: {problem}");
                        }
                        None => {
                            println!("{fault} was planted and nobody noticed in {within} days");
                            *survived.lock().expect("no panic holds it") += 1;
                        }
                    }
                }
            });
        }
    });
    let survived = survived.into_inner().expect("no panic holds it");
    let seconds = began.elapsed().as_secs_f32();
    println!("planted faults: {} caught, {survived} survived, {seconds:.0} s", FAULTS.len() - survived);
    survived == 0
}
