//! Fetching what others attached: into sealed files, resumed where it was cut as long as the desk still names the
//! same bytes, believed only when the digest is the one the desk's row names.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use pocketdesk_domain::model::{AttachmentView, FileState};
use pocketdesk_protocol::{ids::AttachmentId, op::FileRef, rows};
use serde::{Deserialize, Serialize};

use super::{UNNAMED_KEPT_MS, files::SealedWriter, plain::copy_out};
use crate::{
    engine::account::{Account, Transfer},
    env::NetError,
    error::{Error, Result},
    remote::answer::Failure,
    store::LocalFile,
};

/// Bytes handed to the disk at once.
const BATCH: usize = 256 << 10;

/// A download that was begun, kept as a setting until it is whole.
#[derive(Clone, Serialize, Deserialize)]
struct Begun {
    sealed: String,
    etag: String,
}

fn setting(id: AttachmentId) -> String {
    format!("download-{id}")
}

impl Account {
    /// Writes a plain copy to `to`, fetching the bytes first if they are not on this phone.
    pub async fn open_attachment(self: &Arc<Self>, id: AttachmentId, to: PathBuf) -> Result<AttachmentView> {
        let local = self.fetched(id).await?;
        let (folder, sealed) = (self.folder.clone(), local.sealed.clone());
        self.bytes(move || copy_out(&folder, &sealed, &to)).await?;
        self.used(id).await?;
        let state = self
            .read(move |snapshot| {
                let row = snapshot.cache().map(|cache| cache.attachment(id)).transpose()?.flatten();
                Ok(row.map_or(FileState::Pending, |row| match row.row.state {
                    rows::FileState::Pending => FileState::Pending,
                    rows::FileState::Complete => FileState::Complete,
                    rows::FileState::Missing => FileState::Missing,
                }))
            })
            .await?;
        let FileRef { name, size, sha256, .. } = local.file;
        Ok(AttachmentView { id: id.to_string(), name, size, sha256, on_phone: true, state, delivery: None })
    }

