//! Whether anybody speaks in a clip. The endpoint detector takes music and the hum of a fan for speech, and whisper
//! invents subtitles' credits for them; Silero hears the difference.

use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use super::load_failed;
use crate::voice::VoiceError;

/// Samples of one of Silero's windows: 32 ms.
const WINDOW: usize = 512;
/// From here on a window is speech.
const SPEECH: f32 = 0.5;
/// Less speech than that is none: whisper would make something up (250 ms).
const LEAST: usize = 16_000 / 4;
/// Left around speech: 0.2 s before it, 0.3 s behind.
const BEFORE: usize = 3_200;
const BEHIND: usize = 4_800;

pub(super) struct Gate {
    silero: WhisperVadContext,
}

impl Gate {
    pub(super) fn load(path: &str) -> Result<Self, VoiceError> {
        let mut params = WhisperVadContextParams::new();
        // Its graphs are so small that a second thread only waits.
        params.set_n_threads(1);
        Ok(Self { silero: WhisperVadContext::new(path, params).map_err(load_failed)? })
    }

    /// Where in the clip somebody speaks; `None` = nowhere to speak of.
    pub(super) fn speech(&mut self, clip: &[f32]) -> Result<Option<std::ops::Range<usize>>, VoiceError> {
        self.silero
            .detect_speech(clip)
            .map_err(|_| VoiceError::Decode { reason: "the speech detector gave up".into() })?;
        let windows = self.silero.probabilities();
        let spoken = || windows.iter().enumerate().filter(|(_, speech)| **speech >= SPEECH).map(|(at, _)| at);
        let (Some(first), Some(last)) = (spoken().next(), spoken().next_back()) else { return Ok(None) };
        if spoken().count() * WINDOW < LEAST {
            return Ok(None);
        }
        let from = (first * WINDOW).saturating_sub(BEFORE);
        let to = ((last + 1) * WINDOW + BEHIND).min(clip.len());
        Ok(Some(from..to))
    }
}
