//! Speech: into words, and into drafts that keep their recording. The same in builds without the feature `voice`; there
//! every start says [`VoiceError::NotBuilt`].

use std::sync::Arc;

use pocketdesk_core::{
    Error,
    engine::hearing::Hearing,
    voice::{self, Ask, Language},
};
use pocketdesk_domain::{dictation::Transcript, model::HeardView};

use crate::{DeskError, Pocketdesk};

/// Why there are no words, or no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum VoiceError {
    /// This build has no recogniser: offer the keyboard. A recording can still be made and sent.
    #[error("this build cannot turn speech into text")]
    NotBuilt,
    /// There is no speech model yet: offer its download. A recording can still be made; its words come later.
    #[error("no speech model is on this device yet: {reason}")]
    NoModel {
        /// What is missing, and how to get it.
        reason: String,
    },
    /// Somebody speaks already, or a recording is being transcribed: one at a time.
    #[error("another recording is being transcribed; wait for it or cancel it")]
    Busy,
    /// The sound cannot be used as it is.
    #[error("the sound cannot be used: {reason}")]
    BadAudio {
        /// What is wrong with it.
        reason: String,
    },
    /// It was stopped or cancelled.
    #[error("this recording has ended; start another one")]
    Ended,
    /// The words, the file or the ticket it is for cannot be written: the same as with words that are typed.
    #[error("{error}")]
    Desk {
        /// What an app can do about it.
        error: DeskError,
    },
    /// The recogniser failed; the recording is whole and can be transcribed again.
    #[error("{reason}")]
    Failed {
        /// What happened and what to do; holds no word of the person's.
        reason: String,
    },
}

impl From<voice::VoiceError> for VoiceError {
    fn from(error: voice::VoiceError) -> Self {
        let text = error.to_string();
        match error {
            voice::VoiceError::NotBuilt => Self::NotBuilt,
            voice::VoiceError::NoModel { reason } => Self::NoModel { reason },
            voice::VoiceError::Busy => Self::Busy,
            voice::VoiceError::BadAudio { reason } => Self::BadAudio { reason },
            voice::VoiceError::Ended => Self::Ended,
            voice::VoiceError::Load { .. } | voice::VoiceError::Decode { .. } => {
                Self::Failed { reason: text }
            }
        }
    }
}

impl From<Error> for VoiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::Voice(error) => error.into(),
            other => Self::Desk { error: other.into() },
        }
    }
}

/// What will be pushed: 16-bit little-endian samples.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Sound {
    /// Frames a second, 8,000 to 192,000; 16,000 is taken as it is.
    pub rate: u32,
    /// Interleaved channels, 1 to 8; their mean is heard.
    pub channels: u16,
    /// `ru`, `uk` or `en`; found out from the first words when none.
    pub language: Option<String>,
    /// Somebody watches the words appear. They cost as much again.
    pub live: bool,
}

impl TryFrom<Sound> for Ask {
    type Error = VoiceError;
    fn try_from(sound: Sound) -> Result<Self, VoiceError> {
        let language = sound.language.as_deref().map(|code| {
            let reason = "the language is one of ru, uk and en, or found out".to_owned();
            Language::from_code(code).ok_or(VoiceError::BadAudio { reason })
        });
        let language = language.transpose()?;
        Ok(Self { language, partials: sound.live, rate: sound.rate, channels: sound.channels })
    }
}

/// Sound as it is heard: s16, interleaved.
pub(crate) fn samples(bytes: &[u8]) -> Result<Vec<i16>, VoiceError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
    } else {
        Err(VoiceError::BadAudio { reason: "samples have two bytes each".to_owned() })
    }
}

/// Sound on its way into words; nothing of it is kept. Dropping it cancels it.
#[derive(uniffi::Object)]
pub struct Transcription {
    hearing: Hearing,
}

#[uniffi::export]
impl Transcription {
    /// Takes sound in chunks of any length; never waits.
    pub fn push(&self, sound: Vec<u8>) -> Result<(), VoiceError> {
        Ok(self.hearing.listening().push(&samples(&sound)?)?)
    }

    /// Ends when there is room for more: whoever reads a file waits for it between chunks.
    pub async fn room(&self) {
        self.hearing.listening().room().await;
    }

    /// What was heard so far, each time it is more; none at the end.
    pub async fn next(&self) -> Option<HeardView> {
        self.hearing.next().await
    }

    /// No more sound comes: waits for the last words.
    pub async fn finish(&self) -> Result<Transcript, VoiceError> {
        Ok(self.hearing.finish().await?)
    }

    /// Forgets it. Returns at once.
    pub fn cancel(&self) {
        self.hearing.listening().cancel();
    }
}

#[uniffi::export]
impl Pocketdesk {
    /// Begins to turn sound into words, for no account and no draft.
    pub fn start_transcription(&self, sound: Sound) -> Result<Arc<Transcription>, VoiceError> {
        let listening = self.accounts.shared.transcriber.start(sound.try_into()?)?;
        Ok(Arc::new(Transcription { hearing: Hearing::new(listening) }))
    }
}
