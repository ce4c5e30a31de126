//! The steps: what each input changes, and what is to be done next.

use std::collections::BTreeMap;

use pocketdesk_protocol::{
    Millis,
    ids::{Epoch, OpId},
    sync::{Ack, AtLeast},
};

use super::{
    BuildPhase, Effect, Exchange, Failure, Input, LiveInput, Now, QueuedOp, RefreshOutcome, Signal, Start,
    State, backoff, queue,
    state::{Cache, Flight, Live},
};
use crate::{
    model::PausedReason,
    outbox::{OwnChange, STUCK_INTERVAL_MS, Wake},
};

/// How long a network that buffers streams is long-polled, ms.
const POLL_FOR_MS: i64 = 3_600_000;
/// Seconds a long poll may wait.
const POLL_WAIT_S: u64 = 50;
/// Seconds a pull may wait for what a push spoke of.
const PUSH_WAIT_S: u64 = 5;
/// How often news is looked for in the foreground without a stream, ms.
const LOOK_EVERY_MS: i64 = backoff::CAP_MS;
/// A stream that lived so long was a good one, ms.
const GOOD_STREAM_MS: i64 = 60_000;
/// So many streams in a row that broke off before that, and this network is one that cuts them.
const YOUNG_CUTS: u32 = 3;

