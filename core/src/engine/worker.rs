//! Something that lives on one queue: the writing store, a reader. Jobs run one after another; a job that was
//! queued runs to its end even when its caller goes away.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    env::{Env, Queue},
    error::{Error, Result},
};

/// A `T` and the queue on which alone it is used.
pub struct Worker<T> {
    queue: Arc<dyn Queue>,
    held: Arc<Mutex<Option<T>>>,
}

impl<T> Clone for Worker<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), held: self.held.clone() }
    }
}

impl<T: Send + 'static> Worker<T> {
    /// Makes the `T` on the queue it will live on.
    pub async fn start<E: Send + 'static>(
        queue: Arc<dyn Queue>,
        make: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Self, E> {
        let made = Env::run(&*queue, make).await?;
        Ok(Self { queue, held: Arc::new(Mutex::new(Some(made))) })
    }

    /// Runs a job with it; [`Error::Closed`] after [`close`](Self::close).
    pub async fn run<R: Send + 'static, E: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> Result<R, E> + Send + 'static,
    ) -> Result<R>
    where
        Error: From<E>,
    {
        let held = self.held.clone();
        let ran = Env::run(&*self.queue, move || {
            held.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(job)
        })
        .await;
        Ok(ran.ok_or(Error::Closed)??)
    }

    /// Drops it, on its queue, after every job queued before.
    pub async fn close(&self) {
        let held = self.held.clone();
        Env::run(&*self.queue, move || drop(held.lock().unwrap_or_else(PoisonError::into_inner).take()))
            .await;
    }

    /// Resolves when every job queued before has run.
    pub async fn idle(&self) {
        Env::run(&*self.queue, || ()).await;
    }
}
