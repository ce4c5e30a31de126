//! Bytes on their way here: parts in any order, doubled, cut and asked for again, until the whole is there and its
//! digest is right. No part is acknowledged before its object and its row are durable.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use pocketdesk_protocol::{
    ids::{AttachmentId, PersonId, SessionId},
    limits::{part_count, part_size},
    uploads::{Upload, UploadCreate},
};
use sha2::{Digest, Sha256};

use super::{BlobError, Blobs, PartName, manifest, sniff};
use crate::{
    auth::keys::{Keys, same, unhex},
    context::{Context, DAY_MS, ServiceError, Session},
    files,
    store::{
        Mode, StoreError, Tx,
        write::{MayRetry, Write, with_write},
    },
    sync::receipt::hex,
    values,
};

/// Milliseconds an upload-only token lives.
const TOKEN_MS: i64 = 7 * DAY_MS;
/// Parts read at a time while the whole is looked at; at most 1 MiB each.
const READ_AHEAD: usize = 4;
/// Under way.
const OPEN: i64 = 0;
/// Whole, and its digest was right.
const WHOLE: i64 = 1;
/// Its bytes are being deleted.
pub(crate) const GOING: i64 = 2;

/// Why bytes are not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The bytes are not those the digest names.
    #[error("{0}")]
    Mismatch(&'static str),
    /// More than the desk takes.
    #[error("{0}")]
    TooLarge(String),
    /// Too many unfinished uploads.
    #[error("{0}")]
    Quota(&'static str),
    /// The old bytes under this id are just being deleted.
    #[error("this file is just being swept; ask again in a few seconds")]
    Going,
    /// Where bytes lie.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The body broke off.
    #[error("the body broke off")]
    Cut,
    /// Below.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl MayRetry for UploadError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Service(error) => error.store_error(),
            _ => None,
        }
    }
}

pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> UploadError {
    UploadError::Service(ServiceError::invalid(field, reason))
}

/// What one sender may leave unfinished.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Files.
    pub files: u32,
    /// Bytes.
    pub bytes: u64,
}

/// What an upload-only token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadGrant {
    /// The one upload.
    pub id: AttachmentId,
    /// Whose.
    pub person: PersonId,
    /// With this session it ends.
    pub session: SessionId,
}

/// Which upload of whom.
type UploadKey = (AttachmentId, Option<PersonId>);

/// Uploads over one place of bytes.
#[derive(Clone)]
pub struct Uploads {
    pub(super) ctx: Context,
    pub(super) blobs: Blobs,
    keys: Keys,
    quota: Quota,
    /// Uploads whose whole is being looked at just now: once is enough, however often it is asked.
    finishing: Arc<Mutex<HashSet<UploadKey>>>,
}

/// The row of an upload.
struct Facts {
    size: u64,
    sha256: String,
    part_size: u64,
    state: i64,
}

impl Uploads {
    /// `keys` sign the upload-only tokens.
    pub fn new(ctx: Context, blobs: Blobs, keys: Keys, quota: Quota) -> Self {
        Self { ctx, blobs, keys, quota, finishing: Arc::default() }
    }

    /// Where the bytes lie.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Begins an upload, or finds it and renews its token.
    pub async fn create(&self, session: Session, wish: UploadCreate) -> Result<Upload, UploadError> {
        let most = self.ctx.policy.limits.attachment_bytes;
        if wish.size > most {
            return Err(UploadError::TooLarge(format!(
                "a file may have {most} bytes, this one has {}",
                wish.size
            )));
        }
        if unhex(&wish.sha256).is_none() {
            return Err(invalid("sha256", "must be 64 hexadecimal digits"));
        }
        let sha256 = wish.sha256.to_lowercase();
        let quota = self.quota;
        with_write(&self.ctx, {
            let wish = UploadCreate { sha256, ..wish.clone() };
            move |tx, _| {
                let wish = wish.clone();
                Box::pin(async move { begin(tx, session.person, &wish, quota).await })
            }
        })
        .await?;
        let mut upload = self.get(Some(session.person), wish.id).await?;
        upload.token = Some(self.token(wish.id, session));
        Ok(upload)
    }

