//! Hints between replicas on one PostgreSQL: NOTIFY after the commit, coalesced. They are only hints: one that is lost
//! costs the time until the next pull, no row.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, future::join, stream::poll_fn};
use pocketdesk_protocol::ids::Scope;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::{
    env::Env,
    journal::hints::{ChangeHints, Hint},
};

/// Name of the channel.
const CHANNEL: &str = "pocketdesk_moved";
/// How long hints gather before they go out together.
const GATHER: Duration = Duration::from_millis(20);
/// How long to wait before the next try to reach the database.
const RETRY: Duration = Duration::from_secs(2);
/// Hints of one message; its payload stays below PostgreSQL's 8000 bytes.
const HINTS: usize = 100;

/// What is to be told to the other replicas.
pub struct Announcer {
    env: Env,
    config: Config,
    /// Names this replica, so that it does not hear itself.
    own: String,
    pending: Mutex<BTreeMap<Scope, i64>>,
    wake: Notify,
}

impl Announcer {
    /// For this database.
    pub fn new(config: Config, env: Env) -> Self {
        let own = env.new_id().to_string();
        Self { env, config, own, pending: Mutex::default(), wake: Notify::new() }
    }

    /// Tells the other replicas, soon.
    pub fn announce(&self, hint: Hint) {
        let mut pending = self.pending();
        let seq = pending.entry(hint.scope).or_insert(hint.seq);
        *seq = hint.seq.max(*seq);
        drop(pending);
        self.wake.notify_one();
    }

    /// Hears the other replicas from now on, and begins to tell them.
    pub fn start(self: &Arc<Self>, hints: Arc<ChangeHints>) {
        let own = self.clone();
        self.env.work.spawn(Box::pin(async move {
            loop {
                own.once(&hints).await;
                tracing::warn!("the connection for hints between replicas was lost; trying again");
                own.env.clock.sleep(RETRY).await;
            }
        }));
    }

    /// One connection, until it ends.
    async fn once(&self, hints: &ChangeHints) {
        let Ok((client, mut connection)) = self.config.connect(NoTls).await else { return };
        let hears = async {
            let mut messages = poll_fn(move |cx| connection.poll_message(cx));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(message) = message {
                    self.heard(hints, message.payload());
                }
            }
        };
        // Told to stop only by the end of the connection: then telling fails.
        let ((), ()) = join(hears, self.tell(client)).await;
    }

    fn heard(&self, hints: &ChangeHints, payload: &str) {
        let Some(theirs) = payload.strip_prefix("1 ") else { return };
        let Some((replica, list)) = theirs.split_once(' ') else { return };
        if replica == self.own {
            return;
        }
        for hint in list.split(' ') {
            let Some((scope, seq)) = hint.split_once('=') else { continue };
            if let (Ok(scope), Ok(seq)) = (scope.parse(), seq.parse()) {
                hints.moved(Hint { scope, seq });
            }
        }
    }

    async fn tell(&self, client: Client) {
        if client.batch_execute(&format!("LISTEN {CHANNEL}")).await.is_err() {
            return;
        }
        loop {
            let pending = std::mem::take(&mut *self.pending());
            let hints: Vec<String> = pending.iter().map(|(scope, seq)| format!("{scope}={seq}")).collect();
            for part in hints.chunks(HINTS) {
                let payload = format!("1 {} {}", self.own, part.join(" "));
                if client.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &payload]).await.is_err() {
                    return;
                }
            }
            self.wake.notified().await;
            self.env.clock.sleep(GATHER).await;
        }
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<Scope, i64>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
