//! Rows as the desk shows them to one requester. Internal notes have no row: they touch no requester's scope.

use serde::{Deserialize, Serialize};

use crate::{
    Millis,
    ids::{CommentId, CompanyId, PersonId, SiteId, TicketId},
};

/// Fields this build does not know, kept so that they survive a round trip.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// Names of the kinds of row this build knows.
pub mod kind {
    #![allow(missing_docs)]
    pub const TICKET: &str = "ticket";
    pub const COMMENT: &str = "comment";
    pub const ATTACHMENT: &str = "attachment";
    pub const EVENT: &str = "event";
    /// The session's person's own read mark; id = the ticket's.
    pub const READ: &str = "read";
    /// The session's person's own rating of the latest rated solve round; id = the ticket's.
    pub const RATING: &str = "rating";
    /// A word of the desk's catalogue; seen by everybody.
    pub const CATALOGUE: &str = "catalogue";
}

/// Where a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has taken it yet.
    New,
    /// Staff work on it.
    Open,
    /// Staff asked the requester something.
    WaitsForRequester,
    /// Staff say it is done; the requester may confirm or reopen.
    Solved,
    /// Done for good; past the reopen window only a follow-up is possible.
    Closed,
}

impl Status {
    /// The name on the wire and in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitsForRequester => "waits_for_requester",
            Self::Solved => "solved",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::New, Self::Open, Self::WaitsForRequester, Self::Solved, Self::Closed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                format!("{text:?} is no status; one of new, open, waits_for_requester, solved, closed")
            })
    }
}

/// Whether the help desk behind the server has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeskState {
    /// Taken by the server, not yet by the desk.
    Pending,
    /// The desk has it.
    Registered {
        /// The desk's number of a ticket; replies and files have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
    },
    /// The desk refused it after the server took it.
    Refused {
        /// A machine's name of the reason.
        code: String,
        /// Key of a sentence in `texts`; an old app lacks new keys, so `words` may come too.
        text_key: String,
        /// The desk's own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
        /// Whether new words may help (`entity.amend`).
        can_edit: bool,
    },
}

/// On whose side a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A client of the desk.
    Requester,
    /// The desk's own people.
    Staff,
    /// The desk itself (automatic).
    System,
}

/// A person as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PersonRef {
    /// Absent for staff and the system: a phone needs only their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PersonId>,
    /// As shown.
    pub name: String,
    /// Whose side.
    pub side: Side,
}

/// A company or site as a requester sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Named<Id> {
    /// Its id.
    pub id: Id,
    /// As shown.
    pub name: String,
}

/// By when, and how that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Deadline {
    /// The promise in force.
    pub at: Millis,
    /// The promise before it, if it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Millis>,
    /// Why it moved, in the desk's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Kind [`kind::TICKET`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TicketRow {
    /// One line.
    pub subject: String,
    /// The requester's words.
    pub description: String,
    /// Where it is.
    pub status: Status,
    /// Position of the event that set the status; what a status request answers. The create is 0.
    pub status_event: i64,
    /// How many times it was solved; 0 before the first.
    pub solve_round: u32,
    /// Whether the desk has it.
    pub desk: DeskState,
    /// Who filed it.
    pub author: PersonRef,
    /// Who else follows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<PersonRef>,
    /// Whose company it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Named<CompanyId>>,
    /// Which site it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Named<SiteId>>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// The solve round for which the desk asked to be rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating_asked: Option<u32>,
    /// Best mark of the desk's scale.
    pub rating_max: u32,
    /// Until when it may be reopened, while solved or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopen_until: Option<Millis>,
    /// The ticket that goes on instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<TicketId>,
    /// Highest position given to an event or comment of this ticket.
    pub last_position: i64,
    /// When the server took it.
    pub created_at: Millis,
    /// When it last moved for a requester; the inbox's order within a group.
    pub updated_at: Millis,
    /// What this build does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub extra: Extra,
}

