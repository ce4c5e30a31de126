//! What happens away from the server, on the machine that holds the company's signing key: a key is made once, files
//! are described and the description is signed.
#![allow(clippy::disallowed_methods, reason = "an operator's verb reads the files and the key it was given")]

use std::{fs::File, io::Read, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pocketdesk_protocol::models::{
    CHUNK, Manifest, Model, Role, SignedManifest, from_hex, signed_bytes, to_hex,
};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};

use super::{ModelsError, trouble};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// What a ggml file begins with.
const MAGIC: [u8; 4] = *b"lmgg";

/// A new Ed25519 key as PEM (PKCS#8).
pub fn new_key() -> Result<String, ModelsError> {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| ModelsError::Manifest("the system gave no chance to make a key from".to_owned()))?;
    Ok(format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(key.as_ref())))
}

/// The key in a PEM text; the sentence says what is wrong with it.
pub fn read_key(pem: &str) -> Result<Ed25519KeyPair, String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "it is not a private key in PEM (PKCS#8)")?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
        .map_err(|_| "it is not an Ed25519 key".to_owned())
}

/// The public half, as phones are built with it.
pub fn public(key: &Ed25519KeyPair) -> String {
    to_hex(key.public_key().as_ref())
}

/// Signs it. The text is what is signed; nothing may be laid out anew after that.
pub fn sign(manifest: &Manifest, key: &Ed25519KeyPair) -> SignedManifest {
    let text = serde_json::to_string(manifest).expect("the protocol's types are JSON");
    let signature = key.sign(&signed_bytes(&text));
    SignedManifest { signature: to_hex(signature.as_ref()), key: public(key), manifest: text }
}

/// Whether the envelope is signed with that key.
pub(super) fn is_signed(signed: &SignedManifest, key: &[u8; 32]) -> bool {
    let Some(signature) = from_hex::<64>(&signed.signature) else { return false };
    UnparsedPublicKey::new(&ED25519, key).verify(&signed_bytes(&signed.manifest), &signature).is_ok()
}

/// What a manifest says of a file. Its name tells what it is: `base-q5_1.bin`, `tiny.en-q8_0.bin`, `silero.bin`.
pub fn describe(path: &Path) -> Result<Model, ModelsError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let id = name.strip_suffix(".bin").unwrap_or(&name).to_owned();
    let kind = Kind::of(&id).ok_or_else(|| {
        let sentence = "name the file after its model (tiny, base, small, medium, each also with .en, or silero) and \
                        its rounding: base-q5_1.bin";
        trouble(path, sentence.to_owned())
    })?;
    let mut file = open(path)?;
    let (mut whole, mut chunks, mut size) = (Sha256::new(), Vec::new(), 0);
    loop {
        let mut bytes = Vec::new();
        file.by_ref().take(CHUNK).read_to_end(&mut bytes).map_err(|why| trouble(path, why.to_string()))?;
        if bytes.is_empty() {
            break;
        }
        if chunks.is_empty() && !bytes.starts_with(&MAGIC) {
            return Err(trouble(path, "it is not a ggml file".to_owned()));
        }
        size += bytes.len() as u64;
        whole.update(&bytes);
        chunks.push(to_hex(&Sha256::digest(&bytes)));
    }
    let model = Model {
        id,
        role: kind.role,
        languages: kind.languages.iter().map(|language| (*language).to_owned()).collect(),
        needs_memory: kind.needs_memory,
        rank: kind.rank,
        size,
        sha256: to_hex(&whole.finalize()),
        chunks,
    };
    model.check().map_err(|why| trouble(path, why))?;
    Ok(model)
}

pub(super) fn open(path: &Path) -> Result<File, ModelsError> {
    File::open(path).map_err(|why| trouble(path, why.to_string()))
}

/// What is known of a model by its name.
struct Kind {
    role: Role,
    languages: &'static [&'static str],
    needs_memory: u64,
    rank: u32,
}

impl Kind {
    /// Memory and rank are those of the tiers: tiny for old phones, base for most, small and more for better ones.
    fn of(id: &str) -> Option<Self> {
        const GIB: u64 = 1 << 30;
        let (family, rounding) = id.split_once('-').unwrap_or((id, ""));
        if family == "silero" {
            return Some(Self { role: Role::Vad, languages: &[], needs_memory: 0, rank: 1 });
        }
        let (size, english) = family.strip_suffix(".en").map_or((family, false), |size| (size, true));
        let (tier, needs_memory) = match size {
            "tiny" => (1, 0),
            "base" => (2, 2 * GIB),
            "small" => (3, 4 * GIB),
            "medium" => (4, 8 * GIB),
            _ => return None,
        };
        // Of one size the five-bit one is the one to take; a model for English alone is nobody's first choice here.
        let within = match rounding {
            "q5_1" => 3,
            "q8_0" => 2,
            _ => 1,
        };
        let rank = if english { tier } else { 10 * tier + within };
        let languages: &[&str] = if english { &["en"] } else { &["ru", "uk", "en"] };
        Some(Self { role: Role::Speech, languages, needs_memory, rank })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_its_own_text_and_key_alone() {
        let key = read_key(&new_key().unwrap()).unwrap();
        let signed = sign(&Manifest { serial: 1, models: Vec::new() }, &key);
        let public: [u8; 32] = from_hex(&signed.key).unwrap();
        assert!(is_signed(&signed, &public));
        let other = read_key(&new_key().unwrap()).unwrap();
        assert!(!is_signed(&signed, &from_hex(&super::public(&other)).unwrap()));
        let text = signed.manifest.replace("1", "2");
        assert!(!is_signed(&SignedManifest { manifest: text, ..signed.clone() }, &public));
        // The bare text under the same key is something else than a manifest.
        let bare = to_hex(key.sign(signed.manifest.as_bytes()).as_ref());
        assert!(!is_signed(&SignedManifest { signature: bare, ..signed }, &public));
    }

    #[test]
    fn a_key_that_is_none_says_so() {
        assert!(read_key("hello").unwrap_err().contains("PEM"));
        let rsa = format!("{BEGIN}\n{}\n{END}", STANDARD.encode([0x30, 0x02, 0x01, 0x00]));
        assert!(read_key(&rsa).unwrap_err().contains("Ed25519"));
    }

    #[test]
    fn a_phone_is_offered_what_it_can_carry() {
        let rank = |id| Kind::of(id).unwrap().rank;
        assert!(rank("small-q5_1") > rank("base-q5_1") && rank("base-q5_1") > rank("base-q8_0"));
        assert!(
            rank("tiny-q5_1") > rank("small.en-q5_1"),
            "Ukrainian in a small model beats English in a large one"
        );
        assert!(Kind::of("letter").is_none());
    }
}
