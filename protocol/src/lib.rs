//! What phone and desk say to each other: serde types, their limits, and the one digest both sides compute.
//!
//! A person's intent travels as an [`op::WireOp`]; what became of it comes back as a [`sync::Verdict`]; what the
//! desk knows comes as [`sync::Item`]s whose rows are in [`rows`]. Both sides keep fields they do not know
//! ([`rows::Extra`]) and store rows of kinds they do not know as they came: an old app must not lose what a new
//! server said, and a new app must not lose it by an update.
//!
//! Times are milliseconds since the Unix epoch by the *server's* clock, unless a name says `made_at`, which is
//! the phone's and orders nothing. Sizes are bytes.

#![warn(missing_docs)]

pub mod ids;
pub mod limits;
pub mod live;
pub mod models;
pub mod op;
pub mod planted;
pub mod rows;
pub mod session;
pub mod sync;
pub mod uploads;
pub mod version;

/// Milliseconds since the Unix epoch.
pub type Millis = i64;
