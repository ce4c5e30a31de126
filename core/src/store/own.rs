//! own.db's own facts: who the account is, its session, drafts, files and settings. Ops are in [`super::ops`].

use pocketdesk_domain::outbox::NewDraft;
use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, DeskId, EntityId, Epoch, InstallId, PersonId, RotationId, SessionId, TicketId},
    limits::Limits,
    op::FileRef,
    session::Me,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    changes::Changes,
    error::{Result, StoreError},
    values::{Blob, blob},
};

/// Who the account is and what the phone knows of its server.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountFacts {
    /// The server's address; empty before the first sign-in.
    pub server: String,
    /// With `person`, what the account is bound to; set once.
    pub desk: Option<DeskId>,
    /// See `desk`.
    pub person: Option<PersonId>,
    /// The person's address.
    pub email: String,
    /// The last answer of `GET /me`: names, limits, restore window.
    pub me: Option<Me>,
    /// Server time of the last answer, ms; 0 when there was none.
    pub server_time: Millis,
    /// The phone's clock at that answer, ms.
    pub server_seen: Millis,
    /// The phone's clock at the last complete page, ms.
    pub synced_at: Option<Millis>,
    /// Why nothing goes, by a name the session gives.
    pub paused: Option<String>,
}

/// A sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub session: SessionId,
    /// Bearer of requests.
    pub access_token: String,
    /// Good for one rotation.
    pub refresh_token: String,
    /// The boot in which `expires_monotonic` counts.
    pub expires_boot: String,
    /// When the access token ends, monotonic ms.
    pub expires_monotonic: u64,
    /// The rotation under way: committed before it is sent, so that a lost answer is asked for again.
    pub rotation: Option<RotationId>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("session", &self.session).finish_non_exhaustive()
    }
}

/// A file whose bytes are on this phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Id, name, size, digest.
    pub file: FileRef,
    /// The sealed file's name in the account's folder of files.
    pub sealed: String,
    /// The person's own, to be uploaded; else fetched from the desk.
    pub staged: bool,
    /// The phone's clock when it came, ms.
    pub created_at: Millis,
    /// The phone's clock when it was last used, ms.
    pub used_at: Millis,
    /// Parts the server holds, a bit each, lowest first.
    pub have: Vec<u8>,
    /// Server time at which the server was known to hold the whole, ms.
    pub complete_at: Option<Millis>,
    /// The person stopped the upload.
    pub stopped: bool,
    /// The upload's own token.
    pub token: Option<String>,
    /// Longest wait until the next try of the upload, ms.
    pub wake_interval: i64,
    /// When the upload is tried next, ms by the phone's clock.
    pub wake_due: Millis,
}

impl LocalFile {
    /// Whether the server holds part `n`.
    pub fn has_part(&self, n: u64) -> bool {
        let byte = usize::try_from(n / 8).ok().and_then(|at| self.have.get(at));
        byte.is_some_and(|byte| byte & (1 << (n % 8)) != 0)
    }
}

/// Reads of own.db within one snapshot or transaction.
#[derive(Clone, Copy)]
pub struct OwnRead<'a> {
    pub(crate) db: &'a Connection,
}

