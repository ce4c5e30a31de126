//! Carrying files to the desk, beside the pushes: text never waits for bytes, and a file never waits for its text.
//!
//! One file at a time, its parts a few at once and in any order. Each part is durable at the desk when it is
//! acknowledged, so an upload goes on after a kill, a day later, on another network, with the parts that are missing.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream,
};
use pocketdesk_domain::{
    model::{Delivery, Direction, RetryReason, TransferView, WaitsFor},
    outbox::overlay::delivery_of_file,
};
use pocketdesk_protocol::{
    ids::AttachmentId,
    limits::part_count,
    session::problem,
    uploads::{Upload, UploadCreate},
};
use sha2::{Digest as _, Sha256};

use super::{files::FileError, sent_bytes};
use crate::{
    engine::{
        account::{Account, Transfer, paused},
        exchanges::failure_of,
        topics::Topic,
    },
    error::{Error, Result},
    remote::answer::Failure,
    session::sign_in::hex,
    store::LocalFile,
};

/// Setting: there while files wait for a network where bytes cost nothing.
pub(crate) const WIFI: &str = "files-wait-for-wifi";
/// Parts under way at once: a slow link is filled, a lost one costs little.
const AT_ONCE: usize = 3;
/// Parts between two notes in own.db; the desk knows the rest.
const NOTE_EVERY: usize = 8;
/// The first wait after a failure, ms, doubled up to the last.
const FIRST_MS: i64 = 1_000;
/// See above.
const CAP_MS: i64 = 300_000;
/// When the desk refused it or its bytes cannot be read: asking every second helps nobody.
const HOUR_MS: i64 = 3_600_000;
/// Without news the queue is looked at this often: another process may have written.
const LOOK: Duration = Duration::from_secs(60);

/// What is to be done next.
enum Next {
    Now(Box<LocalFile>),
    /// At this time by the phone's clock.
    At(i64),
    Nothing,
}

impl Account {
    /// Uploads what is to be uploaded, for as long as it is run.
    pub(crate) async fn upload_loop(self: Arc<Self>) {
        loop {
            let mut news = pin!(self.uploads.notified());
            news.as_mut().enable();
            let wait = match self.next_upload().await {
                Ok(Next::Now(file)) => match self.upload(*file).await {
                    Ok(()) => continue,
                    Err(Error::Closed) => return,
                    Err(error) => {
                        // How it went cannot be kept (a full disk): at once it would go no better.
                        tracing::warn!(account = %self.name, %error, "how an upload went cannot be written down");
                        LOOK
                    }
                },
                Ok(Next::At(due)) => {
                    let wait = due.saturating_sub(self.shared.env.clock.now()).max(10);
                    LOOK.min(Duration::from_millis(wait.cast_unsigned()))
                }
                Ok(Next::Nothing) => LOOK,
                Err(Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(account = %self.name, %error, "the files to upload cannot be read");
                    LOOK
                }
            };
            select(news, self.shared.env.clock.sleep(wait)).await;
        }
    }

    /// How many files could be uploaded now.
    pub(crate) async fn uploads_due(self: &Arc<Self>) -> Result<usize> {
        if self.uploads_wait_for().await?.is_some() {
            return Ok(0);
        }
        let now = self.shared.env.clock.now();
        self.read(move |snapshot| {
            Ok(snapshot.own().uploads()?.iter().filter(|file| file.wake_due <= now).count())
        })
        .await
    }

