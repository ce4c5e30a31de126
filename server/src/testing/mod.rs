//! What the tests of this crate and of its neighbours stand on: a server's data side on either store, a clock that
//! tests move, a scripted desk (a fake, and called so), and a private PostgreSQL (a real one). Built with the feature
//! `testing` alone.

#![allow(clippy::disallowed_methods)]

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    Millis,
    ids::{EntityId, TicketId},
    rows::DeskState,
};

use crate::{
    backup::outside::Folder,
    context::{Context, Parts, Policy},
    desk::{Desk, Handed, builtin::Builtin},
    env::{Clock, Env},
    store::{self, Store, StoreConfig, StoreError, write::Write},
    sync::receipt::ReceiptKey,
};

pub mod postgres;

/// The server's time of day in tests, until they move it.
pub const START: Millis = 1_750_000_000_000;

/// A clock that moves when a test says so. Waiting is real, and short.
pub struct ManualClock(AtomicI64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(START))
    }
}

impl ManualClock {
    /// Moves the time of day.
    pub fn advance(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.now()).unwrap_or(0)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time.min(Duration::from_millis(50))))
    }
}

/// A fake: leaves every row pending and notes what it was handed; tests answer for it with [`crate::desk::answer`].
#[derive(Default)]
pub struct FakeDesk {
    handed: Mutex<Vec<(Handed, EntityId)>>,
}

impl FakeDesk {
    /// What it was handed so far, amended rows again.
    pub fn handed(&self) -> Vec<(Handed, EntityId)> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Desk for FakeDesk {
    fn take<'a>(
        &'a self,
        _tx: &'a mut Write,
        what: Handed,
        _ticket: TicketId,
        entity: EntityId,
    ) -> BoxFuture<'a, Result<DeskState, StoreError>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).push((what, entity));
        Box::pin(async { Ok(DeskState::Pending) })
    }
}

/// A server's data side in a folder of its own.
pub struct TestServer {
    /// For every service function.
    pub ctx: Context,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The scripted desk, when it was asked for.
    pub fake: Option<Arc<FakeDesk>>,
    /// Its folder.
    pub folder: tempfile::TempDir,
}

/// What a [`TestServer`] is opened with besides its store.
#[derive(Default)]
pub struct Setting {
    /// The operator's choices.
    pub policy: Policy,
    /// Whether the scripted desk stands behind it instead of the built-in one.
    pub fake_desk: bool,
}

impl TestServer {
    /// On a new SQLite file.
    pub async fn sqlite(setting: Setting) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = StoreConfig::Sqlite(folder.path().join("desk.db"));
        Self::open(folder, &config, setting).await
    }

    /// On a new database of the private PostgreSQL; `None`, with the reason printed, where there is none.
    pub async fn postgres(setting: Setting) -> Option<Self> {
        let config = postgres::database().await?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        Some(Self::open(folder, &config, setting).await)
    }

    /// On a store that may hold something already.
    pub async fn open(folder: tempfile::TempDir, config: &StoreConfig, setting: Setting) -> Self {
        let (env, clock) = env();
        let store = store::open(config, &env).await.expect("the store opens");
        Self::on(folder, store, env, clock, setting).await
    }

    /// On an open store.
    pub async fn on(
        folder: tempfile::TempDir,
        store: Arc<dyn Store>,
        env: Env,
        clock: Arc<ManualClock>,
        setting: Setting,
    ) -> Self {
        let fake = setting.fake_desk.then(Arc::<FakeDesk>::default);
        let desk: Arc<dyn Desk> = match &fake {
            Some(fake) => fake.clone(),
            None => Arc::new(Builtin),
        };
        let outside = folder.path().join("outside");
        std::fs::create_dir_all(&outside).expect("a folder");
        let ctx = Context::open(Parts {
            store,
            env,
            policy: setting.policy,
            key: ReceiptKey::new([7; 32]),
            desk,
            outside: Arc::new(Folder::new(outside)),
        })
        .await
        .expect("the context opens");
        Self { ctx, clock, fake, folder }
    }
}

/// Real chance and threads, and a clock that stands at [`START`].
pub fn env() -> (Env, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    (Env { clock: clock.clone(), ..Env::system() }, clock)
}
