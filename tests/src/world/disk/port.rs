//! The core's `Disk` port on a [`super::Disk`]: sealed files, small files, folders and the right to sync.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    time::Duration,
};

use pocketdesk_core::env::disk::{self as core, DiskFile, Found, Opening};

use super::{Disk, Shared, Trouble, folder_of, lock, place, vfs};

/// See the module. `encrypted` databases go through SQLite3MultipleCiphers above our VFS.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedDisk;

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failed => io::Error::other("the simulated device failed"),
            Trouble::Full => io::ErrorKind::StorageFull.into(),
        }
    }
}

fn on<T>(path: &Path, work: impl FnOnce(&mut Disk, &str, u32) -> io::Result<T>) -> io::Result<T> {
    let text = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
    let (disk, process, name) = place(text).ok_or(io::ErrorKind::NotFound)?;
    let mut disk = lock(&disk);
    if !disk.is_alive(process) {
        return Err(Trouble::Failed.into());
    }
    work(&mut disk, name, process)
}

impl core::Disk for SimulatedDisk {
    fn vfs(&self) -> Option<&str> {
        Some(vfs::SEALED)
    }

    fn make_private_dir(&self, dir: &Path) -> io::Result<()> {
        on(dir, |disk, name, _| {
            // Folders are durable at once: what is lost of them is lost before any word was in them.
            let mut part = name;
            while !part.is_empty() {
                disk.folders.insert(part.to_owned());
                part = folder_of(part);
            }
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        on(dir, |disk, name, _| Ok(disk.sync_folder(name)?))
    }

    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        on(path, |disk, name, _| {
            // Written beside, synced, renamed: seen from here the old one or the new one.
            let beside = format!("{name}.new");
            let ix = disk.create(&beside, false)?;
            disk.write(ix, 0, bytes)?;
            disk.sync(ix, &beside)?;
            disk.names.remove(&beside);
            disk.names.entry(name.to_owned()).or_default().now = Some(ix);
            disk.change()?;
            Ok(disk.sync_folder(folder_of(name))?)
        })
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Box<dyn DiskFile>> {
        let text = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let shared = place(text).ok_or(io::ErrorKind::NotFound)?.0;
        on(path, |disk, name, process| {
            let inode = match (disk.find(name), how) {
                (Some(_), Opening::New) => return Err(io::ErrorKind::AlreadyExists.into()),
                (Some(inode), _) => inode,
                (None, Opening::New) => disk.create(name, false)?,
                (None, _) => return Err(io::ErrorKind::NotFound.into()),
            };
            Ok(Box::new(Open { disk: shared, inode, process, name: name.to_owned(), at: 0 })
                as Box<dyn DiskFile>)
        })
    }

    fn find(&self, path: &Path) -> Found {
        on(path, |disk, name, _| {
            Ok(if disk.find(name).is_some() {
                Found::File
            } else if disk.folders.contains(name) {
                Found::Folder
            } else {
                Found::Nothing
            })
        })
        .unwrap_or(Found::Nothing)
    }

    fn untouched(&self, path: &Path) -> io::Result<Option<Duration>> {
        // Nothing here lives long enough for the grace of unnamed files to end.
        on(path, |disk, name, _| {
            disk.find(name).map(|_| Some(Duration::ZERO)).ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        on(dir, |disk, folder, _| {
            if !disk.folders.contains(folder) && !folder.is_empty() {
                return Err(io::ErrorKind::NotFound.into());
            }
            let files = disk.names.iter().filter(|(_, entry)| entry.now.is_some()).map(|(name, _)| name);
            let inside = files.chain(&disk.folders).filter(|name| folder_of(name) == folder);
            Ok(inside.filter_map(|name| name.rsplit('/').next()).map(str::to_owned).collect())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let to = to.to_str().and_then(place).ok_or(io::ErrorKind::NotFound)?.2;
        on(from, |disk, name, _| {
            let inode = disk.find(name).ok_or(io::ErrorKind::NotFound)?;
            disk.names.entry(name.to_owned()).or_default().now = None;
            disk.names.entry(to.to_owned()).or_default().now = Some(inode);
            Ok(disk.change()?)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        on(path, |disk, name, _| {
            disk.unlink(name)?;
            Ok(())
        })
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        on(dir, |disk, folder, _| {
            let below = format!("{folder}/");
            let names: Vec<String> =
                disk.names.keys().filter(|name| name.starts_with(&below)).cloned().collect();
            for name in names {
                disk.unlink(&name)?;
            }
            disk.folders.retain(|name| name != folder && !name.starts_with(&below));
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let text = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let shared = place(text).ok_or(io::ErrorKind::NotFound)?.0;
        on(path, |disk, name, process| {
            if disk.locks.contains_key(name) {
                return Ok(None);
            }
            disk.locks.insert(name.to_owned(), process);
            let held = Held { disk: shared, name: name.to_owned(), process };
            Ok(Some(Box::new(held) as Box<dyn Send + Sync>))
        })
    }
}

struct Held {
    disk: Shared,
    name: String,
    process: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut disk = lock(&self.disk);
        // The next process may have it by now.
        if disk.locks.get(&self.name) == Some(&self.process) {
            disk.locks.remove(&self.name);
        }
    }
}

struct Open {
    disk: Shared,
    inode: usize,
    process: u32,
    name: String,
    at: usize,
}

impl Open {
    fn on<T>(&self, work: impl FnOnce(&mut Disk) -> Result<T, Trouble>) -> io::Result<T> {
        let mut disk = lock(&self.disk);
        if !disk.is_alive(self.process) {
            return Err(Trouble::Failed.into());
        }
        Ok(work(&mut disk)?)
    }
}

impl Read for Open {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.on(|disk| {
            let bytes = disk.inodes[self.inode].now.get(self.at..).unwrap_or_default();
            let count = bytes.len().min(into.len());
            into[..count].copy_from_slice(&bytes[..count]);
            Ok(count)
        })?;
        self.at += read;
        Ok(read)
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.on(|disk| disk.write(self.inode, self.at, bytes))?;
        self.at += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Open {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.length()?;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => (self.at as u64).checked_add_signed(by),
        };
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        self.at = usize::try_from(at).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(at)
    }
}

impl DiskFile for Open {
    fn length(&self) -> io::Result<u64> {
        self.on(|disk| Ok(disk.inodes[self.inode].now.len() as u64))
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.on(|disk| disk.cut(self.inode, length))
    }

    fn sync(&self) -> io::Result<()> {
        self.on(|disk| disk.sync(self.inode, &self.name))
    }
}
