//! A cache file: what the server said, and nothing else. It may be deleted at any time and comes back by itself.
//!
//! Rows lie as they came (their JSON byte for byte) beside the few columns that lists and counts need; rows whose
//! parent has not come, and rows of kinds this build does not know, are stored and not shown.

pub(crate) mod apply;
mod hot;
pub(crate) mod index;
mod listed;

use std::ops::ControlFlow;

use super::{
    error::{Result, StoreError},
    values::{Blob, blob},
};
use listed::{Known, stored};
use pocketdesk_domain::outbox::overlay;
use pocketdesk_protocol::{
    ids::{AttachmentId, CommentId, EntityId, Epoch, PersonId, TicketId},
    rows::{AttachmentRow, CatalogueRow, CommentRow, EventRow, RatingRow, ReadRow, TicketRow, kind},
    sync::Cursor,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub use index::{FoundRow, Hit, Order};
pub use listed::Listed;
pub use overlay::Row as Stored;

/// The tables; a file of another format is built anew.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/cache-0001.sql"),
    include_str!("../migrations/cache-0002.sql"),
    include_str!("../migrations/cache-0003.sql"),
];
/// Indexes that come late in a file built beside another.
pub(crate) const LATE: &str = include_str!("../migrations/cache-0003-late.sql");

/// A cache file's name in the account's directory; never given twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheName(pub(crate) String);

impl CacheName {
    /// As on the disk.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a cache file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheFacts {
    /// Which file.
    pub name: CacheName,
    /// Whose rows count as read.
    pub me: Option<PersonId>,
    /// The epoch its rows are of.
    pub epoch: Option<Epoch>,
    /// The revision of the scopes its rows are of.
    pub scopes_rev: i64,
    /// The heads its snapshot stands on: the *first* frame's.
    pub as_of: Option<Cursor>,
    /// Where its snapshot goes on.
    pub resume: Option<String>,
    /// All frames are in: what remains is the delta from `as_of` to a complete page.
    pub frames_done: bool,
    /// How many tickets the snapshot spoke of.
    pub expected_tickets: u64,
    /// Where the next page is asked from; none before the last frame is in.
    pub cursor: Option<Cursor>,
    /// own.db's counter of verdicts at the asking of the last complete page.
    pub asked_verdicts: Option<i64>,
    /// Whole: everything the server had at the last complete page is in it. Else it is a build to go on with.
    pub finished: bool,
}

/// A place in the list of tickets; the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboxPlace {
    /// 0 needs the person, 1 open, 2 solved and closed.
    pub group: i64,
    /// Ascending within the group.
    pub sort: i64,
    /// Descending within one `sort`.
    pub id: TicketId,
}

/// A line of the list, as the server's rows alone would have it.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxEntry {
    /// Where it stands.
    pub place: InboxPlace,
    /// The ticket.
    pub ticket: Stored<TicketRow>,
    /// Comments and events of others past the read mark.
    pub unread: u32,
    /// Whether comments of the person's wait for the desk, or were refused ([`CacheRead::waiting_comments`]).
    pub waits: bool,
}

/// All rows of a ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketRows {
    /// Its own; without it nothing of the ticket is shown but what the person wrote.
    pub ticket: Option<Stored<TicketRow>>,
    /// In order of position.
    pub comments: Vec<Stored<CommentRow>>,
    /// In order of their ids.
    pub attachments: Vec<Stored<AttachmentRow>>,
    /// In order of position.
    pub events: Vec<Stored<EventRow>>,
    /// The person's read mark.
    pub read: Option<Stored<ReadRow>>,
    /// The person's rating.
    pub rating: Option<Stored<RatingRow>>,
    /// Comments and events of others past the read mark.
    pub unread: u32,
}

/// How many tickets there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In all.
    pub tickets: u64,
    /// With something unread.
    pub unread: u64,
}

/// What every list asks of a cache file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brief {
    /// For [`overlay`].
    pub overlay: overlay::CacheFacts,
    /// See [`CacheFacts::finished`].
    pub finished: bool,
    /// How many tickets there are.
    pub counts: Counts,
}