impl OwnRead<'_> {
    /// Who the account is.
    pub fn account(&self) -> Result<AccountFacts> {
        let mut find = self.db.prepare_cached(
            "SELECT server, desk, person, email, me, server_time, server_seen, synced_at, paused FROM account",
        )?;
        let (mut facts, me) = find.query_row([], |row| {
            let facts = AccountFacts {
                server: row.get(0)?,
                desk: row.get::<_, Option<Blob>>(1)?.map(|id| DeskId(id.0)),
                person: row.get::<_, Option<Blob>>(2)?.map(|id| PersonId(id.0)),
                email: row.get(3)?,
                me: None,
                server_time: row.get(5)?,
                server_seen: row.get(6)?,
                synced_at: row.get(7)?,
                paused: row.get(8)?,
            };
            Ok((facts, row.get::<_, Option<String>>(4)?))
        })?;
        // An answer this build cannot read is asked for again; nobody's words are in it.
        facts.me = me.and_then(|me| serde_json::from_str(&me).ok());
        Ok(facts)
    }

    /// The server's address; empty before the first sign-in.
    pub fn server(&self) -> Result<String> {
        Ok(self.db.prepare_cached("SELECT server FROM account")?.query_row([], |row| row.get(0))?)
    }

    /// What the desk allows, as it said last; the usual before it said so.
    pub fn limits(&self) -> Result<Limits> {
        #[derive(serde::Deserialize)]
        struct Said {
            limits: Limits,
        }
        let mut find = self.db.prepare_cached("SELECT me FROM account")?;
        let said = find.query_row([], |row| {
            let me = row.get_ref(0)?.as_str_or_null()?;
            Ok(me.and_then(|me| serde_json::from_str::<Said>(me).ok()))
        })?;
        Ok(said.map(|said| said.limits).unwrap_or_default())
    }

    /// The app copy these files belong to.
    pub fn install(&self) -> Result<InstallId> {
        let id: Blob = self.db.query_row("SELECT install FROM account", [], |row| row.get(0))?;
        Ok(InstallId(id.0))
    }

    /// The session, while signed in.
    pub fn session(&self) -> Result<Option<Session>> {
        let mut find = self.db.prepare_cached(
            "SELECT session, access_token, refresh_token, expires_boot, expires_monotonic, rotation FROM session",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Session {
                session: SessionId(row.get::<_, Blob>(0)?.0),
                access_token: row.get(1)?,
                refresh_token: row.get(2)?,
                expires_boot: row.get(3)?,
                expires_monotonic: row.get::<_, i64>(4)?.cast_unsigned(),
                rotation: row.get::<_, Option<Blob>>(5)?.map(|id| RotationId(id.0)),
            })
        };
        Ok(find.query_row([], read).optional()?)
    }

    /// The highest epoch the phone knows.
    pub fn epoch(&self) -> Result<Option<Epoch>> {
        let mut find = self.db.prepare_cached("SELECT epoch FROM account")?;
        Ok(find.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Epoch))
    }

    /// How many final verdicts were ever stored; a page remembers the value at its asking (rule 8).
    pub fn verdicts(&self) -> Result<i64> {
        let mut find = self.db.prepare_cached("SELECT verdicts FROM account")?;
        Ok(find.query_row([], |row| row.get(0))?)
    }

    /// Names of the active and the building cache file.
    pub(crate) fn cache_names(&self) -> Result<(Option<String>, Option<String>)> {
        let mut find = self.db.prepare_cached("SELECT active, building FROM account")?;
        Ok(find.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// All drafts, last changed first.
    pub fn drafts(&self) -> Result<Vec<NewDraft>> {
        let mut find = self.db.prepare_cached(
            "SELECT id, ticket, subject, text, attachments, updated_at FROM drafts ORDER BY updated_at DESC, id DESC",
        )?;
        find.query_map([], draft)?.map(|found| found?).collect()
    }

    /// One draft.
    pub fn draft(&self, id: EntityId) -> Result<Option<NewDraft>> {
        let mut find = self.db.prepare_cached(
            "SELECT id, ticket, subject, text, attachments, updated_at FROM drafts WHERE id = ?1",
        )?;
        find.query_row([blob(id.0)], draft).optional()?.transpose()
    }

    /// A file's facts, if its bytes are on this phone.
    pub fn file(&self, id: AttachmentId) -> Result<Option<LocalFile>> {
        let mut find = self.db.prepare_cached(const_format_files!("WHERE id = ?1"))?;
        Ok(find.query_row([blob(id.0)], local_file).optional()?)
    }

    /// All files whose bytes are on this phone.
    pub fn files(&self) -> Result<Vec<LocalFile>> {
        let mut find = self.db.prepare_cached(const_format_files!("ORDER BY created_at, id"))?;
        Ok(find.query_map([], local_file)?.collect::<Result<_, _>>()?)
    }

    /// Files to be uploaded: staged, named by an op, not whole on the server, not stopped. In the order of the ops.
    pub fn uploads(&self) -> Result<Vec<LocalFile>> {
        let mut find = self.db.prepare_cached(const_format_files!(
            "WHERE staged = 1 AND complete_at IS NULL AND stopped = 0
               AND EXISTS (SELECT 1 FROM file_uses u JOIN ops o ON o.op = u.user
                           WHERE u.file = files.id AND o.state <> 'rejected')
             ORDER BY (SELECT min(o.n) FROM file_uses u JOIN ops o ON o.op = u.user WHERE u.file = files.id)"
        ))?;
        Ok(find.query_map([], local_file)?.collect::<Result<_, _>>()?)
    }

    /// Whether an op or a draft names the file.
    pub fn is_named(&self, id: AttachmentId) -> Result<bool> {
        let mut find = self.db.prepare_cached("SELECT 1 FROM file_uses WHERE file = ?1")?;
        Ok(find.exists([blob(id.0)])?)
    }

    /// A setting.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let mut find = self.db.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
        Ok(find.query_row([name], |row| row.get(0)).optional()?)
    }
}

