//! What a measured process is told, and how it answers: one task a process, so that its CPU time and its memory are
//! its own. It prints one line of JSON at the end.

use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
};

use pocketdesk_protocol::ids::{PersonId, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Result, Who, floor, meter::Meter, phone};

/// One task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub name: String,
    pub dir: PathBuf,
    /// Where the desk, or the proxy before it, listens.
    pub url: String,
    /// Of the floor's session.
    pub token: String,
    pub me: PersonId,
    /// Tickets to look at.
    pub tickets: Vec<TicketId>,
    /// Comments to write.
    pub replies: Vec<(TicketId, String)>,
    /// How often what is too short for one look is done.
    pub rounds: usize,
}

impl Task {
    /// The ticket that is changed or looked at.
    pub fn ticket(&self) -> Result<TicketId> {
        Ok(*self.tickets.first().ok_or("no ticket is named")?)
    }
}

/// Runs it and prints what it cost.
pub fn run(who: Who, task: &Task, meter: Meter) -> Result<()> {
    let measured = match who {
        Who::Core => {
            // As the facade's own runtime.
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(phone::run(task, meter))?
        }
        Who::Plain | Who::Sealed => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(floor::run(task, who == Who::Sealed, meter))?
        }
    };
    say(&measured.to_string());
    Ok(())
}

/// reqwest as the floor has it: nothing to trust, for everything here is plain http on loopback.
pub fn client() -> Result<reqwest::Client> {
    let ring = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).build()?)
}

/// A fresh UUIDv7 and the moment in it, ms.
pub fn new_id() -> Result<(uuid::Uuid, i64)> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let mut random = [0; 10];
    random.iter_mut().for_each(|byte| *byte = fastrand::u8(..));
    let id = uuid::Builder::from_unix_timestamp_millis(u64::try_from(now)?, &random).into_uuid();
    Ok((id, i64::try_from(now)?))
}

/// Ready for the desk to move.
pub fn say_ready() {
    say("ready");
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody to tell means nobody who waits.
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// The desk has moved.
pub fn hear_go() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(())
}

/// Cost and yield of each kind of reading.
pub fn reads_json(list: (f64, f64), ticket: (f64, f64), newest: (f64, f64), ranked: (f64, f64)) -> Value {
    json!({
        "list_ms": list.0, "list": list.1, "ticket_ms": ticket.0, "comments": ticket.1,
        "newest_ms": newest.0, "newest": newest.1, "ranked_ms": ranked.0, "ranked": ranked.1,
    })
}
