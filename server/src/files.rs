//! Attachment rows as uploads and downloads see them. Bytes are the blobs' business.

use std::collections::BTreeSet;

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, PersonId, TicketId},
    op::FileRef,
    rows::{FileState, kind},
};

use crate::{
    context::{Context, ServiceError},
    desk::ticket,
    journal::rows,
    people::Viewer,
    store::{
        StoreError, Tx, Value, placeholders,
        write::{Write, with_write},
    },
    values,
};

/// What a download needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// As its author named it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of the plain bytes, lower-case hex.
    pub sha256: String,
    /// What was sniffed.
    pub mime: Option<String>,
    /// How much is there.
    pub state: FileState,
    /// Who named it; none for staff.
    pub author: Option<PersonId>,
}

/// The file, if this person sees it.
pub async fn visible(
    tx: &mut dyn Tx,
    person: PersonId,
    id: AttachmentId,
) -> Result<Option<FileFacts>, StoreError> {
    let rows = tx.query("SELECT ticket_id FROM attachment WHERE id = $1", &values![id]).await?;
    let (Some(row), Some(viewer)) = (rows.first(), Viewer::find(tx, person, 0).await?) else {
        return Ok(None);
    };
    if rows::visible(tx, &viewer, &[row[0].id()?].into()).await?.is_empty() {
        return Ok(None);
    }
    any(tx, id).await
}

/// The file, whoever may see it; for staff.
pub async fn any(tx: &mut dyn Tx, id: AttachmentId) -> Result<Option<FileFacts>, StoreError> {
    let sql = format!("SELECT {} FROM attachment WHERE id = $1", rows::ATTACHMENT);
    let found = tx.query(&sql, &values![id]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let (_, _, file) = rows::attachment(row)?;
    Ok(Some(FileFacts {
        name: file.name,
        size: file.size,
        sha256: file.sha256,
        mime: file.mime,
        state: file.state,
        author: file.author.id,
    }))
}

/// The bytes are whole: call it in the transaction that completes the upload. Does nothing (`false`) while no applied
/// op of `uploader` names the file with this size and digest: when one does, it finds the whole upload in its table.
pub async fn complete(
    tx: &mut Write,
    uploader: PersonId,
    id: AttachmentId,
    size: u64,
    sha256: &str,
    mime: Option<&str>,
) -> Result<bool, StoreError> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let rows = tx.query("SELECT ticket_id FROM attachment WHERE id = $1", &values![id]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let Some(mut ticket) = ticket::lock(tx, row[0].id()?).await? else { return Ok(false) };
    let changed = tx
        .execute(
            "UPDATE attachment SET state = 'complete', mime = $5, v = v + 1 \
             WHERE id = $1 AND author_id = $2 AND size = $3 AND sha256 = $4 AND state <> 'complete'",
            &values![id, uploader, size, sha256, mime.unwrap_or_default()],
        )
        .await?;
    if changed > 0 {
        tx.touched.row(ticket.scopes(), kind::ATTACHMENT, id.into());
        ticket.save(tx).await?;
        return Ok(true);
    }
    let rows = tx
        .query("SELECT id FROM attachment WHERE id = $1 AND author_id = $2 AND sha256 = $3 AND state = 'complete'", &values![
            id, uploader, sha256
        ])
        .await?;
    Ok(!rows.is_empty())
}

/// Whether this person's upload of the file is whole already, and what was sniffed in it. Locks the upload until the
/// caller's commit: its last part, coming at the same moment, finds the row that is about to name the file.
pub async fn uploaded(
    tx: &mut Write,
    person: PersonId,
    file: &FileRef,
) -> Result<Option<Option<String>>, StoreError> {
    let size = i64::try_from(file.size).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT complete, mime FROM upload WHERE id = $1 AND person_id = $2 AND size = $3 AND sha256 = $4{}",
        tx.for_update()
    );
    let rows = tx.query(&sql, &values![file.id, person, size, file.sha256.as_str()]).await?;
    match rows.first() {
        Some(row) if row[0].int()? == 1 => rows::words(&row[1]).map(Some),
        _ => Ok(None),
    }
}

/// Files that are still `pending` after [`crate::context::Policy::missing_after_ms`] become `missing`. Answers how
/// many; run it from time to time.
pub async fn sweep_missing(ctx: &Context) -> Result<u64, ServiceError> {
    let after = ctx.policy.missing_after_ms;
    let mut all = 0;
    loop {
        // One ticket a commit: few are ever late, and none may hold up the others.
        let swept = with_write::<_, ServiceError, _>(ctx, move |tx, _| {
            Box::pin(async move {
                let before = tx.now - after;
                let rows = tx
                    .query(
                        "SELECT id, ticket_id, COALESCE((SELECT u.mime FROM upload u WHERE u.id = attachment.id \
                         AND u.person_id = attachment.author_id AND u.size = attachment.size \
                         AND u.sha256 = attachment.sha256 AND u.complete = 1), '-') \
                         FROM attachment WHERE state = 'pending' AND created_at < $1 ORDER BY created_at, id LIMIT 1",
                        &values![before],
                    )
                    .await?;
                let Some(row) = rows.first() else { return Ok(0) };
                let (id, ticket): (AttachmentId, TicketId) = (row[0].id()?, row[1].id()?);
                let scopes =
                    ticket::lock(tx, ticket).await?.map(|ticket| ticket.scopes()).unwrap_or_default();
                // Bytes that are whole are never told to be missing, however the two passed each other.
                let (state, mime) = match row[2].text()? {
                    "-" => ("missing", ""),
                    mime => ("complete", mime),
                };
                let count = tx
                    .execute(
                        "UPDATE attachment SET state = $2, mime = $3, v = v + 1 WHERE id = $1 AND state = 'pending'",
                        &values![id, state, mime],
                    )
                    .await?;
                tx.touched.row(scopes, kind::ATTACHMENT, id.into());
                Ok(count.max(1))
            })
        })
        .await?;
        if swept == 0 {
            return Ok(all);
        }
        all += swept;
    }
}

/// Of these files, those that no row names and no op rejected since `since` named: their blobs may go.
pub async fn unnamed(
    tx: &mut dyn Tx,
    ids: &[AttachmentId],
    since: Millis,
) -> Result<Vec<AttachmentId>, StoreError> {
    let mut free = Vec::new();
    for part in ids.chunks(200) {
        let mut values: Vec<Value> = values![since].into();
        values.extend(part.iter().map(|id| Value::from(*id)));
        let list = placeholders(2, part.len());
        let sql = format!(
            "SELECT id FROM attachment WHERE id IN ({list}) \
             UNION SELECT id FROM rejected_file WHERE id IN ({list}) AND at >= $1"
        );
        let named: BTreeSet<AttachmentId> =
            tx.query(&sql, &values).await?.iter().map(|row| row[0].id()).collect::<Result<_, _>>()?;
        free.extend(part.iter().filter(|id| !named.contains(id)));
    }
    Ok(free)
}
