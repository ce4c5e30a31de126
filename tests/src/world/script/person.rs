//! What people do on their phones.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use pocketdesk_core::{Error, attachments::staging::Source, engine::account::Account};
use pocketdesk_domain::{
    model::{NewDraft, NewReply, NewTicket, NewWords},
    outbox::new_op::Request,
};
use pocketdesk_protocol::ids::{AttachmentId, EntityId, OpId, TicketId};

use super::parsed;
use crate::world::{
    World,
    trace::note,
    truth::{What, Word},
};

/// Files that people attach, made once a process: the phone copies them in, so they are never changed.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for files to attach");
        for which in 0..SIZES.len() {
            std::fs::write(folder.path().join(format!("{which}.png")), photo(which))
                .expect("a file to attach");
        }
        folder
    });
    folder.path()
}

/// Bytes of each.
const SIZES: [usize; 3] = [0, 900, 70_000];

fn photo(which: usize) -> Vec<u8> {
    (0..SIZES[which]).map(|at| (at * 31 % 251) as u8).collect()
}

/// A file that somebody attached.
#[derive(Debug, Clone, Copy)]
pub struct Attached {
    /// On which phone.
    pub phone: usize,
    /// Its id.
    pub id: AttachmentId,
    which: usize,
}

impl World {
    pub(super) fn some_ticket(&mut self, phone: usize) -> Option<TicketId> {
        let all = self.truth.tickets_of(self.phones[phone].email);
        // Mostly the newest: conversations are where lanes grow long.
        let at = if self.chance.u32(..3) > 0 {
            all.len().checked_sub(1)?
        } else {
            self.chance.usize(..all.len().max(1))
        };
        all.get(at).copied()
    }

