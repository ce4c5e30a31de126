//! Attachment rows as uploads and downloads see them. Bytes are the blobs' business.

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, PersonId},
    rows::FileState,
};

use crate::{
    context::{Context, ServiceError},
    store::{StoreError, Tx, write::Write},
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
    let _ = (tx, person, id);
    unimplemented!("visible")
}

/// The file, whoever may see it; for staff, and for uploads to compare with.
pub async fn any(tx: &mut dyn Tx, id: AttachmentId) -> Result<Option<FileFacts>, StoreError> {
    let _ = (tx, id);
    unimplemented!("any")
}

/// The bytes are whole: call it in the transaction that completes the upload. Does nothing (`false`) while no applied
/// op of `uploader` names the file with this size and digest; [`crate::files::uploaded`] is asked when one does.
pub async fn complete(
    tx: &mut Write,
    uploader: PersonId,
    id: AttachmentId,
    size: u64,
    sha256: &str,
    mime: Option<&str>,
) -> Result<bool, StoreError> {
    let _ = (tx, uploader, id, size, sha256, mime);
    unimplemented!("complete")
}

/// Files that are still `pending` after [`crate::context::Policy::missing_after_ms`] become `missing`. Answers how
/// many; run it from time to time.
pub async fn sweep_missing(ctx: &Context) -> Result<u64, ServiceError> {
    let _ = ctx;
    unimplemented!("sweep_missing")
}

/// Of these files, those that no row names and no rejected op younger than `since` named: their blobs may go.
pub async fn unnamed(
    tx: &mut dyn Tx,
    ids: &[AttachmentId],
    since: Millis,
) -> Result<Vec<AttachmentId>, StoreError> {
    let _ = (tx, ids, since);
    unimplemented!("unnamed")
}
