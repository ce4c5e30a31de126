//! The floor's tables: the core's own schema, filled in one pass, in large transactions, with the unique index and the
//! late ones built at the end and the search index in batches beside the rows.

use std::{collections::HashMap, path::Path};

use pocketdesk_core::store::SearchWords;
use pocketdesk_protocol::{
    ids::{Epoch, PersonId, TicketId},
    op::WireOp,
    rows::{AttachmentRow, CommentRow, EventRow, TicketRow, kind},
    sync::{Cursor, Item, OpVerdict, SnapshotStart},
};
use rusqlite::{Connection, OptionalExtension as _, config::DbConfig, params};
use uuid::Uuid;

use super::row::{Fields, Line, stamp_of};
use crate::Result;

const TABLES: &str = concat!(
    include_str!("../../../../../core/src/store/migrations/cache-0001.sql"),
    include_str!("../../../../../core/src/store/migrations/cache-0002.sql"),
    include_str!("../../../../../core/src/store/migrations/cache-0003.sql")
);
const LATE: &str = include_str!("../../../../../core/src/store/migrations/cache-0003-late.sql");
/// Rows to a transaction and to a segment of the search index, as the core has it.
const BATCH: usize = 4_000;
/// Tickets of the first list.
const FIRST: usize = 50;
/// Characters of an excerpt.
const EXCERPT: usize = 120;

fn connect(path: &Path, sealed: bool) -> Result<Connection> {
    let db = Connection::open(path)?;
    if sealed {
        db.query_row("PRAGMA cipher = 'chacha20'", [], |_| Ok(()))?;
        db.query_row(&format!("PRAGMA key = \"raw:{}\"", "5a".repeat(32)), [], |_| Ok(()))?;
    }
    db.set_prepared_statement_cache_capacity(64);
    // As the core: else a kept statement is compiled anew at nearly every use.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch(
        "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA journal_size_limit = 4194304;",
    )?;
    Ok(db)
}

/// Rows and search.
pub struct Cache {
    db: Connection,
    words: SearchWords,
    me: Uuid,
    key: i64,
    documents: Vec<(i64, i64, String)>,
    tickets: Vec<Ticket>,
    unread: HashMap<Uuid, u32>,
    in_batch: usize,
    seen_tickets: usize,
}

struct Ticket {
    id: Uuid,
    key: i64,
    group: i64,
    sort: i64,
    status: String,
    number: Option<String>,
    mine: bool,
}

impl Cache {
    pub fn open(dir: &Path, sealed: bool) -> Result<Self> {
        let db = connect(&dir.join("cache.db"), sealed)?;
        db.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000;")?;
        Ok(Self {
            db,
            words: SearchWords::new(),
            me: Uuid::nil(),
            key: 0,
            documents: Vec::new(),
            tickets: Vec::new(),
            unread: HashMap::new(),
            in_batch: 0,
            seen_tickets: 0,
        })
    }

    pub fn create(dir: &Path, sealed: bool, me: PersonId) -> Result<Self> {
        let mut cache = Self::open(dir, sealed)?;
        cache.me = me.0;
        cache.db.execute_batch(TABLES)?;
        cache.db.execute_batch("DROP INDEX rows_id")?;
        cache.db.execute("INSERT INTO facts (only, me) VALUES (1, ?1)", [me.0.as_bytes()])?;
        Ok(cache)
    }

    pub fn begin(&self) -> Result<()> {
        Ok(self.db.execute_batch("BEGIN IMMEDIATE")?)
    }

    pub fn start(&self, start: &SnapshotStart) -> Result<()> {
        self.db.execute(
            "UPDATE facts SET epoch = ?1, scopes_rev = ?2, cursor = ?3",
            params![start.epoch.0, start.scopes_rev, start.as_of.0],
        )?;
        Ok(())
    }

    /// One row of the snapshot, read once.
    pub fn fill(&mut self, item: &Item) -> Result<()> {
        let json = item.row.as_deref().ok_or("a snapshot holds rows")?.get();
        let fields: Fields<'_> = serde_json::from_str(json)?;
        self.key += 1;
        self.in_batch += 1;
        let foreign = self.insert(self.key, item, &fields, json)?;
        let ticket = fields.ticket.unwrap_or(item.id.0);
        if foreign {
            *self.unread.entry(ticket).or_default() += 1;
        }
        if item.k == kind::TICKET {
            self.seen_tickets += 1;
            self.tickets.push(self.line_of(item, &fields));
        }
        if let Some(text) = fields.words(&item.k) {
            let document = self.words.document(&text);
            self.documents.push((stamp_of(item.id.0), self.key, document));
        }
        Ok(())
    }

