//! Where accounts live: `DIR/accounts/<random>/` holds own.db, cache files and sealed files of one account;
//! `DIR/install_id` names this copy of the app and lies outside them, so that files restored from a backup of
//! another phone are noticed.

use std::{fmt, path::PathBuf, sync::Arc};

use pocketdesk_protocol::ids::InstallId;

use super::{
    error::{Result, StoreError},
    keys::{Key, secret_name},
};
use crate::env::{
    Env, Rng, Secrets,
    disk::{Disk, Found, SystemDisk},
};

/// The file that says who syncs.
const LOCK: &str = "sync.lock";
/// The file that says who makes an account.
const MAKING: &str = "making.lock";
/// The file that says that an account is being removed.
const GONE: &str = "gone";
/// The person's words.
pub(crate) const OWN: &str = "own.db";

/// The folder of accounts.
#[derive(Clone)]
pub struct Home {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    later: &'static [&'static str],
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Home {
    /// Opens `dir`, making it (for this user alone) where it is not there.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        Self::on(dir, SystemDisk::port())
    }

    /// The same on another disk than the system's.
    pub fn on(dir: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Result<Self> {
        let home = Self { dir: dir.into(), disk, later: &[] };
        home.disk.make_private_dir(&home.accounts_dir())?;
        Ok(home)
    }

    /// The same, opened by a newer app: one whose own.db has these migrations after today's. For tests of what an
    /// older app, that is this one, makes of such a folder.
    #[doc(hidden)]
    #[must_use]
    pub fn of_a_newer_app(self, later: &'static [&'static str]) -> Self {
        Self { later, ..self }
    }

    /// Migrations that only a newer app has.
    pub(super) fn later(&self) -> &'static [&'static str] {
        self.later
    }

    /// Where its files lie.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    /// Where speech models lie: they are no account's.
    pub(crate) fn models_dir(&self) -> PathBuf {
        self.dir.join("models")
    }

    fn accounts_dir(&self) -> PathBuf {
        self.dir.join("accounts")
    }

    /// The id of this copy of the app; made at the first call.
    pub fn install(&self, env: &Env) -> Result<InstallId> {
        let path = self.dir.join("install_id");
        if let Some(bytes) = self.disk.first_bytes(&path, 64)? {
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(id) = text.trim().parse() {
                return Ok(id);
            }
            // An id that cannot be read is another install's as far as anybody can tell.
        }
        let id = InstallId(env.new_id());
        self.disk.write_atomically(&path, format!("{id}\n").as_bytes())?;
        Ok(id)
    }

    /// Names of the accounts, oldest name first by spelling.
    pub fn accounts(&self) -> Result<Vec<String>> {
        let dir = self.accounts_dir();
        let mut names = self.disk.names(&dir)?;
        // A directory without own.db is an account whose making was cut: nobody's words are in it.
        names.retain(|name| {
            is_name(name)
                && self.disk.find(&dir.join(name).join(OWN)) != Found::Nothing
                && self.disk.find(&dir.join(name).join(GONE)) == Found::Nothing
        });
        names.sort();
        Ok(names)
    }

    /// Makes an account's directory and key and answers its name; [`super::Store::open`] makes the database.
    pub fn create(&self, rng: &dyn Rng, secrets: &dyn Secrets) -> Result<String> {
        let mut random = [0; 8];
        rng.fill(&mut random);
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let dir = self.accounts_dir().join(&name);
        if self.disk.find(&dir) != Found::Nothing || secrets.load(&secret_name(&name))?.is_some() {
            return Err(StoreError::Failed { reason: "chance gave a name that is taken".into() });
        }
        // The key first: files without a key would be words nobody can read.
        secrets.save(&secret_name(&name), Key::random(rng).bytes())?;
        self.disk.make_private_dir(&dir)?;
        Ok(name)
    }

    /// Says that an account is being removed: it is in no list any more, and whatever keeps [`remove`](Self::remove)
    /// from its end, [`sweep`](Self::sweep) comes to it.
    pub fn give_up(&self, name: &str) -> Result<()> {
        Ok(self.disk.write_atomically(&self.account_dir(name)?.join(GONE), b"")?)
    }

    /// Removes an account that was given up: its key first, after which the rest is noise, then its files.
    pub fn remove(&self, name: &str, secrets: &dyn Secrets) -> Result<()> {
        let dir = self.account_dir(name)?;
        secrets.remove(&secret_name(name))?;
        // Before the word that it is gone goes with the rest: what is left then is no account either.
        self.disk.remove(&dir.join(OWN))?;
        self.disk.sync_dir(&dir)?;
        self.disk.remove_dir(&dir)?;
        Ok(self.disk.sync_dir(&self.accounts_dir())?)
    }

    /// Removes what is left of accounts that were given up.
    pub fn sweep(&self, secrets: &dyn Secrets) -> Result<()> {
        let dir = self.accounts_dir();
        for name in self.disk.names(&dir)? {
            if is_name(&name) && self.disk.find(&dir.join(&name).join(GONE)) != Found::Nothing {
                self.remove(&name, secrets)?;
            }
        }
        Ok(())
    }

    /// The directory of an account.
    pub(crate) fn account_dir(&self, name: &str) -> Result<PathBuf> {
        if !is_name(name) {
            return Err(StoreError::NotFound { what: "such account" });
        }
        Ok(self.accounts_dir().join(name))
    }

    /// Takes the right to make an account, if no other process has it.
    pub fn making(&self) -> Result<Option<SyncLock>> {
        Ok(self.disk.lock(&self.dir.join(MAKING))?.map(|lock| SyncLock { _lock: lock }))
    }

    /// Takes the right to sync the account, if no other process has it.
    pub fn lock(&self, name: &str) -> Result<Option<SyncLock>> {
        let path = self.account_dir(name)?.join(LOCK);
        Ok(self.disk.lock(&path)?.map(|lock| SyncLock { _lock: lock }))
    }
}

/// The right of one process; ends when dropped, and when its process dies in whatever way.
pub struct SyncLock {
    _lock: Box<dyn Send + Sync>,
}

fn is_name(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
