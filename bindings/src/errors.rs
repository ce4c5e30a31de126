//! Flat errors: one variant per action a shell can take. What went wrong in detail is logged inside; a failed
//! delivery is data ([`pocketdesk_domain::model::Delivery`]), never one of these.

use pocketdesk_domain::outbox::InvalidReason;

/// Why the app's folder could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum OpenError {
    /// The device is locked since it started: try again when it was unlocked. Nothing was touched.
    #[error("the device is locked; try again once it has been unlocked")]
    Locked,
    /// The folder cannot be used: ask for another, or tell the developer.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field of the configuration.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no room to open in.
    #[error("the disk is full; free some space and start again")]
    DiskFull,
    /// A bug, or a broken disk: nothing was overwritten.
    #[error("the app's data could not be opened: {reason}")]
    Defect {
        /// For a report; holds no word of the person's.
        reason: String,
    },
}

/// Why a sign-in did not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum SignInError {
    /// The address of the server or of the person is not one.
    #[error("{field}: {reason}")]
    Invalid {
        /// `server_url`, `email` or `code`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answered: try again with a connection.
    #[error("the desk could not be reached; check the connection and try again")]
    Unreachable,
    /// The device's date makes the desk's certificate look invalid: have it checked.
    #[error("the desk's certificate is not valid at this device's date; check the date")]
    CheckDate,
    /// Whoever answers there is not a desk, or its certificate is not trusted: check the address.
    #[error("no Pocketdesk server answers there; check the address")]
    NotADesk,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode {
        /// Tries left before a new code is needed.
        tries_left: Option<u32>,
    },
    /// The code is void: ask for another.
    #[error("the code is no longer valid; ask for a new one")]
    CodeExpired,
    /// Too many were asked for.
    #[error("too many attempts; try again in {seconds} s")]
    ComeLater {
        /// Seconds to wait at least.
        seconds: u64,
    },
    /// The desk speaks only to newer apps, or one wrote this folder.
    #[error("a newer version of this app is needed")]
    AppTooOld,
    /// Words were filed before any sign-in: ask the person whether they go to this account
    /// ([`crate::Unbound::Bind`]) or wait ([`crate::Unbound::Leave`]), then ask again. The code is still good.
    #[error("say whether what was filed before the sign-in belongs to this account")]
    ChooseUnbound,
    /// The network is off by the person's wish.
    #[error("the network is off (flight mode)")]
    Offline,
    /// There is no room.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// The facade was shut down.
    #[error("the app is shutting down")]
    Closed,
    /// A bug, or a broken disk.
    #[error("signing in failed: {reason}")]
    Defect {
        /// For a report; holds no word of the person's.
        reason: String,
    },
}

/// Why something could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum DeskError {
    /// There is no such ticket, op, draft, file or account on this phone.
    #[error("{what}: not found on this device")]
    NotFound {
        /// `account`, `ticket`, `op`, `draft`, `attachment`, `session`, `recording` or `speech model`.
        what: String,
    },
    /// Several fit: name one.
    #[error("{what}: several fit, say which")]
    Ambiguous {
        /// `account` or `ticket`.
        what: String,
        /// Those that fit, at most ten.
        candidates: Vec<String>,
    },
    /// What was handed in cannot be kept as it is; the words stay where they are.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong with it, for a sentence in the person's language.
        why: InvalidReason,
        /// The same in English, for logs.
        reason: String,
    },
    /// It cannot be done in the state things are in, and asking again does not help.
    #[error("{reason}")]
    NotNow {
        /// Why, for a sentence in the person's language.
        why: NotNowReason,
        /// The same in English, for logs.
        reason: String,
    },
    /// Words would be left behind: show how many, ask, and sign out with `force`.
    #[error("{ops} ops, {files} files and {drafts} drafts are not sent yet")]
    WouldLeaveWords {
        /// Ops without a final verdict.
        ops: u32,
        /// Files whose bytes the desk does not hold.
        files: u32,
        /// Drafts.
        drafts: u32,
    },
    /// Sign in first.
    #[error("sign in first")]
    SignedOut,
    /// It needs the network, and it is off by the person's wish.
    #[error("the network is off (flight mode)")]
    Offline,
    /// It needs the desk, which could not be reached.
    #[error("the desk could not be reached; check the connection and try again")]
    Unreachable,
    /// Too much waits already: let it go out first. The words stay in their draft.
    #[error("too much waits to be sent already; connect, and try again")]
    OutboxFull,
    /// There is no room.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// The account's files are damaged or of a newer app: it can be read and exported, not written.
    #[error("the account can only be read and exported: {reason}")]
    ReadOnly {
        /// Why, for a sentence in the person's language.
        why: ReadOnlyReason,
        /// The same in English, for logs.
        reason: String,
    },
    /// A file of the person's could not be read or written.
    #[error("{path}: {reason}")]
    FileTrouble {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// The facade was shut down.
    #[error("the app is shutting down")]
    Closed,
    /// A bug, or a broken disk.
    #[error("something went wrong inside: {reason}")]
    Defect {
        /// For a report; holds no word of the person's.
        reason: String,
    },
}

/// Why something cannot be done in the state things are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum NotNowReason {
    /// The device is locked: unlock it.
    DeviceLocked,
    /// Another process holds the account's files: try again.
    FilesBusy,
    /// The desk speaks only to newer apps: update.
    AppTooOld,
    /// The device's date makes the desk's certificate look invalid: check the date.
    WrongDate,
    /// It was delivered and stands: write a further comment.
    Delivered,
    /// The ticket has moved on: look at it again.
    TicketMoved,
    /// It was written with a newer app: update to change it.
    WrittenByNewerApp,
    /// The file's author has not sent all of it yet: try later.
    FileNotWhole,
    /// What the variant's `reason` says.
    Other,
}

/// Why an account can only be read and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ReadOnlyReason {
    /// Its files are damaged: export what can be read, sign in again.
    Damaged,
    /// A newer app wrote its files: update.
    NewerApp,
    /// Its files could not be brought up to date: start the app again.
    NotMigrated,
}

/// Why the platform's secret store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum SecretStoreError {
    /// The device is locked: the core tries later and never recreates.
    #[error("locked")]
    Locked,
    /// Anything else.
    #[error("{reason}")]
    Failed {
        /// For logs; holds no secret.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for SecretStoreError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}
