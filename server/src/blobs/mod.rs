//! Bytes of files. A file is a manifest of parts in the database and one object per part; it is never assembled.
//! An object's name holds the digest of its bytes, so whoever writes it twice writes the same, and a row that names
//! it names these bytes and no others.

pub mod copy;
pub mod manifest;
mod models;
pub mod sniff;
mod staff_files;
pub mod sweep;
pub mod uploads;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, aws::AmazonS3Builder, local::LocalFileSystem, path::Path as Key,
};
use pocketdesk_protocol::ids::{AttachmentId, PersonId};

use crate::config::{ConfigError, S3};

/// Why bytes could not be kept or read; names objects, which hold ids and digests alone.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The disk or the S3 service failed.
    #[error("the place of files' bytes failed: {0}")]
    Store(#[from] object_store::Error),
    /// A row names an object that is not there or has another length.
    #[error("a part of a file is damaged: {0}")]
    Damaged(String),
}

/// One part of one file of one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    /// The attachment.
    pub id: AttachmentId,
    /// Who sends it; none for staff.
    pub person: Option<PersonId>,
    /// From 0.
    pub n: u64,
    /// Of its bytes, lower-case hex.
    pub sha256: String,
}

impl PartName {
    /// Folders are spread by the *end* of a UUIDv7, which is chance; its beginning is time.
    fn key(&self) -> Key {
        let id = self.id.to_string();
        let person = self.person.map_or_else(|| "staff".to_owned(), |person| person.to_string());
        Key::from(format!("{}/{id}.{person}.{}.{}", &id[id.len() - 2..], self.n, self.sha256))
    }
}

/// The place of files' bytes.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// Any object store; for World, one in memory.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// A folder. Every write is on the disk before it is acknowledged: the file, and its entry in the folder.
    #[allow(clippy::disallowed_methods)]
    pub fn folder(path: &Path) -> Result<Self, BlobError> {
        let failed = |source: std::io::Error| {
            BlobError::Store(object_store::Error::Generic { store: "folder", source: Box::new(source) })
        };
        crate::env::system::private_folder(path).map_err(failed)?;
        // All folders are made now: one made under the first part's feet could vanish with its second part.
        for number in 0..=u8::MAX {
            crate::env::system::private_folder(&path.join(format!("{number:02x}"))).map_err(failed)?;
        }
        crate::env::system::private_folder(&path.join(models::FOLDER)).map_err(failed)?;
        std::fs::File::open(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
        Ok(Self::new(Arc::new(store)))
    }

    /// An S3-compatible service; its acknowledgement is durable by its own promise.
    pub fn s3(config: &S3) -> Result<Self, ConfigError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key_id)
            .with_secret_access_key(&config.secret_access_key);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let s3 = builder
            .build()
            .map_err(|why| ConfigError::Wrong { place: "s3".into(), reason: why.to_string() })?;
        Ok(match &config.prefix {
            Some(prefix) => Self::new(Arc::new(object_store::prefix::PrefixStore::new(s3, prefix.as_str()))),
            None => Self::new(Arc::new(s3)),
        })
    }

    /// Keeps a part; durable when it returns.
    pub async fn put(&self, name: &PartName, bytes: Bytes) -> Result<(), BlobError> {
        self.store.put(&name.key(), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// All of a part.
    pub async fn get(&self, name: &PartName) -> Result<Bytes, BlobError> {
        Ok(self.store.get(&name.key()).await?.bytes().await?)
    }

    /// Bytes `from..to` of a part.
    pub async fn range(&self, name: &PartName, from: u64, to: u64) -> Result<Bytes, BlobError> {
        Ok(self.store.get_range(&name.key(), from..to).await?)
    }

    /// Deletes a part; one that is not there is deleted.
    pub async fn delete(&self, name: &PartName) -> Result<(), BlobError> {
        match self.store.delete(&name.key()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the place answers: for the health route.
    pub async fn answers(&self) -> bool {
        let probe = Key::from("00/health");
        matches!(self.store.head(&probe).await, Ok(_) | Err(object_store::Error::NotFound { .. }))
    }
}
