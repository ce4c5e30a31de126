//! Bytes nobody names any more. They go 30 days after their last part, or after the verdict that refused the op that
//! named them, whichever is later: an edit may name them again until then.

use pocketdesk_protocol::ids::{AttachmentId, PersonId};

use super::{
    manifest,
    uploads::{GOING, UploadError, Uploads},
};
use crate::{
    context::{Context, DAY_MS},
    files,
    store::{Mode, StoreError, write::with_write},
    values,
};

/// Days unnamed bytes are kept.
pub const KEPT_DAYS: i64 = 30;
/// Uploads looked at in one go, so that no transaction is long.
const AT_ONCE: usize = 100;

/// Removes unnamed uploads older than [`KEPT_DAYS`], and finishes removals a crash cut. Answers how many went.
pub async fn sweep(ctx: &Context, uploads: &Uploads) -> Result<u64, UploadError> {
    let mut gone = finish(ctx, uploads).await?;
    let since = ctx.env.clock.now() - KEPT_DAYS * DAY_MS;
    let mut after = String::new();
    loop {
        let mut tx = ctx.store.begin(Mode::Read).await?;
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let rows = tx
            .query(
                "SELECT DISTINCT id FROM upload WHERE id > $1 AND touched_at < $2 AND complete < $3 ORDER BY id LIMIT $4",
                &values![after.as_str(), since, GOING, limit],
            )
            .await?;
        let old = rows.iter().map(|row| row[0].id()).collect::<Result<Vec<AttachmentId>, _>>()?;
        let Some(last) = old.last() else { return Ok(gone) };
        after = last.to_string();
        let unnamed = files::unnamed(tx.as_mut(), &old, since).await?;
        drop(tx);
        for id in unnamed {
            mark_unnamed(ctx, id, since).await?;
        }
        gone += finish(ctx, uploads).await?;
        ctx.env.clock.sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Removes the bytes of files that staff deleted or erased, at once.
pub async fn remove(ctx: &Context, uploads: &Uploads, files: &[AttachmentId]) -> Result<(), UploadError> {
    for id in files {
        mark(ctx, *id).await?;
    }
    finish(ctx, uploads).await?;
    Ok(())
}

/// As [`mark`], for what nobody names: judged again under the upload's lock, because an op that names it may have come
/// since it was looked for.
async fn mark_unnamed(ctx: &Context, id: AttachmentId, since: i64) -> Result<(), StoreError> {
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let sql = format!("SELECT id FROM upload WHERE id = $1{}", tx.for_update());
            tx.query(&sql, &values![id]).await?;
            if files::unnamed(tx.tx(), &[id], since).await?.is_empty() {
                return Ok(0);
            }
            tx.execute(
                "UPDATE upload SET complete = $1 WHERE id = $2 AND touched_at < $3",
                &values![GOING, id, since],
            )
            .await
        })
    })
    .await?;
    Ok(())
}

/// Says first that the bytes are going: whoever offers them again meanwhile is asked to wait, and a crash between
/// the bytes and their rows leaves a mark to go on from.
async fn mark(ctx: &Context, id: AttachmentId) -> Result<(), StoreError> {
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            tx.execute("UPDATE upload SET complete = $1 WHERE id = $2", &values![GOING, id]).await
        })
    })
    .await?;
    Ok(())
}

async fn finish(ctx: &Context, uploads: &Uploads) -> Result<u64, UploadError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let rows = tx.query("SELECT id, person_id FROM upload WHERE complete = $1", &values![GOING]).await?;
    let mut going = Vec::new();
    for row in rows {
        let (id, person): (AttachmentId, Option<PersonId>) = (row[0].id()?, row[1].id_or_none()?);
        going.push((id, person, manifest::parts(tx.as_mut(), id, person).await?));
    }
    drop(tx);
    let gone = going.len() as u64;
    for (id, person, parts) in going {
        for (part, _) in parts {
            uploads.blobs().delete(&part).await?;
        }
        with_write(ctx, move |tx, _| {
            Box::pin(async move {
                tx.execute(
                    "DELETE FROM upload_part WHERE upload = $1 AND person_id = $2",
                    &values![id, person],
                )
                .await?;
                tx.execute("DELETE FROM upload WHERE id = $1 AND person_id = $2", &values![id, person]).await
            })
        })
        .await?;
    }
    Ok(gone)
}
