//! Bytes of files: `POST /uploads`, `PUT /uploads/{id}/parts/{n}`, `GET /uploads/{id}`; downloads are
//! `GET /attachments/{id}` with Range and ETag.

use serde::{Deserialize, Serialize};

use crate::ids::AttachmentId;

/// Lower-case hex SHA-256 of the part, on every `PUT`.
pub const PART_DIGEST_HEADER: &str = "pocketdesk-digest";

/// Body of `POST /uploads`; idempotent by id, renews the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UploadCreate {
    /// The attachment the op names.
    pub id: AttachmentId,
    /// Bytes.
    pub size: u64,
    /// Of the whole, lower-case hex.
    pub sha256: String,
}

/// Answer of `POST /uploads` and `GET /uploads/{id}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Upload {
    /// Which.
    pub id: AttachmentId,
    /// Bytes of every part but the last; fixed at the creation.
    pub part_size: u64,
    /// Numbers of the parts the server holds, from 0, ascending.
    pub have: Vec<u64>,
    /// Whether the whole is there and its digest was right.
    pub complete: bool,
    /// Bearer for this upload's parts alone, 7 days; only from `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("id", &self.id)
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}
