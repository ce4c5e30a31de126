//! One account: its store, its readers, its sealed files, and what screens show of it that no file holds.
//!
//! Everything a shell asks of an account goes through here; who talks to the desk is [`super::runner`]. Both hold
//! an `Arc` of this and never of each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use pocketdesk_domain::{
    model::{PausedReason, RetryReason, SyncState},
    outbox::{
        MadeOn,
        overlay::{self, FileFacts},
        plan::Maker,
    },
};
use pocketdesk_protocol::{
    ids::{AttachmentId, OpId},
    limits::Limits,
    op::FileRef,
};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{report::Errors, runner::Mail, shared::Shared, topics::Topic, worker::Worker};
use crate::{
    attachments::{self, files::Folder},
    env::{Env, Queue},
    error::{Error, Result},
    remote::api::Api,
    store::{
        AccountFacts, CacheRead, Changes, LocalFile, OwnTx, ReadOnly, Reader, Snapshot, Store, StoreError,
    },
};

/// One account of the folder.
pub struct Account {
    /// Its name on this phone: its directory.
    pub name: String,
    /// What all accounts share.
    pub shared: Arc<Shared>,
    /// The writer; the runner's exchanges with the cache go through it too.
    pub(crate) store: Worker<Store>,
    reader: Worker<Reader>,
    /// Sealed files.
    pub(crate) folder: Arc<Folder>,
    standing: Mutex<Standing>,
    mail: Mutex<Option<mpsc::UnboundedSender<Mail>>>,
    /// Uploads look again: a file was named, the network changed, one was let go on.
    pub(crate) uploads: Notify,
    /// The network came back: uploads do not wait out their back-off.
    pub(crate) uploads_at_once: AtomicBool,
    /// One refresh at a time.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
    /// One download at a time.
    pub(crate) downloading: tokio::sync::Mutex<()>,
    /// Whether this process syncs the account, and how it hears that that has ended.
    pub(crate) running: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
    /// Its person is signing out: nothing is begun any more.
    pub(crate) leaving: AtomicBool,
    /// Whether it syncs, and what other processes write, is looked after.
    pub(crate) followed: AtomicBool,
    /// Every page of own.db was looked at; before that only a list is read.
    looked: tokio::sync::OnceCell<()>,
    bytes: Arc<dyn Queue>,
}

/// What screens show of an account that no file holds.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// As the machine says; [`SyncState::Idle`] while nobody syncs.
    pub sync: SyncState,
    /// Ops of the request that is under way.
    pub sending: Vec<OpId>,
    /// Files under way or waiting for their next try.
    pub transfers: BTreeMap<AttachmentId, Transfer>,
    /// Ops that got a final verdict since the start.
    pub pushed: u64,
    /// Rows that came since the start.
    pub pulled: u64,
    /// Exchanges the desk answered since the start.
    pub answered: u64,
    /// Why the account can only be read and exported, if so: nothing of it is sent or received.
    pub unwritable: Option<ReadOnly>,
    /// Files whose bytes lie here and cannot be read any more.
    pub spoilt: BTreeSet<AttachmentId>,
    /// The last errors, for the report.
    pub errors: Errors,
}

/// A file under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// To this phone.
    pub down: bool,
    /// What is moved.
    pub file: FileRef,
    /// Bytes done; never goes back.
    pub done: u64,
    /// Now.
    pub active: bool,
    /// Why the last try failed, and when the next is due.
    pub retrying: Option<(RetryReason, i64)>,
}

