//! The desk side of Pocketdesk: one program that takes requests for help from phones, and keeps them for the desk.
//!
//! # The life of a request here
//! A phone's `POST /sync` comes through [`api`]: the way it came is judged, its version, its address and its session
//! measured, and its bearer turned into a [`context::Session`] by [`auth`]. [`sync`] takes the ops in their order:
//! each is looked up (an op has one effect, for ever), checked against its lane and applied by [`desk`], and verdict,
//! change and journal are one commit through [`store`]. Then the next page is read, and [`journal`] says which rows of
//! the session's scopes moved. Bytes of files travel beside that, part by part, into [`blobs`]. What moved is hinted
//! to live streams and waiting pulls, here and on other replicas. Staff do their half through `/staff` ([`staff`],
//! [`people`]).
//!
//! # What is promised
//! - No verdict and no part is acknowledged before it is durable: SQLite runs with `synchronous=FULL`, PostgreSQL with
//!   `synchronous_commit=on`, files are written with fsync. `tests/suite/http/durability.rs` kills the program under
//!   load.
//! - What a person may not see answers like what does not exist. `tests/suite/http/gate.rs` tries every route of
//!   `openapi.json`.
//! - No secret and no person's words are logged. Tokens and codes lie in the database as hashes; the server's own
//!   keys in `DATA/keys`, which no backup holds.
//!
//! # What is not
//! - Rows and files are not encrypted by the server: use the disk's encryption. The way to PostgreSQL has no TLS of
//!   its own: a socket, the same machine, or a private network.
//! - Limits by address and session are each replica's own; codes to one mailbox are counted over all of them.
//!
//! # Running one
//! [`config`] says what can be set and where things lie, [`commands`] what the program can do, [`server`] starts one
//! in a test:
//!
//! ```no_run
//! # async fn demo() -> Result<(), pocketdesk_server::server::StartError> {
//! use pocketdesk_server::{config::Config, server::Server};
//!
//! let running = Server::start(Config::development("/tmp/desk")).await?;
//! println!("{} {}", running.url(), running.staff_token());
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod api;
pub mod auth;
pub mod backup;
pub mod blobs;
pub mod catalogue;
pub mod commands;
pub mod config;
pub mod context;
pub mod desk;
pub mod env;
pub mod files;
pub mod journal;
pub mod mail;
pub mod models;
pub mod people;
pub mod server;
pub mod staff;
pub mod store;
pub mod sync;
#[cfg(feature = "testing")]
pub mod testing;
