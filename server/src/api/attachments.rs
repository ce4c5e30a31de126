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
    if matches(headers, header::IF_NONE_MATCH, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    // A range of another file than the one the asker has a piece of would be glued to it.
    let same = !headers.contains_key(header::IF_RANGE) || matches(headers, header::IF_RANGE, &etag);
    let wish = headers.get(header::RANGE).filter(|_| same).and_then(|value| value.to_str().ok());
    let (status, range) = match wish.map(|text| range(text, facts.size)) {
        None | Some(Wish::Whole) => (StatusCode::OK, 0..facts.size),
        Some(Wish::Part(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(Wish::Beyond) => {
            let mut response = Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                pocketdesk_protocol::session::problem::BAD_REQUEST,
                "The file ends before this range.",
            )
            .into_response();
            let text = format!("bytes */{}", facts.size);
            response.headers_mut().insert(header::CONTENT_RANGE, value(&text)?);
            return Ok(response);
        }
    };
    let head = head(&facts, &etag, status, &range)?;
    let body = Body::from_stream(manifest.read(app.uploads.blobs().clone(), range));
    Ok((status, head, body).into_response())
}

fn head(facts: &FileFacts, etag: &str, status: StatusCode, range: &Range<u64>) -> Result<HeaderMap, Refusal> {
    let mut head = HeaderMap::new();
    head.insert(header::CONTENT_TYPE, value(facts.mime.as_deref().unwrap_or("application/octet-stream"))?);
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    head.insert(header::CONTENT_DISPOSITION, value(&sniff::disposition(&facts.name))?);
    head.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    head.insert(header::ETAG, value(etag)?);
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, facts.size);
        head.insert(header::CONTENT_RANGE, value(&text)?);
    }
    Ok(head)
}

fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text)
        .map_err(|_| Refusal::unavailable("This file cannot be described in a header.", 60))
}

fn matches(headers: &HeaderMap, name: header::HeaderName, etag: &str) -> bool {
    let said = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(',').map(str::trim).any(|one| one == etag || one == "*")
}

/// What a Range header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// Nothing we serve in parts (several ranges, another unit): the whole is the right answer.
    Whole,
    Part(Range<u64>),
    Beyond,
}

fn range(text: &str, size: u64) -> Wish {
    let Some((from, to)) = text.trim().strip_prefix("bytes=").and_then(|one| one.split_once('-')) else {
        return Wish::Whole;
    };
    let (from, to) = (from.trim(), to.trim());
    let range = if from.is_empty() {
        let Ok(last) = to.parse::<u64>() else { return Wish::Whole };
        size.saturating_sub(last)..size
    } else {
        let Ok(from) = from.parse::<u64>() else { return Wish::Whole };
        match to {
            "" => from..size,
            to => match to.parse::<u64>() {
                Ok(to) if to >= from => from..to.saturating_add(1).min(size),
                _ => return Wish::Whole,
            },
        }
    };
    if range.start >= range.end { Wish::Beyond } else { Wish::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_goes_on_exactly_where_it_broke_off() {
        assert_eq!(range("bytes=0-0", 10), Wish::Part(0..1));
        assert_eq!(range("bytes=4-", 10), Wish::Part(4..10));
        assert_eq!(range("bytes=4-99", 10), Wish::Part(4..10));
        assert_eq!(range("bytes=-3", 10), Wish::Part(7..10));
        assert_eq!(range("bytes=-30", 10), Wish::Part(0..10));
        assert_eq!(range("bytes=10-", 10), Wish::Beyond);
        assert_eq!(range("bytes=-0", 10), Wish::Beyond);
        assert_eq!(range("bytes=0-", 0), Wish::Beyond);
        for whole in
            ["bytes=1-2,4-5", "bytes=5-4", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=18446744073709551616-"]
        {
            assert_eq!(range(whole, 10), Wish::Whole, "{whole}");
        }
        assert_eq!(range("bytes=0-18446744073709551615", 10), Wish::Part(0..10));
    }
}
