//! The facade as a shell uses it: its own runtime, real sockets, the real server.

#![allow(clippy::disallowed_methods, reason = "tests write files and wait")]

mod border;
mod day;
mod desk;
mod golden;
