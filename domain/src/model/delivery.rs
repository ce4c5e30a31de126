//! Where a person's words are, the one word for it everywhere (3-sync "Delivery").

/// draft → saved → sending → delivered → registered; on the way retrying or attention. Data, never an error: a
/// stuck delivery has a reason and remedies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Delivery {
    /// Not sent by the person yet; survives everything.
    Draft,
    /// Durable on this phone.
    Saved {
        /// What it waits for.
        waits_for: WaitsFor,
        /// Since when it waits, ms since the epoch by the phone's clock.
        since: i64,
    },
    /// A request with it is under way.
    Sending {
        /// Bytes the server has acknowledged (files) or 0.
        sent: u64,
        /// Bytes in all (files) or 0.
        total: u64,
    },
    /// The last try failed; the next is set.
    Retrying {
        /// Why the last try failed.
        why: RetryReason,
        /// When the next one is due, ms since the epoch by the phone's clock.
        next: i64,
    },
    /// Our server has it.
    Delivered {
        /// Server time.
        at: i64,
    },
    /// The desk has it.
    Registered {
        /// The desk's number of a ticket; replies and files have none.
        number: Option<String>,
    },
    /// It needs the person.
    Attention {
        /// Why.
        why: AttentionReason,
        /// What ends it; never empty.
        remedies: Vec<Remedy>,
    },
}

impl Delivery {
    /// The name on the machine side: one of draft, saved, sending, delivered, registered, retrying, attention.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Saved { .. } => "saved",
            Self::Sending { .. } => "sending",
            Self::Retrying { .. } => "retrying",
            Self::Delivered { .. } => "delivered",
            Self::Registered { .. } => "registered",
            Self::Attention { .. } => "attention",
        }
    }
}

/// What saved words wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum WaitsFor {
    /// A connection.
    Network,
    /// An unmetered connection (files, by the person's wish).
    Wifi,
    /// The op before it, which is in attention or under way.
    Lane,
    /// Its ticket, which the server does not hold.
    Ticket,
    /// A sign-in.
    SignIn,
    /// A newer app: the desk no longer speaks to this one, or this build does not know the op.
    NewerApp,
}

/// Why the last try failed; all of these end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum RetryReason {
    /// No connection, a time-out, or an answer that was not the desk's (captive portal, proxy).
    Network,
    /// The desk asked to come later.
    Busy,
    /// The desk failed.
    Server,
    /// The device's date is so wrong that the desk's certificate looks invalid.
    WrongDate,
}

/// Why it needs the person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum AttentionReason {
    /// The server rejected it for good.
    Rejected {
        /// One of `pocketdesk_protocol::sync::code`.
        code: String,
        /// Key of a sentence in `texts`.
        text_key: String,
        /// The server's own words.
        text: Option<String>,
        /// Which field.
        field: Option<String>,
    },
    /// The help desk refused it after the server took it.
    Refused {
        /// The desk's name of the reason.
        code: String,
        /// Key of a sentence in `texts`.
        text_key: String,
        /// The desk's own words.
        words: Option<String>,
    },
    /// It failed alone five times while others went: its outcome is unknown. Still tried hourly.
    ServerCannotTakeIt,
    /// The file's bytes are no longer on this phone.
    FileVanished {
        /// As the person knows it.
        name: String,
    },
}

/// What ends attention. The CLI and both shells show exactly these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Remedy {
    /// New words in the same place.
    Edit,
    /// The same words again.
    Retry,
    /// Let it go; what has words becomes a draft.
    Discard,
    /// A new ticket with the same words.
    FileAnew,
    /// A new ticket that follows the closed one, words prefilled.
    FollowUp,
    /// Take the words elsewhere.
    CopyText,
    /// Sign in again.
    SignIn,
    /// Leave the file out.
    RemoveFile,
}

impl Remedy {
    /// The name on the machine side.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::FileAnew => "file_anew",
            Self::FollowUp => "follow_up",
            Self::CopyText => "copy_text",
            Self::SignIn => "sign_in",
            Self::RemoveFile => "remove_file",
        }
    }
}