    fn insert(&self, key: i64, item: &Item, fields: &Fields<'_>, json: &str) -> Result<bool> {
        let foreign =
            matches!(item.k.as_str(), kind::COMMENT | kind::EVENT) && fields.author() != Some(self.me);
        let ticket = fields.ticket.unwrap_or(item.id.0);
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO rows (key, id, kind, v, ticket, position, foreign_, waiting, row)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)",
            )?
            .execute(params![
                key,
                item.id.0.as_bytes(),
                item.k,
                item.v,
                ticket.as_bytes(),
                fields.position,
                foreign,
                json
            ])?;
        Ok(foreign)
    }

    fn line_of(&self, item: &Item, fields: &Fields<'_>) -> Ticket {
        let status = fields.status.as_ref().map_or_else(String::new, |text| text.0.to_string());
        Ticket {
            id: item.id.0,
            key: self.key,
            group: if matches!(status.as_str(), "solved" | "closed") { 2 } else { 1 },
            sort: -fields.updated_at.unwrap_or(0),
            number: fields.desk.as_ref().and_then(|desk| Some(desk.number.as_ref()?.0.to_string())),
            mine: fields.author() == Some(self.me),
            status,
        }
    }

    fn put_line(&self, ticket: &Ticket, unread: u32) -> Result<()> {
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO tickets (id, key, grp, sort, status, number, mine, unread)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                ticket.id.as_bytes(),
                ticket.key,
                ticket.group,
                ticket.sort,
                ticket.status,
                ticket.number,
                ticket.mine,
                unread
            ])?;
        Ok(())
    }

    fn put_document(&self, stamp: i64, key: i64, document: &str) -> Result<()> {
        let mut free = stamp;
        let mut insert =
            self.db.prepare_cached("INSERT OR IGNORE INTO documents (stamp, key) VALUES (?1, ?2)")?;
        while insert.execute(params![free, key])? == 0 {
            free += 1;
        }
        self.db
            .prepare_cached("INSERT INTO search (rowid, words) VALUES (?1, ?2)")?
            .execute(params![free, document])?;
        Ok(())
    }

    /// Between frames: commits when a batch is full, and once when there is a first list; whether it did.
    pub fn flush_if_due(&mut self) -> Result<bool> {
        let first = self.seen_tickets > FIRST && self.seen_tickets == self.tickets.len();
        if self.in_batch < BATCH && !first {
            return Ok(false);
        }
        // The last ticket may go on in the next frame.
        let last = self.tickets.pop();
        self.flush()?;
        self.tickets.extend(last);
        self.db.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        for ticket in std::mem::take(&mut self.tickets) {
            let unread = self.unread.remove(&ticket.id).unwrap_or(0);
            self.put_line(&ticket, unread)?;
        }
        self.documents.sort_unstable_by_key(|(stamp, key, _)| (*stamp, *key));
        for (stamp, key, document) in std::mem::take(&mut self.documents) {
            self.put_document(stamp, key, &document)?;
        }
        self.in_batch = 0;
        Ok(())
    }

    /// The end of the snapshot: what is left, and the indexes.
    pub fn ripen(&mut self) -> Result<()> {
        self.flush()?;
        self.db.execute_batch("CREATE UNIQUE INDEX rows_id ON rows (id, kind)")?;
        self.db.execute_batch(LATE)?;
        Ok(self.db.execute_batch("COMMIT")?)
    }

    /// Rows of a page, one transaction.
    pub fn apply(&mut self, items: &[Item], next: &Cursor) -> Result<()> {
        self.begin()?;
        for item in items {
            self.replace(item)?;
        }
        self.db.prepare_cached("UPDATE facts SET cursor = ?1")?.execute([&next.0])?;
        Ok(self.db.execute_batch("COMMIT")?)
    }

    fn replace(&mut self, item: &Item) -> Result<()> {
        let Some(json) = item.row.as_deref().map(|row| row.get()) else { return Ok(()) };
        let fields: Fields<'_> = serde_json::from_str(json)?;
        let before: Option<(i64, String)> = self
            .db
            .prepare_cached("SELECT key, row FROM rows WHERE id = ?1 AND kind = ?2")?
            .query_row(params![item.id.0.as_bytes(), item.k], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let key = match &before {
            Some((key, _)) => *key,
            None => {
                self.db.prepare_cached("SELECT max(key) + 1 FROM rows")?.query_row([], |row| row.get(0))?
            }
        };
        self.insert(key, item, &fields, json)?;
        let old = match &before {
            Some((_, row)) => serde_json::from_str::<Fields<'_>>(row)?.words(&item.k),
            None => None,
        };
        let new = fields.words(&item.k);
        if old != new {
            if let Some(old) = old {
                let stamp: i64 = self
                    .db
                    .prepare_cached("SELECT stamp FROM documents WHERE key = ?1")?
                    .query_row([key], |row| row.get(0))?;
                let document = self.words.document(&old);
                self.db
                    .prepare_cached("INSERT INTO search (search, rowid, words) VALUES ('delete', ?1, ?2)")?
                    .execute(params![stamp, document])?;
                self.db.prepare_cached("DELETE FROM documents WHERE stamp = ?1")?.execute([stamp])?;
            }
            if let Some(new) = new {
                let document = self.words.document(&new);
                self.put_document(stamp_of(item.id.0), key, &document)?;
            }
        }
        let ticket = fields.ticket.unwrap_or(item.id.0);
        let unread: u32 = self
            .db
            .prepare_cached("SELECT count(*) FROM rows WHERE ticket = ?1 AND position > -1 AND foreign_ = 1")?
            .query_row([ticket.as_bytes()], |row| row.get(0))?;
        if item.k == kind::TICKET {
            self.key = key;
            self.put_line(&self.line_of(item, &fields), unread)?;
        } else {
            self.db
                .prepare_cached("UPDATE tickets SET unread = ?2 WHERE id = ?1")?
                .execute(params![ticket.as_bytes(), unread])?;
        }
        Ok(())
    }

    pub fn checkpoint(&self) -> Result<()> {
        Ok(self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// The search index in one piece.
    pub fn merge(&self) -> Result<()> {
        self.db.execute("INSERT INTO search (search) VALUES ('optimize')", [])?;
        self.checkpoint()
    }

    pub fn cursor(&self) -> Result<Cursor> {
        Ok(Cursor(self.db.prepare_cached("SELECT cursor FROM facts")?.query_row([], |row| row.get(0))?))
    }

    pub fn epoch(&self) -> Result<Epoch> {
        Ok(Epoch(self.db.query_row("SELECT epoch FROM facts", [], |row| row.get(0))?))
    }

    pub fn count(&self) -> Result<i64> {
        Ok(self.db.query_row("SELECT count(*) FROM tickets", [], |row| row.get(0))?)
    }

    /// A page of the list, with what a line shows.
    pub fn list(&self, limit: u32) -> Result<Vec<Line>> {
        let mut find = self.db.prepare_cached(
            "SELECT t.id, t.status, t.number, t.unread, r.row FROM tickets t JOIN rows r ON r.key = t.key
             ORDER BY t.grp, t.sort, t.id DESC LIMIT ?1",
        )?;
        let mut rows = find.query([limit])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            let fields: Fields<'_> = serde_json::from_str(row.get_ref(4)?.as_str()?)?;
            lines.push(Line {
                id: Uuid::from_slice(row.get_ref(0)?.as_blob()?)?.to_string(),
                status: row.get(1)?,
                number: row.get(2)?,
                unread: row.get(3)?,
                subject: fields.subject.map_or_else(String::new, |text| text.0.into_owned()),
                updated_at: fields.updated_at.unwrap_or(0),
            });
        }
        Ok(lines)
    }

    /// Everything of one ticket, each row as its type; how many comments there are.
    pub fn ticket(&self, id: TicketId) -> Result<usize> {
        let mut find =
            self.db.prepare_cached("SELECT kind, row FROM rows WHERE ticket = ?1 ORDER BY position, id")?;
        let mut rows = find.query([id.0.as_bytes()])?;
        let (mut ticket, mut comments) = (None::<TicketRow>, Vec::<CommentRow>::new());
        let (mut files, mut events) = (Vec::<AttachmentRow>::new(), Vec::<EventRow>::new());
        while let Some(row) = rows.next()? {
            let json = row.get_ref(1)?.as_str()?;
            match row.get_ref(0)?.as_str()? {
                kind::TICKET => ticket = Some(serde_json::from_str(json)?),
                kind::COMMENT => comments.push(serde_json::from_str(json)?),
                kind::ATTACHMENT => files.push(serde_json::from_str(json)?),
                kind::EVENT => events.push(serde_json::from_str(json)?),
                _ => {}
            }
        }
        ticket.ok_or("the ticket is not there")?;
        drop((files, events));
        Ok(comments.len())
    }

    /// Hits with the subject of their ticket and the beginning of their words.
    pub fn search(&self, query: &str, ranked: bool, limit: u32) -> Result<Vec<(String, String)>> {
        let Some(terms) = self.words.query(query) else { return Ok(Vec::new()) };
        let order = if ranked { "rank" } else { "rowid DESC" };
        let mut find = self.db.prepare_cached(&format!(
            "SELECT r.kind, r.row, own.row FROM
                (SELECT rowid AS stamp FROM search WHERE search MATCH ?1 ORDER BY {order} LIMIT ?2) s
             JOIN documents d ON d.stamp = s.stamp JOIN rows r ON r.key = d.key
             JOIN tickets t ON t.id = r.ticket JOIN rows own ON own.key = t.key"
        ))?;
        let mut rows = find.query(params![terms, limit])?;
        let mut hits = Vec::new();
        while let Some(row) = rows.next()? {
            let fields: Fields<'_> = serde_json::from_str(row.get_ref(1)?.as_str()?)?;
            let ticket: Fields<'_> = serde_json::from_str(row.get_ref(2)?.as_str()?)?;
            let words = fields.words(row.get_ref(0)?.as_str()?).unwrap_or_default();
            hits.push((
                ticket.subject.map_or_else(String::new, |text| text.0.into_owned()),
                words.chars().take(EXCERPT).collect(),
            ));
        }
        Ok(hits)
    }
}

/// What the person wrote: durable when a write returns.
pub struct Own {
    db: Connection,
}

impl Own {
    pub fn open(dir: &Path, sealed: bool) -> Result<Self> {
        let db = connect(&dir.join("own.db"), sealed)?;
        db.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS ops (
                n INTEGER PRIMARY KEY, op BLOB NOT NULL UNIQUE, entity BLOB NOT NULL, ticket BLOB NOT NULL,
                kind TEXT NOT NULL, v INTEGER NOT NULL, body TEXT NOT NULL, sha256 TEXT NOT NULL, verdict TEXT
             ) STRICT;
             CREATE INDEX IF NOT EXISTS ops_ticket ON ops (ticket);
             CREATE INDEX IF NOT EXISTS ops_waiting ON ops (n) WHERE verdict IS NULL;",
        )?;
        Ok(Self { db })
    }

    pub fn write(&self, op: &WireOp, ticket: TicketId) -> Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO ops (op, entity, ticket, kind, v, body, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                op.op.0.as_bytes(),
                op.entity.0.as_bytes(),
                ticket.0.as_bytes(),
                op.kind,
                op.v,
                op.body,
                op.sha256
            ])?;
        Ok(())
    }

    pub fn waiting(&self, limit: usize) -> Result<Vec<WireOp>> {
        let mut find = self.db.prepare_cached(
            "SELECT op, entity, kind, v, body, sha256 FROM ops WHERE verdict IS NULL ORDER BY n LIMIT ?1",
        )?;
        let mut rows = find.query([i64::try_from(limit)?])?;
        let mut ops = Vec::new();
        while let Some(row) = rows.next()? {
            ops.push(WireOp {
                op: pocketdesk_protocol::ids::OpId(Uuid::from_slice(row.get_ref(0)?.as_blob()?)?),
                entity: Uuid::from_slice(row.get_ref(1)?.as_blob()?)?.into(),
                prev: None,
                kind: row.get(2)?,
                v: row.get(3)?,
                body: row.get(4)?,
                sha256: row.get(5)?,
                receipt: None,
                age_ms: None,
            });
        }
        Ok(ops)
    }

    pub fn settle(&mut self, verdicts: &[OpVerdict]) -> Result<()> {
        let tx = self.db.transaction()?;
        for verdict in verdicts {
            tx.prepare_cached("UPDATE ops SET verdict = ?2 WHERE op = ?1")?
                .execute(params![verdict.op.0.as_bytes(), serde_json::to_string(&verdict.verdict)?])?;
        }
        Ok(tx.commit()?)
    }
}
