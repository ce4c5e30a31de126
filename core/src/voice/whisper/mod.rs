//! whisper.cpp behind the port: what the callers' threads do. They cut the sound ([`ear`]) and leave it, under one
//! lock, for the one thread that owns the model ([`worker`]); neither ever waits for the other's work.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use pocketdesk_domain::dictation::{SpokenSegment, Transcript};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use self::{
    decoder::Tongue,
    ear::{Ear, ms},
    guard::Stop,
};
use super::{Ask, FindWeights, Language, Listening, Transcriber, VoiceError, VoiceEvent, VoiceSettings};
use crate::env::{Clock, Env, Queue};

mod decoder;
mod ear;
mod gate;
mod guard;
mod words;
mod worker;

/// Speech that may wait before [`Listening::room`] makes a reader of files wait, ms.
const ROOM_MS: u64 = 60_000;
/// Speech that may wait before more of it is refused: 32 KB a second.
const MOST_MS: u64 = 600_000;

/// What callers and the worker share.
struct Shared {
    table: Mutex<Table>,
    /// Something for the worker.
    wake: Condvar,
    /// Some of the waiting speech was taken.
    room: Notify,
    settings: VoiceSettings,
    weights: FindWeights,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Table {
    take: Option<Take>,
    /// Takes so far.
    takes: u64,
    /// Whether the worker runs; a panic ends it, and the next take starts it anew.
    works: bool,
    unload: bool,
    quit: bool,
    /// The language of the last take: a good guess for the next.
    language: Option<Language>,
}

/// One recording.
struct Take {
    id: u64,
    ear: Ear,
    ended: bool,
    /// The person watches.
    partials: bool,
    /// What the open segment's length was at the last partial, and what it should be for the next, in samples.
    partial_due: u64,
    /// What the last partial said, and of which segment.
    partial: Option<(u64, String)>,
    tongue: Tongue,
    heard: Vec<SpokenSegment>,
    stop: Arc<Stop>,
    events: UnboundedSender<VoiceEvent>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        // What lies on the table is whole at every moment: a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The take of that id, if it is still wanted.
    fn with<T>(&self, id: u64, look: impl FnOnce(&mut Take) -> T) -> Option<T> {
        self.lock().take.as_mut().filter(|take| take.id == id).map(look)
    }
}

/// The recogniser. Its worker starts with the first recording and ends with it.
pub(super) struct Whisper {
    shared: Arc<Shared>,
    queue: Arc<dyn Queue>,
}

impl Whisper {
    pub(super) fn new(env: &Env, weights: FindWeights, settings: VoiceSettings) -> Self {
        let shared = Shared {
            table: Mutex::default(),
            wake: Condvar::new(),
            room: Notify::new(),
            settings,
            weights,
            clock: env.clock.clone(),
        };
        Self { shared: Arc::new(shared), queue: env.work.queue("pocketdesk-voice") }
    }
}

impl Transcriber for Whisper {
    fn start(&self, ask: Ask) -> Result<Arc<dyn Listening>, VoiceError> {
        let ear = Ear::new(ask)?;
        let (events, heard) = unbounded_channel();
        let stop = Arc::new(Stop::default());
        let mut table = self.shared.lock();
        if table.take.is_some() {
            return Err(VoiceError::Busy);
        }
        table.takes += 1;
        let id = table.takes;
        let guess = table.language.unwrap_or(Language::Russian);
        table.take = Some(Take {
            id,
            ear,
            ended: false,
            partials: ask.partials,
            partial_due: 0,
            partial: None,
            tongue: Tongue { language: ask.language.unwrap_or(guess), sure: ask.language.is_some() },
            heard: Vec::new(),
            stop: stop.clone(),
            events,
        });
        let works = std::mem::replace(&mut table.works, true);
        drop(table);
        if !works {
            let shared = self.shared.clone();
            // Queued at once; the thread is the job's until the recogniser is dropped, so nobody waits for its end.
            drop(self.queue.run(Box::new(move || worker::run(&shared))));
        }
        self.shared.wake.notify_one();
        let heard = tokio::sync::Mutex::new(heard);
        Ok(Arc::new(Recording { id, shared: self.shared.clone(), stop, heard }))
    }

    fn unload(&self) {
        self.shared.lock().unload = true;
        self.shared.wake.notify_one();
    }
}

impl Drop for Whisper {
    fn drop(&mut self) {
        let mut table = self.shared.lock();
        table.quit = true;
        if let Some(take) = table.take.take() {
            take.stop.cancel();
        }
        drop(table);
        self.shared.wake.notify_one();
    }
}

struct Recording {
    id: u64,
    shared: Arc<Shared>,
    stop: Arc<Stop>,
    heard: tokio::sync::Mutex<UnboundedReceiver<VoiceEvent>>,
}

impl Listening for Recording {
    fn push(&self, sound: &[i16]) -> Result<(), VoiceError> {
        let pushed = self.shared.with(self.id, |take| {
            if take.ended {
                return Err(VoiceError::Ended);
            }
            if ms(take.ear.waiting()) > MOST_MS {
                let reason = "ten minutes of speech wait to be transcribed; stop and let it catch up".into();
                return Err(VoiceError::BadAudio { reason });
            }
            let closed = take.ear.push(sound);
            if closed {
                take.stop.preempt(true);
            }
            Ok(closed || take.partial_is_due())
        });
        if pushed.unwrap_or(Err(VoiceError::Ended))? {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let mut taken = std::pin::pin!(self.shared.room.notified());
                taken.as_mut().enable();
                let waiting = self.shared.with(self.id, |take| ms(take.ear.waiting()));
                if waiting.is_none_or(|waiting| waiting < ROOM_MS) {
                    return;
                }
                taken.await;
            }
        })
    }

    fn stop(&self) {
        self.shared.with(self.id, |take| {
            if !take.ended {
                take.ended = true;
                take.ear.end();
                take.stop.preempt(true);
            }
        });
        self.shared.wake.notify_one();
    }

    fn cancel(&self) {
        self.stop.cancel();
        let mut table = self.shared.lock();
        let take = table.take.take_if(|take| take.id == self.id);
        drop(table);
        drop(take);
        self.shared.wake.notify_one();
        self.shared.room.notify_waiters();
    }

    fn next(&self) -> BoxFuture<'_, Option<VoiceEvent>> {
        Box::pin(async move { self.heard.lock().await.recv().await })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Take {
    /// Whether enough was said since the last partial.
    fn partial_is_due(&self) -> bool {
        self.partials && !self.ended && self.ear.open().is_some_and(|(_, length)| length >= self.partial_due)
    }

    /// Everything that was heard.
    fn transcript(&mut self) -> Transcript {
        let segments = std::mem::take(&mut self.heard);
        let language = if segments.is_empty() { "" } else { self.tongue.language.code() };
        Transcript { language: language.into(), segments }
    }
}

fn load_failed(error: whisper_rs::WhisperError) -> VoiceError {
    VoiceError::Load { reason: error.to_string() }
}
