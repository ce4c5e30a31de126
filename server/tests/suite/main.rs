//! The server, from outside and from inside.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test ends at the first thing that is not as told, and stands on the real system"
)]

mod data;
mod http;