    /// Files under way, and the person's own that wait to be.
    pub async fn transfers(self: &Arc<Self>) -> Result<Vec<TransferView>> {
        let this = self.clone();
        self.read(move |snapshot| {
            let scene = this.scene(snapshot)?;
            let moving = this.standing().transfers.clone();
            let mut views = Vec::new();
            for file in snapshot.own().files()?.into_iter().filter(|file| file.staged) {
                let named = snapshot.own().is_named(file.file.id)?;
                if named && (file.complete_at.is_none() || moving.contains_key(&file.file.id)) {
                    let facts = scene.files.get(&file.file.id).copied().unwrap_or_default();
                    views.push(TransferView {
                        account: this.name.clone(),
                        attachment: file.file.id.to_string(),
                        name: file.file.name.clone(),
                        direction: Direction::Up,
                        delivery: delivery_of_file(
                            &file.file,
                            None,
                            Some(facts),
                            &scene.account,
                            file.created_at,
                        ),
                        done: facts.sent,
                        total: file.file.size,
                        stopped: file.stopped,
                    });
                }
            }
            for transfer in moving.into_values().filter(|transfer| transfer.down) {
                views.push(TransferView {
                    account: this.name.clone(),
                    attachment: transfer.file.id.to_string(),
                    name: transfer.file.name,
                    direction: Direction::Down,
                    delivery: Delivery::Sending { sent: transfer.done, total: transfer.file.size },
                    done: transfer.done,
                    total: transfer.file.size,
                    stopped: false,
                });
            }
            Ok(views)
        })
        .await
    }

    /// What no file is uploaded before.
    async fn uploads_wait_for(self: &Arc<Self>) -> Result<Option<WaitsFor>> {
        let network = self.shared.network();
        if !self.shared.may_send() || !network.online {
            return Ok(Some(WaitsFor::Network));
        }
        self.read(move |snapshot| {
            let own = snapshot.own();
            if paused(&own.account()?, own.session()?.is_some()).is_some() {
                return Ok(Some(WaitsFor::SignIn));
            }
            Ok((network.metered && own.setting(WIFI)?.is_some()).then_some(WaitsFor::Wifi))
        })
        .await
    }

    async fn next_upload(self: &Arc<Self>) -> Result<Next> {
        if self.uploads_wait_for().await?.is_some() {
            return Ok(Next::Nothing);
        }
        let now = self.shared.env.clock.now();
        let at_once = self.uploads_at_once.swap(false, std::sync::atomic::Ordering::SeqCst);
        let mut files = self.read(|snapshot| Ok(snapshot.own().uploads()?)).await?;
        if at_once {
            // All that wait, not only the first: each goes in its turn.
            for file in files.iter_mut().filter(|file| file.wake_due > now) {
                self.note_upload(file.file.id, |file| file.wake_due = 0).await?;
                file.wake_due = 0;
            }
        }
        // A wake-up further away than its own interval was set by another clock.
        let due = |file: &LocalFile| file.wake_due.min(now.saturating_add(file.wake_interval));
        if let Some(file) = files.iter().find(|file| due(file) <= now) {
            return Ok(Next::Now(Box::new(file.clone())));
        }
        Ok(files.iter().map(due).min().map_or(Next::Nothing, Next::At))
    }

    /// One try at one file; how it went is in own.db and on screen.
    async fn upload(self: &Arc<Self>, file: LocalFile) -> Result<()> {
        let id = file.file.id;
        let transfer = Transfer {
            down: false,
            file: file.file.clone(),
            done: sent_bytes(&file),
            active: true,
            retrying: None,
        };
        self.show_transfer(id, |known| {
            let done = known.as_ref().map_or(0, |known| known.done).max(transfer.done);
            *known = Some(Transfer { done, ..transfer });
        });
        let ended = {
            let mut work = pin!(self.upload_parts(&file));
            loop {
                let mut news = pin!(self.uploads.notified());
                news.as_mut().enable();
                // Stopped, let go, or on another network meanwhile?
                let wanted =
                    self.read(move |snapshot| Ok(snapshot.own().uploads()?.iter().any(|f| f.file.id == id)));
                if !wanted.await? || self.uploads_wait_for().await?.is_some() {
                    break None;
                }
                if let Either::Left((ended, _)) = select(&mut work, news).await {
                    break Some(ended);
                }
            }
        };
        match ended {
            None => self.show_transfer(id, |known| *known = None),
            Some(Ok(())) => {
                self.standing().spoilt.remove(&id);
                self.show_transfer(id, |known| *known = None);
                self.note_upload(id, |file| (file.wake_interval, file.wake_due) = (0, 0)).await?;
            }
            Some(Err(Error::Closed)) => return Err(Error::Closed),
            Some(Err(error)) => self.upload_failed(id, &error).await?,
        }
        Ok(())
    }

