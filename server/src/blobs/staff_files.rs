//! Files of staff, sent ahead of a reply that names them: one body of any length, cut into parts here.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use pocketdesk_protocol::{ids::AttachmentId, limits, op::FileRef};
use sha2::{Digest, Sha256};

use super::{
    PartName, sniff,
    uploads::{UploadError, Uploads, invalid, note_part},
};
use crate::{
    context::ServiceError,
    staff::StaffFile,
    store::{
        Mode, StoreError,
        write::{Write, with_write},
    },
    sync::receipt::hex,
    values,
};

impl Uploads {
    /// Takes a file of staff whole, from a body of unknown length, for a reply that names it later.
    pub async fn staff_file(
        &self,
        name: &str,
        body: impl Stream<Item = Result<Bytes, UploadError>> + Send,
    ) -> Result<StaffFile, UploadError> {
        let id = AttachmentId(self.ctx.env.new_id());
        let name = sniff::safe_name(name);
        if name.len() > limits::FILE_NAME_BYTES {
            return Err(invalid("name", format!("may have {} bytes", limits::FILE_NAME_BYTES)));
        }
        let most = self.ctx.policy.limits.attachment_bytes;
        let chunk = usize::try_from(limits::PART_LARGE).unwrap_or(usize::MAX);
        with_write(&self.ctx, {
            let name = name.clone();
            move |tx, _| {
                let name = name.clone();
                Box::pin(async move { begin_staff(tx, id, &name).await })
            }
        })
        .await?;
        let (mut hash, mut size, mut n, mut mime) = (Sha256::new(), 0, 0, "application/octet-stream");
        let mut waiting = Vec::new();
        let mut body = std::pin::pin!(body);
        loop {
            let next = body.next().await.transpose()?;
            let ended = next.is_none();
            waiting.extend_from_slice(&next.unwrap_or_default());
            while waiting.len() >= chunk || (ended && (n == 0 || !waiting.is_empty())) {
                let bytes: Vec<u8> = waiting.drain(..waiting.len().min(chunk)).collect();
                size += bytes.len() as u64;
                if size > most {
                    return Err(UploadError::TooLarge(format!("a file may have {most} bytes")));
                }
                if n == 0 {
                    mime = sniff::mime(&bytes);
                }
                hash.update(&bytes);
                let part = PartName { id, person: None, n, sha256: hex(&Sha256::digest(&bytes)) };
                let length = bytes.len() as u64;
                self.blobs.put(&part, bytes.into()).await?;
                with_write(&self.ctx, move |tx, _| {
                    let part = part.clone();
                    Box::pin(async move { note_part(tx, &part, length).await })
                })
                .await?;
                n += 1;
            }
            if ended {
                break;
            }
        }
        let sha256 = hex(&hash.finalize());
        with_write(&self.ctx, {
            let sha256 = sha256.clone();
            move |tx, _| {
                let sha256 = sha256.clone();
                Box::pin(async move {
                    let size = i64::try_from(size).unwrap_or(i64::MAX);
                    tx.execute(
                        "UPDATE upload SET complete = 1, mime = $1, sha256 = $2, size = $3 WHERE id = $4 AND person_id = ''",
                        &values![mime, sha256, size, id],
                    )
                    .await
                })
            }
        })
        .await?;
        Ok(StaffFile { file: FileRef { id, name, size, sha256 }, mime: Some(mime.to_owned()) })
    }

    /// What staff sent ahead, by its id.
    pub async fn find_staff_file(&self, id: AttachmentId) -> Result<StaffFile, UploadError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let rows = tx
            .query(
                "SELECT name, size, sha256, mime FROM upload WHERE id = $1 AND person_id = '' AND complete = 1",
                &values![id],
            )
            .await?;
        let row = rows.first().ok_or(ServiceError::NotFound("file"))?;
        let file = FileRef {
            id,
            name: row[0].text()?.to_owned(),
            size: row[1].int()?.unsigned_abs(),
            sha256: row[2].text()?.to_owned(),
        };
        Ok(StaffFile { file, mime: Some(row[3].text()?.to_owned()) })
    }
}

async fn begin_staff(tx: &mut Write, id: AttachmentId, name: &str) -> Result<(), StoreError> {
    let (now, part) = (tx.now, i64::try_from(limits::PART_LARGE).unwrap_or(i64::MAX));
    tx.execute(
        "INSERT INTO upload (id, person_id, part_size, created_at, touched_at, name) VALUES ($1, '', $2, $3, $4, $5)",
        &values![id, part, now, now, name],
    )
    .await?;
    Ok(())
}
