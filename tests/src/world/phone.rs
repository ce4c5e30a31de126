//! A phone: the real engine on a simulated disk, booted and killed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use fastrand::Rng;
use pocketdesk_core::{
    Error,
    engine::{
        account::Account,
        accounts::{Accounts, Unbound},
        shared::Settings,
    },
    env::Env,
    store::Home,
};
use pocketdesk_domain::model::{PausedReason, SyncState};

use super::{
    clock::Clock,
    desk::Mailbox,
    disk::{Numbered, port::SimulatedDisk},
    life::{Life, Panics},
    net::{Link, Net},
    ports::{Chance, Secrets, Tasks, Vault, stream},
    trace::{Trace, note},
};

/// Where the server is, as the person typed it.
pub const SERVER: &str = "https://desk.example";
/// Bytes of downloaded files a phone keeps.
pub const CACHE_BYTES: u64 = 256 << 10;

/// Bytes of a database's page.
const PAGE: usize = 4096;

/// See the module.
pub struct Phone {
    /// Its number.
    pub number: usize,
    /// Whose it is.
    pub email: &'static str,
    seed: u64,
    disk: Numbered,
    /// Its clock.
    pub clock: Arc<Clock>,
    vault: Arc<Vault>,
    net: Arc<Net>,
    trace: Arc<Trace>,
    panics: Panics,
    process: u32,
    life: Option<Arc<Life>>,
    accounts: Option<Arc<Accounts>>,
    /// Times it died.
    pub deaths: u32,
    /// The person signed out, or wanted to when it died.
    pub may_be_out: bool,
}

impl Phone {
    /// Switched off, its disk empty.
    pub fn new(
        number: usize,
        email: &'static str,
        seed: u64,
        net: Arc<Net>,
        trace: Arc<Trace>,
        panics: Panics,
    ) -> Self {
        Self {
            number,
            email,
            seed,
            disk: Numbered::new(),
            clock: Arc::new(Clock::new()),
            vault: Arc::default(),
            net,
            trace,
            panics,
            process: 0,
            life: None,
            accounts: None,
            deaths: 0,
            may_be_out: false,
        }
    }

    /// Begins as another phone stands: its disk and its secrets.
    pub fn begin_as(&mut self, other: &Self) {
        self.disk.lock().copy_from(&other.disk.lock());
        self.vault = Arc::new(other.vault.copy());
    }

    /// Its disk.
    pub fn disk(&self) -> &Numbered {
        &self.disk
    }

    /// Whether its app runs.
    pub fn is_up(&self) -> bool {
        self.accounts.is_some() && self.life.as_ref().is_some_and(|life| !life.is_dead())
    }

