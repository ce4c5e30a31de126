//! The facade: everything a shell can ask of the core.

use std::sync::Arc;

use pocketdesk_domain::model::{
    AccountView, AttachmentView, Delivery, DeviceView, DraftView, ExportReport, Mended, NewDraft, NewReply,
    NewTicket, NewWords, OpKey, OutboxItem, SearchHit, Signal, SyncReport, TicketFilter, TicketKey,
    TicketPage, TicketView, TransferView, Unsent,
};

use crate::{
    Config, DeskError, OpenError, OutboxFeed, Platform, SignInError, SignInStarted, Source, SyncFeed,
    TicketFeed, TicketsFeed, TransfersFeed, Unbound,
};

/// All accounts of one folder. Open it once a process; a second process may open the same folder, write, and read,
/// while the first one syncs.
///
/// Wherever `account` is optional, none means the only account of the folder, or the unbound one before the first
/// sign-in; with several accounts it has to be named (its name, or a unique part of its person's address or name, or
/// its server's).
#[derive(uniffi::Object)]
pub struct Pocketdesk {}

#[uniffi::export]
impl Pocketdesk {
    /// Opens the folder, making it if need be.
    #[uniffi::constructor]
    pub async fn open(config: Config, platform: Platform) -> Result<Arc<Self>, OpenError> {
        let _ = (config, platform);
        unimplemented!("facade")
    }

    /// Every account of the folder; the unbound one, while there is no other or it holds words.
    pub async fn accounts(&self) -> Result<Vec<AccountView>, DeskError> {
        unimplemented!("facade")
    }

    /// Asks the desk to mail a code. The answer is the same for addresses it does not know. What the code needs is kept
    /// in the secrets, so that another process may finish.
    pub async fn start_sign_in(
        &self,
        server_url: String,
        email: String,
    ) -> Result<SignInStarted, SignInError> {
        let _ = (server_url, email);
        unimplemented!("facade")
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
        let _ = (server_url, email, code, unbound);
        unimplemented!("facade")
    }

    /// What is not with the desk yet.
    pub async fn unsent(&self, account: String) -> Result<Unsent, DeskError> {
        let _ = (account,);
        unimplemented!("facade")
    }

    /// Signs out: ends the session at the desk when it can be reached, and forgets what came from there. With something
    /// unsent: refused with [`DeskError::WouldLeaveWords`] unless `force`; forced, the unsent words wait, sealed, for the
    /// same person's next sign-in.
    pub async fn sign_out(&self, account: String, force: bool) -> Result<Unsent, DeskError> {
        let _ = (account, force);
        unimplemented!("facade")
    }

    /// The person's sessions at the desk.
    pub async fn devices(&self, account: String) -> Result<Vec<DeviceView>, DeskError> {
        let _ = (account,);
        unimplemented!("facade")
    }

    /// Ends one of the person's sessions.
    pub async fn end_device(&self, account: String, session: String) -> Result<(), DeskError> {
        let _ = (account, session);
        unimplemented!("facade")
    }

    /// Files a ticket; durable when it returns. Works before the first sign-in.
    pub async fn submit_ticket(
        &self,
        account: Option<String>,
        ticket: NewTicket,
    ) -> Result<TicketKey, DeskError> {
        let _ = (account, ticket);
        unimplemented!("facade")
    }

    /// Replies; durable when it returns.
    pub async fn reply(&self, ticket: TicketKey, reply: NewReply) -> Result<OpKey, DeskError> {
        let _ = (ticket, reply);
        unimplemented!("facade")
    }

    /// Takes a file in: copied, sealed and durable when it returns, so that a picked URI may expire. It belongs to nothing
    /// yet: name its id in a ticket, reply, draft or [`add_attachment`](Self::add_attachment).
    pub async fn attach(&self, account: Option<String>, source: Source) -> Result<AttachmentView, DeskError> {
        let _ = (account, source);
        unimplemented!("facade")
    }

    /// Lets a file go that [`attach`](Self::attach) took in and nothing names.
    pub async fn detach(&self, account: Option<String>, attachment: String) -> Result<(), DeskError> {
        let _ = (account, attachment);
        unimplemented!("facade")
    }

    /// Adds a file to an existing ticket.
    pub async fn add_attachment(&self, ticket: TicketKey, attachment: String) -> Result<OpKey, DeskError> {
        let _ = (ticket, attachment);
        unimplemented!("facade")
    }

