//! The real server on a simulated disk: booted, killed, backed up, restored. Its routes stand behind [`Net`].

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use fastrand::Rng;
use futures_util::{StreamExt as _, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory};
use pocketdesk_server::{
    api::{self, App, Front},
    auth::{Auth, Rules, keys::Keys},
    backup::{self, BlobCopy, outside::Outside},
    blobs::{
        Blobs,
        uploads::{Quota, Uploads},
    },
    config::{Rates, SignUp},
    context::{self, Context, Policy},
    desk::builtin::Builtin,
    env::Env,
    mail::{CodeMail, Post, PostError},
    store::{self, StoreConfig},
    sync::receipt::ReceiptKey,
};
use tokio_util::sync::CancellationToken;

use super::{
    clock::Clock,
    disk::{Numbered, vfs},
    life::{Life, Panics},
    net::{Behind, Net},
    ports::{Chance, Tasks, stream},
    trace::{Trace, note},
};

/// Codes mailed, by address.
#[derive(Default)]
pub struct Mailbox(Mutex<BTreeMap<String, String>>);

impl Mailbox {
    /// The last code mailed there.
    pub fn code(&self, email: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(email).cloned()
    }
}

impl Post for Mailbox {
    fn code(&self, mail: CodeMail) -> BoxFuture<'_, Result<(), PostError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(mail.email, mail.code);
        Box::pin(async { Ok(()) })
    }
}

/// What lies beside the database and outlives its restore.
#[derive(Default)]
pub struct Beside(Mutex<BTreeMap<String, Vec<String>>>);

impl Outside for Beside {
    fn append(&self, log: &str, line: &str) -> io::Result<()> {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logs.entry(log.to_owned()).or_default().push(line.to_owned());
        Ok(())
    }

    fn lines(&self, log: &str) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(log).cloned().unwrap_or_default())
    }
}

/// A backup's blobs, kept in memory: copying is the object store's matter, not World's.
struct Copied {
    /// The server's own.
    live: Arc<InMemory>,
    /// The backup's.
    kept: Arc<InMemory>,
}

async fn copy(from: &InMemory, to: &InMemory) -> io::Result<u64> {
    let mut objects: Vec<_> = from.list(None).filter_map(|found| async { found.ok() }).collect().await;
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    for object in &objects {
        let bytes = async { from.get(&object.location).await?.bytes().await };
        let bytes = bytes.await.map_err(io::Error::other)?;
        to.put(&object.location, bytes.into()).await.map_err(io::Error::other)?;
    }
    Ok(objects.len() as u64)
}

impl BlobCopy for Copied {
    fn copy_to<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, io::Result<u64>> {
        Box::pin(copy(&self.live, &self.kept))
    }

    fn copy_from<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, io::Result<u64>> {
        Box::pin(copy(&self.kept, &self.live))
    }
}

fn keys() -> Keys {
    Keys::in_memory([7; 32], "staff")
}

/// What every incarnation of the server seals receipts and cursors with.
pub fn receipt_key() -> ReceiptKey {
    ReceiptKey::new(keys().derive("receipts"))
}

/// A backup that was made.
struct Backup {
    folder: tempfile::TempDir,
    blobs: Arc<InMemory>,
}

/// See the module.
pub struct Desk {
    seed: u64,
    disk: Numbered,
    /// Its clock.
    pub clock: Arc<Clock>,
    /// Codes it mailed.
    pub mailbox: Arc<Mailbox>,
    beside: Arc<Beside>,
    blobs: Arc<InMemory>,
    net: Arc<Net>,
    trace: Arc<Trace>,
    panics: Panics,
    process: u32,
    running: Option<(Arc<Life>, Context)>,
    backup: Option<Backup>,
    /// How many restores there were.
    pub restores: u32,
}

impl Desk {
    /// Not running yet.
    pub fn new(seed: u64, net: Arc<Net>, trace: Arc<Trace>, panics: Panics) -> Self {
        Self {
            seed,
            disk: Numbered::new(),
            clock: Arc::new(Clock::new()),
            mailbox: Arc::default(),
            beside: Arc::default(),
            blobs: Arc::new(InMemory::new()),
            net,
            trace,
            panics,
            process: 0,
            running: None,
            backup: None,
            restores: 0,
        }
    }

    /// Begins as another server stands, whose blobs nobody needs.
    pub fn begin_as(&mut self, other: &Self) {
        self.disk.lock().copy_from(&other.disk.lock());
        let logs = other.beside.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.beside = Arc::new(Beside(Mutex::new(logs)));
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.running.as_ref().is_some_and(|(life, _)| !life.is_dead())
    }

    fn begin(&mut self) -> (Arc<Life>, Env) {
        self.process += 1;
        let life = Life::new(self.disk.disk.clone(), self.process, self.panics.clone());
        let rng = Chance::new(stream(self.seed, 10_000 + u64::from(self.process)));
        let work = Arc::new(Tasks::new(life.clone(), self.clock.clone()));
        (life, Env { clock: self.clock.clone(), rng: Arc::new(rng), work })
    }

