//! The facade: everything a shell can ask of the core.

use std::{sync::Arc, time::Duration};

use pocketdesk_core::{
    engine::{accounts::Accounts, id, topics::Topic},
    env::{
        Env,
        system::{SystemClock, SystemRng, SystemWork},
    },
    remote::http::Http,
};
use pocketdesk_domain::{
    model::{
        AccountView, AttachmentView, Delivery, DeviceView, DiagnosticReport, DraftView, ExportReport, Mended,
        NewDraft, NewReply, NewTicket, NewWords, OpKey, OutboxItem, SearchHit, Signal, SyncReport,
        TicketFilter, TicketKey, TicketPage, TicketView, TransferView, Unsent,
    },
    outbox::new_op::Request,
};
use pocketdesk_protocol::ids::{AttachmentId, EntityId, OpId, TicketId};
use tokio::runtime::Runtime;

use crate::{
    Config, DeskError, OpenError, OutboxFeed, Platform, SignInError, SignInStarted, Source, SyncFeed,
    TicketFeed, TicketsFeed, TransfersFeed, Unbound,
    calls::gather,
    config::{PlatformSecrets, take},
};

/// All accounts of one folder. Open it once a process; a second process may open the same folder, write, and read,
/// while the first one syncs.
///
/// Wherever `account` is optional, none means the only account of the folder, or the unbound one before the first
/// sign-in; with several accounts it has to be named (its name, or a unique part of its person's address or name, or
/// its server's).
#[derive(uniffi::Object)]
pub struct Pocketdesk {
    pub(crate) accounts: Arc<Accounts>,
    /// None when the ports came from outside, with a runtime behind them.
    pub(crate) runtime: Option<Runtime>,
}

