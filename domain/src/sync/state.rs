//! What the machine remembers between steps.

use std::collections::{BTreeMap, VecDeque};

use pocketdesk_protocol::{
    Millis,
    ids::{Epoch, OpId, Scope},
    sync::{Ack, AtLeast},
};

use super::{BuildPhase, CacheStatus, Effect, Exchange, QueuedOp, backoff, queue};
use crate::model::{PausedReason, SyncState};

/// Until `GET /me` says otherwise.
const RESTORE_WINDOW_MS: i64 = 30 * 24 * 3_600_000;

/// The machine of one account. Lives as long as the syncing process; all that must survive it is in own.db.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) started: bool,
    /// In order of `n`.
    pub(super) ops: Vec<QueuedOp>,
    pub(super) epoch: Option<Epoch>,
    pub(super) paused: Option<PausedReason>,
    pub(super) up: bool,
    pub(super) network: Option<String>,
    pub(super) foreground: bool,
    pub(super) cache: Cache,
    pub(super) complete_asked_at: i64,
    pub(super) restore_window_ms: i64,
    /// Push, pull or me: one at a time.
    pub(super) flight: Option<Flight>,
    /// The builder's request; at most one beside [`Self::flight`].
    pub(super) build_flight: Option<Exchange>,
    /// How often a build began since a complete page reached the active file.
    pub(super) build_tries: u32,
    /// In a row, of the builder's requests alone.
    pub(super) build_failures: u32,
    pub(super) refreshing: bool,
    /// A token was refreshed and nothing has succeeded since.
    pub(super) refreshed_in_vain: bool,
    pub(super) next_exchange: u64,
    /// In a row, of the session.
    pub(super) failures: u32,
    /// Nothing goes before.
    pub(super) not_before: Millis,
    /// What the server asked for: no signal shortens it.
    pub(super) floor: Millis,
    /// News may be there that no page has brought yet.
    pub(super) want_page: bool,
    /// Heads that the stream spoke of since the last request, and no answer has reached: a push moves heads itself,
    /// and hears of it before its answer comes.
    pub(super) hinted: BTreeMap<Scope, i64>,
    pub(super) at_least: Option<AtLeast>,
    pub(super) heads: BTreeMap<Scope, i64>,
    pub(super) scopes_rev: Option<i64>,
    /// An op failed alone: a pull goes before it, to see whether others succeed.
    pub(super) probe: bool,
    /// When to look for news in the foreground without a live stream.
    pub(super) look_at: Millis,
    /// Requests that succeeded, of any kind.
    pub(super) successes: u64,
    /// [`Self::successes`] at an op's last failure alone: it counts only if something else succeeded meanwhile.
    pub(super) alone_marks: BTreeMap<OpId, u64>,
    pub(super) suspects: VecDeque<Vec<OpId>>,
    pub(super) live: Live,
    pub(super) live_failures: u32,
    /// Young streams in a row that broke off on this network.
    pub(super) live_cuts: u32,
    /// This network buffers streams; until then long-poll.
    pub(super) poll_until: Option<Millis>,
    pub(super) timer: Option<Millis>,
    /// Server time of the last look for kept ops whose window has passed.
    pub(super) looked_for_kept: Option<Millis>,
}

/// The cache, as far as the machine cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cache {
    /// Pages go to the active file.
    Whole,
    /// No page is asked for but by the builder.
    Build(Build),
}

/// A build under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Build {
    pub(super) active: bool,
    pub(super) stands_on: Option<(Epoch, i64)>,
    pub(super) phase: BuildPhase,
    /// The file is there; else [`Effect::NewBuild`] comes first.
    pub(super) has_file: bool,
    /// [`Effect::FinishBuild`] was ordered.
    pub(super) finishing: bool,
    pub(super) not_before: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flight {
    Me(Exchange),
    Push { exchange: Exchange, ops: Vec<OpId>, epoch: Epoch, with_cursor: bool },
    Pull { exchange: Exchange, waiting: bool },
}

