//! Limits both sides keep. The phone refuses before it writes; the server refuses whatever the phone thought.

use serde::{Deserialize, Serialize};

/// Ops in one `POST /sync`.
pub const OPS_PER_REQUEST: usize = 500;
/// Bytes of one `POST /sync` body before compression.
pub const SYNC_REQUEST_BYTES: usize = 1 << 20;
/// Ops in one server transaction.
pub const OPS_PER_TRANSACTION: usize = 100;
/// Entities one commit may touch.
pub const ENTITIES_PER_COMMIT: usize = 200;
/// Bytes of one part of a file up to [`LARGE_FILE`].
pub const PART_SMALL: u64 = 256 << 10;
/// Bytes of one part of a file above [`LARGE_FILE`].
pub const PART_LARGE: u64 = 1 << 20;
/// Files above this size travel in [`PART_LARGE`] parts.
pub const LARGE_FILE: u64 = 64 << 20;
/// Bytes of one snapshot frame before compression.
pub const FRAME_BYTES: usize = 64 << 10;
/// Ops that may wait on one phone.
pub const OUTBOX_OPS: usize = 10_000;
/// Plain bytes of files that may wait on one phone.
pub const OUTBOX_BYTES: u64 = 2 << 30;
/// Characters of a subject.
pub const SUBJECT_CHARS: usize = 300;
/// Bytes of a file's name.
pub const FILE_NAME_BYTES: usize = 255;

/// Rows of a desk's catalogue, all kinds together.
pub const CATALOGUE_ROWS: usize = 5_000;
/// Characters of a catalogue's name or synonym.
pub const CATALOGUE_NAME_CHARS: usize = 200;
/// Synonyms of one name of the catalogue.
pub const CATALOGUE_SYNONYMS: usize = 64;

/// The size of one part of a file of `size` bytes; fixed when the upload is created.
pub const fn part_size(size: u64) -> u64 {
    if size > LARGE_FILE { PART_LARGE } else { PART_SMALL }
}

/// How many parts a file of `size` bytes has. An empty file has one empty part, so that it too is acknowledged.
pub const fn part_count(size: u64) -> u64 {
    let parts = size.div_ceil(part_size(size));
    if parts == 0 { 1 } else { parts }
}

/// Limits a desk may set; `GET /me` carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Bytes of a description, comment or reason, UTF-8.
    pub text_bytes: u64,
    /// Files of one ticket or comment.
    pub attachments: u32,
    /// Bytes of one file, inclusive.
    pub attachment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text_bytes: 64 << 10, attachments: 20, attachment_bytes: 2 << 30 }
    }
}
