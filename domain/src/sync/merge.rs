//! What a page's or frame's items mean for a cache file, and what they erase from own.db.
//!
//! The order is own.db first: whoever carries this out commits the purges there before the cache changes, so that a
//! crash between the two leaves words erased and a page to be applied again, never the contrary.

use pocketdesk_protocol::{
    ids::{EntityId, Epoch, TicketId},
    rows::{self, AttachmentRow, CommentRow, EventRow, RatingRow, ReadRow, TicketRow},
    sync::{Cursor, Gone, Item},
};
use serde::de::DeserializeOwned;

use crate::outbox::OwnChange;

/// Where a file stood when a page was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The file's name.
    pub file: String,
    /// Its cursor.
    pub cursor: Cursor,
    /// Epoch and scopes_rev it is of.
    pub stands_on: (Epoch, i64),
}

/// Whether a page may be applied: the file is where it was when the page was asked for, and the answer is of the same
/// epoch and scopes.
pub fn page_fits(asked: &Asked, present: &Asked, epoch: Epoch, scopes_rev: i64) -> bool {
    asked == present && present.stands_on == (epoch, scopes_rev)
}

/// One change of a cache file.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheChange {
    /// The row as it is now.
    Put {
        /// Kind of row.
        k: String,
        /// Whose.
        id: EntityId,
        /// Its version.
        v: i64,
        /// The exact JSON text that came.
        json: String,
        /// As read; [`KnownRow::Opaque`] is kept and not shown.
        row: Box<KnownRow>,
    },
    /// It is no longer there for this person; its search entry and, when nothing else names them, its bytes go too.
    Remove {
        /// Kind of row.
        k: String,
        /// Whose.
        id: EntityId,
        /// Why.
        gone: Gone,
    },
}

/// A row this build can read.
#[derive(Debug, Clone, PartialEq)]
pub enum KnownRow {
    /// [`rows::kind::TICKET`].
    Ticket(TicketRow),
    /// [`rows::kind::COMMENT`].
    Comment(CommentRow),
    /// [`rows::kind::ATTACHMENT`].
    Attachment(AttachmentRow),
    /// [`rows::kind::EVENT`].
    Event(EventRow),
    /// [`rows::kind::READ`].
    Read(ReadRow),
    /// [`rows::kind::RATING`].
    Rating(RatingRow),
    /// Of a kind, or in a shape, that this build does not know: kept for the next one.
    Opaque,
}

impl KnownRow {
    /// Reads a row's JSON text.
    pub fn read(k: &str, json: &str) -> Self {
        fn of<T: DeserializeOwned>(json: &str, make: fn(T) -> KnownRow) -> KnownRow {
            serde_json::from_str(json).map_or(KnownRow::Opaque, make)
        }
        match k {
            rows::kind::TICKET => of(json, Self::Ticket),
            rows::kind::COMMENT => of(json, Self::Comment),
            rows::kind::ATTACHMENT => of(json, Self::Attachment),
            rows::kind::EVENT => of(json, Self::Event),
            rows::kind::READ => of(json, Self::Read),
            rows::kind::RATING => of(json, Self::Rating),
            _ => Self::Opaque,
        }
    }

    /// The ticket it belongs to; of read marks and ratings that is their id.
    pub fn ticket(&self, id: EntityId) -> Option<TicketId> {
        match self {
            Self::Ticket(_) | Self::Read(_) | Self::Rating(_) => Some(id.into()),
            Self::Comment(row) => Some(row.ticket),
            Self::Attachment(row) => Some(row.ticket),
            Self::Event(row) => Some(row.ticket),
            Self::Opaque => None,
        }
    }
}

/// What items mean.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergePlan {
    /// For own.db, committed first.
    pub own: Vec<OwnChange>,
    /// For the cache file, with its new cursor (or resume key) in one transaction.
    pub cache: Vec<CacheChange>,
}

/// Plans a page or frame. `have` gives the version of a row in the file. An older version never overwrites a newer
/// one; `gone` always applies, because a page that fits is newer than all its file holds.
pub fn plan_items(items: &[Item], mut have: impl FnMut(&str, EntityId) -> Option<i64>) -> MergePlan {
    let mut plan = MergePlan::default();
    for item in items {
        match (&item.row, item.gone) {
            (_, Some(gone)) => {
                if gone == Gone::Erased {
                    plan.own.push(OwnChange::Purge { entity: item.id });
                }
                plan.cache.push(CacheChange::Remove { k: item.k.clone(), id: item.id, gone });
            }
            (Some(row), None) if have(&item.k, item.id).is_none_or(|v| v <= item.v) => {
                plan.cache.push(CacheChange::Put {
                    k: item.k.clone(),
                    id: item.id,
                    v: item.v,
                    json: row.get().to_owned(),
                    row: Box::new(KnownRow::read(&item.k, row.get())),
                });
            }
            _ => {}
        }
    }
    plan
}

/// What a snapshot's last frame erases from own.db, before that frame is stored.
pub fn plan_erased(erased: &[EntityId]) -> Vec<OwnChange> {
    erased.iter().map(|entity| OwnChange::Purge { entity: *entity }).collect()
}
