//! What an app does: accounts of a folder ([`accounts`]), what a person says ([`words`]) and sees ([`reads`]), and
//! the sync machine's orders carried out ([`runner`], [`effects`]).
//!
//! Tasks hold the [`account::Account`] they work for and never the facade: dropping the facade ends them.

pub mod account;
pub mod accounts;
mod build;
pub mod dictation;
mod effects;
pub(crate) mod exchanges;
mod export;
pub mod feed;
mod gathered;
pub mod hearing;
mod live;
mod models;
pub(crate) mod reads;
mod remedies;
mod report;
pub(crate) mod runner;
pub mod shared;
mod sync_now;
pub mod topics;
pub(crate) mod words;
mod worker;

pub use words::id;
