//! The server through real sockets.

mod downloads;
mod durability;
mod gate;
pub mod goldens;
mod live;
mod mail;
mod models;
mod operation;
mod s3;
mod sign_in;
mod staff;
mod uploads;

use std::time::Duration;

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    ids::{AttachmentId, EntityId, Epoch, InstallId, OpId},
    op::{FileRef, TicketCreateBody, WireOp, digest, kind},
    session::{SignInAsked, Tokens},
    sync::{SyncResponse, Verdict},
};
use pocketdesk_server::{
    auth::keys::sha256,
    config::Config,
    env::{Clock, Env},
    server::{Parts, Running, Server},
    sync::receipt::hex,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The real clock, moved on as a test says. It never sleeps long, so that what waits looks at it again.
pub struct MovedClock {
    real: Env,
    by: std::sync::atomic::AtomicI64,
}

impl MovedClock {
    pub fn new() -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self { real: Env::system(), by: 0.into() })
    }

    pub fn on(&self, seconds: i64) {
        self.by.fetch_add(seconds * 1000, std::sync::atomic::Ordering::SeqCst);
    }

    fn by(&self) -> i64 {
        self.by.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Clock for MovedClock {
    fn now(&self) -> i64 {
        self.real.clock.now() + self.by()
    }

    fn monotonic(&self) -> u64 {
        self.real.clock.monotonic() + self.by().unsigned_abs()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.real.clock.sleep(time.min(Duration::from_millis(30)))
    }
}

/// A server in this process, on a folder of its own.
pub struct Desk {
    pub running: Running,
    pub http: reqwest::Client,
    pub folder: TempDir,
}

impl Desk {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_parts(change, Parts::default()).await
    }

    pub async fn with_clock(clock: std::sync::Arc<MovedClock>) -> Self {
        let env = Env { clock, ..Env::system() };
        Self::with_parts(|_| {}, Parts { env, ..Parts::default() }).await
    }

    async fn with_parts(change: impl FnOnce(&mut Config), parts: Parts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::development(folder.path());
        change(&mut config);
        let running = Server::start_with(config, parts).await.unwrap();
        Self { running, http: client(), folder }
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.running.url()))
    }

    pub fn staff(&self, method: Method, path: &str) -> RequestBuilder {
        self.ask(method, path).bearer_auth(self.running.staff_token())
    }

    pub async fn asked(&self, email: &str) -> (SignInAsked, String) {
        let secret = hex(&sha256(email.as_bytes()));
        let challenge = hex(&sha256(&sha256(email.as_bytes())));
        let answer = self
            .ask(Method::POST, "/sign-in/email")
            .json_body(&json!({ "email": email, "challenge": challenge }));
        (good(answer).await, secret)
    }

    pub async fn enter(&self, asked: &SignInAsked, secret: &str, code: &str, install: InstallId) -> Response {
        let body = json!({
            "sign_in": asked.sign_in, "code": code, "secret": secret, "install": install, "device": "Olena's phone",
        });
        self.ask(Method::POST, "/sign-in/code").json_body(&body).send().await.unwrap()
    }

    pub async fn phone(&self, email: &str) -> Phone<'_> {
        let (asked, secret) = self.asked(email).await;
        let code = self.running.code(email).await;
        let install = InstallId(new_id());
        let answer = self.enter(&asked, &secret, &code, install).await;
        assert_eq!(answer.status(), StatusCode::OK);
        Phone { desk: self, tokens: json_of(answer).await, install }
    }
}

/// A signed-in phone.
pub struct Phone<'a> {
    pub desk: &'a Desk,
    pub tokens: Tokens,
    pub install: InstallId,
}

