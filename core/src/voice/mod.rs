//! Speech into words on the device itself.
//!
//! [`Transcriber`] is the port, [`transcriber`] makes the one there is. Sound is pushed by whoever has it (the shell's
//! microphone, a file's decoder) and cut into segments on the spot ([`pocketdesk_domain::dictation::segmenter`]); one
//! thread owns the model and turns each closed segment into words while the person goes on speaking. Without the
//! feature `voice` the types are the same and every start is refused.

use std::sync::Arc;

use pocketdesk_domain::dictation::Transcript;

use crate::env::Env;

pub mod models;
pub mod pcm;
mod port;
pub mod recording;
#[cfg(feature = "voice")]
mod whisper;

pub use port::*;

/// The recogniser of this build. Nothing is loaded before the first start.
pub fn transcriber(env: &Env, weights: FindWeights, settings: VoiceSettings) -> Arc<dyn Transcriber> {
    #[cfg(feature = "voice")]
    return Arc::new(whisper::Whisper::new(env, weights, settings));
    #[cfg(not(feature = "voice"))]
    {
        let _ = (env, weights, settings);
        Arc::new(NotBuilt)
    }
}

/// What a build without the feature `voice` has.
#[cfg(not(feature = "voice"))]
struct NotBuilt;

#[cfg(not(feature = "voice"))]
impl Transcriber for NotBuilt {
    fn start(&self, _: Ask) -> Result<Arc<dyn Listening>, VoiceError> {
        Err(VoiceError::NotBuilt)
    }

    fn unload(&self) {}
}

/// Waits for the end of a recording that was stopped; `heard` sees every event on the way.
pub async fn finish(
    listening: &dyn Listening,
    mut heard: impl FnMut(&VoiceEvent),
) -> Result<Transcript, VoiceError> {
    while let Some(event) = listening.next().await {
        heard(&event);
        match event {
            VoiceEvent::Done(transcript) => return Ok(transcript),
            VoiceEvent::Failed(why) => return Err(why),
            VoiceEvent::Partial { .. } | VoiceEvent::Segment(_) => {}
        }
    }
    Err(VoiceError::Ended)
}

/// Hears a whole recording, chunk by chunk; no more than a minute of its speech is in memory at once.
pub async fn transcribe(
    transcriber: &dyn Transcriber,
    ask: Ask,
    chunks: impl IntoIterator<Item = Result<Vec<i16>, VoiceError>>,
) -> Result<Transcript, VoiceError> {
    let listening = transcriber.start(ask)?;
    for chunk in chunks {
        listening.push(&chunk?)?;
        listening.room().await;
    }
    listening.stop();
    finish(&*listening, |_| {}).await
}
