//! The core from outside: what a person would lose if a part of it were wrong.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod dictation;
mod downloads;
mod models;
mod network;
mod remote_faults;
mod scripted;
mod sessions;
mod storage;
#[cfg(feature = "voice")]
mod voice;
