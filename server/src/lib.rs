//! The desk side of Pocketdesk.

pub mod api;
pub mod auth;
pub mod backup;
pub mod blobs;
pub mod commands;
pub mod config;
pub mod context;
pub mod desk;
pub mod env;
pub mod files;
pub mod journal;
pub mod mail;
pub mod people;
pub mod server;
pub mod staff;
pub mod store;
pub mod sync;
#[cfg(feature = "testing")]
pub mod testing;