/// Kind [`kind::COMMENT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CommentRow {
    /// Where it belongs.
    pub ticket: TicketId,
    /// Its place in the ticket, shared with events.
    pub position: i64,
    /// Whose words.
    pub author: PersonRef,
    /// Plain text.
    pub text: String,
    /// Whether the desk has it.
    pub desk: DeskState,
    /// When the server took it.
    pub created_at: Millis,
    /// What this build does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub extra: Extra,
}

/// How much of a file the server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Its bytes are still on their way.
    Pending,
    /// Whole.
    Complete,
    /// Not whole after 14 days; a later completion still makes it whole.
    Missing,
}

/// Kind [`kind::ATTACHMENT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AttachmentRow {
    /// Where it belongs.
    pub ticket: TicketId,
    /// The comment it came with; none when it came with the ticket or by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentId>,
    /// As its author named it; never a path.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of the plain bytes, lower-case hex.
    pub sha256: String,
    /// How much the server holds.
    pub state: FileState,
    /// What the server sniffed, once whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Who gave it.
    pub author: PersonRef,
    /// When the server took its name.
    pub created_at: Millis,
    /// What this build does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub extra: Extra,
}

/// What happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum EventData {
    /// It was filed; always position 0.
    Created,
    /// Its status moved.
    Status {
        /// From.
        from: Status,
        /// To.
        to: Status,
    },
    /// Somebody took it, or it was given back.
    Assignee {
        /// Who has it now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A promise was made, moved or taken back.
    Deadline {
        /// The promise before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Millis>,
        /// The promise now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Millis>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The desk asks for a rating.
    RatingAsked {
        /// Of which solving.
        round: u32,
    },
    /// A requester rated.
    Rated {
        /// Which solving.
        round: u32,
        /// On the desk's scale.
        value: u32,
        /// In their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// Somebody follows it now.
    ParticipantAdded {
        /// Who.
        name: String,
    },
    /// Somebody no longer follows it.
    ParticipantRemoved {
        /// Who.
        name: String,
    },
    /// Another ticket goes on instead.
    Merged {
        /// Which.
        into: TicketId,
    },
    /// Something this build does not know.
    #[serde(other)]
    Unknown,
}

/// Kind [`kind::EVENT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventRow {
    /// Where it happened.
    pub ticket: TicketId,
    /// Its place in the ticket, shared with comments.
    pub position: i64,
    /// Who did it.
    pub by: PersonRef,
    /// When the server took it.
    pub at: Millis,
    /// What happened.
    #[serde(flatten)]
    pub data: EventData,
}

/// Kind [`kind::READ`]: the session's person's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReadRow {
    /// Everything up to this position is read.
    pub position: i64,
}

/// Kind [`kind::RATING`]: the session's person's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RatingRow {
    /// Which solving.
    pub round: u32,
    /// On the desk's scale, 1 is the worst.
    pub value: u32,
    /// In the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When the server took it.
    pub at: Millis,
}

/// What a word of the catalogue is a word for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CatalogueKind {
    /// A sort of request.
    Type,
    /// What is asked about: a service or a piece of equipment.
    Service,
    /// A place.
    Site,
    /// How soon.
    Urgency,
    /// Something this build does not know.
    #[serde(other)]
    Unknown,
}

impl CatalogueKind {
    /// Those this build knows, in the order of a draft.
    pub const ALL: [Self; 4] = [Self::Type, Self::Service, Self::Site, Self::Urgency];

    /// The name on the wire and in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Service => "service",
            Self::Site => "site",
            Self::Urgency => "urgency",
            Self::Unknown => "unknown",
        }
    }
}

/// Kind [`kind::CATALOGUE`]: a name the desk knows and what people call it, in the desk's scope. Phones only read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CatalogueRow {
    /// What it is a word for.
    pub kind: CatalogueKind,
    /// As shown.
    pub name: String,
    /// What else people say for it, in any language and any form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// Its place among those of its kind, from 0.
    pub place: u32,
    /// What this build does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub extra: Extra,
}
