//! The service behind `POST /sync`, `GET /pull` and `GET /snapshot`.

use pocketdesk_protocol::{
    ids::{PersonId, Scope},
    sync::{Ack, AtLeast, Cursor, SyncRequest, SyncResponse},
};

use crate::context::{Context, ServiceError, Session};

pub mod receipt;

/// Takes the ops of the request in their order, then reads the page after their last commit. A request with more ops
/// than [`pocketdesk_protocol::limits::OPS_PER_REQUEST`] is [`ServiceError::Invalid`].
pub async fn sync(
    ctx: &Context,
    session: Session,
    request: SyncRequest,
) -> Result<SyncResponse, ServiceError> {
    let _ = (ctx, session, request);
    unimplemented!("sync")
}

/// The page at `cursor`, as it is now: waiting for news is the caller's (see [`standing`] and
/// [`crate::journal::hints`]).
pub async fn pull(
    ctx: &Context,
    session: Session,
    cursor: &Cursor,
    limit_bytes: Option<u64>,
) -> Result<SyncResponse, ServiceError> {
    let _ = (ctx, session, cursor, limit_bytes);
    unimplemented!("pull")
}

/// What a session holds, and where its journals stand; for `GET /live` and for waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The server's epoch.
    pub epoch: pocketdesk_protocol::ids::Epoch,
    /// The revision of the scopes.
    pub scopes_rev: i64,
    /// Each scope with its head.
    pub heads: Vec<Ack>,
}

impl Standing {
    /// The scopes held.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.heads.iter().map(|head| head.scope)
    }

    /// Whether the journals are where a hint said they would be. A hint of another epoch or of a scope that is not
    /// held is not worth waiting for.
    pub fn reached(&self, at_least: &AtLeast) -> bool {
        at_least.epoch != self.epoch
            || self.heads.iter().all(|head| head.scope != at_least.scope || head.seq >= at_least.seq)
    }
}

/// See [`Standing`].
pub async fn standing(ctx: &Context, person: PersonId) -> Result<Standing, ServiceError> {
    let _ = (ctx, person);
    unimplemented!("standing")
}

/// One frame of a snapshot.
#[derive(Debug)]
pub struct Frame {
    /// An independent zstd frame of NDJSON lines.
    pub bytes: Vec<u8>,
    /// Hand it back for the next frame.
    pub resume: String,
    /// Whether there is no next one.
    pub last: bool,
}

/// The frame after `resume` (none: the first), read in a short transaction of its own. The first frame of an HTTP
/// answer, at its start or a resumption, holds [`pocketdesk_protocol::sync::SnapshotLine::Start`]: ask with `start`.
/// A resume key that is not ours is [`ServiceError::Invalid`].
pub async fn snapshot_frame(
    ctx: &Context,
    session: Session,
    resume: Option<&str>,
    start: bool,
) -> Result<Frame, ServiceError> {
    let _ = (ctx, session, resume, start);
    unimplemented!("snapshot_frame")
}
