//! Whose word on models is believed: that of the company's key, pinned when the app was built. The desk's server hands
//! manifests on and cannot make one.

use pocketdesk_protocol::models::{MANIFEST_BYTES, Manifest, Model, SignedManifest, from_hex, signed_bytes};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::ModelError;

/// A manifest whose signature was good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// As it came, to be kept.
    pub signed: SignedManifest,
    /// What it says.
    pub manifest: Manifest,
}

impl Trusted {
    /// Judges what came from outside or from the disk. `keys` are those of the company, each 32 bytes.
    pub fn judge(signed: SignedManifest, keys: &[[u8; 32]]) -> Result<Self, ModelError> {
        if keys.is_empty() {
            return Err(ModelError::NoKey);
        }
        let refused = |reason: &str| ModelError::NotTrusted { reason: reason.to_owned() };
        if signed.manifest.len() > MANIFEST_BYTES {
            return Err(refused("it is larger than allowed"));
        }
        let signature: [u8; 64] =
            from_hex(&signed.signature).ok_or_else(|| refused("its signature is not one"))?;
        let bytes = signed_bytes(&signed.manifest);
        let good = |key: &[u8; 32]| UnparsedPublicKey::new(&ED25519, key).verify(&bytes, &signature).is_ok();
        if !keys.iter().any(good) {
            return Err(refused("it is not signed with the company's key"));
        }
        // Only now is it read: a parser is a larger target than a signature.
        let manifest: Manifest = serde_json::from_str(&signed.manifest)
            .map_err(|why| refused(&format!("it cannot be read: {why}")))?;
        manifest.check().map_err(|why| refused(&why))?;
        Ok(Self { signed, manifest })
    }

    /// From a file of ours.
    pub(super) fn read(bytes: &[u8], keys: &[[u8; 32]]) -> Result<Self, ModelError> {
        let signed = serde_json::from_slice(bytes)
            .map_err(|why| ModelError::NotTrusted { reason: format!("it cannot be read: {why}") })?;
        Self::judge(signed, keys)
    }

    /// The model of that id.
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.manifest.models.iter().find(|model| model.id == id)
    }

    /// The model with those bytes.
    pub(super) fn by_digest(&self, sha256: &str) -> Option<&Model> {
        self.manifest.models.iter().find(|model| model.sha256 == sha256)
    }

    /// Whether this may take the place of `known`: its serial is higher, or it is the same manifest.
    pub(super) fn may_replace(&self, known: Option<&Self>) -> Result<(), ModelError> {
        let Some(known) = known else { return Ok(()) };
        let (old, new) = (known.manifest.serial, self.manifest.serial);
        if new > old || (new == old && self.signed.manifest == known.signed.manifest) {
            return Ok(());
        }
        Err(ModelError::Rollback { known: old, offered: new })
    }
}