    /// How much of it is here. Another sender's looks like none.
    pub async fn get(&self, person: Option<PersonId>, id: AttachmentId) -> Result<Upload, UploadError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let facts = facts(tx.as_mut(), id, person).await?;
        let parts = manifest::parts(tx.as_mut(), id, person).await?;
        drop(tx);
        let mut state = facts.state;
        if state == OPEN && parts.len() as u64 == part_count(facts.size) {
            // Its last part came, and the process ended before the whole was looked at.
            state = match self.finish_apart(person, id).await {
                Some(Ok(())) => WHOLE,
                Some(Err(UploadError::Mismatch(_))) => return Ok(view(id, &facts, Vec::new(), OPEN)),
                Some(Err(error)) => return Err(error),
                None => OPEN,
            };
        }
        Ok(view(id, &facts, parts.into_iter().map(|(part, _)| part.n).collect(), state))
    }

    /// Takes one part. Answers the upload when this part made it whole.
    pub async fn put_part(
        &self,
        person: Option<PersonId>,
        id: AttachmentId,
        n: u64,
        digest: &str,
        bytes: Bytes,
    ) -> Result<Option<Upload>, UploadError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let facts = facts(tx.as_mut(), id, person).await?;
        drop(tx);
        if facts.state == GOING {
            return Err(UploadError::Going);
        }
        let count = part_count(facts.size);
        if n >= count {
            return Err(UploadError::Service(ServiceError::NotFound("part")));
        }
        let expected = if n + 1 == count { facts.size - n * facts.part_size } else { facts.part_size };
        if bytes.len() as u64 != expected {
            return Err(UploadError::Mismatch("the part is cut: it has not the length its place asks for"));
        }
        let stated =
            unhex(digest).ok_or_else(|| invalid("pocketdesk-digest", "must be 64 hexadecimal digits"))?;
        if !same(&Sha256::digest(&bytes), &stated) {
            return Err(UploadError::Mismatch(
                "the part's bytes are not those its digest names; send it again",
            ));
        }
        if facts.state == WHOLE {
            return self.get(person, id).await.map(Some);
        }
        let name = PartName { id, person, n, sha256: hex(&stated) };
        if !pocketdesk_protocol::planted::is("part-not-kept") {
            self.blobs.put(&name, bytes).await?;
        }
        let (before, have) = with_write(&self.ctx, {
            let name = name.clone();
            move |tx, _| {
                let name = name.clone();
                Box::pin(async move { note_part(tx, &name, expected).await })
            }
        })
        .await?;
        if let Some(old) = before.filter(|old| *old != name.sha256) {
            self.blobs.delete(&PartName { sha256: old, ..name }).await?;
        }
        if have < count {
            return Ok(None);
        }
        self.finish(person, id).await?;
        self.get(person, id).await.map(Some)
    }

    /// Finishes in a task of its own, which goes on when the asker does not wait so long; none while another does.
    async fn finish_apart(
        &self,
        person: Option<PersonId>,
        id: AttachmentId,
    ) -> Option<Result<(), UploadError>> {
        let finishing = || self.finishing.lock().unwrap_or_else(PoisonError::into_inner);
        if !finishing().insert((id, person)) {
            return None;
        }
        let (done, answer) = tokio::sync::oneshot::channel();
        let uploads = self.clone();
        self.ctx.env.work.spawn(Box::pin(async move {
            let finished = uploads.finish(person, id).await;
            uploads.finishing.lock().unwrap_or_else(PoisonError::into_inner).remove(&(id, person));
            let _ = done.send(finished);
        }));
        answer.await.ok()
    }

    /// All parts are here: reads them once through, and tells the file's row when the whole is right.
    async fn finish(&self, person: Option<PersonId>, id: AttachmentId) -> Result<(), UploadError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let facts = facts(tx.as_mut(), id, person).await?;
        let parts = manifest::parts(tx.as_mut(), id, person).await?;
        drop(tx);
        let mut hash = Sha256::new();
        let mut mime = "application/octet-stream";
        let blobs = self.blobs.clone();
        let mut whole = stream::iter(parts)
            .map(move |(part, size)| {
                let blobs = blobs.clone();
                async move { blobs.get(&part).await.map(|bytes| (part, size, bytes)) }
            })
            .buffered(READ_AHEAD)
            .boxed();
        while let Some(next) = whole.next().await {
            let (part, size, bytes) = next?;
            if bytes.len() as u64 != size {
                return Err(BlobError::Damaged(format!("{id}, part {}", part.n)).into());
            }
            if part.n == 0 {
                mime = sniff::mime(&bytes);
            }
            hash.update(&bytes);
        }
        if hex(&hash.finalize()) != facts.sha256 {
            self.forget_parts(person, id).await?;
            return Err(UploadError::Mismatch(
                "every part was right and the whole is not: the file changed while it was sent; send it anew",
            ));
        }
        with_write(&self.ctx, {
            let sha256 = facts.sha256.clone();
            move |tx, _| {
                let sha256 = sha256.clone();
                Box::pin(async move {
                    let moved = tx
                        .execute(
                            "UPDATE upload SET complete = 1, mime = $1 WHERE id = $2 AND person_id = $3 AND complete = 0",
                            &values![mime, id, person],
                        )
                        .await?;
                    if let (1, Some(person)) = (moved, person) {
                        files::complete(tx, person, id, facts.size, &sha256, Some(mime)).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            }
        })
        .await?;
        Ok(())
    }

    async fn forget_parts(&self, person: Option<PersonId>, id: AttachmentId) -> Result<(), UploadError> {
        let parts = with_write(&self.ctx, move |tx, _| {
            Box::pin(async move {
                let parts = manifest::parts(tx.tx(), id, person).await?;
                tx.execute(
                    "DELETE FROM upload_part WHERE upload = $1 AND person_id = $2",
                    &values![id, person],
                )
                .await?;
                Ok::<_, StoreError>(parts)
            })
        })
        .await?;
        for (part, _) in parts {
            self.blobs.delete(&part).await?;
        }
        Ok(())
    }

    /// A bearer for the parts of one upload; it can read and change nothing else.
    fn token(&self, id: AttachmentId, session: Session) -> String {
        let expires = self.ctx.env.clock.now() + TOKEN_MS;
        let grant = format!("u1.{id}.{}.{}.{expires}", session.person, session.session);
        let mac = hex(&self.keys.mac("upload", &[grant.as_bytes()]));
        format!("{grant}.{mac}")
    }

    /// What an upload-only token opens; none when it is not ours or its time is over. Its session may have ended.
    pub fn grant(&self, token: &str) -> Option<UploadGrant> {
        let (grant, mac) = token.rsplit_once('.')?;
        if !same(hex(&self.keys.mac("upload", &[grant.as_bytes()])).as_bytes(), mac.as_bytes()) {
            return None;
        }
        let mut fields = grant.strip_prefix("u1.")?.split('.');
        let (id, person, session, expires) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        if expires.parse::<i64>().ok()? <= self.ctx.env.clock.now() {
            return None;
        }
        Some(UploadGrant {
            id: id.parse().ok()?,
            person: person.parse().ok()?,
            session: session.parse().ok()?,
        })
    }
}

async fn facts(tx: &mut dyn Tx, id: AttachmentId, person: Option<PersonId>) -> Result<Facts, UploadError> {
    let rows = tx
        .query(
            "SELECT size, sha256, part_size, complete FROM upload WHERE id = $1 AND person_id = $2",
            &values![id, person],
        )
        .await?;
    let row = rows.first().ok_or(ServiceError::NotFound("upload"))?;
    Ok(Facts {
        size: row[0].int()?.unsigned_abs(),
        sha256: row[1].text()?.to_owned(),
        part_size: row[2].int()?.unsigned_abs(),
        state: row[3].int()?,
    })
}

fn view(id: AttachmentId, facts: &Facts, have: Vec<u64>, state: i64) -> Upload {
    Upload { id, part_size: facts.part_size, have, complete: state == WHOLE, token: None }
}

async fn begin(
    tx: &mut Write,
    person: PersonId,
    wish: &UploadCreate,
    quota: Quota,
) -> Result<(), UploadError> {
    match facts(tx.tx(), wish.id, Some(person)).await {
        Ok(found) if found.state == GOING => return Err(UploadError::Going),
        Ok(found) if found.size == wish.size && found.sha256 == wish.sha256 => {
            if found.state == WHOLE {
                // An op that named it while its last part came may not have seen the whole: told again.
                let sql = "SELECT mime FROM upload WHERE id = $1 AND person_id = $2";
                let rows = tx.query(sql, &values![wish.id, person]).await?;
                let mime = rows.first().map(|row| row[0].text().map(str::to_owned)).transpose()?;
                files::complete(tx, person, wish.id, wish.size, &wish.sha256, mime.as_deref()).await?;
            }
            // Asked for again: the month after which unnamed bytes are swept begins anew.
            let now = tx.now;
            tx.execute(
                "UPDATE upload SET touched_at = $1 WHERE id = $2 AND person_id = $3",
                &values![now, wish.id, person],
            )
            .await?;
            return Ok(());
        }
        Ok(_) => {
            return Err(UploadError::Mismatch(
                "this id is another file's; a changed file needs an id of its own",
            ));
        }
        Err(UploadError::Service(ServiceError::NotFound(_))) => {}
        Err(error) => return Err(error),
    }
    let open = tx
        .query(
            // A whole file that no op has named costs as much as an unfinished one, and is swept as late.
            "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM upload u WHERE u.person_id = $1 AND \
             (u.complete = 0 OR NOT EXISTS (SELECT 1 FROM attachment a WHERE a.id = u.id))",
            &values![person],
        )
        .await?;
    let (files, bytes) =
        open.first().map_or(Ok((0, 0)), |row| Ok::<_, StoreError>((row[0].int()?, row[1].int()?)))?;
    if files >= i64::from(quota.files) || bytes.unsigned_abs().saturating_add(wish.size) > quota.bytes {
        return Err(UploadError::Quota(
            "too many files are unfinished or named by nothing sent; send what names them, or wait until they are swept",
        ));
    }
    let (now, size) = (tx.now, i64::try_from(wish.size).unwrap_or(i64::MAX));
    let part = i64::try_from(part_size(wish.size)).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO upload (id, person_id, size, sha256, part_size, created_at, touched_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &values![wish.id, person, size, wish.sha256.as_str(), part, now, now],
    )
    .await?;
    Ok(())
}

/// Writes the part down. Answers the digest it had before, and how many parts there are now.
pub(super) async fn note_part(
    tx: &mut Write,
    part: &PartName,
    size: u64,
) -> Result<(Option<String>, u64), UploadError> {
    let now = tx.now;
    // First of all the upload's row, which locks it: of two last parts one must see the other.
    let open = tx
        .execute(
            "UPDATE upload SET touched_at = $1 WHERE id = $2 AND person_id = $3 AND complete = $4",
            &values![now, part.id, part.person, OPEN],
        )
        .await?;
    if open == 0 {
        return Err(UploadError::Going);
    }
    let (n, size) = (i64::try_from(part.n).unwrap_or(i64::MAX), i64::try_from(size).unwrap_or(i64::MAX));
    let before = tx
        .query(
            "SELECT sha256 FROM upload_part WHERE upload = $1 AND person_id = $2 AND n = $3",
            &values![part.id, part.person, n],
        )
        .await?;
    let before = before.first().map(|row| row[0].text().map(str::to_owned)).transpose()?;
    tx.execute(
        "INSERT INTO upload_part (upload, person_id, n, sha256, size) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (upload, person_id, n) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size",
        &values![part.id, part.person, n, part.sha256.as_str(), size],
    )
    .await?;
    let have = tx
        .query(
            "SELECT COUNT(*) FROM upload_part WHERE upload = $1 AND person_id = $2",
            &values![part.id, part.person],
        )
        .await?;
    Ok((before, have.first().map_or(Ok(0), |row| row[0].int())?.unsigned_abs()))
}
