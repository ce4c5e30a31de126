//! What a shell opens the core with.

use std::{path::PathBuf, sync::Arc};

use pocketdesk_core::{
    attachments::staging,
    engine::accounts,
    env::{Secrets, SecretsError, system::FileSecrets},
};
use pocketdesk_domain::outbox::InvalidReason;

use crate::errors::{DeskError, SecretStoreError};

/// How the core behaves; fixed while it is open.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Config {
    /// The folder of all accounts. On iOS outside the app group (an encrypted database there gets the app killed).
    pub data_dir: String,
    /// As the person knows this device; shown in the list of sessions.
    pub device_name: String,
    /// `ru`, `uk` or `en`, with or without a region: the language of mails the desk sends.
    pub locale: String,
    /// Flight mode: the network is never touched.
    #[uniffi(default)]
    pub offline: bool,
    /// Whether the core syncs by itself. Off, only `sync_now` and calls that need the desk reach for the network:
    /// right for a command line.
    #[uniffi(default = true)]
    pub automatic: bool,
    /// Certificates to trust besides the public ones, PEM.
    #[uniffi(default)]
    pub extra_root_certificates_pem: Vec<String>,
    /// Bytes of downloaded files to keep at most; those of unsent words are not counted and never dropped.
    #[uniffi(default = 536870912)]
    pub attachment_cache_bytes: u64,
    /// The company's Ed25519 keys, 64 hex digits each: only speech models signed with one are believed. None: none is
    /// fetched.
    #[uniffi(default)]
    pub speech_model_keys: Vec<String>,
    /// Bytes of speech models to keep at most.
    #[uniffi(default = 536870912)]
    pub speech_model_bytes: u64,
    /// Bytes of memory of this device, which say what model suits it; 0 where nobody knows.
    #[uniffi(default)]
    pub device_memory_bytes: u64,
    /// A developer's folder of speech models (`cargo x model`), used while the device has none of the company's.
    #[uniffi(default)]
    pub speech_models_beside: Option<String>,
}

impl Config {
    /// What a phone would use.
    pub fn new(
        data_dir: impl Into<String>,
        device_name: impl Into<String>,
        locale: impl Into<String>,
    ) -> Self {
        Self {
            data_dir: data_dir.into(),
            device_name: device_name.into(),
            locale: locale.into(),
            offline: false,
            automatic: true,
            extra_root_certificates_pem: Vec::new(),
            attachment_cache_bytes: 512 << 20,
            speech_model_keys: Vec::new(),
            speech_model_bytes: 512 << 20,
            device_memory_bytes: 0,
            speech_models_beside: None,
        }
    }
}

/// What only the platform has.
#[derive(Clone, uniffi::Record)]
pub struct Platform {
    /// Keychain, Keystore, or [`file_secrets`] on a desktop.
    pub secrets: Arc<dyn SecretStore>,
}

/// Keeps the keys of the databases and the tokens. Written in Kotlin and Swift over Keystore and Keychain
/// (AfterFirstUnlockThisDeviceOnly). Called from the core's own threads.
#[uniffi::export(with_foreign)]
pub trait SecretStore: Send + Sync {
    /// The secret of that name, if there is one.
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, SecretStoreError>;
    /// Keeps it; durable when this returns.
    fn save(&self, name: String, secret: Vec<u8>) -> Result<(), SecretStoreError>;
    /// Forgets it; no error if there is none.
    fn remove(&self, name: String) -> Result<(), SecretStoreError>;
}

/// Secrets as files of mode 0600 in `dir`, for desktops: worth what the disk's own protection is worth.
#[uniffi::export]
pub fn file_secrets(dir: String) -> Arc<dyn SecretStore> {
    Arc::new(Files(FileSecrets::new(dir)))
}

/// Where a file to attach is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Source {
    /// A path this process may read.
    Path {
        /// Absolute, or relative to the process's working folder.
        path: String,
        /// As the person knows it; the path's last part when none.
        name: Option<String>,
    },
    /// An open file descriptor, which the core takes over and closes.
    Fd {
        /// The descriptor.
        fd: i32,
        /// As the person knows it.
        name: String,
    },
}

/// What becomes of words that were filed before any sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Unbound {
    /// They go to this account if it is the first of the folder; else the person has to choose
    /// ([`crate::SignInError::ChooseUnbound`]).
    Ask,
    /// They go to this account.
    Bind,
    /// They wait.
    Leave,
}

/// What a sign-in waits for.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SignInStarted {
    /// The server's address as it will be used.
    pub server: String,
    /// Where the code was sent.
    pub email: String,
    /// Seconds until the code is void.
    pub expires_in_s: u64,
}

/// A shell's secrets as the core's port.
pub(crate) struct PlatformSecrets(pub Arc<dyn SecretStore>);

impl Secrets for PlatformSecrets {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SecretsError> {
        Ok(self.0.load(name.to_owned())?)
    }
    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretsError> {
        Ok(self.0.save(name.to_owned(), secret.to_vec())?)
    }
    fn remove(&self, name: &str) -> Result<(), SecretsError> {
        Ok(self.0.remove(name.to_owned())?)
    }
}

/// The core's files of secrets as a shell's.
struct Files(FileSecrets);

impl SecretStore for Files {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, SecretStoreError> {
        Ok(self.0.load(&name)?)
    }
    fn save(&self, name: String, secret: Vec<u8>) -> Result<(), SecretStoreError> {
        Ok(self.0.save(&name, &secret)?)
    }
    fn remove(&self, name: String) -> Result<(), SecretStoreError> {
        Ok(self.0.remove(&name)?)
    }
}

impl From<Unbound> for accounts::Unbound {
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::Ask => Self::Ask,
            Unbound::Bind => Self::Bind,
            Unbound::Leave => Self::Leave,
        }
    }
}

/// The source as the core takes it, and the name to give it.
pub(crate) fn take(source: Source) -> Result<(staging::Source, Option<String>), DeskError> {
    match source {
        Source::Path { path, name } => Ok((staging::Source::Path(PathBuf::from(path)), name)),
        Source::Fd { fd, name } => match crate::fd::own(fd) {
            Some(file) => Ok((staging::Source::File(file), Some(name))),
            None => Err(DeskError::Invalid {
                field: "fd".to_owned(),
                why: InvalidReason::Unreadable,
                reason: format!("{fd} is no file descriptor"),
            }),
        },
    }
}