impl Account {
    /// Opens the account's files.
    pub async fn open(shared: Arc<Shared>, name: String) -> Result<Arc<Self>, StoreError> {
        let (home, env, of) = (shared.home.clone(), shared.env.clone(), name.clone());
        let queue = shared.env.work.queue(&format!("own-{}", &name[..4.min(name.len())]));
        let store = Worker::start(queue, move || Store::open_unlooked(&home, &of, &env)).await?;
        let opened = store
            .run(|store: &mut Store| {
                let why = store.read_only().cloned();
                Ok::<_, StoreError>((store.reader()?, store.files(), why))
            })
            .await
            .map_err(|error| match error {
                Error::Store(error) => error,
                other => StoreError::Failed { reason: other.to_string() },
            })?;
        let (reader, folder, unwritable) = opened;
        let queue = shared.env.work.queue(&format!("read-{}", &name[..4.min(name.len())]));
        let reader = Worker::start(queue, move || Ok::<_, StoreError>(reader)).await?;
        let bytes = shared.env.work.queue(&format!("files-{}", &name[..4.min(name.len())]));
        let standing = Standing {
            sync: SyncState::Idle,
            sending: Vec::new(),
            transfers: BTreeMap::new(),
            pushed: 0,
            pulled: 0,
            answered: 0,
            unwritable,
            spoilt: BTreeSet::new(),
            errors: Errors::default(),
        };
        Ok(Arc::new(Self {
            name,
            shared,
            store,
            reader,
            folder,
            standing: Mutex::new(standing),
            mail: Mutex::new(None),
            uploads: Notify::new(),
            uploads_at_once: AtomicBool::new(false),
            refreshing: tokio::sync::Mutex::new(()),
            downloading: tokio::sync::Mutex::new(()),
            running: tokio::sync::Mutex::new(None),
            leaving: AtomicBool::new(false),
            followed: AtomicBool::new(false),
            looked: tokio::sync::OnceCell::new(),
            bytes,
        }))
    }

