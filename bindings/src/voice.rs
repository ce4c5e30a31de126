//! Speech: into words, and into drafts that keep their recording. The same in builds without the feature `voice`; there
//! every start says [`VoiceError::NotBuilt`].
#![allow(
    missing_docs,
    reason = "a `reason` says what happened and what to do, and holds no word of the person's"
)]

use std::sync::Arc;

use pocketdesk_core::{
    Error,
    engine::{dictation, hearing::Hearing, topics::Topic},
    env::Env,
    voice::{self, Ask, pcm::samples},
};
use pocketdesk_domain::{
    dictation::{SpeechModelView, Transcript},
    model::{CatalogueEntry, DictateInto, DraftView, HeardView, RecordingView, Sound},
};

use crate::{DeskError, Pocketdesk, SpeechModelsFeed, calls::run};

/// Why there are no words, or no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum VoiceError {
    /// This build has no recogniser: offer the keyboard. A recording can still be made and sent.
    #[error("this build cannot turn speech into text")]
    NotBuilt,
    /// There is no speech model yet: offer its download. A recording can still be made; its words come later.
    #[error("no speech model is on this device yet: {reason}")]
    NoModel { reason: String },
    /// Somebody speaks already, or a recording is being transcribed: one at a time.
    #[error("another recording is being transcribed; wait for it or cancel it")]
    Busy,
    /// The sound cannot be used as it is.
    #[error("the sound cannot be used: {reason}")]
    BadAudio { reason: String },
    /// It was stopped or cancelled.
    #[error("this recording has ended; start another one")]
    Ended,
    /// What it is for, or the disk: the same as with words that are typed.
    #[error("{error}")]
    Desk { error: DeskError },
    /// The recogniser failed; the recording is whole and can be transcribed again.
    #[error("{reason}")]
    Failed { reason: String },
}

impl From<Error> for VoiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::Voice(voice::VoiceError::NotBuilt) => Self::NotBuilt,
            Error::Voice(voice::VoiceError::NoModel { reason }) => Self::NoModel { reason },
            Error::Voice(voice::VoiceError::Busy) => Self::Busy,
            Error::Voice(voice::VoiceError::BadAudio { reason }) => Self::BadAudio { reason },
            Error::Voice(voice::VoiceError::Ended) => Self::Ended,
            Error::Voice(other) => Self::Failed { reason: other.to_string() },
            other => Self::Desk { error: other.into() },
        }
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
        Ok(samples(&sound).and_then(|sound| self.hearing.listening().push(&sound)).map_err(Error::from)?)
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
        Ok(self.hearing.finish().await.map_err(Error::from)?)
    }

    /// Forgets it. Returns at once.
    pub fn cancel(&self) {
        self.hearing.listening().cancel();
    }
}

/// Speaking instead of typing. What is said is on the disk within half a second; dropping it keeps that, to be heard
/// later ([`Pocketdesk::recordings`]).
#[derive(uniffi::Object)]
pub struct Dictation {
    dictation: Arc<dictation::Dictation>,
    env: Env,
}

#[uniffi::export]
impl Dictation {
    /// Its id: its draft's to be.
    pub fn id(&self) -> String {
        self.dictation.id()
    }

    /// Takes sound in chunks of any length (20–100 ms is good); never waits.
    pub fn push(&self, sound: Vec<u8>) -> Result<(), VoiceError> {
        Ok(samples(&sound).map_err(Error::from).and_then(|sound| self.dictation.push(&sound))?)
    }

    /// Ends when there is room for more: whoever reads a file waits for it between chunks. A microphone need not.
    pub async fn room(&self) {
        self.dictation.room().await;
    }

    /// What was heard so far, each time it is more; none at the end, or where nothing will be heard.
    pub async fn next(&self) -> Option<HeardView> {
        self.dictation.next().await
    }

    /// Ends it: what was said is a draft with its recording, and with its words where there is a recogniser. Durable
    /// when it returns. Nothing is sent.
    pub async fn stop(&self) -> Result<DraftView, VoiceError> {
        let dictation = self.dictation.clone();
        Ok(run(&self.env, async move { dictation.stop().await }).await.unwrap_or(Err(Error::Closed))?)
    }

