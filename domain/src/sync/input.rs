//! What the machine is told and what it orders.

use pocketdesk_protocol::{
    Millis,
    ids::{Epoch, OpId, Scope},
    sync::{Ack, AtLeast, OpVerdict, ResetReason, SyncResponse},
};

use super::QueuedOp;
use crate::{
    model::{PausedReason, RetryReason},
    outbox::OwnChange,
};

/// The moment of a step, and its chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// ms since the epoch by the phone's clock. It orders nothing; it only says how long to wait.
    pub at: Millis,
    /// Uniformly random, new for each step.
    pub random: u32,
}

/// Names one request (or stream of frames) under way, so that the answer to a forgotten one is known as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub u64);

/// How the syncing process found things at its start.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// All ops that are not applied, in any order.
    pub ops: Vec<QueuedOp>,
    /// The epoch own.db knows.
    pub epoch: Option<Epoch>,
    /// Why nothing may go; none when signed in.
    pub paused: Option<PausedReason>,
    /// The cache.
    pub cache: CacheStatus,
    /// [`crate::outbox::overlay::CacheFacts::complete_asked_at`] of the active file.
    pub complete_asked_at: i64,
    /// From the last `GET /me`; 30 days before one.
    pub restore_window_ms: Option<i64>,
}

/// How the cache was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheStatus {
    /// No readable file is active: the one that is built is active at once.
    #[default]
    Missing,
    /// The active file has the finished mark, and nothing is being built.
    Whole,
    /// A file is being built; it is resumed.
    Building(BuildFacts),
}

/// What a file that is being built says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildFacts {
    /// It is the active file too (there was no readable old one).
    pub active: bool,
    /// Epoch and scopes_rev of its first frame; none before one.
    pub stands_on: Option<(Epoch, i64)>,
    /// How far it is.
    pub phase: BuildPhase,
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildPhase {
    /// Snapshot frames are missing.
    Frames,
    /// The last frame is there; the delta from as_of is missing.
    Delta,
    /// A complete page was applied; the finished mark or the switch is missing.
    Finish,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// First of all.
    Started(Start),
    /// What own.db holds now (all ops that are not applied), after every change that the machine did not order:
    /// a new op, an edit, [`OwnChange::EpochIs`], settled wishes, another process's write.
    Ops(Vec<QueuedOp>),
    /// The world around.
    Signal(Signal),
    /// The set time has come.
    Timer,
    /// The phone's clock and its monotonic clock disagree about how long ago the last step was.
    ClockJumped,
    /// The account was signed in to (none) or paused.
    Session(Option<PausedReason>),
    /// Answer of `GET /me`.
    Me {
        /// Which request.
        exchange: Exchange,
        /// The server's epoch.
        epoch: Epoch,
        /// How long applied ops are kept.
        restore_window_ms: i64,
    },
    /// Answer of a push or pull, of the builder's pulls too.
    Answered {
        /// Which request.
        exchange: Exchange,
        /// What it said.
        answer: Answer,
    },
    /// No answer, or one that is none.
    Failed {
        /// Which request.
        exchange: Exchange,
        /// How.
        failure: Failure,
    },
    /// A [`Effect::Refresh`] came to an end.
    Refreshed(RefreshOutcome),
    /// The first line of a snapshot is there; nothing of it is stored before [`Effect::StoreFrames`] says so.
    FramesBegan {
        /// Which stream.
        exchange: Exchange,
        /// Its epoch.
        epoch: Epoch,
        /// Its scopes_rev.
        scopes_rev: i64,
    },
    /// A frame was stored. A stream that ends early is a [`Input::Failed`].
    FrameStored {
        /// Which stream.
        exchange: Exchange,
        /// Whether it was the last one.
        last: bool,
    },
    /// The built file is active and the old one gone ([`Effect::FinishBuild`] was carried out).
    BuildFinished {
        /// Of the new file.
        complete_asked_at: i64,
    },
    /// The active file cannot be read: a reset.
    CacheDamaged,
    /// From the live stream.
    Live(LiveInput),
}

/// From `GET /live`.
#[derive(Debug, Clone)]
pub enum LiveInput {
    /// It stands; the journals are there.
    Hello {
        /// The server's epoch.
        epoch: Epoch,
        /// The revision of the session's scopes.
        scopes_rev: i64,
        /// Where the journals stand.
        heads: Vec<Ack>,
    },
    /// A journal moved, or the session's scopes did.
    Moved {
        /// Which.
        scope: Scope,
        /// Where it stands.
        head: i64,
        /// The revision of the session's scopes.
        scopes_rev: i64,
    },
    /// It could not be opened.
    Down,
    /// It was open and broke off.
    Cut,
    /// No hello in time, or silence: this network buffers; long-poll for an hour.
    Silent,
}

/// The world around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The connection as the platform sees it, or flight mode by the person's wish. Down is obeyed: nothing goes.
    /// Until the first of these (which may come before [`Input::Started`]) there is thought to be one.
    Network {
        /// Whether there is one.
        up: bool,
        /// Names it, opaque; another one ends long-polling.
        id: Option<String>,
    },
    /// On screen.
    Foreground,
    /// Not on screen.
    Background,
    /// A push came.
    Push(Option<AtLeast>),
    /// The person asks, or the platform grants time.
    SyncNow,
}