    /// Rates the present solve round; 1 is the worst.
    pub async fn rate(
        &self,
        ticket: TicketKey,
        value: u32,
        comment: Option<String>,
    ) -> Result<OpKey, DeskError> {
        let _ = (ticket, value, comment);
        unimplemented!("facade")
    }

    /// Says that it is solved.
    pub async fn confirm(&self, ticket: TicketKey) -> Result<OpKey, DeskError> {
        let _ = (ticket,);
        unimplemented!("facade")
    }

    /// Says that it is not solved.
    pub async fn reopen(&self, ticket: TicketKey, text: String) -> Result<OpKey, DeskError> {
        let _ = (ticket, text);
        unimplemented!("facade")
    }

    /// Takes the ticket back.
    pub async fn withdraw(&self, ticket: TicketKey, text: String) -> Result<OpKey, DeskError> {
        let _ = (ticket, text);
        unimplemented!("facade")
    }

    /// Everything shown in it counts as read.
    pub async fn mark_read(&self, ticket: TicketKey) -> Result<(), DeskError> {
        let _ = (ticket,);
        unimplemented!("facade")
    }

    /// Its last word of others counts as unread again.
    pub async fn mark_unread(&self, ticket: TicketKey) -> Result<(), DeskError> {
        let _ = (ticket,);
        unimplemented!("facade")
    }

    /// Has somebody follow it.
    pub async fn add_participant(&self, ticket: TicketKey, email: String) -> Result<OpKey, DeskError> {
        let _ = (ticket, email);
        unimplemented!("facade")
    }

    /// Has somebody no longer follow it: by address, id or name as shown.
    pub async fn remove_participant(&self, ticket: TicketKey, who: String) -> Result<OpKey, DeskError> {
        let _ = (ticket, who);
        unimplemented!("facade")
    }

    /// New words in the place of an op, or for what the desk refused (3-sync rule 5).
    pub async fn edit(
        &self,
        account: Option<String>,
        op: String,
        words: NewWords,
    ) -> Result<Mended, DeskError> {
        let _ = (account, op, words);
        unimplemented!("facade")
    }

    /// The same words again.
    pub async fn retry(&self, account: Option<String>, op: String) -> Result<Mended, DeskError> {
        let _ = (account, op);
        unimplemented!("facade")
    }

    /// Lets an op go. Discarding a ticket that was never taken turns everything with words into drafts.
    pub async fn discard(&self, account: Option<String>, op: String) -> Result<Mended, DeskError> {
        let _ = (account, op);
        unimplemented!("facade")
    }

    /// Files a new ticket with the words of an op whose ticket is gone or closed; the op is let go.
    pub async fn file_anew(&self, account: Option<String>, op: String) -> Result<TicketKey, DeskError> {
        let _ = (account, op);
        unimplemented!("facade")
    }

    /// Where an op is; none when it is settled and forgotten.
    pub async fn delivery(&self, op: OpKey) -> Result<Option<Delivery>, DeskError> {
        let _ = (op,);
        unimplemented!("facade")
    }

    /// Keeps words that are not sent yet; durable when it returns. Call it as the person types (≤ 300 ms).
    pub async fn save_draft(&self, account: Option<String>, draft: NewDraft) -> Result<DraftView, DeskError> {
        let _ = (account, draft);
        unimplemented!("facade")
    }

    /// All drafts, the newest first; of one account or of all.
    pub async fn drafts(&self, account: Option<String>) -> Result<Vec<DraftView>, DeskError> {
        let _ = (account,);
        unimplemented!("facade")
    }

    /// Lets a draft and the files only it names go.
    pub async fn delete_draft(&self, account: Option<String>, draft: String) -> Result<(), DeskError> {
        let _ = (account, draft);
        unimplemented!("facade")
    }

    /// Sends a draft as it is: its ticket is filed, or its reply sent.
    pub async fn send_draft(&self, account: Option<String>, draft: String) -> Result<OpKey, DeskError> {
        let _ = (account, draft);
        unimplemented!("facade")
    }

    /// A page of the inbox.
    pub async fn tickets(
        &self,
        filter: TicketFilter,
        offset: u32,
        limit: u32,
    ) -> Result<TicketPage, DeskError> {
        let _ = (filter, offset, limit);
        unimplemented!("facade")
    }

    /// One ticket.
    pub async fn ticket(&self, ticket: TicketKey) -> Result<TicketView, DeskError> {
        let _ = (ticket,);
        unimplemented!("facade")
    }

    /// Finds a ticket by id, by a unique prefix of its id, or by the desk's number.
    pub async fn find_ticket(
        &self,
        account: Option<String>,
        reference: String,
    ) -> Result<TicketKey, DeskError> {
        let _ = (account, reference);
        unimplemented!("facade")
    }

