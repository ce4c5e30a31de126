//! What happens: people write, staff answer, processes die, disks fill up, clocks jump, servers are restored. The whole
//! day is drawn before it begins, from a stream of its own.

use std::{path::PathBuf, sync::OnceLock, time::Duration};

use fastrand::Rng;
use pocketdesk_core::attachments::staging::Source;
use pocketdesk_domain::{
    model::{NewDraft, NewReply, NewTicket, NewWords, Signal},
    outbox::new_op::Request,
};
use pocketdesk_protocol::{
    ids::{CommentId, EntityId, OpId, TicketId},
    rows::Status,
};
use pocketdesk_server::{people, staff, store::Mode};

use super::{
    World,
    trace::note,
    truth::{What, Word},
};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A new ticket.
    File,
    /// A reply.
    Reply,
    /// Several replies at once, as somebody types them in a dead spot.
    Burst(u32),
    /// A reply with a file.
    ReplyWithFile,
    /// A draft is kept.
    KeepDraft,
    /// The oldest draft is sent.
    SendDraft,
    /// "Solved", "not solved", "no longer needed".
    Ask(u8),
    /// A mark for the solved ticket.
    Rate,
    /// Everything shown counts as read.
    Read,
    /// New words for something written.
    Edit,
    /// Something written is let go.
    Discard,
    /// Staff reply.
    StaffReply,
    /// Staff set a status.
    StaffStatus(u8),
    /// Staff delete a comment; or erase it.
    StaffRemove(bool),
    /// Staff have a colleague follow a ticket.
    StaffFollow,
    /// The app is killed.
    Kill,
    /// The phone loses power.
    LosePower,
    /// The app dies so many polls from now.
    DieAtPoll(u64),
    /// The phone stops at a change of its disk so far from now.
    StopAtChange(u64),
    /// The clock is set.
    Jump(i64),
    /// A dead spot, for so many seconds.
    DeadSpot(u64),
    /// The platform says there is no network, and a moment later that there is.
    Flap,
    /// The app goes to the background and comes back.
    Hide,
    /// The disk is full for a while.
    DiskFull,
    /// So many changes of the disk fail.
    DiskFails(u64),
    /// The cache is deleted behind the app's back.
    LoseCache,
    /// The server is killed and starts again; with power loss or without.
    ServerDies(bool),
    /// A backup is made.
    BackUp,
    /// The server is restored from it.
    Restore,
}

impl Act {
    fn draw(rng: &mut Rng) -> Self {
        match rng.u32(..100) {
            0..12 => Self::File,
            12..28 => Self::Reply,
            28..38 => Self::Burst(rng.u32(3..9)),
            38..41 => Self::ReplyWithFile,
            41..44 => Self::KeepDraft,
            44..47 => Self::SendDraft,
            47..51 => Self::Ask(rng.u8(..3)),
            51..53 => Self::Rate,
            53..55 => Self::Read,
            55..57 => Self::Edit,
            57..58 => Self::Discard,
            58..63 => Self::StaffReply,
            63..67 => Self::StaffStatus(rng.u8(..4)),
            67..69 => Self::StaffRemove(rng.bool()),
            69..70 => Self::StaffFollow,
            70..73 => Self::Kill,
            73..76 => Self::LosePower,
            76..79 => Self::DieAtPoll(rng.u64(1..400)),
            79..83 => Self::StopAtChange(rng.u64(1..60)),
            83..85 => Self::Jump([-86_400_000, -3_600_000, 3_600_000, 40 * 86_400_000][rng.usize(..4)]),
            85..90 => Self::DeadSpot(rng.u64(2..20)),
            90..91 => Self::Flap,
            91..92 => Self::Hide,
            92..93 => Self::DiskFull,
            93..94 => Self::DiskFails(rng.u64(1..6)),
            94..95 => Self::LoseCache,
            95..97 => Self::ServerDies(rng.bool()),
            97..99 => Self::BackUp,
            _ => Self::Restore,
        }
    }
}

/// A day: what happens when (ms from the start) on which phone.
pub fn day(rng: &mut Rng, phones: usize, acts: usize, seconds: u64) -> Vec<(u64, usize, Act)> {
    let mut day: Vec<_> =
        (0..acts).map(|_| (rng.u64(..seconds * 1_000), rng.usize(..phones), Act::draw(rng))).collect();
    // Nothing to reply to without a ticket.
    day.extend((0..phones).map(|phone| (rng.u64(..2_000), phone, Act::File)));
    day.sort_by_key(|(at, phone, _)| (*at, *phone));
    day
}

