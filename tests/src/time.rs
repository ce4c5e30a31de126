//! A clock that runs by itself and can be moved on, for both sides of a journey: a week passes in the time it takes
//! to wake whoever slept through it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// Real time plus what it was moved on by.
pub struct Time {
    began: Instant,
    wall_at_start: i64,
    moved_by: AtomicU64,
    set_wrong_by: AtomicI64,
    moved: Notify,
}

impl Time {
    /// Begins at the real present.
    pub fn new() -> Arc<Self> {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
        Arc::new(Self {
            began: Instant::now(),
            wall_at_start: i64::try_from(wall.as_millis()).expect("it is before the year 292 million"),
            moved_by: AtomicU64::new(0),
            set_wrong_by: AtomicI64::new(0),
            moved: Notify::new(),
        })
    }

    /// Lets `time` pass at once: sleepers wake, and awake they find it that much later.
    pub fn advance(&self, time: Duration) {
        self.moved_by.fetch_add(millis(time), Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// The person sets the wall clock wrong by so many ms; monotonic time does not move.
    pub fn set_wrong_by(&self, ms: i64) {
        self.set_wrong_by.store(ms, Ordering::SeqCst);
    }

    /// Milliseconds since the Unix epoch, as this clock shows them.
    pub fn wall(&self) -> i64 {
        self.wall_at_start
            + i64::try_from(self.elapsed()).expect("tests are short")
            + self.set_wrong_by.load(Ordering::SeqCst)
    }

    /// Milliseconds since this clock was made.
    pub fn elapsed(&self) -> u64 {
        millis(self.began.elapsed()) + self.moved_by.load(Ordering::SeqCst)
    }

    fn sleep(self: &Arc<Self>, time: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let due = self.elapsed().saturating_add(millis(time));
        Box::pin(async move {
            loop {
                let moved = clock.moved.notified();
                let left = due.saturating_sub(clock.elapsed());
                if left == 0 {
                    return;
                }
                let _ = tokio::time::timeout(Duration::from_millis(left), moved).await;
            }
        })
    }
}

/// What the ports need is behind an Arc of its own, because a sleeper outlives the call.
#[derive(Clone)]
pub struct Watch(pub Arc<Time>);

impl pocketdesk_core::env::Clock for Watch {
    fn now(&self) -> i64 {
        self.0.wall()
    }

    fn monotonic(&self) -> u64 {
        self.0.elapsed()
    }

    fn boot(&self) -> String {
        "the one boot of this journey".into()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(time)
    }
}

impl pocketdesk_server::env::Clock for Watch {
    fn now(&self) -> i64 {
        self.0.wall()
    }

    fn monotonic(&self) -> u64 {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(time)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
