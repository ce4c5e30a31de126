//! `serve`.
#![allow(clippy::print_stdout)]

use std::{collections::BTreeMap, io::IsTerminal, sync::Arc};

use serde_json::json;
use tracing_subscriber::EnvFilter;

use super::{Serve, configuration};
use crate::{
    config::Flags,
    server::{Parts, Server},
};

pub(super) async fn serve(args: Serve, environment: BTreeMap<String, String>) -> Result<(), String> {
    log(environment.get("POCKETDESK_SERVER_LOG").map(String::as_str))?;
    let flags = Flags { listen: args.listen, development: args.development, ..Flags::default() };
    let config = configuration(&args.places, environment, flags)?;
    let on_code = |email: &str, code: &str| {
        println!("{}", json!({ "event": "code", "email": email, "code": code }));
    };
    let parts = Parts { on_code: Arc::new(on_code), ..Parts::default() };
    // Heard of from the first moment, so that a signal during a long migration is not lost.
    let signals = Signals::new().map_err(|why| format!("signals: {why}"))?;
    let running = Server::start_with(config, parts).await.map_err(|why| why.to_string())?;
    println!("{}", json!({ "event": "listening", "addr": running.addr().to_string() }));
    signals
        .wait_for_stop(|| match running.reload_tls() {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => tracing::warn!(%error, "the certificate was not read again; the old one stays"),
        })
        .await;
    running.shutdown().await;
    Ok(())
}

/// Logs go to standard error: readable on a terminal, JSON elsewhere.
fn log(filter: Option<&str>) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter.unwrap_or("info"))
        .map_err(|why| format!("POCKETDESK_SERVER_LOG: {why}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
    set.map_err(|why| why.to_string())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn wait_for_stop(mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => reload(),
            }
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn wait_for_stop(self, _reload: impl Fn()) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
