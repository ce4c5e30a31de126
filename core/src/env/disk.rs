//! The disk: folders, small files written whole or not at all, sealed files, the right to sync, and which VFS SQLite
//! opens its files with. World puts a disk of its own behind this port, one that loses power.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// An open file, read and written from its position on.
pub trait DiskFile: Read + Write + Seek + Send {
    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Cuts it to `length` bytes.
    fn cut(&self, length: u64) -> io::Result<()>;
    /// Makes its bytes durable.
    fn sync(&self) -> io::Result<()>;
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It must exist and is only read.
    Read,
    /// It must exist.
    Write,
    /// It must not exist; only this user may read it.
    New,
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or something that cannot be looked at.
    Nothing,
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// Where the account's files lie.
pub trait Disk: Send + Sync {
    /// SQLite's VFS; none for the system's own.
    fn vfs(&self) -> Option<&str>;
    /// Makes `dir` and what leads to it; what it makes only this user may enter.
    fn make_private_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in `dir` durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Writes a small file: after a crash there is the old one or the new one, whole and durable.
    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Opens a file.
    fn open(&self, path: &Path, how: Opening) -> io::Result<Box<dyn DiskFile>>;
    /// What lies there.
    fn find(&self, path: &Path) -> Found;
    /// How long nobody has written to a file; none if its time lies ahead of the clock.
    fn untouched(&self, path: &Path) -> io::Result<Option<Duration>>;
    /// Names in a folder, in no order.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Gives a file another name in its folder, in place of whatever has that name; durable after [`Self::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; no error if there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all that is in it; no error if there is none.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the lock of that name, unless another process has it; it ends when dropped and with its process.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>>;

    /// The first bytes of a file, at most `count`; none if there is no file.
    fn first_bytes(&self, path: &Path, count: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open(path, Opening::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(count).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Makes the bytes of a file durable that somebody else wrote.
    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.open(path, Opening::Write)?.sync()
    }
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl SystemDisk {
    /// As the port.
    pub fn port() -> Arc<dyn Disk> {
        Arc::new(Self)
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Disk for SystemDisk {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn make_private_dir(&self, dir: &Path) -> io::Result<()> {
        make_private_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        sync_dir(dir)
    }

    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        write_atomically(path, bytes)
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Box<dyn DiskFile>> {
        let mut options = private_file();
        match how {
            Opening::Read => options.read(true),
            Opening::Write => options.read(true).write(true),
            Opening::New => options.read(true).write(true).create_new(true),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn find(&self, path: &Path) -> Found {
        match std::fs::metadata(path) {
            Ok(facts) if facts.is_dir() => Found::Folder,
            Ok(_) => Found::File,
            Err(_) => Found::Nothing,
        }
    }

    fn untouched(&self, path: &Path) -> io::Result<Option<Duration>> {
        Ok(std::fs::metadata(path)?.modified()?.elapsed().ok())
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            // A name that is not text is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        remove(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let file = private_file().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Makes `dir` and what leads to it; what it makes only this user may enter.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        // One by one: each new name is durable in its own folder, else a power loss takes all that lies below.
        make_private_dir(parent)?;
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    parent.map_or(Ok(()), sync_dir)
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { OpenOptions::new().read(true).open(dir)?.sync_all() } else { Ok(()) }
}

/// Options for a file only this user may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a small file: after a crash there is the old one or the new one, whole and durable.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // What a crash left of an earlier try goes first; create_new then refuses links somebody put there.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private_file().write(true).create_new(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_dir(dir)
}

/// Removes a file; no error if there is none.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
