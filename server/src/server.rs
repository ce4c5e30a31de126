//! A server from its configuration to its last answer.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, App, Front},
    auth::{
        Auth, Rules,
        keys::{Keys, staff_token},
    },
    backup::outside::Folder,
    blobs::{
        BlobError, Blobs, sweep,
        uploads::{Quota, Uploads},
    },
    config::{Config, ConfigError, Tls},
    context::{self, Context, DAY_MS, Policy, ServiceError},
    desk::{Desk, builtin::Builtin},
    env::{Env, system},
    files,
    journal::trim,
    mail::{CodeMail, Development, Post, Smtp},
    store::{
        self, Mode, Store, StoreConfig, StoreError,
        migrate::{self, Migration},
    },
    sync::receipt::ReceiptKey,
};

/// Seconds a stopping server gives requests under way.
const GRACE: Duration = Duration::from_secs(20);
/// Seconds for a connection's first request to be whole.
const FIRST_REQUEST: Duration = Duration::from_secs(15);
/// How often old things are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How often a newer program's migration is looked for.
const LOOK_AT_SCHEMA_EVERY: Duration = Duration::from_secs(5);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file or folder of the data directory, or of the certificate.
    #[error("{what}: {why}")]
    Files {
        /// Which.
        what: String,
        /// What the system said.
        why: io::Error,
    },
    /// The address.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        why: io::Error,
    },
    /// The certificate or its key.
    #[error("tls: {0}")]
    Tls(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The services.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The place of files' bytes.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// What stands on the data directory before anything listens; the verbs that do not serve need no more.
pub struct Ground {
    /// The ports.
    pub env: Env,
    /// The server's own secrets.
    pub keys: Keys,
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Bytes of files.
    pub blobs: Blobs,
    /// What outlives a restore.
    pub outside: Arc<Folder>,
    /// The help desk behind the server.
    pub desk: Arc<dyn Desk>,
}

impl Ground {
    /// Opens database, blobs and keys; makes what is missing.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        Self::open_on(config, Env::system()).await
    }

    /// As [`Ground::open`], on ports of the caller's.
    pub async fn open_on(config: &Config, env: Env) -> Result<Self, StartError> {
        Self::open_as(config, env, migrate::MIGRATIONS).await
    }

    async fn open_as(config: &Config, env: Env, migrations: &[Migration]) -> Result<Self, StartError> {
        // For the clients of S3 and SMTP; a second installation in one process changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        system::private_folder(&config.data).map_err(at(&config.data))?;
        system::private_folder(&config.outside_path()).map_err(at(&config.outside_path()))?;
        let outside = Arc::new(Folder::new(config.outside_path()));
        let keys = Keys::open(&config.keys_path(), env.rng.as_ref()).map_err(at(&config.keys_path()))?;
        let blobs = match &config.s3 {
            Some(s3) => Blobs::s3(s3)?,
            None => Blobs::folder(&config.blobs_path())?,
        };
        let database = match &config.database {
            Some(url) => StoreConfig::Postgres(url.0.clone()),
            None => StoreConfig::Sqlite(config.sqlite_path()),
        };
        let store = store::open_as(&database, &env, migrations).await?;
        Ok(Self { env, keys, store, blobs, outside, desk: Arc::new(Builtin) })
    }

    /// The services over it.
    pub async fn context(&self, config: &Config) -> Result<Context, StartError> {
        let policy = Policy {
            limits: config.limits,
            restore_window_ms: i64::from(config.restore_window_days) * DAY_MS,
            ..Policy::default()
        };
        let parts = context::Parts {
            store: self.store.clone(),
            env: self.env.clone(),
            policy,
            key: ReceiptKey::new(self.keys.derive("receipts")),
            desk: self.desk.clone(),
            outside: self.outside.clone(),
        };
        Ok(Context::open(parts).await?)
    }
}

fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> StartError {
    let what = path.display().to_string();
    move |why| StartError::Files { what, why }
}

/// Hears of an address and its code.
pub type OnCode = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// What a server may be given instead of the real thing, by tests: another clock, a scripted desk, a caught mail.
pub struct Parts {
    /// The ports.
    pub env: Env,
    /// The help desk behind it.
    pub desk: Arc<dyn Desk>,
    /// What carries codes; none: what the configuration says.
    pub post: Option<Arc<dyn Post>>,
    /// In development gets every address and code.
    pub on_code: OnCode,
    /// The schema: another one makes it another release's server.
    #[doc(hidden)]
    pub migrations: &'static [Migration],
}

impl Default for Parts {
    /// The real ones.
    fn default() -> Self {
        Self {
            env: Env::system(),
            desk: Arc::new(Builtin),
            post: None,
            on_code: Arc::new(|_, _| {}),
            migrations: migrate::MIGRATIONS,
        }
    }
}

