//! Cache files come and go (3-sync "Reset: a new cache file"): a build grows beside the file that is shown, is made
//! whole and durable, own.db records it as active, and only then the old one is deleted. Every step may be the last
//! before a crash; own.db's names and each file's own facts say where to go on. Only the process that syncs calls
//! these.

use std::{path::PathBuf, sync::Arc};

use pocketdesk_protocol::{
    ids::PersonId,
    sync::{FrameEnd, Item, SnapshotStart},
};
use rusqlite::{Connection, TransactionBehavior};

use super::{
    Place, Store,
    cache::{
        CacheFacts, CacheName, CacheRead, LATE, MIGRATIONS,
        apply::{Applied, Fill, FramePlan, PagePlan},
        index,
    },
    changes::Changes,
    error::{Result, StoreError},
    open::{self, Access, Kind},
    own::OwnRead,
    values::blob,
    words::Stemmers,
};
use crate::env::disk::{Disk, Found};

/// Which cache files there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheState {
    /// The file that is shown; without the finished mark it is a build to go on with. None: missing or damaged, or
    /// never begun — begin a build.
    pub active: Option<CacheFacts>,
    /// The file that grows beside it; where there is one, it is the one to go on with, whatever `active` is.
    pub building: Option<CacheFacts>,
}

/// An open cache file.
pub(crate) struct CacheFile {
    pub name: CacheName,
    pub db: Connection,
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl CacheFile {
    pub(crate) fn open(place: &Place, name: &str, access: Access) -> Result<Self> {
        let path = place.dir.join(name);
        let mut db = match open::open(place.disk.as_ref(), &path, &place.keys.cache, Kind::Cache, access) {
            Err(StoreError::NotFound { .. }) => return Err(StoreError::Gone),
            other => other?,
        };
        match access {
            Access::Create => open::migrate(&mut db, name, MIGRATIONS)?,
            Access::Write | Access::Read => {
                let format: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
                if usize::try_from(format) != Ok(MIGRATIONS.len()) {
                    // Another version's cache is built anew rather than migrated.
                    return Err(StoreError::Damaged { file: name.to_owned() });
                }
                // A file whose first rows never became durable has tables and no facts.
                if !db.prepare("SELECT 1 FROM facts")?.exists([])? {
                    return Err(StoreError::Damaged { file: name.to_owned() });
                }
            }
        }
        Ok(Self { name: CacheName(name.to_owned()), db, path, disk: place.disk.clone() })
    }

    fn create(place: &Place, name: &str, me: Option<PersonId>, growing: bool) -> Result<Self> {
        // A file of this name is named by nobody: what a crash left of an earlier try.
        delete(place, name)?;
        let file = Self::open(place, name, Access::Create)?;
        file.db.execute("INSERT INTO facts (only, me) VALUES (1, ?1)", [me.map(|id| blob(id.0))])?;
        if growing {
            file.db.execute_batch(LATE)?;
        }
        open::prove_sealed(place.disk.as_ref(), &file.path)?;
        place.disk.sync_dir(&place.dir)?;
        Ok(file)
    }

    pub(crate) fn read(&self) -> CacheRead<'_> {
        CacheRead { db: &self.db, name: &self.name, brief: None }
    }

    /// Whether the file is still where it was: somebody may have deleted it.
    pub(crate) fn is_there(&self) -> bool {
        self.disk.find(&self.path) != Found::Nothing
    }

    /// The list of tickets and the indexes that come late are there.
    fn is_ripe(db: &Connection) -> Result<bool> {
        Ok(db.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'rows_ticket'")?.exists([])?)
    }

    /// One transaction of the file.
    fn fill<T>(&mut self, stemmers: &Stemmers, work: impl FnOnce(&mut Fill<'_>) -> Result<T>) -> Result<T> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut fill = Fill::new(&tx, &self.name, stemmers)?;
        let answer = work(&mut fill)?;
        tx.commit()?;
        Ok(answer)
    }
}

/// Indexes and list of a file that was filled without them.
fn ripen(fill: &mut Fill<'_>) -> Result<()> {
    if !CacheFile::is_ripe(fill.read.db)? {
        fill.read.db.execute_batch(LATE)?;
        fill.settle_all()?;
    }
    Ok(())
}

/// Deletes a cache file and what SQLite keeps beside it; the file itself first, so that nobody opens it without its
/// log and takes an old state for the present one.
fn delete(place: &Place, name: &str) -> Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        place.disk.remove(&place.dir.join(format!("{name}{end}")))?;
    }
    Ok(())
}