    async fn on_ticket<F: Future<Output = pocketdesk_core::Result<()>> + Send + 'static>(
        &mut self,
        phone: usize,
        tap: impl FnOnce(Arc<Account>, TicketId) -> F + Send + 'static,
    ) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let done = self.phones[phone].call(move |account| tap(account, ticket)).await;
        match done {
            Some(Ok(())) => {}
            Some(Err(error)) => note!(self.trace, "p{phone} may not: {error}"),
            None => note!(self.trace, "p{phone} does not answer"),
        }
    }

    fn promised(
        &mut self,
        phone: usize,
        mark: String,
        what: What,
        ticket: Option<TicketId>,
        op: Option<OpId>,
        entity: EntityId,
    ) {
        note!(self.trace, "p{phone} has {mark} ({what:?})");
        let email = self.phones[phone].email;
        self.truth.words.push(Word {
            mark,
            phone,
            email,
            what,
            ticket,
            op,
            entity,
            excused: false,
            kept: true,
        });
    }

    pub(super) async fn file(&mut self, phone: usize) {
        let mark = self.truth.mark(self.phones[phone].email);
        let new = NewTicket {
            subject: "The till".into(),
            description: format!("{mark} does not print"),
            ..NewTicket::default()
        };
        let done = self.phones[phone].call(move |account| async move { account.submit(new).await }).await;
        match done {
            Some(Ok((ticket, key))) => {
                let (op, entity) = (parsed(&key.op), EntityId(ticket.0));
                self.promised(phone, mark, What::Ticket, Some(ticket), op.map(OpId), entity);
            }
            Some(Err(error)) => self.refused(phone, &error),
            None => {}
        }
    }

    fn refused(&mut self, phone: usize, error: &Error) {
        note!(self.trace, "p{phone} refuses: {error}");
    }

    pub(super) async fn reply(&mut self, phone: usize, file: Option<usize>) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let mark = self.truth.mark(self.phones[phone].email);
        let text = format!("{mark} still does not");
        let done = self.phones[phone]
            .call(move |account| async move {
                let mut new = NewReply { text, ..NewReply::default() };
                let mut attached = None;
                if let Some(which) = file {
                    let file =
                        account.attach(Source::Path(folder().join(format!("{which}.png"))), None).await?;
                    attached = parsed(&file.id);
                    new.attachments.push(file.id);
                }
                Ok((account.reply(ticket, new).await?, attached))
            })
            .await;
        match done {
            Some(Ok((key, attached))) => {
                if let (Some(op), Some(entity)) = (parsed(&key.op), parsed(&key.entity)) {
                    self.promised(phone, mark, What::Comment, Some(ticket), Some(OpId(op)), EntityId(entity));
                }
                let file = attached.zip(file);
                self.files.extend(file.map(|(id, which)| Attached { phone, id: AttachmentId(id), which }));
            }
            Some(Err(error)) => self.refused(phone, &error),
            None => {}
        }
    }

    pub(super) async fn keep_draft(&mut self, phone: usize) {
        let ticket = self.some_ticket(phone);
        let mark = self.truth.mark(self.phones[phone].email);
        let new = NewDraft {
            ticket: ticket.map(|ticket| ticket.to_string()),
            subject: "Later".into(),
            text: format!("{mark} not sent yet"),
            ..NewDraft::default()
        };
        let done = self.phones[phone].call(move |account| async move { account.save_draft(new).await }).await;
        match done {
            Some(Ok(draft)) => {
                if let Some(id) = parsed(&draft.id) {
                    self.promised(phone, mark, What::Draft, ticket, None, EntityId(id));
                }
            }
            Some(Err(error)) => self.refused(phone, &error),
            None => {}
        }
    }

    pub(super) async fn send_draft(&mut self, phone: usize) {
        let of = self
            .truth
            .words
            .iter()
            .find(|word| word.phone == phone && word.what == What::Draft)
            .map(|word| word.entity);
        let Some(of) = of else { return };
        let done = self.phones[phone]
            .call(move |account| async move { account.send_draft(of.to_string()).await })
            .await;
        if let Some(Ok(key)) = done {
            note!(self.trace, "p{phone} sends its draft");
            let Some(at) = self.truth.words.iter().position(|word| word.entity == of) else { return };
            // From now on it stands behind what was written before.
            let mut word = self.truth.words.remove(at);
            word.what = if word.ticket.is_some() { What::Comment } else { What::Ticket };
            word.ticket = word.ticket.or(Some(TicketId(of.0)));
            word.op = parsed(&key.op).map(OpId);
            word.entity = parsed(&key.entity).map_or(of, EntityId);
            self.truth.words.push(word);
        }
    }

    pub(super) async fn ask(&mut self, phone: usize, which: u8) {
        let request = [Request::Confirm, Request::Reopen, Request::Withdraw][usize::from(which)];
        self.on_ticket(phone, move |account, ticket| async move {
            account.request(ticket, request, None).await.map(drop)
        })
        .await;
    }

    fn some_word(&mut self, phone: usize) -> Option<Word> {
        let own: Vec<Word> = self
            .truth
            .words
            .iter()
            .filter(|word| word.phone == phone && word.op.is_some())
            .cloned()
            .collect();
        let at = own.len().saturating_sub(1 + self.chance.usize(..4));
        own.get(at).cloned()
    }

    pub(super) async fn edit(&mut self, phone: usize) {
        let Some(word) = self.some_word(phone) else { return };
        let Some(op) = word.op else { return };
        let words = NewWords { text: Some(format!("{} in other words", word.mark)), ..NewWords::default() };
        let done = self.phones[phone]
            .call(move |account| async move { account.edit(op.to_string(), words).await })
            .await;
        note!(self.trace, "p{phone} edits {}: {:?}", word.mark, done.map(|done| done.is_ok()));
    }

    pub(super) async fn discard(&mut self, phone: usize) {
        let Some(word) = self.some_word(phone) else { return };
        let Some(op) = word.op else { return };
        // Whatever comes of it, the person no longer counts on these words.
        if word.what == What::Ticket {
            self.truth.excuse_ticket(TicketId(word.entity.0));
        }
        self.truth.excuse(word.entity);
        let done = self.phones[phone]
            .call(move |account| async move { account.discard(op.to_string()).await })
            .await;
        note!(self.trace, "p{phone} lets {} go: {:?}", word.mark, done.map(|done| done.is_ok()));
    }

    pub(super) async fn rate(&mut self, phone: usize) {
        let value = self.chance.u32(1..=5);
        self.on_ticket(phone, move |account, ticket| async move {
            account.rate(ticket, value, None).await.map(drop)
        })
        .await;
    }

    pub(super) async fn read(&mut self, phone: usize) {
        self.on_ticket(phone, |account, ticket| async move {
            account.ticket(ticket).await?;
            account.mark(ticket, false).await
        })
        .await;
    }

    /// Fetches a file of this person's, by itself: it may take longer than what happens next.
    pub async fn download(&mut self, phone: usize) {
        let email = self.phones[phone].email;
        let own: Vec<Attached> =
            self.files.iter().filter(|file| self.phones[file.phone].email == email).copied().collect();
        let Some(file) = own.last().copied() else { return };
        let (Some(life), Some(accounts)) = (self.phones[phone].life(), self.phones[phone].accounts()) else {
            return;
        };
        let (panics, trace) = (self.panics.clone(), self.trace.clone());
        // Lives of one seed run side by side, and draw the same.
        static COPIES: AtomicU64 = AtomicU64::new(0);
        let (drawn, copy) = (self.chance.u128(..), COPIES.fetch_add(1, Ordering::Relaxed));
        let to: PathBuf = folder().join(format!("{drawn:x}-{copy}.copy"));
        life.spawn(Box::pin(async move {
            let Ok(account) = accounts.find(None).await else { return };
            let fetched = account.open_attachment(file.id, to.clone()).await;
            note!(trace, "p{phone} fetches {}: {:?}", file.id, fetched.as_ref().map(|view| view.size).ok());
            if fetched.is_ok() {
                let right = std::fs::read(&to).is_ok_and(|bytes| bytes == photo(file.which));
                if !right {
                    let problem = format!("1: p{phone} fetched other bytes than those of {}", file.id);
                    panics.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
                }
            }
            drop(std::fs::remove_file(&to));
        }));
    }

    /// Whatever comes of it, this phone's delivered words are no longer kept here for a server that is restored.
    pub(super) async fn sign_out(&mut self, phone: usize, force: bool) {
        let (Some(life), Some(accounts)) = (self.phones[phone].life(), self.phones[phone].accounts()) else {
            return;
        };
        let out = life.call(async move {
            let account = accounts.find(None).await?;
            accounts.sign_out(&account.name, force).await
        });
        let out = out.await;
        note!(self.trace, "p{phone} signs out: {:?}", out.as_ref().map(Result::is_ok));
        if !matches!(out, Some(Err(Error::WouldLeaveWords(_) | Error::NotFound { .. } | Error::SignedOut))) {
            self.phones[phone].may_be_out = true;
            self.truth.left(phone);
            self.seen[phone].forget();
            self.net.wire.power_lost(phone);
        }
    }

    /// With the code from the mailbox.
    pub async fn sign_in_again(&mut self, phone: usize) {
        if self.phones[phone].is_signed_in().await != Some(false) {
            return;
        }
        if !(self.phones[phone].may_be_out || self.desk.restores > 0) {
            self.problem(format!("10: p{phone} was signed out, and nobody did that"));
        }
        let done = self.phones[phone].sign_in(self.desk.mailbox.clone(), 2).await;
        note!(self.trace, "p{phone} signs in: {done}");
        if done {
            self.phones[phone].may_be_out = false;
        }
    }

    /// A reply from a process of its own, which dies after it, or at that poll.
    pub async fn write_aside(&mut self, phone: usize, die_at: u64) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let mark = self.truth.mark(self.phones[phone].email);
        let new = NewReply { text: format!("{mark} said aside"), ..NewReply::default() };
        let done =
            self.phones[phone].aside(die_at, move |account| async move { account.reply(ticket, new).await });
        match done.await {
            Some(Ok(key)) => {
                if let (Some(op), Some(entity)) = (parsed(&key.op), parsed(&key.entity)) {
                    self.promised(phone, mark, What::Comment, Some(ticket), Some(OpId(op)), EntityId(entity));
                }
            }
            Some(Err(error)) => self.refused(phone, &error),
            None => note!(self.trace, "p{phone}: the other process died"),
        }
    }
}