/// Starts servers.
pub struct Server;

impl Server {
    /// Starts one in this process; it listens when this returns. Needs a tokio runtime with I/O and time.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        Self::start_with(config, Parts::default()).await
    }

    /// As [`Server::start`], on other parts.
    pub async fn start_with(config: Config, parts: Parts) -> Result<Running, StartError> {
        config.check_serving()?;
        let ground =
            Ground { desk: parts.desk, ..Ground::open_as(&config, parts.env, parts.migrations).await? };
        let ctx = ground.context(&config).await?;
        let codes = Arc::new(Codes::default());
        let post = match parts.post {
            Some(post) => post,
            None => post(&config, codes.clone(), parts.on_code)?,
        };
        let rules = Rules {
            sign_up: config.sign_up,
            domains: config.sign_up_domains.clone(),
            mails_an_hour: config.rates.mails,
        };
        let auth = Auth::new(ctx.clone(), ground.keys.clone(), rules, post);
        let quota = Quota { files: config.unfinished_uploads, bytes: config.unfinished_bytes };
        let uploads = Uploads::new(ctx.clone(), ground.blobs.clone(), ground.keys.clone(), quota);
        let front = Front {
            desk_name: config.desk_name.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            tls: config.tls.is_some(),
            rates: config.rates,
        };
        let closing = CancellationToken::new();
        let app = Arc::new(App::new(ctx, auth, uploads, front, closing.clone()));

        let tls = config.tls.as_ref().map(tls_config).transpose()?.map(RustlsConfig::from_config);
        let handle = Handle::new();
        let mut listeners = Vec::new();
        let router = api::router(app.clone());
        let (addr, done) = listen(&app.ctx.env, config.listen, router, tls.clone(), handle.clone())?;
        listeners.push((handle, done));
        let mut metrics_addr = None;
        if let Some(address) = config.metrics_listen {
            let handle = Handle::new();
            let (addr, done) =
                listen(&app.ctx.env, address, api::operator(app.clone()), None, handle.clone())?;
            metrics_addr = Some(addr);
            listeners.push((handle, done));
        }
        app.ctx.env.work.spawn(Box::pin(watch_schema(app.clone(), parts.migrations.len())));
        let (tell, swept) = oneshot::channel();
        let sweeping = app.clone();
        app.ctx.env.work.spawn(Box::pin(async move {
            sweep_for_ever(sweeping).await;
            let _ = tell.send(());
        }));
        let staff_token =
            staff_token(&config.keys_path(), app.ctx.env.rng.as_ref()).map_err(at(&config.keys_path()))?;
        tracing::info!(%addr, tls = tls.is_some(), store = app.ctx.store.kind(), "listening");
        Ok(Running {
            addr,
            metrics_addr,
            staff_token,
            app,
            codes,
            tls,
            tls_files: config.tls,
            listeners,
            swept,
        })
    }
}

fn post(config: &Config, codes: Arc<Codes>, on_code: OnCode) -> Result<Arc<dyn Post>, ConfigError> {
    let smtp = config.mail.as_ref().map(|mail| Smtp::new(mail, &config.desk_name)).transpose()?;
    match smtp {
        Some(smtp) if !config.development => Ok(Arc::new(smtp)),
        smtp => Ok(Arc::new(Development::new(
            move |mail: &CodeMail| {
                on_code(&mail.email, &mail.code);
                codes.keep(mail);
            },
            smtp,
        ))),
    }
}

type Done = oneshot::Receiver<io::Result<()>>;

fn listen(
    env: &Env,
    address: SocketAddr,
    router: Router,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
) -> Result<(SocketAddr, Done), StartError> {
    let failed = |why| StartError::Listen { address, why };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let (tell, done) = oneshot::channel();
    match tls {
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls).map_err(failed)?;
            let server = server.handle(handle).first_request_timeout(FIRST_REQUEST);
            env.work.spawn(Box::pin(async move {
                let _ = tell.send(server.serve(service).await);
            }));
        }
        None => {
            let server = axum_server::from_tcp(listener).map_err(failed)?;
            let server = server.handle(handle).first_request_timeout(FIRST_REQUEST);
            env.work.spawn(Box::pin(async move {
                let _ = tell.send(server.serve(service).await);
            }));
        }
    }
    Ok((addr, done))
}

