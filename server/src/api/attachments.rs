//! Files on their way out: never inline, never sniffed, in ranges that go on where a connection broke off.

use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pocketdesk_protocol::{
    ids::{AttachmentId, PersonId},
    rows::FileState,
    session::Problem,
};

use super::{
    App, Refusal,
    asker::{Id, SignedIn, Staff},
    ranges::{self, Wanted, value},
};
use crate::{
    blobs::{manifest, sniff},
    files::{self, FileFacts},
    store::Mode,
};

/// The bytes of a file the person sees. 404 while they are not whole.
#[utoipa::path(get, path = "/attachments/{id}", tag = "files", security(("access" = [])),
    params(("id" = AttachmentId, Path), ("Range" = Option<String>, Header), ("If-Range" = Option<String>, Header),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>), (status = 304),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 416, body = Problem)))]
pub async fn download(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Id(id): Id<AttachmentId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let person = who.session().person;
    send(&app, Some(person), id, &headers).await
}

/// The bytes of any file of the desk.
#[utoipa::path(get, path = "/staff/attachments/{id}", tag = "staff", security(("staff" = [])),
    params(("id" = AttachmentId, Path), ("Range" = Option<String>, Header), ("If-Range" = Option<String>, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>), (status = 304),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 416, body = Problem)))]
pub async fn staff_download(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(id): Id<AttachmentId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    send(&app, None, id, &headers).await
}

async fn send(
    app: &App,
    viewer: Option<PersonId>,
    id: AttachmentId,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let mut tx = app.ctx.store.begin(Mode::Read).await?;
    let facts = match viewer {
        Some(person) => files::visible(tx.as_mut(), person, id).await?,
        None => files::any(tx.as_mut(), id).await?,
    };
    let facts = facts.filter(|facts| facts.state == FileState::Complete).ok_or_else(Refusal::not_found)?;
    let manifest = manifest::whole(tx.as_mut(), id, facts.author).await?;
    drop(tx);
    let manifest = manifest.ok_or_else(|| {
        tracing::error!(%id, "a file is whole by its row, and its parts are not here");
        Refusal::not_found()
    })?;
    let etag = format!("\"{}\"", facts.sha256);
    let (status, range) = match ranges::wanted(headers, &etag, facts.size)? {
        Wanted::Bytes(status, range) => (status, range),
        Wanted::Nothing(answer) => return Ok(answer),
    };
    let head = head(&facts, &etag, status, &range)?;
    let body = Body::from_stream(manifest.read(app.uploads.blobs().clone(), range));
    Ok((status, head, body).into_response())
}

fn head(facts: &FileFacts, etag: &str, status: StatusCode, range: &Range<u64>) -> Result<HeaderMap, Refusal> {
    let mut head = ranges::head(etag, status, range, facts.size)?;
    head.insert(header::CONTENT_TYPE, value(facts.mime.as_deref().unwrap_or("application/octet-stream"))?);
    head.insert(header::CONTENT_DISPOSITION, value(&sniff::disposition(&facts.name))?);
    head.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    Ok(head)
}
