//! What the person sees: the desk's rows with the person's own ops laid over them. Computed at every reading, never
//! stored, because no transaction spans own.db and the cache (3-sync rules 7 and 8).
//!
//! The caller opens own.db's snapshot first, then the cache's, and hands in what it read there.

mod delivery;
mod files;
mod inbox;
mod plain;
mod shown;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, EntityId, Epoch, OpId, PersonId},
    rows::{AttachmentRow, CommentRow, EventRow, RatingRow, ReadRow, TicketRow},
};

pub use delivery::{delivery_of_op, delivery_of_row};
pub use files::delivery_of_file;
pub use inbox::{InboxGroup, InboxKey, inbox_key, inbox_key_of_row};
pub use plain::{PlainLine, plain_summary};
pub use shown::{hides, is_shown, read_to};
pub use view::{is_me, outbox_item, refused_item, summary, ticket_view};

use super::StoredOp;
use crate::model::{PausedReason, RetryReason};

/// A row of the cache, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<T> {
    /// Whose.
    pub id: EntityId,
    /// Its version within the epoch.
    pub v: i64,
    /// The row.
    pub row: T,
}

/// What the active cache file says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFacts {
    /// The epoch its rows are of; none while there is no file.
    pub epoch: Option<Epoch>,
    /// own.db's counter of verdicts at the *asking* of the last complete page applied to this file; 0 before one.
    pub complete_asked_at: i64,
}

/// What is known of a file's bytes on this phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Its bytes can be opened now with no connection.
    pub on_phone: bool,
    /// Bytes the server has acknowledged.
    pub sent: u64,
    /// The server said that it is whole (server time).
    pub complete_at: Option<Millis>,
    /// A part is under way.
    pub sending: bool,
    /// Not sent, by the person's wish.
    pub stopped: bool,
    /// Why the last part failed, and when the next try is due.
    pub retrying: Option<(RetryReason, Millis)>,
}

/// Where the account stands while the screen is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its name on this phone (its directory).
    pub account: String,
    /// Who holds the phone; none before the first sign-in.
    pub me: Option<PersonId>,
    /// As shown.
    pub my_name: String,
    /// Why nothing goes.
    pub paused: Option<PausedReason>,
    /// Whether there is a connection, as far as the platform knows.
    pub online: bool,
    /// On a metered connection where files wait for another.
    pub files_wait_for_wifi: bool,
    /// Ops of the request that is under way.
    pub sending: Vec<OpId>,
    /// The phone's clock.
    pub now: Millis,
}

/// All that is known of one ticket.
#[derive(Debug, Clone, Copy)]
pub struct TicketFacts<'a> {
    /// Its row; none while only the phone knows it.
    pub ticket: Option<&'a Row<TicketRow>>,
    /// Its comments' rows (for a summary those suffice that its ops name, and this person's that the desk refused).
    pub comments: &'a [Row<CommentRow>],
    /// Its files' rows (for a summary: those its ops name).
    pub attachments: &'a [Row<AttachmentRow>],
    /// Its events' rows (for a summary: none).
    pub events: &'a [Row<EventRow>],
    /// The person's read mark.
    pub read: Option<&'a Row<ReadRow>>,
    /// The person's rating.
    pub rating: Option<&'a Row<RatingRow>>,
    /// All ops of this ticket, live, rejected and kept, in any order.
    pub ops: &'a [StoredOp],
    /// Facts of files by id; a file that is not in it is not on this phone.
    pub files: &'a BTreeMap<AttachmentId, FileFacts>,
    /// What the active cache file says of itself.
    pub cache: CacheFacts,
    /// Comments and events of others past [`read_to`]: the store counts them in SQL for a list.
    pub unread: u32,
}
