//! What can go wrong inside, in full. Outside it becomes one of a few flat errors, by the one conversion in
//! bindings: there a variant is an action a shell can take, here it is what happened.
//!
//! No variant holds a word of the person's or a secret: these sentences go to logs.

use pocketdesk_domain::{model::Unsent, outbox::OutboxError};

use crate::{
    attachments::files::FileError,
    env::{NetError, SecretsError},
    remote::{address::AddressError, answer::Failure},
    store::StoreError,
    voice::{VoiceError, models::ModelError},
};

/// Results of the core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The account's files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The intent cannot become an op.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The desk, or the way to it.
    #[error(transparent)]
    Remote(#[from] Failure),
    /// The bytes of a file on this phone.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The keys.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// Speech that does not become words.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The address of a server.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The speech models of this device.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// There is no such thing on this phone.
    #[error("there is no such {what} on this device")]
    NotFound {
        /// `account`, `ticket`, `op`, `draft`, `attachment` or `session`.
        what: &'static str,
    },
    /// Several fit.
    #[error("several {what}s fit; say which")]
    Ambiguous {
        /// `account` or `ticket`.
        what: &'static str,
        /// Those that fit, at most ten.
        candidates: Vec<String>,
    },
    /// What was handed in cannot be kept as it is.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It does not fit the state things are in.
    #[error("{reason}")]
    NotNow {
        /// Why, and what to do.
        reason: String,
    },
    /// Only a part of the file is at the desk.
    #[error("its author's device has not sent the whole file yet; try again later")]
    NotWholeYet,
    /// Signing out would leave words behind.
    #[error("{} ops, {} files and {} drafts are not with the desk yet", .0.ops, .0.files, .0.drafts)]
    WouldLeaveWords(Unsent),
    /// What was filed before the sign-in: whose is it?
    #[error("say whether what was filed before the sign-in belongs to this account")]
    ChooseUnbound,
    /// No session.
    #[error("sign in first")]
    SignedOut,
    /// The network is off by the person's wish.
    #[error("the network is off (flight mode)")]
    Offline,
    /// A file of the person's.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The bytes that came are not those the desk named.
    #[error("the file that came is not the one the desk named; try again")]
    WrongBytes,
    /// The core was shut down.
    #[error("the app is shutting down")]
    Closed,
}

impl From<NetError> for Error {
    fn from(error: NetError) -> Self {
        Self::Remote(Failure::Net(error))
    }
}
