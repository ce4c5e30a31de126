//! `cargo x …`: every developer's verb. CI runs the same ones.
//!
//! A verb installs what it needs into the user's cache folder or, on Debian as root, through apt; otherwise it
//! names what is missing and prints the part that depends on it as skipped. With `CI=true` a skip is a failure.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]
#![allow(
    clippy::disallowed_methods,
    reason = "it starts processes and reads the checkout; the ports are the product's"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod hosts;
mod house;
mod model;
mod setup;
mod shells;
mod steps;
mod toolchains;
mod verbs;

#[derive(Parser)]
#[command(name = "cargo x", about = "Pocketdesk's verbs: what a developer and CI run")]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Live a requester's day through the real facade, server and files, told like a story.
    Demo {
        /// Leave the demo's folder behind and print where it is.
        #[arg(long)]
        keep: bool,
    },
    /// Run everything that must pass: check, then all tests.
    Test {
        /// What is worth running every few minutes: formats, arrows, and the tests that need no service.
        #[arg(long)]
        quick: bool,
    },
    /// What is too long for every push: more kills, more rounds, real limits.
    Nightly,
    /// Live days of World, the simulation: `--seed N` prints one with its trace, `--seeds FROM..TO` lives many.
    Sim {
        /// Handed to the program as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure the core beside the least a whole stack could cost: `--small` for a look, `--rounds N` for more of them.
    Bench {
        /// Handed to the program as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Generate Kotlin, Swift and Python from the built library into the user's cache, and say where.
    Bindings,
    /// Compare what the library exports with what shells were written against (bindings/surface.txt).
    Api,
    /// Live the journeys in another language against the real library and the real server: python, kotlin; all without one.
    Hosts {
        /// Which.
        languages: Vec<hosts::Language>,
    },
    /// Measure what crossing from the core into Kotlin costs, over the optimised library.
    Border,
    /// Format, clippy, licences and sources of dependencies, house arrows.
    Check,
    /// Write the goldens (help, OpenAPI, API surface, schema) anew, on purpose; then read the diff.
    Bless,
    /// Make a real speech model for tests, the demo and this machine, and print where it lies.
    #[command(after_help = model::HELP)]
    Model {
        /// base, tiny.en or silero.
        name: String,
        /// How its weights are rounded: q5_1, q8_0 or f16.
        #[arg(long, value_name = "ROUNDING")]
        quant: Option<String>,
    },
    /// Install what the other verbs need, and say what is missing.
    Setup,
}

fn main() -> ExitCode {
    let done = match Args::parse().verb {
        Verb::Demo { keep } => verbs::demo(keep),
        Verb::Test { quick } => verbs::test(quick),
        Verb::Nightly => verbs::nightly(),
        Verb::Sim { arguments } => verbs::sim(&arguments),
        Verb::Bench { arguments } => verbs::bench(&arguments),
        Verb::Bindings => shells::bindings(),
        Verb::Api => shells::api(),
        Verb::Hosts { languages } => hosts::hosts(&languages),
        Verb::Border => hosts::border(),
        Verb::Check => check::check(true),
        Verb::Bless => verbs::bless(),
        Verb::Model { name, quant } => model::one(&name, quant.as_deref()),
        Verb::Setup => setup::everything().and(toolchains::everything()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\n{why}");
            ExitCode::FAILURE
        }
    }
}
