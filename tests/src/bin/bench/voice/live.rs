//! A clip as it is spoken: pushed as time goes by on a clock that does not tick, so that the answer to "how long after
//! the stop are the words there" does not depend on who else uses the machine.

use earshot::Detector;
use pocketdesk_core::voice::{self, Ask, Language, Transcriber, VoiceEvent};
use pocketdesk_domain::dictation::segmenter::{FRAME, Frame, Segmenter};

use super::{SECOND_THREAD, corpus::Clip};
use crate::{Result, meter::Meter};

/// A person presses stop so long after the last word, samples.
const STOP_AFTER: usize = 12_800;
/// What the segmenter keeps behind the last word, samples (its `TAIL`).
const TAIL: usize = 4_864;

/// What a clip cost and gave.
pub struct Spoken {
    pub text: String,
    /// CPU of all of it, ms.
    pub cpu_ms: f64,
    pub audio_s: f64,
    /// From the stop to the last word, s.
    pub wait_s: f64,
}

/// Where segments close in `sound`, in samples pushed; and where the last of them ends.
fn closings(sound: &[i16]) -> (Vec<usize>, usize) {
    let (mut detector, mut segmenter) = (Detector::default_boxed(), Segmenter::new());
    let (mut closings, mut end) = (Vec::new(), 0);
    for (at, frame) in sound.chunks_exact(FRAME).enumerate() {
        let power = frame.iter().map(|&sample| f32::from(sample).powi(2)).sum();
        let speech = detector.predict_i16(frame);
        if let Some(cut) = segmenter.push(Frame { speech, power }) {
            closings.push((at + 1) * FRAME);
            end = cut.to as usize * FRAME;
        }
    }
    let rest = segmenter.end();
    (closings, rest.map_or(end, |cut| cut.to as usize * FRAME))
}

pub async fn speak(transcriber: &dyn Transcriber, clip: &Clip) -> Result<Spoken> {
    let (_, end) = closings(&clip.sound);
    let mut sound = clip.sound[..end.saturating_sub(TAIL).min(clip.sound.len())].to_vec();
    sound.resize(sound.len() + STOP_AFTER, 0);
    let (closings, _) = closings(&sound);

    let language = clip.language.as_deref().and_then(Language::from_code);
    let whole = Meter::start();
    let listening = transcriber.start(Ask { language, partials: false, ..Ask::default() })?;
    // The decoder's own clock, s: a segment waits for the one before it.
    let (mut free, mut pushed) = (0.0_f64, 0);
    for closing in closings {
        let meter = Meter::start();
        listening.push(&sound[pushed..closing])?;
        pushed = closing;
        // Every segment of a clip with speech has words; one that has none would end the run here, not in the table.
        let heard = tokio::time::timeout(std::time::Duration::from_secs(120), listening.next()).await?;
        let Some(VoiceEvent::Segment(_)) = heard else { return Err("a segment had no words".into()) };
        free = free.max(closing as f64 / 16e3) + meter.cpu_ms() / 1e3 / SECOND_THREAD;
    }
    let meter = Meter::start();
    listening.push(&sound[pushed..])?;
    listening.stop();
    let heard = voice::finish(&*listening, |_| {}).await?;
    let stop = sound.len() as f64 / 16e3;
    let wait_s = (free - stop).max(0.0) + meter.cpu_ms() / 1e3 / SECOND_THREAD;
    Ok(Spoken { text: heard.text(), cpu_ms: whole.cpu_ms(), audio_s: clip.sound.len() as f64 / 16e3, wait_s })
}
