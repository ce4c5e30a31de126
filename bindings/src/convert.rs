//! The one conversion from what went wrong inside to what a shell can do about it.

use pocketdesk_core::attachments::files::FileError;
use pocketdesk_core::{
    Error,
    env::{NetError, SecretsError},
    remote::answer::Failure,
    store::{ReadOnly, StoreError},
    voice::models::ModelError,
};
use pocketdesk_domain::outbox::{InvalidReason, OutboxError};
use pocketdesk_protocol::session::problem;

use crate::errors::{DeskError, NotNowReason, OpenError, ReadOnlyReason, SecretStoreError, SignInError};

impl From<Error> for DeskError {
    fn from(error: Error) -> Self {
        let reason = error.to_string();
        match error {
            Error::Store(error) => store(error),
            Error::Outbox(error) => outbox(error),
            Error::Remote(Failure::Unauthorized | Failure::Revoked) | Error::SignedOut => Self::SignedOut,
            Error::Remote(Failure::TooOld) => Self::NotNow { why: NotNowReason::AppTooOld, reason },
            Error::NotNow { .. } => Self::NotNow { why: NotNowReason::Other, reason },
            Error::NotWholeYet => Self::NotNow { why: NotNowReason::FileNotWhole, reason },
            Error::Remote(Failure::Refused { status: 404, .. }) => {
                Self::NotFound { what: "attachment".to_owned() }
            }
            Error::Remote(Failure::Net(NetError::WrongDate)) => {
                Self::NotNow { why: NotNowReason::WrongDate, reason }
            }
            Error::Remote(_) | Error::WrongBytes => Self::Unreachable,
            Error::Files(FileError::Full) => Self::DiskFull,
            Error::Files(FileError::NotFound) => Self::NotFound { what: "attachment".to_owned() },
            Error::Files(FileError::Source { why }) => {
                Self::Invalid { field: "file".to_owned(), why, reason: why.to_string() }
            }
            Error::Files(FileError::TooLarge { limit, .. }) => {
                Self::Invalid { field: "file".to_owned(), why: InvalidReason::TooLarge { limit }, reason }
            }
            Error::Files(_) | Error::ChooseUnbound => Self::Defect { reason },
            Error::Models(ModelError::Full) => Self::DiskFull,
            Error::Models(ModelError::Unknown) => Self::NotFound { what: "speech model".to_owned() },
            Error::Models(ModelError::Disk { .. }) => Self::Defect { reason },
            Error::Models(_) | Error::Voice(_) => Self::NotNow { why: NotNowReason::Other, reason },
            Error::Secrets(SecretsError::Locked) => Self::NotNow { why: NotNowReason::DeviceLocked, reason },
            Error::Secrets(SecretsError::Failed { reason }) => Self::Defect { reason },
            Error::Address(_) => {
                Self::Invalid { field: "server_url".to_owned(), why: InvalidReason::NotAServer, reason }
            }
            Error::NotFound { what } => Self::NotFound { what: what.to_owned() },
            Error::Ambiguous { what, candidates } => Self::Ambiguous { what: what.to_owned(), candidates },
            Error::Invalid { field, reason } => {
                let why =
                    if field == "email" { InvalidReason::NotAnAddress } else { InvalidReason::NotPossible };
                Self::Invalid { field: field.to_owned(), why, reason }
            }
            Error::WouldLeaveWords(unsent) => {
                Self::WouldLeaveWords { ops: unsent.ops, files: unsent.files, drafts: unsent.drafts }
            }
            Error::Offline => Self::Offline,
            Error::File { path, reason } => Self::FileTrouble { path, reason },
            Error::Closed => Self::Closed,
        }
    }
}

