//! Speech models on a device: what comes over bad networks and from bad desks, and what survives kills.

mod desks;
mod disks;
mod headers;
mod kills;
mod rest;
#[cfg(feature = "voice")]
mod rounding;
mod shapes;

use std::{
    path::Path,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use pocketdesk_core::{
    Error, Result,
    env::{
        Env, Job, NetError, Queue, Remote, Work,
        disk::{Disk, SystemDisk},
        system::{FileSecrets, SystemClock, SystemRng},
    },
    remote::answer::Failure,
    voice::models::{Models, Piece, Rules, Source},
};
use pocketdesk_protocol::models::{CHUNK, Manifest, Model, Role, SignedManifest, signed_bytes, to_hex};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};

/// One of these is 32 MB: made once.
static SPEECH: LazyLock<Arc<Vec<u8>>> = LazyLock::new(|| Arc::new(shapes::speech(1)));
static GATE: LazyLock<Arc<Vec<u8>>> = LazyLock::new(|| Arc::new(shapes::gate(2)));

/// The company's key, of these 32 bytes.
fn company(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(key: &Ed25519KeyPair) -> [u8; 32] {
    key.public_key().as_ref().try_into().unwrap()
}

fn entry(id: &str, role: Role, bytes: &[u8]) -> Model {
    Model {
        id: id.to_owned(),
        role,
        languages: Vec::new(),
        needs_memory: 0,
        rank: 1,
        size: bytes.len() as u64,
        sha256: to_hex(&Sha256::digest(bytes)),
        chunks: bytes.chunks(CHUNK as usize).map(|chunk| to_hex(&Sha256::digest(chunk))).collect(),
    }
}

fn sign(manifest: &Manifest, key: &Ed25519KeyPair) -> SignedManifest {
    let text = serde_json::to_string(manifest).unwrap();
    let signature = to_hex(key.sign(&signed_bytes(&text)).as_ref());
    SignedManifest { manifest: text, signature, key: to_hex(key.public_key().as_ref()) }
}

/// How a desk behaves when bytes are asked of it.
type Serve = dyn Fn(&Desk, &str, u64, Option<&str>) -> Result<Piece> + Send + Sync;

/// A desk that keeps to HTTP unless a test says otherwise.
struct Desk {
    signed: Mutex<SignedManifest>,
    files: Mutex<Vec<(String, Arc<Vec<u8>>)>>,
    serve: Mutex<Option<Arc<Serve>>>,
    /// Digest and offset of every request for bytes.
    asked: Mutex<Vec<(String, u64)>>,
    /// Where in the file the last byte was that left, by digest.
    sent_to: Arc<Mutex<Vec<(String, u64)>>>,
}

impl Desk {
    fn new(serial: u64, models: &[(&str, Role, Arc<Vec<u8>>)]) -> Arc<Self> {
        let desk = Self {
            signed: Mutex::new(sign(&Manifest { serial: 0, models: Vec::new() }, &company(1))),
            files: Mutex::default(),
            serve: Mutex::default(),
            asked: Mutex::default(),
            sent_to: Arc::default(),
        };
        desk.offer(serial, models);
        Arc::new(desk)
    }

    /// Two models: a recogniser and a detector.
    fn usual() -> Arc<Self> {
        Self::new(1, &[("tiny.en-q5_1", Role::Speech, SPEECH.clone()), ("silero", Role::Vad, GATE.clone())])
    }

    fn offer(&self, serial: u64, models: &[(&str, Role, Arc<Vec<u8>>)]) {
        let entries: Vec<Model> = models.iter().map(|(id, role, bytes)| entry(id, *role, bytes)).collect();
        let files =
            entries.iter().zip(models).map(|(entry, (_, _, bytes))| (entry.sha256.clone(), bytes.clone()));
        *self.files.lock().unwrap() = files.collect();
        *self.signed.lock().unwrap() = sign(&Manifest { serial, models: entries }, &company(1));
    }

    fn behave(
        &self,
        serve: impl Fn(&Desk, &str, u64, Option<&str>) -> Result<Piece> + Send + Sync + 'static,
    ) {
        *self.serve.lock().unwrap() = Some(Arc::new(serve));
    }

    fn bytes(&self, sha256: &str) -> Arc<Vec<u8>> {
        let files = self.files.lock().unwrap();
        files.iter().find(|(digest, _)| digest == sha256).unwrap().1.clone()
    }

    /// The bytes from `from` on, in pieces of 64 KiB; `limit` of them, then a cut.
    fn piece(&self, sha256: &str, from: u64, limit: u64) -> Piece {
        let (bytes, sent_to, of) = (self.bytes(sha256), self.sent_to.clone(), sha256.to_owned());
        let size = bytes.len() as u64;
        let end = from.saturating_add(limit).min(size);
        let offsets = stream::iter((from..end).step_by(64 << 10));
        let body = offsets.map(move |at| {
            let to = (at + (64 << 10)).min(end);
            let mut sent_to = sent_to.lock().unwrap();
            sent_to.retain(|(digest, _)| *digest != of);
            sent_to.push((of.clone(), to));
            Ok(Bytes::copy_from_slice(&bytes[at as usize..to as usize]))
        });
        let cut = stream::iter((end < size).then_some(Err(NetError::Cut)));
        Piece {
            body: body.chain(cut).boxed(),
            from,
            length: Some(size - from),
            etag: Some(format!("\"{sha256}\"")),
        }
    }

    fn asked(&self) -> Vec<(String, u64)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Source for Desk {
    fn manifest(&self) -> BoxFuture<'_, Result<SignedManifest>> {
        let signed = self.signed.lock().unwrap().clone();
        async move { Ok(signed) }.boxed()
    }

    fn file<'a>(&'a self, sha256: &'a str, from: u64, etag: Option<&'a str>) -> BoxFuture<'a, Result<Piece>> {
        self.asked.lock().unwrap().push((sha256.to_owned(), from));
        let serve = self.serve.lock().unwrap().clone();
        let answer = match serve {
            Some(serve) => serve(self, sha256, from, etag),
            None => Ok(self.piece(sha256, from, u64::MAX)),
        };
        async move {
            tokio::task::yield_now().await;
            answer
        }
        .boxed()
    }
}

