//! A fake phone around the real machine, under virtual time, and the road to its desk: enough to lose, double and
//! delay everything that can be. The phone's store is a list; a crash keeps it and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    ids::{EntityId, Epoch, OpId},
    sync::ResetReason,
};

use super::desk::{Cursor, Desk, Dice, Page, Reply};
use crate::{
    outbox::{
        Applied, MadeOn, OpState, OwnChange, StoredOp, Wake,
        lane::prev_of,
        overlay::CacheFacts,
        plan::{Target, settle_wish},
        testing::{Ops, with_maker},
    },
    sync::{
        Answer, BuildFacts, BuildPhase, CacheStatus, Effect, Exchange, Failure, Input, Now, QueuedOp, Signal,
        Start, State,
    },
};

/// A cache file.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    name: u32,
    stands_on: Option<(Epoch, i64)>,
    at: usize,
    pub(super) rows: BTreeMap<EntityId, i64>,
    last_frame: bool,
    whole: bool,
    complete_asked_at: i64,
}

impl File {
    fn cursor(&self) -> Option<Cursor> {
        Some(Cursor { file: self.name, at: self.at, stands_on: self.stands_on? })
    }

    fn apply(&mut self, page: &Page, asked: Cursor, asked_at: i64) {
        if self.cursor() != Some(asked) || self.stands_on != Some(page.stands_on) {
            return;
        }
        for (id, v) in &page.items {
            match v {
                Some(v) => drop(self.rows.insert(*id, *v)),
                None => drop(self.rows.remove(id)),
            }
        }
        self.at = page.next;
        if page.complete {
            self.complete_asked_at = asked_at;
        }
    }

    pub(super) fn facts(&self) -> CacheFacts {
        CacheFacts {
            epoch: self.stands_on.map(|(epoch, _)| epoch),
            complete_asked_at: self.complete_asked_at,
        }
    }
}

/// What the network does to the next requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Road {
    pub(super) lose_request: bool,
    pub(super) lose_answer: bool,
}

pub(super) struct Phone {
    pub(super) state: State,
    pub(super) ops: Ops,
    pub(super) own: Vec<StoredOp>,
    pub(super) drafts: Vec<String>,
    verdicts: i64,
    pub(super) epoch: Option<Epoch>,
    pub(super) active: Option<File>,
    pub(super) building: Option<File>,
    files: u32,
    stores: BTreeSet<Exchange>,
    waits: Vec<(i64, Exchange, Reply)>,
    pages: BTreeMap<Exchange, (Answer, Option<Page>, Option<Cursor>)>,
    cursors: BTreeMap<Exchange, (Option<Cursor>, i64)>,
    timer: Option<i64>,
    pub(super) now: i64,
    pub(super) dice: Dice,
    pub(super) road: Road,
    pub(super) alarms: Vec<ResetReason>,
    pub(super) refreshes: usize,
    /// Dies before carrying out the n-th effect from now.
    pub(super) dies_in: Option<usize>,
    pub(super) delay_frames: i64,
}

impl Phone {
    pub(super) fn new(seed: u64) -> Self {
        let ops = Ops::default();
        Self {
            state: State::default(),
            now: ops.now,
            ops,
            own: Vec::new(),
            drafts: Vec::new(),
            verdicts: 0,
            epoch: None,
            active: None,
            building: None,
            files: 0,
            stores: BTreeSet::new(),
            waits: Vec::new(),
            pages: BTreeMap::new(),
            cursors: BTreeMap::new(),
            timer: None,
            dice: Dice(seed),
            road: Road::default(),
            alarms: Vec::new(),
            refreshes: 0,
            dies_in: None,
            delay_frames: 100,
        }
    }

    pub(super) fn start(&mut self, desk: &mut Desk) {
        self.state = State::default();
        self.waits.clear();
        self.pages.clear();
        self.stores.clear();
        self.timer = None;
        let building = self.building.as_ref().map(|file| BuildFacts {
            active: self.active.is_none(),
            stands_on: file.stands_on,
            phase: if file.last_frame { BuildPhase::Delta } else { BuildPhase::Frames },
        });
        let cache = match (building, &self.active) {
            (Some(facts), _) => CacheStatus::Building(facts),
            (None, Some(_)) => CacheStatus::Whole,
            (None, None) => CacheStatus::Missing,
        };
        let complete_asked_at = self.active.as_ref().map_or(0, |file| file.complete_asked_at);
        let start = Start {
            ops: self.queue(),
            epoch: self.epoch,
            paused: None,
            cache,
            complete_asked_at,
            restore_window_ms: None,
        };
        self.step(Input::Started(start), desk);
    }