impl Store {
    /// Makes the open files those that own.db names; one that cannot be read counts as not there.
    pub(super) fn follow_names(&mut self) -> Result<()> {
        let (active, building) = OwnRead { db: &self.own }.cache_names()?;
        let Self { place, active: shown, building: growing, .. } = self;
        follow(place, shown, active.as_deref())?;
        follow(place, growing, building.as_deref())
    }

    /// Which cache files there are now.
    pub fn cache_state(&mut self) -> Result<CacheState> {
        self.follow_names()?;
        let facts = |file: &Option<CacheFile>| file.as_ref().map(|file| file.read().facts()).transpose();
        Ok(CacheState { active: facts(&self.active)?, building: facts(&self.building)? })
    }

    /// At start: deletes every cache file that own.db does not name, and says which there are.
    pub fn clean_caches(&mut self) -> Result<CacheState> {
        let (active, building) = OwnRead { db: &self.own }.cache_names()?;
        for file in self.place.disk.names(&self.place.dir)? {
            let Some(name) = cache_file_name(&file) else { continue };
            if Some(name) != active.as_deref() && Some(name) != building.as_deref() {
                self.place.disk.remove(&self.place.dir.join(&file))?;
            }
        }
        self.follow_names()?;
        if let Some(file) = &mut self.active {
            index::check_version(&file.db)?;
        }
        self.cache_state()
    }

    /// Begins a cache file: beside the one that is shown, or, where there is none that can be read, as the one that
    /// is shown at once. A build that was under way is dropped.
    pub fn begin_build(&mut self, me: Option<PersonId>) -> Result<(CacheName, Changes)> {
        self.follow_names()?;
        let growing = self.active.is_none();
        let place = self.place.clone();
        let (before, _) = (OwnRead { db: &self.own }.cache_names()?, ());
        let (file, mut changes) = self.write(|tx| {
            let name = tx.new_cache_name()?;
            // The file before its name is committed: nobody is ever told of a file that is not there.
            let file = CacheFile::create(&place, &name, me, growing)?;
            let (active, _) = tx.cache_names()?;
            let (active, building) =
                if growing { (Some(name.as_str()), None) } else { (active.as_deref(), Some(name.as_str())) };
            tx.set_cache_names(active, building)?;
            Ok::<_, StoreError>(file)
        })?;
        let name = file.name.clone();
        if growing {
            self.active = Some(file);
            changes.everything = true;
            changes.inbox = true;
        } else {
            self.building = Some(file);
        }
        let unnamed = if growing { [before.0, before.1] } else { [None, before.1] };
        if growing {
            self.building = None;
        }
        for old in unnamed.into_iter().flatten() {
            delete(&self.place, &old)?;
        }
        Ok((name, changes))
    }

    /// Forgets the cache, whatever there is of it: damaged, of another person, or by the person's wish. The next
    /// build is shown as it grows.
    pub fn forget_cache(&mut self) -> Result<Changes> {
        let (names, mut changes) = self.write(|tx| {
            let names = tx.cache_names()?;
            tx.set_cache_names(None, None)?;
            Ok::<_, StoreError>(names)
        })?;
        (self.active, self.building) = (None, None);
        for name in [names.0, names.1].into_iter().flatten() {
            delete(&self.place, &name)?;
        }
        changes.everything = true;
        changes.inbox = true;
        Ok(changes)
    }

    fn file_named(&mut self, name: &CacheName) -> Result<(&mut CacheFile, bool)> {
        self.follow_names()?;
        let Self { active, building, .. } = self;
        match (active, building) {
            (Some(active), _) if active.name == *name => Ok((active, true)),
            (_, Some(building)) if building.name == *name => Ok((building, false)),
            _ => Err(StoreError::Gone),
        }
    }

