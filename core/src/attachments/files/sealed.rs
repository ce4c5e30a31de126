//! The format of a sealed file: STREAM over ChaCha20-Poly1305.
//!
//! ```text
//! "PDFILE" 0 1      magic and version, 8 bytes
//! salt              32 random bytes; the file's key is HMAC(account's files key, "sealed file", salt)
//! chunk 0 … n       64 KiB each (the last one 0 … 64 KiB), each followed by its 16-byte tag
//! ```
//!
//! A chunk's nonce is its number (u32, big-endian, after 7 zero bytes: the key is the file's own) and a byte that
//! is 1 for the last chunk alone. So chunks cannot be moved, and a file that was cut has no last chunk. Chunks are
//! independent: any range can be read without what is before it.

use std::io::{self, Read, SeekFrom};

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce, Tag};
use sha2::{Digest, Sha256};

use super::FileError;
use crate::{env::disk::DiskFile, store::keys::Key};

/// Plain bytes of a chunk.
pub const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const SEALED_CHUNK: u64 = (CHUNK + TAG) as u64;
const MAGIC: &[u8; 8] = b"PDFILE\0\x01";
const SALT: usize = 32;
const HEADER: u64 = (MAGIC.len() + SALT) as u64;

fn cipher(key: &Key, salt: &[u8]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(key.derive("sealed file", salt).bytes().into())
}

fn nonce(number: u32, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce.into()
}

fn chunk_number(number: u64) -> Result<u32, FileError> {
    u32::try_from(number).map_err(|_| FileError::Failed { reason: "the file has too many chunks".into() })
}

/// Writes a sealed file from its start to its end.
pub struct SealedWriter {
    file: Box<dyn DiskFile>,
    cipher: ChaCha20Poly1305,
    /// Plain bytes that are not sealed yet. A full one waits for the next byte: only then it is not the last.
    pending: Vec<u8>,
    sealed_chunks: u64,
    hash: Sha256,
    size: u64,
}

impl SealedWriter {
    /// Begins a file in an empty `file`. `salt` is random.
    pub(super) fn begin(
        mut file: Box<dyn DiskFile>,
        key: &Key,
        salt: &[u8; SALT],
    ) -> Result<Self, FileError> {
        file.write_all(MAGIC)?;
        file.write_all(salt)?;
        let cipher = cipher(key, salt);
        let pending = Vec::with_capacity(CHUNK + TAG);
        Ok(Self { file, cipher, pending, sealed_chunks: 0, hash: Sha256::new(), size: 0 })
    }

    /// Goes on with a file that was not finished: whole chunks count, what is after them is written again. The
    /// caller appends the same bytes as before from [`Self::size`] on; files of the desk never change, so no
    /// nonce meets two texts.
    pub(super) fn resume(mut file: Box<dyn DiskFile>, key: &Key) -> Result<Self, FileError> {
        let salt = read_header(file.as_mut())?;
        let cipher = cipher(key, &salt);
        let (mut hash, mut sealed_chunks) = (Sha256::new(), 0);
        let mut chunk = Vec::new();
        loop {
            chunk.clear();
            let read = (&mut file).take(SEALED_CHUNK).read_to_end(&mut chunk)?;
            if read as u64 != SEALED_CHUNK {
                break;
            }
            if open_chunk(&cipher, chunk_number(sealed_chunks)?, false, &mut chunk).is_err() {
                break;
            }
            hash.update(&chunk);
            sealed_chunks += 1;
        }
        file.cut(HEADER + sealed_chunks * SEALED_CHUNK)?;
        file.seek(SeekFrom::End(0))?;
        let size = sealed_chunks * CHUNK as u64;
        Ok(Self { file, cipher, pending: Vec::with_capacity(CHUNK + TAG), sealed_chunks, hash, size })
    }

    /// Plain bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends plain bytes.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), FileError> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.pending.len() == CHUNK {
                self.seal(false)?;
            }
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    fn seal(&mut self, last: bool) -> Result<(), FileError> {
        let nonce = nonce(chunk_number(self.sealed_chunks)?, last);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce, &[], self.pending.as_mut_slice().into())
            .map_err(|_| FileError::Failed { reason: "sealing failed".into() })?;
        self.pending.extend_from_slice(&tag);
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        self.sealed_chunks += 1;
        Ok(())
    }

    /// Seals the last chunk and makes the bytes durable; the directory is the caller's. Answers size and digest.
    pub(super) fn finish(mut self) -> Result<(u64, String), FileError> {
        self.seal(true)?;
        if !pocketdesk_protocol::planted::is("file-not-synced") {
            self.file.sync()?;
        }
        let digest = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((self.size, digest))
    }
}

