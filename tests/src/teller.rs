//! One readable log of a journey: who did what, in order. The test runner keeps it to itself unless the test fails.

use std::{sync::Arc, time::Instant};

/// Cheap to clone; every actor of a journey has one.
#[derive(Clone)]
pub struct Teller {
    began: Arc<Instant>,
}

impl Teller {
    /// Begins a journey.
    pub fn begin(title: &str) -> Self {
        let teller = Self { began: Arc::new(Instant::now()) };
        teller.line(&format!("══ {title}"));
        teller
    }

    /// Begins a part of it.
    pub fn section(&self, title: &str) {
        self.line(&format!("── {title}"));
    }

    /// What somebody does or sees.
    pub fn says(&self, who: &str, what: impl AsRef<str>) {
        self.line(&format!("{who:>10}: {}", what.as_ref()));
    }

    #[allow(clippy::print_stdout, reason = "the test runner captures it and shows it with a failure")]
    fn line(&self, text: &str) {
        println!("{:7.3} {text}", self.began.elapsed().as_secs_f64());
    }
}
