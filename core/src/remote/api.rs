//! The desk's endpoints as calls: what goes in and comes out typed, with time and size limits, and one
//! [`Failure`] for everything else.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream,
};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use pocketdesk_protocol::{
    ids::{AttachmentId, SessionId},
    models::SignedManifest,
    session::{Me, SessionView, SignInAsked, SignInCode, SignInEmail, TokenRequest, Tokens},
    sync::{PullQuery, SyncRequest, SyncResponse},
    uploads::{PART_DIGEST_HEADER, Upload, UploadCreate},
    version::{PROTOCOL_HEADER, PROTOCOL_VERSION},
};
use serde::{Serialize, de::DeserializeOwned};

use super::answer::{self, Failure};
use crate::env::{Body, Clock, NetError, Remote};

/// Until an answer's head must be there, besides what was asked to be waited for.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Between two chunks of a body.
const IDLE: Duration = Duration::from_secs(30);
/// An answer may come slower than [`SLOWEST_BYTES_A_MS`] for so long, ms.
const DRIPS_FOR_MS: u64 = 60_000;
/// Eight kbit/s: the slowest link that ever gets a page through.
const SLOWEST_BYTES_A_MS: usize = 1;
/// A page holds at least one commit of at most 200 entities.
const ANSWER_BYTES: usize = 64 << 20;
/// An error's body is a sentence.
const PROBLEM_BYTES: usize = 64 << 10;
/// Bytes a second that a link worth having carries at least.
const SLOWEST: u64 = 8_000;
/// Smaller bodies gain nothing from compression.
const COMPRESS_FROM: usize = 512;

/// Calls to one server. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    remote: Arc<dyn Remote>,
    clock: Arc<dyn Clock>,
    base: String,
}

/// The head of a download.
pub struct Download {
    /// The bytes from [`Self::from`] on.
    pub body: Body,
    /// Where the body starts: 0 when the server did not go on where it was asked to.
    pub from: u64,
    /// Bytes the body will have, if the server says so.
    pub length: Option<u64>,
    /// Names these bytes.
    pub etag: Option<String>,
}

impl Api {
    /// `base` is an address as [`super::address::normalise`] gives it.
    pub fn new(remote: Arc<dyn Remote>, clock: Arc<dyn Clock>, base: String) -> Self {
        Self { remote, clock, base }
    }

    /// Asks for a code.
    pub async fn sign_in_email(&self, body: &SignInEmail) -> Result<SignInAsked, Failure> {
        self.json(Method::POST, "/sign-in/email", None, Some(encode(body))).await
    }

    /// Gives the code.
    pub async fn sign_in_code(&self, body: &SignInCode) -> Result<Tokens, Failure> {
        self.json(Method::POST, "/sign-in/code", None, Some(encode(body))).await
    }

    /// Rotates the refresh token.
    pub async fn token(&self, body: &TokenRequest) -> Result<Tokens, Failure> {
        match self.json(Method::POST, "/token", None, Some(encode(body))).await {
            // There is no access token to be wrong here: this is the refresh token's end.
            Err(Failure::Unauthorized) => Err(Failure::Revoked),
            other => other,
        }
    }

    /// Who this session is.
    pub async fn me(&self, token: &str) -> Result<Me, Failure> {
        self.json(Method::GET, "/me", Some(token), None).await
    }

    /// The person's sessions.
    pub async fn sessions(&self, token: &str) -> Result<Vec<SessionView>, Failure> {
        self.json(Method::GET, "/sessions", Some(token), None).await
    }

    /// Ends one of them.
    pub async fn end_session(&self, token: &str, session: SessionId) -> Result<(), Failure> {
        let request = self.request(Method::DELETE, &format!("/sessions/{session}"), Some(token), None);
        let answer = self.call(request, HEAD_WITHIN).await?;
        self.collect(answer.into_body(), PROBLEM_BYTES).await?;
        Ok(())
    }

    /// Sends ops and asks for a page.
    pub async fn sync(&self, token: &str, body: &SyncRequest) -> Result<SyncResponse, Failure> {
        self.json(Method::POST, "/sync", Some(token), Some(encode(body))).await
    }

