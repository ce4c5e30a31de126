//! The search index of a cache file. A document's number grows with the time in its row's id, so that newest-first
//! is the index's own order. Many rows get in at once, with the transaction that brings them ([`Fresh`]) or later
//! ([`index_some`]); merging happens at idle.

use pocketdesk_protocol::{
    ids::{CommentId, EntityId, TicketId},
    rows::kind,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    super::{
        error::{Result, StoreError},
        values::Blob,
        words::{self, Stemmers},
    },
    CacheRead, Listed,
    apply::Fill,
    hot, listed_at,
};

/// Rows indexed in one transaction: a batch is one segment of the index.
const BATCH: u32 = 4_000;
/// Rows of one transaction whose words are a segment worth having; those of fewer wait.
pub(super) const WORTH: usize = 1_000;
/// Pages of the index that one call of [`merge_some`] may write.
const MERGE_PAGES: i64 = 64;
/// Characters around a match in an excerpt.
const AROUND: usize = 60;

/// In which order hits come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    Newest,
    /// Best match first.
    Ranked,
}

/// One hit among the server's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The ticket.
    pub ticket: TicketId,
    /// Kind of the row that matched: ticket, comment or attachment.
    pub kind: String,
    /// The row that matched.
    pub id: EntityId,
    /// Which comment matched.
    pub comment: Option<CommentId>,
    /// The words around the match, one line.
    pub excerpt: String,
}

/// The same while it is being read, with its ticket as the list has it.
#[derive(Debug)]
pub struct FoundRow<'a> {
    /// The ticket.
    pub ticket: Listed<'a>,
    /// Kind of the row that matched.
    pub kind: &'a str,
    /// The row that matched.
    pub id: EntityId,
    /// The words around the match, one line.
    pub excerpt: String,
}

/// Time in a UUIDv7, ms, with room for what was made in the same one. Ids of other kinds sort somewhere and are
/// found all the same.
fn stamp_of(id: Uuid) -> i64 {
    let millis = u64::try_from(id.as_u128() >> 80).unwrap_or(0);
    (millis << 14).cast_signed() & i64::MAX
}

/// Puts a row's changed words into the index. `old` is what the index holds of it, which has to be known to the
/// letter: the index keeps no text of its own.
pub(super) fn reword(
    fill: &Fill<'_>,
    key: i64,
    kind_of: &str,
    id: Uuid,
    old: Option<&str>,
    new: Option<&str>,
) -> Result<()> {
    let db = fill.read.db;
    let words = |row: Option<&str>| row.and_then(|row| hot::words(kind_of, row));
    let (old, new) = (words(old), words(new));
    // Most of what moves in a row are not its words, and their stems cost more than all else here.
    if old == new {
        return Ok(());
    }
    let document = |text: Option<String>| text.map(|text| fill.stemmers.document(&text));
    let (old, new) = (document(old), document(new));
    if old == new {
        return Ok(());
    }
    let stamp: Option<i64> = db
        .prepare_cached("SELECT stamp FROM documents WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    if let (Some(stamp), Some(old)) = (stamp, old) {
        db.prepare_cached("INSERT INTO search (search, rowid, words) VALUES ('delete', ?1, ?2)")?
            .execute(params![stamp, old])?;
        db.prepare_cached("DELETE FROM documents WHERE stamp = ?1")?.execute([stamp])?;
    }
    if let Some(new) = new {
        put(db, key, stamp.unwrap_or(stamp_of(id)), &new)?;
    }
    Ok(())
}

fn put(db: &Connection, key: i64, wanted: i64, document: &str) -> Result<()> {
    // Two rows of one millisecond: the next free number.
    let mut stamp = wanted;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO documents (stamp, key) VALUES (?1, ?2)")?;
    while insert.execute(params![stamp, key])? == 0 {
        stamp += 1;
    }
    db.prepare_cached("INSERT INTO search (rowid, words) VALUES (?1, ?2)")?
        .execute(params![stamp, document])?;
    Ok(())
}

/// Documents of rows that one transaction adds, in step with their keys, to be indexed at its end: they need not be
/// read again.
pub(super) struct Fresh {
    documents: Vec<(i64, i64, String)>,
    known: words::Known,
    last: i64,
}

impl Fresh {
    /// Of the rows after this key.
    pub(super) fn after(key: i64) -> Self {
        Self { documents: Vec::new(), known: words::Known::new(), last: key }
    }

    /// With one more row; none if that is not the next one, for the index knows only how far it reaches.
    pub(super) fn and(
        mut self,
        stemmers: &Stemmers,
        key: i64,
        id: Uuid,
        words: Option<&str>,
    ) -> Option<Self> {
        if key != self.last + 1 {
            return None;
        }
        self.last = key;
        if let Some(text) = words {
            let document = stemmers.document_with(text, &mut self.known);
            self.documents.push((stamp_of(id), key, document));
        }
        Some(self)
    }

    /// Puts them into the index, which reached up to `indexed_to`; how far it reaches then.
    pub(super) fn index(&mut self, db: &Connection, indexed_to: i64) -> Result<i64> {
        if self.last > indexed_to {
            put_all(db, std::mem::take(&mut self.documents), self.last)?;
        }
        Ok(self.last)
    }
}

