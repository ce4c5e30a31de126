//! Pushing ops and pulling rows: `POST /sync`, `GET /pull`, `GET /snapshot`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    Millis,
    ids::{EntityId, Epoch, OpId, Scope, TicketId},
    op::WireOp,
};

/// Where a phone stands in the journals of its scopes. Opaque: only the server that gave it reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Body of `POST /sync`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SyncRequest {
    /// The epoch the phone knows. Under another one, or none, no op is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// At most [`crate::limits::OPS_PER_REQUEST`].
    #[serde(default)]
    pub ops: Vec<WireOp>,
    /// Without it there is no page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Bytes of items the phone would like at most; a page holds at least one commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

/// Query of `GET /pull`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PullQuery {
    /// Where the phone stands.
    pub cursor: Cursor,
    /// As in [`SyncRequest::limit_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
    /// JSON text of an [`AtLeast`]: wait until the page reaches it, at most `wait` seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// Seconds to wait for news (at most 50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

/// What a push or a live hint spoke of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AtLeast {
    /// The epoch it belongs to.
    pub epoch: Epoch,
    /// Which journal.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub scope: Scope,
    /// Which commit.
    pub seq: i64,
}

/// A commit of one scope's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ack {
    /// Which journal.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub scope: Scope,
    /// Position, gap-free, in commit order.
    pub seq: i64,
    /// Random check: another number at the same position means another history.
    pub tag: i64,
}

/// Answer of `POST /sync` and `GET /pull`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SyncResponse {
    /// The server's epoch. An answer of a lower one than the phone knows is dropped whole.
    pub epoch: Epoch,
    /// The server's clock.
    pub server_time: Millis,
    /// The revision of the scopes this session holds.
    pub scopes_rev: i64,
    /// One for each op of the request, when the epochs match; else empty.
    #[serde(default)]
    pub verdicts: Vec<OpVerdict>,
    /// Rows that moved, as they are now.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Where the phone stands after applying `items`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// Whether `next` is at the heads. False when a page was not asked for.
    pub complete: bool,
    /// Where the journals stand.
    #[serde(default)]
    pub heads: Vec<Ack>,
    /// The cursor cannot be gone on from: build the cache anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
}

/// Why a cursor cannot be gone on from. 200 with a body: an error status would make a client retry it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
}

/// See [`Reset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The server was restored.
    Epoch,
    /// The session holds other scopes now.
    Scopes,
    /// Another history stands at the cursor's position: an operator's accident.
    Tag,
    /// The cursor is ahead of the head: an operator's accident.
    Ahead,
    /// The journal no longer reaches back so far.
    Horizon,
    /// It is not a cursor of this server.
    Unreadable,
    /// A reason this build does not know; the remedy is the same.
    #[serde(other)]
    Other,
}

/// A row that moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Item {
    /// Kind of row: one of [`crate::rows::kind`], or one this build does not know.
    pub k: String,
    /// Whose row.
    pub id: EntityId,
    /// Its version within the epoch; an older one never overwrites a newer.
    pub v: i64,
    /// The row as it is now, kept byte for byte until it is applied; absent when gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub row: Option<Box<RawValue>>,
    /// Why there is no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
}

/// Why a row is no longer there for this person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// It is in none of the session's scopes any more.
    Left,
    /// It was deleted.
    Deleted,
    /// It was erased: every copy goes, the person's own included.
    Erased,
}

/// What the server answers to one op.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OpVerdict {
    /// Which op.
    pub op: OpId,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// `applied` and `rejected` are stored by the server and final; `retry` and `blocked` are answers of the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It took effect, now or before.
    Applied {
        /// Version of the row it made or changed (for a rating or read mark: of that row).
        v: i64,
        /// The desk's number, when it is known already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
        /// Its commit in each scope of this session it touched; a late replay gets the present heads.
        #[serde(default)]
        ack: Vec<Ack>,
        /// Proof for a server that was restored to a time before this.
        receipt: String,
        /// The ticket that goes on instead of the one it named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        merged_into: Option<TicketId>,
    },
    /// Not now.
    Retry {
        /// Milliseconds to wait at least.
        after_ms: u64,
    },
    /// Never. The person sees why and what they can do.
    Rejected {
        /// A machine's name: one of [`code`].
        code: String,
        /// Key of a sentence in `texts`.
        text_key: String,
        /// The server's own words, for an app that lacks the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Which field of the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        /// Whether new words may help.
        can_edit: bool,
    },
    /// Something it depends on is not there yet.
    Blocked {
        /// What.
        on: BlockedOn,
    },
}

/// What an op waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockedOn {
    /// The server does not hold its ticket.
    Ticket,
    /// The op before it in its lane.
    Prev,
}

/// Names of reasons for a rejection. A name never changes its meaning; `text_key` is `rejected-` + the name with
/// dashes.
pub mod code {
    #![allow(missing_docs)]
    pub const OP_ID_REUSED: &str = "op_id_reused";
    pub const DIGEST: &str = "digest";
    pub const UNKNOWN_KIND: &str = "unknown_kind";
    pub const INVALID: &str = "invalid";
    pub const TOO_LONG: &str = "too_long";
    pub const TOO_MANY_FILES: &str = "too_many_files";
    pub const FILE_TOO_LARGE: &str = "file_too_large";
    pub const ID_TAKEN: &str = "id_taken";
    pub const TICKET_GONE: &str = "ticket_gone";
    pub const ERASED: &str = "erased";
    pub const LEFT: &str = "left";
    pub const NO_RIGHT: &str = "no_right";
    pub const MOVED_ON: &str = "moved_on";
    pub const NOT_SOLVED: &str = "not_solved";
    pub const ALREADY_CLOSED: &str = "already_closed";
    pub const REOPEN_WINDOW_PASSED: &str = "reopen_window_passed";
    pub const RATING_WINDOW_PASSED: &str = "rating_window_passed";
    pub const UNKNOWN_PERSON: &str = "unknown_person";
    pub const NOT_REFUSED: &str = "not_refused";

    /// The key of the sentence for a code.
    pub fn text_key(code: &str) -> String {
        format!("rejected-{}", code.replace('_', "-"))
    }
}

/// Query of `GET /snapshot`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SnapshotQuery {
    /// The last frame's [`FrameEnd::resume`]; absent at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// One line of a snapshot's NDJSON. The body is a sequence of zstd frames, each at most
/// [`crate::limits::FRAME_BYTES`] before compression and each readable by itself; the first line of the first
/// frame is a [`SnapshotLine::Start`], the last line of every frame a [`SnapshotLine::End`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SnapshotLine {
    /// What the snapshot stands on. Sent again at a resumption, with the heads of that moment: a phone keeps its
    /// *first* `as_of` and starts over when epoch or scopes_rev differ.
    Start(SnapshotStart),
    /// A row. Tickets come in descending order of id, each followed by its rows.
    Item(Item),
    /// The frame is whole.
    End(FrameEnd),
}

/// See [`SnapshotLine::Start`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SnapshotStart {
    /// The server's epoch.
    pub epoch: Epoch,
    /// The revision of the session's scopes.
    pub scopes_rev: i64,
    /// Heads noted before the first row was read: the delta from here makes the snapshot whole.
    pub as_of: Cursor,
    /// How many tickets there are to come, for a truthful progress.
    pub tickets: u64,
}

/// See [`SnapshotLine::End`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FrameEnd {
    /// Where to go on; opaque.
    pub resume: String,
    /// Whether this was the last frame.
    pub last: bool,
    /// Ids of the account's own entities that were erased, in the last frame only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<EntityId>,
}