fn read_header(file: &mut dyn DiskFile) -> Result<[u8; SALT], FileError> {
    let mut magic = [0; MAGIC.len()];
    let mut salt = [0; SALT];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic)?;
    file.read_exact(&mut salt)?;
    if &magic == MAGIC { Ok(salt) } else { Err(FileError::Damaged) }
}

/// Opens a chunk in place; its tag is cut off.
fn open_chunk(
    cipher: &ChaCha20Poly1305,
    number: u32,
    last: bool,
    chunk: &mut Vec<u8>,
) -> Result<(), FileError> {
    let plain = chunk.len().checked_sub(TAG).ok_or(FileError::Damaged)?;
    let tag = Tag::try_from(&chunk[plain..]).map_err(|_| FileError::Damaged)?;
    chunk.truncate(plain);
    cipher
        .decrypt_inout_detached(&nonce(number, last), &[], chunk.as_mut_slice().into(), &tag)
        .map_err(|_| FileError::Damaged)
}

/// Reads a sealed file, whole or by ranges. Opening it proves that it has its last chunk.
pub struct SealedReader {
    file: Box<dyn DiskFile>,
    cipher: ChaCha20Poly1305,
    chunks: u64,
    size: u64,
    position: u64,
    /// The chunk that was read last: reading on within it costs nothing.
    held: Option<(u64, Vec<u8>)>,
}

impl SealedReader {
    pub(super) fn open(mut file: Box<dyn DiskFile>, key: &Key) -> Result<Self, FileError> {
        let salt = read_header(file.as_mut())?;
        let sealed = file.length()?.checked_sub(HEADER).ok_or(FileError::Damaged)?;
        let chunks = sealed.div_ceil(SEALED_CHUNK);
        let size = sealed.checked_sub(chunks * TAG as u64).ok_or(FileError::Damaged)?;
        if chunks == 0 {
            return Err(FileError::Damaged);
        }
        let mut reader = Self { file, cipher: cipher(key, &salt), chunks, size, position: 0, held: None };
        reader.hold(chunks - 1)?;
        Ok(reader)
    }

    /// Plain bytes in all.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn hold(&mut self, number: u64) -> Result<&[u8], FileError> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
            self.held = None;
            let mut chunk = Vec::with_capacity(CHUNK + TAG);
            self.file.seek(SeekFrom::Start(HEADER + number * SEALED_CHUNK))?;
            (&mut self.file).take(SEALED_CHUNK).read_to_end(&mut chunk)?;
            open_chunk(&self.cipher, chunk_number(number)?, number + 1 == self.chunks, &mut chunk)?;
            self.held = Some((number, chunk));
        }
        Ok(self.held.as_ref().map_or(&[], |(_, chunk)| chunk.as_slice()))
    }

    /// Plain bytes from `offset`, at most `len`; fewer only at the end.
    pub fn read_range(&mut self, offset: u64, len: usize) -> Result<Vec<u8>, FileError> {
        let end = offset.saturating_add(len as u64).min(self.size);
        let mut bytes = Vec::with_capacity(usize::try_from(end.saturating_sub(offset)).unwrap_or(0));
        let mut at = offset;
        while at < end {
            let from = usize::try_from(at % CHUNK as u64).expect("less than a chunk");
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
            let chunk = self.hold(at / CHUNK as u64)?;
            let part = chunk.get(from..chunk.len().min(from.saturating_add(wanted))).unwrap_or_default();
            if part.is_empty() {
                return Err(FileError::Damaged);
            }
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        Ok(bytes)
    }
}

impl Read for SealedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.read_range(self.position, into.len().min(CHUNK)).map_err(|error| {
            let kind =
                if error == FileError::Damaged { io::ErrorKind::InvalidData } else { io::ErrorKind::Other };
            io::Error::new(kind, error)
        })?;
        into[..bytes.len()].copy_from_slice(&bytes);
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }
}
