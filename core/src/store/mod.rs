//! The two databases of an account, by recoverability: own.db holds the person's words and is never dropped; a cache
//! file holds the desk's facts and may go at any time. Both are under lock ([`open`]).
//!
//! What a person sees is the server's rows and, over them, what unfinished and kept ops add (3-sync rule 8). No
//! transaction spans both files, so a reader takes own.db's snapshot first and the cache's second: a verdict that
//! it misses in own.db may be answered in the cache already, which shows a word twice for a moment and never loses
//! one. Everything here blocks: callers run it on a queue of [`crate::env::Work`].

mod build;
pub mod cache;
mod changes;
mod dictations;
mod directory;
mod error;
pub(crate) mod keys;
mod open;
mod ops;
mod own;
mod read;
mod salvage;
#[cfg(test)]
mod tests;
mod values;
mod words;

use std::{path::PathBuf, sync::Arc};

use pocketdesk_protocol::ids::InstallId;
use rusqlite::{Connection, TransactionBehavior, config::DbConfig};

pub use build::CacheState;
pub use cache::{
    Brief, CacheFacts, CacheName, CacheRead, Counts, FoundRow, Hit, InboxEntry, InboxPlace, Listed, Order,
    Stored, TicketRows,
    apply::{Applied, FramePlan, PagePlan},
};
pub use changes::Changes;
pub use dictations::{Dictated, DictationState};
pub use directory::{Home, SyncLock};
pub use error::{ReadOnly, Result, StoreError};
pub use own::{AccountFacts, LocalFile, OwnRead, OwnTx, Session};
pub use read::{OwnHit, Reader, Snapshot};
#[doc(hidden)]
pub use words::SearchWords;

use crate::{
    attachments::files::Folder,
    env::{
        Env,
        disk::{Disk, Found},
    },
};
use build::CacheFile;
use directory::OWN;
use keys::Keys;
use open::{Access, Kind};
use words::Stemmers;

/// own.db's migrations, in order; a number once given is never changed.
const OWN_MIGRATIONS: &[&str] =
    &[include_str!("migrations/own-0001.sql"), include_str!("migrations/own-0002.sql")];

/// What an account's files are opened with.
#[derive(Clone)]
pub(crate) struct Place {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub keys: Keys,
    pub stemmers: Arc<Stemmers>,
}

/// An account's files, for writing. One per account and process, used on one queue; readers are apart.
pub struct Store {
    place: Place,
    own: Connection,
    active: Option<CacheFile>,
    building: Option<CacheFile>,
    files: Arc<Folder>,
    /// Why nothing may be written; the words can still be read and exported.
    read_only: Option<ReadOnly>,
    /// own.db's, oldest first.
    migrations: Vec<&'static str>,
    /// Every page of own.db was looked at.
    looked: bool,
    /// `own` is in memory: what could be read of the file.
    damaged: bool,
    data_version: i64,
}

impl Store {
    /// Opens an account (or makes its own.db, right after [`Home::create`]). Files of another app copy, that is of
    /// a phone restored from a backup, keep every word and lose their cache.
    pub fn open(home: &Home, name: &str, env: &Env) -> Result<Self> {
        let mut store = Self::open_unlooked(home, name, env)?;
        store.look()?;
        Ok(store)
    }

    /// The same without looking at every page of own.db yet, which takes time in which nothing is shown. It is looked
    /// at before anything is written into it, or by [`judge_own`](Self::judge_own).
    pub fn open_unlooked(home: &Home, name: &str, env: &Env) -> Result<Self> {
        let install = home.install(env)?;
        Self::open_with(home, name, env, install, &[OWN_MIGRATIONS, home.later()].concat())
    }

