//! What a verdict means for own.db.

use pocketdesk_protocol::{
    Millis,
    ids::{Epoch, OpId},
    sync::{BlockedOn, Verdict},
};

use crate::outbox::{OwnChange, Rejected};

/// A verdict, sorted by what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Became {
    /// Final: the op is kept as applied.
    Applied(OwnChange),
    /// Final: the op needs the person.
    Rejected(OwnChange),
    /// Final: the entity was erased, so the op goes with its words, and those after it pass over it.
    Erased(OwnChange),
    /// Not now; at least so long, ms.
    Retry(u64),
    /// Waits for something.
    Blocked(BlockedOn),
}

/// Sorts a verdict of an answer of `epoch` with `server_time`. Whether the answer may be looked at is not judged
/// here: one of a lower epoch is dropped before.
pub fn became(op: OpId, verdict: &Verdict, epoch: Epoch, server_time: Millis) -> Became {
    match verdict {
        Verdict::Applied { v, number, ack, receipt, merged_into } => Became::Applied(OwnChange::Applied {
            op,
            epoch,
            v: *v,
            number: number.clone(),
            receipt: receipt.clone(),
            ack: ack.clone(),
            merged_into: *merged_into,
            seen_at: server_time,
        }),
        Verdict::Rejected { code, text_key, text, field, can_edit } => {
            let rejected = Rejected {
                epoch,
                code: code.clone(),
                text_key: text_key.clone(),
                text: text.clone(),
                field: field.clone(),
                can_edit: *can_edit,
            };
            if rejected.is_erasure() {
                Became::Erased(OwnChange::RemoveOp { op })
            } else {
                Became::Rejected(OwnChange::Rejected { op, rejected })
            }
        }
        Verdict::Retry { after_ms } => Became::Retry(*after_ms),
        Verdict::Blocked { on } => Became::Blocked(*on),
    }
}
