//! What the store of models is told and what it says.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pocketdesk_protocol::models::SignedManifest;

use crate::{env::Body, error::Result};

/// What a device has where the platform did not say: enough for the default model.
pub(super) const USUAL_MEMORY: u64 = 3 << 30;

/// How the store behaves; fixed while the app is open.
#[derive(Clone)]
pub struct Rules {
    /// The company's Ed25519 keys; several while one takes the place of another. None: nothing is ever fetched.
    pub keys: Vec<[u8; 32]>,
    /// Bytes of memory of the device; 0 where nobody knows.
    pub memory: u64,
    /// Bytes all models may take together, the ones under way included.
    pub budget: u64,
    /// Called when the status is another.
    pub moved: Arc<dyn Fn() + Send + Sync>,
}

impl Default for Rules {
    /// No key, half a gigabyte.
    fn default() -> Self {
        Self { keys: Vec::new(), memory: 0, budget: 512 << 20, moved: Arc::new(|| ()) }
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// Where models come from: the desk's server, behind an account's session.
pub trait Source: Send + Sync {
    /// The company's present manifest.
    fn manifest(&self) -> BoxFuture<'_, Result<SignedManifest>>;
    /// The bytes of a file from `from` on; `etag` is that of the bytes before, if they had one.
    fn file<'a>(&'a self, sha256: &'a str, from: u64, etag: Option<&'a str>) -> BoxFuture<'a, Result<Piece>>;
}

/// The head of an answer with bytes of a file.
pub struct Piece {
    /// The bytes.
    pub body: Body,
    /// Where they start; 0 when the server did not go on where it was asked to.
    pub from: u64,
    /// Bytes it says will come, if it says so.
    pub length: Option<u64>,
    /// Names these bytes.
    pub etag: Option<String>,
}

/// Why a model is not here. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The app was built without a key.
    #[error(
        "this app was built without the company's key for speech models, so it downloads none; ask whoever builds it"
    )]
    NoKey,
    /// The manifest is not the company's.
    #[error("the desk's list of speech models was refused: {reason}; nothing was changed, tell the desk")]
    NotTrusted {
        /// Why; a sentence's part.
        reason: String,
    },
    /// The manifest is older than the one that is known.
    #[error(
        "the desk's list of speech models (number {offered}) is older than the known one ({known}); nothing was changed, tell the desk"
    )]
    Rollback {
        /// Serial of the known one.
        known: u64,
        /// Serial of what came.
        offered: u64,
    },
    /// Nobody offers such a model.
    #[error("there is no such speech model here or at the desk; list them to see which there are")]
    Unknown,
    /// One at a time.
    #[error("a speech model is being downloaded already; wait for it or cancel it")]
    Busy,
    /// Somebody cancelled it.
    #[error("the download was cancelled; what came is kept and it goes on from there")]
    Cancelled,
    /// More than models may take.
    #[error(
        "the speech model needs {needs} bytes and {budget} are allowed for all models; choose a smaller one or remove another"
    )]
    OverBudget {
        /// Bytes, with what stays.
        needs: u64,
        /// Bytes.
        budget: u64,
    },
    /// No room on the disk.
    #[error(
        "there is no room left on this device for the speech model; free some and download it again, it goes on from where it was"
    )]
    Full,
    /// Bytes that come are not those that were signed.
    #[error(
        "what the desk sends is not the signed speech model ({reason}); nothing of it is used, try again later or tell the desk"
    )]
    WrongBytes {
        /// What was seen.
        reason: String,
    },
    /// Bytes that lay here are not those that were signed any more.
    #[error("the speech model on this device was damaged and has been removed ({reason}); download it again")]
    Damaged {
        /// What was seen.
        reason: String,
    },
    /// Signed, and yet no model the recogniser could load.
    #[error("the signed file is no speech model this app can use: {reason}; tell the desk")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The network costs money and the person did not say that this is fine.
    #[error("the speech model waits for Wi-Fi; download it over this connection anyway, or join one")]
    Metered,
    /// Anything else of the disk.
    #[error("the folder of speech models cannot be used: {reason}")]
    Disk {
        /// For logs; names no path.
        reason: String,
    },
}

impl From<std::io::Error> for ModelError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Disk { reason: kind.to_string() },
        }
    }
}
