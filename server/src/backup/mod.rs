//! Backup and restore. A backup is a portable dump of every table, read in one transaction, then the blobs; the same
//! format for both stores, so that a desk may also move from one to the other.
//!
//! Not in it, by design: the server's key and what [`outside`] holds. A restore needs both where they lie.

use std::{io, path::Path};

use futures_util::future::BoxFuture;

use crate::{
    context::ServiceError,
    env::{Env, system::private_folder},
    store::Store,
};

mod dump;
pub mod outside;
mod restore;

pub use restore::restore;

/// Name of the database's part of a backup.
const DATABASE: &str = "database.ndjson.zst";
/// Folder of the blobs' part.
const BLOBS: &str = "blobs";

/// Copies blobs; the server's object store implements it.
pub trait BlobCopy: Send + Sync {
    /// Copies every blob into `folder`, after the database was dumped: a blob no row names does no harm.
    fn copy_to<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, io::Result<u64>>;
    /// Copies every blob of `folder` back, before rows name them.
    fn copy_from<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, io::Result<u64>>;
}

/// Writes `folder`/database.ndjson.zst and `folder`/blobs. The folder must not hold a backup yet; it is whole when this
/// returns, and the database's part carries its name only then.
pub async fn backup(
    store: &dyn Store,
    env: &Env,
    blobs: &dyn BlobCopy,
    folder: &Path,
) -> Result<(), ServiceError> {
    let target = folder.join(DATABASE);
    if target.exists() {
        return Err(ServiceError::invalid(
            "folder",
            format!("{} holds a backup already; name an empty folder", folder.display()),
        ));
    }
    private_folder(&folder.join(BLOBS))?;
    let part = folder.join(format!("{DATABASE}.part"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Everybody's words: no other account of this machine reads them.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let dump = options.open(&part)?;
    let dump = dump::write(store, env.clock.now(), dump).await?;
    dump.sync_all()?;
    blobs.copy_to(&folder.join(BLOBS)).await?;
    std::fs::rename(part, target)?;
    std::fs::OpenOptions::new().read(true).open(folder)?.sync_all()?;
    Ok(())
}