    /// What waits to be sent or needs the person; of one account or of all. Settled ops are not in it.
    pub async fn outbox(&self, account: Option<String>) -> Result<Vec<OutboxItem>, DeskError> {
        let _ = (account,);
        unimplemented!("facade")
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
        let _ = (account, query, ranked, limit);
        unimplemented!("facade")
    }

    /// Files under way; of one account or of all.
    pub async fn transfers(&self, account: Option<String>) -> Result<Vec<TransferView>, DeskError> {
        let _ = (account,);
        unimplemented!("facade")
    }

    /// Pages of the inbox as it changes.
    pub fn watch_tickets(&self, filter: TicketFilter, offset: u32, limit: u32) -> Arc<TicketsFeed> {
        let _ = (filter, offset, limit);
        unimplemented!("facade")
    }

    /// A ticket as it changes.
    pub fn watch_ticket(&self, ticket: TicketKey) -> Arc<TicketFeed> {
        let _ = (ticket,);
        unimplemented!("facade")
    }

    /// All accounts as they change.
    pub fn watch_sync(&self) -> Arc<SyncFeed> {
        unimplemented!("facade")
    }

    /// The outbox as it changes.
    pub fn watch_outbox(&self, account: Option<String>) -> Arc<OutboxFeed> {
        let _ = (account,);
        unimplemented!("facade")
    }

    /// Files under way as they move.
    pub fn watch_transfers(&self, account: Option<String>) -> Arc<TransfersFeed> {
        let _ = (account,);
        unimplemented!("facade")
    }

    /// Writes a plain copy of a file to `to` (an existing file is replaced when the copy is whole), downloading it first if
    /// its bytes are not on this phone. The core keeps no plain copy of its own; this one is the shell's to delete.
    pub async fn open_attachment(
        &self,
        account: Option<String>,
        attachment: String,
        to: String,
    ) -> Result<AttachmentView, DeskError> {
        let _ = (account, attachment, to);
        unimplemented!("facade")
    }

    /// Some bytes of a file that is on this phone, at most 1 MiB from `offset`; empty at the end.
    pub async fn read_attachment(
        &self,
        account: Option<String>,
        attachment: String,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, DeskError> {
        let _ = (account, attachment, offset, length);
        unimplemented!("facade")
    }

    /// Stops one upload; others see the file as pending, later as missing.
    pub async fn stop_upload(&self, account: Option<String>, attachment: String) -> Result<(), DeskError> {
        let _ = (account, attachment);
        unimplemented!("facade")
    }

    /// Goes on with an upload that was stopped.
    pub async fn resume_upload(&self, account: Option<String>, attachment: String) -> Result<(), DeskError> {
        let _ = (account, attachment);
        unimplemented!("facade")
    }

    /// Whether files wait for a network where bytes cost nothing. Text never waits.
    pub async fn set_files_wait_for_wifi(
        &self,
        account: Option<String>,
        wait: bool,
    ) -> Result<(), DeskError> {
        let _ = (account, wait);
        unimplemented!("facade")
    }

    /// Syncs until nothing more can be done now, at most `within_ms`; of one account or of all. Work goes on after that.
    pub async fn sync_now(&self, account: Option<String>, within_ms: u64) -> Result<SyncReport, DeskError> {
        let _ = (account, within_ms);
        unimplemented!("facade")
    }

    /// What the platform knows and the core cannot.
    pub fn signal(&self, signal: Signal) {
        let _ = (signal,);
        unimplemented!("facade")
    }

    /// Flight mode on or off. Requests under way are given up when it goes on.
    pub fn set_offline(&self, offline: bool) {
        let _ = (offline,);
        unimplemented!("facade")
    }

    /// Writes everything of the person's to a new folder `dir`: `tickets.jsonl`, `drafts.jsonl`, `outbox.jsonl` and
    /// `files/`. Works for an account that can only be read, too.
    pub async fn export(&self, account: String, dir: String) -> Result<ExportReport, DeskError> {
        let _ = (account, dir);
        unimplemented!("facade")
    }

    /// Returns when no database is locked by this process, for iOS before it is suspended. Any call, or
    /// [`Signal::Foreground`], wakes it.
    pub async fn suspend(&self) {
        unimplemented!("facade")
    }

    /// Ends everything: feeds answer none, calls [`DeskError::Closed`]. Returns when the files are closed.
    pub async fn shut_down(&self) {
        unimplemented!("facade")
    }
}
