//! Files of tickets and comments: sealed on this phone ([`files`]), and on their way to and from the desk.
//!
//! [`staging`] takes a file in, [`uploads`] carries it to the desk part by part beside everything else,
//! [`downloads`] fetches what others attached, [`plain`] hands plain bytes to a shell that asked for them.

pub mod downloads;
pub mod files;
pub(crate) mod plain;
pub mod staging;
pub mod uploads;

use pocketdesk_domain::outbox::overlay::FileFacts;
use pocketdesk_protocol::limits::{part_count, part_size};

use crate::store::LocalFile;

/// How long bytes taken in are kept for words that do not name them yet, ms: whoever picked them may still be writing.
pub(crate) const UNNAMED_KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// Bytes of a file that the server is known to hold.
pub(crate) fn sent_bytes(file: &LocalFile) -> u64 {
    let whole = file.file.size;
    if file.complete_at.is_some() {
        return whole;
    }
    let size = part_size(whole);
    let held = (0..part_count(whole)).filter(|part| file.has_part(*part));
    held.map(|part| size.min(whole.saturating_sub(part * size))).sum()
}

/// What own.db knows of a file's bytes; what is under way is added by whoever moves them.
pub(crate) fn facts(file: &LocalFile, on_phone: bool) -> FileFacts {
    FileFacts {
        on_phone,
        sent: sent_bytes(file),
        complete_at: file.complete_at,
        sending: false,
        stopped: file.stopped,
        retrying: None,
    }
}
