//! All accounts of one folder: opened, found by name, signed in and out. One that cannot be opened stops no other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use pocketdesk_domain::{
    model::{AccountView, PausedReason, Signal, SyncReport, SyncState, TicketFilter, TicketKey, TicketPage},
    sync,
};

use super::{
    account::{Account, LEFT},
    reads::Line,
    runner::Mail,
    shared::{Settings, Shared},
    topics::Topic,
};
use crate::{
    env::Env,
    error::{Error, Result},
    store::{Home, Snapshot, StoreError},
};

/// What becomes of words that were filed before any sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unbound {
    /// They go to this account if it is the first of the folder; else the person is asked.
    Ask,
    /// They go to this account.
    Bind,
    /// They wait.
    Leave,
}

mod making;
mod signing;

/// See the module.
pub struct Accounts {
    /// What all accounts share.
    pub shared: Arc<Shared>,
    open: Mutex<BTreeMap<String, Opened>>,
    /// One sign-in, sign-out or making of an account at a time.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
enum Opened {
    Whole(Arc<Account>),
    /// Its person signed out and left words behind: nothing of it is shown or sent until they sign in again.
    Left(Arc<Account>),
    /// Its files could not be opened; they are kept.
    Broken(Error),
}

impl Accounts {
    /// Opens what is in a folder.
    pub async fn open(env: Env, home: Home, settings: Settings, offline: bool) -> Result<Arc<Self>> {
        let queue = env.work.queue("folder");
        let (of, secrets) = (home.clone(), env.secrets.clone());
        let names = Env::run(&*queue, move || {
            if let Err(error) = of.sweep(&*secrets) {
                tracing::warn!(%error, "an account that was signed out of is not removed whole yet");
            }
            of.accounts()
        })
        .await?;
        let shared = Arc::new(Shared::new(env, home, settings, offline));
        let this = Arc::new(Self { shared, open: Mutex::default(), changing: tokio::sync::Mutex::new(()) });
        for name in names {
            match Account::open(this.shared.clone(), name.clone()).await {
                Ok(account) => this.add(account).await,
                // The key comes back with the unlocked device: nothing is to be shown half.
                Err(StoreError::Locked) => return Err(StoreError::Locked.into()),
                Err(error) => {
                    tracing::error!(account = %name, %error, "an account's files cannot be opened; they are kept");
                    this.lock().insert(name, Opened::Broken(error.into()));
                }
            }
        }
        Ok(this)
    }

    async fn add(&self, account: Arc<Account>) {
        let is_left = |snapshot: &Snapshot<'_>| Ok(snapshot.own().account()?.paused.as_deref() == Some(LEFT));
        let left = match account.read_unlooked(is_left).await {
            // Perhaps it is damaged: then what can be read of it says so.
            Err(_) => account.read(is_left).await,
            left => left,
        };
        if left.unwrap_or(false) {
            self.lock().insert(account.name.clone(), Opened::Left(account));
            return;
        }
        self.lock().insert(account.name.clone(), Opened::Whole(account.clone()));
        self.begin(&account).await;
        self.shared.topics.move_on(Topic::Accounts);
    }

    /// Has the account sync from now on, also where that cannot begin yet, and hear of what other processes write.
    async fn begin(&self, account: &Arc<Account>) {
        if !self.shared.settings.automatic {
            return;
        }
        if let Err(error) = account.start().await {
            account.not_started(&error);
        }
        if !account.followed.swap(true, Ordering::SeqCst) {
            self.shared.env.work.spawn(Box::pin(account.clone().follow()));
        }
    }

    /// Every account of the folder, and why it could not be opened where it could not.
    pub(crate) fn opened(&self) -> Vec<Result<Arc<Account>>> {
        let all = self.lock();
        all.values()
            .map(|opened| match opened {
                Opened::Whole(account) | Opened::Left(account) => Ok(account.clone()),
                Opened::Broken(error) => Err(error.clone()),
            })
            .collect()
    }

    /// Every account that could be opened and whose person is not gone, by name.
    pub fn all(&self) -> Vec<Arc<Account>> {
        let whole = |opened: &Opened| match opened {
            Opened::Whole(account) => Some(account.clone()),
            Opened::Left(_) | Opened::Broken(_) => None,
        };
        self.lock().values().filter_map(whole).collect()
    }

    /// The same, and those that wait for their person.
    fn with_waiting(&self) -> Vec<Arc<Account>> {
        let open = |opened: &Opened| match opened {
            Opened::Whole(account) | Opened::Left(account) => Some(account.clone()),
            Opened::Broken(_) => None,
        };
        self.lock().values().filter_map(open).collect()
    }

    /// The same; an error once the core was shut down.
    pub fn every(&self) -> Result<Vec<Arc<Account>>> {
        if self.shared.topics.is_closed() { Err(Error::Closed) } else { Ok(self.all()) }
    }

