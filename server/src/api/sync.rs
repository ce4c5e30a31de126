//! Pushing ops, pulling rows, and the whole at once.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body as Stream,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header;
use pocketdesk_protocol::{
    session::Problem,
    sync::{AtLeast, PullQuery, SnapshotQuery, SyncRequest, SyncResponse},
};

use super::{
    App, Refusal,
    asker::{Asked, Body, SignedIn},
};
use crate::{
    context::{ServiceError, Session},
    sync as service,
};

/// Seconds a pull may wait.
const WAIT_S: u64 = 50;
/// A hint lost between replicas costs at most this.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Takes ops and answers the next page, read after their last commit.
#[utoipa::path(post, path = "/sync", tag = "sync", security(("access" = [])), request_body = SyncRequest,
    responses((status = 200, body = SyncResponse), (status = 401, body = Problem), (status = 413, body = Problem)))]
pub async fn sync(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(body): Body<SyncRequest>,
) -> Result<Json<SyncResponse>, Refusal> {
    let session = who.session();
    // In a task of its own: a phone that hangs up must not stop half-way what it has already begun to say.
    let (done, answer) = tokio::sync::oneshot::channel();
    let ctx = app.ctx.clone();
    app.ctx.env.work.spawn(Box::pin(async move {
        let _ = done.send(service::sync(&ctx, session, body).await);
    }));
    let answer =
        answer.await.map_err(|_| Refusal::unavailable("The server failed at this; it is logged.", 5))??;
    app.metrics.ops.inc_by(answer.verdicts.len() as u64);
    Ok(Json(answer))
}

/// The next page, at once or when there is news.
#[utoipa::path(get, path = "/pull", tag = "sync", security(("access" = [])),
    params(
        ("cursor" = String, Query, description = "Where the phone stands"),
        ("limit_bytes" = Option<u64>, Query),
        ("at_least" = Option<String>, Query, description = "JSON of an `AtLeast`: wait until the page reaches it"),
        ("wait" = Option<u64>, Query, description = "Seconds to wait for news, at most 50"),
    ),
    responses((status = 200, body = SyncResponse), (status = 401, body = Problem)))]
pub async fn pull(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Asked(query): Asked<PullQuery>,
) -> Result<Json<SyncResponse>, Refusal> {
    let session = who.session();
    let at_least = query
        .at_least
        .as_deref()
        .map(serde_json::from_str::<AtLeast>)
        .transpose()
        .map_err(|_| Refusal::bad_request("at_least must be the JSON text of {epoch, scope, seq}"))?;
    let clock = app.ctx.env.clock.clone();
    let until = clock.monotonic() + query.wait.unwrap_or(0).min(WAIT_S) * 1000;
    loop {
        // Subscribed before it looks: what moves in between wakes it.
        let standing = service::standing(&app.ctx, session.person).await?;
        let mut news = app.ctx.hints.subscribe(standing.scopes());
        let mut page = service::pull(&app.ctx, session, &query.cursor, query.limit_bytes).await?;
        let reached = at_least.as_ref().is_none_or(|wish| standing.reached(wish));
        let nothing = page.items.is_empty() && page.complete && page.reset.is_none();
        let satisfied = if at_least.is_some() { reached || page.reset.is_some() } else { !nothing };
        let left = Duration::from_millis(until.saturating_sub(clock.monotonic()));
        if satisfied || left.is_zero() || app.closing.is_cancelled() {
            // Not complete as long as what the phone was told of is not in it.
            page.complete &= reached;
            return Ok(Json(page));
        }
        tokio::select! {
            biased;
            () = app.closing.cancelled() => {}
            _ = news.next() => {}
            () = clock.sleep(left.min(LOOK_AGAIN)) => {}
        }
    }
}

/// Every row the session sees, as independent zstd frames of NDJSON; each ends with a key to go on from. Without a
/// Content-Encoding: the phone takes the frames apart itself.
#[utoipa::path(get, path = "/snapshot", tag = "sync", security(("access" = [])),
    params(("resume" = Option<String>, Query, description = "The last frame's key")),
    responses((status = 200, content_type = "application/vnd.pocketdesk.snapshot", body = Vec<u8>),
        (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn snapshot(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Asked(query): Asked<SnapshotQuery>,
) -> Result<Response, Refusal> {
    let session = who.session();
    // The first frame before the head, so that what is wrong with the question is still an answer.
    let first = service::snapshot_frame(&app.ctx, session, query.resume.as_deref(), true).await?;
    let next = (!first.last).then_some(first.resume);
    let frames = stream::once(async { Ok(Bytes::from(first.bytes)) }).chain(rest(app, session, next));
    let kind = [(header::CONTENT_TYPE, "application/vnd.pocketdesk.snapshot")];
    Ok((kind, Stream::from_stream(frames)).into_response())
}

fn rest(
    app: Arc<App>,
    session: Session,
    next: Option<String>,
) -> impl futures_util::Stream<Item = Result<Bytes, ServiceError>> {
    stream::try_unfold((app, next), move |(app, next)| async move {
        let Some(resume) = next.filter(|_| !app.closing.is_cancelled()) else { return Ok(None) };
        // An error cuts the body: the phone goes on from its last whole frame.
        let frame = service::snapshot_frame(&app.ctx, session, Some(&resume), false).await?;
        let next = (!frame.last).then_some(frame.resume);
        Ok(Some((Bytes::from(frame.bytes), (app, next))))
    })
}
