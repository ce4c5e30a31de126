//! Words while somebody speaks: what the recogniser says, gathered to what a screen shows. Reading may stop and go on;
//! nothing of it is lost, and nothing is read twice.

use std::sync::Arc;

use pocketdesk_domain::{dictation::Transcript, model::HeardView};
use tokio::sync::Mutex;

use crate::voice::{Listening, VoiceError, VoiceEvent};

/// A recording under way and what was heard of it.
pub struct Hearing {
    listening: Arc<dyn Listening>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    view: HeardView,
    /// What was shown last.
    shown: Option<HeardView>,
    ended: Option<Result<Transcript, VoiceError>>,
}

impl Hearing {
    /// What comes of `listening`.
    pub fn new(listening: Arc<dyn Listening>) -> Self {
        Self { listening, heard: Mutex::default() }
    }

    /// Where sound goes in.
    pub fn listening(&self) -> &dyn Listening {
        &*self.listening
    }

    /// What was heard so far, when it is something else than the last time; none at the end.
    pub async fn next(&self) -> Option<HeardView> {
        let mut heard = self.heard.lock().await;
        while heard.shown.as_ref() == Some(&heard.view) || heard.shown.is_none() && heard.view.is_empty() {
            if heard.ended.is_some() || !self.more(&mut heard).await {
                return None;
            }
        }
        heard.shown = Some(heard.view.clone());
        heard.shown.clone()
    }

    /// Ends the recording and waits for its last words.
    pub async fn finish(&self) -> Result<Transcript, VoiceError> {
        self.listening.stop();
        loop {
            let mut heard = self.heard.lock().await;
            if heard.ended.is_some() || !self.more(&mut heard).await {
                return heard.ended.clone().unwrap_or(Err(VoiceError::Ended));
            }
            // Let go after every event: whoever shows the words sees the last ones come, too.
        }
    }

    /// Takes in one event; whether there was one.
    async fn more(&self, heard: &mut Heard) -> bool {
        let Some(event) = self.listening.next().await else { return false };
        let view = &mut heard.view;
        match event {
            VoiceEvent::Partial { stable, tentative, .. } => {
                (view.stable, view.tentative) = (stable, tentative)
            }
            VoiceEvent::Segment(segment) => {
                if !view.text.is_empty() {
                    view.text.push(' ');
                }
                view.text.push_str(&segment.text);
                (view.stable, view.tentative) = Default::default();
            }
            VoiceEvent::Done(transcript) => {
                (view.stable, view.tentative) = Default::default();
                heard.ended = Some(Ok(transcript));
            }
            VoiceEvent::Failed(why) => {
                view.words_later = true;
                heard.ended = Some(Err(why));
            }
        }
        true
    }
}
