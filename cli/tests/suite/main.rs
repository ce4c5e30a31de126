//! The real binary: its help, its contract with scripts, and its days with a real server.

#![allow(clippy::print_stdout, reason = "what is skipped is said")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![allow(
    clippy::disallowed_methods,
    reason = "outside the program, real files and real time are what is meant"
)]

mod day;
mod desk;
mod help;
mod kills;
mod offline;
mod person;
mod terminal;
mod texts;
mod voice;
