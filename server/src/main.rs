//! The program: the one place that reads the command line and the environment.
#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Variables that are not UTF-8 are not ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("POCKETDESK_SERVER_"))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the operating system gives threads and a poll");
    let code = runtime.block_on(pocketdesk_server::commands::run(std::env::args_os(), environment));
    // Blocking jobs that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    code
}
