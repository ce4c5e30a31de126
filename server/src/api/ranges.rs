//! Answers in ranges: which bytes an asker wants, and what stands above them. For files and speech models alike.

use std::ops::Range;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Refusal;

/// What an asker gets.
pub enum Wanted {
    /// These bytes, with 200 or 206.
    Bytes(StatusCode, Range<u64>),
    /// None: 304 or 416, which is the whole answer.
    Nothing(Response),
}

/// Judges Range, If-Range and If-None-Match for bytes named `etag`.
pub fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Result<Wanted, Refusal> {
    if matches(headers, header::IF_NONE_MATCH, etag) {
        let answer = (StatusCode::NOT_MODIFIED, [(header::ETAG, etag.to_owned())]).into_response();
        return Ok(Wanted::Nothing(answer));
    }
    // A range of another file than the one the asker has a piece of would be glued to it.
    let same = !headers.contains_key(header::IF_RANGE) || matches(headers, header::IF_RANGE, etag);
    let wish = headers.get(header::RANGE).filter(|_| same).and_then(|value| value.to_str().ok());
    Ok(match wish.map(|text| range(text, size)) {
        None | Some(Wish::Whole) => Wanted::Bytes(StatusCode::OK, 0..size),
        Some(Wish::Part(range)) => Wanted::Bytes(StatusCode::PARTIAL_CONTENT, range),
        Some(Wish::Beyond) => {
            let mut response = Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                pocketdesk_protocol::session::problem::BAD_REQUEST,
                "The file ends before this range.",
            )
            .into_response();
            response.headers_mut().insert(header::CONTENT_RANGE, value(&format!("bytes */{size}"))?);
            Wanted::Nothing(response)
        }
    })
}

/// What stands above the bytes `range`, but for their type.
pub fn head(etag: &str, status: StatusCode, range: &Range<u64>, size: u64) -> Result<HeaderMap, Refusal> {
    let mut head = HeaderMap::new();
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    head.insert(header::ETAG, value(etag)?);
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        head.insert(header::CONTENT_RANGE, value(&text)?);
    }
    Ok(head)
}

/// A header's value.
pub fn value(text: &str) -> Result<HeaderValue, Refusal> {
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
