//! The one vocabulary in which own.db's ops change. Whoever decides (builders, plans, the sync machine) hands a
//! list of these to the store, which carries out the list in one transaction, in order.

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, EntityId, Epoch, OpId, TicketId},
    op::FileRef,
    sync::{Ack, BlockedOn},
};

use super::{Rejected, StoredOp, Wake, Wish};
use crate::model::RetryReason;

/// Words that go back to being a draft.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDraft {
    /// Its id. A ticket's draft becomes the ticket with this id, a reply's the comment.
    pub id: EntityId,
    /// The ticket it replies to (which may itself be a draft); none for a new ticket.
    pub ticket: Option<TicketId>,
    /// One line (new tickets).
    pub subject: String,
    /// The words.
    pub text: String,
    /// Files; their bytes stay, because the draft names them.
    pub attachments: Vec<FileRef>,
    /// ms since the epoch by the phone's clock.
    pub updated_at: Millis,
}

impl std::fmt::Debug for NewDraft {
    /// All but the words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewDraft").field("id", &self.id).field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

/// One change of own.db. Naming an op that is no longer there is no error: nothing happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnChange {
    /// Adds an op at the end: the store gives `n`, one more than any it ever gave.
    AddOp(Box<StoredOp>),
    /// Removes `old` and puts `new` at its `n`.
    ReplaceOp {
        /// The rejected (or not yet sent) op.
        old: OpId,
        /// What takes its place; its `n` is `old`'s.
        new: Box<StoredOp>,
    },
    /// Removes an op. Bytes that no op or draft names any more may go.
    RemoveOp {
        /// Which.
        op: OpId,
    },
    /// Makes a draft; one of the same id is replaced.
    AddDraft(NewDraft),
    /// `starts` + 1 for each; durable before the first byte of the request goes out.
    CountStarts {
        /// Which.
        ops: Vec<OpId>,
    },
    /// The server applied it. The store adds one to the counter of verdicts and keeps the new value with the op;
    /// clears `blocked`, `last_failure`, `alone_failures`.
    Applied {
        /// Which.
        op: OpId,
        /// The answer's epoch.
        epoch: Epoch,
        /// Version of the row it made or changed.
        v: i64,
        /// The desk's number.
        number: Option<String>,
        /// Proof for a restored server.
        receipt: String,
        /// Its commits.
        ack: Vec<Ack>,
        /// The ticket that goes on instead.
        merged_into: Option<TicketId>,
        /// Server time of the answer.
        seen_at: Millis,
    },
    /// The server rejected it. Counts as a verdict too; clears `blocked`, `last_failure`, `alone_failures`.
    Rejected {
        /// Which.
        op: OpId,
        /// How.
        rejected: Rejected,
    },
    /// The answer of the moment.
    Blocked {
        /// Which.
        op: OpId,
        /// On what; none clears it.
        on: Option<BlockedOn>,
    },
    /// The last try failed (`Some`) or did not (`None`).
    Failure {
        /// Which.
        ops: Vec<OpId>,
        /// Why.
        why: Option<RetryReason>,
    },
    /// Failures alone while others succeeded, so far.
    AloneFailures {
        /// Which.
        op: OpId,
        /// How many.
        count: u32,
    },
    /// When it is tried next.
    SetWake {
        /// Which.
        ops: Vec<OpId>,
        /// When.
        wake: Wake,
    },
    /// Remembers (or forgets) what the person wanted while an answer is out.
    SetWish {
        /// Which.
        op: OpId,
        /// What.
        wish: Option<Wish>,
    },
    /// The epoch the phone knows from now on. Every applied op whose verdict is of another epoch is live again in
    /// the same statement, with `starts` as they are, its receipt kept, due at once (rule 9).
    EpochIs {
        /// Which; never lower than the one known before.
        epoch: Epoch,
        /// The phone's clock, for the wake-ups.
        now: Millis,
    },
    /// Every applied op is live again, whatever its epoch: after a reset for `tag` or `ahead`.
    SaveKeptAgain {
        /// The phone's clock, for the wake-ups.
        now: Millis,
    },
    /// Kept ops whose window has passed go: applied in this epoch, `seen_at` ≤ `until`, `verdict_no` ≤ `hidden_to`.
    DropKept {
        /// The answer's epoch.
        epoch: Epoch,
        /// Server time of the answer less the restore window.
        until: Millis,
        /// A complete page asked for at this count of verdicts is in the active file: what came later may still
        /// have to be shown by its op.
        hidden_to: i64,
    },
    /// The person's words about this entity go from everywhere on the phone: ops on it (kept ones too), when it is
    /// a ticket all ops and drafts of it, ledger texts, files they name. secure-delete.
    Purge {
        /// The erased ticket, comment or attachment.
        entity: EntityId,
    },
    /// The bytes of this file are not sent (any more); others will see it as missing.
    StopUpload {
        /// Which.
        file: AttachmentId,
    },
}