/// Reads of one cache file within one snapshot or transaction.
#[derive(Clone, Copy)]
pub struct CacheRead<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) name: &'a CacheName,
    /// Asked already, where nothing is written while this lives.
    pub(crate) brief: Option<Brief>,
}

impl CacheRead<'_> {
    /// What the file says of itself.
    pub fn facts(&self) -> Result<CacheFacts> {
        let mut find = self.db.prepare_cached(
            "SELECT me, epoch, scopes_rev, as_of, resume, frames_done, expected, cursor, asked_verdicts, finished
             FROM facts",
        )?;
        Ok(find.query_row([], |row| {
            Ok(CacheFacts {
                name: self.name.clone(),
                me: row.get::<_, Option<Blob>>(0)?.map(|id| PersonId(id.0)),
                epoch: row.get::<_, Option<i64>>(1)?.map(Epoch),
                scopes_rev: row.get(2)?,
                as_of: row.get::<_, Option<String>>(3)?.map(Cursor),
                resume: row.get(4)?,
                frames_done: row.get(5)?,
                expected_tickets: row.get::<_, i64>(6)?.cast_unsigned(),
                cursor: row.get::<_, Option<String>>(7)?.map(Cursor),
                asked_verdicts: row.get(8)?,
                finished: row.get(9)?,
            })
        })?)
    }

    /// The little of it that every list asks for.
    pub fn brief(&self) -> Result<Brief> {
        if let Some(brief) = self.brief {
            return Ok(brief);
        }
        let mut find =
            self.db.prepare_cached("SELECT epoch, asked_verdicts, finished, tickets, unread FROM facts")?;
        Ok(find.query_row([], |row| {
            let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
            Ok(Brief {
                overlay: overlay::CacheFacts {
                    epoch: row.get::<_, Option<i64>>(0)?.map(Epoch),
                    complete_asked_at: row.get::<_, Option<i64>>(1)?.unwrap_or(0),
                },
                finished: row.get(2)?,
                counts: Counts { tickets: count(3)?, unread: count(4)? },
            })
        })?)
    }

    /// The same for [`overlay`].
    pub fn overlay_facts(&self) -> Result<overlay::CacheFacts> {
        Ok(self.brief()?.overlay)
    }

    /// Version of a row, if it is there.
    pub fn v(&self, kind: &str, id: EntityId) -> Result<Option<i64>> {
        let mut find = self.db.prepare_cached("SELECT v FROM rows WHERE id = ?1 AND kind = ?2")?;
        Ok(find.query_row(params![blob(id.0), kind], |row| row.get(0)).optional()?)
    }

    /// Every row as it came, whether it is shown or not: kind, id, version, JSON. For reports and for checks.
    pub fn every_row(&self) -> Result<Vec<(String, EntityId, i64, String)>> {
        let mut find = self.db.prepare_cached("SELECT kind, id, v, row FROM rows ORDER BY kind, id")?;
        let found = find.query_map([], |row| {
            Ok((row.get(0)?, EntityId(row.get::<_, Blob>(1)?.0), row.get(2)?, row.get(3)?))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn one<T: Known>(&self, kind: &str, id: EntityId) -> Result<Option<Stored<T>>> {
        let mut find = self.db.prepare_cached("SELECT id, v, row FROM rows WHERE id = ?1 AND kind = ?2")?;
        Ok(find.query_row(params![blob(id.0), kind], |row| stored(row, 0)).optional()?.flatten())
    }

    /// A ticket's own row.
    pub fn ticket(&self, id: TicketId) -> Result<Option<Stored<TicketRow>>> {
        self.one(kind::TICKET, id.into())
    }

    /// A comment's row.
    pub fn comment(&self, id: CommentId) -> Result<Option<Stored<CommentRow>>> {
        self.one(kind::COMMENT, id.into())
    }

    /// A file's row.
    pub fn attachment(&self, id: AttachmentId) -> Result<Option<Stored<AttachmentRow>>> {
        self.one(kind::ATTACHMENT, id.into())
    }

    /// The person's read mark of a ticket.
    pub fn read_mark(&self, ticket: TicketId) -> Result<Option<Stored<ReadRow>>> {
        self.one(kind::READ, ticket.into())
    }

    /// The person's rating of a ticket.
    pub fn rating(&self, ticket: TicketId) -> Result<Option<Stored<RatingRow>>> {
        self.one(kind::RATING, ticket.into())
    }

    /// The list of tickets from its start, each handed to `look` while it is being read, until that has seen enough.
    pub fn each_listed<E: From<StoreError>>(
        &self,
        mut look: impl FnMut(InboxPlace, Listed<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        // Named, or a list of which nobody says how much is wanted would be sorted whole.
        let mut find = (self.db)
            .prepare_cached(
                "SELECT t.grp, t.sort, t.id, t.unread, t.waits, r.v, r.row
                 FROM tickets t INDEXED BY tickets_order CROSS JOIN rows r ON r.key = t.key
                 ORDER BY t.grp, t.sort, t.id DESC",
            )
            .map_err(StoreError::from)?;
        let mut rows = find.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let (group, sort) =
                (row.get(0).map_err(StoreError::from)?, row.get(1).map_err(StoreError::from)?);
            let listed = listed_at(row, 2).map_err(StoreError::from)?;
            if look(InboxPlace { group, sort, id: listed.id }, listed)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// A page of the list of tickets, from after `after` (none: from the start).
    pub fn inbox(&self, after: Option<InboxPlace>, limit: u32) -> Result<Vec<InboxEntry>> {
        let start = InboxPlace { group: i64::MIN, sort: i64::MIN, id: TicketId(uuid::Uuid::max()) };
        let after = after.unwrap_or(start);
        // `id DESC` within one sort: the second half of the condition; the row value keeps it one index scan.
        let mut find = self.db.prepare_cached(
            "SELECT t.grp, t.sort, t.id, t.unread, t.waits, r.v, r.row
             FROM tickets t JOIN rows r ON r.key = t.key
             WHERE (t.grp, t.sort) >= (?1, ?2) AND ((t.grp, t.sort) > (?1, ?2) OR t.id < ?3)
             ORDER BY t.grp, t.sort, t.id DESC LIMIT ?4",
        )?;
        let found = find.query_map(params![after.group, after.sort, blob(after.id.0), limit], inbox_entry)?;
        Ok(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    /// One line of the list.
    pub fn inbox_entry(&self, id: TicketId) -> Result<Option<InboxEntry>> {
        let mut find = self.db.prepare_cached(
            "SELECT t.grp, t.sort, t.id, t.unread, t.waits, r.v, r.row
             FROM tickets t JOIN rows r ON r.key = t.key WHERE t.id = ?1",
        )?;
        Ok(find.query_row([blob(id.0)], inbox_entry).optional()?.flatten())
    }

    /// How many tickets there are.
    pub fn counts(&self) -> Result<Counts> {
        Ok(self.brief()?.counts)
    }

    /// The group of the list that a ticket is in, if it is in the list.
    pub fn group_of(&self, ticket: TicketId) -> Result<Option<i64>> {
        let mut find = self.db.prepare_cached("SELECT grp FROM tickets WHERE id = ?1")?;
        Ok(find.query_row([blob(ticket.0)], |row| row.get(0)).optional()?)
    }

    /// Comments and events of others after `position`.
    pub fn unread_after(&self, ticket: TicketId, position: i64) -> Result<u32> {
        let mut find = self.db.prepare_cached(
            "SELECT count(*) FROM rows WHERE ticket = ?1 AND position > ?2 AND foreign_ = 1",
        )?;
        Ok(find.query_row(params![blob(ticket.0), position], |row| row.get(0))?)
    }

    /// The person's own comments that the desk has not registered.
    pub fn waiting_comments(&self, ticket: TicketId) -> Result<Vec<Stored<CommentRow>>> {
        let mut find = self.db.prepare_cached(
            "SELECT id, v, row FROM rows WHERE ticket = ?1 AND waiting = 1 AND kind = 'comment' ORDER BY position",
        )?;
        let found = find.query_map([blob(ticket.0)], |row| stored(row, 0))?;
        Ok(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    /// Everything of one ticket.
    pub fn rows_of(&self, ticket: TicketId) -> Result<TicketRows> {
        let mut all = TicketRows::default();
        let mut find = self
            .db
            .prepare_cached("SELECT id, v, row, kind FROM rows WHERE ticket = ?1 ORDER BY position, id")?;
        let mut rows = find.query([blob(ticket.0)])?;
        while let Some(row) = rows.next()? {
            match row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)? {
                kind::TICKET => all.ticket = stored(row, 0)?,
                kind::COMMENT => all.comments.extend(stored(row, 0)?),
                kind::ATTACHMENT => all.attachments.extend(stored(row, 0)?),
                kind::EVENT => all.events.extend(stored(row, 0)?),
                kind::READ => all.read = stored(row, 0)?,
                kind::RATING => all.rating = stored(row, 0)?,
                _ => {}
            }
        }
        let mark = all.read.as_ref().map_or(-1, |read| read.row.position);
        all.unread = self.unread_after(ticket, mark)?;
        Ok(all)
    }

    /// The desk's catalogue, in its order within each kind.
    pub fn catalogue(&self) -> Result<Vec<Stored<CatalogueRow>>> {
        let mut find =
            self.db.prepare_cached("SELECT id, v, row FROM rows WHERE kind = 'catalogue' ORDER BY id")?;
        let found = find.query_map([], |row| stored::<CatalogueRow>(row, 0))?;
        let mut rows: Vec<_> = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        rows.sort_by_key(|row| (row.row.kind, row.row.place));
        Ok(rows)
    }

    /// Tickets with this number.
    pub fn by_number(&self, number: &str) -> Result<Vec<TicketId>> {
        let mut find = self.db.prepare_cached("SELECT id FROM tickets WHERE number = ?1 ORDER BY id")?;
        let found = find.query_map([number], |row| Ok(TicketId(row.get::<_, Blob>(0)?.0)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Ids of tickets that begin with these hex digits (hyphens do not count), at most `limit`.
    pub fn by_prefix(&self, prefix: &str, limit: u32) -> Result<Vec<TicketId>> {
        let hex: String = prefix.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        if hex.is_empty() || hex.len() > 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let end = |fill: char| format!("{hex:<32}").replace(' ', &fill.to_string());
        let bound = |fill| uuid::Uuid::parse_str(&end(fill)).map(blob).ok();
        let mut find = self
            .db
            .prepare_cached("SELECT id FROM tickets WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3")?;
        let found = find.query_map(params![bound('0'), bound('F'), limit], |row| {
            Ok(TicketId(row.get::<_, Blob>(0)?.0))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

/// A ticket, its unread, whether comments wait, and its row's version and text: five columns from `from` on.
fn listed_at<'a>(row: &'a Row<'_>, from: usize) -> rusqlite::Result<Listed<'a>> {
    Ok(Listed {
        id: TicketId(row.get::<_, Blob>(from)?.0),
        unread: row.get(from + 1)?,
        waits: row.get(from + 2)?,
        v: row.get(from + 3)?,
        json: row.get_ref(from + 4)?.as_str()?,
    })
}

/// A line of the list, as the two statements above have it.
fn inbox_entry(row: &Row<'_>) -> rusqlite::Result<Option<InboxEntry>> {
    let (group, sort, listed) = (row.get(0)?, row.get(1)?, listed_at(row, 2)?);
    Ok(listed.ticket().map(|ticket| InboxEntry {
        place: InboxPlace { group, sort, id: listed.id },
        ticket,
        unread: listed.unread,
        waits: listed.waits,
    }))
}