/// An answer of `POST /sync` or `GET /pull`, without its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The server's epoch.
    pub epoch: Epoch,
    /// The server's clock.
    pub server_time: Millis,
    /// One for each op, where the epochs matched.
    pub verdicts: Vec<OpVerdict>,
    /// Whether there is a page.
    pub page: bool,
    /// Whether the page reaches the heads.
    pub complete: bool,
    /// Where the journals stand.
    pub heads: Vec<Ack>,
    /// The cursor cannot be gone on from.
    pub reset: Option<ResetReason>,
    /// own.db's counter of verdicts when the request was made: [`Effect::Push`], [`Effect::Pull`].
    pub asked_at: i64,
}

impl Answer {
    /// Of what came; `asked_at` as read before the request was sent.
    pub fn new(response: &SyncResponse, asked_at: i64) -> Self {
        Self {
            epoch: response.epoch,
            server_time: response.server_time,
            verdicts: response.verdicts.clone(),
            page: response.next.is_some(),
            complete: response.complete,
            heads: response.heads.clone(),
            reset: response.reset.map(|reset| reset.reason),
            asked_at,
        }
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No route, refused, no name.
    Unreachable,
    /// Nothing came in time, or it was cut: the request may have arrived.
    Broken,
    /// An answer without our protocol header, whatever its status.
    NotOurs,
    /// TLS says that the certificate is not valid at this device's date.
    WrongDate,
    /// 429, or 503 with a Retry-After.
    Busy {
        /// At least so long, ms.
        after_ms: Option<u64>,
    },
    /// 5xx, or what this build does not understand, with our header.
    Server,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 426: the app is too old.
    TooOld,
}

impl Failure {
    /// As a person reads it.
    pub fn why(self) -> RetryReason {
        match self {
            Self::Unreachable | Self::Broken | Self::NotOurs => RetryReason::Network,
            Self::WrongDate => RetryReason::WrongDate,
            Self::Busy { .. } => RetryReason::Busy,
            Self::Server | Self::Unauthorized | Self::Forbidden | Self::TooOld => RetryReason::Server,
        }
    }

    /// Whether the desk itself spoke.
    pub fn server_answered(self) -> bool {
        !matches!(self, Self::Unreachable | Self::Broken | Self::NotOurs | Self::WrongDate)
    }

    /// Whether the ops of the request may be what failed it; the others concern the session or the road.
    pub fn may_be_the_ops(self) -> bool {
        matches!(self, Self::Broken | Self::NotOurs | Self::Server)
    }
}

/// What became of a token refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// A new token is there.
    Ok,
    /// Try again.
    Transient(Failure),
    /// The session was ended: the only outcome that pauses.
    Revoked,
}

/// What to do, in order. An effect with an [`Exchange`] starts something and does not wait for its end; whoever
/// carries it out sees to it that it comes to one ([`Input::Failed`] after a time-out), unless it is cancelled.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// One transaction of own.db, durable before the next effect.
    Record(Vec<OwnChange>),
    /// In one transaction of own.db: [`crate::outbox::plan::settle_wish`] for each of these ops; then hand in
    /// [`Input::Ops`].
    SettleWishes(Vec<OpId>),
    /// Hand in [`Input::Ops`]: the machine's copy is out of date.
    ReloadOps,
    /// `GET /me`.
    AskMe(Exchange),
    /// Count the starts durably and read own.db's counter of verdicts in the same transaction; then `POST /sync` in
    /// this order, with `prev` of each. Ops that are gone or no longer live are left out.
    Push {
        /// Names it.
        exchange: Exchange,
        /// The epoch the phone knows.
        epoch: Epoch,
        /// In order.
        ops: Vec<OpId>,
        /// With the active file's cursor; while a build is under way, without.
        with_cursor: bool,
    },
    /// `GET /pull` with the active file's cursor, own.db's counter of verdicts read before.
    Pull {
        /// Names it.
        exchange: Exchange,
        /// Seconds the server may wait for news.
        wait_s: u64,
        /// What a push spoke of.
        at_least: Option<AtLeast>,
    },
    /// Apply that answer's page to the active file, if file, cursor and scopes_rev are the ones it was asked with; what
    /// it erases ([`super::merge`]) goes from own.db first.
    ApplyPage(Exchange),
    /// Forget a request; its answer will not be looked at.
    Cancel(Exchange),
    /// Delete any unfinished file, create another new one, have own.db record it as building (as active too, when
    /// there is no readable old one).
    NewBuild {
        /// Active at once.
        active: bool,
    },
    /// `GET /snapshot` from the building file's resume key; hand in [`Input::FramesBegan`] at its first line.
    Frames(Exchange),
    /// Store the frames of that stream as they come, each in one transaction of the building file; keep its first
    /// as_of; what the last one erases goes from own.db first.
    StoreFrames(Exchange),
    /// `GET /pull` with the building file's cursor.
    PullBuild(Exchange),
    /// Apply that answer's page to the building file.
    ApplyBuildPage(Exchange),
    /// Mark the building file finished, checkpoint, fsync it and its directory, have own.db record it as active,
    /// delete the old one; then hand in [`Input::BuildFinished`].
    FinishBuild,
    /// Refresh the access token; then hand in [`Input::Refreshed`].
    Refresh,
    /// Have own.db and the screens say so.
    Paused(Option<PausedReason>),
    /// Open `GET /live`.
    OpenLive,
    /// Close it.
    CloseLive,
    /// Hand in [`Input::Timer`] then, and at no other time set before.
    SetTimer(Millis),
    /// An operator's accident that a person should hear of: log it without words.
    Alarm(ResetReason),
}
