//! What a shell hands in, and the short answers to it.

use super::{Delivery, TicketStatus};

/// A request for help, as the person wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct NewTicket {
    /// One line, at most 300 characters.
    pub subject: String,
    /// The person's words; may be empty when there are files.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub description: String,
    /// Ids that `attach` gave.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub attachments: Vec<String>,
    /// The draft it was; sending it and letting the draft go is one commit.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub draft: Option<String>,
    /// Whose company it concerns, by id; the desk's choice when none.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub company: Option<String>,
    /// Which site it concerns, by id.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub site: Option<String>,
}

/// A reply, as the person wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct NewReply {
    /// The words; may be empty when there are files.
    pub text: String,
    /// Ids that `attach` gave.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub attachments: Vec<String>,
    /// The draft it was; sending it and letting the draft go is one commit.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub draft: Option<String>,
}

/// Words to keep that are not sent yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct NewDraft {
    /// The draft to replace; none makes a new one.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub id: Option<String>,
    /// The ticket it replies to; none for a new ticket.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub ticket: Option<String>,
    /// One line (new tickets).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub subject: String,
    /// The words.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub text: String,
    /// Ids that `attach` gave.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub attachments: Vec<String>,
}

/// New words for an op, or for what the desk refused. What is none stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct NewWords {
    /// A ticket's subject.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub subject: Option<String>,
    /// The description, comment or reason.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub text: Option<String>,
    /// The files, replacing those there were.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub attachments: Option<Vec<String>>,
}

/// Which op of which account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OpKey {
    /// The account's name on this phone (its directory).
    pub account: String,
    /// The op's id; for what the desk refused after the server took it, the entity's.
    pub op: String,
    /// What it makes or changes: the id of the ticket, comment or file.
    pub entity: String,
}

/// What became of a wish to edit, retry or discard.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Mended {
    /// Done. An edit or retry made this op in the place of the old one; a discard none.
    Now {
        /// The op to look at from now on.
        op: Option<String>,
    },
    /// The words are on their way; the wish is kept and asked again when the answer is there.
    WhenAnswered,
}

/// Which tickets to show.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TicketFilter {
    /// Only of this account; none means all of them.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub account: Option<String>,
    /// Only these; empty means all.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub statuses: Vec<TicketStatus>,
    /// Only with something unread.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub unread: bool,
    /// Only those the person filed.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub mine: bool,
}

/// What the platform knows and the core cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Signal {
    /// There is a network.
    Online {
        /// An opaque name of it, kept equal while it is the same one; live streams that a network buffers are
        /// avoided on it for an hour.
        network: String,
        /// Whether bytes cost money here (files may wait for another).
        metered: bool,
    },
    /// There is none.
    Offline,
    /// The person looks at the app.
    Foreground,
    /// They no longer do; live streams end.
    Background,
    /// The system's clock was set, or its time zone.
    ClockChanged,
}

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Direction {
    /// To the desk.
    Up,
    /// To this phone.
    Down,
}

/// A file under way, or waiting to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TransferView {
    /// The account's name on this phone.
    pub account: String,
    /// The file.
    pub attachment: String,
    /// As its author named it; show it, never use it as a path.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// Where it is; `Sending` carries bytes done and in all, downloads included.
    pub delivery: Delivery,
    /// Bytes done; never goes back.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// The person stopped it.
    pub stopped: bool,
}

/// What is not with the desk yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Unsent {
    /// Ops without a final verdict, and those that need the person.
    pub ops: u32,
    /// Files whose bytes the desk does not hold whole.
    pub files: u32,
    /// Drafts.
    pub drafts: u32,
}

impl Unsent {
    /// Whether signing out would leave words behind.
    pub const fn is_empty(self) -> bool {
        self.ops == 0 && self.files == 0 && self.drafts == 0
    }
}

/// Who may sign in and out from afar: one of the person's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DeviceView {
    /// The session, to end it.
    pub session: String,
    /// As named at sign-in.
    pub device: String,
    /// When it signed in, ms since the epoch, server time.
    pub created_at: i64,
    /// When it last asked for anything, ms since the epoch, server time.
    pub used_at: i64,
    /// Whether it is this one.
    pub current: bool,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ExportReport {
    /// Tickets, those included that only this phone knows.
    pub tickets: u64,
    /// Comments, those included that only this phone knows.
    pub comments: u64,
    /// Drafts and ops.
    pub unsent: u64,
    /// Files whose bytes were written.
    pub files: u64,
    /// Names of files whose bytes are not on this phone.
    pub missing: Vec<String>,
}
