//! Clocks on virtual time. Each device has its own: set by hand, restarted with the machine.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::BoxFuture;
use pocketdesk_core::env as core;
use pocketdesk_server::env as server;
use tokio::time::Instant;

/// The wall time every seed begins at.
pub const BEGIN: i64 = 1_800_000_000_000;

/// One device's.
pub struct Clock {
    began: Instant,
    /// Ms by which its wall clock is wrong.
    off: AtomicI64,
    /// Which boot, and when it was, ms since the beginning.
    boot: AtomicU64,
    booted_at: AtomicU64,
}

impl Clock {
    /// Right, on its first boot.
    pub fn new() -> Self {
        Self { began: Instant::now(), off: 0.into(), boot: 1.into(), booted_at: 0.into() }
    }

    /// Ms since the seed's beginning.
    pub fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Wall time as the device believes it to be.
    pub fn wall(&self) -> i64 {
        BEGIN + self.off.load(Ordering::Relaxed) + self.elapsed().cast_signed()
    }

    /// Somebody sets the clock.
    pub fn jump(&self, by: i64) {
        self.off.fetch_add(by, Ordering::Relaxed);
    }

    /// The clock is right again.
    pub fn set_right(&self) {
        self.off.store(0, Ordering::Relaxed);
    }

    /// The machine started anew.
    pub fn reboot(&self) {
        self.boot.fetch_add(1, Ordering::Relaxed);
        self.booted_at.store(self.elapsed(), Ordering::Relaxed);
    }

    fn up(&self) -> u64 {
        self.elapsed() - self.booted_at.load(Ordering::Relaxed)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl core::Clock for Clock {
    fn now(&self) -> i64 {
        self.wall()
    }

    fn monotonic(&self) -> u64 {
        self.up()
    }

    fn boot(&self) -> String {
        format!("boot-{}", self.boot.load(Ordering::Relaxed))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

impl server::Clock for Clock {
    fn now(&self) -> i64 {
        self.wall()
    }

    fn monotonic(&self) -> u64 {
        self.up()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
