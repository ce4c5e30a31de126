//! Syncing when it is asked for, and starting and ending the account's runner.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::{Either, select};
use pocketdesk_domain::{
    model::{Delivery, SyncReport},
    sync::Signal,
};
use pocketdesk_protocol::ids::AttachmentId;
use tokio::sync::{mpsc, oneshot};

use super::{account::Account, runner::Mail, topics::Topic};
use crate::{
    error::{Error, Result},
    store::StoreError,
};

/// How often another process's writes are looked for while it syncs and this one waits.
const LOOK: Duration = Duration::from_millis(200);
/// How often the account is looked after while the app is open. Other processes may write the same folder, and their
/// words should show at once; on phones there is one, and every look costs a little of the battery.
const FOLLOW: Duration =
    Duration::from_secs(if cfg!(any(target_os = "android", target_os = "ios")) { 30 } else { 1 });

impl Account {
    /// Starts syncing, if no other process does. Whether this one does now.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<bool> {
        let mut running = self.running.lock().await;
        if self.leaving.load(Ordering::SeqCst) || !self.is_writable() {
            return Ok(false);
        }
        if let Some(ended) = running.as_mut()
            && matches!(ended.try_recv(), Err(oneshot::error::TryRecvError::Empty))
        {
            return Ok(true);
        }
        let (home, name) = (self.shared.home.clone(), self.name.clone());
        let Some(lock) = self.bytes(move || home.lock(&name)).await? else { return Ok(false) };
        let (to, mail) = mpsc::unbounded_channel();
        let (ended, hears) = oneshot::channel();
        self.set_mailbox(Some(to));
        *running = Some(hears);
        let this = self.clone();
        self.shared.env.work.spawn(Box::pin(async move {
            match this.look().await {
                Ok(()) if this.is_writable() => this.run(lock, mail).await,
                Ok(()) => {}
                Err(error) => this.not_started(&error),
            }
            // Nobody may wait for it.
            let _ = ended.send(());
        }));
        Ok(true)
    }

    /// Nobody waits for it: what keeps it from starting is for the report, and [`follow`](Self::follow) tries again.
    pub(crate) fn not_started(&self, error: &Error) {
        tracing::error!(account = %self.name, %error, "syncing cannot start yet");
        self.note_error(error);
    }

    /// Ends syncing; the lock is free when it returns.
    pub(crate) async fn stop(&self) {
        let mut running = self.running.lock().await;
        if let Some(ended) = running.take() {
            self.post(Mail::Stop);
            // Nobody writes to it any more: also heard where no mail is read, because the files give trouble.
            self.set_mailbox(None);
            let _ = ended.await;
        }
    }

    /// Syncs until nothing more can be done now, or the time is over; what was begun goes on.
    pub(crate) async fn sync_now(self: &Arc<Self>, within: Duration) -> Result<SyncReport> {
        self.look().await?;
        let before = self.standing().clone();
        if let Some(why) = &before.unwritable {
            return Err(StoreError::ReadOnly { why: why.clone() }.into());
        }
        if self.shared.is_offline() {
            return self.report(&before).await;
        }
        let automatic = self.shared.settings.automatic;
        let mut others = false;
        let work = async {
            // Whoever syncs may end before it saw what this process wrote: then the rest is this one's.
            while !self.start().await? {
                if self.others_did().await? {
                    others = true;
                    return Ok(());
                }
                self.shared.env.clock.sleep(LOOK).await;
            }
            let files = self.files_waiting().await?;
            self.uploads_at_once.store(true, Ordering::SeqCst);
            self.uploads.notify_waiters();
            self.talk().await;
            self.uploads_done().await?;
            if !files.is_subset(&self.files_waiting().await?) {
                // The desk's row of a file says that it is whole only after its last part.
                self.talk().await;
            }
            Ok::<(), Error>(())
        };
        match select(std::pin::pin!(work), self.shared.env.clock.sleep(within)).await {
            Either::Left((done, _)) => done?,
            Either::Right(_) => {}
        }
        let report = self
            .report(&before)
            .await
            .map(|report| SyncReport { reached: report.reached || others, ..report });
        if !automatic {
            self.stop().await;
        }
        report
    }

    /// Talks to the desk until nothing more can be done now.
    async fn talk(&self) {
        let (tell, settled) = oneshot::channel();
        self.post(Mail::Signal(Signal::SyncNow));
        self.post(Mail::WhenSettled(tell));
        // A runner that ended meanwhile has nothing more to do either.
        let _ = settled.await;
    }

    /// The files that have not gone whole.
    async fn files_waiting(self: &Arc<Self>) -> Result<BTreeSet<AttachmentId>> {
        self.read(|snapshot| Ok(snapshot.own().uploads()?.into_iter().map(|file| file.file.id).collect()))
            .await
    }

    /// Files that can go now have gone, or failed once.
    async fn uploads_done(self: &Arc<Self>) -> Result<()> {
        while self.uploads_due().await? > 0
            || self.standing().transfers.values().any(|file| file.active && !file.down)
        {
            self.shared.env.clock.sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Whether the process that syncs has sent what this one wrote.
    async fn others_did(self: &Arc<Self>) -> Result<bool> {
        Ok(self.outbox().await?.into_iter().all(|item| {
            matches!(
                item.delivery,
                Delivery::Attention { .. } | Delivery::Delivered { .. } | Delivery::Registered { .. }
            )
        }))
    }

    async fn report(self: &Arc<Self>, before: &super::account::Standing) -> Result<SyncReport> {
        let items = self.outbox().await?;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let attention =
            items.iter().filter(|item| matches!(item.delivery, Delivery::Attention { .. })).count();
        let files = self.files_waiting().await?.len();
        let after = self.standing().clone();
        let since = |after: u64, before: u64| u32::try_from(after.saturating_sub(before)).unwrap_or(u32::MAX);
        Ok(SyncReport {
            pushed: since(after.pushed, before.pushed),
            pulled: since(after.pulled, before.pulled),
            waiting: count(items.len() - attention + files),
            attention: count(attention),
            reached: after.answered > before.answered,
        })
    }

    /// Keeps the account syncing and looks for what other processes wrote, while the app is open.
    pub(crate) async fn follow(self: Arc<Self>) {
        loop {
            self.shared.env.clock.sleep(FOLLOW).await;
            if self.shared.topics.is_closed() {
                return;
            }
            if self.shared.is_suspended() {
                continue;
            }
            // The process that synced may have ended, or what kept this one from it: then it is this one's turn.
            if let Err(error) = self.start().await {
                self.note_error(&error);
            }
            let moved = self.store.run(|store: &mut crate::store::Store| store.moved_elsewhere()).await;
            match moved {
                Ok(true) => {
                    let all = [
                        Topic::Inbox,
                        Topic::Tickets,
                        Topic::Outbox,
                        Topic::Drafts,
                        Topic::Accounts,
                        Topic::Sync,
                        Topic::Files,
                    ];
                    self.show(&all, |_| ());
                    if !pocketdesk_protocol::planted::is("other-process-unheard") {
                        self.post(Mail::OwnMoved);
                    }
                    self.uploads.notify_waiters();
                }
                Err(Error::Store(StoreError::ReadOnly { why })) => {
                    self.only_read(&why);
                    // The newer app syncs from now on.
                    self.stop().await;
                }
                Err(Error::Closed) => return,
                Ok(false) | Err(_) => {}
            }
        }
    }
}
