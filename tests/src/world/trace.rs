//! What happened, line by line: the same seed gives the same lines, whatever machine, process or build runs it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Lines of one seed.
pub struct Trace {
    began: Instant,
    keep: bool,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    hash: u64,
    count: u64,
}

impl Trace {
    /// An empty one; its lines are kept, or only their hash.
    pub fn new(keep: bool) -> Self {
        let written = Written { hash: 0xcbf2_9ce4_8422_2325, ..Written::default() };
        Self { began: Instant::now(), keep, written: Mutex::new(written) }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line.
    pub fn note(&self, what: std::fmt::Arguments<'_>) {
        let at = self.began.elapsed();
        let line = format!("{:>4}.{:03} {what}", at.as_secs(), at.subsec_millis());
        let mut written = self.written();
        for byte in line.bytes() {
            written.hash = (written.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        written.count += 1;
        if self.keep {
            written.lines.push(line);
        }
    }

    /// Whether somebody will read it: then it says more.
    pub fn is_read(&self) -> bool {
        self.keep
    }

    /// Of all lines.
    pub fn hash(&self) -> u64 {
        self.written().hash
    }

    /// How many lines.
    pub fn count(&self) -> u64 {
        self.written().count
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.written().lines.clone()
    }
}

/// Writes a line of the trace.
macro_rules! note {
    ($trace:expr, $($what:tt)*) => { $trace.note(format_args!($($what)*)) };
}
pub(crate) use note;