    pub(crate) fn open_with(
        home: &Home,
        name: &str,
        env: &Env,
        install: InstallId,
        migrations: &[&'static str],
    ) -> Result<Self> {
        let dir = home.account_dir(name)?;
        let disk = home.disk();
        if disk.find(&dir) != Found::Folder {
            return Err(StoreError::NotFound { what: "such account" });
        }
        let place = Place {
            disk,
            keys: Keys::load(env.secrets.as_ref(), name)?,
            dir,
            stemmers: Arc::new(Stemmers::new()),
        };
        let path = place.dir.join(OWN);
        let new = place.disk.find(&path) == Found::Nothing;
        let access = if new { Access::Create } else { Access::Write };
        let mut own = open::open(place.disk.as_ref(), &path, &place.keys.own, Kind::Own, access)?;
        // Opening writes where it brings a file up to date or takes it over: then it is looked at first.
        let looked = new || !is_at_home(&own, install, migrations).unwrap_or(false);
        let damaged = !new && looked && !salvage::is_whole(&own)?;
        if damaged {
            own = salvaged(&own, migrations)?;
        }
        // A newer app's file, or one that cannot be brought up to date, is kept and can be read and exported.
        let read_only = match open::migrate(&mut own, OWN, migrations) {
            Ok(()) => damaged.then_some(ReadOnly::Damaged),
            Err(StoreError::Busy) => return Err(StoreError::Busy),
            Err(StoreError::Full) if new => return Err(StoreError::Full),
            Err(error) if new => return Err(error),
            Err(error) => {
                leave_as_it_is(&own)?;
                Some(error.into())
            }
        };
        // A file that was there was opened by a cipher that authenticates each page: it cannot be plain text.
        if new {
            open::prove_sealed(place.disk.as_ref(), &path)?;
        }
        if looked && (read_only.is_none() || damaged) {
            adopt(&mut own, install)?;
        }
        if !looked {
            // Nor does its log go into it when it is closed.
            own.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        let files = Arc::new(Folder::open(place.disk.clone(), place.dir.join("files"), &place.keys.files)?);
        let mut store = Self {
            place,
            own,
            active: None,
            building: None,
            files,
            read_only,
            migrations: migrations.to_vec(),
            looked,
            damaged,
            data_version: 0,
        };
        store.data_version = store.version()?;
        Ok(store)
    }

    /// Looks at every page of own.db, unless that was done: what is damaged is only read from here on.
    fn look(&mut self) -> Result<()> {
        if self.looked {
            return Ok(());
        }
        if salvage::is_whole(&self.own)? {
            // What is read only stays as it is, whole or not.
            let leave = self.read_only.is_some();
            self.own.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave)?;
        } else {
            self.own = salvaged(&self.own, &self.migrations)?;
            (self.damaged, self.read_only) = (true, Some(ReadOnly::Damaged));
        }
        self.looked = true;
        Ok(())
    }

    /// Why nothing may be written, if so.
    pub fn read_only(&self) -> Option<&ReadOnly> {
        self.read_only.as_ref()
    }

    /// A reader with connections of its own, for another queue.
    pub fn reader(&self) -> Result<Reader> {
        if self.damaged {
            return Ok(Reader::of(self.place.clone(), salvage::twin(&self.own)?));
        }
        let reader = Reader::open(self.place.clone())?;
        if self.read_only.is_some() {
            reader.leave_own_as_it_is()?;
        }
        Ok(reader)
    }

    /// Looks at every page of own.db, after an error that may have come from it. When it is damaged nothing is written
    /// any more, and what can be read of it is here and in the reader that is answered.
    pub fn judge_own(&mut self) -> Result<Option<Reader>> {
        self.looked &= self.damaged;
        self.look()?;
        if self.damaged { self.reader().map(Some) } else { Ok(None) }
    }

    /// The account's sealed files.
    pub fn files(&self) -> Arc<Folder> {
        Arc::clone(&self.files)
    }

    /// One transaction of own.db, durable when this returns. An error, the caller's own too, undoes all of it.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut OwnTx<'_>) -> Result<T, E>,
    ) -> Result<(T, Changes), E> {
        self.look()?;
        if let Some(why) = &self.read_only {
            return Err(StoreError::ReadOnly { why: why.clone() }.into());
        }
        // IMMEDIATE: what is read in it is what is written upon, also with another process at work.
        let known = self.known();
        let tx =
            self.own.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        if own_format(&tx)? > known {
            drop(tx);
            return Err(self.leave_to_newer().into());
        }
        let mut own = OwnTx { read: OwnRead { db: &tx }, changes: Changes::default(), unsealed: Vec::new() };
        let answer = work(&mut own)?;
        let OwnTx { changes, unsealed, .. } = own;
        tx.commit().map_err(StoreError::from)?;
        for sealed in unsealed {
            // What stays for whatever reason is swept at the next start.
            let _ = self.files.remove(&sealed);
        }
        Ok((answer, changes))
    }

