//! Pull feeds: the present value first, then the newest one each time something it shows has moved.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::Notify;

use super::topics::{Topic, Topics};

/// Asks for the present value; `None` when what it showed is gone.
pub type Query<T> = Box<dyn Fn() -> BoxFuture<'static, Option<T>> + Send + Sync>;

/// One reader's view of something that changes.
pub struct Feed<T> {
    topics: Arc<Topics>,
    looks_at: &'static [Topic],
    query: Query<T>,
    last: Mutex<Last<T>>,
    stopped: AtomicBool,
    stop: Notify,
}

struct Last<T> {
    revision: Option<u64>,
    value: Option<T>,
}

impl<T: Clone + PartialEq + Send + 'static> Feed<T> {
    /// Of what `query` answers, asked again when one of `looks_at` moves.
    pub fn new(topics: Arc<Topics>, looks_at: &'static [Topic], query: Query<T>) -> Self {
        Self {
            topics,
            looks_at,
            query,
            last: Mutex::new(Last { revision: None, value: None }),
            stopped: AtomicBool::new(false),
            stop: Notify::new(),
        }
    }

    /// The present value, then each newer one; `None` once stopped, closed or gone. A call that is dropped while it
    /// waits has taken nothing: the next one gets the value.
    pub async fn next(&self) -> Option<T> {
        loop {
            let mut moved = pin!(self.topics.moved().notified());
            let mut stopped = pin!(self.stop.notified());
            // Listening before looking: what moves in between is heard.
            moved.as_mut().enable();
            stopped.as_mut().enable();
            if self.stopped.load(Ordering::SeqCst) || self.topics.is_closed() {
                return None;
            }
            let revision = self.topics.sum(self.looks_at);
            if self.lock().revision != Some(revision) {
                let value = (self.query)().await?;
                if self.stopped.load(Ordering::SeqCst) || self.topics.is_closed() {
                    return None;
                }
                let mut last = self.lock();
                last.revision = Some(revision);
                if last.value.as_ref() != Some(&value) {
                    last.value = Some(value.clone());
                    return Some(value);
                }
                continue;
            }
            if let Either::Left(_) = select(stopped, moved).await {
                return None;
            }
        }
    }

    /// Ends it; a waiting [`next`](Self::next) answers `None`.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Last<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use futures_util::FutureExt as _;

    use super::*;

    fn feed() -> (Arc<Topics>, Arc<AtomicU32>, Feed<u32>) {
        let (topics, value) = (Arc::new(Topics::default()), Arc::new(AtomicU32::new(1)));
        let shown = value.clone();
        let query: Query<u32> = Box::new(move || {
            let value = shown.load(Ordering::SeqCst);
            async move { Some(value) }.boxed()
        });
        let feed = Feed::new(topics.clone(), &[Topic::Inbox], query);
        (topics, value, feed)
    }

    #[tokio::test]
    async fn the_present_value_comes_first_and_what_came_in_between_is_skipped() {
        let (topics, value, feed) = feed();
        assert_eq!(feed.next().await, Some(1));
        assert_eq!(feed.next().now_or_never(), None, "nothing new, nothing shown");
        for next in 2..=5 {
            value.store(next, Ordering::SeqCst);
            topics.move_on(Topic::Inbox);
        }
        assert_eq!(feed.next().await, Some(5));
    }

    #[tokio::test]
    async fn an_equal_value_and_another_topic_wake_nobody() {
        let (topics, value, feed) = feed();
        assert_eq!(feed.next().await, Some(1));
        topics.move_on(Topic::Inbox);
        assert_eq!(feed.next().now_or_never(), None);
        value.store(2, Ordering::SeqCst);
        topics.move_on(Topic::Files);
        assert_eq!(feed.next().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_reader_that_gave_up_waiting_misses_nothing() {
        let (topics, value, feed) = feed();
        assert_eq!(feed.next().await, Some(1));
        let mut waiting = feed.next().boxed();
        assert_eq!((&mut waiting).now_or_never(), None);
        value.store(2, Ordering::SeqCst);
        topics.move_on(Topic::Inbox);
        drop(waiting);
        assert_eq!(feed.next().await, Some(2));
    }

    #[tokio::test]
    async fn a_stopped_feed_lets_its_reader_go_at_once() {
        let (_topics, _value, feed) = feed();
        assert_eq!(feed.next().await, Some(1));
        let (ended, ()) = tokio::join!(feed.next(), async { feed.stop() });
        assert_eq!(ended, None);
        assert_eq!(feed.next().await, None);
    }

    #[tokio::test]
    async fn when_the_core_closes_every_feed_ends() {
        let (topics, _value, feed) = feed();
        assert_eq!(feed.next().await, Some(1));
        let (ended, ()) = tokio::join!(feed.next(), async { topics.close() });
        assert_eq!(ended, None);
    }
}
