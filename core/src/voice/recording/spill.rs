//! A recording as it is written while somebody speaks: 16 kHz mono, s16 little-endian, sealed.
//!
//! ```text
//! "PDSPIL" 0 1      magic and version, 8 bytes
//! salt              32 random bytes; the file's key is HMAC(account's files key, "sealed recording", salt)
//! chunk 0 … n       16,000 bytes (half a second) each, the last one 0 … 16,000, each followed by its 16-byte tag
//! ```
//!
//! As in a sealed file a chunk's nonce is its number and whether it is the last. Unlike there a file without a last
//! chunk is no damage but a recording that was cut: all whole chunks are heard. A recording that was cut is never
//! written on, so no nonce meets two sounds.

use std::io::{self, Read as _, SeekFrom};

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce, Tag};

use crate::{env::disk::DiskFile, store::keys::Key};

/// Plain bytes of a chunk: half a second.
const CHUNK: usize = 16_000;
const TAG: usize = 16;
const SEALED_CHUNK: u64 = (CHUNK + TAG) as u64;
const MAGIC: &[u8; 8] = b"PDSPIL\0\x01";
const SALT: usize = 32;
const HEADER: u64 = (MAGIC.len() + SALT) as u64;

fn cipher(key: &Key, salt: &[u8]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(key.derive("sealed recording", salt).bytes().into())
}

fn nonce(number: u32, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce.into()
}

/// Writes a recording from its start to its end.
pub struct SpillWriter {
    file: Box<dyn DiskFile>,
    cipher: ChaCha20Poly1305,
    /// Plain bytes that are not sealed yet.
    pending: Vec<u8>,
    chunks: u32,
    frames: u64,
}

impl SpillWriter {
    /// Begins in an empty `file`. `salt` is random.
    pub(crate) fn begin(mut file: Box<dyn DiskFile>, key: &Key, salt: &[u8; SALT]) -> io::Result<Self> {
        file.write_all(MAGIC)?;
        file.write_all(salt)?;
        let cipher = cipher(key, salt);
        Ok(Self { file, cipher, pending: Vec::with_capacity(CHUNK + TAG), chunks: 0, frames: 0 })
    }

    /// Appends sound. Each whole half second is on the disk when this returns.
    pub fn write(&mut self, sound: &[i16]) -> io::Result<()> {
        for sample in sound {
            self.pending.extend_from_slice(&sample.to_le_bytes());
            if self.pending.len() == CHUNK {
                self.seal(false)?;
            }
        }
        self.frames += sound.len() as u64;
        Ok(())
    }

    /// Frames so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Ends it: nothing was cut.
    pub fn finish(mut self) -> io::Result<u64> {
        self.seal(true)?;
        Ok(self.frames)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce(self.chunks, last), &[], self.pending.as_mut_slice().into())
            .map_err(|_| io::Error::other("sealing failed"))?;
        self.pending.extend_from_slice(&tag);
        self.file.write_all(&self.pending)?;
        self.file.sync()?;
        self.pending.clear();
        self.chunks = self.chunks.checked_add(1).ok_or_else(|| io::Error::other("too many chunks"))?;
        Ok(())
    }
}

/// Reads a recording, whole or cut.
pub struct SpillReader {
    file: Box<dyn DiskFile>,
    cipher: ChaCha20Poly1305,
    next: u32,
    ended: bool,
}

impl SpillReader {
    /// Opens one. A file that is too short to have begun is an empty recording.
    pub(crate) fn open(mut file: Box<dyn DiskFile>, key: &Key) -> io::Result<Self> {
        let mut head = Vec::with_capacity(MAGIC.len() + SALT);
        (&mut file).take(HEADER).read_to_end(&mut head)?;
        let whole = head.len() as u64 == HEADER;
        if whole && !head.starts_with(MAGIC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let cipher = cipher(key, head.get(MAGIC.len()..).unwrap_or_default());
        Ok(Self { file, cipher, next: 0, ended: !whole })
    }

    /// Frames that are there, as far as the file's length tells.
    pub fn frames(&self) -> io::Result<u64> {
        let sealed = self.file.length()?.saturating_sub(HEADER);
        let tags = sealed.div_ceil(SEALED_CHUNK) * TAG as u64;
        Ok(sealed.saturating_sub(tags) / 2)
    }

    /// The next half second; none at the end, or where it was cut.
    pub fn sound(&mut self) -> io::Result<Option<Vec<i16>>> {
        if self.ended {
            return Ok(None);
        }
        let mut chunk = Vec::with_capacity(CHUNK + TAG);
        (&mut self.file).take(SEALED_CHUNK).read_to_end(&mut chunk)?;
        let whole = chunk.len() as u64 == SEALED_CHUNK;
        // A whole chunk may be the last one all the same: sound that ends on the half second has an empty last one,
        // so only a short chunk can be.
        let plain = if whole { self.open_chunk(&chunk, false) } else { self.open_chunk(&chunk, true) };
        self.ended = !whole || plain.is_none();
        self.next = self.next.saturating_add(1);
        let sound = plain.map(|plain| {
            let (pairs, _) = plain.as_chunks::<2>();
            pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect::<Vec<_>>()
        });
        Ok(sound.filter(|sound| !sound.is_empty()))
    }

    /// From the start again.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(HEADER))?;
        (self.next, self.ended) = (0, self.file.length()? < HEADER);
        Ok(())
    }