    fn database(&self) -> StoreConfig {
        StoreConfig::SqliteOn(PathBuf::from(format!("{}/desk.db", self.disk.root(self.process))), vfs::PLAIN)
    }

    /// Starts it; whether it runs then.
    pub async fn boot(&mut self) -> bool {
        let (life, env) = self.begin();
        let (database, beside) = (self.database(), self.beside.clone());
        let (mailbox, blobs) = (self.mailbox.clone(), Blobs::new(self.blobs.clone()));
        let started = life.call(async move {
            let store = store::open(&database, &env).await?;
            let keys = keys();
            let parts = context::Parts {
                store,
                env,
                policy: Policy::default(),
                key: receipt_key(),
                desk: Arc::new(Builtin),
                outside: beside,
            };
            let ctx = Context::open(parts).await?;
            let rules = Rules { sign_up: SignUp::Open, domains: Vec::new(), mails_an_hour: 1_000 };
            let auth = Auth::new(ctx.clone(), keys.clone(), rules, mailbox);
            let uploads = Uploads::new(ctx.clone(), blobs, keys, Quota { files: 1_000, bytes: 1 << 30 });
            let rates =
                Rates { sign_in: 1_000, mails: 1_000, address: 100_000, session: 100_000, parts: 100_000 };
            let front = Front { desk_name: "Desk".into(), trusted_proxies: Vec::new(), tls: true, rates };
            let app = Arc::new(App::new(ctx.clone(), auth, uploads, front, CancellationToken::new()));
            Ok::<_, context::ServiceError>((api::router(app), ctx))
        });
        match started.await {
            Some(Ok((router, ctx))) => {
                note!(self.trace, "server starts as {}", self.process);
                self.net.set_server(Some(Behind { router, life: life.clone() }));
                self.running = Some((life, ctx));
                true
            }
            Some(Err(error)) => {
                note!(self.trace, "server does not start: {error}");
                life.kill();
                false
            }
            None => false,
        }
    }

    /// kill -9, or with `power` the whole machine.
    pub fn kill(&mut self, power: Option<&mut Rng>) {
        note!(self.trace, "server dies{}", if power.is_some() { ", its machine loses power" } else { "" });
        self.net.set_server(None);
        if let Some((life, _)) = self.running.take() {
            life.kill();
        }
        match power {
            Some(rng) => {
                self.disk.lock().lose_power(rng);
                self.clock.reboot();
            }
            None => self.disk.lock().stop(),
        }
    }

    /// Something done at the server itself; none: it is down, or died under it.
    pub async fn call<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: impl FnOnce(Context) -> F,
    ) -> Option<T> {
        let (life, ctx) = self.running.as_ref()?;
        life.call(work(ctx.clone())).await
    }

    /// Makes a backup while it runs; whether there is one then.
    pub async fn back_up(&mut self) -> bool {
        let Ok(folder) = tempfile::tempdir() else { return false };
        let blobs = Arc::new(InMemory::new());
        let copied = Copied { live: self.blobs.clone(), kept: blobs.clone() };
        let to = folder.path().join("backup");
        let done =
            self.call(|ctx| async move { backup::backup(ctx.store.as_ref(), &ctx.env, &copied, &to).await });
        match done.await {
            Some(Ok(())) => {
                note!(self.trace, "server is backed up");
                self.backup = Some(Backup { folder, blobs });
                true
            }
            Some(Err(error)) => {
                note!(self.trace, "the backup failed: {error}");
                false
            }
            None => false,
        }
    }

    /// Whether there is a backup.
    pub fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    /// The machine is lost; a new one is filled from the backup.
    pub async fn restore(&mut self) -> bool {
        let Some(Backup { folder, blobs: kept }) = self.backup.take() else { return false };
        self.kill(None);
        self.disk = Numbered::new();
        self.blobs = Arc::new(InMemory::new());
        self.clock.reboot();
        let (life, env) = self.begin();
        let (database, beside) = (self.database(), self.beside.clone());
        let copied = Copied { live: self.blobs.clone(), kept: kept.clone() };
        let from = folder.path().join("backup");
        let restored = life.call(async move {
            let store = store::open(&database, &env).await.map_err(|error| error.to_string())?;
            backup::restore(store.as_ref(), &env, &copied, beside.as_ref(), &from)
                .await
                .map_err(|error| error.to_string())
        });
        let restored = restored.await;
        life.kill();
        match restored {
            Some(Ok(())) => {
                note!(self.trace, "server is restored");
                self.restores += 1;
                self.backup = Some(Backup { folder, blobs: kept });
                self.boot().await
            }
            other => {
                note!(self.trace, "the restore failed: {other:?}");
                self.panics
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(format!("a restore failed: {other:?}"));
                false
            }
        }
    }
}