fn store(error: StoreError) -> DeskError {
    let reason = error.to_string();
    match error {
        StoreError::Full => DeskError::DiskFull,
        StoreError::Locked => DeskError::NotNow { why: NotNowReason::DeviceLocked, reason },
        StoreError::Busy => DeskError::NotNow { why: NotNowReason::FilesBusy, reason },
        StoreError::Newer { .. } | StoreError::ReadOnly { why: ReadOnly::Newer { .. } } => {
            DeskError::ReadOnly { why: ReadOnlyReason::NewerApp, reason }
        }
        StoreError::ReadOnly { why: ReadOnly::Damaged } => {
            DeskError::ReadOnly { why: ReadOnlyReason::Damaged, reason }
        }
        StoreError::ReadOnly { why: ReadOnly::NotMigrated { .. } } => {
            DeskError::ReadOnly { why: ReadOnlyReason::NotMigrated, reason }
        }
        StoreError::NotFound { what } => DeskError::NotFound { what: what.to_owned() },
        _ => DeskError::Defect { reason },
    }
}

fn outbox(error: OutboxError) -> DeskError {
    let text = error.to_string();
    match error {
        OutboxError::Invalid { field, reason: why } => {
            DeskError::Invalid { field, why, reason: why.to_string() }
        }
        OutboxError::TooLarge { limit, .. } => DeskError::Invalid {
            field: "attachments".to_owned(),
            why: InvalidReason::TooLarge { limit },
            reason: text,
        },
        OutboxError::Full { .. } => DeskError::OutboxFull,
        OutboxError::NotFound => DeskError::NotFound { what: "op".to_owned() },
        OutboxError::Delivered => DeskError::NotNow { why: NotNowReason::Delivered, reason: text },
        OutboxError::NotNow => DeskError::NotNow { why: NotNowReason::TicketMoved, reason: text },
        OutboxError::NeedsNewerApp => {
            DeskError::NotNow { why: NotNowReason::WrittenByNewerApp, reason: text }
        }
    }
}

impl From<Error> for SignInError {
    fn from(error: Error) -> Self {
        let reason = error.to_string();
        match error {
            Error::Address(_) => Self::Invalid { field: "server_url".to_owned(), reason },
            Error::Invalid { field, reason } => Self::Invalid { field: field.to_owned(), reason },
            Error::ChooseUnbound => Self::ChooseUnbound,
            Error::Offline => Self::Offline,
            Error::Closed => Self::Closed,
            Error::Store(StoreError::Full) => Self::DiskFull,
            Error::Store(StoreError::ReadOnly { why: ReadOnly::Newer { .. } }) => Self::AppTooOld,
            Error::Remote(failure) => sign_in(failure),
            _ => Self::Defect { reason },
        }
    }
}

fn sign_in(failure: Failure) -> SignInError {
    match failure {
        Failure::Net(NetError::WrongDate) => SignInError::CheckDate,
        Failure::Net(NetError::Untrusted) | Failure::NotOurs => SignInError::NotADesk,
        Failure::Net(_) => SignInError::Unreachable,
        Failure::TooOld => SignInError::AppTooOld,
        Failure::Busy { after } => {
            SignInError::ComeLater { seconds: after.map_or(60, |after| after.as_secs().max(1)) }
        }
        Failure::Refused { code, tries_left, .. } if code == problem::WRONG_CODE => {
            SignInError::WrongCode { tries_left }
        }
        Failure::Refused { code, .. } if code == problem::CODE_EXPIRED => SignInError::CodeExpired,
        Failure::Refused { code, .. } if code == problem::BAD_REQUEST => SignInError::Invalid {
            field: "email".to_owned(),
            reason: "the desk does not take this address".to_owned(),
        },
        Failure::Server { .. } => SignInError::Unreachable,
        Failure::Unauthorized | Failure::Revoked | Failure::Refused { .. } => {
            SignInError::Defect { reason: failure.to_string() }
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(StoreError::Locked) | Error::Secrets(SecretsError::Locked) => Self::Locked,
            Error::Store(StoreError::Full) => Self::DiskFull,
            other => Self::Defect { reason: other.to_string() },
        }
    }
}

impl From<SecretStoreError> for SecretsError {
    fn from(error: SecretStoreError) -> Self {
        match error {
            SecretStoreError::Locked => Self::Locked,
            SecretStoreError::Failed { reason } => Self::Failed { reason },
        }
    }
}

impl From<SecretsError> for SecretStoreError {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Locked => Self::Locked,
            SecretsError::Failed { reason } => Self::Failed { reason },
        }
    }
}
