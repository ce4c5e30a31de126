//! The service behind `POST /sync`, `GET /pull` and `GET /snapshot`.

use pocketdesk_protocol::{
    ids::{Epoch, PersonId, Scope},
    limits::OPS_PER_REQUEST,
    sync::{Ack, AtLeast, Cursor, Reset, ResetReason, SyncRequest, SyncResponse},
};

use crate::{
    context::{Context, ServiceError, Session},
    journal::{self, cursor::Position, page},
    people::Viewer,
    store::{Mode, Tx},
};

mod ops;
pub mod receipt;
mod snapshot;

pub use ops::forget;
pub use snapshot::{Frame, snapshot_frame};

/// Takes the ops of the request in their order, then reads the page after their last commit. A request with more ops
/// than [`OPS_PER_REQUEST`] is [`ServiceError::Invalid`]. Under another epoch, or none, no op is looked at.
pub async fn sync(
    ctx: &Context,
    session: Session,
    request: SyncRequest,
) -> Result<SyncResponse, ServiceError> {
    if request.ops.len() > OPS_PER_REQUEST {
        return Err(ServiceError::invalid(
            "ops",
            format!("at most {OPS_PER_REQUEST} in one request; send the rest after"),
        ));
    }
    let mut verdicts = Vec::new();
    if !request.ops.is_empty() {
        let epoch = journal::epoch(ctx.store.begin(Mode::Read).await?.as_mut()).await?;
        if request.epoch == Some(epoch) {
            verdicts = ops::take(ctx, session, &request.ops).await?;
        }
    }
    let mut response = answer(ctx, session, request.cursor.as_ref(), request.limit_bytes).await?;
    response.verdicts = verdicts;
    Ok(response)
}

/// The page at `cursor`, as it is now: waiting for news is the caller's (see [`standing`] and
/// [`crate::journal::hints`]).
pub async fn pull(
    ctx: &Context,
    session: Session,
    cursor: &Cursor,
    limit_bytes: Option<u64>,
) -> Result<SyncResponse, ServiceError> {
    answer(ctx, session, Some(cursor), limit_bytes).await
}

async fn answer(
    ctx: &Context,
    session: Session,
    cursor: Option<&Cursor>,
    limit_bytes: Option<u64>,
) -> Result<SyncResponse, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let tx = tx.as_mut();
    let viewer = Viewer::load(tx, session.person, &ctx.policy).await?;
    let Standing { epoch, scopes_rev, heads } = stand(tx, &viewer).await?;
    let mut response = SyncResponse {
        epoch,
        server_time: ctx.env.clock.now(),
        scopes_rev,
        verdicts: Vec::new(),
        items: Vec::new(),
        next: None,
        complete: false,
        heads,
        reset: None,
    };
    let Some(cursor) = cursor else { return Ok(response) };
    let position = Position::open(&ctx.key, cursor);
    let stale = match &position {
        None => Some(ResetReason::Unreadable),
        Some(position) => position.stale(tx, epoch, scopes_rev, &response.heads).await?,
    };
    if let (Some(ResetReason::Tag | ResetReason::Ahead), kind) = (stale, ctx.store.kind()) {
        // Only copied or rolled back database files do this: `restore` would have begun a new epoch.
        tracing::error!(store = kind, "ALARM: a cursor stands on another history than this database");
    }
    match (position, stale) {
        (Some(position), None) => {
            let page = page::read(tx, &viewer, &position, &response.heads, limit_bytes).await?;
            response.items = page.items;
            response.next = Some(page.next.seal(&ctx.key));
            response.complete = page.complete;
        }
        (_, reason) => response.reset = Some(Reset { reason: reason.unwrap_or(ResetReason::Unreadable) }),
    }
    Ok(response)
}

/// What a session holds, and where its journals stand; for `GET /live` and for waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The server's epoch.
    pub epoch: Epoch,
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
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let viewer = Viewer::load(tx.as_mut(), person, &ctx.policy).await?;
    stand(tx.as_mut(), &viewer).await
}

async fn stand(tx: &mut dyn Tx, viewer: &Viewer) -> Result<Standing, ServiceError> {
    Ok(Standing {
        epoch: journal::epoch(tx).await?,
        scopes_rev: viewer.scopes_rev,
        heads: journal::heads(tx, &viewer.scopes).await?,
    })
}
