//! Building a cache file anew beside the old one: frames, then the delta, then the switch (3-sync "Reset").

use pocketdesk_protocol::{Millis, ids::Epoch};

use super::{
    Answer, BuildPhase, Effect, Exchange, Now, State, backoff,
    state::{Build, Cache},
};

/// A change for many people at once is spread over so long, ms.
const SPREAD_MS: i64 = 5_000;

impl State {
    /// Another new file. The first one begins at once (or spread, where many begin); one that follows a build that
    /// came to nothing waits longer each time.
    pub(super) fn start_over(&mut self, now: Now, for_many: bool, out: &mut Vec<Effect>) {
        if let Some(exchange) = self.build_flight.take() {
            out.push(Effect::Cancel(exchange));
        }
        let active = matches!(self.cache, Cache::Build(build) if build.active);
        self.build_tries = self.build_tries.saturating_add(1);
        let wait = if self.build_tries > 1 {
            backoff::jittered(backoff::interval(self.build_tries - 1), now.random, None)
        } else if for_many {
            backoff::jittered(SPREAD_MS, now.random, None)
        } else {
            0
        };
        self.cache = Cache::Build(Build::new(active, now.at + wait));
        self.complete_asked_at = 0;
    }

    /// The server failed at the builder's request; what people write goes on meanwhile.
    pub(super) fn build_failed(&mut self, now: Now) {
        self.build_failures = self.build_failures.saturating_add(1);
        let wait = backoff::jittered(backoff::interval(self.build_failures), now.random, None);
        if let Cache::Build(build) = &mut self.cache {
            build.not_before = now.at + wait;
        }
    }

    pub(super) fn on_cache_damaged(&mut self, out: &mut Vec<Effect>) {
        if let Some(exchange) = self.build_flight.take() {
            out.push(Effect::Cancel(exchange));
        }
        self.cache = Cache::Build(Build::new(true, Millis::MIN));
        self.complete_asked_at = 0;
    }

    pub(super) fn go_on_building(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Cache::Build(mut build) = self.cache else { return };
        if self.build_flight.is_some() || build.finishing || build.not_before > now.at {
            return;
        }
        if !build.has_file {
            build.has_file = true;
            out.push(Effect::NewBuild { active: build.active });
        }
        match build.phase {
            BuildPhase::Frames => {
                let exchange = self.exchange();
                self.build_flight = Some(exchange);
                out.push(Effect::Frames(exchange));
            }
            BuildPhase::Delta => {
                let exchange = self.exchange();
                self.build_flight = Some(exchange);
                self.asks_page();
                out.push(Effect::PullBuild(exchange));
            }
            BuildPhase::Finish => {
                build.finishing = true;
                out.push(Effect::FinishBuild);
            }
        }
        self.cache = Cache::Build(build);
    }

    pub(super) fn on_frames_began(
        &mut self,
        exchange: Exchange,
        stands_on: (Epoch, i64),
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        if self.build_flight != Some(exchange) {
            return;
        }
        if self.knows_later_than(stands_on.0) {
            self.build_flight = None;
            out.push(Effect::Cancel(exchange));
            self.back_off(now.at, now.random, None);
            return;
        }
        self.note_epoch(stands_on.0, now, out);
        let Cache::Build(build) = &mut self.cache else { return };
        if self.build_flight != Some(exchange) {
            return;
        }
        if build.stands_on.is_some_and(|before| before != stands_on) {
            self.start_over(now, false, out);
            return;
        }
        build.stands_on = Some(stands_on);
        out.push(Effect::StoreFrames(exchange));
    }

    pub(super) fn on_frame_stored(&mut self, exchange: Exchange, last: bool, now: Millis) {
        if self.build_flight != Some(exchange) {
            return;
        }
        self.succeeded(now);
        self.build_failures = 0;
        if let Cache::Build(build) = &mut self.cache
            && last
        {
            build.phase = BuildPhase::Delta;
            self.build_flight = None;
        }
    }

    pub(super) fn on_build_answer(
        &mut self,
        exchange: Exchange,
        answer: &Answer,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        self.build_flight = None;
        if self.knows_later_than(answer.epoch) {
            self.back_off(now.at, now.random, None);
            return;
        }
        self.succeeded(now.at);
        self.build_failures = 0;
        self.note_epoch(answer.epoch, now, out);
        let Cache::Build(build) = &mut self.cache else { return };
        if build.stands_on.is_none_or(|(epoch, _)| epoch != answer.epoch) {
            // A process that ended between learning the epoch and beginning anew left a file of the old one.
            if build.has_file {
                self.start_over(now, false, out);
            }
            return;
        }
        if let Some(reason) = answer.reset {
            self.reset(reason, now, out);
        } else if answer.page {
            out.push(Effect::ApplyBuildPage(exchange));
            if answer.complete {
                build.phase = BuildPhase::Finish;
            }
            self.saw_heads(&answer.heads);
        } else {
            self.back_off(now.at, now.random, None);
        }
    }

    pub(super) fn on_build_finished(&mut self, complete_asked_at: i64, now: Millis) {
        if matches!(self.cache, Cache::Build(build) if build.finishing) {
            self.cache = Cache::Whole;
            self.complete_asked_at = complete_asked_at;
            self.succeeded(now);
        }
    }
}
