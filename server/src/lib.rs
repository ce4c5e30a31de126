//! The desk side of Pocketdesk.

pub mod env;
