//! The one thread that owns the model. It takes the most urgent job from the table, does it without the lock, and puts
//! the words back; whoever cancelled meanwhile finds nothing left of it.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use pocketdesk_domain::dictation::SpokenSegment;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Shared, Table, Take,
    decoder::{Decoder, Halt, Tongue},
    ear::Clip,
    guard::Stop,
    words::agreed,
};
use crate::voice::{VoiceError, VoiceEvent};

/// Speech before the first partial of a segment, and at least between two of them, in samples: 1.5 s.
const PARTIAL_EVERY: u64 = 24_000;
/// A partial is followed by so many times the time it took: a slow phone has fewer of them, and keeps up.
const PARTIAL_REST: u64 = 3;

/// What to do next.
enum Job {
    Load,
    Unload,
    Quit,
    /// A closed segment of a take.
    Segment(Work),
    /// A take's open segment so far.
    Partial(Work),
    /// A take is heard to its end.
    Finish,
}

/// A clip, and whose it is.
struct Work {
    id: u64,
    clip: Clip,
    tongue: Tongue,
    stop: Arc<Stop>,
    /// Held until the decode has stopped: the take's events end no earlier.
    _events: UnboundedSender<VoiceEvent>,
}

/// Works until the recogniser is dropped.
pub(super) fn run(shared: &Shared) {
    let _last_words = LastWords(shared);
    let mut decoder: Option<Decoder> = None;
    loop {
        match next(shared, decoder.is_some()) {
            Job::Quit => return,
            Job::Unload => decoder = None,
            Job::Load => match (shared.weights)()
                .and_then(|weights| Decoder::load(&weights, shared.settings.threads))
            {
                Ok(loaded) => decoder = Some(loaded),
                Err(why) => fail(shared, None, why),
            },
            Job::Finish => finish(shared),
            Job::Segment(work) => {
                if let Some(decoder) = &mut decoder {
                    segment(shared, decoder, work);
                }
            }
            Job::Partial(work) => {
                if let Some(decoder) = &mut decoder {
                    partial(shared, decoder, work);
                }
            }
        }
    }
}

/// Waits for something to do.
fn next(shared: &Shared, loaded: bool) -> Job {
    let mut table = shared.lock();
    loop {
        if table.quit {
            return Job::Quit;
        }
        let Table { take, unload, .. } = &mut *table;
        match take {
            None if loaded && std::mem::take(unload) => return Job::Unload,
            None => {
                *unload = false;
                if loaded {
                    let idle = Duration::from_millis(shared.settings.idle_ms);
                    let (woken, waited) =
                        shared.wake.wait_timeout(table, idle).unwrap_or_else(PoisonError::into_inner);
                    table = woken;
                    if waited.timed_out() && table.take.is_none() {
                        return Job::Unload;
                    }
                    continue;
                }
            }
            Some(_) if !loaded => return Job::Load,
            Some(take) => {
                if let Some(job) = take.job() {
                    return job;
                }
            }
        }
        table = shared.wake.wait(table).unwrap_or_else(PoisonError::into_inner);
    }
}

impl Take {
    fn job(&mut self) -> Option<Job> {
        if let Some(clip) = self.ear.pop() {
            return Some(Job::Segment(self.work(clip)));
        }
        if self.ended {
            return Some(Job::Finish);
        }
        if self.partial_due == 0 {
            self.partial_due = PARTIAL_EVERY;
        }
        if !self.partial_is_due() {
            return None;
        }
        let clip = self.ear.open_clip()?;
        self.stop.preempt(false);
        Some(Job::Partial(self.work(clip)))
    }

    fn work(&self, clip: Clip) -> Work {
        Work { id: self.id, clip, tongue: self.tongue, stop: self.stop.clone(), _events: self.events.clone() }
    }

    fn tell(&self, event: VoiceEvent) {
        // Nobody may listen any more; that is theirs to decide.
        let _ = self.events.send(event);
    }
}

fn segment(shared: &Shared, decoder: &mut Decoder, mut work: Work) {
    shared.room.notify_waiters();
    let heard = decoder.segment(&work.clip, &mut work.tongue, &work.stop);
    match heard {
        Err(Halt::Stopped) => {}
        Err(Halt::Failed(why)) => fail(shared, Some(work.id), why),
        Ok(heard) => {
            shared.with(work.id, |take| take.hears(heard, work.tongue));
        }
    }
}

fn partial(shared: &Shared, decoder: &mut Decoder, mut work: Work) {
    let began = shared.clock.monotonic();
    let heard = decoder.partial(&work.clip, &mut work.tongue, &work.stop);
    let took = shared.clock.monotonic().saturating_sub(began);
    let length = work.clip.sound.len() as u64;
    match heard {
        Err(Halt::Stopped) => {}
        Err(Halt::Failed(why)) => fail(shared, Some(work.id), why),
        Ok(heard) => {
            shared.with(work.id, |take| {
                take.tongue = work.tongue;
                take.partial_due = length + (took * 16 * PARTIAL_REST).max(PARTIAL_EVERY);
                take.says_so_far(work.clip.from, heard);
            });
        }
    }
}

impl Take {
    /// A segment was decoded.
    fn hears(&mut self, heard: Option<SpokenSegment>, tongue: Tongue) {
        self.tongue = tongue;
        self.partial_due = PARTIAL_EVERY;
        self.partial = None;
        if let Some(segment) = heard {
            self.heard.push(segment.clone());
            self.tell(VoiceEvent::Segment(segment));
        }
    }

    /// A partial was decoded; it may have been overtaken by its segment.
    fn says_so_far(&mut self, from: u64, heard: Option<String>) {
        let Some(heard) = heard.filter(|heard| !heard.is_empty()) else { return };
        if self.ear.open().is_none_or(|(open, _)| open != from) {
            return;
        }
        let before = self.partial.replace((from, heard.clone()));
        let before = before.filter(|(segment, _)| *segment == from).map(|(_, text)| text).unwrap_or_default();
        let (stable, tentative) = agreed(&before, &heard);
        self.tell(VoiceEvent::Partial { start_ms: super::ear::ms(from), stable, tentative });
    }
}

fn finish(shared: &Shared) {
    let mut table = shared.lock();
    let Some(mut take) = table.take.take() else { return };
    if take.tongue.sure {
        table.language = Some(take.tongue.language);
    }
    drop(table);
    let transcript = take.transcript();
    take.tell(VoiceEvent::Done(transcript));
}

/// Ends a take, or whichever there is.
fn fail(shared: &Shared, id: Option<u64>, why: VoiceError) {
    tracing::warn!(%why, "voice: a recording could not be transcribed");
    let take = shared.lock().take.take_if(|take| id.is_none_or(|id| id == take.id));
    if let Some(take) = take {
        take.tell(VoiceEvent::Failed(why));
    }
    shared.room.notify_waiters();
}

/// Says that the worker is gone when it panics: neither this recording nor the next must wait for ever.
struct LastWords<'a>(&'a Shared);

impl Drop for LastWords<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().works = false;
            fail(self.0, None, VoiceError::Decode { reason: "it met a bug".into() });
        }
    }
}
