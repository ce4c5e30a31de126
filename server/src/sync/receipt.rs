//! Receipts: the server's proof to itself, across a restore, that it applied an op. The key lies outside the backup.

use hmac::{Hmac, KeyInit, Mac};
use pocketdesk_protocol::ids::OpId;
use sha2::Sha256;

/// The server's key for receipts and cursors, 32 bytes.
pub struct ReceiptKey([u8; 32]);

impl ReceiptKey {
    /// From its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mac(&self, purpose: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac
    }

    /// The receipt of an applied op: HMAC(key, op, hash), lower-case hex.
    pub fn receipt(&self, op: OpId, sha256: &str) -> String {
        let mut mac = self.mac("receipt");
        mac.update(op.0.as_bytes());
        mac.update(sha256.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether `receipt` is the one of that op; in constant time.
    pub fn is_receipt(&self, receipt: &str, op: OpId, sha256: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.receipt(op, sha256).as_bytes().ct_eq(receipt.as_bytes()).into()
    }

    /// Proof that a text the phone carries (a cursor, a resume key) is ours.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> [u8; 16] {
        let mut mac = self.mac(purpose);
        mac.update(bytes);
        let full = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        short
    }
}

impl std::fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiptKey(…)")
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
