//! Writing a cache file: items of frames and pages, in one transaction each, together with the cursor or resume key
//! that says they are in.

use std::collections::BTreeSet;

use pocketdesk_domain::outbox::overlay::TicketFacts;
use pocketdesk_protocol::{
    ids::{Epoch, PersonId, TicketId},
    rows::{Status, kind},
    sync::{Cursor, FrameEnd, Gone, Item, SnapshotStart},
};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    super::{
        changes::Changes,
        error::{Result, StoreError},
        values::{Blob, blob},
        words::Stemmers,
    },
    CacheFacts, CacheName, CacheRead, hot,
    index::{self, Fresh},
};

/// One whole frame of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct FramePlan<'a> {
    /// In the first frame of an answer; at a resumption too, and of the same epoch and scopes_rev.
    pub start: Option<&'a SnapshotStart>,
    /// Its rows.
    pub items: &'a [Item],
    /// Where the snapshot goes on.
    pub end: &'a FrameEnd,
}

/// A page to apply, and what it was asked with.
#[derive(Debug, Clone, Copy)]
pub struct PagePlan<'a> {
    /// The file whose cursor it was asked with.
    pub file: &'a CacheName,
    /// That cursor.
    pub asked: &'a Cursor,
    /// The file's scopes_rev at the asking.
    pub asked_scopes_rev: i64,
    /// The answer's epoch.
    pub epoch: Epoch,
    /// The answer's scopes_rev.
    pub scopes_rev: i64,
    /// own.db's counter of verdicts that the server had given when it read the page: at the asking, or with those of
    /// the same answer (rule 8).
    pub verdicts_known: i64,
    /// Rows that moved.
    pub items: &'a [Item],
    /// Where the file stands after them.
    pub next: &'a Cursor,
    /// Whether that is at the heads.
    pub complete: bool,
}

/// What became of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is in.
    Done(Changes),
    /// The file, its cursor, its scopes or its epoch are no longer those it was asked with: dropped.
    Stale,
}

/// Writes within one transaction of a cache file.
pub(crate) struct Fill<'a> {
    pub read: CacheRead<'a>,
    pub me: Option<PersonId>,
    pub stemmers: &'a Stemmers,
    /// Rows up to this key are in the search index and have to stay in step with it.
    pub indexed_to: i64,
    touched: BTreeSet<Uuid>,
    /// By how much the list grew, and the part of it with something unread.
    grown: (i64, i64),
    /// Where new rows get into the index at the end of this transaction.
    fresh: Option<Fresh>,
}

impl<'a> Fill<'a> {
    pub(crate) fn new(db: &'a Connection, name: &'a CacheName, stemmers: &'a Stemmers) -> Result<Self> {
        let (me, indexed_to) = db
            .prepare_cached("SELECT me, indexed_to FROM facts")?
            .query_row([], |row| Ok((row.get::<_, Option<Blob>>(0)?, row.get(1)?)))?;
        let me = me.map(|id| PersonId(id.0));
        Ok(Self {
            read: CacheRead { db, name, brief: None },
            me,
            stemmers,
            indexed_to,
            touched: BTreeSet::new(),
            grown: (0, 0),
            fresh: None,
        })
    }

    /// Applies one item that is most likely new: one statement then, and no look at what was there.
    fn newcomer(&mut self, item: &Item) -> Result<()> {
        match row_of(item) {
            Some(row) if self.insert(item, row)? => Ok(()),
            _ => self.item(item),
        }
    }

