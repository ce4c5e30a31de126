//! Chance, work and secrets of one incarnation, for the core's ports and the server's alike.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use fastrand::Rng;
use futures_util::future::BoxFuture;
use pocketdesk_core::env as core;
use pocketdesk_server::env as server;
use tokio::sync::{mpsc, oneshot};

use super::{clock::Clock, disk::vfs, life::Life};

/// A stream of chance of its own for each part: a change in one does not shift the others.
pub fn stream(seed: u64, part: u64) -> Rng {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part.wrapping_mul(0xd1b5_4a32_d192_ed03);
    mixed ^= mixed >> 29;
    Rng::with_seed(mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

/// Chance from the seed.
pub struct Chance(Mutex<Rng>);

impl Chance {
    /// Of that stream.
    pub fn new(rng: Rng) -> Self {
        Self(Mutex::new(rng))
    }

    fn take(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}

impl core::Rng for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        self.take(bytes);
    }
}

impl server::Rng for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        self.take(bytes);
    }
}

/// Queues and tasks that die with their incarnation. A job runs on its queue's own task, whether its caller still
/// waits or not, as on a thread; before and after it others may run, so that "committed, but nobody learnt it" can
/// be cut.
pub struct Tasks {
    life: Arc<Life>,
    clock: Arc<Clock>,
}

impl Tasks {
    /// Of that incarnation.
    pub fn new(life: Arc<Life>, clock: Arc<Clock>) -> Self {
        Self { life, clock }
    }

    fn in_order(&self) -> Arc<InOrder> {
        let (jobs, mut waiting) = mpsc::unbounded_channel::<(core::Job, oneshot::Sender<()>)>();
        let clock = self.clock.clone();
        self.life.spawn(Box::pin(async move {
            while let Some((job, done)) = waiting.recv().await {
                tokio::task::yield_now().await;
                vfs::set_clock(clock.wall());
                job();
                tokio::task::yield_now().await;
                // The caller may have gone away.
                let _ = done.send(());
            }
        }));
        Arc::new(InOrder { jobs })
    }
}

struct InOrder {
    jobs: mpsc::UnboundedSender<(core::Job, oneshot::Sender<()>)>,
}

impl InOrder {
    fn queue(&self, job: core::Job) -> BoxFuture<'static, ()> {
        let (done, ran) = oneshot::channel();
        let queued = self.jobs.send((job, done));
        Box::pin(async move {
            if queued.is_err() || ran.await.is_err() {
                // The process is dead: nothing of it is ever answered.
                std::future::pending::<()>().await;
            }
        })
    }
}

impl core::Queue for InOrder {
    fn run(&self, job: core::Job) -> BoxFuture<'static, ()> {
        self.queue(job)
    }
}

impl server::Queue for InOrder {
    fn run(&self, job: server::Job) -> BoxFuture<'static, ()> {
        self.queue(job)
    }
}

impl core::Work for Tasks {
    fn queue(&self, _: &str) -> Arc<dyn core::Queue> {
        self.in_order()
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.life.spawn(task);
    }
}

impl server::Work for Tasks {
    fn queue(&self, _: &str) -> Arc<dyn server::Queue> {
        self.in_order()
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.life.spawn(task);
    }
}

/// Keychain or Keystore: what was saved survives everything.
#[derive(Default)]
pub struct Vault(Mutex<BTreeMap<String, Vec<u8>>>);

impl Vault {
    /// A copy, for a phone that begins as another one stood.
    pub fn copy(&self) -> Self {
        Self(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

/// The vault as one incarnation sees it.
pub struct Secrets {
    /// The device's.
    pub vault: Arc<Vault>,
    /// Who asks.
    pub life: Arc<Life>,
}

impl Secrets {
    fn with<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T,
    ) -> Result<T, core::SecretsError> {
        if self.life.is_dead() {
            return Err(core::SecretsError::Failed { reason: "the process is dead".into() });
        }
        Ok(work(&mut self.vault.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl core::Secrets for Secrets {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, core::SecretsError> {
        self.with(|vault| vault.get(name).cloned())
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), core::SecretsError> {
        self.with(|vault| drop(vault.insert(name.to_owned(), secret.to_vec())))
    }

    fn remove(&self, name: &str) -> Result<(), core::SecretsError> {
        self.with(|vault| drop(vault.remove(name)))
    }
}