    pub(super) fn crash(&mut self, desk: &mut Desk) {
        self.dies_in = None;
        self.start(desk);
    }

    fn queue(&self) -> Vec<QueuedOp> {
        self.own.iter().filter_map(QueuedOp::of).collect()
    }

    pub(super) fn write(&mut self, op: StoredOp, desk: &mut Desk) -> OpId {
        let id = op.op;
        self.own.push(op);
        let input = Input::Ops(self.queue());
        self.step(input, desk);
        id
    }

    pub(super) fn op(&self, id: OpId) -> &StoredOp {
        self.own.iter().find(|op| op.op == id).expect("the op is kept")
    }

    pub(super) fn signal(&mut self, signal: Signal, desk: &mut Desk) {
        self.step(Input::Signal(signal), desk);
    }

    pub(super) fn step(&mut self, input: Input, desk: &mut Desk) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let now = Now { at: self.now, random: self.dice.roll() };
            let effects = self.state.step(inputs.remove(0), now);
            for effect in effects {
                if let Some(left) = &mut self.dies_in {
                    if *left == 0 {
                        self.crash(desk);
                        return;
                    }
                    *left -= 1;
                }
                self.carry_out(effect, desk, &mut inputs);
            }
            self.every_unfinished_op_has_a_way_on();
        }
    }

    /// Property 11: whatever is not final is under way, has a time, or waits for somebody.
    fn every_unfinished_op_has_a_way_on(&self) {
        let waits_for_somebody = self.state.paused.is_some() || !self.state.up || self.state.refreshing;
        let live = self.state.ops.iter().any(|op| !op.rejected && op.known);
        let blocked_by_person = crate::sync::queue::next_time(&self.state.ops).is_none();
        let moves = self.timer.is_some() || self.state.flight.is_some() || self.state.build_flight.is_some();
        assert!(
            !self.state.started || waits_for_somebody || !live || blocked_by_person || moves,
            "nothing would wake it"
        );
    }

    fn send(&mut self, exchange: Exchange, desk: &mut Desk, serve: impl FnOnce(&mut Desk) -> Reply) {
        desk.requests += 1;
        let delay = 20 + i64::from(self.dice.roll() % 200);
        let late = self.now + 30_000;
        if self.road.lose_request {
            self.waits.push((late, exchange, Reply::Failed(Failure::Broken)));
            return;
        }
        let reply = match desk.failing {
            Some(failure) => Reply::Failed(failure),
            None => serve(desk),
        };
        if self.road.lose_answer {
            self.waits.push((late, exchange, Reply::Failed(Failure::Broken)));
        } else {
            self.waits.push((self.now + delay, exchange, reply));
        }
    }

    fn carry_out(&mut self, effect: Effect, desk: &mut Desk, inputs: &mut Vec<Input>) {
        match effect {
            Effect::Record(changes) => changes.into_iter().for_each(|change| self.apply(change)),
            Effect::SettleWishes(ids) => {
                for id in ids {
                    let Some(op) = self.own.iter().find(|op| op.op == id).cloned() else { continue };
                    let all = self.own.clone();
                    let cache = self.active.as_ref().map(File::facts).unwrap_or_default();
                    let target = Target { op: Some(&op), ops: &all, ticket: None, comment: None, cache };
                    let plan = with_maker(&mut self.ops, |maker| settle_wish(target, maker));
                    plan.into_iter().flat_map(|plan| plan.changes).for_each(|change| self.apply(change));
                }
                inputs.push(Input::Ops(self.queue()));
            }
            Effect::ReloadOps => inputs.push(Input::Ops(self.queue())),
            Effect::AskMe(exchange) => self.send(exchange, desk, |desk| Reply::Me(desk.epoch)),
            Effect::Push { exchange, epoch, ops, with_cursor } => {
                self.apply(OwnChange::CountStarts { ops: ops.clone() });
                let made = MadeOn { boot: "a".into(), monotonic: 9_000 };
                let live =
                    ops.iter().filter_map(|id| self.own.iter().find(|op| op.op == *id && op.is_live()));
                let wire: Vec<_> = live.map(|op| op.to_wire(prev_of(op, &self.own), &made)).collect();
                let cursor = self.active.as_ref().filter(|_| with_cursor).and_then(File::cursor);
                let asked_at = self.verdicts;
                self.cursors.insert(exchange, (cursor, asked_at));
                desk.pushes.push(ops.clone());
                let poisoned = ops.iter().any(|op| desk.poison.contains(op));
                self.send(exchange, desk, |desk| {
                    if poisoned {
                        Reply::Failed(Failure::Server)
                    } else {
                        desk.answer(&wire, Some(epoch), cursor, asked_at)
                    }
                });
            }
            Effect::Pull { exchange, .. } => {
                let cursor = self.active.as_ref().and_then(File::cursor);
                let asked_at = self.verdicts;
                self.cursors.insert(exchange, (cursor, asked_at));
                self.send(exchange, desk, |desk| desk.answer(&[], None, cursor, asked_at));
            }
            Effect::PullBuild(exchange) => {
                let cursor = self.building.as_ref().and_then(File::cursor);
                let asked_at = self.verdicts;
                self.cursors.insert(exchange, (cursor, asked_at));
                self.send(exchange, desk, |desk| desk.answer(&[], None, cursor, asked_at));
            }
            Effect::ApplyPage(exchange) | Effect::ApplyBuildPage(exchange) => {
                let builds = matches!(effect, Effect::ApplyBuildPage(_));
                let file = if builds { &mut self.building } else { &mut self.active };
                if let (Some(file), Some((answer, Some(page), Some(asked)))) =
                    (file, self.pages.remove(&exchange))
                {
                    // Read after the ops of its own answer took effect.
                    let known = if answer.verdicts.is_empty() { answer.asked_at } else { self.verdicts };
                    file.apply(&page, asked, known);
                }
            }
            Effect::Cancel(exchange) => self.waits.retain(|(_, other, _)| *other != exchange),
            Effect::NewBuild { active } => {
                self.files += 1;
                self.building = Some(File { name: self.files, ..File::default() });
                if active {
                    self.active = None;
                }
            }
            Effect::Frames(exchange) => {
                self.send(exchange, desk, |desk| {
                    Reply::FramesBegan(desk.epoch, desk.scopes_rev, desk.journal.len())
                });
            }
            Effect::StoreFrames(exchange) => drop(self.stores.insert(exchange)),
            Effect::FinishBuild => {
                let mut file = self.building.take().expect("a file is being built");
                file.whole = true;
                let complete_asked_at = file.complete_asked_at;
                self.active = Some(file);
                inputs.push(Input::BuildFinished { complete_asked_at });
            }
            Effect::Refresh => {
                self.refreshes += 1;
                desk.failing = None;
                inputs.push(Input::Refreshed(crate::sync::RefreshOutcome::Ok));
            }
            Effect::SetTimer(due) => self.timer = Some(due),
            Effect::Alarm(reason) => self.alarms.push(reason),
            Effect::Paused(_) | Effect::OpenLive | Effect::CloseLive => {}
        }
    }

    /// What a store does with each change; its documentation in code.
    pub(super) fn apply(&mut self, change: OwnChange) {
        let verdicts = &mut self.verdicts;
        let own = &mut self.own;
        let mut each = |ids: &[OpId], run: &mut dyn FnMut(&mut StoredOp)| {
            own.iter_mut().filter(|op| ids.contains(&op.op)).for_each(run);
        };
        match change {
            OwnChange::AddOp(mut op) => {
                self.ops.n += 1;
                op.n = self.ops.n;
                own.push(*op);
            }
            OwnChange::ReplaceOp { old, new } => {
                own.retain(|op| op.op != old);
                own.push(*new);
            }
            OwnChange::RemoveOp { op: id } => own.retain(|op| op.op != id),
            OwnChange::AddDraft(draft) => self.drafts.push(format!("{}{}", draft.subject, draft.text)),
            OwnChange::CountStarts { ops } => each(&ops, &mut |op| op.starts += 1),
            OwnChange::Applied { op: id, epoch, v, number, receipt, ack, merged_into, seen_at } => {
                *verdicts += 1;
                let verdict_no = *verdicts;
                each(&[id], &mut |op| {
                    assert!(op.is_live(), "a verdict for what is final");
                    let (number, receipt, ack) = (number.clone(), receipt.clone(), ack.clone());
                    op.state = OpState::Applied(Applied {
                        epoch,
                        v,
                        number,
                        receipt,
                        ack,
                        merged_into,
                        verdict_no,
                        seen_at,
                    });
                });
            }
            OwnChange::Rejected { op: id, rejected } => {
                *verdicts += 1;
                each(&[id], &mut |op| op.state = OpState::Rejected(rejected.clone()));
            }
            OwnChange::Blocked { op: id, on } => each(&[id], &mut |op| op.blocked = on),
            OwnChange::Failure { ops, why } => each(&ops, &mut |op| op.last_failure = why),
            OwnChange::AloneFailures { op: id, count } => each(&[id], &mut |op| op.alone_failures = count),
            OwnChange::SetWake { ops, wake } => each(&ops, &mut |op| op.wake = wake),
            OwnChange::SetWish { op: id, wish } => each(&[id], &mut |op| op.wish = wish.clone()),
            OwnChange::EpochIs { epoch, now } => {
                assert!(self.epoch.is_none_or(|known| known < epoch), "an epoch never goes back");
                self.epoch = Some(epoch);
                own.iter_mut().for_each(|op| save_again(op, now, Some(epoch)));
            }
            OwnChange::SaveKeptAgain { now } => own.iter_mut().for_each(|op| save_again(op, now, None)),
            OwnChange::DropKept { epoch, until, hidden_to } => own.retain(|op| {
                !matches!(&op.state, OpState::Applied(applied)
                    if applied.epoch == epoch && applied.seen_at <= until && applied.verdict_no <= hidden_to)
            }),
            OwnChange::Purge { entity } => own.retain(|op| op.entity != entity),
            OwnChange::StopUpload { .. } => {}
        }
    }

    /// Lets time pass, event by event.
    pub(super) fn run(&mut self, ms: i64, desk: &mut Desk) {
        let end = self.now + ms;
        loop {
            let answer = self.waits.iter().map(|(at, ..)| *at).min();
            let Some(next) = answer.into_iter().chain(self.timer).min().filter(|at| *at <= end) else {
                break;
            };
            desk.now += (next - self.now).max(0);
            self.now = self.now.max(next);
            self.ops.now = self.now;
            if answer == Some(next) {
                let place = self.waits.iter().position(|(at, ..)| *at == next).expect("it is the earliest");
                let (_, exchange, reply) = self.waits.remove(place);
                self.deliver(exchange, reply, desk);
            } else {
                self.timer = None;
                self.step(Input::Timer, desk);
            }
        }
        desk.now += end - self.now;
        self.now = end;
        self.ops.now = end;
    }

    fn deliver(&mut self, exchange: Exchange, reply: Reply, desk: &mut Desk) {
        match reply {
            Reply::Me(epoch) => {
                self.step(Input::Me { exchange, epoch, restore_window_ms: 1_000_000 }, desk);
            }
            Reply::Failed(failure) => self.step(Input::Failed { exchange, failure }, desk),
            Reply::Answer(answer, page) => {
                let (cursor, _) = self.cursors.remove(&exchange).unwrap_or_default();
                self.pages.insert(exchange, (answer.clone(), page, cursor));
                self.step(Input::Answered { exchange, answer }, desk);
            }
            Reply::FramesBegan(epoch, scopes_rev, head) => {
                self.step(Input::FramesBegan { exchange, epoch, scopes_rev }, desk);
                if !self.stores.contains(&exchange) {
                    return;
                }
                let file = self.building.as_mut().expect("a file is being built");
                if file.stands_on.is_none() {
                    (file.stands_on, file.at) = (Some((epoch, scopes_rev)), head);
                }
                self.next_frame(exchange, desk);
            }
            Reply::Frame(rows, last) => {
                if !self.stores.contains(&exchange) {
                    return;
                }
                let file = self.building.as_mut().expect("a file is being built");
                file.rows.extend(rows);
                file.last_frame = last;
                self.step(Input::FrameStored { exchange, last }, desk);
                if !last && self.stores.contains(&exchange) {
                    self.next_frame(exchange, desk);
                }
            }
        }
    }

    /// Two rows a frame, from the greatest id down, read at this moment.
    fn next_frame(&mut self, exchange: Exchange, desk: &Desk) {
        let file = self.building.as_ref().expect("a file is being built");
        let key = file.rows.keys().next().copied();
        let rest: Vec<_> = desk
            .rows
            .iter()
            .rev()
            .filter(|(id, _)| key.is_none_or(|key| **id < key))
            .filter_map(|(id, v)| Some((*id, (*v)?)))
            .collect();
        let last = rest.len() <= 2;
        let rows = rest.into_iter().take(2).collect();
        let reply = if file.stands_on.map(|(epoch, _)| epoch) == Some(desk.epoch) {
            Reply::Frame(rows, last)
        } else {
            Reply::Failed(Failure::Broken)
        };
        self.waits.push((self.now + self.delay_frames, exchange, reply));
    }
}

fn save_again(op: &mut StoredOp, now: i64, unless: Option<Epoch>) {
    if let OpState::Applied(applied) = &op.state
        && unless != Some(applied.epoch)
    {
        op.receipt = Some(applied.receipt.clone());
        op.state = OpState::Live;
        op.wake = Wake::at_once(now);
        op.blocked = None;
        op.alone_failures = 0;
    }
}
