//! Speech models for phones. The server keeps and serves what the company signed elsewhere ([`sign`]): it holds no
//! signing key, so that whoever takes the server cannot make phones load anything.
//!
//! Files lie as chunks beside those of tickets, on the disk or in S3; the newest manifest says which. It is swapped
//! after all its files are here, and what it no longer names goes after that.

pub mod sign;

use std::{io::Read, path::Path};

use bytes::Bytes;
use pocketdesk_protocol::models::{MANIFEST_BYTES, Manifest, Model, SignedManifest, from_hex, to_hex};
use sha2::{Digest as _, Sha256};

use crate::blobs::{BlobError, Blobs};

/// Why models are not hosted as somebody wanted.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The manifest is not what it should be.
    #[error("the manifest was refused: {0}; what was served before still is")]
    Manifest(String),
    /// A file the manifest names is not among those given, nor here.
    #[error("{0}: no file with this digest was given and none is here; name its file too")]
    Missing(String),
    /// A file could not be read or is not what the manifest says.
    #[error("{file}: {reason}")]
    File {
        /// Which.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The place of bytes failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// What is served: the envelope and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// As phones get it.
    pub signed: SignedManifest,
    /// Read.
    pub manifest: Manifest,
}

impl Hosted {
    /// Reads an envelope and checks that its signature is that of the key it names.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelsError> {
        let refused = |reason: &str| ModelsError::Manifest(reason.to_owned());
        let signed: SignedManifest =
            serde_json::from_slice(bytes).map_err(|why| refused(&format!("it cannot be read: {why}")))?;
        if signed.manifest.len() > MANIFEST_BYTES {
            return Err(refused("it is larger than phones take"));
        }
        let key: [u8; 32] = from_hex(&signed.key).ok_or_else(|| refused("its key is not one"))?;
        if !sign::is_signed(&signed, &key) {
            return Err(refused("its signature is not that of its key"));
        }
        let manifest: Manifest = serde_json::from_str(&signed.manifest)
            .map_err(|why| refused(&format!("its text cannot be read: {why}")))?;
        manifest.check().map_err(|why| refused(&why))?;
        Ok(Self { signed, manifest })
    }

    /// The model with those bytes.
    pub fn model(&self, sha256: &str) -> Option<&Model> {
        self.manifest.models.iter().find(|model| model.sha256 == sha256)
    }
}

/// What is served now.
pub async fn hosted(blobs: &Blobs) -> Result<Option<Hosted>, ModelsError> {
    blobs.models_manifest().await?.map(|bytes| Hosted::read(&bytes)).transpose()
}

/// What [`host`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Files that are new here.
    pub files: usize,
    /// Older ones that went.
    pub removed: usize,
}

/// Serves `new` from now on. Its files are among `paths`, or here already; every byte is held against it first. An
/// older manifest than the present one is refused, because phones would refuse it; another key is, unless `new_key`.
pub async fn host(blobs: &Blobs, new: &Hosted, paths: &[&Path], new_key: bool) -> Result<Added, ModelsError> {
    if let Some(old) = hosted(blobs).await? {
        let (was, is) = (old.manifest.serial, new.manifest.serial);
        if old.signed.key != new.signed.key && !new_key {
            let sentence = "it is signed with another key than the one before. If phones know the new key, say --new-key";
            return Err(ModelsError::Manifest(sentence.to_owned()));
        }
        let same_text = old.signed.manifest == new.signed.manifest;
        if old.signed.key == new.signed.key && (is < was || (is == was && !same_text)) {
            let sentence =
                format!("its serial {is} is not above the present one, {was}; sign it with a higher one");
            return Err(ModelsError::Manifest(sentence));
        }
    }
    let mut files = 0;
    for model in &new.manifest.models {
        if blobs.has_model(model).await? {
            continue;
        }
        let mut found = None;
        for path in paths {
            // The length first: reading hundreds of megabytes for a wrong guess is slow.
            let length = std::fs::metadata(path).map_err(|why| trouble(path, why.to_string()))?.len();
            if length == model.size && sign::describe(path)?.sha256 == model.sha256 {
                found = Some(path);
                break;
            }
        }
        take(blobs, model, found.ok_or_else(|| ModelsError::Missing(model.id.clone()))?).await?;
        files += 1;
    }
    let envelope = serde_json::to_vec(&new.signed).expect("strings are JSON");
    blobs.put_models_manifest(envelope.into()).await?;
    let keep: Vec<&str> = new.manifest.models.iter().map(|model| model.sha256.as_str()).collect();
    Ok(Added { files, removed: blobs.keep_models(&keep).await? })
}

async fn take(blobs: &Blobs, model: &Model, path: &Path) -> Result<(), ModelsError> {
    let mut file = sign::open(path)?;
    for (n, digest) in model.chunks.iter().enumerate() {
        let range = model.chunk(n);
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
        file.read_exact(&mut bytes).map_err(|why| trouble(path, why.to_string()))?;
        if to_hex(&Sha256::digest(&bytes)) != *digest {
            return Err(trouble(path, format!("chunk {n} is not the signed one")));
        }
        blobs.put_model_chunk(model, n as u64, Bytes::from(bytes)).await?;
    }
    Ok(())
}

fn trouble(path: &Path, reason: String) -> ModelsError {
    ModelsError::File { file: path.display().to_string(), reason }
}
