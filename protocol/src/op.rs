//! Ops as they travel. The body is the exact string written when the person pressed Send and is never encoded
//! again: an app update between writing and sending must not change a byte of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Millis,
    ids::{AttachmentId, CompanyId, EntityId, Epoch, OpId, PersonId, SiteId, TicketId},
};

/// Names of the kinds of op this build knows. A kind is a string on the wire, so that a newer app's op is
/// rejected by name and not by a parse error.
pub mod kind {
    #![allow(missing_docs)]
    pub const TICKET_CREATE: &str = "ticket.create";
    pub const TICKET_CONFIRM: &str = "ticket.confirm";
    pub const TICKET_REOPEN: &str = "ticket.reopen";
    pub const TICKET_WITHDRAW: &str = "ticket.withdraw";
    pub const COMMENT_ADD: &str = "comment.add";
    pub const ATTACHMENT_ADD: &str = "attachment.add";
    pub const RATING_SET: &str = "rating.set";
    pub const READ_MARK: &str = "read.mark";
    pub const READ_UNMARK: &str = "read.unmark";
    pub const PARTICIPANT_ADD: &str = "participant.add";
    pub const PARTICIPANT_REMOVE: &str = "participant.remove";
    pub const ENTITY_AMEND: &str = "entity.amend";
    pub const ENTITY_WITHDRAW: &str = "entity.withdraw";
}

/// One op in a `POST /sync`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WireOp {
    /// The op's own id: one op, one effect, for ever.
    pub op: OpId,
    /// What it makes or changes. For everything but comments and files that is the ticket.
    pub entity: EntityId,
    /// The nearest earlier op of its lane that still stands; computed at each sending, so not in the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<OpId>,
    /// One of [`kind`].
    pub kind: String,
    /// The body's version.
    pub v: u32,
    /// The body, JSON text of one of this module's `…Body` types.
    pub body: String,
    /// [`digest`] of this op, lower-case hex.
    pub sha256: String,
    /// The server's proof that it applied this op before, when the phone holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Monotonic ms since the op was made, where the phone knows it (no reboot since). Not in the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

/// The digest both sides compute: kind, version, entity and body, each with its length before it, so that no two
/// different ops share one input.
pub fn digest(kind: &str, v: u32, entity: EntityId, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [kind.as_bytes(), &v.to_be_bytes(), entity.0.as_bytes(), body.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file as its author describes it; the bytes travel by `/uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileRef {
    /// Made on the phone.
    pub id: AttachmentId,
    /// As the person knows it; never used as a path.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of the plain bytes, lower-case hex.
    pub sha256: String,
}

/// Body of [`kind::TICKET_CREATE`]; the entity is the new ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TicketCreateBody {
    /// One line.
    pub subject: String,
    /// The person's words.
    pub description: String,
    /// Files that belong to the description.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileRef>,
    /// Whose company it concerns; the server's choice when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Which site it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// The phone's clock when it was made; for show, orders nothing.
    pub made_at: Millis,
}

/// Body of [`kind::COMMENT_ADD`]; the entity is the new comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CommentAddBody {
    /// Where it belongs.
    pub ticket: TicketId,
    /// The person's words; may be empty when there are files.
    pub text: String,
    /// Files that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileRef>,
    /// The phone's clock.
    pub made_at: Millis,
}

/// Body of [`kind::ATTACHMENT_ADD`]; the entity is the new attachment (equal to `file.id`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AttachmentAddBody {
    /// An existing ticket.
    pub ticket: TicketId,
    /// The file.
    pub file: FileRef,
    /// The phone's clock.
    pub made_at: Millis,
}

/// Which news a request about status answers (3-sync rule 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// The event that set the status the person saw: [`crate::rows::TicketRow::status_event`] within an epoch.
    Event {
        /// The epoch the position belongs to; an event of another epoch is older than any of this one.
        epoch: Epoch,
        /// The event's position in its ticket. The create is 0.
        position: i64,
    },
    /// An earlier request of the same lane, which the person saw as already made.
    Op(OpId),
}

/// Body of [`kind::TICKET_CONFIRM`], [`kind::TICKET_REOPEN`] and [`kind::TICKET_WITHDRAW`]; the entity is the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StatusRequestBody {
    /// What the person saw when they asked.
    pub answers: Answers,
    /// Why, in the person's words; becomes a comment of the ticket in the same commit. Only reopen needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The phone's clock.
    pub made_at: Millis,
}

/// Body of [`kind::RATING_SET`]; the entity is the ticket, the key (ticket, solve round, person).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RatingSetBody {
    /// Which solving is rated: [`crate::rows::TicketRow::solve_round`] as the person saw it.
    pub round: u32,
    /// On the desk's scale, 1 is the worst.
    pub value: u32,
    /// In the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The phone's clock.
    pub made_at: Millis,
}

/// Body of [`kind::READ_MARK`] and [`kind::READ_UNMARK`]; the entity is the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReadBody {
    /// Everything up to this position counts as read. Marks merge by max; unmark sets it as given.
    pub position: i64,
    /// The epoch the position belongs to.
    pub epoch: Epoch,
}

/// Body of [`kind::PARTICIPANT_ADD`] and [`kind::PARTICIPANT_REMOVE`]; the entity is the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ParticipantBody {
    /// Whom. On adding an e-mail address is enough: a phone does not know the people of the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Whom, by address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Body of [`kind::ENTITY_AMEND`]: new words for what the desk refused; the entity is the refused ticket or comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AmendBody {
    /// The ticket whose lane it belongs to.
    pub ticket: TicketId,
    /// A ticket's new subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The new description or comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Body of [`kind::ENTITY_WITHDRAW`]: takes back what the desk refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EntityWithdrawBody {
    /// The ticket whose lane it belongs to.
    pub ticket: TicketId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_moved_from_kind_to_body_changes_the_digest() {
        let entity = EntityId(uuid::Uuid::nil());
        assert_ne!(digest("ab", 1, entity, "c"), digest("a", 1, entity, "bc"));
        assert_ne!(digest("a", 1, entity, "b"), digest("a", 2, entity, "b"));
    }

    #[test]
    fn the_digest_is_the_same_in_every_version() {
        // Pinned: a phone updated with a full outbox must still be recognised by the server it sent to before.
        assert_eq!(
            digest("comment.add", 1, EntityId(uuid::Uuid::from_u128(7)), r#"{"text":"Привіт"}"#),
            "69fcc129ee6249bb26940be01104acb7789e61b673b2fba3a6ee152ac53ac325"
        );
    }
}
