//! Plain data a shell shows. Ids cross to Kotlin and Swift as text; inside they are the protocol's types.
//!
//! Suffixes: none = a value, `View` = what a shell shows, `New…` = what a shell hands in.

mod delivery;
mod requests;
mod spoken;
mod views;

pub use delivery::{AttentionReason, Delivery, Remedy, RetryReason, WaitsFor};
pub use requests::*;
pub use spoken::*;
pub use views::*;