/// Columns of `files` in [`local_file`]'s order.
macro_rules! const_format_files {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, size, sha256, sealed, staged, created_at, used_at, have, complete_at, stopped, token, ",
            "wake_interval, wake_due FROM files ",
            $rest
        )
    };
}
use const_format_files;

fn local_file(row: &Row<'_>) -> rusqlite::Result<LocalFile> {
    Ok(LocalFile {
        file: FileRef {
            id: AttachmentId(row.get::<_, Blob>(0)?.0),
            name: row.get(1)?,
            size: row.get::<_, i64>(2)?.cast_unsigned(),
            sha256: row.get(3)?,
        },
        sealed: row.get(4)?,
        staged: row.get(5)?,
        created_at: row.get(6)?,
        used_at: row.get(7)?,
        have: row.get(8)?,
        complete_at: row.get(9)?,
        stopped: row.get(10)?,
        token: row.get(11)?,
        wake_interval: row.get(12)?,
        wake_due: row.get(13)?,
    })
}

fn draft(row: &Row<'_>) -> rusqlite::Result<Result<NewDraft>> {
    let attachments: String = row.get(4)?;
    let (id, ticket) = (row.get::<_, Blob>(0)?, row.get::<_, Option<Blob>>(1)?);
    let (subject, text, updated_at) = (row.get(2)?, row.get(3)?, row.get(5)?);
    Ok(serde_json::from_str(&attachments).map_err(Into::into).map(|attachments| NewDraft {
        id: EntityId(id.0),
        ticket: ticket.map(|id| TicketId(id.0)),
        subject,
        text,
        attachments,
        updated_at,
    }))
}

/// One transaction of own.db. Reads see what was written before in it.
pub struct OwnTx<'a> {
    pub(crate) read: OwnRead<'a>,
    pub(crate) changes: Changes,
    /// Sealed files to remove once this is committed.
    pub(crate) unsealed: Vec<String>,
}

impl<'a> std::ops::Deref for OwnTx<'a> {
    type Target = OwnRead<'a>;
    fn deref(&self) -> &OwnRead<'a> {
        &self.read
    }
}

