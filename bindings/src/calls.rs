//! How calls reach the core: opened over its ports, run to their end whatever becomes of the caller, for one account,
//! one ticket or all.

use std::{future::Future, sync::Arc};

use futures_util::future::BoxFuture;
use pocketdesk_core::{
    Error,
    engine::{account::Account, accounts::Accounts, feed::Feed, id, shared::Settings, topics::Topic},
    env::Env,
    store::{Home, StoreError},
    voice::models::Rules,
};
use pocketdesk_domain::model::TicketKey;
use pocketdesk_protocol::{ids::TicketId, models::from_hex};
use tokio::runtime::Runtime;

use crate::{Config, DeskError, OpenError, Pocketdesk};

impl Pocketdesk {
    /// The same over other ports: for tests that move the clock, cut the network and kill the process.
    #[doc(hidden)]
    pub async fn open_with(config: Config, env: Env) -> Result<Arc<Self>, OpenError> {
        Self::open_on(config, env, None, &[]).await
    }

    /// The same by a newer app: one whose own.db has these migrations after today's. For tests of what an older app,
    /// that is this one, makes of its folder.
    #[doc(hidden)]
    pub async fn open_newer(
        config: Config,
        env: Env,
        later: &'static [&'static str],
    ) -> Result<Arc<Self>, OpenError> {
        Self::open_on(config, env, None, later).await
    }

    pub(crate) async fn open_on(
        config: Config,
        env: Env,
        runtime: Option<Runtime>,
        later: &'static [&'static str],
    ) -> Result<Arc<Self>, OpenError> {
        let (spawner, offline) = (env.clone(), config.offline);
        let opened = run(&spawner, async move {
            let (dir, settings) = (config.data_dir.clone(), settings(config)?);
            let queue = env.work.queue("folder");
            let home = Env::run(&*queue, move || Home::open(dir)).await.map_err(not_a_folder)?;
            Ok(Accounts::open(env, home.of_a_newer_app(later), settings, offline).await?)
        });
        match opened.await.unwrap_or(Err(OpenError::Defect { reason: "opening was cut short".to_owned() })) {
            Ok(accounts) => Ok(Arc::new(Self { accounts, runtime })),
            Err(error) => {
                if let Some(runtime) = runtime {
                    // A plain drop would block, which panics inside a caller's own runtime.
                    runtime.shutdown_background();
                }
                Err(error)
            }
        }
    }

    /// Runs work of the core to its end, whatever becomes of the caller; none when the core is gone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        run(&self.accounts.shared.env, work).await
    }

    pub(crate) async fn call<T, E, F>(&self, make: impl FnOnce(Arc<Accounts>) -> F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error>,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.accounts.wake();
        let done = self.run(make(self.accounts.clone())).await;
        Ok(done.unwrap_or_else(|| Err(self.unanswered()))?)
    }

    /// Why work ended without an answer: the core is gone, or it met a bug there, which it survives.
    fn unanswered(&self) -> Error {
        if self.accounts.shared.topics.is_closed() {
            return Error::Closed;
        }
        let reason = "a part of the core stopped; what was saved is safe".to_owned();
        Error::Store(StoreError::Failed { reason })
    }

    /// A call that only reads, on the caller's own thread but for what reads the files: nothing is lost when its caller
    /// goes away, and a thread that only passes an answer on takes as long as reading it.
    pub(crate) async fn ask<T, F>(&self, make: impl FnOnce(Arc<Accounts>) -> F) -> Result<T, DeskError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.accounts.wake();
        Ok(make(self.accounts.clone()).await?)
    }

    /// A call about one account.
    pub(crate) async fn on<T, F>(
        &self,
        account: Option<String>,
        make: impl FnOnce(Arc<Account>) -> F + Send + 'static,
    ) -> Result<T, DeskError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.call(move |accounts| async move { make(accounts.find(account.as_deref()).await?).await }).await
    }

    /// A call about one ticket.
    pub(crate) async fn on_ticket<T, F>(
        &self,
        ticket: TicketKey,
        make: impl FnOnce(Arc<Account>, TicketId) -> F + Send + 'static,
    ) -> Result<T, DeskError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.call(move |accounts| async move {
            let account = accounts.named(&ticket.account)?;
            make(account, TicketId(id(&ticket.id, "ticket")?)).await
        })
        .await
    }

    /// A reading of one account or all.
    pub(crate) async fn of_all<T, F>(
        &self,
        account: Option<String>,
        ask: impl Fn(Arc<Account>) -> F,
    ) -> Result<Vec<T>, DeskError>
    where
        F: Future<Output = Result<Vec<T>, Error>>,
    {
        self.ask(move |accounts| async move { gather(&accounts, account, ask).await }).await
    }

    pub(crate) fn feed<T, F>(
        &self,
        looks_at: &'static [Topic],
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) -> Feed<T>
    where
        T: Clone + PartialEq + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let query = Box::new(move || -> BoxFuture<'static, Option<T>> {
            let asked = ask();
            Box::pin(async move {
                match asked.await {
                    Ok(value) => Some(value),
                    Err(Error::Closed | Error::NotFound { .. }) => None,
                    Err(error) => {
                        tracing::error!(%error, "a screen could not be read; its feed ends");
                        None
                    }
                }
            })
        });
        Feed::new(self.accounts.shared.topics.clone(), looks_at, query)
    }
}

/// See [`Pocketdesk::run`].
pub(crate) async fn run<T: Send + 'static>(
    env: &Env,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (done, result) = tokio::sync::oneshot::channel();
    env.work.spawn(Box::pin(async move {
        // Nobody may wait any more; it was done all the same.
        let _ = done.send(work.await);
    }));
    result.await.ok()
}

/// Of one account or of all, one after another.
pub(crate) async fn gather<T, F>(
    accounts: &Accounts,
    account: Option<String>,
    ask: impl Fn(Arc<Account>) -> F,
) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Vec<T>, Error>>,
{
    let meant = match account {
        Some(name) => vec![accounts.find(Some(&name)).await?],
        None => accounts.every()?,
    };
    let mut all = Vec::new();
    for account in meant {
        all.extend(ask(account).await?);
    }
    Ok(all)
}

fn settings(config: Config) -> Result<Settings, OpenError> {
    let keys = config.speech_model_keys.iter().map(|key| from_hex(key)).collect::<Option<_>>();
    let keys = keys.ok_or_else(|| OpenError::Invalid {
        field: "speech_model_keys".to_owned(),
        reason: "a key has 64 hex digits".to_owned(),
    })?;
    let (memory, budget) = (config.device_memory_bytes, config.speech_model_bytes);
    Ok(Settings {
        device: config.device_name,
        locale: config.locale,
        automatic: config.automatic,
        attachment_cache_bytes: config.attachment_cache_bytes,
        models: Rules { keys, memory, budget, ..Rules::default() },
        models_beside: config.speech_models_beside.map(Into::into),
    })
}

fn not_a_folder(error: StoreError) -> OpenError {
    match error {
        StoreError::Full => OpenError::DiskFull,
        StoreError::Failed { reason } => OpenError::Invalid { field: "data_dir".to_owned(), reason },
        other => Error::from(other).into(),
    }
}
