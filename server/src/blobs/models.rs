//! Bytes of speech models: one object per chunk of the manifest, named by the file's digest, and the manifest itself.

use std::{collections::BTreeSet, ops::Range};

use bytes::Bytes;
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutPayload, path::Path as Key};
use pocketdesk_protocol::models::{CHUNK, Model, to_hex};
use sha2::{Digest as _, Sha256};

use super::{BlobError, Blobs};

/// The folder of all of it.
pub(super) const FOLDER: &str = "models";

fn chunk(sha256: &str, n: u64) -> Key {
    Key::from(format!("{FOLDER}/{sha256}.{n}"))
}

impl Blobs {
    /// Keeps a chunk; durable when it returns.
    pub async fn put_model_chunk(&self, model: &Model, n: u64, bytes: Bytes) -> Result<(), BlobError> {
        self.store.put(&chunk(&model.sha256, n), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// Whether all chunks of a model are here, every byte as it was signed.
    pub async fn has_model(&self, model: &Model) -> Result<bool, BlobError> {
        for (n, digest) in (0..).zip(&model.chunks) {
            let bytes = match self.store.get(&chunk(&model.sha256, n)).await {
                // The length first: what is no chunk of ours need not fit into memory.
                Ok(found) if found.meta.size <= CHUNK => found.bytes().await?,
                Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            if to_hex(&Sha256::digest(&bytes)) != *digest {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The bytes of `range`, at most one chunk in memory at a time.
    pub fn model_bytes(
        &self,
        model: &Model,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Bytes, BlobError>> {
        let (store, sha256, size) = (self.store.clone(), model.sha256.clone(), model.size);
        let Range { start, end } = range.start..range.end.min(size);
        let first = start / CHUNK;
        let last = if start < end { end.div_ceil(CHUNK) } else { first };
        stream::iter(first..last)
            .then(move |n| {
                let (store, key) = (store.clone(), chunk(&sha256, n));
                let begin = n * CHUNK;
                let (from, to) = (start.saturating_sub(begin), (end - begin).min(CHUNK));
                async move {
                    let bytes = store.get_range(&key, from..to).await?;
                    if bytes.len() as u64 == to - from {
                        Ok(bytes)
                    } else {
                        Err(BlobError::Damaged(key.to_string()))
                    }
                }
            })
            .boxed()
    }

    /// Takes the place of the manifest before it, whole or not at all.
    pub async fn put_models_manifest(&self, bytes: Bytes) -> Result<(), BlobError> {
        self.store.put(&Key::from(format!("{FOLDER}/manifest")), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// The manifest, if there is one.
    pub async fn models_manifest(&self) -> Result<Option<Bytes>, BlobError> {
        match self.store.get(&Key::from(format!("{FOLDER}/manifest"))).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes every model but these. Answers how many.
    pub async fn keep_models(&self, digests: &[&str]) -> Result<usize, BlobError> {
        let all: Vec<_> = self.store.list(Some(&Key::from(FOLDER))).try_collect().await?;
        let mut gone = BTreeSet::new();
        for object in all {
            let name = object.location.filename().unwrap_or_default();
            let Some((sha256, _)) = name.split_once('.') else { continue };
            if !digests.contains(&sha256) {
                self.store.delete(&object.location).await?;
                gone.insert(sha256.to_owned());
            }
        }
        Ok(gone.len())
    }
}
