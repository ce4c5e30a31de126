//! What happens: people write, staff answer, processes die, disks fill up, clocks jump, servers are restored. The whole
//! day is drawn before it begins, from a stream of its own.

pub mod journey;
pub(super) mod person;
pub(super) mod staff;
mod story;

use std::time::Duration;

use fastrand::Rng;
use pocketdesk_domain::model::Signal;

use super::{Ending, World, trace::note};

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
    /// Staff have a colleague follow a ticket; or no longer.
    StaffFollow(bool),
    /// Staff let Taras see all tickets of his company; or no longer.
    StaffScopes(bool),
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
    /// Some bytes of the cache rot.
    SpoilCache,
    /// What somebody attached is fetched.
    Download,
    /// The person signs out; with unsent words, too.
    SignOut(bool),
    /// And in again.
    SignIn,
    /// Another process of the app (a notification's answer) writes a reply beside it; it dies at that poll.
    Aside(u64),
    /// A hotel's network that nobody has paid for, for so many seconds.
    Hotel(u64),
    /// The next file that is fetched arrives cut, and whoever cut it calls it whole.
    CutFile,
    /// The answer to the next push takes its time.
    SlowAnswer,
    /// The server is killed and starts again; with power loss or without.
    ServerDies(bool),
    /// The server is away for so many seconds.
    ServerDown(u64),
    /// The server's clock is set.
    ServerClock(i64),
    /// A backup is made.
    BackUp,
    /// The server is restored from it.
    Restore,
}

impl Act {
    fn draw(rng: &mut Rng) -> Self {
        match rng.u32(..100) {
            0..12 => Self::File,
            12..26 => Self::Reply,
            26..35 => Self::Burst(rng.u32(3..9)),
            35..38 => Self::ReplyWithFile,
            38..40 => Self::Download,
            40..43 => Self::KeepDraft,
            43..46 => Self::SendDraft,
            46..50 => Self::Ask(rng.u8(..3)),
            50..52 => Self::Rate,
            52..54 => Self::Read,
            54..56 => Self::Edit,
            56..57 => Self::Discard,
            57..61 => Self::StaffReply,
            61..65 => Self::StaffStatus(rng.u8(..4)),
            65..67 => Self::StaffRemove(rng.bool()),
            67..68 => Self::StaffFollow(rng.bool()),
            68..69 => Self::StaffScopes(rng.bool()),
            69..72 => Self::Kill,
            72..75 => Self::LosePower,
            75..78 => Self::DieAtPoll(rng.u64(1..400)),
            78..82 => Self::StopAtChange(rng.u64(1..60)),
            82..84 => Self::Jump([-86_400_000, -3_600_000, 3_600_000, 40 * 86_400_000][rng.usize(..4)]),
            84..88 => Self::DeadSpot(rng.u64(2..20)),
            88..89 => Self::Flap,
            89..90 => Self::Hide,
            90..91 => Self::DiskFull,
            91..92 => Self::DiskFails(rng.u64(1..6)),
            92..93 => Self::LoseCache,
            93..94 => Self::SpoilCache,
            94..95 => Self::Hotel(rng.u64(1..12)),
            95..96 => Self::ServerClock([16 * 60_000, -5 * 60_000][rng.usize(..2)]),
            96..97 => Self::ServerDies(rng.bool()),
            97..98 => Self::BackUp,
            98..99 => Self::Restore,
            _ => Self::Aside(rng.u64(..300)),
        }
    }
}

/// A day: what happens when (ms from the start) on which phone.
pub fn day(rng: &mut Rng, phones: usize, acts: usize, seconds: u64) -> Vec<(u64, usize, Act)> {
    let mut day: Vec<_> =
        (0..acts).map(|_| (rng.u64(..seconds * 1_000), rng.usize(..phones), Act::draw(rng))).collect();
    // Nothing to reply to without a ticket.
    day.extend((0..phones).map(|phone| (rng.u64(..2_000), phone, Act::File)));
    for _ in 0..acts.div_ceil(ACTS_A_STORY) {
        let (at, phone) = (rng.u64(2_000..(seconds * 1_000).max(2_001)), rng.usize(..phones));
        let story = story::story(rng, phone, phones);
        day.extend(story.into_iter().map(|(after, phone, act)| (at + after, phone, act)));
    }
    day.sort_by_key(|(at, phone, _)| (*at, *phone));
    day
}

/// Of so many acts that are drawn by themselves, one story.
const ACTS_A_STORY: usize = 18;

impl World {
    /// One thing happens.
    pub async fn act(&mut self, phone: usize, act: Act) {
        note!(self.trace, "p{phone} {act:?}");
        self.net.wire.touched(phone);
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
            Act::Rate => self.rate(phone).await,
            Act::Read => self.read(phone).await,
            Act::Edit => self.edit(phone).await,
            Act::Discard => self.discard(phone).await,
            Act::StaffReply => self.staff_reply(phone).await,
            Act::StaffStatus(which) => self.staff_status(phone, which).await,
            Act::StaffRemove(erase) => self.staff_remove(phone, erase).await,
            Act::StaffFollow(on) => self.staff_follow(phone, on).await,
            Act::StaffScopes(all) => self.staff_scopes(all).await,
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
                self.ends_in(seconds * 1_000, Ending::DeadSpot(phone));
            }
            Act::Hotel(seconds) => {
                self.net.set_hotel(phone, true);
                self.ends_in(seconds * 1_000, Ending::Hotel(phone));
            }
            Act::CutFile => self.net.cut_file(phone),
            Act::SlowAnswer => self.net.slow_down(phone),
            Act::Flap => {
                self.signal(phone, Signal::Offline);
                self.step(1_500).await;
                self.net.wire.touched(phone);
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
                self.ends_in(12_000, Ending::Full(phone));
            }
            Act::DiskFails(count) => {
                let after = self.chance.u64(1..40);
                let mut disk = self.phones[phone].disk().lock();
                disk.failing = disk.changes + after..disk.changes + after + count;
            }
            Act::LoseCache => self.phones[phone].lose_cache(),
            Act::SpoilCache => {
                let (at, noise) = (self.chance.usize(..), self.chance.u64(..));
                self.phones[phone].spoil_cache(at, noise);
                self.spoilt[phone] = true;
            }
            Act::Download => self.download(phone).await,
            Act::SignOut(force) => self.sign_out(phone, force).await,
            Act::SignIn => self.sign_in_again(phone).await,
            Act::Aside(polls) => self.write_aside(phone, polls).await,
            Act::ServerDies(power) => {
                self.desk.kill(power.then_some(&mut self.fate));
                self.step(2_000).await;
                self.desk.boot().await;
            }
            Act::ServerDown(seconds) => {
                self.desk.kill(None);
                self.ends_in(seconds * 1_000, Ending::Down);
            }
            Act::ServerClock(by) => self.desk.clock.jump(by),
            Act::BackUp => {
                if self.desk.back_up().await {
                    self.truth.backed_up();
                }
            }
            Act::Restore => {
                if self.desk.has_backup() {
                    self.truth.restored();
                    self.desk.restore().await;
                }
            }
        }
    }

    fn ends_in(&mut self, ms: u64, what: Ending) {
        self.endings.push((self.now() + ms, what));
    }

    fn signal(&self, phone: usize, signal: Signal) {
        if let Some(accounts) = self.phones[phone].accounts() {
            accounts.signal(signal);
        }
    }

    /// The network is there and somebody looks.
    pub fn wake(&self, phone: usize) {
        self.net.wire.touched(phone);
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
}

fn parsed(id: &str) -> Option<uuid::Uuid> {
    id.parse().ok()
}
