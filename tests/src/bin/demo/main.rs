//! A requester's day, told as a story: the real facade, the real server, real files, a real kill -9.
//!
//! `cargo x demo` runs it. Every step says what happens and then shows what the phone shows; a step that is not as
//! told ends the program with a sentence and a failure.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the story is told on the terminal")]
#![allow(clippy::disallowed_methods, reason = "it starts and kills processes and waits")]

use std::{path::PathBuf, process::ExitCode};

mod day;
mod phone;
mod spoken;
mod story;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // The phone that is killed in the middle is this program in a process of its own.
        ["phone", dir, photo] => phone::file_and_wait(dir, photo).await,
        [] => day::live(None).await,
        ["--keep"] => {
            day::live(Some(std::env::temp_dir().join(format!("pocketdesk-demo-{}", std::process::id()))))
                .await
        }
        _ => Err("Usage: pocketdesk-demo [--keep]".into()),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\n  ✗ {why}");
            ExitCode::FAILURE
        }
    }
}

/// The photo of the story.
fn photo() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/files/till.png")
}
