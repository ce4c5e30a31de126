//! A disk that loses power. SQLite reaches it through a VFS of our own ([`vfs`]), the core's other files through its
//! `Disk` port ([`port`]). Every inode has what the machine sees now, what would survive a power loss, and the writes
//! between the two; names are durable only after their folder was synced, as on a Unix file system.
//!
//! A path is `/ID@PROCESS/…`: several processes may look at one disk, and one that was killed gets EIO for ever, also
//! through handles it still holds.

pub mod port;
pub mod power;
pub mod vfs;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use fastrand::Rng;

/// What a power loss writes whole or not at all.
const SECTOR: usize = 512;

/// Why the disk did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The process was killed, the power went, or the device failed.
    Failed,
    /// No room.
    Full,
}

/// A change of an inode that no sync has covered yet.
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

/// What SQLite's connections share of a database in WAL mode; kept alive by each handle that was given it.
pub(super) struct Region(pub(super) Box<[u8; REGION]>);

/// Bytes of a region, as SQLite asks for them.
pub(super) const REGION: usize = 32_768;

#[derive(Default)]
pub(super) struct Inode {
    pub(super) now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// Handle → (process, SQLite's lock level).
    pub(super) locks: BTreeMap<u64, (u32, i32)>,
    /// (handle, slot) → (process, exclusive).
    pub(super) shm_locks: BTreeMap<(u64, i32), (u32, bool)>,
    pub(super) shm: Vec<Arc<Region>>,
    /// Its first sync also syncs its folder.
    sync_folder: bool,
}

/// A name: what it points to now, and what it would after a power loss.
#[derive(Clone, Copy, Default)]
struct Entry {
    now: Option<usize>,
    durable: Option<usize>,
}

/// See the module.
#[derive(Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, Entry>,
    folders: BTreeSet<String>,
    locks: BTreeMap<String, u32>,
    alive: BTreeSet<u32>,
    next_handle: u64,
    /// Changes so far: writes, cuts, creations, removals, syncs.
    pub changes: u64,
    /// Syncs so far.
    pub syncs: u64,
    /// The machine stops at this change: it is made, not synced, and not acknowledged.
    pub stop_at: u64,
    /// These changes fail, and nothing else.
    pub failing: std::ops::Range<u64>,
    /// Bytes in all that there is room for.
    pub capacity: Option<usize>,
    /// Syncs acknowledge what they did not do (a planted fault of the hardware).
    pub syncs_lie: bool,
}

/// A disk, shared by whoever has a handle.
pub type Shared = Arc<Mutex<Disk>>;

/// Locks it; a panic under the lock fails its test elsewhere.
pub fn lock(disk: &Shared) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

static DISKS: Mutex<BTreeMap<u64, Shared>> = Mutex::new(BTreeMap::new());

/// A disk with a number, under which SQLite finds it; gone when dropped.
pub struct Numbered {
    number: u64,
    /// The disk.
    pub disk: Shared,
}

impl Numbered {
    /// An empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let disk = Shared::default();
        DISKS.lock().unwrap_or_else(PoisonError::into_inner).insert(number, disk.clone());
        Self { number, disk }
    }

    /// The root folder as that process sees it.
    pub fn root(&self, process: u32) -> String {
        format!("/{}@{process}", self.number)
    }

    /// Locks it.
    pub fn lock(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }
}

