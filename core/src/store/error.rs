//! What can go wrong with an account's files. Every sentence says what happened, why, and what to do now; none
//! holds a word of a person or a secret.

use crate::env::SecretsError;

/// Why the store could not do it. Nothing was overwritten in any of these cases.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The key cannot be had while the device is locked.
    #[error("the device is locked, so the key cannot be read; try again after it is unlocked")]
    Locked,
    /// There are files and no key for them.
    #[error(
        "the key of account {account} is missing, its files are kept as they are; put the key back to open them"
    )]
    KeyMissing {
        /// The account's directory.
        account: String,
    },
    /// The key does not fit the file.
    #[error("{file} cannot be opened with this account's key; it was left as it is")]
    WrongKey {
        /// Its name in the account's directory.
        file: String,
    },
    /// The file, or this build's SQLite, does not encrypt: refused rather than written in plain text.
    #[error("{file} is not encrypted ({why}); it was left as it is and is not used")]
    NotSealed {
        /// Its name in the account's directory.
        file: String,
        /// What was seen.
        why: &'static str,
    },
    /// A newer app wrote it; nothing was changed in it.
    #[error("{file} was written by a newer app (format {found}, this app knows {known}); update the app")]
    Newer {
        /// Its name in the account's directory.
        file: String,
        /// The file's format.
        found: i64,
        /// The newest format this build knows.
        known: i64,
    },
    /// No room.
    #[error("there is no room left on this device; free some and try again")]
    Full,
    /// Another process held the file for longer than anybody should wait.
    #[error("another process is using the account's files; try again")]
    Busy,
    /// The file's content is not what was written.
    #[error("{file} is damaged; it was left as it is")]
    Damaged {
        /// Its name in the account's directory.
        file: String,
    },
    /// The cache file that was read is no longer there: read again from the start.
    #[error("the cache file was replaced; read again")]
    Gone,
    /// The account was opened for reading and export only.
    #[error("this account's files are open for reading only: {why}")]
    ReadOnly {
        /// Why.
        why: ReadOnly,
    },
    /// No such account, draft or op.
    #[error("there is no {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// Anything else.
    #[error("the account's files cannot be used: {reason}")]
    Failed {
        /// For logs; holds no secret and no one's words.
        reason: String,
    },
}

/// Why the files of an account are read and exported, and nothing else. own.db stays as it is to the byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadOnly {
    /// Pages of own.db are lost; what could be read is in memory.
    #[error("own.db is damaged and was left as it is; export what can be read, then sign in again")]
    Damaged,
    /// A newer app wrote own.db, and what it keeps there this one might undo.
    #[error(
        "own.db was written by a newer app (format {found}, this app knows {known}) and was left as it is; update the app"
    )]
    Newer {
        /// The file's format.
        found: i64,
        /// The newest format this build knows.
        known: i64,
    },
    /// own.db could not be brought to this app's format.
    #[error("own.db could not be brought up to date ({why}) and was left as it is; start the app again")]
    NotMigrated {
        /// For logs; holds no secret and no one's words.
        why: String,
    },
}

impl From<StoreError> for ReadOnly {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ReadOnly { why } => why,
            StoreError::Newer { found, known, .. } => Self::Newer { found, known },
            other => Self::NotMigrated { why: other.to_string() },
        }
    }
}

/// Results of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<SecretsError> for StoreError {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Locked => Self::Locked,
            SecretsError::Failed { reason } => Self::Failed { reason },
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Failed { reason: kind.to_string() },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::NotADatabase) => Self::WrongKey { file: "a database".into() },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { file: "a database".into() },
            // SQLite's own messages name tables and columns and never hold values.
            _ => match error {
                rusqlite::Error::SqliteFailure(code, _) => Self::Failed { reason: format!("SQLite: {code}") },
                rusqlite::Error::QueryReturnedNoRows => Self::NotFound { what: "such row" },
                rusqlite::Error::FromSqlConversionFailure(column, ..)
                | rusqlite::Error::InvalidColumnType(column, ..) => {
                    Self::Failed { reason: format!("column {column} holds what this build cannot read") }
                }
                other => Self::Failed { reason: other.to_string() },
            },
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        // Only the class and place: the text around it is somebody's.
        Self::Failed { reason: format!("stored JSON, {:?} at column {}", error.classify(), error.column()) }
    }
}

impl StoreError {
    /// Names the file, where the error came from below and could not know it.
    pub(crate) fn of(self, name: &str) -> Self {
        match self {
            Self::WrongKey { .. } => Self::WrongKey { file: name.to_owned() },
            Self::Damaged { .. } => Self::Damaged { file: name.to_owned() },
            other => other,
        }
    }
}