    /// One transaction of own.db, durable when it returns; the runner hears of it.
    pub async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut OwnTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.commit(|tx, _| job(tx), true).await
    }

    /// The same with the cache in sight, for what is judged by what the person saw.
    pub(crate) async fn write_seeing<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut OwnTx<'_>, Option<&CacheRead<'_>>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.commit(job, true).await
    }

    /// As [`write_seeing`](Self::write_seeing), by the runner itself: it knows already.
    pub(crate) async fn record_seeing<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut OwnTx<'_>, Option<&CacheRead<'_>>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.commit(job, false).await
    }

    /// As [`write`](Self::write), by the runner itself: it knows already.
    pub(crate) async fn record<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut OwnTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.commit(|tx, _| job(tx), false).await
    }

    async fn commit<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut OwnTx<'_>, Option<&CacheRead<'_>>) -> Result<T> + Send + 'static,
        tell: bool,
    ) -> Result<T> {
        self.look().await?;
        let this = self.clone();
        let done = self
            .store
            .run(move |store: &mut Store| {
                let (made, changes) = store.write_seeing(job)?;
                this.committed(&changes, tell);
                Ok::<_, Error>(made)
            })
            .await;
        if let Err(Error::Store(StoreError::ReadOnly { why })) = &done {
            self.only_read(why);
        }
        done
    }

    /// Called on the queue, not after it: a commit is told of even when its caller has gone away.
    fn committed(&self, changes: &Changes, tell: bool) {
        self.shared.topics.commit(changes);
        if tell && (changes.outbox || changes.account) && !pocketdesk_protocol::planted::is("news-unheard") {
            self.post(Mail::OwnMoved);
        }
        if tell || changes.files {
            self.uploads.notify_waiters();
        }
    }

    /// One snapshot: own.db first, then the cache.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.look().await?;
        self.read_unlooked(job).await
    }

    /// The same before own.db was looked at, for the first list: it may stand on what is damaged.
    pub(crate) async fn read_unlooked<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        self.reader
            .run(move |reader: &mut Reader| {
                let read = reader.read(job);
                if let Err(Error::Store(StoreError::Damaged { .. } | StoreError::WrongKey { .. })) = &read {
                    // Whoever syncs may hold the spoilt page as it was, and would not find out.
                    this.post(Mail::Unreadable(reader.let_go()));
                }
                read
            })
            .await
    }

    /// Has every page of own.db been looked at, once: what is damaged is only read, from what can be read of it.
    pub(crate) async fn look(self: &Arc<Self>) -> Result<()> {
        self.looked.get_or_try_init(|| async { self.own_is_damaged().await.map(drop) }).await.map(drop)
    }

    /// The same without waiting for it.
    pub(crate) fn look_soon(self: &Arc<Self>) {
        if self.looked.initialized() {
            return;
        }
        let this = self.clone();
        self.shared.env.work.spawn(Box::pin(async move {
            match this.look().await {
                Ok(()) | Err(Error::Closed) => {}
                Err(error) => {
                    tracing::error!(account = %this.name, %error, "the account's files could not be looked at");
                }
            }
        }));
    }

    /// Work with the bytes of files, in order.
    pub(crate) async fn bytes<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        Env::run(&*self.bytes, job).await
    }

    /// Calls to this account's server.
    pub(crate) async fn api(self: &Arc<Self>) -> Result<Api> {
        let server = self.read(|snapshot| Ok(snapshot.own().account()?.server)).await?;
        if server.is_empty() {
            return Err(Error::SignedOut);
        }
        Ok(self.shared.api(&server))
    }

    /// What came from the desk goes; what the person wrote stays. For a session that is over.
    pub(crate) async fn wipe_desk_facts(self: &Arc<Self>) -> Result<()> {
        let this = self.clone();
        self.store
            .run(move |store: &mut Store| {
                let mut changes = store.forget_cache()?;
                let ((), gone) = store.write(|tx| {
                    for file in tx.files()?.into_iter().filter(|file| !file.staged) {
                        tx.remove_file(file.file.id)?;
                    }
                    Ok::<_, StoreError>(())
                })?;
                changes.merge(gone);
                this.shared.topics.commit(&changes);
                Ok::<_, StoreError>(())
            })
            .await
    }

    /// Tells the runner, if there is one.
    pub(crate) fn post(&self, mail: Mail) {
        let to = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(to) = to.as_ref() {
            // A runner that has just ended needs no news.
            let _ = to.send(mail);
        }
    }

    pub(crate) fn set_mailbox(&self, to: Option<mpsc::UnboundedSender<Mail>>) {
        *self.mail.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    pub(crate) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what screens show, and has them look again if it did change.
    pub(crate) fn show<T: PartialEq>(&self, topics: &[Topic], change: impl FnOnce(&mut Standing) -> T) {
        change(&mut self.standing());
        for topic in topics {
            self.shared.topics.move_on(*topic);
        }
    }

    /// Where the account stands while a screen is drawn.
    pub(crate) fn overlay_facts(
        &self,
        facts: &AccountFacts,
        signed_in: bool,
        wifi: bool,
    ) -> overlay::AccountFacts {
        let network = self.shared.network();
        overlay::AccountFacts {
            account: self.name.clone(),
            me: facts.person,
            my_name: facts.me.as_ref().map(|me| me.person.name.clone()).unwrap_or_default(),
            paused: self.paused(facts, signed_in),
            online: network.online && !self.shared.is_offline(),
            files_wait_for_wifi: wifi && network.metered,
            sending: self.standing().sending.clone(),
            now: self.shared.env.clock.now(),
        }
    }

    /// Why nothing goes.
    pub(crate) fn paused(&self, facts: &AccountFacts, signed_in: bool) -> Option<PausedReason> {
        match &self.standing().unwritable {
            None => paused(facts, signed_in),
            Some(ReadOnly::Newer { .. }) => Some(PausedReason::AppTooOld),
            Some(ReadOnly::Damaged | ReadOnly::NotMigrated { .. }) => Some(PausedReason::Damaged),
        }
    }

    /// Whether anything may be written, and so sent and received.
    pub(crate) fn is_writable(&self) -> bool {
        self.standing().unwritable.is_none()
    }

    /// An error may have come from own.db: from here on a damaged one is only read, from what can be read of it.
    /// Whether it is.
    pub(crate) async fn own_is_damaged(self: &Arc<Self>) -> Result<bool> {
        let judge = |store: &mut Store| {
            let reader = store.judge_own()?;
            Ok::<_, StoreError>(reader.zip(store.read_only().cloned()))
        };
        let Some((salvaged, why)) = self.store.run(judge).await? else { return Ok(false) };
        self.reader
            .run(move |reader: &mut Reader| {
                *reader = salvaged;
                Ok::<_, StoreError>(())
            })
            .await?;
        self.show(
            &[Topic::Accounts, Topic::Outbox, Topic::Tickets, Topic::Inbox, Topic::Drafts],
            |standing| {
                standing.unwritable = Some(why);
            },
        );
        Ok(true)
    }

    /// own.db is only read from here on: a newer app has begun to use the folder.
    pub(crate) fn only_read(&self, why: &ReadOnly) {
        if self.is_writable() {
            tracing::warn!(account = %self.name, %why, "nothing is written any more");
            self.show(
                &[Topic::Accounts, Topic::Outbox, Topic::Tickets, Topic::Inbox, Topic::Drafts],
                |standing| standing.unwritable = Some(why.clone()),
            );
        }
    }

    /// What is known of files' bytes, for screens.
    pub(crate) fn file_facts(&self, files: Vec<LocalFile>) -> BTreeMap<AttachmentId, FileFacts> {
        let (transfers, spoilt) = {
            let standing = self.standing();
            (standing.transfers.clone(), standing.spoilt.clone())
        };
        let mut facts: BTreeMap<AttachmentId, FileFacts> = files
            .into_iter()
            .map(|file| {
                let here = self.folder.has(&file.sealed) && !spoilt.contains(&file.file.id);
                let facts = attachments::facts(&file, here);
                (file.file.id, facts)
            })
            .collect();
        for (id, transfer) in transfers.into_iter().filter(|(_, transfer)| !transfer.down) {
            let known = facts.entry(id).or_default();
            known.sending = transfer.active;
            known.sent = known.sent.max(transfer.done);
            known.retrying = transfer.retrying;
        }
        facts
    }

    /// The phone's boot and monotonic clock.
    pub(crate) fn made_on(env: &Env) -> MadeOn {
        MadeOn { boot: env.clock.boot(), monotonic: env.clock.monotonic() }
    }

    /// Nothing of SQLite's is held when this returns.
    pub(crate) async fn idle(&self) {
        self.store.idle().await;
        self.reader.idle().await;
    }

    /// Closes the files; whoever comes later hears [`Error::Closed`].
    pub(crate) async fn close(&self) {
        self.post(Mail::Stop);
        // The writer last: it brings own.db's log into the file.
        self.reader.close().await;
        self.store.close().await;
    }
}

