//! Proof of the disk by itself: a database under random power losses, with nothing of the product on top.

use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};

use super::{Numbered, vfs};

/// How the database is opened.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `FULL`, `NORMAL` or `EXTRA`.
    pub synchronous: &'static str,
    /// `WAL` or `DELETE`.
    pub journal: &'static str,
    /// Under SQLite3MultipleCiphers.
    pub sealed: bool,
    /// Syncs acknowledge what they did not do.
    pub syncs_lie: bool,
}

impl Setting {
    /// WAL with that `synchronous`.
    pub fn wal(synchronous: &'static str) -> Self {
        Self { synchronous, journal: "WAL", sealed: false, syncs_lie: false }
    }

    fn open(self, path: &str) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let vfs = if self.sealed { vfs::SEALED } else { vfs::PLAIN };
        let db = Connection::open_with_flags_and_vfs(path, flags, vfs)?;
        if self.sealed {
            let key = "0123456789abcdef".repeat(4);
            db.execute_batch(&format!("PRAGMA cipher = 'chacha20'; PRAGMA key = \"raw:{key}\";"))?;
        }
        let Self { synchronous, journal, .. } = self;
        db.execute_batch(&format!(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = {journal}; PRAGMA synchronous = {synchronous};
             PRAGMA wal_autocheckpoint = 20;"
        ))?;
        Ok(db)
    }
}

/// What many power losses did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// Power losses.
    pub losses: u64,
    /// Commits that were acknowledged before one, all together.
    pub acknowledged: u64,
    /// Acknowledged commits that were gone after it.
    pub lost: u64,
    /// Databases that did not open or whose pages were not sound.
    pub damaged: u64,
}

/// Two power losses for each of `seeds`.
pub fn losses(setting: Setting, seeds: std::ops::Range<u64>) -> Losses {
    let mut sum = Losses::default();
    for seed in seeds {
        vfs::host(seed, 0);
        one(setting, &mut Rng::with_seed(seed), &mut sum).expect("a database can be made on a sound disk");
    }
    sum
}

fn one(setting: Setting, rng: &mut Rng, sum: &mut Losses) -> rusqlite::Result<()> {
    let disk = Numbered::new();
    let path = |process: u32| format!("{}/own.db", disk.root(process));
    disk.lock().boot(1);
    {
        let db = setting.open(&path(1))?;
        db.execute_batch(
            "CREATE TABLE op (id INTEGER PRIMARY KEY, body BLOB); CREATE INDEX bodies ON op (body);",
        )?;
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
    }
    disk.lock().kill(1);
    disk.lock().syncs_lie = setting.syncs_lie;
    let mut acknowledged: Vec<i64> = Vec::new();
    let mut id = 0;
    for process in [2, 4] {
        {
            let mut disk = disk.lock();
            disk.boot(process);
            disk.stop_at = disk.changes + 1 + rng.u64(..200);
        }
        let mut fill = || -> rusqlite::Result<()> {
            let db = setting.open(&path(process))?;
            loop {
                id += 1;
                let body = vec![id as u8; rng.usize(..3_000)];
                db.execute("INSERT INTO op VALUES (?, ?)", (id, body))?;
                acknowledged.push(id);
            }
        };
        drop(fill());
        disk.lock().lose_power(rng);
        sum.losses += 1;
        sum.acknowledged += acknowledged.len() as u64;
        disk.lock().boot(process + 1);
        let look = || -> rusqlite::Result<(bool, Vec<i64>)> {
            let db = setting.open(&path(process + 1))?;
            let sound =
                db.query_row("PRAGMA integrity_check", [], |row| Ok(row.get::<_, String>(0)? == "ok"))?;
            let mut ids = db.prepare("SELECT id FROM op ORDER BY id")?;
            let ids = ids.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok((sound, ids))
        };
        match look() {
            Ok((sound, ids)) => {
                sum.damaged += u64::from(!sound);
                sum.lost += acknowledged.iter().filter(|id| ids.binary_search(id).is_err()).count() as u64;
                // From here on, what is there counts.
                id = ids.last().copied().unwrap_or(0);
                acknowledged = ids;
            }
            Err(_) => {
                sum.damaged += 1;
                return Ok(());
            }
        }
        disk.lock().kill(process + 1);
    }
    Ok(())
}