/// Puts documents (place, key, stems) into the index, which reaches up to `last` then.
fn put_all(db: &Connection, mut documents: Vec<(i64, i64, String)>, last: i64) -> Result<()> {
    // Ascending numbers: anything else makes the index flush at every row.
    documents.sort_unstable_by_key(|(stamp, key, _)| (*stamp, *key));
    for (stamp, key, document) in documents {
        put(db, key, stamp, &document)?;
    }
    db.prepare_cached("UPDATE facts SET indexed_to = ?1, words_version = ?2")?
        .execute(params![last, words::VERSION])?;
    Ok(())
}

/// How far the index reaches.
pub(super) fn indexed_to(db: &Connection) -> Result<i64> {
    Ok(db.prepare_cached("SELECT indexed_to FROM facts")?.query_row([], |row| row.get(0))?)
}

/// Indexes the next rows that are not in the index yet; whether there are more. In a transaction of the caller's.
pub(crate) fn index_some(db: &Connection, stemmers: &Stemmers) -> Result<bool> {
    let from = indexed_to(db)?;
    let mut find =
        db.prepare_cached("SELECT key, id, kind, row FROM rows WHERE key > ?1 ORDER BY key LIMIT ?2")?;
    let mut rows = find.query(params![from, BATCH])?;
    let (mut last, mut seen) = (from, 0);
    let (mut documents, mut known) = (Vec::new(), words::Known::new());
    while let Some(row) = rows.next()? {
        (last, seen) = (row.get(0)?, seen + 1);
        let kind_of = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let json = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(text) = hot::words(kind_of, json) {
            documents.push((
                stamp_of(row.get::<_, Blob>(1)?.0),
                last,
                stemmers.document_with(&text, &mut known),
            ));
        }
    }
    drop(rows);
    if seen > 0 {
        put_all(db, documents, last)?;
    }
    Ok(seen == BATCH)
}

/// Makes the index anew if it was made by another version of the normalisation; the next [`index_some`] fills it.
pub(crate) fn check_version(db: &Connection) -> Result<bool> {
    let (version, to): (i64, i64) =
        db.query_row("SELECT words_version, indexed_to FROM facts", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if to == 0 || version == words::VERSION {
        return Ok(false);
    }
    db.execute_batch(
        "INSERT INTO search (search) VALUES ('delete-all');
         DELETE FROM documents;
         UPDATE facts SET indexed_to = 0;",
    )?;
    Ok(true)
}

/// Merges a little of the index; whether there may be more to merge.
pub(crate) fn merge_some(db: &Connection) -> Result<bool> {
    let before: i64 = db.query_row("SELECT total_changes()", [], |row| row.get(0))?;
    // Negative: segments of any level are merged, until one is left.
    db.prepare_cached("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?.execute([-MERGE_PAGES])?;
    let after: i64 = db.query_row("SELECT total_changes()", [], |row| row.get(0))?;
    // FTS5's own word for "nothing to do": fewer than two changes.
    Ok(after - before >= 2)
}

impl CacheRead<'_> {
    /// Rows that have every word of `query` (the last one may be unfinished), at most `limit`, in tickets that are
    /// shown. Words of the person that the server does not have are not here: see [`super::super::Snapshot::search`].
    pub(crate) fn search<E: From<StoreError>>(
        &self,
        stemmers: &Stemmers,
        query: &str,
        order: Order,
        limit: u32,
        mut look: impl FnMut(FoundRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(terms) = stemmers.query(query) else { return Ok(()) };
        // The limit is inside: the index stops when it has enough. A row whose ticket has not come costs a place.
        let sql = match order {
            Order::Newest => {
                "SELECT r.kind, r.id, r.row, t.id, t.unread, t.waits, own.v, own.row FROM
                    (SELECT rowid AS stamp FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT ?2) s
                 CROSS JOIN documents d ON d.stamp = s.stamp CROSS JOIN rows r ON r.key = d.key
                 CROSS JOIN tickets t ON t.id = r.ticket CROSS JOIN rows own ON own.key = t.key
                 ORDER BY s.stamp DESC"
            }
            Order::Ranked => {
                "SELECT r.kind, r.id, r.row, t.id, t.unread, t.waits, own.v, own.row FROM
                    (SELECT rowid AS stamp, rank AS score FROM search WHERE search MATCH ?1 ORDER BY rank LIMIT ?2) s
                 CROSS JOIN documents d ON d.stamp = s.stamp CROSS JOIN rows r ON r.key = d.key
                 CROSS JOIN tickets t ON t.id = r.ticket CROSS JOIN rows own ON own.key = t.key
                 ORDER BY s.score, s.stamp DESC"
            }
        };
        let sought = words::Sought::new(stemmers, query);
        let mut find = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = find.query(params![terms, limit]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            look(found_row(row, &sought).map_err(StoreError::from)?)?;
        }
        Ok(())
    }
}

fn found_row<'a>(row: &'a Row<'_>, sought: &words::Sought<'_>) -> rusqlite::Result<FoundRow<'a>> {
    let kind_of = row.get_ref(0)?.as_str()?;
    let text = hot::words(kind_of, row.get_ref(2)?.as_str()?).unwrap_or_default();
    Ok(FoundRow {
        kind: kind_of,
        id: EntityId(row.get::<_, Blob>(1)?.0),
        excerpt: sought.excerpt(&text, AROUND),
        ticket: listed_at(row, 3)?,
    })
}

impl From<FoundRow<'_>> for Hit {
    fn from(found: FoundRow<'_>) -> Self {
        Self {
            ticket: found.ticket.id,
            kind: found.kind.to_owned(),
            id: found.id,
            comment: (found.kind == kind::COMMENT).then_some(CommentId(found.id.0)),
            excerpt: found.excerpt,
        }
    }
}