    /// Forgets it, the recording too.
    pub async fn cancel(&self) -> Result<(), VoiceError> {
        let dictation = self.dictation.clone();
        Ok(run(&self.env, async move { dictation.cancel().await }).await.unwrap_or(Err(Error::Closed))?)
    }
}

#[uniffi::export]
impl Pocketdesk {
    /// Begins to turn sound into words, for no account and no draft.
    pub fn start_transcription(&self, sound: Sound) -> Result<Arc<Transcription>, VoiceError> {
        let begun = Ask::of(&sound).and_then(|ask| self.accounts.shared.transcriber.start(ask));
        Ok(Arc::new(Transcription { hearing: Hearing::new(begun.map_err(Error::from)?) }))
    }

    /// Begins a dictation. Without a speech model (or in a build without a recogniser) it is recorded all the same.
    pub async fn start_dictation(
        &self,
        account: Option<String>,
        into: DictateInto,
        sound: Sound,
    ) -> Result<Arc<Dictation>, VoiceError> {
        let begun: Result<_, VoiceError> = self
            .call(move |accounts| async move {
                let ask = Ask::of(&sound)?;
                accounts.find_or_make(account.as_deref()).await?.dictate(into, ask).await
            })
            .await;
        let env = self.accounts.shared.env.clone();
        Ok(Arc::new(Dictation { dictation: Arc::new(begun?), env }))
    }

    /// Recordings whose words are in no draft yet: those that were cut (offer them at the start of the app), and those
    /// that wait for a speech model. Of one account or of all.
    pub async fn recordings(&self, account: Option<String>) -> Result<Vec<RecordingView>, DeskError> {
        self.of_all(account, |account| async move { account.recordings().await }).await
    }

    /// Hears a recording: its draft has the words then. Without a speech model a cut one becomes a draft with the
    /// recording alone, and one that waits goes on waiting.
    pub async fn hear_recording(
        &self,
        account: Option<String>,
        recording: String,
    ) -> Result<DraftView, VoiceError> {
        self.call(move |accounts| async move {
            accounts.find(account.as_deref()).await?.hear_recording(recording).await
        })
        .await
    }

    /// The desk's names of request types, services, sites and urgencies, as far as they are on this phone.
    pub async fn catalogue(&self, account: Option<String>) -> Result<Vec<CatalogueEntry>, DeskError> {
        self.on(account, |account| async move { account.catalogue().await }).await
    }

    /// Speech models that are here, and those the company offers: as far as that is known, or asked anew of the desk.
    pub async fn speech_models(
        &self,
        account: Option<String>,
        ask: bool,
    ) -> Result<Vec<SpeechModelView>, DeskError> {
        self.call(move |accounts| async move {
            if ask {
                accounts.refresh_speech_models(account.as_deref()).await
            } else {
                accounts.speech_models().await
            }
        })
        .await
    }

    /// Fetches a speech model (none: the one that suits this device); ends when it is used. A connection that costs
    /// money is used with `metered` alone. What came before a break is kept.
    pub async fn fetch_speech_model(
        &self,
        account: Option<String>,
        model: Option<String>,
        metered: bool,
    ) -> Result<(), DeskError> {
        self.call(move |accounts| async move {
            accounts.fetch_speech_model(account.as_deref(), model.as_deref(), metered).await
        })
        .await
    }

    /// Stops a fetch; it goes on from there the next time.
    pub fn cancel_speech_model(&self, model: String) {
        self.accounts.cancel_speech_model(&model);
    }

    /// Takes a speech model off this device.
    pub async fn remove_speech_model(&self, model: String) -> Result<(), DeskError> {
        self.call(move |accounts| async move { accounts.remove_speech_model(&model).await }).await
    }

    /// Speech models as they come and go.
    pub fn watch_speech_models(&self) -> Arc<SpeechModelsFeed> {
        let accounts = self.accounts.clone();
        SpeechModelsFeed::new(self.feed(&[Topic::Files], move || {
            let accounts = accounts.clone();
            async move { accounts.speech_models().await }
        }))
    }
}
