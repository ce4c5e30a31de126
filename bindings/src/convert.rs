//! The one conversion from what went wrong inside to what a shell can do about it.

use pocketdesk_core::attachments::files::FileError;
use pocketdesk_core::{
    Error,
    env::{NetError, SecretsError},
    remote::answer::Failure,
    store::{ReadOnly, StoreError},
    voice::models::ModelError,
};
use pocketdesk_domain::outbox::OutboxError;
use pocketdesk_protocol::session::problem;

use crate::errors::{DeskError, OpenError, SecretStoreError, SignInError};

impl From<Error> for DeskError {
    fn from(error: Error) -> Self {
        let reason = error.to_string();
        match error {
            Error::Store(error) => store(error),
            Error::Outbox(error) => outbox(error),
            Error::Remote(Failure::Unauthorized | Failure::Revoked) | Error::SignedOut => Self::SignedOut,
            Error::Remote(Failure::TooOld) | Error::NotNow { .. } => Self::NotNow { reason },
            Error::Remote(Failure::Refused { status: 404, .. }) => {
                Self::NotFound { what: "attachment".to_owned() }
            }
            Error::Remote(Failure::Net(NetError::WrongDate)) => Self::NotNow { reason },
            Error::Remote(_) | Error::WrongBytes => Self::Unreachable,
            Error::Files(FileError::Full) => Self::DiskFull,
            Error::Files(FileError::NotFound) => Self::NotFound { what: "attachment".to_owned() },
            Error::Files(FileError::Source { reason }) => Self::Invalid { field: "file".to_owned(), reason },
            Error::Files(_) | Error::ChooseUnbound => Self::Defect { reason },
            Error::Models(ModelError::Full) => Self::DiskFull,
            Error::Models(ModelError::Unknown) => Self::NotFound { what: "speech model".to_owned() },
            Error::Models(ModelError::Disk { .. }) => Self::Defect { reason },
            Error::Models(_) | Error::Voice(_) => Self::NotNow { reason },
            Error::Secrets(SecretsError::Locked) => Self::NotNow { reason },
            Error::Secrets(SecretsError::Failed { reason }) => Self::Defect { reason },
            Error::Address(_) => Self::Invalid { field: "server_url".to_owned(), reason },
            Error::NotFound { what } => Self::NotFound { what: what.to_owned() },
            Error::Ambiguous { what, candidates } => Self::Ambiguous { what: what.to_owned(), candidates },
            Error::Invalid { field, reason } => Self::Invalid { field: field.to_owned(), reason },
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
        StoreError::Locked | StoreError::Busy => DeskError::NotNow { reason },
        StoreError::Newer { .. } | StoreError::ReadOnly { .. } => DeskError::ReadOnly { reason },
        StoreError::NotFound { what } => DeskError::NotFound { what: what.to_owned() },
        _ => DeskError::Defect { reason },
    }
}

fn outbox(error: OutboxError) -> DeskError {
    let text = error.to_string();
    match error {
        OutboxError::Invalid { field, reason } => DeskError::Invalid { field, reason: reason.to_string() },
        OutboxError::TooLarge { .. } => DeskError::Invalid { field: "attachments".to_owned(), reason: text },
        OutboxError::Full { .. } => DeskError::OutboxFull,
        OutboxError::NotFound => DeskError::NotFound { what: "op".to_owned() },
        OutboxError::Delivered | OutboxError::NotNow | OutboxError::NeedsNewerApp => {
            DeskError::NotNow { reason: text }
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