impl Phone<'_> {
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.desk.ask(method, path).bearer_auth(&self.tokens.access_token)
    }

    pub async fn epoch(&self) -> Epoch {
        let me: Value = good(self.ask(Method::GET, "/me")).await;
        Epoch(me["epoch"].as_i64().unwrap())
    }

    /// Files a ticket; answers its id.
    pub async fn file(&self, subject: &str, files: Vec<FileRef>) -> EntityId {
        let ticket = EntityId(new_id());
        let op = ticket_op(ticket, subject, files);
        let body = json!({ "epoch": self.epoch().await, "ops": [op] });
        let answer: SyncResponse = good(self.ask(Method::POST, "/sync").json_body(&body)).await;
        assert!(matches!(answer.verdicts[0].verdict, Verdict::Applied { .. }), "{:?}", answer.verdicts);
        ticket
    }

    pub async fn begin(&self, file: &FileRef) -> Value {
        let body = json!({ "id": file.id, "size": file.size, "sha256": file.sha256 });
        good(self.ask(Method::POST, "/uploads").json_body(&body)).await
    }

    pub async fn put(&self, id: AttachmentId, n: usize, bytes: &[u8]) -> Response {
        self.put_as(&self.tokens.access_token, id, n, bytes, &hex(&sha256(bytes))).await
    }

    pub async fn put_as(
        &self,
        token: &str,
        id: AttachmentId,
        n: usize,
        bytes: &[u8],
        digest: &str,
    ) -> Response {
        self.desk
            .ask(Method::PUT, &format!("/uploads/{id}/parts/{n}"))
            .bearer_auth(token)
            .header("pocketdesk-digest", digest)
            .body(bytes.to_vec())
            .send()
            .await
            .unwrap()
    }

    /// Uploads all of it, in order.
    pub async fn upload(&self, file: &FileRef, bytes: &[u8]) {
        let part = self.begin(file).await["part_size"].as_u64().unwrap() as usize;
        for (n, chunk) in parts(bytes, part).into_iter().enumerate() {
            assert!(self.put(file.id, n, chunk).await.status().is_success());
        }
    }
}

pub fn parts(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    if bytes.is_empty() { vec![bytes] } else { bytes.chunks(size).collect() }
}

pub fn ticket_op(ticket: EntityId, subject: &str, attachments: Vec<FileRef>) -> WireOp {
    let body = TicketCreateBody {
        subject: subject.to_owned(),
        description: "It hums.".to_owned(),
        attachments,
        company: None,
        site: None,
        made_at: 0,
    };
    let body = serde_json::to_string(&body).unwrap();
    let sha256 = digest(kind::TICKET_CREATE, 1, ticket, &body);
    WireOp {
        op: OpId(new_id()),
        entity: ticket,
        prev: None,
        kind: kind::TICKET_CREATE.to_owned(),
        v: 1,
        body,
        sha256,
        receipt: None,
        age_ms: None,
    }
}

pub fn new_id() -> uuid::Uuid {
    Env::system().new_id()
}

/// A file and its bytes, different for every seed.
pub fn file(name: &str, size: usize, seed: u8) -> (FileRef, Vec<u8>) {
    let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + at / 251) as u8 ^ seed).collect();
    (describe(name, &bytes), bytes)
}

pub fn describe(name: &str, bytes: &[u8]) -> FileRef {
    FileRef {
        id: AttachmentId(new_id()),
        name: name.to_owned(),
        size: bytes.len() as u64,
        sha256: hex(&sha256(bytes)),
    }
}

pub fn client() -> reqwest::Client {
    client_trusting(rustls::RootCertStore::empty())
}

pub fn client_trusting(roots: rustls::RootCertStore) -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots)
    .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

/// reqwest's own `json` is a feature that nothing else here needs.
pub trait JsonBody {
    fn json_body(self, body: &Value) -> Self;
}

impl JsonBody for RequestBuilder {
    fn json_body(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

pub async fn json_of<T: serde::de::DeserializeOwned>(answer: Response) -> T {
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// Sends, and wants 200 with a JSON body.
pub async fn good<T: serde::de::DeserializeOwned>(request: RequestBuilder) -> T {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// Sends, and wants a problem of that status and name.
pub async fn problem(request: RequestBuilder, status: u16, code: &str) -> Value {
    refused(request.send().await.unwrap(), status, code).await
}

pub async fn refused(answer: Response, status: u16, code: &str) -> Value {
    let found = answer.status().as_u16();
    assert_eq!(answer.headers()["pocketdesk-protocol"], "1-1", "an answer that is not known as ours");
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not a problem: {text}"));
    assert_eq!(body["code"], code, "{text}");
    body
}