    async fn upload_failed(self: &Arc<Self>, id: AttachmentId, error: &Error) -> Result<()> {
        tracing::info!(account = %self.name, %error, "a file did not get through; it is tried again");
        self.note_error(error);
        if matches!(error, Error::Files(FileError::Damaged)) {
            // The person is told as of bytes that are gone; a disk that reads them later is believed.
            self.standing().spoilt.insert(id);
            self.show(&[Topic::Outbox, Topic::Inbox], |_| ());
        }
        let (why, floor) = match error {
            // A part that was spoilt on its way: the next one need not be.
            Error::Remote(Failure::Refused { code, .. }) if code == problem::DIGEST_MISMATCH => {
                (RetryReason::Network, 0)
            }
            Error::Remote(Failure::Refused { .. }) | Error::Files(_) => (RetryReason::Server, HOUR_MS),
            Error::Remote(failure) => {
                let after = failure.after().map(|after| i64::try_from(after.as_millis()).unwrap_or(HOUR_MS));
                (failure_of(failure).why(), after.unwrap_or(0))
            }
            _ => (RetryReason::Server, 0),
        };
        let mut random = [0; 4];
        self.shared.env.rng.fill(&mut random);
        let random = i64::from(u32::from_le_bytes(random));
        let now = self.shared.env.clock.now();
        let due = self
            .note_upload(id, move |file| {
                file.wake_interval = (file.wake_interval * 2).clamp(FIRST_MS, CAP_MS).max(floor);
                // Full jitter over the second half: phones that lost the desk together do not come back together.
                let half = file.wake_interval / 2;
                file.wake_due = now + floor.max(half + random % (half + 1));
            })
            .await?;
        self.show_transfer(id, |known| {
            if let Some(known) = known {
                known.active = false;
                known.retrying = due.map(|due| (why, due));
            }
        });
        Ok(())
    }

    async fn upload_parts(self: &Arc<Self>, file: &LocalFile) -> Result<()> {
        let body = UploadCreate { id: file.file.id, size: file.file.size, sha256: file.file.sha256.clone() };
        let mut upload = self.begin_upload(&body).await?;
        // Twice at most: a token that ended on the way is renewed, and what the desk lost meanwhile goes again.
        for _ in 0..2 {
            if upload.complete {
                return self.note_whole(file.file.id).await;
            }
            let token = upload.token.clone().ok_or(Failure::Server { status: 200, after: None })?;
            let missing: Vec<u64> =
                (0..part_count(file.file.size)).filter(|part| !upload.have.contains(part)).collect();
            match self.put_missing(file, &token, upload.part_size, missing).await {
                Ok(()) | Err(Error::Remote(Failure::Unauthorized)) => {}
                Err(error) => return Err(error),
            }
            upload = self.begin_upload(&body).await?;
        }
        if upload.complete {
            return self.note_whole(file.file.id).await;
        }
        // All parts are there and the whole is not what was named.
        Err(Error::WrongBytes)
    }

    async fn begin_upload(self: &Arc<Self>, body: &UploadCreate) -> Result<Upload> {
        let api = self.api().await?;
        let upload = self
            .with_token(|token| {
                let (api, body) = (api.clone(), body.clone());
                async move { api.create_upload(&token, &body).await }
            })
            .await?;
        if upload.part_size == 0 {
            return Err(Failure::Server { status: 200, after: None }.into());
        }
        let (have, token) = (bits(&upload.have), upload.token.clone());
        self.note_upload(body.id, move |file| (file.have, file.token) = (have, token)).await?;
        Ok(upload)
    }