fn tls_config(tls: &Tls) -> Result<Arc<rustls::ServerConfig>, StartError> {
    let wrong = |why: rustls::pki_types::pem::Error, path: &std::path::Path| {
        StartError::Tls(format!("{}: {why}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|why| wrong(why, &tls.cert))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|why| wrong(why, &tls.key))?;
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|why| StartError::Tls(format!("the certificate and its key: {why}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Stands down when a newer program has migrated the database to what this one must not work on.
async fn watch_schema(app: Arc<App>, known: usize) {
    let known = i64::try_from(known).expect("few migrations");
    loop {
        tokio::select! {
            biased;
            () = app.closing.cancelled() => return,
            () = app.ctx.env.clock.sleep(LOOK_AT_SCHEMA_EVERY) => {}
        }
        let looked = async {
            let mut tx = app.ctx.store.begin(Mode::Read).await?;
            migrate::outlived_by(tx.as_mut(), known).await
        };
        if let Err(error @ StoreError::Outlived { .. }) = looked.await {
            tracing::error!(%error, "this server answers no more");
            app.stand_down();
            return;
        }
    }
}

/// Sweeps at the start and every hour until the server stops.
async fn sweep_for_ever(app: Arc<App>) {
    loop {
        if let Err(error) = sweep::sweep(&app.ctx, &app.uploads).await {
            tracing::warn!(%error, "unnamed files could not be swept; tried again in an hour");
        }
        if let Err(error) = files::sweep_missing(&app.ctx).await {
            tracing::warn!(%error, "missing files could not be marked; tried again in an hour");
        }
        if let Err(error) = trim::trim(&app.ctx).await {
            tracing::warn!(%error, "journals could not be trimmed; tried again in an hour");
        }
        if let Err(error) = crate::sync::forget(&app.ctx).await {
            tracing::warn!(%error, "bodies of old verdicts could not be forgotten; tried again in an hour");
        }
        if let Err(error) = crate::auth::sessions::forget(&app.ctx).await {
            tracing::warn!(%error, "old refresh tokens could not be forgotten; tried again in an hour");
        }
        tokio::select! {
            biased;
            () = app.closing.cancelled() => return,
            () = app.ctx.env.clock.sleep(SWEEP_EVERY) => {}
        }
    }
}

/// Codes of development that nobody has taken yet.
#[derive(Default)]
struct Codes {
    waiting: Mutex<Vec<(String, String)>>,
    came: Notify,
}

/// Codes kept for a test that never comes to read them.
const CODES_KEPT: usize = 1000;

impl Codes {
    fn keep(&self, mail: &CodeMail) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == CODES_KEPT {
            waiting.remove(0);
        }
        waiting.push((mail.email.clone(), mail.code.clone()));
        drop(waiting);
        self.came.notify_waiters();
    }

    fn take(&self, email: &str) -> Option<String> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.iter().position(|(to, _)| to.eq_ignore_ascii_case(email))?;
        Some(waiting.remove(at).1)
    }
}

/// A server that listens. Dropped without [`Running::shutdown`] it goes on until its runtime ends.
pub struct Running {
    addr: SocketAddr,
    metrics_addr: Option<SocketAddr>,
    staff_token: String,
    app: Arc<App>,
    codes: Arc<Codes>,
    tls: Option<RustlsConfig>,
    tls_files: Option<Tls>,
    listeners: Vec<(Handle<SocketAddr>, Done)>,
    swept: oneshot::Receiver<()>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where metrics are read, if that is an address of its own.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.addr)
    }

    /// The staff's token.
    pub fn staff_token(&self) -> &str {
        &self.staff_token
    }

    /// The ground of its services, for tests that look or act below the routes.
    pub fn ctx(&self) -> &Context {
        &self.app.ctx
    }

    /// What is behind its routes.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Waits for the oldest code mailed to that address that nobody has taken yet, and takes it. Development only.
    pub async fn code(&self, email: &str) -> String {
        loop {
            let came = self.codes.came.notified();
            let mut came = std::pin::pin!(came);
            // Listens before it looks, or a code that comes in between is slept over.
            came.as_mut().enable();
            if let Some(code) = self.codes.take(email) {
                return code;
            }
            came.await;
        }
    }

    /// Reads the certificate's files again; connections that are open keep the old one.
    pub fn reload_tls(&self) -> Result<(), StartError> {
        if let (Some(tls), Some(files)) = (&self.tls, &self.tls_files) {
            tls.reload_from_config(tls_config(files)?);
        }
        Ok(())
    }

    /// Stops: nothing new is accepted, streams end, waiting pulls answer, what is under way is finished.
    pub async fn shutdown(self) {
        self.app.closing.cancel();
        for (handle, _) in &self.listeners {
            handle.graceful_shutdown(Some(GRACE));
        }
        for (_, done) in self.listeners {
            if let Ok(Err(error)) = done.await {
                tracing::error!(%error, "a listener failed");
            }
        }
        let _ = self.swept.await;
        tracing::info!("stopped");
    }
}