    /// Asks for a page.
    pub async fn pull(&self, token: &str, query: &PullQuery) -> Result<SyncResponse, Failure> {
        let mut path = format!("/pull?cursor={}", escape(&query.cursor.0));
        if let Some(limit) = query.limit_bytes {
            path += &format!("&limit_bytes={limit}");
        }
        if let Some(at_least) = &query.at_least {
            path += &format!("&at_least={}", escape(at_least));
        }
        if let Some(wait) = query.wait {
            path += &format!("&wait={wait}");
        }
        let request = self.request(Method::GET, &path, Some(token), None);
        let within = HEAD_WITHIN + Duration::from_secs(query.wait.unwrap_or(0));
        let answer = self.call(request, within).await?;
        decode(&self.collect(answer.into_body(), ANSWER_BYTES).await?)
    }

    /// The stream of a snapshot, for [`super::snapshot::Frames`].
    pub async fn snapshot(&self, token: &str, resume: Option<&str>) -> Result<Body, Failure> {
        let path = match resume {
            Some(resume) => format!("/snapshot?resume={}", escape(resume)),
            None => "/snapshot".to_owned(),
        };
        let answer = self.call(self.request(Method::GET, &path, Some(token), None), HEAD_WITHIN).await?;
        Ok(self.unhurried(answer.into_body()))
    }

    /// The stream of hints, for [`super::live::Events`]. Its silence is the caller's to judge.
    pub async fn live(&self, token: &str, hello_within: Duration) -> Result<Body, Failure> {
        let mut request = self.request(Method::GET, "/live", Some(token), None);
        // A compressing proxy buffers: hints come late or never.
        request.headers_mut().insert(header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        request.headers_mut().insert(header::ACCEPT, http::HeaderValue::from_static("text/event-stream"));
        Ok(self.call(request, hello_within).await?.into_body())
    }

    /// Begins an upload or renews its token.
    pub async fn create_upload(&self, token: &str, body: &UploadCreate) -> Result<Upload, Failure> {
        self.json(Method::POST, "/uploads", Some(token), Some(encode(body))).await
    }

    /// Which parts the server holds.
    pub async fn upload(&self, token: &str, id: AttachmentId) -> Result<Upload, Failure> {
        self.json(Method::GET, &format!("/uploads/{id}"), Some(token), None).await
    }

    /// Sends one part; durable at the server when it returns.
    pub async fn put_part(
        &self,
        token: &str,
        id: AttachmentId,
        part: u64,
        sha256: &str,
        bytes: Bytes,
    ) -> Result<(), Failure> {
        let mut request =
            self.request(Method::PUT, &format!("/uploads/{id}/parts/{part}"), Some(token), None);
        let digest = sha256.parse().expect("hex digits are a header's value");
        request.headers_mut().insert(PART_DIGEST_HEADER, digest);
        let octets = http::HeaderValue::from_static("application/octet-stream");
        request.headers_mut().insert(header::CONTENT_TYPE, octets);
        let length = bytes.len() as u64;
        *request.body_mut() = bytes;
        // Over the slowest link worth having (64 kbit/s) 1 MiB takes two minutes; a small part that is lost must not
        // hold its file back as long.
        let on_the_way = Duration::from_secs(length / SLOWEST);
        let answer = self.call(request, HEAD_WITHIN + on_the_way).await?;
        self.collect(answer.into_body(), PROBLEM_BYTES).await?;
        Ok(())
    }

    /// The bytes of a file from `from` on, if they are still those that `etag` names.
    pub async fn download(
        &self,
        token: &str,
        id: AttachmentId,
        from: u64,
        etag: Option<&str>,
    ) -> Result<Download, Failure> {
        self.bytes(&format!("/attachments/{id}"), token, from, etag).await
    }

    /// Which speech models the company offers.
    pub async fn models(&self, token: &str) -> Result<SignedManifest, Failure> {
        self.json(Method::GET, "/models", Some(token), None).await
    }

    /// The bytes of one of them, as [`Self::download`].
    pub async fn model(
        &self,
        token: &str,
        sha256: &str,
        from: u64,
        etag: Option<&str>,
    ) -> Result<Download, Failure> {
        self.bytes(&format!("/models/{}", escape(sha256)), token, from, etag).await
    }

    async fn bytes(
        &self,
        path: &str,
        token: &str,
        from: u64,
        etag: Option<&str>,
    ) -> Result<Download, Failure> {
        let mut request = self.request(Method::GET, path, Some(token), None);
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        if let (true, Some(etag)) = (from > 0, etag.and_then(|etag| etag.parse().ok())) {
            headers.insert(
                header::RANGE,
                format!("bytes={from}-").parse().expect("digits are a header's value"),
            );
            headers.insert(header::IF_RANGE, etag);
        }
        let answer = self.call(request, HEAD_WITHIN).await?;
        let etag = text(answer.headers(), header::ETAG);
        let length = text(answer.headers(), header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let from = if answer.status() == StatusCode::PARTIAL_CONTENT {
            let range = text(answer.headers(), header::CONTENT_RANGE).unwrap_or_default();
            let start = range.strip_prefix("bytes ").and_then(|range| range.split('-').next()?.parse().ok());
            start.ok_or(Failure::Server { status: 206, after: None })?
        } else {
            0
        };
        Ok(Download { body: self.unhurried(answer.into_body()), from, length, etag })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Request<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(PROTOCOL_HEADER, PROTOCOL_VERSION.to_string());
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            None => Bytes::new(),
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                match zstd::bulk::compress(&json, 3) {
                    Ok(small) if json.len() >= COMPRESS_FROM => {
                        request = request.header(header::CONTENT_ENCODING, "zstd");
                        small.into()
                    }
                    _ => json.into(),
                }
            }
        };
        request
            .body(body)
            .expect("an address that was normalised and a token that came as one make a request")
    }

