//! What an operator's Prometheus reads: counts and durations by route, never by person.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicI64, AtomicU64},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Labels of a request: the route's template, so that ids make no series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    method: String,
    route: String,
    status: u16,
}

/// See the module.
pub struct Metrics {
    registry: Registry,
    requests: Family<Route, Counter>,
    seconds: Histogram,
    /// Open live streams.
    pub streams: Gauge<i64, AtomicI64>,
    /// Bytes of parts taken.
    pub uploaded: Counter<u64, AtomicU64>,
    /// Ops given a verdict.
    pub ops: Counter<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("pocketdesk");
        let requests = Family::default();
        let seconds = Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0]);
        let (streams, uploaded, ops) = (Gauge::default(), Counter::default(), Counter::default());
        registry.register("requests", "Requests answered", requests.clone());
        registry.register("request_seconds", "Seconds until an answer's head", seconds.clone());
        registry.register("live_streams", "Open live streams", streams.clone());
        registry.register("uploaded_bytes", "Bytes of parts taken", uploaded.clone());
        registry.register("ops", "Ops given a verdict", ops.clone());
        Self { registry, requests, seconds, streams, uploaded, ops }
    }
}

impl Metrics {
    /// One request was answered.
    pub fn answered(&self, method: &http::Method, route: Option<&str>, status: u16, seconds: f64) {
        // Methods and paths nobody serves are one series each, or a scanner would make a million.
        let method = if route.is_some() { method.as_str() } else { "OTHER" };
        let route = Route { method: method.to_owned(), route: route.unwrap_or("none").to_owned(), status };
        self.requests.get_or_create(&route).inc();
        self.seconds.observe(seconds);
    }

    /// The text Prometheus reads.
    pub fn text(&self, store: &str) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        let end = text.rfind("# EOF").unwrap_or(text.len());
        text.truncate(end);
        let _ = write!(
            text,
            "# HELP pocketdesk_build What runs.\n# TYPE pocketdesk_build gauge\n\
             pocketdesk_build{{version=\"{}\",store=\"{store}\"}} 1\n# EOF\n",
            env!("CARGO_PKG_VERSION")
        );
        text
    }
}
