//! `GET /live`, Server-Sent Events: hints that something moved, never what.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Epoch, Scope},
    sync::Ack,
};

/// Name of the first event of a stream; its data is a [`Hello`].
pub const HELLO: &str = "hello";
/// Name of every other event; its data is a [`Moved`].
pub const MOVED: &str = "moved";
/// A comment line keeps the stream open; more than [`SILENCE_S`] without one means it is dead.
pub const KEEP_ALIVE_S: u64 = 25;
/// Seconds to wait for the hello before this network is thought to buffer.
pub const HELLO_WITHIN_S: u64 = 5;
/// Seconds of silence after which a stream is thought dead.
pub const SILENCE_S: u64 = 40;

/// Data of a [`HELLO`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Hello {
    /// The server's epoch.
    pub epoch: Epoch,
    /// The revision of the session's scopes.
    pub scopes_rev: i64,
    /// Where the journals stand.
    pub heads: Vec<Ack>,
}

/// Data of a [`MOVED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Moved {
    /// Which journal.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub scope: Scope,
    /// Where it stands.
    pub head: i64,
    /// The revision of the session's scopes.
    pub scopes_rev: i64,
}