    /// Sends and judges the head: an answer that gets through is ours and a success.
    async fn call(&self, request: Request<Bytes>, within: Duration) -> Result<Response<Body>, Failure> {
        let answer = self.within(within, self.remote.send(request)).await??;
        answer::head(answer.status(), answer.headers())?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let body = self.collect(body, PROBLEM_BYTES).await.unwrap_or_default();
        Err(answer::refused(head.status, &head.headers, &body))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Result<T, Failure> {
        let answer = self.call(self.request(method, path, token, body), HEAD_WITHIN).await?;
        decode(&self.collect(answer.into_body(), ANSWER_BYTES).await?)
    }

    async fn collect(&self, body: Body, limit: usize) -> Result<Bytes, Failure> {
        let mut body = self.unhurried(body);
        let mut all = BytesMut::new();
        let begun = self.clock.monotonic();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            // Something always comes and it is never done: whoever drips it would hold up all the rest.
            let allowed = DRIPS_FOR_MS + (all.len() / SLOWEST_BYTES_A_MS) as u64;
            if self.clock.monotonic().saturating_sub(begun) > allowed {
                return Err(NetError::Timeout.into());
            }
            if all.len() + chunk.len() > limit {
                return Err(NetError::TooLarge.into());
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The body, ended by a time-out when nothing comes for [`IDLE`].
    fn unhurried(&self, body: Body) -> Body {
        let clock = self.clock.clone();
        stream::unfold((body, false), move |(mut body, over)| {
            let clock = clock.clone();
            async move {
                if over {
                    return None;
                }
                match select(body.next(), clock.sleep(IDLE)).await {
                    Either::Left((Some(chunk), _)) => {
                        let over = chunk.is_err();
                        Some((chunk, (body, over)))
                    }
                    Either::Left((None, _)) => None,
                    Either::Right(_) => Some((Err(NetError::Timeout), (body, true))),
                }
            }
        })
        .boxed()
    }

    async fn within<T>(&self, time: Duration, work: impl Future<Output = T> + Unpin) -> Result<T, Failure> {
        match select(work, self.clock.sleep(time)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(NetError::Timeout.into()),
        }
    }
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("the protocol's types are JSON")
}

/// What is ours and cannot be read is the desk's failure: it is asked again later, nobody is signed out.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        tracing::warn!(line = error.line(), column = error.column(), "an answer of the desk cannot be read");
        Failure::Server { status: 200, after: None }
    })
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cursor_reaches_the_server_as_it_was_given() {
        assert_eq!(super::escape("a+/=&я"), "a%2B%2F%3D%26%D1%8F");
    }
}
