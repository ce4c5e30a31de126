//! What goes over the wire, judged as it goes: a phone never names an epoch or a cursor older than one it named before
//! (property 4), does not knock without pause at a door that stays shut (12), and no server tells a phone that its
//! history is another one, which is how a lost commit of the server's would show.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use pocketdesk_protocol::{
    ids::Epoch,
    sync::{Cursor, SyncRequest},
};
use pocketdesk_server::{journal::cursor::Position, sync::receipt::ReceiptKey};

/// Failures in a row of one kind of request within [`KNOCKING_MS`] beyond which there is no back-off.
const KNOCKS: usize = 9;
/// The same where several wait beside each other, each with a back-off of its own: files.
const KNOCKS_OF_FILES: usize = 30;
const KNOCKING_MS: u64 = 6_000;

/// See the module.
pub struct Wire {
    key: ReceiptKey,
    phones: Vec<Mutex<Seen>>,
    problems: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Seen {
    epoch: Option<Epoch>,
    at: Option<Position>,
    /// When requests of a kind failed since one that did not, or since somebody did something on this phone.
    failed: BTreeMap<&'static str, Vec<u64>>,
}

impl Wire {
    /// Of so many phones and a server with that key.
    pub fn new(phones: usize, key: ReceiptKey) -> Self {
        Self { key, phones: (0..phones).map(|_| Mutex::default()).collect(), problems: Mutex::default() }
    }

    fn seen(&self, phone: usize) -> MutexGuard<'_, Seen> {
        held(&self.phones[phone])
    }

    /// What did not hold, once.
    pub fn problems(&self) -> Vec<String> {
        std::mem::take(&mut *held(&self.problems))
    }

    fn problem(&self, what: String) {
        let mut problems = held(&self.problems);
        if problems.len() < 10 && !problems.contains(&what) {
            problems.push(what);
        }
    }

    /// The phone may have lost the last commits of its cache.
    pub fn power_lost(&self, phone: usize) {
        self.seen(phone).at = None;
    }

    /// Somebody did something on this phone, or its network changed: it may try at once.
    pub fn touched(&self, phone: usize) {
        self.seen(phone).failed.clear();
    }

    /// A request came to nothing, at that ms.
    pub fn failed(&self, phone: usize, path: &str, at: u64) {
        let (kind, most) = match path {
            "/sync" | "/pull" | "/me" => ("talk", KNOCKS),
            "/token" => ("token", KNOCKS),
            "/live" => ("live", KNOCKS),
            "/snapshot" => ("build", KNOCKS),
            _ => ("files", KNOCKS_OF_FILES),
        };
        let mut seen = self.seen(phone);
        let failed = seen.failed.entry(kind).or_default();
        failed.retain(|before| before + KNOCKING_MS > at);
        failed.push(at);
        let knocks = failed.len();
        drop(seen);
        if knocks > most {
            self.problem(format!(
                "12: p{phone} knocked {knocks} times in {KNOCKING_MS} ms ({kind}), nobody answered"
            ));
        }
    }

    /// A request was answered by our server.
    pub fn answered(&self, phone: usize) {
        self.seen(phone).failed.clear();
    }

    /// A request that names epoch or cursor.
    pub fn asked(&self, phone: usize, request: &http::Request<Bytes>) {
        match request.uri().path() {
            "/sync" => {
                let body = request.body();
                let plain = zstd::decode_all(body.as_ref()).unwrap_or_else(|_| body.to_vec());
                let Ok(request) = serde_json::from_slice::<SyncRequest>(&plain) else { return };
                self.named(phone, request.epoch, request.cursor.as_ref());
            }
            "/pull" => {
                let query = request.uri().query().unwrap_or_default();
                let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor="));
                self.named(phone, None, cursor.map(|text| Cursor(text.to_owned())).as_ref());
            }
            _ => {}
        }
    }

    fn named(&self, phone: usize, epoch: Option<Epoch>, cursor: Option<&Cursor>) {
        let mut problems = Vec::new();
        let mut seen = self.seen(phone);
        if let Some(epoch) = epoch {
            if let Some(before) = seen.epoch.filter(|before| *before > epoch) {
                problems.push(format!("4: p{phone} names epoch {} after {}", epoch.0, before.0));
            }
            seen.epoch = Some(epoch);
        }
        if let Some(position) = cursor.and_then(|cursor| Position::open(&self.key, cursor)) {
            if let Some(before) = seen.at.as_ref().filter(|before| before.epoch == position.epoch) {
                for (scope, (seq, _)) in &position.at {
                    if let Some((had, _)) = before.at.get(scope).filter(|(had, _)| had > seq) {
                        problems
                            .push(format!("4: p{phone}'s cursor went back from {had} to {seq} of {scope:?}"));
                    }
                }
            }
            seen.at = Some(position);
        }
        drop(seen);
        problems.into_iter().for_each(|problem| self.problem(problem));
    }

    /// Part of an answer's body.
    pub fn said(&self, phone: usize, chunk: &[u8]) {
        for reason in [r#""reason":"tag""#, r#""reason":"ahead""#] {
            if chunk.windows(reason.len()).any(|part| part == reason.as_bytes()) {
                self.problem(format!("0: the server told p{phone} of another history ({reason})"));
            }
        }
    }
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
