//! The folder of an account's sealed files.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pocketdesk_domain::outbox::InvalidReason;

use super::{CHUNK, FileError, SealedReader, SealedWriter};
use crate::{
    env::{
        Rng,
        disk::{Disk, DiskFile, Found, Opening},
    },
    store::keys::Key,
};

/// How long a file that nobody names yet is left alone: another process may be about to name it.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// A sealed file that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its random name in the folder.
    pub name: String,
    /// Plain bytes.
    pub size: u64,
    /// Of the plain bytes, lower-case hex.
    pub sha256: String,
}

/// Holds a file against other processes; ends when dropped, and with its process.
pub(crate) type Held = Box<dyn Send + Sync>;

/// An account's sealed files. Cheap to share; every call is one file's.
pub struct Folder {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    key: Key,
}

impl Folder {
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: PathBuf, key: &Key) -> std::io::Result<Self> {
        disk.make_private_dir(&dir)?;
        Ok(Self { disk, dir, key: key.clone() })
    }

    fn path(&self, name: &str) -> Result<PathBuf, FileError> {
        let plain = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if plain { Ok(self.dir.join(name)) } else { Err(FileError::NotFound) }
    }

    /// Begins a file; answers its name too. Without [`Self::finish`] nothing is durable.
    pub fn create(&self, rng: &dyn Rng) -> Result<(String, SealedWriter), FileError> {
        let (mut random, mut salt) = ([0; 16], [0; 32]);
        rng.fill(&mut random);
        rng.fill(&mut salt);
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let file = self.disk.open(&self.path(&name)?, Opening::New)?;
        Ok((name, SealedWriter::begin(file, &self.key, &salt)?))
    }

    /// Begins a file in another format than ours (a recording under way); answers its name too, and holds it against other
    /// processes until the lock is dropped or this one dies.
    pub(crate) fn create_foreign(
        &self,
        rng: &dyn Rng,
    ) -> Result<(String, Box<dyn DiskFile>, Held), FileError> {
        let mut random = [0; 16];
        rng.fill(&mut random);
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let file = self.disk.open(&self.path(&name)?, Opening::New)?;
        let lock =
            self.hold_foreign(&name)?.ok_or(FileError::Failed { reason: "a new file is held".into() })?;
        self.disk.sync_dir(&self.dir)?;
        Ok((name, file, lock))
    }

    /// The lock of [`create_foreign`](Self::create_foreign)'s file, unless its maker is still at it.
    pub(crate) fn hold_foreign(&self, name: &str) -> Result<Option<Held>, FileError> {
        // The file itself: its lock goes when it is removed, and nothing else ever locks it.
        Ok(self.disk.lock(&self.path(name)?)?)
    }

    /// Opens a file of another format for reading.
    pub(crate) fn read_foreign(&self, name: &str) -> Result<Box<dyn DiskFile>, FileError> {
        Ok(self.disk.open(&self.path(name)?, Opening::Read)?)
    }

    /// The key files of this folder are sealed with.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Goes on with a file that was begun and not finished, for a download that was cut: [`SealedWriter::size`] says
    /// from where. What is there is read again, so that the digest covers all of it.
    pub fn resume(&self, name: &str) -> Result<SealedWriter, FileError> {
        let file = self.disk.open(&self.path(name)?, Opening::Write)?;
        SealedWriter::resume(file, &self.key)
    }

    /// Ends a file: durable with its directory when this returns.
    pub fn finish(&self, name: &str, writer: SealedWriter) -> Result<Sealed, FileError> {
        let (size, sha256) = writer.finish()?;
        self.disk.sync_dir(&self.dir)?;
        Ok(Sealed { name: name.to_owned(), size, sha256 })
    }

    /// Copies `source` to its end. More than `limit` bytes are refused: before the copying where `known_size` says
    /// so, else while it goes on, and then nothing is kept. Exactly `limit` is allowed.
    pub fn stage(
        &self,
        source: &mut dyn Read,
        known_size: Option<u64>,
        limit: u64,
        rng: &dyn Rng,
    ) -> Result<Sealed, FileError> {
        if let Some(size) = known_size.filter(|size| *size > limit) {
            return Err(FileError::TooLarge { size: Some(size), limit });
        }
        let (name, mut writer) = self.create(rng)?;
        let copied = copy(source, &mut writer, limit).and_then(|()| self.finish(&name, writer));
        if copied.is_err() {
            let _ = self.remove(&name);
        }
        copied
    }

    /// Copies a file at `path`; see [`Self::stage`]. The path is read from and never kept.
    pub fn stage_path(&self, path: &Path, limit: u64, rng: &dyn Rng) -> Result<Sealed, FileError> {
        let mut file = File::open(path).map_err(unreadable)?;
        let facts = file.metadata().map_err(unreadable)?;
        if facts.is_dir() {
            return Err(FileError::Source { why: InvalidReason::Folder });
        }
        // Pipes and the like have no size of their own.
        self.stage(&mut file, facts.is_file().then_some(facts.len()), limit, rng)
    }

    /// Opens a file for reading.
    pub fn read(&self, name: &str) -> Result<SealedReader, FileError> {
        SealedReader::open(self.disk.open(&self.path(name)?, Opening::Read)?, &self.key)
    }

    /// Whether the file is there; says nothing about whether it is whole.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_ok_and(|path| self.disk.find(&path) == Found::File)
    }

    /// Removes a file; no error if there is none.
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        Ok(self.disk.remove(&self.path(name)?)?)
    }

    /// Removes what `keep` does not know and nobody has written to for a day.
    pub fn sweep(&self, keep: impl Fn(&str) -> bool) -> std::io::Result<()> {
        for name in self.disk.names(&self.dir)? {
            let path = self.dir.join(&name);
            // A clock that was set back makes the age unknown: left alone until it is known.
            if !keep(&name) && self.disk.untouched(&path)?.is_some_and(|age| age > GRACE) {
                self.disk.remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Why a source cannot be read.
fn unreadable(error: std::io::Error) -> FileError {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => InvalidReason::Missing,
        std::io::ErrorKind::PermissionDenied => InvalidReason::Forbidden,
        kind => {
            tracing::info!(%kind, "a file that was picked cannot be read");
            InvalidReason::Unreadable
        }
    };
    FileError::Source { why }
}

fn copy(source: &mut dyn Read, writer: &mut SealedWriter, limit: u64) -> Result<(), FileError> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        if writer.size() + read as u64 > limit {
            return Err(FileError::TooLarge { size: None, limit });
        }
        writer.write(&buffer[..read])?;
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::env::{disk::SystemDisk, system::SystemRng};

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder =
            Folder::open(SystemDisk::port(), dir.path().join("files"), &Key::random(&SystemRng)).unwrap();
        (dir, folder)
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn stage(folder: &Folder, bytes: &[u8], limit: u64) -> Result<Sealed, FileError> {
        folder.stage(&mut &bytes[..], None, limit, &SystemRng)
    }

    #[test]
    fn a_file_comes_back_byte_for_byte_whatever_its_length() {
        let (_dir, folder) = folder();
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17] {
            let plain = bytes(len);
            let sealed = stage(&folder, &plain, u64::MAX).unwrap();
            assert_eq!(sealed.size, len as u64);
            let digest: String = Sha256::digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(sealed.sha256, digest);
            let mut back = Vec::new();
            folder.read(&sealed.name).unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(back, plain, "{len} bytes");
        }
    }

    #[test]
    fn any_range_can_be_read() {
        let (_dir, folder) = folder();
        let plain = bytes(3 * CHUNK + 17);
        let sealed = stage(&folder, &plain, u64::MAX).unwrap();
        let mut reader = folder.read(&sealed.name).unwrap();
        for (offset, len) in [(0, 1), (CHUNK - 1, 2), (CHUNK, CHUNK), (10, 2 * CHUNK), (3 * CHUNK + 10, 100)]
        {
            let end = (offset + len).min(plain.len());
            assert_eq!(reader.read_range(offset as u64, len).unwrap(), plain[offset..end], "{offset} {len}");
        }
        assert!(reader.read_range(plain.len() as u64, 10).unwrap().is_empty());
        assert!(reader.read_range(u64::MAX, 10).unwrap().is_empty());
    }

    #[test]
    fn a_cut_or_changed_file_is_noticed() {
        let (dir, folder) = folder();
        let sealed = stage(&folder, &bytes(2 * CHUNK), u64::MAX).unwrap();
        let path = dir.path().join("files").join(&sealed.name);
        let whole = std::fs::read(&path).unwrap();
        let damaged = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let all = folder.read(&sealed.name).and_then(|mut file| file.read_range(0, usize::MAX));
            assert_eq!(all.unwrap_err(), FileError::Damaged);
        };
        // Cut at the border of a chunk, in it, in the header, and to nothing.
        for len in [40 + CHUNK + 16, whole.len() - 1, 40 + CHUNK, 40, 39, 0] {
            damaged(&whole[..len]);
        }
        for at in [0, 7, 8, 40, 40 + CHUNK, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            damaged(&changed);
        }
        let mut swapped = whole.clone();
        let (first, second) = swapped[40..].split_at_mut(CHUNK + 16);
        first.swap_with_slice(second);
        damaged(&swapped);
        damaged(&[&whole[..], b"x"].concat());
    }

    #[test]
    fn another_accounts_file_does_not_open() {
        let (dir, folder) = folder();
        let sealed = stage(&folder, b"Olena's photo", 100).unwrap();
        let other =
            Folder::open(SystemDisk::port(), dir.path().join("files"), &Key::random(&SystemRng)).unwrap();
        assert_eq!(other.read(&sealed.name).err(), Some(FileError::Damaged));
        assert!(folder.read(&sealed.name).is_ok());
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_refused() {
        let (dir, folder) = folder();
        let limit = CHUNK as u64 + 5;
        assert_eq!(stage(&folder, &bytes(CHUNK + 5), limit).unwrap().size, limit);
        let refused = stage(&folder, &bytes(CHUNK + 6), limit).unwrap_err();
        assert_eq!(refused, FileError::TooLarge { size: None, limit });
        // Known before: not a byte is read.
        struct Untouched;
        impl Read for Untouched {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("the size was known to be too large");
            }
        }
        let refused = folder.stage(&mut Untouched, Some(limit + 1), limit, &SystemRng).unwrap_err();
        assert_eq!(refused, FileError::TooLarge { size: Some(limit + 1), limit });
        assert_eq!(
            std::fs::read_dir(dir.path().join("files")).unwrap().count(),
            1,
            "what is refused leaves nothing"
        );
    }

    #[test]
    fn a_download_that_was_cut_goes_on_where_it_stood() {
        let (dir, folder) = folder();
        let plain = bytes(4 * CHUNK + 100);
        let (name, mut writer) = folder.create(&SystemRng).unwrap();
        writer.write(&plain[..3 * CHUNK + 50]).unwrap();
        drop(writer);
        // And the process died in the middle of a write.
        let path = dir.path().join("files").join(&name);
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(40 + 2 * (CHUNK as u64 + 16) + 1000).unwrap();
        assert_eq!(folder.read(&name).err(), Some(FileError::Damaged), "not finished, so not to be opened");
        let mut writer = folder.resume(&name).unwrap();
        assert_eq!(writer.size(), 2 * CHUNK as u64);
        let from = usize::try_from(writer.size()).unwrap();
        writer.write(&plain[from..]).unwrap();
        let sealed = folder.finish(&name, writer).unwrap();
        let whole = stage(&folder, &plain, u64::MAX).unwrap();
        assert_eq!((sealed.size, &sealed.sha256), (whole.size, &whole.sha256));
        assert_eq!(folder.read(&name).unwrap().read_range(0, usize::MAX).unwrap(), plain);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let (_dir, folder) = folder();
        for name in ["../own.db", "/etc/passwd", "", ".", "a"] {
            assert_eq!(folder.read(name).err(), Some(FileError::NotFound), "{name}");
        }
    }

    #[test]
    fn a_sweep_leaves_what_may_still_be_named() {
        let (dir, folder) = folder();
        let [kept, fresh, old] = [(); 3].map(|()| stage(&folder, b"x", 10).unwrap().name);
        let past = std::time::SystemTime::now() - 2 * GRACE;
        for name in [&kept, &old] {
            let file =
                std::fs::OpenOptions::new().write(true).open(dir.path().join("files").join(name)).unwrap();
            file.set_modified(past).unwrap();
        }
        folder.sweep(|name| name == kept).unwrap();
        assert!(folder.has(&kept) && folder.has(&fresh) && !folder.has(&old));
    }
}
