//! What the core asks of a recogniser, and what comes back. The only implementation is whisper.cpp's (feature
//! `voice`); a build without it has the same types and says [`VoiceError::NotBuilt`].

use std::{path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use pocketdesk_domain::{
    dictation::{SpokenSegment, Transcript},
    model::Sound,
};

/// Why there are no words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceError {
    /// The program was built without the feature `voice`.
    #[error("this build cannot turn speech into text; the recording can still be sent")]
    NotBuilt,
    /// There is nothing to recognise speech with on this device yet.
    #[error("no speech model is on this device yet: {reason}")]
    NoModel {
        /// What is missing, and how to get it.
        reason: String,
    },
    /// Somebody is speaking, or a recording is being transcribed: one at a time.
    #[error("another recording is being transcribed; wait for it or cancel it")]
    Busy,
    /// The sound cannot be used as it is.
    #[error("the sound cannot be used: {reason}")]
    BadAudio {
        /// What is wrong with it.
        reason: String,
    },
    /// The model could not be loaded.
    #[error("the speech model could not be loaded: {reason}; remove it and download it again")]
    Load {
        /// What the recogniser said.
        reason: String,
    },
    /// The recogniser gave up; the recording is whole and can be transcribed again.
    #[error("the speech could not be transcribed: {reason}; the recording is kept, try again")]
    Decode {
        /// What the recogniser said.
        reason: String,
    },
    /// Sound was pushed after `stop` or `cancel`.
    #[error("this recording has ended; start another one")]
    Ended,
}

/// The languages help is asked for in: nothing else is ever heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Russian.
    Russian,
    /// Ukrainian.
    Ukrainian,
    /// English.
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Russian, Self::Ukrainian, Self::English];

    /// `ru`, `uk` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Russian => "ru",
            Self::Ukrainian => "uk",
            Self::English => "en",
        }
    }

    /// The language of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}

/// One recording to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// What is spoken; `None` = found out once, from the first words.
    pub language: Option<Language>,
    /// Words of speech that goes on, too ([`VoiceEvent::Partial`]). They cost as much again; leave them out where
    /// nobody watches.
    pub partials: bool,
    /// Frames a second of what will be pushed: 8,000 to 192,000. 16,000 is taken as it is.
    pub rate: u32,
    /// Interleaved channels of what will be pushed: 1 to 8; their mean is heard.
    pub channels: u16,
}

impl Ask {
    /// As a shell asks.
    pub fn of(sound: &Sound) -> Result<Self, VoiceError> {
        let language = sound.language.as_deref().map(|code| {
            let reason = "the language is one of ru, uk and en, or found out".to_owned();
            Language::from_code(code).ok_or(VoiceError::BadAudio { reason })
        });
        Ok(Self {
            language: language.transpose()?,
            partials: sound.live,
            rate: sound.rate,
            channels: sound.channels,
        })
    }
}

impl Default for Ask {
    /// A microphone, 16 kHz mono, with words while one speaks.
    fn default() -> Self {
        Self { language: None, partials: true, rate: 16_000, channels: 1 }
    }
}

/// What was heard, in order. The last one is `Done` or `Failed`; after `cancel` none need come.
#[derive(Debug, Clone, PartialEq)]
pub enum VoiceEvent {
    /// Speech that still goes on; replaces the partial before it, and is replaced by the segment.
    Partial {
        /// Where that speech began, ms from the recording's start.
        start_ms: u64,
        /// Words that two looks agreed on.
        stable: String,
        /// Words that may still change.
        tentative: String,
    },
    /// Speech between two pauses, for good.
    Segment(SpokenSegment),
    /// All is heard: every segment once more.
    Done(Transcript),
    /// The recogniser gave up; segments that came before are good.
    Failed(VoiceError),
}

/// A recording under way. Dropping it cancels it.
pub trait Listening: Send + Sync {
    /// Takes sound, s16 in the rate and channels of [`Ask`], in chunks of any length (20–100 ms is good). Never
    /// waits for the recogniser; costs about 0.5 ms of CPU per second of sound.
    fn push(&self, sound: &[i16]) -> Result<(), VoiceError>;
    /// Ends when less than a minute of speech waits for the recogniser: who reads a file waits for this between
    /// chunks, so that its memory is bounded. A microphone need not.
    fn room(&self) -> BoxFuture<'_, ()>;
    /// No more sound: what is left is heard, then `Done` comes. A second call does nothing.
    fn stop(&self);
    /// Forgets it all. Returns at once; the recogniser stops within 600 ms, and then [`Listening::next`] ends.
    fn cancel(&self);
    /// The next event; `None` when the recogniser is through with this recording. One caller at a time.
    fn next(&self) -> BoxFuture<'_, Option<VoiceEvent>>;
}

/// Speech into words, on this device.
pub trait Transcriber: Send + Sync {
    /// Begins a recording and, beside it, loads the model: the recording need not wait, sound is kept meanwhile.
    /// [`VoiceError::Busy`] while another one is neither done nor cancelled.
    fn start(&self, ask: Ask) -> Result<Arc<dyn Listening>, VoiceError>;
    /// Frees the model now, or as soon as the recording under way has ended (memory warning, model replaced).
    fn unload(&self);
}

/// The files a recogniser needs, checked by the model store: whisper.cpp must not see others, it dies of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Whisper, ggml.
    pub speech: PathBuf,
    /// Silero VAD, ggml.
    pub gate: PathBuf,
}

/// Says which weights to load, at every load anew; runs on the recogniser's thread, so it may read files.
pub type FindWeights = Arc<dyn Fn() -> Result<Weights, VoiceError> + Send + Sync>;

/// How the recogniser may use the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoiceSettings {
    /// Threads of one decode: never more than there are (big) cores, they spin for each other.
    pub threads: usize,
    /// The model is freed after so long without a recording, ms.
    pub idle_ms: u64,
}

impl Default for VoiceSettings {
    /// At most four threads; freed after 90 s.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { threads: cores.min(4), idle_ms: 90_000 }
    }
}
