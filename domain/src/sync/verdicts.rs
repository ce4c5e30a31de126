//! An answer of a push or pull: verdicts first, then what its page is good for.

use pocketdesk_protocol::{
    Millis,
    ids::OpId,
    sync::{BlockedOn, OpVerdict, ResetReason, Verdict},
};

use super::{
    Answer, Effect, Exchange, Now, State,
    answer::{Became, became},
    backoff,
    state::{Cache, Flight},
};
use crate::{
    model::RetryReason,
    outbox::{OwnChange, Wake},
};

/// How often kept ops are looked at for their window's end, ms of server time.
const LOOK_FOR_KEPT_MS: i64 = 3_600_000;

fn is_applied(verdict: &OpVerdict) -> bool {
    matches!(verdict.verdict, Verdict::Applied { .. })
}

impl State {
    pub(super) fn on_answer(&mut self, exchange: Exchange, answer: &Answer, now: Now, out: &mut Vec<Effect>) {
        if self.build_flight == Some(exchange) {
            self.on_build_answer(exchange, answer, now, out);
            return;
        }
        if self.flight.as_ref().is_none_or(|flight| flight.exchange() != exchange) {
            return;
        }
        let Some(flight) = self.flight.take() else { return };
        let (pushed, with_cursor) = match &flight {
            Flight::Push { ops, epoch, with_cursor, .. } => (Some((ops.as_slice(), *epoch)), *with_cursor),
            Flight::Pull { .. } => (None, true),
            Flight::Me(_) => (None, false),
        };
        if self.knows_later_than(answer.epoch) {
            // From before a restore: not a word of it is looked at.
            self.want_page |= with_cursor;
            self.back_off(now.at, now.random, None);
            if let Some((ops, _)) = pushed {
                let mut changes = Vec::new();
                let wake = Wake { interval_ms: backoff::interval(self.failures), due: self.gate() };
                self.set_wake(ops, wake, now.at, &mut changes);
                out.push(Effect::Record(changes));
            }
            return;
        }
        self.succeeded(now.at);
        let mut wished = Vec::new();
        if let Some((ops, epoch)) = pushed {
            let mut changes = Vec::new();
            if epoch == answer.epoch {
                wished = self.take_verdicts(ops, answer, now, &mut changes);
                // Whether what was applied needs to be shown any longer is for a complete page to say that the server
                // read after it: this answer's, or the next.
                let read_after = with_cursor && self.cache == Cache::Whole && answer.page && answer.complete;
                self.want_page |= !read_after && answer.verdicts.iter().any(is_applied);
            } else {
                // No op was looked at: they go again under the new epoch.
                self.set_wake(ops, Wake::at_once(now.at), now.at, &mut changes);
            }
            if !changes.is_empty() {
                out.push(Effect::Record(changes));
            }
        }
        self.look_for_kept(answer, out);
        if !wished.is_empty() {
            out.push(Effect::SettleWishes(wished));
        }
        self.note_epoch(answer.epoch, now, out);
        if with_cursor && self.cache == Cache::Whole {
            self.take_page(exchange, answer, now, out);
        }
    }

    fn take_page(&mut self, exchange: Exchange, answer: &Answer, now: Now, out: &mut Vec<Effect>) {
        if let Some(reason) = answer.reset {
            self.reset(reason, now, out);
        } else if answer.page {
            out.push(Effect::ApplyPage(exchange));
            self.saw_heads(&answer.heads);
            if answer.complete {
                self.complete_asked_at = self.complete_asked_at.max(answer.asked_at);
                self.build_tries = 0;
            } else {
                self.want_page = true;
            }
        } else {
            self.want_page = true;
            self.back_off(now.at, now.random, None);
        }
    }

    /// Begins the cache anew. Another history at the cursor's place is an operator's accident: kept ops are sent
    /// again, because replay is harmless and a loss is not.
    pub(super) fn reset(&mut self, reason: ResetReason, now: Now, out: &mut Vec<Effect>) {
        if matches!(reason, ResetReason::Tag | ResetReason::Ahead) {
            out.push(Effect::Record(vec![OwnChange::SaveKeptAgain { now: now.at }]));
            out.push(Effect::ReloadOps);
            out.push(Effect::Alarm(reason));
        }
        let for_many = matches!(reason, ResetReason::Scopes | ResetReason::Epoch);
        self.forget_heads();
        self.start_over(now, for_many, out);
    }