    /// The account of exactly this name.
    pub fn named(&self, name: &str) -> Result<Arc<Account>> {
        if self.shared.topics.is_closed() {
            return Err(Error::Closed);
        }
        match self.lock().get(name) {
            Some(Opened::Whole(account)) => Ok(account.clone()),
            Some(Opened::Left(_)) => Err(Error::SignedOut),
            Some(Opened::Broken(error)) => Err(error.clone()),
            None => Err(Error::NotFound { what: "account" }),
        }
    }

    /// The account that is meant; none: the only one.
    pub async fn find(&self, wanted: Option<&str>) -> Result<Arc<Account>> {
        if self.shared.topics.is_closed() {
            return Err(Error::Closed);
        }
        let Some(wanted) = wanted else {
            let all = self.all();
            let bound = self.bound().await?;
            // One that can only be read and exported is meant when it is named, or when there is no other.
            let writable: Vec<_> = bound.iter().filter(|account| account.is_writable()).cloned().collect();
            return match if writable.is_empty() { bound } else { writable }.as_slice() {
                [only] => Ok(only.clone()),
                [] => all.into_iter().next().ok_or(Error::NotFound { what: "account" }),
                several => Err(self.ambiguous(several).await),
            };
        };
        if self.lock().contains_key(wanted) {
            return self.named(wanted);
        }
        let lower = wanted.to_lowercase();
        let mut fit = Vec::new();
        for account in self.all() {
            let view = account.view().await?;
            let fields = [&view.account, &view.person, &view.email, &view.server, &view.desk];
            if fields.iter().any(|field| field.to_lowercase().contains(&lower)) {
                fit.push(account);
            }
        }
        match fit.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::NotFound { what: "account" }),
            several => Err(self.ambiguous(several).await),
        }
    }

    async fn ambiguous(&self, accounts: &[Arc<Account>]) -> Error {
        let mut candidates = Vec::new();
        for account in accounts.iter().take(10) {
            if let Ok(view) = account.view().await {
                candidates.push(format!("{} ({} at {})", view.account, view.email, view.server));
            }
        }
        Error::Ambiguous { what: "account", candidates }
    }

    /// Accounts that belong to somebody.
    async fn bound(&self) -> Result<Vec<Arc<Account>>> {
        let mut bound = Vec::new();
        for account in self.all() {
            if account.read(|snapshot| Ok(snapshot.own().account()?.person.is_some())).await? {
                bound.push(account);
            }
        }
        Ok(bound)
    }

    async fn unbound(&self) -> Result<Option<Arc<Account>>> {
        let bound = self.bound().await?;
        let is_bound = |account: &Arc<Account>| bound.iter().any(|other| other.name == account.name);
        Ok(self.all().into_iter().find(|account| account.is_writable() && !is_bound(account)))
    }

    /// Every account and its state. The unbound one is shown while there is no other, or while it holds words.
    pub async fn views(&self) -> Result<Vec<AccountView>> {
        if self.shared.topics.is_closed() {
            return Err(Error::Closed);
        }
        let opened: Vec<(String, Opened)> =
            self.lock().iter().map(|(name, opened)| (name.clone(), opened.clone())).collect();
        let mut views = Vec::new();
        for (name, opened) in opened {
            match opened {
                Opened::Whole(account) | Opened::Left(account) => views.push(account.view().await?),
                Opened::Broken(_) => views.push(broken(name)),
            }
        }
        let any_bound = views.iter().any(|view| !view.server.is_empty());
        views.retain(|view| {
            let unbound = view.sync == SyncState::Paused { why: PausedReason::NotSignedIn };
            !(unbound && any_bound && view.unsent == 0 && view.drafts == 0)
        });
        Ok(views)
    }

    /// A page of the inbox over all accounts, or the filter's.
    pub async fn tickets(&self, filter: TicketFilter, offset: u32, limit: u32) -> Result<TicketPage> {
        let accounts = match &filter.account {
            Some(name) => vec![self.find(Some(name)).await?],
            None if self.shared.topics.is_closed() => return Err(Error::Closed),
            None => self.all(),
        };
        let (offset, limit) = (offset as usize, limit as usize);
        let mut all: Vec<Line> = Vec::new();
        let (mut total, mut loading) = (0, false);
        for account in accounts {
            let (lines, count, growing) = account.lines(filter.clone(), offset.saturating_add(limit)).await?;
            all.extend(lines);
            total += count;
            loading |= growing;
        }
        // Stable: within one account the order is the account's own.
        all.sort_by_key(|line| line.key);
        let tickets = all.into_iter().skip(offset).take(limit).map(|line| line.summary).collect();
        Ok(TicketPage { tickets, total, loading })
    }

    /// Finds a ticket by id, a unique prefix of it, or the desk's number.
    pub async fn find_ticket(&self, account: Option<&str>, reference: &str) -> Result<TicketKey> {
        let accounts = match account {
            Some(name) => vec![self.find(Some(name)).await?],
            None => self.all(),
        };
        let reference = reference.trim().trim_start_matches(['#', '№']).trim().to_owned();
        let mut found: Vec<TicketKey> = Vec::new();
        for account in accounts {
            found.extend(account.find(reference.clone()).await?);
        }
        match found.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::NotFound { what: "ticket" }),
            several => Err(Error::Ambiguous {
                what: "ticket",
                candidates: several.iter().take(10).map(|key| key.id.clone()).collect(),
            }),
        }
    }

    /// The same as [`all`](Self::all), once it is known which of them can only be read.
    async fn looked_at(&self) -> Result<Vec<Arc<Account>>> {
        let all = self.all();
        for account in &all {
            account.look().await?;
        }
        Ok(all)
    }

    /// Syncs one account or all.
    pub async fn sync_now(&self, account: Option<&str>, within: Duration) -> Result<SyncReport> {
        let accounts = match account {
            Some(name) => vec![self.find(Some(name)).await?],
            // One that can only be read keeps the others from nothing.
            None => match self.looked_at().await? {
                several if several.iter().any(|account| account.is_writable()) => {
                    several.into_iter().filter(|account| account.is_writable()).collect()
                }
                all => all,
            },
        };
        let runs = accounts.iter().map(|account| account.sync_now(within));
        let mut report = SyncReport { pushed: 0, pulled: 0, waiting: 0, attention: 0, reached: false };
        for one in futures_util::future::join_all(runs).await {
            let one = one?;
            report.pushed += one.pushed;
            report.pulled += one.pulled;
            report.waiting += one.waiting;
            report.attention += one.attention;
            report.reached |= one.reached;
        }
        Ok(report)
    }

    /// What the platform knows and the core cannot.
    pub fn signal(&self, signal: Signal) {
        match signal {
            Signal::Online { network, metered } => {
                self.shared.change_network(|known| {
                    (known.online, known.metered, known.id) = (true, metered, network);
                });
                self.network_moved();
            }
            Signal::Offline => {
                self.shared.change_network(|known| known.online = false);
                self.network_moved();
            }
            Signal::Foreground => {
                self.shared.set_suspended(false);
                self.shared.change_network(|known| known.foreground = true);
                self.network_moved();
                self.post_all(&sync::Signal::Foreground);
            }
            Signal::Background => {
                self.shared.change_network(|known| known.foreground = false);
                self.post_all(&sync::Signal::Background);
            }
            Signal::ClockChanged => {
                for account in self.all() {
                    account.post(Mail::Input(sync::Input::ClockJumped));
                }
            }
        }
    }

    /// Flight mode.
    pub fn set_offline(&self, offline: bool) {
        self.shared.set_offline(offline);
        self.network_moved();
    }

    fn network_moved(&self) {
        let signal = self.shared.network_signal();
        self.post_all(&signal);
        for account in self.all() {
            account.uploads_at_once.store(true, Ordering::SeqCst);
            account.uploads.notify_waiters();
        }
        for topic in [Topic::Accounts, Topic::Outbox, Topic::Tickets, Topic::Inbox, Topic::Files] {
            self.shared.topics.move_on(topic);
        }
    }

    fn post_all(&self, signal: &sync::Signal) {
        for account in self.all() {
            account.post(Mail::Signal(signal.clone()));
        }
    }

    /// Nothing of SQLite's is held when this returns; nothing is begun until the next [`Signal::Foreground`] or
    /// [`wake`](Self::wake).
    pub async fn suspend(&self) {
        self.shared.set_suspended(true);
        self.post_all(&self.shared.network_signal());
        for account in self.with_waiting() {
            account.idle().await;
        }
    }

    /// A call came: the app is awake.
    pub fn wake(&self) {
        if self.shared.set_suspended(false) {
            self.network_moved();
        }
    }

    /// Has every task end by itself, without waiting for it.
    pub fn let_go(&self) {
        self.shared.close();
        for account in self.all() {
            account.post(Mail::Stop);
        }
    }

    /// Ends everything; the files are closed when it returns.
    pub async fn shut_down(&self) {
        self.shared.close();
        for account in self.with_waiting() {
            account.stop().await;
            account.close().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Opened>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken(account: String) -> AccountView {
    AccountView {
        account,
        desk: String::new(),
        server: String::new(),
        person: String::new(),
        email: String::new(),
        sync: SyncState::Paused { why: PausedReason::Damaged },
        unsent: 0,
        attention: 0,
        drafts: 0,
        unread: 0,
        synced_at: None,
    }
}
