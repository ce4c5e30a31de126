//! What the app knows and decides. Pure: no I/O, no clock, no chance; Cargo.toml keeps it so.
//!
//! [`model`] is what a shell shows, [`outbox`] what a person can intend and how it is ordered, mended and laid
//! over the desk's facts, [`sync`] the state machine that decides when to push, pull and wait, [`dictation`] what
//! becomes of spoken words, [`words`] how words are compared.

#![warn(missing_docs)]

pub mod dictation;
pub mod model;
pub mod outbox;
pub mod sync;
pub mod words;

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();
