//! The folder of models. Every name in it is a digest's, so that no text from outside is ever a path:
//!
//! ```text
//! manifest          the newest manifest that was believed
//! chosen            id of the model the person took last
//! DIGEST.partial    bytes on their way     DIGEST.journal   the ETag they came with
//! DIGEST.bin        a whole model          DIGEST.manifest  the signed manifest that names it
//! ```

use std::{
    collections::BTreeSet,
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::Arc,
};

use pocketdesk_protocol::models::{CHUNK, MANIFEST_BYTES, Model, Role, is_digest, to_hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ModelError, Trusted, header};
use crate::env::disk::{Disk, DiskFile, Found, Opening};

/// A manifest in its envelope: escaped text may be twice as long.
const ENVELOPE_BYTES: u64 = 2 * MANIFEST_BYTES as u64 + 1024;

/// A whole model with the entry that was signed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    pub model: Model,
}

/// See the module.
pub(super) struct Shelf {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    keys: Vec<[u8; 32]>,
}

/// What is known of bytes on their way.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    etag: Option<String>,
}

impl Shelf {
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf, keys: Vec<[u8; 32]>) -> Self {
        Self { disk, dir, keys }
    }

    fn named(&self, sha256: &str, suffix: &str) -> PathBuf {
        debug_assert!(is_digest(sha256), "digests come from checked manifests");
        self.dir.join(format!("{sha256}.{suffix}"))
    }

    /// Where a whole model lies.
    pub fn path(&self, one: &Installed) -> PathBuf {
        self.named(&one.model.sha256, "bin")
    }

    /// The newest manifest that was believed, if it still is: after a change of keys it is not.
    pub fn manifest(&self) -> Result<Option<Trusted>, ModelError> {
        let bytes = self.disk.first_bytes(&self.dir.join("manifest"), ENVELOPE_BYTES)?;
        Ok(bytes.and_then(|bytes| Trusted::read(&bytes, &self.keys).ok()))
    }

    /// Keeps a manifest as the newest, unless it is older than the one that is.
    pub fn accept(&self, trusted: &Trusted) -> Result<(), ModelError> {
        let known = self.manifest()?;
        trusted.may_replace(known.as_ref())?;
        if known.as_ref() != Some(trusted) {
            self.disk.make_private_dir(&self.dir)?;
            self.disk.write_atomically(&self.dir.join("manifest"), &envelope(trusted))?;
        }
        Ok(())
    }

    /// All whole models whose manifest is good. Says nothing about their bytes: see [`Self::verify`].
    pub fn installed(&self) -> Result<Vec<Installed>, ModelError> {
        let mut all = Vec::new();
        for name in self.names()? {
            let Some(sha256) = name.strip_suffix(".bin").filter(|name| is_digest(name)) else { continue };
            let beside = self.disk.first_bytes(&self.named(sha256, "manifest"), ENVELOPE_BYTES)?;
            let trusted = beside.and_then(|bytes| Trusted::read(&bytes, &self.keys).ok());
            if let Some(model) = trusted.as_ref().and_then(|trusted| trusted.by_digest(sha256)) {
                all.push(Installed { model: model.clone() });
            }
        }
        // The folder has no order of its own.
        all.sort_by(|one, other| one.model.sha256.cmp(&other.model.sha256));
        Ok(all)
    }

    /// Whether every byte of a whole model is the signed one and its shape is right. If not it is removed.
    pub fn verify(&self, one: &Installed) -> Result<(), ModelError> {
        let checked = self.check(&one.model, "bin");
        if matches!(checked, Err(ModelError::WrongBytes { .. } | ModelError::Malformed { .. })) {
            self.remove(&one.model.sha256)?;
        }
        checked.map_err(|why| match why {
            ModelError::WrongBytes { reason } | ModelError::Malformed { reason } => {
                ModelError::Damaged { reason }
            }
            other => other,
        })
    }

    fn check(&self, model: &Model, suffix: &str) -> Result<(), ModelError> {
        let wrong = |reason: &str| Err(ModelError::WrongBytes { reason: reason.to_owned() });
        let mut file = self.disk.open(&self.named(&model.sha256, suffix), Opening::Read)?;
        if file.length()? != model.size {
            return wrong("its length is another");
        }
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
        }
        if to_hex(&hash.finalize()) != model.sha256 {
            return wrong("its digest is another");
        }
        header::check(model.role, file).map_err(|reason| ModelError::Malformed { reason })
    }

    /// The id the person took last.
    pub fn chosen(&self) -> Option<String> {
        let bytes = self.disk.first_bytes(&self.dir.join("chosen"), 64).ok()??;
        String::from_utf8(bytes).ok()
    }

    /// Bytes of a file on its way that lie here.
    pub fn partial_bytes(&self, sha256: &str) -> u64 {
        let file = self.disk.open(&self.named(sha256, "partial"), Opening::Read);
        file.and_then(|file| file.length()).unwrap_or(0)
    }

    /// The right to fetch: one process at a time.
    pub fn lock(&self) -> Result<Box<dyn Send + Sync>, ModelError> {
        self.disk.make_private_dir(&self.dir)?;
        self.disk.lock(&self.dir.join("fetch.lock"))?.ok_or(ModelError::Busy)
    }

    /// Goes on with a file that was begun, or begins it. What lies here is read again: chunks that are not the signed
    /// ones, and all after them, are dropped.
    pub fn begin(&self, model: &Model) -> Result<Partial, ModelError> {
        let path = self.named(&model.sha256, "partial");
        let file = match self.disk.find(&path) {
            Found::Nothing => {
                let file = self.disk.open(&path, Opening::New)?;
                self.disk.sync_dir(&self.dir)?;
                file
            }
            _ => self.disk.open(&path, Opening::Write)?,
        };
        let journal = self.disk.first_bytes(&self.named(&model.sha256, "journal"), 4096)?;
        let journal: Journal =
            journal.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let mut partial =
            Partial { file, model: model.clone(), length: 0, hash: Sha256::new(), etag: journal.etag };
        partial.recall()?;
        Ok(partial)
    }

    /// Notes the name of the bytes that are about to come.
    pub fn note(&self, sha256: &str, etag: Option<&str>) -> Result<(), ModelError> {
        let journal = Journal { etag: etag.map(str::to_owned) };
        let bytes = serde_json::to_vec(&journal).expect("a string is JSON");
        Ok(self.disk.write_atomically(&self.named(sha256, "journal"), &bytes)?)
    }

    /// The last step of a file: checked as a whole, vouched for, renamed. After a kill anywhere in here it is either on
    /// its way with all its bytes, or whole.
    pub fn finish(&self, partial: Partial, trusted: &Trusted) -> Result<(), ModelError> {
        let model = partial.model.clone();
        partial.file.sync()?;
        drop(partial);
        if let Err(why) = self.check(&model, "partial") {
            if matches!(why, ModelError::WrongBytes { .. } | ModelError::Malformed { .. }) {
                self.remove(&model.sha256)?;
            }
            return Err(why);
        }
        self.disk.write_atomically(&self.named(&model.sha256, "manifest"), &envelope(trusted))?;
        self.disk.rename(&self.named(&model.sha256, "partial"), &self.named(&model.sha256, "bin"))?;
        self.disk.sync_dir(&self.dir)?;
        Ok(self.disk.remove(&self.named(&model.sha256, "journal"))?)
    }

    /// The person uses this one from now on: all others go, but for detectors that are named.
    pub fn choose(&self, id: &str, keep: &[&Model]) -> Result<(), ModelError> {
        self.disk.write_atomically(&self.dir.join("chosen"), id.as_bytes())?;
        self.keep_only(&keep.iter().map(|model| model.sha256.as_str()).collect())
    }

    /// Removes every model, begun or whole, whose digest is not among these.
    pub fn keep_only(&self, digests: &BTreeSet<&str>) -> Result<(), ModelError> {
        for name in self.names()? {
            if let Some((sha256, _)) = name.split_once('.')
                && is_digest(sha256)
                && !digests.contains(sha256)
            {
                self.remove(sha256)?;
            }
        }
        Ok(())
    }

    /// Removes what is there of a model by its id; whether there was anything. The detector goes with the last.
    pub fn forget(&self, id: &str) -> Result<bool, ModelError> {
        let known = self.manifest()?;
        let offered = known.as_ref().and_then(|known| known.model(id)).map(|model| model.sha256.clone());
        let mut found = false;
        for one in self.installed()? {
            if one.model.id == id && one.model.role == Role::Speech {
                self.remove(&one.model.sha256)?;
                found = true;
            }
        }
        if let Some(sha256) = offered {
            found |= self.partial_bytes(&sha256) > 0;
            self.remove(&sha256)?;
        }
        if !self.installed()?.iter().any(|one| one.model.role == Role::Speech) {
            self.keep_only(&BTreeSet::new())?;
        }
        Ok(found)
    }

    /// Bytes of all models, begun or whole, but for those of these digests.
    pub fn bytes_beside(&self, digests: &BTreeSet<&str>) -> Result<u64, ModelError> {
        let mut sum = 0;
        for name in self.names()? {
            let Some((sha256, suffix)) = name.split_once('.') else { continue };
            if is_digest(sha256) && matches!(suffix, "bin" | "partial") && !digests.contains(sha256) {
                sum += self.disk.open(&self.dir.join(&name), Opening::Read)?.length()?;
            }
        }
        Ok(sum)
    }

    /// A model's files, the vouching last: without it a `.bin` is nothing.
    fn remove(&self, sha256: &str) -> Result<(), ModelError> {
        for suffix in ["bin", "partial", "journal", "manifest"] {
            self.disk.remove(&self.named(sha256, suffix))?;
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, ModelError> {
        match self.disk.names(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => Ok(other?),
        }
    }
}

fn envelope(trusted: &Trusted) -> Vec<u8> {
    serde_json::to_vec(&trusted.signed).expect("strings are JSON")
}

/// A file on its way: the good chunks, then bytes of the next that are not judged yet.
pub(super) struct Partial {
    file: Box<dyn DiskFile>,
    model: Model,
    length: u64,
    /// Of the chunk that is not whole yet.
    hash: Sha256,
    /// What the bytes came with.
    pub etag: Option<String>,
}

/// What became of bytes that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// They are kept; the file has so many now.
    Good(u64),
    /// With them a chunk was whole and not the signed one. It was dropped; the file has so many now.
    Bad(u64),
}

