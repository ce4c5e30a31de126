//! `cargo x bench`: what the core costs beside the least a whole stack could cost ([`floor`]), on the same data from the
//! same desk, side by side in one run. The ratios are what counts; the milliseconds are this machine's.
//!
//! The desk is the real server in this process. Everything that is measured runs in a fresh child, one task each, in
//! turns: plain floor, core, sealed floor. The core cannot run unsealed (it refuses to), so what the lock costs is
//! measured on the floor, and the core is set against both. Speech (`--only voice`) has a yardstick of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]
#![allow(clippy::disallowed_methods, reason = "it measures the real clock and works on real files")]

mod child;
mod data;
mod desk;
mod files;
mod floor;
mod meter;
mod phone;
mod proxy;
mod run;
mod table;
mod voice;

use std::{path::PathBuf, process::ExitCode};

/// Whatever went wrong, in words; a benchmark has no remedies.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
/// See [`Result`].
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "usage: pocketdesk-bench [--small] [--rounds N] [--data FOLDER] [--only TASK]   (FOLDER keeps the desk for the next run)";

/// Whose costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The floor on plain SQLite.
    Plain,
    /// The facade.
    Core,
    /// The floor on SQLite under lock.
    Sealed,
}

impl Who {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Core, Self::Sealed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "floor",
            Self::Core => "core",
            Self::Sealed => "sealed-floor",
        }
    }
}

/// What is asked for.
pub struct Args {
    pub small: bool,
    pub rounds: usize,
    pub data: Option<PathBuf>,
    /// Only these tasks (and what they stand on).
    pub only: Vec<String>,
}

fn main() -> ExitCode {
    let meter = meter::Meter::start();
    match go(meter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn go(meter: meter::Meter) -> Result<()> {
    let mut words = std::env::args().skip(1);
    let mut args = Args { small: false, rounds: 5, data: None, only: Vec::new() };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match word.as_str() {
            "child" => {
                let name = value()?;
                let who = Who::ALL.into_iter().find(|who| who.name() == name).ok_or("nobody of that name")?;
                return child::run(who, &serde_json::from_slice(&std::fs::read(value()?)?)?, meter);
            }
            "--small" => args.small = true,
            "--rounds" => args.rounds = value()?.parse()?,
            "--data" => args.data = Some(value()?.into()),
            "--only" => args.only.push(value()?),
            _ => return Err(USAGE.into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let only_voice = !args.only.is_empty() && args.only.iter().all(|task| task == "voice");
    if !only_voice {
        runtime.block_on(run::run(&args))?;
        println!();
    }
    if only_voice || args.only.is_empty() {
        runtime.block_on(voice::run(&args))?;
    }
    Ok(())
}
