//! What a shell draws. Every record is complete by itself: a shell asks nothing more to draw it.

use super::{Delivery, SpokenView};

/// Where a ticket is; the same names as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum TicketStatus {
    /// Nobody has taken it yet.
    New,
    /// Staff work on it.
    Open,
    /// Staff asked the requester something.
    WaitsForRequester,
    /// Staff say it is done.
    Solved,
    /// Done for good.
    Closed,
}

impl From<pocketdesk_protocol::rows::Status> for TicketStatus {
    fn from(status: pocketdesk_protocol::rows::Status) -> Self {
        use pocketdesk_protocol::rows::Status;
        match status {
            Status::New => Self::New,
            Status::Open => Self::Open,
            Status::WaitsForRequester => Self::WaitsForRequester,
            Status::Solved => Self::Solved,
            Status::Closed => Self::Closed,
        }
    }
}

impl TicketStatus {
    /// The name on the machine side and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitsForRequester => "waits_for_requester",
            Self::Solved => "solved",
            Self::Closed => "closed",
        }
    }
}

/// Which ticket of which account. The unbound directory, before the first sign-in, is an account too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TicketKey {
    /// The account's name on this phone (its directory).
    pub account: String,
    /// The ticket's id.
    pub id: String,
}

/// One row of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TicketSummary {
    /// Which.
    pub key: TicketKey,
    /// The desk's number, once registered.
    pub number: Option<String>,
    /// One line. Empty while a restored server does not hold the ticket and another phone, which filed it, has yet to
    /// bring it back: then this phone's own words stand alone.
    pub subject: String,
    /// Where it is, by the desk's word; what the person asked for meanwhile stands in [`TicketView::requests`].
    pub status: TicketStatus,
    /// Comments and events of others past the read mark.
    pub unread: u32,
    /// Of the ticket itself; none when somebody else filed it.
    pub delivery: Option<Delivery>,
    /// The most pressing delivery of the person's other ops on it that are not final yet.
    pub pending: Option<Delivery>,
    /// Who filed it, when that is not the person.
    pub author: Option<String>,
    /// The promise in force, ms since the epoch.
    pub deadline: Option<i64>,
    /// When it last moved, ms since the epoch.
    pub updated_at: i64,
}

/// A page of the inbox, in order: needs the person, open (unsent first, then nearest promise), solved and closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TicketPage {
    /// At most the asked-for number.
    pub tickets: Vec<TicketSummary>,
    /// How many there are in all.
    pub total: u64,
    /// Whether the first sync is still bringing rows.
    pub loading: bool,
}

/// A file as a shell shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AttachmentView {
    /// Its id.
    pub id: String,
    /// As its author named it; show it, never use it as a path.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex SHA-256 of the plain bytes.
    pub sha256: String,
    /// Whether its bytes can be opened now with no connection.
    pub on_phone: bool,
    /// What others see of it.
    pub state: FileState,
    /// Of the bytes; none for files of others.
    pub delivery: Option<Delivery>,
}

/// How much of a file others can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum FileState {
    /// Its bytes are still on their way.
    Pending,
    /// Whole.
    Complete,
    /// Not whole after 14 days.
    Missing,
}

/// Whose words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PersonView {
    /// As shown.
    pub name: String,
    /// The person who holds this phone.
    pub me: bool,
    /// One of the desk's people (or the desk itself).
    pub staff: bool,
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct CommentView {
    /// Its id.
    pub id: String,
    /// Whose words.
    pub author: PersonView,
    /// Plain text.
    pub text: String,
    /// Its files.
    pub attachments: Vec<AttachmentView>,
    /// When, ms since the epoch (the phone's clock until the server has it).
    pub at: i64,
    /// Its place in the ticket; none until the server gave it one.
    pub position: Option<i64>,
    /// None for words of others.
    pub delivery: Option<Delivery>,
}

/// Something that happened to a ticket, for its history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct EventView {
    /// Who did it.
    pub by: PersonView,
    /// When, ms since the epoch.
    pub at: i64,
    /// Its place in the ticket.
    pub position: i64,
    /// What.
    pub what: EventWhat,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum EventWhat {
    /// It was filed.
    Created,
    /// Its status moved.
    Status {
        /// From.
        from: TicketStatus,
        /// To.
        to: TicketStatus,
    },
    /// Somebody has it now (or nobody).
    Assignee {
        /// Who.
        name: Option<String>,
    },
    /// A promise was made, moved or taken back.
    Deadline {
        /// Before, ms since the epoch.
        from: Option<i64>,
        /// Now, ms since the epoch.
        to: Option<i64>,
        /// Why.
        reason: Option<String>,
    },
    /// The desk asks for a rating.
    RatingAsked,
    /// Somebody rated.
    Rated {
        /// On the desk's scale.
        value: u32,
        /// In their words.
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
        into: String,
    },
    /// Something this build does not know.
    Other,
}

/// A promise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DeadlineView {
    /// The promise in force, ms since the epoch.
    pub at: i64,
    /// The one before it, if it moved.
    pub moved_from: Option<i64>,
    /// Why it moved.
    pub reason: Option<String>,
}

/// The person's own mark.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RatingView {
    /// On the desk's scale.
    pub value: u32,
    /// In the person's words.
    pub comment: Option<String>,
    /// Where it is.
    pub delivery: Delivery,
}