/// Files that people attach, made once a process: the phone copies them in, so they are never changed.
fn photo(which: usize) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for files to attach");
        for (n, bytes) in [0_usize, 900, 70_000].into_iter().enumerate() {
            let content: Vec<u8> = (0..bytes).map(|at| (at * 31 % 251) as u8).collect();
            std::fs::write(folder.path().join(format!("{n}.png")), content).expect("a file to attach");
        }
        folder
    });
    folder.path().join(format!("{which}.png"))
}

impl World {
    /// One thing happens.
    pub async fn act(&mut self, phone: usize, act: Act) {
        note!(self.trace, "p{phone} {act:?}");
        match act {
            Act::File => self.file(phone).await,
            Act::Reply => self.reply(phone, None).await,
            Act::Burst(count) => {
                for _ in 0..count {
                    self.reply(phone, None).await;
                }
            }
            Act::ReplyWithFile => {
                let which = self.chance.usize(..3);
                self.reply(phone, Some(which)).await;
            }
            Act::KeepDraft => self.keep_draft(phone).await,
            Act::SendDraft => self.send_draft(phone).await,
            Act::Ask(which) => self.ask(phone, which).await,
            Act::Rate => {
                let value = self.chance.u32(1..=5);
                self.on_ticket(phone, move |account, ticket| async move {
                    account.rate(ticket, value, None).await.map(drop)
                })
                .await;
            }
            Act::Read => {
                self.on_ticket(phone, |account, ticket| async move { account.mark(ticket, false).await })
                    .await;
            }
            Act::Edit => self.edit(phone).await,
            Act::Discard => self.discard(phone).await,
            Act::StaffReply => self.staff_reply(phone).await,
            Act::StaffStatus(which) => self.staff_status(phone, which).await,
            Act::StaffRemove(erase) => self.staff_remove(phone, erase).await,
            Act::StaffFollow => self.staff_follow(phone).await,
            Act::Kill => self.phones[phone].kill(None),
            Act::LosePower => self.lose_power(phone),
            Act::DieAtPoll(polls) => {
                if let Some(life) = self.phones[phone].life() {
                    life.die_at(life.polls() + polls);
                }
            }
            Act::StopAtChange(changes) => {
                let mut disk = self.phones[phone].disk().lock();
                disk.stop_at = disk.changes + changes;
            }
            Act::Jump(by) => {
                self.phones[phone].clock.jump(by);
                self.signal(phone, Signal::ClockChanged);
            }
            Act::DeadSpot(seconds) => {
                self.net.set_dead_spot(phone, true);
                let until = self.now() + seconds * 1_000;
                self.dead_spots.push((until, phone));
            }
            Act::Flap => {
                self.signal(phone, Signal::Offline);
                self.step(1_500).await;
                self.signal(phone, Signal::Online { network: "wifi".into(), metered: false });
            }
            Act::Hide => {
                self.signal(phone, Signal::Background);
                self.step(4_000).await;
                self.signal(phone, Signal::Foreground);
            }
            Act::DiskFull => {
                let room = self.chance.usize(..30_000);
                let mut disk = self.phones[phone].disk().lock();
                disk.capacity = Some(disk.size() + room);
                drop(disk);
                self.full_until.push((self.now() + 12_000, phone));
            }
            Act::DiskFails(count) => {
                let after = self.chance.u64(1..40);
                let mut disk = self.phones[phone].disk().lock();
                disk.failing = disk.changes + after..disk.changes + after + count;
            }
            Act::LoseCache => self.phones[phone].lose_cache(),
            Act::ServerDies(power) => {
                self.desk.kill(power.then_some(&mut self.fate));
                self.step(2_000).await;
                self.desk.boot().await;
            }
            Act::BackUp => self.desk.back_up().await,
            Act::Restore => {
                if self.desk.has_backup() {
                    self.desk.restore().await;
                }
            }
        }
    }

    fn signal(&self, phone: usize, signal: Signal) {
        if let Some(accounts) = self.phones[phone].accounts() {
            accounts.signal(signal);
        }
    }

    /// The network is there and somebody looks.
    pub fn wake(&self, phone: usize) {
        self.signal(phone, Signal::Online { network: "wifi".into(), metered: false });
        self.signal(phone, Signal::Foreground);
    }

    /// Virtual ms since the seed began.
    pub fn now(&self) -> u64 {
        self.desk.clock.elapsed()
    }