    /// Adds a row; false if there is one of its kind and id.
    fn insert(&mut self, item: &Item, row: &str) -> Result<bool> {
        let (hot, words) = hot::Hot::and_words(&item.k, item.id, row, self.me, self.fresh.is_some());
        let mut write = self.read.db.prepare_cached(
            "INSERT INTO rows (id, kind, v, ticket, position, foreign_, waiting, row)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id, kind) DO NOTHING",
        )?;
        let inserted = write.execute(params![
            blob(item.id.0),
            item.k,
            item.v,
            hot.ticket.map(blob),
            hot.position,
            hot.foreign,
            hot.waiting,
            row
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        self.touched.extend(hot.ticket);
        let key = self.read.db.last_insert_rowid();
        if key <= self.indexed_to {
            // SQLite gives the key of a row that is gone again: the index has passed it by.
            index::reword(self, key, &item.k, item.id.0, None, Some(row))?;
        } else {
            let fresh = self.fresh.take();
            self.fresh = fresh.and_then(|fresh| fresh.and(self.stemmers, key, item.id.0, words.as_deref()));
        }
        Ok(true)
    }

    /// New rows of this transaction get into the index with it.
    fn gather_words(&mut self) {
        self.fresh = Some(Fresh::after(self.indexed_to));
    }

    /// Indexes what was gathered; false where nothing could be, for there are rows before that are not indexed.
    fn index_fresh(&mut self) -> Result<bool> {
        let Some(fresh) = &mut self.fresh else { return Ok(false) };
        self.indexed_to = fresh.index(self.read.db, self.indexed_to)?;
        Ok(true)
    }

    /// Applies one item; an older version never overwrites a newer.
    pub(crate) fn item(&mut self, item: &Item) -> Result<()> {
        let db = self.read.db;
        let mut find =
            db.prepare_cached("SELECT key, v, row, ticket FROM rows WHERE id = ?1 AND kind = ?2")?;
        let before = find
            .query_row(params![blob(item.id.0), item.k], |row| {
                let ticket = row.get::<_, Option<Blob>>(3)?.map(|id| id.0);
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, ticket))
            })
            .optional()?;
        if before.as_ref().is_some_and(|(key, ..)| *key > self.indexed_to) {
            // The index has to hold what is replaced here.
            self.index_fresh()?;
        }
        let Some(row) = row_of(item) else {
            // A page that fits is newer than all its file holds.
            if pocketdesk_protocol::planted::is("gone-stays") {
                return Ok(());
            }
            return self.gone(item, before);
        };
        let Some((key, v, old, ticket)) = before else {
            self.insert(item, row)?;
            return Ok(());
        };
        if v > item.v {
            return Ok(());
        }
        let (hot, _) = hot::Hot::and_words(&item.k, item.id, row, self.me, false);
        self.touched.extend(hot.ticket);
        self.touched.extend(ticket);
        if key <= self.indexed_to {
            index::reword(self, key, &item.k, item.id.0, Some(&old), Some(row))?;
        }
        let mut write = db.prepare_cached(
            "UPDATE rows SET v = ?2, ticket = ?3, position = ?4, foreign_ = ?5, waiting = ?6, row = ?7
             WHERE key = ?1",
        )?;
        write.execute(params![
            key,
            item.v,
            hot.ticket.map(blob),
            hot.position,
            hot.foreign,
            hot.waiting,
            row
        ])?;
        Ok(())
    }

    fn gone(&mut self, item: &Item, before: Option<(i64, i64, String, Option<Uuid>)>) -> Result<()> {
        let db = self.read.db;
        if let Some((key, _, old, ticket)) = before {
            self.touched.extend(ticket);
            if key <= self.indexed_to {
                index::reword(self, key, &item.k, item.id.0, Some(&old), None)?;
            }
            db.prepare_cached("DELETE FROM rows WHERE key = ?1")?.execute([key])?;
        }
        if item.k == kind::TICKET {
            self.touched.insert(item.id.0);
            // A ticket that is no longer for this person's eyes takes its rows along; one that was deleted or
            // erased has none on the server either.
            if matches!(item.gone, Some(Gone::Erased | Gone::Left | Gone::Deleted)) {
                self.rows_of_gone(item.id.0)?;
            }
        }
        Ok(())
    }