impl Flight {
    pub(super) fn exchange(&self) -> Exchange {
        match self {
            Self::Me(exchange) | Self::Push { exchange, .. } | Self::Pull { exchange, .. } => *exchange,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    Closed,
    /// Since when, once the hello came.
    Open(Option<Millis>),
    Waiting(Millis),
}

impl Default for State {
    fn default() -> Self {
        Self {
            started: false,
            ops: Vec::new(),
            epoch: None,
            paused: None,
            up: true,
            network: None,
            foreground: false,
            cache: Cache::Whole,
            complete_asked_at: 0,
            restore_window_ms: RESTORE_WINDOW_MS,
            flight: None,
            build_flight: None,
            build_tries: 0,
            build_failures: 0,
            refreshing: false,
            refreshed_in_vain: false,
            next_exchange: 0,
            failures: 0,
            not_before: Millis::MIN,
            floor: Millis::MIN,
            want_page: false,
            hinted: BTreeMap::new(),
            at_least: None,
            heads: BTreeMap::new(),
            scopes_rev: None,
            probe: false,
            look_at: Millis::MIN,
            successes: 0,
            alone_marks: BTreeMap::new(),
            suspects: VecDeque::new(),
            live: Live::Closed,
            live_failures: 0,
            live_cuts: 0,
            poll_until: None,
            timer: None,
            looked_for_kept: None,
        }
    }
}

impl Build {
    pub(super) fn new(active: bool, not_before: Millis) -> Self {
        Self {
            active,
            stands_on: None,
            phase: BuildPhase::Frames,
            has_file: false,
            finishing: false,
            not_before,
        }
    }
}

impl From<CacheStatus> for Cache {
    fn from(status: CacheStatus) -> Self {
        match status {
            CacheStatus::Missing => Self::Build(Build::new(true, Millis::MIN)),
            CacheStatus::Whole => Self::Whole,
            CacheStatus::Building(facts) => Self::Build(Build {
                stands_on: facts.stands_on,
                phase: facts.phase,
                has_file: true,
                ..Build::new(facts.active, Millis::MIN)
            }),
        }
    }
}

impl State {
    /// As the screens show it.
    pub fn sync_state(&self, now: Millis) -> SyncState {
        if let Some(why) = self.paused {
            return SyncState::Paused { why };
        }
        if !self.up {
            return SyncState::Offline;
        }
        let waits_for_news = matches!(self.flight, Some(Flight::Pull { waiting: true, .. }));
        if self.refreshing || self.build_flight.is_some() || (self.flight.is_some() && !waits_for_news) {
            return SyncState::Running;
        }
        let gate = self.gate();
        if gate > now && (self.failures > 0 || self.floor > now) {
            return SyncState::Waiting { next: gate };
        }
        SyncState::Idle
    }

    /// Whether a sync has come to its end: nothing is under way, and nothing can start at this moment.
    pub fn is_settled(&self, now: Millis) -> bool {
        if self.refreshing || self.build_flight.is_some() {
            return false;
        }
        if matches!(&self.flight, Some(flight) if !matches!(flight, Flight::Pull { waiting: true, .. })) {
            return false;
        }
        let building = matches!(self.cache, Cache::Build(build) if build.not_before <= now);
        let wants = self.epoch.is_none()
            || self.wants_page()
            || building
            || queue::next_time(&self.ops).is_some_and(|time| time <= now);
        !self.started || self.paused.is_some() || !self.up || self.gate() > now || !wants
    }

    /// Ops of the request that is under way, for the screens.
    pub fn sending(&self) -> &[OpId] {
        match &self.flight {
            Some(Flight::Push { ops, .. }) => ops,
            _ => &[],
        }
    }

    /// Whether the last page that was asked for was complete, nothing newer is known of, and no build is under way.
    pub fn is_current(&self) -> bool {
        self.cache == Cache::Whole && !self.wants_page()
    }

    pub(super) fn gate(&self) -> Millis {
        self.not_before.max(self.floor)
    }

    pub(super) fn exchange(&mut self) -> Exchange {
        self.next_exchange += 1;
        Exchange(self.next_exchange)
    }

    pub(super) fn op_mut(&mut self, op: OpId) -> Option<&mut QueuedOp> {
        self.ops.iter_mut().find(|queued| queued.op == op)
    }

    /// Something succeeded: the session is well.
    pub(super) fn succeeded(&mut self, now: Millis) {
        self.successes += 1;
        self.failures = 0;
        self.refreshed_in_vain = false;
        self.not_before = now;
    }

    /// Something failed: everything waits a little.
    pub(super) fn back_off(&mut self, now: Millis, random: u32, after_ms: Option<u64>) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + backoff::jittered(backoff::interval(self.failures), random, after_ms);
        if pocketdesk_protocol::planted::is("no-back-off") {
            self.not_before = now;
        }
        if after_ms.is_some() {
            self.floor = self.floor.max(self.not_before);
        }
    }

    pub(super) fn saw_heads(&mut self, heads: &[Ack]) {
        for head in heads {
            self.heads.insert(head.scope, head.seq);
        }
        let known = &self.heads;
        self.hinted.retain(|scope, head| known.get(scope).is_none_or(|known| known < head));
    }

    /// The stream spoke of a head.
    pub(super) fn hint(&mut self, scope: Scope, head: i64) {
        if self.heads.get(&scope).is_none_or(|known| *known < head) {
            let hinted = self.hinted.entry(scope).or_insert(head);
            *hinted = head.max(*hinted);
        }
    }

    /// Nothing is known of any head: another history, or another file.
    pub(super) fn forget_heads(&mut self) {
        self.heads.clear();
        self.hinted.clear();
    }

    /// Whether news may be there that no page has brought.
    pub(super) fn wants_page(&self) -> bool {
        self.want_page || !self.hinted.is_empty()
    }

    /// A page is asked for: it brings what is known of so far.
    pub(super) fn asks_page(&mut self) {
        self.want_page = false;
        self.hinted.clear();
    }

    /// Sets the timer, where that is news.
    pub(super) fn set_timer(&mut self, due: Option<Millis>, out: &mut Vec<Effect>) {
        if let Some(due) = due.filter(|due| self.timer != Some(*due)) {
            self.timer = Some(due);
            if !pocketdesk_protocol::planted::is("timer-lost") {
                out.push(Effect::SetTimer(due));
            }
        }
    }
}