    /// Some bytes of a file that is on this phone.
    pub async fn read_attachment(
        self: &Arc<Self>,
        id: AttachmentId,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>> {
        let local = self.local(id).await?.ok_or(Error::NotFound { what: "attachment" })?;
        let folder = self.folder.clone();
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(1 << 20);
        self.bytes(move || Ok(folder.read(&local.sealed)?.read_range(offset, length)?)).await
    }

    async fn local(self: &Arc<Self>, id: AttachmentId) -> Result<Option<LocalFile>> {
        let local = self.read(move |snapshot| Ok(snapshot.own().file(id)?)).await?;
        Ok(local.filter(|file| self.folder.has(&file.sealed)))
    }

    /// The file's bytes, on this phone when it returns.
    async fn fetched(self: &Arc<Self>, id: AttachmentId) -> Result<LocalFile> {
        if let Some(local) = self.local(id).await? {
            return Ok(local);
        }
        // One at a time: two downloads of one file would write into one.
        let _one = self.downloading.lock().await;
        if let Some(local) = self.local(id).await? {
            return Ok(local);
        }
        let row = self
            .read(move |snapshot| {
                Ok(snapshot.cache().map(|cache| cache.attachment(id)).transpose()?.flatten())
            })
            .await?
            .ok_or(Error::NotFound { what: "attachment" })?
            .row;
        if row.state != rows::FileState::Complete {
            return Err(Error::NotWholeYet);
        }
        let file = FileRef { id, name: row.name, size: row.size, sha256: row.sha256 };
        let transfer = Transfer { down: true, file: file.clone(), done: 0, active: true, retrying: None };
        self.show_transfer(id, |known| *known = Some(transfer));
        let fetched = match self.shared.while_allowed(self.fetch(&file)).await {
            Some(fetched) => fetched,
            None if self.shared.topics.is_closed() => Err(Error::Closed),
            None => Err(Error::Offline),
        };
        self.show_transfer(id, |known| *known = None);
        fetched
    }

    async fn fetch(self: &Arc<Self>, file: &FileRef) -> Result<LocalFile> {
        let name = setting(file.id);
        let of = name.clone();
        let begun = self.read(move |snapshot| Ok(snapshot.own().setting(&of)?)).await?;
        let begun: Option<Begun> = begun.and_then(|begun| serde_json::from_str(&begun).ok());
        let mut writer = None;
        if let Some(begun) = &begun {
            let (folder, sealed) = (self.folder.clone(), begun.sealed.clone());
            writer = self.bytes(move || folder.resume(&sealed)).await.ok();
        }
        let from = writer.as_ref().map_or(0, SealedWriter::size).min(file.size);
        let etag = begun.as_ref().map(|begun| begun.etag.clone());
        let api = self.api().await?;
        let download = self
            .with_token(|token| {
                let (api, etag, id) = (api.clone(), etag.clone(), file.id);
                async move { api.download(&token, id, from, etag.as_deref()).await }
            })
            .await?;
        let (sealed, writer) = match (begun, writer) {
            // It goes on where it was cut.
            (Some(begun), Some(writer)) if download.from == from && from > 0 => (begun.sealed, writer),
            // Other bytes, or nothing usable of the old: from the start.
            (begun, _) => {
                if download.from != 0 {
                    return Err(Failure::Server { status: 206, after: None }.into());
                }
                self.begin(begun, &name, download.etag.clone()).await?
            }
        };
        self.pour(file, &sealed, writer, download.body, download.from).await?;
        self.keep(file, sealed, name).await
    }

    /// A new sealed file, its name noted so that a cut download can go on.
    async fn begin(
        self: &Arc<Self>,
        old: Option<Begun>,
        name: &str,
        etag: Option<String>,
    ) -> Result<(String, SealedWriter)> {
        let (folder, rng) = (self.folder.clone(), self.shared.env.rng.clone());
        let (sealed, writer) = self
            .bytes(move || {
                if let Some(old) = old {
                    folder.remove(&old.sealed)?;
                }
                folder.create(&*rng)
            })
            .await?;
        if let Some(etag) = etag {
            let begun =
                serde_json::to_string(&Begun { sealed: sealed.clone(), etag }).expect("two strings are JSON");
            let name = name.to_owned();
            self.record(move |tx| Ok(tx.set_setting(&name, Some(&begun))?)).await?;
        }
        Ok((sealed, writer))
    }

    async fn pour(
        self: &Arc<Self>,
        file: &FileRef,
        sealed: &str,
        writer: SealedWriter,
        mut body: crate::env::Body,
        mut done: u64,
    ) -> Result<()> {
        let writer = Arc::new(Mutex::new(Some(writer)));
        let mut batch = BytesMut::new();
        loop {
            let (chunk, over) = match body.next().await {
                Some(Ok(chunk)) => (chunk, Ok(false)),
                None => (Bytes::new(), Ok(true)),
                // What came is kept for the next try.
                Some(Err(error)) => (Bytes::new(), Err(error)),
            };
            batch.extend_from_slice(&chunk);
            if over == Ok(false) && batch.len() < BATCH {
                continue;
            }
            let bytes = batch.split().freeze();
            done += bytes.len() as u64;
            if done > file.size {
                return Err(Error::WrongBytes);
            }
            let to = writer.clone();
            self.bytes(move || {
                let mut writer = to.lock().unwrap_or_else(PoisonError::into_inner);
                writer.as_mut().map_or(Ok(()), |writer| writer.write(&bytes))
            })
            .await?;
            self.show_transfer(file.id, |known| {
                if let Some(known) = known {
                    known.done = known.done.max(done);
                }
            });
            if over? {
                break;
            }
        }
        if done < file.size {
            return Err(NetError::Cut.into());
        }
        let (folder, sealed, name) = (self.folder.clone(), sealed.to_owned(), setting(file.id));
        let expected = file.sha256.clone();
        let whole = self
            .bytes(move || {
                let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(writer) = writer else { return Ok(false) };
                let whole = folder.finish(&sealed, writer)?.sha256 == expected;
                if !whole {
                    folder.remove(&sealed)?;
                }
                Ok::<_, Error>(whole)
            })
            .await?;
        if whole {
            return Ok(());
        }
        self.record(move |tx| Ok(tx.set_setting(&name, None)?)).await?;
        Err(Error::WrongBytes)
    }

    async fn keep(self: &Arc<Self>, file: &FileRef, sealed: String, name: String) -> Result<LocalFile> {
        let now = self.shared.env.clock.now();
        let local = LocalFile {
            file: file.clone(),
            sealed,
            staged: false,
            created_at: now,
            used_at: now,
            have: Vec::new(),
            complete_at: Some(now),
            stopped: false,
            token: None,
            wake_interval: 0,
            wake_due: 0,
        };
        let (kept, bound) = (local.clone(), self.shared.settings.attachment_cache_bytes);
        self.record(move |tx| {
            // Room is made before it comes: the file somebody waits for is not the one that goes.
            tx.evict(bound.saturating_sub(kept.file.size), now - UNNAMED_KEPT_MS)?;
            tx.put_file(&kept)?;
            Ok(tx.set_setting(&name, None)?)
        })
        .await?;
        Ok(local)
    }

    async fn used(self: &Arc<Self>, id: AttachmentId) -> Result<()> {
        let now = self.shared.env.clock.now();
        let noted = self
            .record(move |tx| {
                if let Some(mut file) = tx.file(id)?
                    && !file.staged
                {
                    file.used_at = now;
                    tx.put_file(&file)?;
                }
                Ok(())
            })
            .await;
        match noted {
            // A file that can be read can be opened, whatever else cannot be written.
            Err(Error::Store(crate::store::StoreError::ReadOnly { .. } | crate::store::StoreError::Full)) => {
                Ok(())
            }
            other => other,
        }
    }
}