impl OwnTx<'_> {
    /// Replaces the account's facts. What it is bound to never changes once set.
    pub fn set_account(&mut self, facts: &AccountFacts) -> Result<()> {
        let before = self.account()?;
        if before.desk.is_some() && (before.desk, before.person) != (facts.desk, facts.person) {
            return Err(StoreError::Failed { reason: "an account never changes its person or desk".into() });
        }
        let me = facts.me.as_ref().map(serde_json::to_string).transpose()?;
        let mut write = self.read.db.prepare_cached(
            "UPDATE account SET server = ?1, desk = ?2, person = ?3, email = ?4, me = ?5, server_time = ?6,
                    server_seen = ?7, synced_at = ?8, paused = ?9",
        )?;
        write.execute(params![
            facts.server,
            facts.desk.map(|id| blob(id.0)),
            facts.person.map(|id| blob(id.0)),
            facts.email,
            me,
            facts.server_time,
            facts.server_seen,
            facts.synced_at,
            facts.paused,
        ])?;
        self.changes.account = true;
        Ok(())
    }

    /// Notes an answer's server time and the phone's clock at it, if there was one, without touching anything else; no
    /// topic moves.
    pub fn note_heard(&mut self, heard: Option<(Millis, Millis)>) -> Result<()> {
        let Some((server_time, seen)) = heard else { return Ok(()) };
        let mut write =
            self.read.db.prepare_cached("UPDATE account SET server_time = ?1, server_seen = ?2")?;
        write.execute([server_time, seen])?;
        Ok(())
    }

    /// Notes that everything is here.
    pub fn set_synced(&mut self, at: Millis) -> Result<()> {
        self.read.db.prepare_cached("UPDATE account SET synced_at = ?1")?.execute([at])?;
        self.changes.synced = true;
        Ok(())
    }

    /// Replaces (or ends) the session.
    pub fn set_session(&mut self, session: Option<&Session>) -> Result<()> {
        self.read.db.prepare_cached("DELETE FROM session")?.execute([])?;
        if let Some(session) = session {
            let mut write = self.read.db.prepare_cached(
                "INSERT INTO session (only, session, access_token, refresh_token, expires_boot, expires_monotonic,
                        rotation) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            write.execute(params![
                blob(session.session.0),
                session.access_token,
                session.refresh_token,
                session.expires_boot,
                session.expires_monotonic.cast_signed(),
                session.rotation.map(|id| blob(id.0)),
            ])?;
        }
        self.changes.account = true;
        Ok(())
    }

    /// Makes a draft, or replaces the one of the same id.
    pub fn put_draft(&mut self, draft: &NewDraft) -> Result<()> {
        let mut write = self.read.db.prepare_cached(
            "INSERT INTO drafts (id, ticket, subject, text, attachments, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET ticket = excluded.ticket, subject = excluded.subject,
                text = excluded.text, attachments = excluded.attachments, updated_at = excluded.updated_at",
        )?;
        write.execute(params![
            blob(draft.id.0),
            draft.ticket.map(|id| blob(id.0)),
            draft.subject,
            draft.text,
            serde_json::to_string(&draft.attachments)?,
            draft.updated_at,
        ])?;
        self.set_uses(draft.id.0, &draft.attachments)?;
        self.changes.drafts = true;
        self.changes.inbox |= draft.ticket.is_none();
        self.changes.tickets.extend(draft.ticket);
        Ok(())
    }

    /// Lets a draft go; no error if there is none.
    pub fn remove_draft(&mut self, id: EntityId) -> Result<()> {
        let Some(draft) = self.draft(id)? else { return Ok(()) };
        self.read.db.prepare_cached("DELETE FROM drafts WHERE id = ?1")?.execute([blob(id.0)])?;
        self.remove_dictation(id)?;
        self.set_uses(id.0, &[])?;
        self.changes.drafts = true;
        self.changes.inbox |= draft.ticket.is_none();
        self.changes.tickets.extend(draft.ticket);
        Ok(())
    }

    /// Says which files an op or draft names.
    pub(crate) fn set_uses(&mut self, user: Uuid, files: &[FileRef]) -> Result<()> {
        self.read.db.prepare_cached("DELETE FROM file_uses WHERE user = ?1")?.execute([blob(user)])?;
        let mut write =
            self.read.db.prepare_cached("INSERT OR IGNORE INTO file_uses (file, user) VALUES (?1, ?2)")?;
        for file in files {
            write.execute([blob(file.id.0), blob(user)])?;
        }
        Ok(())
    }

    /// Records a file whose sealed bytes are durable already, or replaces what is known of it.
    pub fn put_file(&mut self, file: &LocalFile) -> Result<()> {
        if let Some(before) = self.file(file.file.id)?
            && before.sealed != file.sealed
        {
            self.unsealed.push(before.sealed);
        }
        let mut write = self.read.db.prepare_cached(
            "INSERT OR REPLACE INTO files (id, name, size, sha256, sealed, staged, created_at, used_at, have,
                    complete_at, stopped, token, wake_interval, wake_due)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        write.execute(params![
            blob(file.file.id.0),
            file.file.name,
            file.file.size.cast_signed(),
            file.file.sha256,
            file.sealed,
            file.staged,
            file.created_at,
            file.used_at,
            file.have,
            file.complete_at,
            file.stopped,
            file.token,
            file.wake_interval,
            file.wake_due,
        ])?;
        self.changes.files = true;
        Ok(())
    }

    /// Forgets a file; its bytes are removed after the commit.
    pub fn remove_file(&mut self, id: AttachmentId) -> Result<()> {
        if let Some(file) = self.file(id)? {
            self.read.db.prepare_cached("DELETE FROM files WHERE id = ?1")?.execute([blob(id.0)])?;
            self.unsealed.push(file.sealed);
            self.changes.files = true;
        }
        Ok(())
    }

    /// Keeps fetched and sent bytes within `bound` (plain bytes). What an unfinished op or a draft names stays in
    /// any case, and so does what was staged after `since` and is not named yet; what kept ops name goes last.
    pub fn evict(&mut self, bound: u64, since: Millis) -> Result<()> {
        let mut find = self.read.db.prepare_cached(
            "SELECT id, size,
                    EXISTS (SELECT 1 FROM file_uses u JOIN drafts d ON d.id = u.user WHERE u.file = files.id)
                    OR EXISTS (SELECT 1 FROM file_uses u JOIN ops o ON o.op = u.user
                               WHERE u.file = files.id AND (o.state <> 'applied' OR (staged AND complete_at IS NULL
                                                                                      AND NOT stopped)))
                    OR (staged AND created_at > ?1
                        AND NOT EXISTS (SELECT 1 FROM file_uses u WHERE u.file = files.id)),
                    EXISTS (SELECT 1 FROM file_uses u JOIN ops o ON o.op = u.user WHERE u.file = files.id)
             FROM files ORDER BY 4, used_at, id",
        )?;
        let rows = find.query_map([since], |row| {
            Ok((
                AttachmentId(row.get::<_, Blob>(0)?.0),
                row.get::<_, i64>(1)?.cast_unsigned(),
                row.get::<_, bool>(2)?,
            ))
        })?;
        let files = rows.collect::<Result<Vec<_>, _>>()?;
        drop(find);
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (id, size, needed) in files {
            if total <= bound {
                break;
            }
            if !needed {
                self.remove_file(id)?;
                total -= size;
            }
        }
        Ok(())
    }

    /// Keeps (or forgets) a setting.
    pub fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match value {
            Some(value) => self
                .read
                .db
                .prepare_cached(
                    "INSERT INTO settings (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute([name, value])?,
            None => self.read.db.prepare_cached("DELETE FROM settings WHERE name = ?1")?.execute([name])?,
        };
        Ok(())
    }

    /// Names the cache files; a new name is one that was never given before.
    pub(crate) fn set_cache_names(&mut self, active: Option<&str>, building: Option<&str>) -> Result<()> {
        let mut write = self.read.db.prepare_cached("UPDATE account SET active = ?1, building = ?2")?;
        write.execute([active, building])?;
        Ok(())
    }

    /// A name for a cache file that no cache file ever had.
    pub(crate) fn new_cache_name(&mut self) -> Result<String> {
        let mut write = self
            .read
            .db
            .prepare_cached("UPDATE account SET last_cache = last_cache + 1 RETURNING last_cache")?;
        let number: i64 = write.query_row([], |row| row.get(0))?;
        Ok(format!("cache-{number}.db"))
    }
}
