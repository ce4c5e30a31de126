//! The operating system behind the ports.
#![allow(clippy::disallowed_methods)]

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::BoxFuture;

use super::{Clock, Job, Queue, Rng, Work};

/// Real time, real chance, real threads. Tasks run on the tokio runtime that started them.
pub struct System {
    began: Instant,
}

impl System {
    /// Monotonic time counts from here.
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for System {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

impl Rng for System {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

impl Work for System {
    fn queue(&self, name: &str) -> Arc<dyn Queue> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in inbox {
                    job();
                }
            })
            .expect("the operating system gives a thread");
        Arc::new(Thread { jobs })
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}

/// A thread that ends when nobody can hand it a job any more.
struct Thread {
    jobs: mpsc::Sender<Job>,
}

impl Queue for Thread {
    fn run(&self, job: Job) -> BoxFuture<'static, ()> {
        let (done, wait) = tokio::sync::oneshot::channel();
        let wrapped: Job = Box::new(move || {
            // A panic fails its own job: the queue serves everybody else.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            let _ = done.send(());
        });
        let sent = self.jobs.send(wrapped);
        Box::pin(async move {
            if sent.is_ok() {
                let _ = wait.await;
            }
        })
    }
}