impl State {
    /// What to do now that `input` happened. Carry all effects out in order before the next step.
    pub fn step(&mut self, input: Input, now: Now) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Started(start) => self.on_start(start, now.at, &mut out),
            Input::Ops(ops) => self.on_ops(ops, now.at),
            Input::Signal(signal) => self.on_signal(signal, now, &mut out),
            Input::Timer => self.timer = None,
            Input::ClockJumped => self.on_clock_jump(now.at, &mut out),
            Input::Session(paused) => self.on_session(paused, now.at, &mut out),
            Input::Me { exchange, epoch, restore_window_ms } => {
                if self.flight == Some(Flight::Me(exchange)) {
                    self.flight = None;
                    self.restore_window_ms = restore_window_ms;
                    if self.knows_later_than(epoch) {
                        self.back_off(now.at, now.random, None);
                    } else {
                        self.succeeded(now.at);
                        self.note_epoch(epoch, now, &mut out);
                    }
                }
            }
            Input::Answered { exchange, answer } => self.on_answer(exchange, &answer, now, &mut out),
            Input::Failed { exchange, failure } => self.on_failure(exchange, failure, now, &mut out),
            Input::Refreshed(outcome) => self.on_refreshed(outcome, now, &mut out),
            Input::FramesBegan { exchange, epoch, scopes_rev } => {
                self.on_frames_began(exchange, (epoch, scopes_rev), now, &mut out);
            }
            Input::FrameStored { exchange, last } => self.on_frame_stored(exchange, last, now.at),
            Input::BuildFinished { complete_asked_at } => self.on_build_finished(complete_asked_at, now.at),
            Input::CacheDamaged => self.on_cache_damaged(&mut out),
            Input::Live(live) => self.on_live(live, now),
        }
        if self.started {
            self.go_on(now, &mut out);
        }
        out
    }

    fn on_start(&mut self, start: Start, now: Millis, out: &mut Vec<Effect>) {
        self.started = true;
        self.epoch = start.epoch;
        self.paused = start.paused;
        self.cache = start.cache.into();
        self.complete_asked_at = start.complete_asked_at;
        self.restore_window_ms = start.restore_window_ms.unwrap_or(self.restore_window_ms);
        self.want_page = self.cache == Cache::Whole;
        self.look_at = now + LOOK_EVERY_MS;
        self.take_ops(start.ops);
        // A wish whose verdict was stored just before the process ended is asked again now.
        let wishes: Vec<_> =
            self.ops.iter().filter(|op| op.has_wish && op.rejected).map(|op| op.op).collect();
        self.clamp(now, out);
        if !wishes.is_empty() {
            out.push(Effect::SettleWishes(wishes));
        }
    }

    /// What the person just wrote, or asked to be tried again, is not made to wait for the end of a back-off.
    fn on_ops(&mut self, ops: Vec<QueuedOp>, now: Millis) {
        let sooner = |op: &QueuedOp| match self.ops.iter().find(|before| before.op == op.op) {
            Some(before) => op.wake.due < before.wake.due,
            None => op.starts == 0,
        };
        if ops.iter().any(|op| !op.rejected && op.known && op.wake.due <= now && sooner(op)) {
            self.not_before = self.not_before.min(now);
        }
        self.take_ops(ops);
    }

    fn take_ops(&mut self, mut ops: Vec<QueuedOp>) {
        ops.sort_by_key(|op| op.n);
        let woken: BTreeMap<OpId, Millis> = self.ops.iter().map(|op| (op.op, op.wake.due)).collect();
        for op in &mut ops {
            // A signal wakes ops here alone; what is stored may still say later.
            op.wake.due = woken.get(&op.op).map_or(op.wake.due, |due| op.wake.due.min(*due));
        }
        self.ops = ops;
        let ops = &self.ops;
        self.alone_marks.retain(|op, _| ops.iter().any(|queued| queued.op == *op));
    }

    /// No clock that was wrong for a while leaves an op waiting for a day that is far away.
    fn clamp(&mut self, now: Millis, out: &mut Vec<Effect>) {
        let mut changes = Vec::new();
        for op in self.ops.iter_mut().filter(|op| !op.rejected) {
            let wake = op.wake.clamped(now);
            if wake != op.wake {
                op.wake = wake;
                changes.push(OwnChange::SetWake { ops: vec![op.op], wake });
            }
        }
        if !changes.is_empty() {
            out.push(Effect::Record(changes));
        }
    }

    fn on_clock_jump(&mut self, now: Millis, out: &mut Vec<Effect>) {
        self.clamp(now, out);
        let latest = now + backoff::CAP_MS;
        self.not_before = self.not_before.min(latest);
        self.floor = self.floor.min(latest);
        self.look_at = self.look_at.min(now + LOOK_EVERY_MS);
        self.poll_until = self.poll_until.map(|until| until.min(now + POLL_FOR_MS));
        if let Live::Waiting(until) = self.live {
            self.live = Live::Waiting(until.min(latest));
        }
        if let Cache::Build(build) = &mut self.cache {
            build.not_before = build.not_before.min(latest);
        }
        self.timer = None;
    }

    fn on_session(&mut self, paused: Option<PausedReason>, now: Millis, out: &mut Vec<Effect>) {
        self.pause(paused, out);
        self.refreshing = false;
        self.refreshed_in_vain = false;
        if paused.is_none() {
            self.wake_all(now);
        }
    }

    pub(super) fn pause(&mut self, paused: Option<PausedReason>, out: &mut Vec<Effect>) {
        if self.paused != paused {
            self.paused = paused;
            out.push(Effect::Paused(paused));
        }
    }

    fn on_signal(&mut self, signal: Signal, now: Now, out: &mut Vec<Effect>) {
        match signal {
            Signal::Network { up, id } => {
                let changed = up != self.up || id != self.network;
                if id != self.network {
                    self.poll_until = None;
                    self.live_cuts = 0;
                }
                (self.up, self.network) = (up, id);
                if changed {
                    // What was opened on the road before is dead; a pull can be forgotten, a push cannot.
                    self.forget_pull(|_| true, out);
                    if let Live::Open(_) = self.live {
                        self.live = Live::Closed;
                        out.push(Effect::CloseLive);
                    }
                }
                if changed && up {
                    self.wake_all(now.at);
                }
            }
            Signal::Foreground => {
                self.foreground = true;
                self.wake_all(now.at);
            }
            Signal::Background => {
                self.foreground = false;
                self.forget_pull(|waiting| waiting, out);
            }
            Signal::Push(at_least) => {
                self.at_least = at_least;
                self.wake_all(now.at);
            }
            Signal::SyncNow => self.wake_all(now.at),
        }
    }

    fn forget_pull(&mut self, which: impl Fn(bool) -> bool, out: &mut Vec<Effect>) {
        if let Some(Flight::Pull { exchange, waiting }) = self.flight
            && which(waiting)
        {
            self.flight = None;
            self.want_page |= !waiting;
            out.push(Effect::Cancel(exchange));
        }
    }

    /// Everything that waits by itself is due; what the server asked for, and what it cannot take, is not.
    fn wake_all(&mut self, now: Millis) {
        for op in self.ops.iter_mut().filter(|op| !op.is_stuck()) {
            op.wake.due = op.wake.due.min(now);
        }
        self.failures = 0;
        self.build_failures = 0;
        self.not_before = now;
        self.suspects.clear();
        self.want_page = true;
        if let Live::Waiting(_) = self.live {
            self.live = Live::Closed;
        }
        if let Cache::Build(build) = &mut self.cache {
            build.not_before = build.not_before.min(now);
        }
    }

    pub(super) fn knows_later_than(&self, epoch: Epoch) -> bool {
        self.epoch
            .is_some_and(|known| epoch < known && !pocketdesk_protocol::planted::is("old-epoch-believed"))
    }

    /// Learns the server's epoch; a higher one makes kept ops live again and the cache a thing of the past.
    pub(super) fn note_epoch(&mut self, epoch: Epoch, now: Now, out: &mut Vec<Effect>) {
        if self.epoch == Some(epoch) {
            return;
        }
        self.epoch = Some(epoch);
        self.forget_heads();
        self.suspects.clear();
        out.push(Effect::Record(vec![OwnChange::EpochIs { epoch, now: now.at }]));
        out.push(Effect::ReloadOps);
        let outdated = match self.cache {
            Cache::Whole => true,
            Cache::Build(build) => build.stands_on.is_some_and(|(stands_on, _)| stands_on != epoch),
        };
        if outdated {
            self.start_over(now, true, out);
        }
    }

    pub(super) fn on_failure(
        &mut self,
        exchange: Exchange,
        failure: Failure,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let of_build = self.build_flight == Some(exchange);
        let of_talk = self.flight.as_ref().is_some_and(|flight| flight.exchange() == exchange);
        if !of_build && !of_talk {
            return;
        }
        let flight = if of_build {
            self.build_flight = None;
            None
        } else {
            self.flight.take()
        };
        if matches!(flight, Some(Flight::Pull { .. } | Flight::Push { with_cursor: true, .. })) {
            self.want_page = true;
        }
        match failure {
            Failure::Unauthorized if !self.refreshed_in_vain => {
                self.refreshing = true;
                self.refreshed_in_vain = true;
                out.push(Effect::Refresh);
            }
            Failure::TooOld => self.pause(Some(PausedReason::AppTooOld), out),
            Failure::Busy { after_ms } => self.back_off(now.at, now.random, after_ms),
            Failure::Server if of_build => self.build_failed(now),
            _ => {
                // A second 401 in a row: the next one may ask for a token again.
                self.refreshed_in_vain = false;
                self.back_off(now.at, now.random, None);
            }
        }
        if let Some(Flight::Push { ops, .. }) = flight {
            self.push_failed(&ops, failure, now, out);
        }
    }

    fn push_failed(&mut self, ops: &[OpId], failure: Failure, now: Now, out: &mut Vec<Effect>) {
        let mut changes = Vec::new();
        let session = matches!(failure, Failure::Unauthorized | Failure::Forbidden | Failure::TooOld);
        if !session {
            changes.push(OwnChange::Failure { ops: ops.to_vec(), why: Some(failure.why()) });
        }
        if let ([op], true) = (ops, failure.may_be_the_ops())
            && self.op_mut(*op).is_some_and(|queued| queued.is_alone())
        {
            self.failed_alone(*op, now, &mut changes);
            // Whether others succeed has to be seen before it is tried again.
            self.want_page = true;
            self.probe = true;
        } else {
            let wake =
                Wake { interval_ms: backoff::interval(self.failures.max(1)), due: self.gate().max(now.at) };
            self.set_wake(ops, wake, now.at, &mut changes);
            let twice = |op: &OpId| self.ops.iter().any(|queued| queued.op == *op && queued.starts >= 2);
            if ops.len() > 1 && failure.may_be_the_ops() && ops.iter().all(twice) {
                let (front, back) = ops.split_at(ops.len().div_ceil(2));
                self.suspects.push_front(back.to_vec());
                self.suspects.push_front(front.to_vec());
                if failure.server_answered() {
                    self.not_before = now.at;
                }
            }
        }
        out.push(Effect::Record(changes));
    }

    fn failed_alone(&mut self, op: OpId, now: Now, changes: &mut Vec<OwnChange>) {
        let successes = self.successes;
        let others_succeed = successes > self.alone_marks.get(&op).copied().unwrap_or(0);
        self.alone_marks.insert(op, successes);
        let gate = self.gate();
        let Some(queued) = self.op_mut(op) else { return };
        if others_succeed {
            queued.alone_failures += 1;
            changes.push(OwnChange::AloneFailures { op, count: queued.alone_failures });
        }
        let interval_ms = backoff::interval(queued.alone_failures.max(1));
        let due = now.at + backoff::jittered(interval_ms, now.random, None);
        self.set_wake(&[op], Wake { interval_ms, due: due.max(gate) }, now.at, changes);
    }

    /// Sets when ops are tried next; what the server cannot take stays hourly, whatever happened this time.
    pub(super) fn set_wake(&mut self, ops: &[OpId], wake: Wake, now: Millis, changes: &mut Vec<OwnChange>) {
        let hourly = Wake { interval_ms: STUCK_INTERVAL_MS, due: now + STUCK_INTERVAL_MS };
        let mut usual = Vec::new();
        for queued in self.ops.iter_mut().filter(|queued| ops.contains(&queued.op)) {
            if queued.is_stuck() {
                queued.wake = hourly;
                changes.push(OwnChange::SetWake { ops: vec![queued.op], wake: hourly });
            } else {
                queued.wake = wake;
                usual.push(queued.op);
            }
        }
        if !usual.is_empty() {
            changes.push(OwnChange::SetWake { ops: usual, wake });
        }
    }

    fn on_refreshed(&mut self, outcome: RefreshOutcome, now: Now, out: &mut Vec<Effect>) {
        if !self.refreshing {
            return;
        }
        self.refreshing = false;
        match outcome {
            RefreshOutcome::Ok => {
                self.not_before = now.at;
                for op in self.ops.iter_mut().filter(|op| !op.is_stuck()) {
                    op.wake.due = op.wake.due.min(now.at);
                }
            }
            RefreshOutcome::Transient(failure) => {
                self.refreshed_in_vain = false;
                let after_ms = if let Failure::Busy { after_ms } = failure { after_ms } else { None };
                self.back_off(now.at, now.random, after_ms);
            }
            RefreshOutcome::Revoked => self.pause(Some(PausedReason::SignedOut), out),
        }
    }

    fn on_live(&mut self, live: LiveInput, now: Now) {
        match live {
            LiveInput::Hello { epoch, scopes_rev, heads } => {
                self.live = Live::Open(Some(now.at));
                self.saw_scopes(scopes_rev);
                let ahead = |head: &Ack| self.heads.get(&head.scope).is_some_and(|known| *known > head.seq);
                self.want_page |= heads.iter().any(ahead) || self.epoch != Some(epoch);
                heads.iter().for_each(|head| self.hint(head.scope, head.seq));
            }
            LiveInput::Moved { scope, head, scopes_rev } => {
                self.saw_scopes(scopes_rev);
                self.hint(scope, head);
            }
            LiveInput::Down => self.stream_ended(now),
            LiveInput::Cut => {
                self.live_cuts = if self.was_good(now.at) { 0 } else { self.live_cuts + 1 };
                if self.live_cuts < YOUNG_CUTS {
                    self.stream_ended(now);
                } else {
                    // To try again less and less often would leave news waiting for minutes.
                    self.live_cuts = 0;
                    self.no_streams_here(now.at);
                }
            }
            LiveInput::Silent => self.no_streams_here(now.at),
        }
    }

    fn was_good(&self, now: Millis) -> bool {
        matches!(self.live, Live::Open(Some(since)) if now - since >= GOOD_STREAM_MS)
    }

    fn stream_ended(&mut self, now: Now) {
        self.live_failures = if self.was_good(now.at) { 1 } else { self.live_failures.saturating_add(1) };
        let wait = backoff::jittered(backoff::interval(self.live_failures), now.random, None);
        self.live = Live::Waiting(now.at + wait);
        self.want_page = true;
    }

    fn no_streams_here(&mut self, now: Millis) {
        self.live = Live::Closed;
        self.poll_until = Some(now + POLL_FOR_MS);
        self.want_page = true;
    }

    /// Other scopes: the next page says `reset`.
    fn saw_scopes(&mut self, scopes_rev: i64) {
        self.want_page |= self.scopes_rev.is_some_and(|before| before != scopes_rev);
        self.scopes_rev = Some(scopes_rev);
    }

    /// What can start now starts; the timer is set for what can start later.
    fn go_on(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.mind_stream(now.at, out);
        if self.paused.is_some() || !self.up || self.refreshing {
            return;
        }
        if self.gate() <= now.at {
            if self.epoch.is_none() {
                if self.flight.is_none() {
                    let exchange = self.exchange();
                    self.flight = Some(Flight::Me(exchange));
                    out.push(Effect::AskMe(exchange));
                }
            } else {
                self.go_on_building(now, out);
                self.go_on_talking(now, out);
            }
        }
        let due = self.next_due(now.at);
        self.set_timer(due, out);
    }

    fn mind_stream(&mut self, now: Millis, out: &mut Vec<Effect>) {
        if self.poll_until.is_some_and(|until| until <= now) {
            self.poll_until = None;
        }
        let wanted = self.foreground
            && self.up
            && self.paused.is_none()
            && !self.refreshing
            && self.epoch.is_some()
            && self.poll_until.is_none();
        match (wanted, self.live) {
            (true, Live::Closed) => {
                self.live = Live::Open(None);
                out.push(Effect::OpenLive);
            }
            (true, Live::Waiting(until)) if until <= now => {
                self.live = Live::Open(None);
                out.push(Effect::OpenLive);
            }
            (false, Live::Open(_)) => {
                self.live = Live::Closed;
                out.push(Effect::CloseLive);
            }
            _ => {}
        }
    }

    fn go_on_talking(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(epoch) = self.epoch else { return };
        let waiting = match self.flight {
            None => None,
            Some(Flight::Pull { exchange, waiting: true }) => Some(exchange),
            Some(_) => return,
        };
        let can_pull = self.cache == Cache::Whole;
        let probe = can_pull && std::mem::take(&mut self.probe);
        let ops = if probe { Vec::new() } else { queue::pick(&self.ops, &mut self.suspects, now.at) };
        let looks = self.foreground && self.look_at <= now.at && !matches!(self.live, Live::Open(Some(_)));
        let polls = self.foreground && self.poll_until.is_some();
        let pulls = can_pull && (self.wants_page() || looks || probe);
        if ops.is_empty() && !pulls && (!polls || !can_pull || waiting.is_some()) {
            return;
        }
        if let Some(exchange) = waiting {
            out.push(Effect::Cancel(exchange));
        }
        let exchange = self.exchange();
        if can_pull {
            self.asks_page();
            self.look_at = now.at + LOOK_EVERY_MS;
        }
        if ops.is_empty() {
            let waiting = !pulls;
            let at_least = self.at_least.take();
            let wait_s = wait_s(waiting, at_least);
            self.flight = Some(Flight::Pull { exchange, waiting });
            out.push(Effect::Pull { exchange, wait_s, at_least });
        } else {
            for op in &ops {
                if let Some(queued) = self.op_mut(*op) {
                    queued.starts = queued.starts.saturating_add(1);
                }
            }
            self.flight = Some(Flight::Push { exchange, ops: ops.clone(), epoch, with_cursor: can_pull });
            out.push(Effect::Push { exchange, epoch, ops, with_cursor: can_pull });
        }
    }

    /// The next time at which something can start that could not now.
    fn next_due(&self, now: Millis) -> Option<Millis> {
        let gate = self.gate();
        let mut dues = Vec::new();
        let talks = matches!(
            self.flight,
            Some(Flight::Push { .. } | Flight::Pull { waiting: false, .. } | Flight::Me(_))
        );
        if !talks {
            if self.epoch.is_none() || (self.wants_page() && self.cache == Cache::Whole) {
                dues.push(gate);
            }
            dues.extend(queue::next_time(&self.ops).map(|time| time.max(gate)));
            if self.foreground && self.cache == Cache::Whole && !matches!(self.live, Live::Open(Some(_))) {
                dues.push(self.look_at.max(gate));
            }
        }
        if let Cache::Build(build) = self.cache
            && self.build_flight.is_none()
            && !build.finishing
            && build.phase != BuildPhase::Finish
        {
            dues.push(build.not_before.max(gate));
        }
        if let Live::Waiting(until) = self.live
            && self.foreground
            && self.poll_until.is_none()
        {
            dues.push(until);
        }
        dues.extend(self.poll_until.filter(|_| self.foreground));
        // What is due already waits for an answer, not for the clock.
        dues.into_iter().filter(|due| *due > now).min()
    }
}

fn wait_s(waiting: bool, at_least: Option<AtLeast>) -> u64 {
    match (waiting, at_least) {
        (true, _) => POLL_WAIT_S,
        (false, Some(_)) => PUSH_WAIT_S,
        (false, None) => 0,
    }
}