    async fn put_missing(
        self: &Arc<Self>,
        file: &LocalFile,
        token: &str,
        part_size: u64,
        missing: Vec<u64>,
    ) -> Result<()> {
        let api = self.api().await?;
        let mut parts = stream::iter(missing)
            .map(|part| {
                let (this, api, token) = (self.clone(), api.clone(), token.to_owned());
                let (id, sealed) = (file.file.id, file.sealed.clone());
                async move {
                    let bytes = this.part(sealed, part * part_size, part_size).await?;
                    let length = bytes.len() as u64;
                    let digest = hex(&Sha256::digest(&bytes));
                    api.put_part(&token, id, part, &digest, bytes).await?;
                    Ok::<_, Error>((part, length))
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut held = Vec::new();
        let mut outcome = Ok(());
        while let Some(put) = parts.next().await {
            match put {
                Ok((part, length)) => {
                    held.push(part);
                    self.show_transfer(file.file.id, |known| {
                        if let Some(known) = known {
                            known.done = (known.done + length).min(known.file.size);
                        }
                    });
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
            if held.len() >= NOTE_EVERY {
                self.note_parts(file.file.id, std::mem::take(&mut held)).await?;
            }
        }
        self.note_parts(file.file.id, held).await?;
        outcome
    }

    async fn part(self: &Arc<Self>, sealed: String, offset: u64, length: u64) -> Result<Bytes> {
        let folder = self.folder.clone();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let read = self.bytes(move || folder.read(&sealed)?.read_range(offset, length)).await;
        Ok(read.map_err(|error: FileError| Error::Files(error))?.into())
    }

    async fn note_parts(self: &Arc<Self>, id: AttachmentId, held: Vec<u64>) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        self.note_upload(id, move |file| {
            for part in held {
                let byte = usize::try_from(part / 8).unwrap_or(usize::MAX);
                if file.have.len() <= byte {
                    file.have.resize(byte + 1, 0);
                }
                file.have[byte] |= 1 << (part % 8);
            }
        })
        .await
        .map(drop)
    }

    async fn note_whole(self: &Arc<Self>, id: AttachmentId) -> Result<()> {
        let now = self.shared.env.clock.now();
        self.note_upload(id, move |file| {
            file.complete_at = Some(now);
            file.token = None;
            file.used_at = now;
        })
        .await
        .map(drop)
    }

    /// Changes what is known of an upload, if the file is still here; when its next try is due.
    async fn note_upload(
        self: &Arc<Self>,
        id: AttachmentId,
        change: impl FnOnce(&mut LocalFile) + Send + 'static,
    ) -> Result<Option<i64>> {
        self.record(move |tx| {
            let Some(mut file) = tx.file(id)? else { return Ok(None) };
            change(&mut file);
            tx.put_file(&file)?;
            Ok(Some(file.wake_due))
        })
        .await
    }

    pub(crate) fn show_transfer(&self, id: AttachmentId, change: impl FnOnce(&mut Option<Transfer>)) {
        self.show(&[Topic::Files, Topic::Tickets], |standing| {
            let mut known = standing.transfers.remove(&id);
            change(&mut known);
            if let Some(known) = known {
                standing.transfers.insert(id, known);
            }
        });
    }
}

fn bits(parts: &[u64]) -> Vec<u8> {
    let mut bits = Vec::new();
    for part in parts {
        // 2 GiB are 2,048 parts; a number far beyond is not ours to keep.
        let Some(byte) = usize::try_from(part / 8).ok().filter(|byte| *byte < 1 << 16) else { continue };
        if bits.len() <= byte {
            bits.resize(byte + 1, 0);
        }
        bits[byte] |= 1 << (part % 8);
    }
    bits
}
