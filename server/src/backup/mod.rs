//! Backup and restore. A backup is a portable dump of every table, read in one transaction, then the blobs; the same
//! format for both stores, so that a desk may also move from one to the other.

use std::path::Path;

use crate::{context::ServiceError, env::Env, store::Store};

pub mod outside;

/// Copies blobs; the server's object store implements it.
pub trait BlobCopy: Send + Sync {
    /// Copies every blob into `folder`, after the database was dumped: a blob no row names does no harm.
    fn copy_to<'a>(&'a self, folder: &'a Path) -> futures_util::future::BoxFuture<'a, std::io::Result<u64>>;
    /// Copies every blob of `folder` back, before rows name them.
    fn copy_from<'a>(&'a self, folder: &'a Path)
    -> futures_util::future::BoxFuture<'a, std::io::Result<u64>>;
}

/// Writes `folder`/database.ndjson.zst and `folder`/blobs. The folder must not hold a backup yet.
pub async fn backup(
    store: &dyn Store,
    env: &Env,
    blobs: &dyn BlobCopy,
    folder: &Path,
) -> Result<(), ServiceError> {
    let _ = (store, env, blobs, folder);
    unimplemented!("backup")
}

/// Fills an empty, migrated database from a backup: a higher epoch, scopes_rev and numbers past any given, erasures
/// replayed. Half a restore is refused at the next start.
pub async fn restore(
    store: &dyn Store,
    env: &Env,
    blobs: &dyn BlobCopy,
    outside: &dyn outside::Outside,
    folder: &Path,
) -> Result<(), ServiceError> {
    let _ = (store, env, blobs, outside, folder);
    unimplemented!("restore")
}
