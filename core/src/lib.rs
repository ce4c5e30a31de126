//! The life of a reply.

pub mod attachments;
pub mod env;
pub mod remote;
pub mod store;
