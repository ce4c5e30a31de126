//! What a person can intend (ops), in which order it goes (lanes), what ends trouble (remedies), and what it adds
//! to the desk's rows meanwhile (overlay).
//!
//! An op is made by a builder ([`new_op`]), kept as a [`StoredOp`], ordered by its [`lane`], changed only by
//! [`OwnChange`]s that the store carries out in one transaction each, and leaves only when its words are known to
//! be somewhere else. Nothing here touches a store: callers hand in what they read and carry out what comes back.

mod change;
mod error;
pub mod lane;
pub mod new_op;
mod op;
pub mod overlay;
pub mod plan;
pub mod remedies;
#[cfg(test)]
pub(crate) mod testing;

pub use change::{NewDraft, OwnChange};
pub use error::{InvalidReason, OutboxError};
pub use lane::LaneKey;
pub use new_op::{NewOp, Stamp};
pub use op::{
    ALONE_FAILURES_BEFORE_ATTENTION, Applied, Edit, MadeOn, OpState, Payload, Rejected, STARTS_BEFORE_ALONE,
    STUCK_INTERVAL_MS, StoredOp, Wake, Wish,
};