impl Default for Numbered {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        DISKS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// The disk, the process and the name in it that a path stands for.
pub(super) fn place(path: &str) -> Option<(Shared, u32, &str)> {
    let (head, name) = path.strip_prefix('/')?.split_once('/').unwrap_or((path.strip_prefix('/')?, ""));
    let (number, process) = head.split_once('@')?;
    let number: u64 = number.parse().ok()?;
    let disk = DISKS.lock().unwrap_or_else(PoisonError::into_inner).get(&number)?.clone();
    Some((disk, process.parse().ok()?, name))
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn put(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if into.len() < at + bytes.len() {
        into.resize(at + bytes.len(), 0);
    }
    into[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk {
    /// A process begins.
    pub fn boot(&mut self, process: u32) {
        self.alive.insert(process);
    }

    /// Whether it runs.
    pub fn is_alive(&self, process: u32) -> bool {
        self.alive.contains(&process)
    }

    /// kill -9: what was written is still seen by the next process, locks go.
    pub fn kill(&mut self, process: u32) {
        self.alive.remove(&process);
        self.locks.retain(|_, holder| *holder != process);
        let nobody = self.alive.is_empty();
        for inode in &mut self.inodes {
            inode.locks.retain(|_, lock| lock.0 != process);
            inode.shm_locks.retain(|_, lock| lock.0 != process);
            if nobody {
                inode.shm.clear();
            }
        }
    }

    /// Every process is gone at once; nothing is decided about the disk's content yet.
    pub fn stop(&mut self) {
        for process in self.alive.clone() {
            self.kill(process);
        }
    }

    /// The power goes: of what no sync covered, nothing, a prefix, some, or torn sectors have made it.
    pub fn lose_power(&mut self, rng: &mut Rng) {
        self.stop();
        let (way, prefix) = (rng.u8(..4), rng.f32());
        for inode in &mut self.inodes {
            let count = inode.pending.len();
            for (n, pending) in std::mem::take(&mut inode.pending).into_iter().enumerate() {
                let whole = match way {
                    0 => Some(false),
                    1 => Some((n as f32) < prefix * count as f32),
                    2 => Some(rng.bool()),
                    _ => None,
                };
                settle(&mut inode.durable, pending, whole, rng);
            }
            inode.now = inode.durable.clone();
        }
        for entry in self.names.values_mut() {
            let same = entry.now == entry.durable;
            let kept = if same || rng.bool() { entry.now } else { entry.durable };
            *entry = Entry { now: kept, durable: kept };
        }
        self.forget_unnamed();
        (self.stop_at, self.failing) = (0, 0..0);
    }

    /// The machine stops in an orderly way or only the process died: everything written counts.
    pub fn settle(&mut self) {
        self.stop_at = 0;
    }

    fn forget_unnamed(&mut self) {
        self.names.retain(|_, entry| entry.now.is_some() || entry.durable.is_some());
        let named: BTreeSet<usize> =
            self.names.values().flat_map(|entry| [entry.now, entry.durable]).flatten().collect();
        for (ix, inode) in self.inodes.iter_mut().enumerate() {
            if !named.contains(&ix) {
                *inode = Inode::default();
            }
        }
    }

    /// Makes this disk a copy of a settled one: cheaper than opening and migrating anew.
    pub fn copy_from(&mut self, other: &Self) {
        self.inodes = other
            .inodes
            .iter()
            .map(|inode| Inode { now: inode.now.clone(), durable: inode.now.clone(), ..Inode::default() })
            .collect();
        let names = other.names.iter().filter_map(|(name, entry)| Some((name.clone(), entry.now?)));
        self.names = names.map(|(name, ix)| (name, Entry { now: Some(ix), durable: Some(ix) })).collect();
        self.folders = other.folders.clone();
    }

    /// Bytes of all files.
    pub fn size(&self) -> usize {
        self.names.values().filter_map(|entry| entry.now).map(|ix| self.inodes[ix].now.len()).sum()
    }

    /// Names and lengths of all files.
    pub fn listing(&self) -> Vec<(String, usize)> {
        let files = self.names.iter().filter_map(|(name, entry)| Some((name.clone(), entry.now?)));
        files.map(|(name, ix)| (name, self.inodes[ix].now.len())).collect()
    }

    /// Everything a file holds now.
    pub fn content(&self, name: &str) -> Option<&[u8]> {
        Some(&self.inodes[self.find(name)?].now)
    }

    /// Overwrites some bytes, durably: a disk that rots.
    pub fn damage(&mut self, name: &str, at: usize, bytes: &[u8]) {
        if let Some(ix) = self.find(name) {
            put(&mut self.inodes[ix].now, at, bytes);
            put(&mut self.inodes[ix].durable, at, bytes);
        }
    }

    /// Removes a file durably, behind the back of whoever has it open.
    pub fn vanish(&mut self, name: &str) {
        self.names.remove(name);
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.names.get(name)?.now
    }

    /// A new handle's number.
    fn handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.next_handle
    }

    fn create(&mut self, name: &str, sync_folder: bool) -> Result<usize, Trouble> {
        self.inodes.push(Inode { sync_folder, ..Inode::default() });
        let ix = self.inodes.len() - 1;
        self.names.entry(name.to_owned()).or_default().now = Some(ix);
        self.change()?;
        Ok(ix)
    }

    fn write(&mut self, ix: usize, at: usize, bytes: &[u8]) -> Result<(), Trouble> {
        if let Some(capacity) = self.capacity
            && self.inodes[ix].now.len() < at + bytes.len()
            && self.size() + bytes.len() > capacity
        {
            return Err(Trouble::Full);
        }
        if self.failing.contains(&(self.changes + 1)) {
            return self.change();
        }
        let inode = &mut self.inodes[ix];
        inode.pending.push(Pending::Write { at, bytes: bytes.to_vec() });
        put(&mut inode.now, at, bytes);
        self.change()
    }

    fn cut(&mut self, ix: usize, length: usize) -> Result<(), Trouble> {
        let inode = &mut self.inodes[ix];
        inode.pending.push(Pending::Cut { length });
        inode.now.resize(length, 0);
        self.change()
    }

    fn sync(&mut self, ix: usize, name: &str) -> Result<(), Trouble> {
        self.syncs += 1;
        // Stopped at a sync: nothing of it was promised.
        self.change()?;
        if self.syncs_lie {
            return Ok(());
        }
        let inode = &mut self.inodes[ix];
        for pending in std::mem::take(&mut inode.pending) {
            match pending {
                Pending::Write { at, bytes } => put(&mut inode.durable, at, &bytes),
                Pending::Cut { length } => inode.durable.resize(length, 0),
            }
        }
        if std::mem::take(&mut inode.sync_folder) {
            self.settle_names(folder_of(name));
        }
        Ok(())
    }

    fn sync_folder(&mut self, folder: &str) -> Result<(), Trouble> {
        self.syncs += 1;
        self.change()?;
        if !self.syncs_lie {
            self.settle_names(folder);
        }
        Ok(())
    }

    fn settle_names(&mut self, folder: &str) {
        for (_, entry) in self.names.iter_mut().filter(|(name, _)| folder_of(name) == folder) {
            entry.durable = entry.now;
        }
        self.names.retain(|_, entry| entry.now.is_some() || entry.durable.is_some());
    }

    fn unlink(&mut self, name: &str) -> Result<bool, Trouble> {
        match self.names.get_mut(name) {
            Some(entry) if entry.now.is_some() => entry.now = None,
            _ => return Ok(false),
        }
        self.change()?;
        Ok(true)
    }

    /// Every change passes here. An error after the change was made pending: the machine stopped during it.
    fn change(&mut self) -> Result<(), Trouble> {
        self.changes += 1;
        if self.changes == self.stop_at {
            self.stop();
            return Err(Trouble::Failed);
        }
        if self.failing.contains(&self.changes) { Err(Trouble::Failed) } else { Ok(()) }
    }
}

/// What became of one unsynced change; `whole`: all of it, none of it, or (none) sector by sector.
fn settle(durable: &mut Vec<u8>, pending: Pending, whole: Option<bool>, rng: &mut Rng) {
    match pending {
        Pending::Cut { length } => {
            if whole.unwrap_or_else(|| rng.bool()) {
                durable.resize(length, 0);
            }
        }
        Pending::Write { at, bytes } => {
            let mut from = 0;
            while from < bytes.len() {
                let length = (SECTOR - (at + from) % SECTOR).min(bytes.len() - from);
                let sector = &bytes[from..from + length];
                match whole.map_or_else(|| rng.u8(..10), |whole| if whole { 0 } else { 9 }) {
                    0..=4 => put(durable, at + from, sector),
                    5 => {
                        let torn: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
                        put(durable, at + from, &torn);
                    }
                    _ => {}
                }
                from += length;
            }
        }
    }
}
