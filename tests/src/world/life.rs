//! One incarnation of a process: everything it started dies with it, the disk first, so that no destructor still
//! writes. It counts the polls of all its tasks and may die at a chosen one, which is any await point of the real
//! code.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, Either, select};
use tokio::{sync::Notify, task::AbortHandle};

use super::disk::{Shared, lock};

/// Panics of a whole seed, by whatever process: each fails it.
pub type Panics = Arc<Mutex<Vec<String>>>;

/// Polls of one incarnation beyond which something turns in circles.
const POLLS: u64 = 3_000_000;

/// See the module.
pub struct Life {
    disk: Shared,
    /// Its number on the disk.
    pub process: u32,
    dead: AtomicBool,
    polls: AtomicU64,
    die_at: AtomicU64,
    tasks: Mutex<Vec<AbortHandle>>,
    died: Notify,
    panics: Panics,
}

impl Life {
    /// Begins.
    pub fn new(disk: Shared, process: u32, panics: Panics) -> Arc<Self> {
        lock(&disk).boot(process);
        Arc::new(Self {
            disk,
            process,
            dead: false.into(),
            polls: 0.into(),
            die_at: 0.into(),
            tasks: Mutex::default(),
            died: Notify::new(),
            panics,
        })
    }

    /// Whether it is over.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Polls so far.
    pub fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// It will die at that poll.
    pub fn die_at(&self, poll: u64) {
        self.die_at.store(poll, Ordering::Relaxed);
    }

    /// kill -9.
    pub fn kill(&self) {
        if self.dead.swap(true, Ordering::Relaxed) {
            return;
        }
        lock(&self.disk).kill(self.process);
        for task in self.tasks().drain(..) {
            task.abort();
        }
        self.died.notify_waiters();
    }

    /// Starts a task of the process.
    pub fn spawn(self: &Arc<Self>, work: BoxFuture<'static, ()>) {
        if self.is_dead() {
            return;
        }
        let task = tokio::spawn(Mortal { life: self.clone(), work: Some(work) });
        let mut tasks = self.tasks();
        if tasks.len() % 64 == 63 {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(task.abort_handle());
    }

    /// Something done to the process from outside (a person's tap); none: it died under it.
    pub async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let died = self.died.notified();
        let mut died = std::pin::pin!(died);
        died.as_mut().enable();
        if self.is_dead() {
            return None;
        }
        match select(Mortal { life: self.clone(), work: Some(Box::pin(work)) }, died).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => None,
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next poll may be made.
    fn goes_on(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        let polls = self.polls.fetch_add(1, Ordering::Relaxed) + 1;
        if polls == self.die_at.load(Ordering::Relaxed) {
            self.kill();
        }
        if polls == POLLS {
            self.note_panic("it turns in circles: more polls than any day needs".into());
            self.kill();
        }
        !self.is_dead()
    }

    fn note_panic(&self, what: String) {
        self.panics.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// A future of a process.
struct Mortal<T> {
    life: Arc<Life>,
    work: Option<BoxFuture<'static, T>>,
}

impl<T> Future for Mortal<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if !self.life.goes_on() {
            self.work = None;
            return Poll::Ready(None);
        }
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        // The machine may have stopped inside this poll.
        if !lock(&self.life.disk).is_alive(self.life.process) {
            self.life.kill();
        }
        match polled {
            Ok(_) if self.life.is_dead() => {
                self.work = None;
                Poll::Ready(None)
            }
            Ok(polled) => polled.map(Some),
            Err(panic) => {
                // What a dying process trips over while its disk is gone is nobody's fault.
                if !self.life.is_dead() {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    self.life.note_panic(format!("a panic: {}", text.unwrap_or_default()));
                }
                self.work = None;
                Poll::Ready(None)
            }
        }
    }
}
