//! The server's ports: time, chance, and where work runs. [`system`] alone touches the real ones, so that World can
//! run a whole server on paused time and one seed.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub mod system;

/// Wall time for what is stored, monotonic time for waiting and for limits.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch; may jump either way.
    fn now(&self) -> i64;
    /// Milliseconds since some fixed point of this process; never goes back.
    fn monotonic(&self) -> u64;
    /// Ends after `time`.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// Chance: ids, tags, tokens, keys.
pub trait Rng: Send + Sync {
    /// Fills all of `bytes`, fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// A blocking job.
pub type Job = Box<dyn FnOnce() + Send>;

/// Where blocking work (SQLite, hashing) and background tasks run.
pub trait Work: Send + Sync {
    /// A queue whose jobs run one after another, in order; a thread of its own in production, inline in World.
    fn queue(&self, name: &str) -> Arc<dyn Queue>;
    /// Starts a task in the background.
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
    /// See [`Work`].
    pub work: Arc<dyn Work>,
}

impl Env {
    /// The operating system's.
    pub fn system() -> Self {
        let system = Arc::new(system::System::new());
        Self { clock: system.clone(), rng: system.clone(), work: system }
    }

    /// A new UUIDv7 of this clock and this chance.
    pub fn new_id(&self) -> Uuid {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        let now = u64::try_from(self.clock.now()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(now, &random).into_uuid()
    }

    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// Runs `work` on `queue` and hands back what it returned.
    pub async fn run<T: Send + 'static>(queue: &dyn Queue, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = tokio::sync::oneshot::channel();
        queue.run(Box::new(move || drop(done.send(work())))).await;
        result.await.expect("a queue runs every job to its end")
    }
}
