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
    Ticket(Box<TicketRow>),
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
            rows::kind::TICKET => of(json, |row| Self::Ticket(Box::new(row))),
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

/// What a page erases from own.db, before its rows are stored: the same as [`plan_items`] says, without reading any.
pub fn plan_erasures(items: &[Item]) -> Vec<OwnChange> {
    let erased = items.iter().filter(|item| item.gone == Some(Gone::Erased));
    erased.map(|item| OwnChange::Purge { entity: item.id }).collect()
}

/// What a snapshot's last frame erases from own.db, before that frame is stored.
pub fn plan_erased(erased: &[EntityId]) -> Vec<OwnChange> {
    erased.iter().map(|entity| OwnChange::Purge { entity: *entity }).collect()
}

#[cfg(test)]
mod tests {
    use pocketdesk_protocol::rows::Status;

    use super::*;
    use crate::outbox::testing::{Ops, ticket_row};

    fn item(k: &str, id: EntityId, v: i64, row: &str) -> Item {
        let row = Some(serde_json::value::RawValue::from_string(row.to_owned()).unwrap());
        Item { k: k.into(), id, v, row, gone: None }
    }

    fn gone(k: &str, id: EntityId, gone: Gone) -> Item {
        Item { k: k.into(), id, v: 1, row: None, gone: Some(gone) }
    }

    #[test]
    fn an_older_version_never_overwrites_a_newer_one() {
        let id = EntityId(Ops::default().id());
        let items = [item("read", id, 3, r#"{"position":1}"#), item("read", id, 5, r#"{"position":2}"#)];
        let plan = plan_items(&items, |_, _| Some(4));
        assert!(matches!(&plan.cache[..], [CacheChange::Put { v: 5, .. }]));
    }

    #[test]
    fn what_a_newer_server_says_is_kept_byte_for_byte_for_a_newer_app() {
        let id = EntityId(Ops::default().id());
        let items = [
            item("article", id, 1, r#"{"title": "Як скинути",  "n":1}"#),
            item("ticket", id, 1, r#"{"new":true}"#),
        ];
        let plan = plan_items(&items, |_, _| None);
        let [CacheChange::Put { json, row, .. }, CacheChange::Put { row: odd, .. }] = &plan.cache[..] else {
            panic!("{plan:?}")
        };
        assert_eq!((json.as_str(), &**row), (r#"{"title": "Як скинути",  "n":1}"#, &KnownRow::Opaque));
        assert_eq!(**odd, KnownRow::Opaque, "a row in an unknown shape is kept, not shown and no error");
    }

    #[test]
    fn fields_this_build_does_not_know_survive() {
        let mut row = ticket_row(Status::Open).row;
        row.extra.insert("mood".into(), "calm".into());
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(KnownRow::read("ticket", &json), KnownRow::Ticket(Box::new(row)));
    }

    #[test]
    fn what_left_goes_though_its_version_is_old_and_only_erasure_reaches_the_persons_own_words() {
        let mut ops = Ops::default();
        let [left, deleted, erased] = [(); 3].map(|()| EntityId(ops.id()));
        let items = [
            gone("comment", left, Gone::Left),
            gone("comment", deleted, Gone::Deleted),
            gone("comment", erased, Gone::Erased),
        ];
        let plan = plan_items(&items, |_, _| Some(9));
        assert_eq!(plan.cache.len(), 3);
        assert_eq!(plan.own, [OwnChange::Purge { entity: erased }]);
        assert_eq!(plan_erased(&[erased]), plan.own);
        assert_eq!(plan_erasures(&items), plan.own);
    }

    #[test]
    fn a_page_asked_before_a_reset_is_not_applied_after_it() {
        let cursor = |at: &str| Cursor(at.into());
        let asked = Asked { file: "a".into(), cursor: cursor("7"), stands_on: (Epoch(5), 1) };
        assert!(page_fits(&asked, &asked, Epoch(5), 1));
        let other_file = Asked { file: "b".into(), ..asked.clone() };
        let moved_on = Asked { cursor: cursor("8"), ..asked.clone() };
        assert!(!page_fits(&asked, &other_file, Epoch(5), 1));
        assert!(!page_fits(&asked, &moved_on, Epoch(5), 1), "a double must not take the cursor back");
        assert!(!page_fits(&asked, &asked, Epoch(6), 1));
        assert!(!page_fits(&asked, &asked, Epoch(5), 2), "scopes taken and given back between two pages");
    }
}
