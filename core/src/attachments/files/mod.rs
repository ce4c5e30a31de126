//! The bytes of files on this phone, sealed. A file is written while it is hashed and counted, is durable with its
//! directory before anybody is told of it, and lies under a random name: names people gave are never paths.
#![allow(clippy::disallowed_methods)]

mod folder;
mod sealed;

pub use folder::{Folder, Sealed};
use pocketdesk_domain::outbox::InvalidReason;
pub use sealed::{CHUNK, SealedReader, SealedWriter};

/// What can go wrong with a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Larger than allowed; nothing of it was kept.
    #[error("the file has {} bytes; at most {limit} are allowed; leave it out or send a smaller one",
            size.map_or_else(|| "more".to_owned(), |size| size.to_string()))]
    TooLarge {
        /// Bytes, where they were known before all were read.
        size: Option<u64>,
        /// Bytes, inclusive.
        limit: u64,
    },
    /// No room.
    #[error("there is no room left on this device for the file; free some and try again")]
    Full,
    /// Its bytes are not on this phone.
    #[error("the file's bytes are not on this device")]
    NotFound,
    /// It is cut, changed, or sealed for another account.
    #[error("the file's bytes on this device are damaged; fetch it again")]
    Damaged,
    /// The source could not be read; it may have been taken away.
    #[error("the file {why}")]
    Source {
        /// What happened.
        why: InvalidReason,
    },
    /// Anything else of the disk.
    #[error("the file could not be kept: {reason}")]
    Failed {
        /// For logs; names no path.
        reason: String,
    },
}

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData => Self::Damaged,
            kind => Self::Failed { reason: kind.to_string() },
        }
    }
}