    fn rows_of_gone(&mut self, ticket: Uuid) -> Result<()> {
        self.index_fresh()?;
        let db = self.read.db;
        let mut find = db.prepare_cached("SELECT key, kind, id, row FROM rows WHERE ticket = ?1")?;
        let rows = find
            .query_map([blob(ticket)], |row| {
                let id: Blob = row.get(2)?;
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, id.0, row.get::<_, String>(3)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        for (key, kind_of, id, row) in rows {
            if key <= self.indexed_to {
                index::reword(self, key, &kind_of, id, Some(&row), None)?;
            }
            db.prepare_cached("DELETE FROM rows WHERE key = ?1")?.execute([key])?;
        }
        Ok(())
    }

    /// Brings the list in step with the rows and says what moved. Needs the late indexes.
    pub(crate) fn settle(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        for ticket in std::mem::take(&mut self.touched) {
            let ticket = TicketId(ticket);
            self.settle_ticket(ticket)?;
            changes.ticket(ticket);
        }
        self.count()?;
        Ok(changes)
    }

    /// Brings the list's counts in step with the list: counting it would read all of it.
    fn count(&mut self) -> Result<()> {
        let (tickets, unread) = std::mem::take(&mut self.grown);
        if (tickets, unread) != (0, 0) {
            let mut write = self
                .read
                .db
                .prepare_cached("UPDATE facts SET tickets = tickets + ?1, unread = unread + ?2")?;
            write.execute([tickets, unread])?;
        }
        Ok(())
    }

    fn settle_ticket(&mut self, id: TicketId) -> Result<()> {
        let mut find = self.read.db.prepare_cached("SELECT unread FROM tickets WHERE id = ?1")?;
        let before: Option<u32> = find.query_row([blob(id.0)], |row| row.get(0)).optional()?;
        let now = self.put_in_list(id)?;
        let counts = |unread: Option<u32>| {
            (i64::from(unread.is_some()), i64::from(unread.is_some_and(|unread| unread > 0)))
        };
        let (before, now) = (counts(before), counts(now));
        self.grown.0 += now.0 - before.0;
        self.grown.1 += now.1 - before.1;
        Ok(())
    }

    /// Puts a ticket where it belongs in the list, or takes it out; what is unread in it if it is there.
    fn put_in_list(&self, id: TicketId) -> Result<Option<u32>> {
        let db = self.read.db;
        let key: Option<i64> = db
            .prepare_cached("SELECT key FROM rows WHERE id = ?1 AND kind = 'ticket'")?
            .query_row([blob(id.0)], |row| row.get(0))
            .optional()?;
        let (Some(ticket), Some(key)) = (self.read.ticket(id)?, key) else {
            db.prepare_cached("DELETE FROM tickets WHERE id = ?1")?.execute([blob(id.0)])?;
            return Ok(None);
        };
        let (read, rating) = (self.read.read_mark(id)?, self.read.rating(id)?);
        let comments = self.read.waiting_comments(id)?;
        let mark = read.as_ref().map_or(-1, |read| read.row.position);
        let unread = self.read.unread_after(id, mark)?;
        let facts = TicketFacts {
            ticket: Some(&ticket),
            comments: &comments,
            attachments: &[],
            events: &[],
            read: read.as_ref(),
            rating: rating.as_ref(),
            ops: &[],
            files: &std::collections::BTreeMap::new(),
            cache: self.read.overlay_facts()?,
            unread,
        };
        let Some(place) = hot::key_of(&facts, self.me) else {
            db.prepare_cached("DELETE FROM tickets WHERE id = ?1")?.execute([blob(id.0)])?;
            return Ok(None);
        };
        let row = &ticket.row;
        let mut write = db.prepare_cached(
            "INSERT INTO tickets (id, key, grp, sort, status, number, mine, unread, waits)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET key = excluded.key, grp = excluded.grp, sort = excluded.sort,
                status = excluded.status, number = excluded.number, mine = excluded.mine, unread = excluded.unread,
                waits = excluded.waits",
        )?;
        write.execute(params![
            blob(id.0),
            key,
            place.group,
            place.sort,
            Status::as_str(row.status),
            number_of(&row.desk),
            self.me.is_some() && row.author.id == self.me,
            unread,
            !comments.is_empty(),
        ])?;
        Ok(Some(unread))
    }

    /// The list of a file that was filled without it.
    pub(crate) fn settle_all(&mut self) -> Result<()> {
        let mut find = self.read.db.prepare("SELECT id FROM rows WHERE kind = 'ticket'")?;
        let ids = find.query_map([], |row| row.get::<_, Blob>(0))?.collect::<Result<Vec<_>, _>>()?;
        ids.into_iter().try_for_each(|id| self.settle_ticket(TicketId(id.0)))?;
        self.count()
    }

    /// Frames, one after another; the words of many rows get into the search index with them.
    pub(crate) fn frames(&mut self, frames: &[FramePlan<'_>]) -> Result<()> {
        if frames.iter().map(|frame| frame.items.len()).sum::<usize>() >= index::WORTH {
            // Those of small transactions before.
            index::index_some(self.read.db, self.stemmers)?;
            self.indexed_to = index::indexed_to(self.read.db)?;
            self.gather_words();
        }
        for frame in frames {
            self.frame(frame)?;
        }
        self.index_fresh()?;
        Ok(())
    }

    /// A frame: its items, then where the snapshot goes on.
    fn frame(&mut self, frame: &FramePlan<'_>) -> Result<()> {
        let FramePlan { start, items, end } = *frame;
        let db = self.read.db;
        let facts = self.read.facts()?;
        if let Some(start) = start {
            match facts.epoch {
                // The first as_of is kept: what moved since then is in the delta from it.
                Some(epoch) if epoch == start.epoch && facts.scopes_rev == start.scopes_rev => {}
                Some(_) => {
                    return Err(StoreError::Failed {
                        reason: "a build goes on in its own epoch and scopes".into(),
                    });
                }
                None => {
                    let mut write = db.prepare_cached(
                        "UPDATE facts SET epoch = ?1, scopes_rev = ?2, as_of = ?3, expected = ?4",
                    )?;
                    write.execute(params![
                        start.epoch.0,
                        start.scopes_rev,
                        start.as_of.0,
                        start.tickets.cast_signed()
                    ])?;
                }
            }
        } else if facts.epoch.is_none() {
            return Err(StoreError::Failed { reason: "the first frame says what it stands on".into() });
        }
        for item in items {
            self.newcomer(item)?;
        }
        for erased in &end.erased {
            self.erase(erased.0)?;
        }
        let mut write = db.prepare_cached(
            "UPDATE facts SET resume = ?1, frames_done = ?2, cursor = CASE WHEN ?2 THEN as_of END",
        )?;
        write.execute(params![end.resume, end.last])?;
        Ok(())
    }

    /// Whatever has this id goes.
    fn erase(&mut self, id: Uuid) -> Result<()> {
        let mut find = self.read.db.prepare_cached("SELECT kind, v FROM rows WHERE id = ?1")?;
        let found = find
            .query_map([blob(id)], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        for (k, v) in found {
            self.item(&Item { k, id: id.into(), v, row: None, gone: Some(Gone::Erased) })?;
        }
        Ok(())
    }

    /// A page, if the file still stands where it was asked from. What is new in a finished file can be found at once.
    pub(crate) fn page(&mut self, plan: &PagePlan<'_>, facts: &CacheFacts) -> Result<bool> {
        let asked_with =
            facts.cursor.as_ref() == Some(plan.asked) && facts.scopes_rev == plan.asked_scopes_rev;
        if !asked_with || facts.epoch != Some(plan.epoch) || plan.scopes_rev != plan.asked_scopes_rev {
            return Ok(false);
        }
        if facts.finished {
            self.gather_words();
        }
        let passed_over = usize::from(pocketdesk_protocol::planted::is("row-passed-over"));
        for item in plan.items.iter().skip(passed_over) {
            match item.k.as_str() {
                // One a ticket: what a page brings of these was here before.
                kind::TICKET | kind::READ | kind::RATING => self.item(item)?,
                _ => self.newcomer(item)?,
            }
        }
        if facts.finished && !self.index_fresh()? {
            index::index_some(self.read.db, self.stemmers)?;
        }
        let asked = if plan.complete { Some(plan.verdicts_known) } else { facts.asked_verdicts };
        let mut write = self.read.db.prepare_cached("UPDATE facts SET cursor = ?1, asked_verdicts = ?2")?;
        write.execute(params![plan.next.0, asked])?;
        Ok(true)
    }
}

/// The row that an item brings; none where it takes one away.
fn row_of(item: &Item) -> Option<&str> {
    item.row.as_deref().filter(|_| item.gone.is_none()).map(|row| row.get())
}

fn number_of(desk: &pocketdesk_protocol::rows::DeskState) -> Option<&str> {
    match desk {
        pocketdesk_protocol::rows::DeskState::Registered { number } => number.as_deref(),
        _ => None,
    }
}