    /// Takes every verdict; gives the ops whose wishes can be asked again.
    fn take_verdicts(
        &mut self,
        ops: &[OpId],
        answer: &Answer,
        now: Now,
        changes: &mut Vec<OwnChange>,
    ) -> Vec<OpId> {
        let mut wished = Vec::new();
        for op in ops {
            let Some(place) = self.ops.iter().position(|queued| queued.op == *op) else { continue };
            let Some(verdict) = answer.verdicts.iter().find(|verdict| verdict.op == *op) else {
                let wake = self.next_wake(place, now, None);
                self.set_wake(&[*op], wake, now.at, changes);
                continue;
            };
            if self.ops[place].rejected {
                continue;
            }
            match became(*op, &verdict.verdict, answer.epoch, answer.server_time) {
                Became::Applied(change) => {
                    changes.push(change);
                    let queued = self.ops.remove(place);
                    self.unblock(&queued, now.at, changes);
                    wished.extend(queued.has_wish.then_some(*op));
                    self.alone_marks.remove(op);
                }
                Became::Erased(change) => {
                    changes.push(change);
                    let queued = self.ops.remove(place);
                    self.unblock(&queued, now.at, changes);
                    self.alone_marks.remove(op);
                }
                Became::Rejected(change) => {
                    changes.push(change);
                    let queued = &mut self.ops[place];
                    queued.rejected = true;
                    queued.blocked = None;
                    queued.alone_failures = 0;
                    wished.extend(queued.has_wish.then_some(*op));
                    self.alone_marks.remove(op);
                    if !self.ops[place].lane.needs_applied() {
                        let queued = self.ops[place].clone();
                        self.unblock(&queued, now.at, changes);
                    }
                }
                Became::Retry(after_ms) => {
                    self.can_be_taken(place, changes);
                    let wake = self.next_wake(place, now, Some(after_ms));
                    changes.push(OwnChange::Failure { ops: vec![*op], why: Some(RetryReason::Busy) });
                    self.set_wake(&[*op], wake, now.at, changes);
                }
                Became::Blocked(on) => self.blocked(place, on, now, changes),
            }
        }
        wished
    }

    /// The server spoke of this very op: it is none that it cannot take.
    fn can_be_taken(&mut self, place: usize, changes: &mut Vec<OwnChange>) {
        let queued = &mut self.ops[place];
        if queued.alone_failures > 0 {
            queued.alone_failures = 0;
            changes.push(OwnChange::AloneFailures { op: queued.op, count: 0 });
        }
        self.alone_marks.remove(&self.ops[place].op);
    }

    fn blocked(&mut self, place: usize, on: BlockedOn, now: Now, changes: &mut Vec<OwnChange>) {
        self.can_be_taken(place, changes);
        let wake = self.next_wake(place, now, None);
        let queued = &mut self.ops[place];
        queued.blocked = Some(on);
        let op = queued.op;
        changes.push(OwnChange::Blocked { op, on: Some(on) });
        self.set_wake(&[op], wake, now.at, changes);
    }

    /// An op's own next try: its interval doubled.
    fn next_wake(&self, place: usize, now: Now, after_ms: Option<u64>) -> Wake {
        let before = self.ops[place].wake.interval_ms.clamp(backoff::FIRST_MS, backoff::CAP_MS);
        let interval_ms = before.saturating_mul(2).min(backoff::CAP_MS);
        let wait = backoff::jittered(interval_ms, now.random, after_ms);
        Wake { interval_ms: interval_ms.max(wait), due: now.at + wait }
    }

    /// Those that waited for a final verdict of `done` need wait no longer.
    fn unblock(&mut self, done: &super::QueuedOp, now: Millis, changes: &mut Vec<OwnChange>) {
        let waits = |op: &super::QueuedOp| op.blocked.is_some() && !op.rejected && op.ticket == done.ticket;
        for op in self.ops.iter_mut().filter(|op| waits(op)) {
            op.blocked = None;
            op.wake = Wake::at_once(now);
            changes.push(OwnChange::Blocked { op: op.op, on: None });
            changes.push(OwnChange::SetWake { ops: vec![op.op], wake: op.wake });
        }
    }

    fn look_for_kept(&mut self, answer: &Answer, out: &mut Vec<Effect>) {
        let soon = self.looked_for_kept.is_some_and(|last| answer.server_time - last < LOOK_FOR_KEPT_MS);
        if soon || self.epoch != Some(answer.epoch) {
            return;
        }
        self.looked_for_kept = Some(answer.server_time);
        let until = answer.server_time.saturating_sub(self.restore_window_ms);
        let hidden_to = self.complete_asked_at;
        out.push(Effect::Record(vec![OwnChange::DropKept { epoch: answer.epoch, until, hidden_to }]));
    }
}