impl Partial {
    /// Bytes that are here.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn recall(&mut self) -> Result<(), ModelError> {
        let there = self.file.length()?.min(self.model.size);
        let mut buffer = vec![0; 1 << 20];
        self.file.seek(SeekFrom::Start(0))?;
        while self.length < there {
            let room = (self.border() - self.length).min(there - self.length).min(buffer.len() as u64);
            let part = &mut buffer[..usize::try_from(room).unwrap_or(0)];
            self.file.read_exact(part)?;
            self.hash.update(&*part);
            self.length += room;
            if self.at_border() && !self.judge() {
                break;
            }
        }
        self.file.cut(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(())
    }

    /// Takes the next bytes of the file; no more than it lacks. Good chunks are durable when this returns.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<Took, ModelError> {
        while !bytes.is_empty() {
            let room = usize::try_from(self.border() - self.length).unwrap_or(usize::MAX);
            if room == 0 {
                return Err(ModelError::WrongBytes { reason: "more came than was signed".to_owned() });
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.file.write_all(now)?;
            self.hash.update(now);
            self.length += now.len() as u64;
            bytes = later;
            if self.at_border() {
                if !self.judge() {
                    self.file.cut(self.length)?;
                    self.file.seek(SeekFrom::Start(self.length))?;
                    return Ok(Took::Bad(self.length));
                }
                self.file.sync()?;
            }
        }
        Ok(Took::Good(self.length))
    }

    /// Where the chunk ends whose bytes come next.
    fn border(&self) -> u64 {
        ((self.length / CHUNK + 1) * CHUNK).min(self.model.size)
    }

    /// Whether the last byte ended a chunk.
    fn at_border(&self) -> bool {
        self.length > 0 && (self.length == self.model.size || self.length.is_multiple_of(CHUNK))
    }

    /// Judges the chunk that ended with the last byte; a bad one is taken back.
    fn judge(&mut self) -> bool {
        let chunk = usize::try_from((self.length - 1) / CHUNK).unwrap_or(usize::MAX);
        let digest = to_hex(&std::mem::take(&mut self.hash).finalize());
        let good = self.model.chunks.get(chunk) == Some(&digest);
        if !good {
            self.length = self.model.chunk(chunk).start;
        }
        good
    }
}
