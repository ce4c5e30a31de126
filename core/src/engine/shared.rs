//! What all accounts of a folder share: the ports, the revisions, and what the platform said of the network.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use pocketdesk_domain::sync::Signal;
use tokio::sync::Notify;

use super::topics::{Topic, Topics};
use crate::{
    env::Env,
    remote::api::Api,
    store::Home,
    voice::{
        FindWeights, Transcriber, VoiceError, VoiceSettings,
        models::{Models, Rules, local},
        transcriber,
    },
};

/// How the core behaves; fixed while it is open.
#[derive(Debug, Clone)]
pub struct Settings {
    /// As the person knows this device.
    pub device: String,
    /// Language of mails the desk sends.
    pub locale: String,
    /// Whether accounts sync by themselves.
    pub automatic: bool,
    /// Bytes of downloaded and sent files to keep.
    pub attachment_cache_bytes: u64,
    /// Whose speech models are believed, and how much room they may take.
    pub models: Rules,
    /// A developer's folder of models (`cargo x model`), used while the device has none of the company's.
    pub models_beside: Option<PathBuf>,
}

/// What the platform knows of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Whether there is one, as far as the platform knows.
    pub online: bool,
    /// An opaque name of it.
    pub id: String,
    /// Whether bytes cost money.
    pub metered: bool,
    /// Whether the person looks at the app.
    pub foreground: bool,
}

/// See the module.
pub struct Shared {
    /// The ports.
    pub env: Env,
    /// The folder.
    pub home: Home,
    /// The revisions.
    pub topics: Arc<Topics>,
    /// How the core behaves.
    pub settings: Settings,
    /// The speech models of this device; they are no account's.
    pub models: Arc<Models>,
    /// Turns speech into words, one recording at a time.
    pub transcriber: Arc<dyn Transcriber>,
    network: Mutex<Network>,
    offline: AtomicBool,
    suspended: AtomicBool,
    /// Flight mode, network, suspension or the end: whoever is under way looks again.
    interrupt: Notify,
}

impl Shared {
    /// Until the platform says otherwise there is a network and somebody looks.
    pub fn new(env: Env, home: Home, settings: Settings, offline: bool) -> Self {
        let topics = Arc::<Topics>::default();
        let told = topics.clone();
        let rules = Rules { moved: Arc::new(move || told.move_on(Topic::Files)), ..settings.models.clone() };
        let models = Models::open(&env, home.disk(), home.models_dir(), rules);
        let transcriber = transcriber(&env, weights(&models, &settings), VoiceSettings::default());
        Self {
            env,
            home,
            topics,
            settings,
            models,
            transcriber,
            network: Mutex::new(Network {
                online: true,
                id: String::new(),
                metered: false,
                foreground: true,
            }),
            offline: AtomicBool::new(offline),
            suspended: AtomicBool::new(false),
            interrupt: Notify::new(),
        }
    }

    /// Calls to a server.
    pub fn api(&self, base: &str) -> Api {
        Api::new(self.env.remote.clone(), self.env.clock.clone(), base.to_owned())
    }

    /// What the platform said last.
    pub fn network(&self) -> Network {
        self.lock().clone()
    }

    /// The platform says something new.
    pub fn change_network(&self, change: impl FnOnce(&mut Network)) {
        change(&mut self.lock());
        self.interrupt.notify_waiters();
    }

    /// Whether the network may be touched at all.
    pub fn may_send(&self) -> bool {
        !self.is_offline() && !self.is_suspended() && !self.topics.is_closed()
    }

    /// Whether nothing may be begun until the app is awake again.
    pub fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::SeqCst)
    }

    /// Flight mode.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::SeqCst)
    }

    /// Flight mode on or off.
    pub fn set_offline(&self, offline: bool) {
        self.offline.store(offline, Ordering::SeqCst);
        self.interrupt.notify_waiters();
    }

    /// Suspends or wakes; whether it was suspended before.
    pub fn set_suspended(&self, suspended: bool) -> bool {
        let before = self.suspended.swap(suspended, Ordering::SeqCst);
        self.interrupt.notify_waiters();
        before
    }

    /// The end: feeds answer none, tasks go home.
    pub fn close(&self) {
        self.topics.close();
        self.interrupt.notify_waiters();
    }

    /// The network as the sync machine should see it.
    pub fn network_signal(&self) -> Signal {
        let network = self.network();
        Signal::Network {
            up: network.online && self.may_send(),
            id: Some(network.id).filter(|id| !id.is_empty()),
        }
    }

    /// Runs `work` unless the network may not be touched (any more): a request under way is given up then.
    pub async fn while_allowed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let mut interrupted = std::pin::pin!(self.interrupt.notified());
            interrupted.as_mut().enable();
            if !self.may_send() {
                return None;
            }
            if let futures_util::future::Either::Left((done, _)) =
                futures_util::future::select(&mut work, interrupted).await
            {
                return Some(done);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Network> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The company's models; where there are none, those beside.
fn weights(models: &Arc<Models>, settings: &Settings) -> FindWeights {
    let (models, beside) = (models.clone(), settings.models_beside.clone());
    Arc::new(move || match (models.weights(), &beside) {
        (Err(VoiceError::NoModel { .. }), Some(beside)) => local::weights(beside),
        (found, _) => found,
    })
}
