//! Whether an op still shows (3-sync rule 8, as written), and how far the person has read.

use pocketdesk_protocol::rows::ReadRow;

use super::{CacheFacts, Row};
use crate::outbox::{OpState, Payload, StoredOp};

/// Whether the cache holds what `op` did, so that the op need not be shown: the active file is of its verdict's
/// epoch and holds its entity's row ([`StoredOp::target_row`]) with at least the version in `applied`; or a complete
/// page asked for after its verdict was stored has been applied to the active file.
pub fn hides(op: &StoredOp, row_v: Option<i64>, cache: CacheFacts) -> bool {
    let OpState::Applied(applied) = &op.state else { return false };
    if pocketdesk_protocol::planted::is("ack-hides") {
        return true;
    }
    let row_is_there = cache.epoch == Some(applied.epoch) && row_v.is_some_and(|v| v >= applied.v);
    row_is_there || (cache.epoch.is_some() && cache.complete_asked_at >= applied.verdict_no)
}

/// The contrary of [`hides`]: unfinished and kept ops show until the cache holds what they did.
pub fn is_shown(op: &StoredOp, row_v: Option<i64>, cache: CacheFacts) -> bool {
    !hides(op, row_v, cache)
}

/// The highest position that counts as read; -1 before any mark. Marks merge by max, an unmark sets it as given, in
/// the order of writing. A mark of another epoch says nothing about this one's positions.
pub fn read_to(read: Option<&Row<ReadRow>>, ops: &[StoredOp], cache: CacheFacts) -> i64 {
    let mut shown: Vec<_> = ops
        .iter()
        .filter(|op| !matches!(op.state, OpState::Rejected(_)) && is_shown(op, read.map(|row| row.v), cache))
        .collect();
    shown.sort_by_key(|op| op.n);
    let start = read.map_or(-1, |row| row.row.position);
    shown.into_iter().fold(start, |read, op| match op.payload() {
        Payload::ReadMark(body) if Some(body.epoch) == cache.epoch => read.max(body.position),
        Payload::ReadUnmark(body) if Some(body.epoch) == cache.epoch => body.position,
        _ => read,
    })
}
