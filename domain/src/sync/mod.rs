//! When to push, pull and wait, and what an answer means.
//!
//! [`State::step`] is the machine: it gets what happened ([`Input`]) and says what to do ([`Effect`]s, to be carried
//! out in order). It holds no words and no rows: bodies stay in own.db, pages with whoever asked for them. What an
//! answer means for own.db is decided in [`answer`], what it erases there in [`merge`].
//!
//! The promises, each a test: an op's `starts` is durable before its first byte goes out; whatever is not final has a
//! wake-up; trouble with the session never touches an op; nothing old is applied to anything new.

pub mod answer;
mod backoff;
mod build;
mod input;
pub mod merge;
mod queue;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod verdicts;

pub use backoff::{CAP_MS, FIRST_MS};
pub use input::{
    Answer, BuildFacts, BuildPhase, CacheStatus, Effect, Exchange, Failure, Input, LiveInput, Now,
    RefreshOutcome, Signal, Start,
};
pub use queue::QueuedOp;
pub use state::State;