    /// Whether its app died by itself, at a chosen poll or with its disk.
    pub fn has_died(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.is_dead())
    }

    /// The app's process.
    pub fn life(&self) -> Option<Arc<Life>> {
        self.life.clone()
    }

    /// A process of its own on this phone's disk; its folder.
    fn begin(&mut self) -> (Arc<Life>, Env, PathBuf) {
        self.process += 1;
        let life = Life::new(self.disk.disk.clone(), self.process, self.panics.clone());
        let part = 1_000 * (self.number as u64 + 1) + u64::from(self.process);
        let env = Env {
            clock: self.clock.clone(),
            rng: Arc::new(Chance::new(stream(self.seed, part))),
            secrets: Arc::new(Secrets { vault: self.vault.clone(), life: life.clone() }),
            remote: Arc::new(Link { net: self.net.clone(), phone: self.number }),
            work: Arc::new(Tasks::new(life.clone(), self.clock.clone())),
        };
        (life, env, PathBuf::from(format!("{}/app", self.disk.root(self.process))))
    }

    fn settings(&self, automatic: bool) -> Settings {
        Settings {
            device: format!("phone {}", self.number),
            locale: "uk".into(),
            automatic,
            attachment_cache_bytes: CACHE_BYTES,
            models: pocketdesk_core::voice::models::Rules::default(),
            models_beside: None,
        }
    }

    /// Starts the app; whether it runs then.
    pub async fn boot(&mut self) -> bool {
        let ((life, env, dir), settings) = (self.begin(), self.settings(true));
        self.life = Some(life.clone());
        let opened = life.call(async move {
            let home = Home::on(dir, Arc::new(SimulatedDisk))?;
            Accounts::open(env, home, settings, false).await
        });
        match opened.await {
            Some(Ok(accounts)) => {
                note!(self.trace, "p{} starts as {}", self.number, self.process);
                self.accounts = Some(accounts);
                true
            }
            Some(Err(error)) => {
                note!(self.trace, "p{} does not start: {error}", self.number);
                life.kill();
                false
            }
            None => false,
        }
    }

    /// Something done in a process of its own beside the app, which syncs nothing and ends after it, or at that poll.
    pub async fn aside<T: Send + 'static, F: Future<Output = pocketdesk_core::Result<T>> + Send + 'static>(
        &mut self,
        die_at: u64,
        work: impl FnOnce(Arc<Account>) -> F + Send + 'static,
    ) -> Option<pocketdesk_core::Result<T>> {
        let ((life, env, dir), settings) = (self.begin(), self.settings(false));
        life.die_at(die_at);
        let done = life.call(async move {
            let home = Home::on(dir, Arc::new(SimulatedDisk))?;
            let accounts = Accounts::open(env, home, settings, false).await?;
            work(accounts.find(None).await?).await
        });
        let done = done.await;
        life.kill();
        // The machine may have stopped under both.
        if let Some(app) = self.life.clone()
            && !self.disk.lock().is_alive(app.process)
        {
            app.kill();
        }
        done
    }

    /// The app is gone: killed, or with `power` the phone went off.
    pub fn kill(&mut self, power: Option<&mut Rng>) {
        let how = if power.is_some() { "loses power" } else { "app is killed" };
        note!(self.trace, "p{} {how}", self.number);
        self.deaths += 1;
        self.accounts = None;
        if let Some(life) = self.life.take() {
            life.kill();
        }
        if let Some(rng) = power {
            self.disk.lock().lose_power(rng);
            self.clock.reboot();
        }
        let mut disk = self.disk.lock();
        disk.stop();
        disk.settle();
    }

    /// All accounts of the running app.
    pub fn accounts(&self) -> Option<Arc<Accounts>> {
        self.accounts.clone()
    }

    /// A tap of the person's; none: the app is not running, or died under it.
    pub async fn call<T: Send + 'static, F: Future<Output = pocketdesk_core::Result<T>> + Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Account>) -> F + Send + 'static,
    ) -> Option<pocketdesk_core::Result<T>> {
        let (life, accounts) = (self.life.clone()?, self.accounts.clone()?);
        life.call(async move {
            let account = accounts.find(None).await?;
            work(account).await
        })
        .await
    }

    /// Signs in with the code from the mailbox; whether that succeeded.
    pub async fn sign_in(&self, mailbox: Arc<Mailbox>, tries: u32) -> bool {
        let (Some(life), Some(accounts)) = (self.life.clone(), self.accounts.clone()) else { return false };
        let email = self.email;
        let done = life.call(async move {
            for _ in 0..tries {
                if accounts.start_sign_in(SERVER, email).await.is_ok()
                    && let Some(code) = mailbox.code(email)
                    && accounts.finish_sign_in(SERVER, email, &code, Unbound::Ask).await.is_ok()
                {
                    return true;
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            false
        });
        done.await.unwrap_or(false)
    }

    /// Whether the account is there and its session not ended; none: the app does not run.
    pub async fn is_signed_in(&self) -> Option<bool> {
        let view = self.call(|account| async move { account.view().await }).await?;
        Some(match view {
            // A sign-in that broke off may have left an account that is nobody's yet: it has no server.
            Ok(view) => {
                !view.server.is_empty() && view.sync != SyncState::Paused { why: PausedReason::SignedOut }
            }
            Err(Error::SignedOut | Error::NotFound { .. }) => false,
            // Files that cannot be read at this moment say nothing of it.
            Err(_) => true,
        })
    }

    /// Some bytes of a cache file are others than were written.
    pub fn spoil_cache(&self, at: usize, noise: u64) {
        let mut disk = self.disk.lock();
        let mut caches = disk.listing().into_iter();
        let Some((name, length)) =
            caches.rfind(|(name, _)| name.contains("/cache-") && name.ends_with(".db"))
        else {
            return;
        };
        for page in 1..length / PAGE {
            // A quarter of the pages; the first one is read by all, and at once.
            if (noise >> (page % 32)) & 3 == 0 {
                disk.damage(&name, page * PAGE + at % (PAGE - 8), &noise.to_le_bytes());
            }
        }
    }

    /// Deletes whatever cache files there are, behind the app's back.
    pub fn lose_cache(&self) {
        let mut disk = self.disk.lock();
        let names: Vec<String> = disk.listing().into_iter().map(|(name, _)| name).collect();
        for name in names.into_iter().filter(|name| name.contains("/cache-")) {
            disk.vanish(&name);
        }
    }

    /// Names and sizes of its files.
    pub fn files(&self) -> Vec<(String, usize)> {
        self.disk.lock().listing()
    }
}
