//! Speech models a desk offers: `GET /models` answers a [`SignedManifest`], `GET /models/{sha256}` a file, with Range
//! and ETag.
//!
//! A model is code in all but name: a malformed one kills the recogniser. So the company signs, away from its
//! server, which bytes a phone may load; whoever holds the server can withhold a model and not forge one. The
//! signature covers the manifest's exact text, which is why that travels as a string inside the JSON.

use serde::{Deserialize, Serialize};

/// Bytes of every chunk of a file but the last: each has a digest of its own in the manifest.
pub const CHUNK: u64 = 4 << 20;
/// What is signed is this, then the manifest's text: a signature for something else can never pass for one of these.
pub const SIGNED_CONTEXT: &[u8] = b"pocketdesk models 1\n";
/// Bytes of a manifest's text.
pub const MANIFEST_BYTES: usize = 256 << 10;
/// Models in one manifest.
pub const MODELS: usize = 32;
/// Bytes of one file.
pub const FILE_BYTES: u64 = 2 << 30;

/// Answer of `GET /models`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignedManifest {
    /// The text that was signed: a [`Manifest`] as JSON.
    pub manifest: String,
    /// Ed25519, of [`SIGNED_CONTEXT`] and the text; 64 bytes in lower-case hex.
    pub signature: String,
    /// The public key it was made for, 32 bytes in lower-case hex. Tells an operator which key; a phone believes only
    /// the keys it was built with.
    pub key: String,
}

/// What the company lets phones load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Manifest {
    /// Rises with each signing. A phone that knows a higher one refuses this: an old manifest must not bring back a
    /// model that was withdrawn.
    pub serial: u64,
    /// At most [`MODELS`].
    pub models: Vec<Model>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Model {
    /// `base-q5_1`: 1–64 of `a-z 0-9 . _ -`; once in a manifest.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// Languages it understands (`ru`, `uk`, `en`); empty for a detector of speech.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Bytes of memory a device should have at least.
    #[serde(default)]
    pub needs_memory: u64,
    /// Among those a device can run the highest is the better one.
    #[serde(default)]
    pub rank: u32,
    /// Bytes.
    pub size: u64,
    /// Of the whole, lower-case hex.
    pub sha256: String,
    /// Of every [`CHUNK`] in turn, lower-case hex.
    pub chunks: Vec<String>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Turns speech into text (Whisper, ggml).
    Speech,
    /// Tells speech from everything else (Silero, ggml).
    Vad,
    /// Something a later app knows; left alone by this one.
    #[serde(other)]
    Other,
}

impl Manifest {
    /// Whether it keeps its own rules; the sentence says which it breaks. Says nothing about who made it.
    pub fn check(&self) -> Result<(), String> {
        if self.models.len() > MODELS {
            return Err(format!("it names {} models; at most {MODELS} are allowed", self.models.len()));
        }
        for (at, model) in self.models.iter().enumerate() {
            model.check()?;
            if self.models[..at].iter().any(|other| other.id == model.id) {
                return Err(format!("it names {} twice", model.id));
            }
        }
        Ok(())
    }
}

impl Model {
    /// Whether it keeps its own rules.
    pub fn check(&self) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(plain) {
            return Err("a model's id has 1 to 64 of a-z, 0-9, '.', '_' and '-'".to_owned());
        }
        let id = &self.id;
        if self.size == 0 || self.size > FILE_BYTES {
            return Err(format!("{id}: {} bytes; 1 to {FILE_BYTES} are allowed", self.size));
        }
        if self.chunks.len() as u64 != self.size.div_ceil(CHUNK) {
            return Err(format!("{id}: {} digests do not cover {} bytes", self.chunks.len(), self.size));
        }
        if !std::iter::once(&self.sha256).chain(&self.chunks).all(|digest| is_digest(digest)) {
            return Err(format!("{id}: a digest is not 64 lower-case hex digits"));
        }
        if self.languages.len() > 200 || !self.languages.iter().all(|language| language.len() <= 16) {
            return Err(format!("{id}: its languages are not such"));
        }
        Ok(())
    }

    /// The bytes `from..to` of its chunk `n`.
    pub fn chunk(&self, n: usize) -> std::ops::Range<u64> {
        let from = (n as u64).saturating_mul(CHUNK).min(self.size);
        from..from.saturating_add(CHUNK).min(self.size)
    }
}

/// Whether this is a SHA-256 as everything here writes it.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The bytes of lower-case hex of exactly `N` bytes.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the signature covers.
pub fn signed_bytes(manifest: &str) -> Vec<u8> {
    [SIGNED_CONTEXT, manifest.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Harm = fn(&mut Model);

    fn model() -> Model {
        Model {
            id: "base-q5_1".into(),
            role: Role::Speech,
            languages: vec!["ru".into()],
            needs_memory: 0,
            rank: 1,
            size: CHUNK + 1,
            sha256: "0a".repeat(32),
            chunks: vec!["0b".repeat(32), "0c".repeat(32)],
        }
    }

    #[test]
    fn a_manifest_that_contradicts_itself_names_what_is_wrong() {
        let good = Manifest { serial: 1, models: vec![model()] };
        assert_eq!(good.check(), Ok(()));
        let broken: [(&str, Harm); 7] = [
            ("id", |model| model.id = "../x".into()),
            ("id", |model| model.id.clear()),
            ("bytes", |model| model.size = 0),
            ("bytes", |model| model.size = u64::MAX),
            ("cover", |model| drop(model.chunks.pop())),
            ("hex", |model| model.sha256 = "0A".repeat(32)),
            ("hex", |model| model.chunks[1] = "0".repeat(63)),
        ];
        for (word, harm) in broken {
            let mut bad = good.clone();
            harm(&mut bad.models[0]);
            let said = bad.check().unwrap_err();
            assert!(said.contains(word), "{said}");
        }
        let twice = Manifest { serial: 1, models: vec![model(), model()] };
        assert!(twice.check().unwrap_err().contains("twice"));
    }

    #[test]
    fn an_old_app_reads_past_a_model_it_cannot_use() {
        let text = r#"{"serial":7,"models":[{"id":"x","role":"translate","size":1,"sha256":"","chunks":[],"new":1}]}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!(manifest.models[0].role, Role::Other);
    }

    #[test]
    fn hex_comes_back_as_it_went() {
        assert_eq!(from_hex::<3>(&to_hex(&[0, 0xab, 0xff])), Some([0, 0xab, 0xff]));
        assert_eq!(from_hex::<3>("00abf"), None);
        assert_eq!(from_hex::<3>("00ABFF"), None);
    }

    #[test]
    fn chunks_meet_without_a_gap() {
        let model = model();
        assert_eq!(model.chunk(0), 0..CHUNK);
        assert_eq!(model.chunk(1), CHUNK..CHUNK + 1);
        assert!(model.chunk(2).is_empty());
    }
}