/// Jobs run where they are handed in.
struct Inline;

impl Work for Inline {
    fn queue(&self, _: &str) -> Arc<dyn Queue> {
        Arc::new(Self)
    }

    fn spawn(&self, _: BoxFuture<'static, ()>) {}
}

impl Queue for Inline {
    fn run(&self, job: Job) -> BoxFuture<'static, ()> {
        job();
        async {}.boxed()
    }
}

/// Loading touches no network: there is none.
struct NoNetwork;

impl Remote for NoNetwork {
    fn send(
        &self,
        _: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<pocketdesk_core::env::Body>, NetError>> {
        async { Err(NetError::Unreachable) }.boxed()
    }
}

fn env() -> Env {
    Env {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        secrets: Arc::new(FileSecrets::new("unused")),
        remote: Arc::new(NoNetwork),
        work: Arc::new(Inline),
    }
}

fn rules() -> Rules {
    Rules { keys: vec![public(&company(1))], ..Rules::default() }
}

fn device_on(disk: Arc<dyn Disk>, folder: &Path, rules: Rules) -> Arc<Models> {
    Models::open(&env(), disk, folder.join("models"), rules)
}

fn device(folder: &Path) -> Arc<Models> {
    device_on(SystemDisk::port(), folder, rules())
}

/// The recogniser's bytes a load would get.
fn loaded(models: &Models) -> Vec<u8> {
    std::fs::read(models.weights().unwrap().speech).unwrap()
}

/// Names in the folder, digests shortened to what they are of.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("models")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refused(status: u16) -> Error {
    Failure::Refused { status, code: String::new(), tries_left: None }.into()
}

/// A fetch that must not take for ever.
async fn fetch(models: &Models, desk: &Desk) -> Result<()> {
    tokio::time::timeout(Duration::from_secs(60), models.fetch(desk, None)).await.expect("it ends")
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
