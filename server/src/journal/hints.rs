//! Hints that a journal moved. They say where to look, never what is there; losing one costs time, not rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use pocketdesk_protocol::ids::Scope;
use tokio::sync::Notify;

/// Where a journal stands now, or that the scopes of a person moved (then `seq` is their own scope's head).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// Which journal.
    pub scope: Scope,
    /// Its head.
    pub seq: i64,
}

/// Tells subscribers in this process; replicas tell each other through the store's listener.
#[derive(Default)]
pub struct ChangeHints {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    subscribers: BTreeMap<u64, Subscriber>,
}

struct Subscriber {
    scopes: BTreeSet<Scope>,
    pending: BTreeMap<Scope, i64>,
    wake: Arc<Notify>,
}

impl ChangeHints {
    /// Hears of these scopes from now on, until it is dropped. Subscribe first and look after, or a change between
    /// the two is slept over.
    pub fn subscribe(self: &Arc<Self>, scopes: impl IntoIterator<Item = Scope>) -> Subscription {
        let wake = Arc::new(Notify::new());
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        let subscriber =
            Subscriber { scopes: scopes.into_iter().collect(), pending: BTreeMap::new(), wake: wake.clone() };
        state.subscribers.insert(id, subscriber);
        Subscription { hints: self.clone(), id, wake }
    }

    /// A journal moved.
    pub fn moved(&self, hint: Hint) {
        let mut state = self.state();
        for subscriber in state.subscribers.values_mut().filter(|s| s.scopes.contains(&hint.scope)) {
            let seq = subscriber.pending.entry(hint.scope).or_insert(hint.seq);
            *seq = hint.seq.max(*seq);
            subscriber.wake.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// See [`ChangeHints::subscribe`].
pub struct Subscription {
    hints: Arc<ChangeHints>,
    id: u64,
    wake: Arc<Notify>,
}

impl Subscription {
    /// Waits for news and takes all there is: the newest head of each scope that moved.
    pub async fn next(&mut self) -> Vec<Hint> {
        loop {
            let pending = {
                let mut state = self.hints.state();
                let mine = state.subscribers.get_mut(&self.id).expect("registered until dropped");
                std::mem::take(&mut mine.pending)
            };
            if !pending.is_empty() {
                return pending.into_iter().map(|(scope, seq)| Hint { scope, seq }).collect();
            }
            self.wake.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hints.state().subscribers.remove(&self.id);
    }
}
