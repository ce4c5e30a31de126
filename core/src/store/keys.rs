//! One 32-byte secret per account, kept by the Secrets port; the keys of its files are derived from it, so that no
//! two ciphers ever share one.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{Result, StoreError};
use crate::env::{Rng, Secrets};

/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;

/// A key; wiped when dropped, never shown.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// The raw bytes.
    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// A key for one purpose (and, for files, one salt), from which this one cannot be found.
    pub(crate) fn derive(&self, purpose: &str, salt: &[u8]) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        // Purposes are constants without a zero byte: no two inputs are one.
        mac.update(&[0]);
        mac.update(salt);
        Self(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    /// A new one.
    pub(crate) fn random(rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rng.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Checked here, because a key of another length would be read as a passphrase without a word.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The keys of one account's files.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub own: Key,
    pub cache: Key,
    pub files: Key,
}

impl Keys {
    pub(crate) fn of(account: &Key) -> Self {
        let derive = |purpose| account.derive(purpose, &[]);
        Self { own: derive("own.db"), cache: derive("cache.db"), files: derive("files") }
    }

    /// The keys of an account that exists.
    pub(crate) fn load(secrets: &dyn Secrets, account: &str) -> Result<Self> {
        let missing = || StoreError::KeyMissing { account: account.to_owned() };
        let secret = Zeroizing::new(secrets.load(&secret_name(account))?.ok_or_else(missing)?);
        let key = Key::from_slice(&secret).ok_or_else(|| StoreError::Failed {
            reason: format!("the key of account {account} has {} bytes, not {KEY_BYTES}", secret.len()),
        })?;
        Ok(Self::of(&key))
    }
}

/// What the account's key is called in the Secrets port.
pub(crate) fn secret_name(account: &str) -> String {
    format!("account-{account}")
}
