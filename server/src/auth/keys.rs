//! The server's own secrets: one key that everything else is derived from, and the staff token. They lie in
//! `DATA/keys`, which `backup` does not copy: whoever holds a backup can neither forge a receipt nor enter.

use std::{io, path::Path};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{
    env::{Rng, system},
    sync::receipt::hex,
};

/// The key, and what staff show.
#[derive(Clone)]
pub struct Keys {
    server: [u8; 32],
    staff: [u8; 32],
}

impl Keys {
    /// Reads them, or makes them.
    pub fn open(folder: &Path, rng: &dyn Rng) -> io::Result<Self> {
        let text = system::load_or_create_secret(&folder.join("server-key"), || random_hex(rng))?;
        let server = unhex(text.trim()).ok_or_else(|| {
            io::Error::other("keys/server-key is damaged: it must be 64 hexadecimal digits")
        })?;
        Ok(Self { server, staff: sha256(staff_token(folder, rng)?.as_bytes()) })
    }

    /// Keys that lie nowhere, for World.
    pub fn in_memory(server: [u8; 32], staff_token: &str) -> Self {
        Self { server, staff: sha256(staff_token.as_bytes()) }
    }

    /// The key of one purpose.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.mac("derive", &[purpose.as_bytes()])
    }

    /// HMAC of `parts`, each with its length before it.
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.server).expect("HMAC takes a key of any length");
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Whether it is the staff's token; in constant time.
    pub fn is_staff(&self, token: &str) -> bool {
        same(&sha256(token.as_bytes()), &self.staff)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// The token the staff's programs carry; made at the first asking.
pub fn staff_token(folder: &Path, rng: &dyn Rng) -> io::Result<String> {
    let token =
        system::load_or_create_secret(&folder.join("staff-token"), || format!("staff-{}", random_hex(rng)))?;
    let token = token.trim();
    if token.len() < 32 {
        return Err(io::Error::other(
            "keys/staff-token is too short to be a secret: remove it to have a new one made",
        ));
    }
    Ok(token.to_owned())
}

/// Compares in constant time.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    a.ct_eq(b).into()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// 32 bytes from 64 hexadecimal digits.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn random_hex(rng: &dyn Rng) -> String {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    hex(&bytes)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_only_their_owner_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("keys");
        let rng = system::System::new();
        let token = staff_token(&folder, &rng).unwrap();
        let first = Keys::open(&folder, &rng).unwrap();
        let second = Keys::open(&folder, &rng).unwrap();
        assert_eq!(first.derive("receipts"), second.derive("receipts"));
        assert_ne!(first.derive("receipts"), first.derive("codes"));
        assert_eq!(staff_token(&folder, &rng).unwrap(), token);
        assert!(first.is_staff(&token) && !first.is_staff("staff-0"));
        #[cfg(unix)]
        for name in ["server-key", "staff-token"] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_damaged_key_is_an_error_and_never_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("server-key"), "short").unwrap();
        assert!(Keys::open(dir.path(), &system::System::new()).is_err());
        assert_eq!(std::fs::read_to_string(dir.path().join("server-key")).unwrap(), "short");
    }
}