    fn open_chunk(&self, sealed: &[u8], last: bool) -> Option<Vec<u8>> {
        let (plain, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let mut plain = plain.to_vec();
        let tag = Tag::try_from(tag).ok()?;
        self.cipher
            .decrypt_inout_detached(&nonce(self.next, last), &[], plain.as_mut_slice().into(), &tag)
            .ok()?;
        Some(plain)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests spoil files on the real disk")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::env::{
        disk::{Opening, SystemDisk},
        system::SystemRng,
    };

    fn key() -> Key {
        Key::random(&SystemRng)
    }

    fn sound(frames: usize) -> Vec<i16> {
        (0..frames).map(|at| (at * 31 % 60_000) as i16).collect()
    }

    fn write(path: &Path, key: &Key, sound: &[i16]) -> SpillWriter {
        let disk = SystemDisk::port();
        let mut writer = SpillWriter::begin(disk.open(path, Opening::New).unwrap(), key, &[7; SALT]).unwrap();
        for part in sound.chunks(320) {
            writer.write(part).unwrap();
        }
        writer
    }

    fn read(path: &Path, key: &Key) -> Vec<i16> {
        let disk = SystemDisk::port();
        let mut reader = SpillReader::open(disk.open(path, Opening::Read).unwrap(), key).unwrap();
        let mut heard = Vec::new();
        while let Some(sound) = reader.sound().unwrap() {
            heard.extend(sound);
        }
        heard
    }

    #[test]
    fn a_recording_comes_back_sample_by_sample_whatever_its_length() {
        let dir = tempfile::tempdir().unwrap();
        let key = key();
        for frames in [0, 1, 7_999, 8_000, 8_001, 40_000] {
            let path = dir.path().join(frames.to_string());
            let spoken = sound(frames);
            assert_eq!(write(&path, &key, &spoken).finish().unwrap(), frames as u64);
            assert_eq!(read(&path, &key), spoken, "{frames} frames");
            let disk = SystemDisk::port();
            let mut reader = SpillReader::open(disk.open(&path, Opening::Read).unwrap(), &key).unwrap();
            assert_eq!(reader.frames().unwrap(), frames as u64);
            reader.sound().unwrap();
            reader.rewind().unwrap();
            assert_eq!(reader.sound().unwrap().unwrap_or_default(), spoken[..frames.min(8_000)]);
        }
    }

    #[test]
    fn a_recording_that_is_cut_at_any_byte_loses_less_than_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let key = key();
        let path = dir.path().join("spill");
        let spoken = sound(30_000);
        // Dropped without an end, as by a kill.
        drop(write(&path, &key, &spoken));
        let whole = std::fs::read(&path).unwrap();
        let heard = read(&path, &key);
        assert!(spoken.starts_with(&heard) && spoken.len() - heard.len() < 8_000, "{}", heard.len());
        for cut in [0, 7, 39, 40, 41, 100, 16_055, 16_056, 16_057, 20_000, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let heard = read(&path, &key);
            assert!(spoken.starts_with(&heard), "{cut}");
            let there = cut.saturating_sub(40) / SEALED_CHUNK as usize * 8_000;
            assert_eq!(heard.len(), there, "{cut}");
        }
    }

    #[test]
    fn another_accounts_recording_is_not_heard_and_a_changed_one_only_up_to_the_change() {
        let dir = tempfile::tempdir().unwrap();
        let one = key();
        let path = dir.path().join("spill");
        let spoken = sound(20_000);
        write(&path, &one, &spoken).finish().unwrap();
        assert_eq!(read(&path, &key()), Vec::<i16>::new());
        let mut changed = std::fs::read(&path).unwrap();
        let plain: Vec<u8> = spoken.iter().take(100).flat_map(|sample| sample.to_le_bytes()).collect();
        assert!(!changed.windows(plain.len()).any(|bytes| bytes == plain), "sound lies there in the clear");
        changed[40 + SEALED_CHUNK as usize + 5] ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert_eq!(read(&path, &one), spoken[..8_000]);
    }
}