    /// The same with the cache in sight, for what is judged by what the person saw.
    pub fn write_seeing<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut OwnTx<'_>, Option<&CacheRead<'_>>) -> Result<T, E>,
    ) -> Result<(T, Changes), E> {
        self.follow_names()?;
        // Out of its place meanwhile, so that own.db and the cache are borrowed apart.
        let active = self.active.take();
        let done = self.write(|tx| {
            let cache = active.as_ref().map(CacheFile::read);
            work(tx, cache.as_ref())
        });
        self.active = active;
        done
    }

    /// Reads on the writer's own connections.
    pub fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.follow_names()?;
        let own = self.own.transaction().map_err(StoreError::from)?;
        // The first read takes own.db's snapshot, before the cache's.
        OwnRead { db: &own }.cache_names()?;
        let cache = match &mut self.active {
            Some(active) => Some((active.db.transaction().map_err(StoreError::from)?, &active.name)),
            None => None,
        };
        let cache = cache.as_ref().map(|(db, name)| CacheRead { db, name, brief: None });
        work(&Snapshot { own: OwnRead { db: &own }, cache, stemmers: &self.place.stemmers })
    }

    /// How many final verdicts were ever stored.
    pub fn verdicts(&self) -> Result<i64> {
        OwnRead { db: &self.own }.verdicts()
    }

    /// Whether another process wrote own.db since the last call: then every topic may have moved. If it was a newer
    /// app, [`StoreError::ReadOnly`].
    pub fn moved_elsewhere(&mut self) -> Result<bool> {
        let now = self.version()?;
        let moved = std::mem::replace(&mut self.data_version, now) != now;
        if moved && self.read_only.is_none() && own_format(&self.own)? > self.known() {
            return Err(self.leave_to_newer());
        }
        Ok(moved)
    }

    /// A newer app has begun to use the folder beside this process: nothing is written any more.
    fn leave_to_newer(&mut self) -> StoreError {
        let known = self.known();
        // Without an answer the number is not known, and the file is left alone all the same.
        let found = own_format(&self.own).unwrap_or(known + 1);
        if let Err(error) = leave_as_it_is(&self.own) {
            tracing::warn!(%error, "own.db could not be made read-only; nothing writes it all the same");
        }
        StoreError::ReadOnly { why: self.read_only.insert(ReadOnly::Newer { found, known }).clone() }
    }

    /// The newest format of own.db that this app knows.
    fn known(&self) -> i64 {
        i64::try_from(self.migrations.len()).expect("few migrations")
    }

    fn version(&self) -> Result<i64> {
        Ok(self.own.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }

    /// Removes sealed files that no row names: what a crash left between the two.
    pub fn sweep_files(&mut self) -> Result<()> {
        if self.read_only.is_some() {
            // The row that names a file may be among those that could not be read.
            return Ok(());
        }
        let named: std::collections::HashSet<String> =
            OwnRead { db: &self.own }.files()?.into_iter().map(|file| file.sealed).collect();
        let spoken = OwnRead { db: &self.own }.dictations()?;
        let named: std::collections::HashSet<String> =
            named.into_iter().chain(spoken.into_iter().filter_map(|dictated| dictated.spill)).collect();
        Ok(self.files.sweep(|name| named.contains(name))?)
    }
}

/// What can be read of a damaged file; the file stays as it is to the byte, not even its log is written into it.
fn salvaged(own: &Connection, migrations: &[&str]) -> Result<Connection> {
    leave_as_it_is(own)?;
    salvage::salvage(own, migrations)
}

/// Nothing is written through this connection, not even its log into the file.
fn leave_as_it_is(own: &Connection) -> Result<()> {
    own.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(own.execute_batch("PRAGMA query_only = ON;")?)
}

/// The number of the last migration that was done on it.
fn own_format(own: &Connection) -> Result<i64> {
    Ok(own.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?)
}

/// Whether nothing has to be written for opening it: in the newest of `migrations`, and of this app copy.
fn is_at_home(own: &Connection, install: InstallId, migrations: &[&str]) -> Result<bool> {
    if usize::try_from(own_format(own)?) != Ok(migrations.len()) {
        return Ok(false);
    }
    Ok(OwnRead { db: own }.install()? == install)
}

/// Makes the account's row, or notices that the files came from another app copy.
fn adopt(own: &mut Connection, install: InstallId) -> Result<()> {
    let found: Option<values::Blob> = {
        use rusqlite::OptionalExtension;
        own.query_row("SELECT install FROM account", [], |row| row.get(0)).optional()?
    };
    if found.map(|id| id.0) == Some(install.0) {
        return Ok(());
    }
    // The cache is rebuilt under a new install, ops and drafts are kept.
    own.execute(
        "INSERT INTO account (only, install) VALUES (1, ?1)
         ON CONFLICT (only) DO UPDATE SET install = excluded.install, active = NULL, building = NULL",
        [values::blob(install.0)],
    )?;
    Ok(())
}
