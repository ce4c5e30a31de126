//! The real disk with a trouble of its own: one that is full, one whose process dies.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use pocketdesk_core::env::disk::{Disk, DiskFile, Found, Opening, SystemDisk};

/// What is wrong with a disk.
pub trait Trouble: Clone + Send + Sync + 'static {
    /// Asked before every step but a write.
    fn step(&self) -> io::Result<()>;
    /// Writes as much as it lets through.
    fn write(&self, file: &mut dyn DiskFile, bytes: &[u8]) -> io::Result<usize>;
}

/// So many bytes of files fit.
#[derive(Clone)]
pub struct Small(pub Arc<AtomicU64>);

impl Trouble for Small {
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, file: &mut dyn DiskFile, bytes: &[u8]) -> io::Result<usize> {
        let room = self.0.load(Ordering::SeqCst);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        if fits == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let wrote = file.write(&bytes[..fits])?;
        self.0.fetch_sub(wrote as u64, Ordering::SeqCst);
        Ok(wrote)
    }
}

/// Its process dies after so many steps.
#[derive(Clone)]
pub struct Mortal(Arc<AtomicI64>);

impl Mortal {
    pub fn new(steps: i64) -> Self {
        Self(Arc::new(AtomicI64::new(steps)))
    }
}

impl Trouble for Mortal {
    fn step(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::SeqCst) > 0 { Ok(()) } else { Err(io::Error::other("dead")) }
    }

    fn write(&self, file: &mut dyn DiskFile, bytes: &[u8]) -> io::Result<usize> {
        if let Err(dead) = self.step() {
            // Part of it may have arrived.
            if self.0.load(Ordering::SeqCst) == -1 {
                let _ = file.write(&bytes[..bytes.len() / 3]);
            }
            return Err(dead);
        }
        file.write(bytes)
    }
}

/// The real disk with that trouble; it loses no power, so nothing waits for it.
pub struct Troubled<T>(pub T);

struct File<T>(T, Box<dyn DiskFile>);

impl<T: Trouble> Read for File<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1.read(into)
    }
}

impl<T: Trouble> Write for File<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&mut *self.1, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Trouble> Seek for File<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.1.seek(to)
    }
}

impl<T: Trouble> DiskFile for File<T> {
    fn length(&self) -> io::Result<u64> {
        self.1.length()
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.0.step()?;
        self.1.cut(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.step()
    }
}

impl<T: Trouble> Disk for Troubled<T> {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn make_private_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.step()?;
        SystemDisk.make_private_dir(dir)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.0.step()
    }

    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.step()?;
        SystemDisk.write_atomically(path, bytes)
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Box<dyn DiskFile>> {
        self.0.step()?;
        Ok(Box::new(File(self.0.clone(), SystemDisk.open(path, how)?)))
    }

    fn find(&self, path: &Path) -> Found {
        SystemDisk.find(path)
    }

    fn untouched(&self, path: &Path) -> io::Result<Option<Duration>> {
        SystemDisk.untouched(path)
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        SystemDisk.names(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step()?;
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.step()?;
        SystemDisk.remove(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.step()?;
        SystemDisk.remove_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        SystemDisk.lock(path)
    }
}