    /// Time passes.
    pub async fn step(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn some_ticket(&mut self, phone: usize) -> Option<TicketId> {
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
        tap: impl FnOnce(std::sync::Arc<pocketdesk_core::engine::account::Account>, TicketId) -> F
        + Send
        + 'static,
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
        self.truth.words.push(Word { mark, phone, email, what, ticket, op, entity, excused: false });
    }

    async fn file(&mut self, phone: usize) {
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

    fn refused(&mut self, phone: usize, error: &pocketdesk_core::Error) {
        note!(self.trace, "p{phone} refuses: {error}");
    }

    async fn reply(&mut self, phone: usize, file: Option<usize>) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let mark = self.truth.mark(self.phones[phone].email);
        let text = format!("{mark} still does not");
        let done = self.phones[phone]
            .call(move |account| async move {
                let mut new = NewReply { text, ..NewReply::default() };
                let mut attached = None;
                if let Some(which) = file {
                    let file = account.attach(Source::Path(photo(which)), None).await?;
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
                self.files.extend(attached.map(|id| (phone, id)));
            }
            Some(Err(error)) => self.refused(phone, &error),
            None => {}
        }
    }

    async fn keep_draft(&mut self, phone: usize) {
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

    async fn send_draft(&mut self, phone: usize) {
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

    async fn ask(&mut self, phone: usize, which: u8) {
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

    async fn edit(&mut self, phone: usize) {
        let Some(word) = self.some_word(phone) else { return };
        let Some(op) = word.op else { return };
        let words = NewWords { text: Some(format!("{} in other words", word.mark)), ..NewWords::default() };
        let done = self.phones[phone]
            .call(move |account| async move { account.edit(op.to_string(), words).await })
            .await;
        note!(self.trace, "p{phone} edits {}: {:?}", word.mark, done.map(|done| done.is_ok()));
    }

    async fn discard(&mut self, phone: usize) {
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

    async fn staff_reply(&mut self, phone: usize) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let done = self
            .desk
            .call(|ctx| async move {
                staff::reply(&ctx, "Max", ticket, "Please switch it off and on.", &[]).await
            })
            .await;
        note!(self.trace, "staff reply: {:?}", done.map(|done| done.is_ok()));
    }

    async fn staff_status(&mut self, phone: usize, which: u8) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let status =
            [Status::Solved, Status::Open, Status::WaitsForRequester, Status::Solved][usize::from(which)];
        let done =
            self.desk.call(|ctx| async move { staff::set_status(&ctx, "Max", ticket, status).await }).await;
        note!(self.trace, "staff set {status:?}: {:?}", done.map(|done| done.is_ok()));
    }

    async fn staff_remove(&mut self, phone: usize, erase: bool) {
        let email = self.phones[phone].email;
        let comments: Vec<Word> = self
            .truth
            .words
            .iter()
            .filter(|word| word.what == What::Comment && word.email == email)
            .cloned()
            .collect();
        if comments.is_empty() {
            return;
        }
        let word = comments[self.chance.usize(..comments.len())].clone();
        let comment = CommentId(word.entity.0);
        let done = self
            .desk
            .call(|ctx| async move {
                match erase {
                    true => staff::erase_comment(&ctx, comment).await,
                    false => staff::delete_comment(&ctx, comment).await,
                }
            })
            .await;
        note!(
            self.trace,
            "staff {} {}: {:?}",
            if erase { "erase" } else { "delete" },
            word.mark,
            done.as_ref().map(Result::is_ok)
        );
        match done {
            Some(Ok(_)) => {
                self.truth.excuse(word.entity);
                self.truth.removed.insert(word.entity);
            }
            // It may have been done; nobody knows.
            None => self.truth.excuse(word.entity),
            Some(Err(_)) => {}
        }
    }

    async fn staff_follow(&mut self, phone: usize) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let email = if self.phones[phone].email == super::OLENA { super::TARAS } else { super::OLENA };
        let done = self
            .desk
            .call(|ctx| async move {
                let who = {
                    let mut tx = ctx.store.begin(Mode::Read).await.ok()?;
                    people::find_by_email(tx.as_mut(), email).await.ok()??
                };
                staff::participants(&ctx, "Max", ticket, &[who], &[]).await.ok()
            })
            .await;
        // Also when the server died under it: it may have been done.
        if done != Some(None) {
            self.truth.follows.insert((ticket, email));
        }
        note!(self.trace, "staff have {email} follow: {done:?}");
    }
}

fn parsed(id: &str) -> Option<uuid::Uuid> {
    id.parse().ok()
}
