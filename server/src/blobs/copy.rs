//! Blobs into a backup's folder and back, as plain files.

use std::{io, path::Path};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem};

use super::Blobs;
use crate::backup::BlobCopy;

/// A part is at most 1 MiB and a speech model's chunk 4 MiB, so whole objects in memory, a few at a time, are small
/// change.
const AT_ONCE: usize = 8;

impl BlobCopy for Blobs {
    fn copy_to<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, io::Result<u64>> {
        Box::pin(async move { copy(self.store.as_ref(), &local(folder)?).await })
    }

    fn copy_from<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, io::Result<u64>> {
        Box::pin(async move { copy(&local(folder)?, self.store.as_ref()).await })
    }
}

fn local(folder: &Path) -> io::Result<LocalFileSystem> {
    crate::env::system::private_folder(folder)?;
    Ok(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))
}

async fn copy(from: &dyn ObjectStore, to: &dyn ObjectStore) -> io::Result<u64> {
    from.list(None)
        .map(|found| async move {
            let key = found?.location;
            match from.get(&key).await {
                Ok(object) => to.put(&key, PutPayload::from_bytes(object.bytes().await?)).await.map(|_| 1),
                // Swept between the listing and the reading: no row names it.
                Err(object_store::Error::NotFound { .. }) => Ok(0),
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await
        .map_err(|error: object_store::Error| io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pocketdesk_protocol::ids::AttachmentId;

    use super::*;
    use crate::blobs::PartName;

    #[tokio::test]
    async fn a_backup_holds_every_part_and_gives_it_back() {
        let (one, two, backup) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let part =
            PartName { id: AttachmentId(uuid::Uuid::from_u128(7)), person: None, n: 0, sha256: "ab".into() };
        let first = Blobs::folder(one.path()).unwrap();
        first.put(&part, Bytes::from_static(b"photo")).await.unwrap();
        assert_eq!(first.copy_to(&backup.path().join("blobs")).await.unwrap(), 1);
        let second = Blobs::folder(two.path()).unwrap();
        assert_eq!(second.copy_from(&backup.path().join("blobs")).await.unwrap(), 1);
        assert_eq!(second.get(&part).await.unwrap(), Bytes::from_static(b"photo"));
    }
}