    /// Whole frames of a snapshot, one after another: their rows and the key to go on from are one transaction of the
    /// build's file.
    pub fn apply_frames(&mut self, file: &CacheName, frames: &[FramePlan<'_>]) -> Result<Changes> {
        let stemmers = self.place.stemmers.clone();
        let (file, shown) = self.file_named(file)?;
        let mut changes = file.fill(&stemmers, |fill| {
            fill.frames(frames)?;
            if shown || CacheFile::is_ripe(fill.read.db)? { fill.settle() } else { Ok(Changes::default()) }
        })?;
        changes.inbox |= shown;
        Ok(if shown { changes } else { Changes::default() })
    }

    /// One frame by itself.
    pub fn apply_frame(
        &mut self,
        file: &CacheName,
        start: Option<&SnapshotStart>,
        items: &[Item],
        end: &FrameEnd,
    ) -> Result<Changes> {
        self.apply_frames(file, &[FramePlan { start, items, end }])
    }

    /// A page: its rows and its cursor are one transaction, and only if the file stands where it was asked from.
    pub fn apply_page(&mut self, plan: &PagePlan<'_>) -> Result<Applied> {
        let stemmers = self.place.stemmers.clone();
        let (file, shown) = match self.file_named(plan.file) {
            Err(StoreError::Gone) => return Ok(Applied::Stale),
            other => other?,
        };
        let changes = file.fill(&stemmers, |fill| {
            let facts = fill.read.facts()?;
            if !facts.finished {
                ripen(fill)?;
            }
            if fill.page(plan, &facts)? { fill.settle().map(Some) } else { Ok(None) }
        })?;
        Ok(match changes {
            None => Applied::Stale,
            Some(mut changes) if shown => {
                // A complete page may hide kept ops (rule 8), whatever rows it brought.
                changes.outbox |= plan.complete;
                Applied::Done(changes)
            }
            Some(_) => Applied::Done(Changes::default()),
        })
    }

    /// Makes a build whole: search index, finished mark, durable with its directory; then own.db records it as
    /// active, and the old file goes. Its last page must have been a complete one.
    pub fn finish_build(&mut self, name: &CacheName) -> Result<Changes> {
        let stemmers = self.place.stemmers.clone();
        let place = self.place.clone();
        let (file, shown) = self.file_named(name)?;
        let facts = file.read().facts()?;
        if !facts.frames_done || facts.asked_verdicts.is_none() {
            return Err(StoreError::Failed {
                reason: "a build is finished after its first complete page".into(),
            });
        }
        file.fill(&stemmers, ripen)?;
        // What small frames and pages left.
        while file.fill(&stemmers, |fill| index::index_some(fill.read.db, &stemmers))? {}
        file.fill(&stemmers, |fill| Ok(fill.read.db.execute("UPDATE facts SET finished = 1", [])?))?;
        file.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        place.disk.sync_file(&file.path)?;
        place.disk.sync_dir(&place.dir)?;
        if shown {
            return Ok(Changes { account: true, inbox: true, ..Changes::default() });
        }
        let (old, mut changes) = self.write(|tx| {
            let (active, _) = tx.cache_names()?;
            tx.set_cache_names(Some(name.as_str()), None)?;
            Ok::<_, StoreError>(active)
        })?;
        self.active = self.building.take();
        if let Some(old) = old {
            delete(&place, &old)?;
        }
        changes.everything = true;
        changes.inbox = true;
        changes.outbox = true;
        Ok(changes)
    }

    /// A little of the search index's work, for idle moments; whether there is more.
    pub fn merge_some(&mut self) -> Result<bool> {
        self.follow_names()?;
        let stemmers = self.place.stemmers.clone();
        let Some(file) = &mut self.active else { return Ok(false) };
        let more: bool = file.db.query_row(
            "SELECT indexed_to < (SELECT coalesce(max(key), 0) FROM rows) FROM facts",
            [],
            |row| row.get(0),
        )?;
        if more {
            file.fill(&stemmers, |fill| index::index_some(fill.read.db, &stemmers))?;
            return Ok(true);
        }
        file.fill(&stemmers, |fill| index::merge_some(fill.read.db))
    }
}

/// The cache file's name that a file in the directory belongs to.
fn cache_file_name(file: &str) -> Option<&str> {
    let name = file
        .strip_suffix("-wal")
        .or_else(|| file.strip_suffix("-shm"))
        .or_else(|| file.strip_suffix("-journal"));
    let name = name.unwrap_or(file);
    let number = name.strip_prefix("cache-")?.strip_suffix(".db")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
}

fn follow(place: &Place, open: &mut Option<CacheFile>, name: Option<&str>) -> Result<()> {
    if let Some(file) = open
        && Some(file.name.as_str()) == name
        && file.is_there()
    {
        return Ok(());
    }
    *open = None;
    let Some(name) = name else { return Ok(()) };
    match CacheFile::open(place, name, Access::Write) {
        Ok(file) => *open = Some(file),
        // Missing, cut or another key's: as good as none; the next build replaces it.
        Err(
            StoreError::Gone
            | StoreError::Damaged { .. }
            | StoreError::WrongKey { .. }
            | StoreError::NotSealed { .. },
        ) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