#[uniffi::export]
impl Pocketdesk {
    /// Opens the folder, making it if need be.
    #[uniffi::constructor]
    pub async fn open(config: Config, platform: Platform) -> Result<Arc<Self>, OpenError> {
        let remote = Http::new(&config.extra_root_certificates_pem).map_err(|error| OpenError::Invalid {
            field: "extra_root_certificates_pem".to_owned(),
            reason: error.to_string(),
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("pocketdesk")
            .enable_all()
            .build()
            .map_err(|error| OpenError::Defect { reason: error.to_string() })?;
        let env = Env {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            secrets: Arc::new(PlatformSecrets(platform.secrets)),
            remote: Arc::new(remote),
            work: Arc::new(SystemWork::new(runtime.handle().clone())),
        };
        Self::open_on(config, env, Some(runtime), &[]).await
    }

    /// Every account of the folder; the unbound one, while there is no other or it holds words.
    pub async fn accounts(&self) -> Result<Vec<AccountView>, DeskError> {
        self.call(|accounts| async move { accounts.views().await }).await
    }

    /// Asks the desk to mail a code. The answer is the same for addresses it does not know. What the code needs is kept
    /// in the secrets, so that another process may finish.
    pub async fn start_sign_in(
        &self,
        server_url: String,
        email: String,
    ) -> Result<SignInStarted, SignInError> {
        self.call(move |accounts| async move {
            let (address, expires_in_s) = accounts.start_sign_in(&server_url, &email).await?;
            Ok(SignInStarted { server: address.server, email: address.email, expires_in_s })
        })
        .await
    }

    /// Ends a sign-in that [`start_sign_in`](Self::start_sign_in) began. For a person who has an account here it is
    /// the same account again, with everything that waited. Words filed before any sign-in: see [`Unbound`].
    pub async fn finish_sign_in(
        &self,
        server_url: String,
        email: String,
        code: String,
        unbound: Unbound,
    ) -> Result<AccountView, SignInError> {
        self.call(move |accounts| async move {
            accounts.finish_sign_in(&server_url, &email, &code, unbound.into()).await
        })
        .await
    }

    /// What is not with the desk yet.
    pub async fn unsent(&self, account: String) -> Result<Unsent, DeskError> {
        self.call(move |accounts| async move { accounts.find(Some(&account)).await?.unsent().await }).await
    }

    /// Signs out: ends the session at the desk when it can be reached, and forgets what came from there. With something
    /// unsent: refused with [`DeskError::WouldLeaveWords`] unless `force`; forced, the unsent words wait, sealed, for the
    /// same person's next sign-in.
    pub async fn sign_out(&self, account: String, force: bool) -> Result<Unsent, DeskError> {
        self.call(move |accounts| async move { accounts.sign_out(&account, force).await }).await
    }

    /// The person's sessions at the desk.
    pub async fn devices(&self, account: String) -> Result<Vec<DeviceView>, DeskError> {
        self.call(move |accounts| async move { accounts.devices(&account).await }).await
    }

    /// Ends one of the person's sessions.
    pub async fn end_device(&self, account: String, session: String) -> Result<(), DeskError> {
        self.call(move |accounts| async move { accounts.end_device(&account, &session).await }).await
    }

    /// Files a ticket; durable when it returns. Works before the first sign-in.
    pub async fn submit_ticket(
        &self,
        account: Option<String>,
        ticket: NewTicket,
    ) -> Result<TicketKey, DeskError> {
        self.call(move |accounts| async move {
            let account = accounts.find_or_make(account.as_deref()).await?;
            let (id, _) = account.submit(ticket).await?;
            Ok(TicketKey { account: account.name.clone(), id: id.to_string() })
        })
        .await
    }

    /// Replies; durable when it returns.
    pub async fn reply(&self, ticket: TicketKey, reply: NewReply) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.reply(id, reply).await }).await
    }

    /// Takes a file in: copied, sealed and durable when it returns, so that a picked URI may expire. It belongs to nothing
    /// yet: name its id in a ticket, reply, draft or [`add_attachment`](Self::add_attachment).
    pub async fn attach(&self, account: Option<String>, source: Source) -> Result<AttachmentView, DeskError> {
        let (source, name) = take(source)?;
        self.call(move |accounts| async move {
            accounts.find_or_make(account.as_deref()).await?.attach(source, name).await
        })
        .await
    }

    /// Lets a file go that [`attach`](Self::attach) took in and nothing names.
    pub async fn detach(&self, account: Option<String>, attachment: String) -> Result<(), DeskError> {
        self.on(account, |account| async move { account.detach(attachment).await }).await
    }

    /// Adds a file to an existing ticket.
    pub async fn add_attachment(&self, ticket: TicketKey, attachment: String) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.add_attachment(id, attachment).await })
            .await
    }

    /// Rates the present solve round; 1 is the worst.
    pub async fn rate(
        &self,
        ticket: TicketKey,
        value: u32,
        comment: Option<String>,
    ) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, move |account, id| async move { account.rate(id, value, comment).await }).await
    }

    /// Says that it is solved.
    pub async fn confirm(&self, ticket: TicketKey) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.request(id, Request::Confirm, None).await })
            .await
    }

    /// Says that it is not solved.
    pub async fn reopen(&self, ticket: TicketKey, text: String) -> Result<OpKey, DeskError> {
        self.on_ticket(
            ticket,
            |account, id| async move { account.request(id, Request::Reopen, Some(text)).await },
        )
        .await
    }

    /// Takes the ticket back.
    pub async fn withdraw(&self, ticket: TicketKey, text: String) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, |account, id| async move {
            account.request(id, Request::Withdraw, Some(text)).await
        })
        .await
    }

    /// Everything shown in it counts as read.
    pub async fn mark_read(&self, ticket: TicketKey) -> Result<(), DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.mark(id, false).await }).await
    }

    /// Its last word of others counts as unread again.
    pub async fn mark_unread(&self, ticket: TicketKey) -> Result<(), DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.mark(id, true).await }).await
    }

    /// Has somebody follow it.
    pub async fn add_participant(&self, ticket: TicketKey, email: String) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.participant(id, email, false).await }).await
    }

    /// Has somebody no longer follow it: by address, id or name as shown.
    pub async fn remove_participant(&self, ticket: TicketKey, who: String) -> Result<OpKey, DeskError> {
        self.on_ticket(ticket, |account, id| async move { account.participant(id, who, true).await }).await
    }

    /// New words in the place of an op, or for what the desk refused (3-sync rule 5).
    pub async fn edit(
        &self,
        account: Option<String>,
        op: String,
        words: NewWords,
    ) -> Result<Mended, DeskError> {
        self.on(account, |account| async move { account.edit(op, words).await }).await
    }

    /// The same words again.
    pub async fn retry(&self, account: Option<String>, op: String) -> Result<Mended, DeskError> {
        self.on(account, |account| async move { account.retry(op).await }).await
    }

    /// Lets an op go. Discarding a ticket that was never taken turns everything with words into drafts.
    pub async fn discard(&self, account: Option<String>, op: String) -> Result<Mended, DeskError> {
        self.on(account, |account| async move { account.discard(op).await }).await
    }

    /// Leaves a file out: of the op where that is still possible; else its bytes are not sent, and others see it as
    /// missing.
    pub async fn remove_file(
        &self,
        account: Option<String>,
        op: String,
        attachment: String,
    ) -> Result<Mended, DeskError> {
        self.on(account, |account| async move { account.remove_file(op, attachment).await }).await
    }

    /// Files a new ticket with the words of an op whose ticket is gone or closed; the op is let go.
    pub async fn file_anew(&self, account: Option<String>, op: String) -> Result<TicketKey, DeskError> {
        self.on(account, |account| async move { account.file_anew(op).await }).await
    }

    /// Where an op is; none when it is settled and forgotten.
    pub async fn delivery(&self, op: OpKey) -> Result<Option<Delivery>, DeskError> {
        self.call(move |accounts| async move {
            let account = accounts.named(&op.account)?;
            account.delivery(OpId(id(&op.op, "op")?), EntityId(id(&op.entity, "op")?)).await
        })
        .await
    }

    /// Keeps words that are not sent yet; durable when it returns. Call it as the person types (≤ 300 ms).
    pub async fn save_draft(&self, account: Option<String>, draft: NewDraft) -> Result<DraftView, DeskError> {
        self.call(move |accounts| async move {
            accounts.find_or_make(account.as_deref()).await?.save_draft(draft).await
        })
        .await
    }

    /// All drafts, the newest first; of one account or of all.
    pub async fn drafts(&self, account: Option<String>) -> Result<Vec<DraftView>, DeskError> {
        self.of_all(account, |account| async move { account.drafts().await }).await
    }

    /// Lets a draft and the files only it names go; or a recording that is in no draft yet.
    pub async fn delete_draft(&self, account: Option<String>, draft: String) -> Result<(), DeskError> {
        self.on(account, |account| async move { account.delete_draft(draft).await }).await
    }

    /// Sends a draft as it is: its ticket is filed, or its reply sent.
    pub async fn send_draft(&self, account: Option<String>, draft: String) -> Result<OpKey, DeskError> {
        self.on(account, |account| async move { account.send_draft(draft).await }).await
    }

    /// A page of the inbox.
    pub async fn tickets(
        &self,
        filter: TicketFilter,
        offset: u32,
        limit: u32,
    ) -> Result<TicketPage, DeskError> {
        self.ask(move |accounts| async move { accounts.tickets(filter, offset, limit).await }).await
    }

    /// One ticket.
    pub async fn ticket(&self, ticket: TicketKey) -> Result<TicketView, DeskError> {
        self.ask(move |accounts| async move {
            accounts.named(&ticket.account)?.ticket(TicketId(id(&ticket.id, "ticket")?)).await
        })
        .await
    }

    /// Finds a ticket by id, by a unique prefix of its id, or by the desk's number.
    pub async fn find_ticket(
        &self,
        account: Option<String>,
        reference: String,
    ) -> Result<TicketKey, DeskError> {
        self.ask(move |accounts| async move { accounts.find_ticket(account.as_deref(), &reference).await })
            .await
    }

    /// What waits to be sent or needs the person; of one account or of all. Settled ops are not in it.
    pub async fn outbox(&self, account: Option<String>) -> Result<Vec<OutboxItem>, DeskError> {
        self.of_all(account, |account| async move { account.outbox().await }).await
    }

    /// Finds words in everything on this phone, word forms of Russian, Ukrainian and English too. `ranked`: best first;
    /// else newest first. At most `limit` hits.
    pub async fn search(
        &self,
        account: Option<String>,
        query: String,
        ranked: bool,
        limit: u32,
    ) -> Result<Vec<SearchHit>, DeskError> {
        let hits = self
            .of_all(account, move |account| {
                let query = query.clone();
                async move { account.search(query, ranked, limit).await }
            })
            .await?;
        Ok(hits.into_iter().take(limit as usize).collect())
    }

    /// Files under way; of one account or of all.
    pub async fn transfers(&self, account: Option<String>) -> Result<Vec<TransferView>, DeskError> {
        self.of_all(account, |account| async move { account.transfers().await }).await
    }

    /// Pages of the inbox as it changes.
    pub fn watch_tickets(&self, filter: TicketFilter, offset: u32, limit: u32) -> Arc<TicketsFeed> {
        let accounts = self.accounts.clone();
        TicketsFeed::new(self.feed(&[Topic::Inbox, Topic::Outbox, Topic::Accounts], move || {
            let (accounts, filter) = (accounts.clone(), filter.clone());
            async move { accounts.tickets(filter, offset, limit).await }
        }))
    }

    /// A ticket as it changes.
    pub fn watch_ticket(&self, ticket: TicketKey) -> Arc<TicketFeed> {
        let accounts = self.accounts.clone();
        TicketFeed::new(self.feed(&[Topic::Tickets, Topic::Files, Topic::Accounts], move || {
            let (accounts, key) = (accounts.clone(), ticket.clone());
            async move { accounts.named(&key.account)?.ticket(TicketId(id(&key.id, "ticket")?)).await }
        }))
    }

    /// All accounts as they change.
    pub fn watch_sync(&self) -> Arc<SyncFeed> {
        let accounts = self.accounts.clone();
        let topics = &[Topic::Accounts, Topic::Sync, Topic::Outbox, Topic::Inbox, Topic::Drafts];
        SyncFeed::new(self.feed(topics, move || {
            let accounts = accounts.clone();
            async move { accounts.views().await }
        }))
    }

    /// The outbox as it changes.
    pub fn watch_outbox(&self, account: Option<String>) -> Arc<OutboxFeed> {
        let accounts = self.accounts.clone();
        OutboxFeed::new(self.feed(&[Topic::Outbox, Topic::Tickets, Topic::Files, Topic::Accounts], move || {
            let (accounts, account) = (accounts.clone(), account.clone());
            async move { gather(&accounts, account, |account| async move { account.outbox().await }).await }
        }))
    }

    /// Files under way as they move.
    pub fn watch_transfers(&self, account: Option<String>) -> Arc<TransfersFeed> {
        let accounts = self.accounts.clone();
        TransfersFeed::new(self.feed(&[Topic::Files], move || {
            let (accounts, account) = (accounts.clone(), account.clone());
            async move { gather(&accounts, account, |account| async move { account.transfers().await }).await }
        }))
    }

    /// Writes a plain copy of a file to `to` (an existing file is replaced when the copy is whole), downloading it first if
    /// its bytes are not on this phone. The core keeps no plain copy of its own; this one is the shell's to delete.
    pub async fn open_attachment(
        &self,
        account: Option<String>,
        attachment: String,
        to: String,
    ) -> Result<AttachmentView, DeskError> {
        self.on(account, |account| async move {
            account.open_attachment(AttachmentId(id(&attachment, "attachment")?), to.into()).await
        })
        .await
    }

    /// Some bytes of a file that is on this phone, at most 1 MiB from `offset`; empty at the end.
    pub async fn read_attachment(
        &self,
        account: Option<String>,
        attachment: String,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, DeskError> {
        self.on(account, move |account| async move {
            account.read_attachment(AttachmentId(id(&attachment, "attachment")?), offset, length).await
        })
        .await
    }

    /// Stops one upload; others see the file as pending, later as missing.
    pub async fn stop_upload(&self, account: Option<String>, attachment: String) -> Result<(), DeskError> {
        self.on(account, |account| async move { account.set_upload_stopped(attachment, true).await }).await
    }

    /// Goes on with an upload that was stopped.
    pub async fn resume_upload(&self, account: Option<String>, attachment: String) -> Result<(), DeskError> {
        self.on(account, |account| async move { account.set_upload_stopped(attachment, false).await }).await
    }

    /// Whether files wait for a network where bytes cost nothing. Text never waits.
    pub async fn set_files_wait_for_wifi(
        &self,
        account: Option<String>,
        wait: bool,
    ) -> Result<(), DeskError> {
        self.on(account, move |account| async move { account.set_files_wait_for_wifi(wait).await }).await
    }

    /// Syncs until nothing more can be done now, at most `within_ms`; of one account or of all. Work goes on after that.
    pub async fn sync_now(&self, account: Option<String>, within_ms: u64) -> Result<SyncReport, DeskError> {
        self.call(move |accounts| async move {
            accounts.sync_now(account.as_deref(), Duration::from_millis(within_ms)).await
        })
        .await
    }

    /// What the platform knows and the core cannot.
    pub fn signal(&self, signal: Signal) {
        self.accounts.signal(signal);
    }

    /// Flight mode on or off. Requests under way are given up when it goes on.
    pub fn set_offline(&self, offline: bool) {
        self.accounts.set_offline(offline);
    }

    /// Writes everything of the person's to a new folder `dir`: `tickets.jsonl`, `drafts.jsonl`, `outbox.jsonl` and
    /// `files/`. Works for an account that can only be read, too.
    pub async fn export(&self, account: String, dir: String) -> Result<ExportReport, DeskError> {
        self.on(Some(account), |account| async move { account.export(dir.into()).await }).await
    }

    /// States, versions, counts and the last errors of every account, for the person to look at and to send to whoever
    /// helps them: no word of theirs is in it, no name, no address and no token.
    pub async fn report(&self) -> Result<DiagnosticReport, DeskError> {
        self.call(|accounts| async move { accounts.report().await }).await
    }

    /// Returns when no database is locked by this process, for iOS before it is suspended. Any call, or
    /// [`Signal::Foreground`], wakes it.
    pub async fn suspend(&self) {
        let accounts = self.accounts.clone();
        self.run(async move { accounts.suspend().await }).await;
    }

    /// Ends everything: feeds answer none, calls [`DeskError::Closed`]. Returns when the files are closed.
    pub async fn shut_down(&self) {
        let accounts = self.accounts.clone();
        self.run(async move { accounts.shut_down().await }).await;
    }
}

impl Drop for Pocketdesk {
    /// What was begun and is not durable yet is given up, as by a kill; [`Pocketdesk::shut_down`] waits for it.
    fn drop(&mut self) {
        self.accounts.let_go();
        if let Some(runtime) = self.runtime.take() {
            // Never blocks: a shell may drop it on its main thread, or inside a runtime of its own.
            runtime.shutdown_background();
        }
    }
}