/// A request about a ticket's status that the person made and the desk has not answered, or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RequestView {
    /// The op, for remedies.
    pub op: String,
    /// Its kind: ticket.confirm, ticket.reopen, ticket.withdraw, participant.add, participant.remove.
    pub kind: String,
    /// Where it is.
    pub delivery: Delivery,
}

/// A ticket as its screen shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TicketView {
    /// The inbox's row of it.
    pub summary: TicketSummary,
    /// The requester's words.
    pub description: String,
    /// Files of the description, and files added to the ticket by themselves.
    pub attachments: Vec<AttachmentView>,
    /// Who has it.
    pub assignee: Option<String>,
    /// The promise in force.
    pub deadline: Option<DeadlineView>,
    /// Names of those who follow it.
    pub participants: Vec<String>,
    /// Whose company it concerns.
    pub company: Option<String>,
    /// Which site it concerns.
    pub site: Option<String>,
    /// In order of position, the person's unsent words last.
    pub comments: Vec<CommentView>,
    /// In order of position.
    pub events: Vec<EventView>,
    /// The person's requests that are not settled.
    pub requests: Vec<RequestView>,
    /// The person's own mark of the present solve round.
    pub rating: Option<RatingView>,
    /// Best mark of the desk's scale.
    pub rating_max: u32,
    /// Whether the desk asks for a mark that was not given yet.
    pub rating_asked: bool,
    /// Whether "solved" / "not solved" can be said now.
    pub can_confirm: bool,
    /// Whether it can be reopened now.
    pub can_reopen: bool,
    /// Until when, ms since the epoch.
    pub reopen_until: Option<i64>,
    /// Whether the person can take it back.
    pub can_withdraw: bool,
    /// When the server (until then: the phone) took it, ms since the epoch.
    pub created_at: i64,
}

/// One live op in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutboxItem {
    /// Account.
    pub account: String,
    /// The op.
    pub op: String,
    /// Its kind.
    pub kind: String,
    /// The ticket it concerns.
    pub ticket: Option<String>,
    /// The ticket's subject, to recognise it.
    pub subject: String,
    /// The person's words in it, to recognise and to copy.
    pub text: String,
    /// Where it is.
    pub delivery: Delivery,
    /// Sends begun.
    pub attempts: u32,
    /// When the next is due, ms since the epoch by the phone's clock.
    pub next_attempt: Option<i64>,
    /// Its files.
    pub attachments: Vec<AttachmentView>,
}

/// Words not sent yet.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DraftView {
    /// Account.
    pub account: String,
    /// Its id; a ticket's draft becomes the ticket with this id.
    pub id: String,
    /// The ticket it replies to; none for a new one.
    pub ticket: Option<String>,
    /// One line (new tickets).
    pub subject: String,
    /// The words.
    pub text: String,
    /// Its files, durable already.
    pub attachments: Vec<AttachmentView>,
    /// When it was last changed, ms since the epoch by the phone's clock.
    pub updated_at: i64,
    /// What a dictation added to it; none for words that were typed.
    pub spoken: Option<SpokenView>,
}

/// Where an account stands with its desk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum SyncState {
    /// Nothing to do; everything known is here.
    Idle,
    /// Requests are under way.
    Running,
    /// The network is off by the person's wish or the platform's word.
    Offline,
    /// The last try failed; the next is set.
    Waiting {
        /// When, ms since the epoch by the phone's clock.
        next: i64,
    },
    /// Nothing goes until the person does something.
    Paused {
        /// What.
        why: PausedReason,
    },
}

/// Why an account is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PausedReason {
    /// Never signed in.
    NotSignedIn,
    /// The session was ended; what is unsent is safe.
    SignedOut,
    /// The desk no longer speaks this app's version, or a newer one wrote the account's files.
    AppTooOld,
    /// The account's files could not be opened whole; they are kept and can be exported.
    Damaged,
}

/// An account and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AccountView {
    /// Its name on this phone (its directory).
    pub account: String,
    /// The desk's name; empty before the first sign-in.
    pub desk: String,
    /// The server's address; empty before the first sign-in.
    pub server: String,
    /// The person's name; empty before the first sign-in.
    pub person: String,
    /// Their address.
    pub email: String,
    /// Where it stands.
    pub sync: SyncState,
    /// Ops that are not final.
    pub unsent: u32,
    /// Ops and rows that need the person.
    pub attention: u32,
    /// Drafts.
    pub drafts: u32,
    /// Unread tickets.
    pub unread: u32,
    /// When everything was last known to be here, ms since the epoch by the phone's clock.
    pub synced_at: Option<i64>,
}

/// What one sync did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SyncReport {
    /// Ops that got a final verdict.
    pub pushed: u32,
    /// Rows that came.
    pub pulled: u32,
    /// Ops still on this phone that wait by themselves.
    pub waiting: u32,
    /// What needs the person.
    pub attention: u32,
    /// Whether the desk could be reached.
    pub reached: bool,
}

/// What a person can look at and send to whoever helps them: states, versions, counts and errors; none of their
/// words, no names, no addresses, no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DiagnosticReport {
    /// In the order to show them.
    pub lines: Vec<ReportLine>,
}

/// A line of a report, in English: it is read by those who help.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ReportLine {
    /// What it is about; several lines may have one name.
    pub name: String,
    /// How it stands.
    pub value: String,
}

/// One hit of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SearchHit {
    /// The ticket.
    pub ticket: TicketSummary,
    /// The words around the match; of the comment when `comment` is set.
    pub excerpt: String,
    /// Which comment matched.
    pub comment: Option<String>,
}
