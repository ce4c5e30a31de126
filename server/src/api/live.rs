//! `GET /live`: hints that something moved, never what. A stream ends with its access token, with its session, and
//! with the server; the phone opens another.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header;
use pocketdesk_protocol::{
    ids::SessionId,
    live::{HELLO, Hello, KEEP_ALIVE_S, MOVED, Moved},
    session::Problem,
};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{App, Refusal, asker::SignedIn};
use crate::{
    auth::tokens::Access,
    context::ServiceError,
    journal::hints::Subscription,
    sync::{Standing, standing},
};

/// Streams of one session at a time: the app's, and those a broken network has not noticed the end of.
const STREAMS: usize = 4;
/// A comment line.
const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// Server-Sent Events: `hello` at once, then `moved` whenever a journal moves, a comment line every 25 seconds.
#[utoipa::path(get, path = "/live", tag = "sync", security(("access" = [])),
    responses((status = 200, content_type = "text/event-stream", body = String, description = "Events `hello` (a \
        `Hello`) and `moved` (a `Moved`)"), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn live(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refusal> {
    let place = Place::take(&app, who.session().session);
    let endings = app.auth.endings();
    let (standing, news) = subscribe(&app, &who.0).await?;
    let hello =
        Hello { epoch: standing.epoch, scopes_rev: standing.scopes_rev, heads: standing.heads.clone() };
    let first = stream::iter([event(HELLO, &hello)]);
    let live = Live { app, access: who.0, standing, news, endings, place };
    let rest = stream::unfold(live, |mut live| async move { live.next().await.map(|bytes| (bytes, live)) });
    let body = axum::body::Body::from_stream(first.chain(rest).map(Ok::<_, Infallible>));
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    // Told in nginx's own word not to hold events back.
    let unbuffered = [("x-accel-buffering", "no")];
    Ok((head, unbuffered, body).into_response())
}

async fn subscribe(app: &App, access: &Access) -> Result<(Standing, Subscription), ServiceError> {
    let person = access.session.person;
    let before = standing(&app.ctx, person).await?;
    let news = app.ctx.hints.subscribe(before.scopes());
    // Looked at again after subscribing: what moved in between is in it.
    Ok((standing(&app.ctx, person).await?, news))
}

struct Live {
    app: Arc<App>,
    access: Access,
    standing: Standing,
    news: Subscription,
    endings: Receiver<SessionId>,
    place: Place,
}

impl Live {
    /// The next bytes; none ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let clock = self.app.ctx.env.clock.clone();
        let closing = self.app.closing.clone();
        let keep_alive_at = clock.monotonic() + KEEP_ALIVE_S * 1000;
        loop {
            let lives = u64::try_from(self.access.expires_at - clock.now()).ok().filter(|left| *left > 0)?;
            let quiet = keep_alive_at.saturating_sub(clock.monotonic());
            let wait = Duration::from_millis(quiet.min(lives));
            tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                () = self.place.taken.cancelled() => return None,
                ended = self.endings.recv() => match ended {
                    Ok(session) if session != self.access.session.session => {}
                    Ok(_) | Err(RecvError::Closed) => return None,
                    Err(RecvError::Lagged(_)) => self.still_live().await?,
                },
                _ = self.news.next() => {
                    if let Some(bytes) = self.moved().await? {
                        return Some(bytes);
                    }
                }
                () = clock.sleep(wait) => {
                    // Ended on another replica, or hinted at there and the hint was lost.
                    self.still_live().await?;
                    if let Some(bytes) = self.moved().await? {
                        return Some(bytes);
                    }
                    if clock.monotonic() >= keep_alive_at {
                        return Some(KEEP_ALIVE);
                    }
                }
            }
        }
    }

    async fn still_live(&self) -> Option<()> {
        self.app.auth.is_live(self.access.session.session).await.ok()?.then_some(())
    }

    /// An event for each journal that moved since the last one told; none at all ends the stream.
    async fn moved(&mut self) -> Option<Option<Bytes>> {
        let now = standing(&self.app.ctx, self.access.session.person).await.ok()?;
        if now.epoch != self.standing.epoch {
            return None;
        }
        let other_scopes = now.scopes_rev != self.standing.scopes_rev;
        let before: HashMap<_, _> = self.standing.heads.iter().map(|head| (head.scope, head.seq)).collect();
        let mut text = Vec::new();
        for head in &now.heads {
            if other_scopes || before.get(&head.scope) != Some(&head.seq) {
                let moved = Moved { scope: head.scope, head: head.seq, scopes_rev: now.scopes_rev };
                text.extend_from_slice(&event(MOVED, &moved));
            }
        }
        if other_scopes {
            self.news = self.app.ctx.hints.subscribe(now.scopes());
        }
        self.standing = now;
        Some((!text.is_empty()).then(|| Bytes::from(text)))
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("plain data has a JSON text");
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// One of a session's streams; given back when the stream is dropped.
struct Place {
    app: Arc<App>,
    session: SessionId,
    taken: CancellationToken,
}

impl Place {
    /// The newest stream is the one somebody reads: it takes the place of the oldest, which a broken network may have
    /// left half open.
    fn take(app: &Arc<App>, session: SessionId) -> Self {
        let taken = CancellationToken::new();
        let mut streams = app.streams.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let open = streams.entry(session).or_default();
        if open.len() >= STREAMS {
            open.remove(0).cancel();
        }
        open.push(taken.clone());
        app.metrics.streams.inc();
        Self { app: app.clone(), session, taken }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // So that it is known among the session's, whether or not another has taken its place.
        self.taken.cancel();
        let mut streams = self.app.streams.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.app.metrics.streams.dec();
        if let Some(open) = streams.get_mut(&self.session) {
            open.retain(|stream| !stream.is_cancelled());
            if open.is_empty() {
                streams.remove(&self.session);
            }
        }
    }
}