/// In own.db for an account that its person left by signing out, with words that wait for them.
pub(crate) const LEFT: &str = "left";

/// Names of reasons in own.db, for [`AccountFacts::paused`].
const PAUSED: &[(PausedReason, &str)] = &[
    (PausedReason::SignedOut, "signed_out"),
    (PausedReason::AppTooOld, "app_too_old"),
    (PausedReason::Damaged, "damaged"),
];

/// A reason's name in own.db.
pub(crate) fn paused_name(why: PausedReason) -> Option<&'static str> {
    PAUSED.iter().find(|(reason, _)| *reason == why).map(|(_, name)| *name)
}

/// Why nothing goes.
pub(crate) fn paused(facts: &AccountFacts, signed_in: bool) -> Option<PausedReason> {
    if facts.server.is_empty() {
        return Some(PausedReason::NotSignedIn);
    }
    if !signed_in {
        return Some(PausedReason::SignedOut);
    }
    let name = facts.paused.as_deref()?;
    PAUSED.iter().find(|(_, known)| *known == name).map(|(reason, _)| *reason)
}

/// What the desk allows; the usual before it said so.
pub(crate) fn limits(facts: &AccountFacts) -> Limits {
    facts.me.as_ref().map(|me| me.limits).unwrap_or_default()
}

/// Runs `make` with what makes ops.
pub(crate) fn with_maker<T>(env: &Env, limits: Limits, make: impl FnOnce(&mut Maker<'_>) -> T) -> T {
    let mut new_id = || env.new_id();
    make(&mut Maker { new_id: &mut new_id, now: env.clock.now(), made_on: Account::made_on(env), limits })
}
