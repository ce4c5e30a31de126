//! The ports. Everything the core cannot decide by itself — time, chance, secrets, the network, file bytes and
//! where blocking work runs — comes through here. [`system`] alone touches the real ones; World replaces them all.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};
use uuid::Uuid;

pub mod disk;
pub mod system;

/// Wall time for show, monotonic time for waiting. Wall time orders nothing (3-sync rule 6).
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch; may jump either way.
    fn now(&self) -> i64;
    /// Milliseconds since some fixed point of this boot; never goes back.
    fn monotonic(&self) -> u64;
    /// Names this boot: monotonic times of different boots cannot be compared.
    fn boot(&self) -> String;
    /// Ends after `time`.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// Chance: ids, jitter, keys.
pub trait Rng: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Why a secret could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// The device is locked: try later, never recreate.
    #[error("the secret store is locked")]
    Locked,
    /// Anything else.
    #[error("the secret store failed: {reason}")]
    Failed {
        /// For logs; holds no secret.
        reason: String,
    },
}

/// Keychain, Keystore, or a 0600 file on a desktop.
pub trait Secrets: Send + Sync {
    /// The secret of that name, if there is one.
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SecretsError>;
    /// Keeps it; durable when this returns.
    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretsError>;
    /// Forgets it; no error if there is none.
    fn remove(&self, name: &str) -> Result<(), SecretsError>;
}

/// Why a request had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// No route, refused, no name: the request did not arrive.
    #[error("no connection")]
    Unreachable,
    /// The connection was cut: the request may have arrived.
    #[error("the connection was cut")]
    Cut,
    /// Nothing came in time.
    #[error("timed out")]
    Timeout,
    /// The certificate is not valid *yet* or *any more*: check the date.
    #[error("the desk's certificate is not valid at this device's date")]
    WrongDate,
    /// TLS failed otherwise.
    #[error("the desk's certificate was refused")]
    Untrusted,
    /// More bytes than the caller allows.
    #[error("the answer is larger than allowed")]
    TooLarge,
}

/// A body that streams. Content-Encoding is undone before it gets here.
pub type Body = BoxStream<'static, Result<Bytes, NetError>>;

/// One HTTP exchange in plain types, so that World can put the server's router behind it.
pub trait Remote: Send + Sync {
    /// Sends; resolves when the answer's head is there. Bodies of requests stream too (parts of files do not: a
    /// part is at most 1 MiB).
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>>;
}

/// A blocking job.
pub type Job = Box<dyn FnOnce() + Send>;

/// Where blocking work (SQLite, sealing files) runs: a thread per queue in production, inline in World.
pub trait Work: Send + Sync {
    /// A queue whose jobs run one after another, in order.
    fn queue(&self, name: &str) -> Arc<dyn Queue>;
    /// Starts a task that lives as long as the process.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// See [`Work::queue`].
pub trait Queue: Send + Sync {
    /// Runs `job`; resolves when it has run.
    fn run(&self, job: Job) -> BoxFuture<'static, ()>;
}

/// The ports together.
#[derive(Clone)]
pub struct Env {
    /// See [`Clock`].
    pub clock: Arc<dyn Clock>,
    /// See [`Rng`].
    pub rng: Arc<dyn Rng>,
    /// See [`Secrets`].
    pub secrets: Arc<dyn Secrets>,
    /// See [`Remote`].
    pub remote: Arc<dyn Remote>,
    /// See [`Work`].
    pub work: Arc<dyn Work>,
}

impl Env {
    /// A new UUIDv7 of this clock and this chance.
    pub fn new_id(&self) -> Uuid {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        let now = u64::try_from(self.clock.now()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(now, &random).into_uuid()
    }

    /// Runs `work` on `queue` and hands back what it returned.
    pub async fn run<T: Send + 'static>(queue: &dyn Queue, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = tokio::sync::oneshot::channel();
        queue.run(Box::new(move || drop(done.send(work())))).await;
        result.await.expect("a queue runs every job to its end")
    }
}
