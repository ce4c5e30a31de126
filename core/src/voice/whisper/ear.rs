//! From sound to clips: converted, endpointed and cut while it is pushed, on the thread that pushes it.

use std::collections::VecDeque;

use earshot::Detector;
use pocketdesk_domain::dictation::segmenter::{Cut, FRAME, Frame, Segmenter};

use crate::voice::{
    Ask, VoiceError,
    pcm::{Converter, RATE},
};

/// Sound to decode.
pub(super) struct Clip {
    /// Its first sample, counted from the recording's start.
    pub(super) from: u64,
    pub(super) sound: Vec<i16>,
}

/// ms of so many samples.
pub(super) fn ms(samples: u64) -> u64 {
    samples * 1_000 / u64::from(RATE)
}

/// Listens to one recording.
pub(super) struct Ear {
    converter: Converter,
    detector: Box<Detector>,
    segmenter: Segmenter,
    /// Sound a segment may still need; a whole number of frames lies before it.
    kept: Vec<i16>,
    kept_from: u64,
    /// Samples of `kept` that were endpointed.
    seen: usize,
    /// Closed and not decoded yet.
    closed: VecDeque<Clip>,
    waiting: u64,
}

impl Ear {
    pub(super) fn new(ask: Ask) -> Result<Self, VoiceError> {
        Ok(Self {
            converter: Converter::new(ask.rate, ask.channels)?,
            detector: Detector::default_boxed(),
            segmenter: Segmenter::new(),
            kept: Vec::new(),
            kept_from: 0,
            seen: 0,
            closed: VecDeque::new(),
            waiting: 0,
        })
    }

    /// Takes sound; whether a segment closed.
    pub(super) fn push(&mut self, sound: &[i16]) -> bool {
        self.converter.push(sound, &mut self.kept);
        self.endpoint()
    }

    /// Takes the end of it.
    pub(super) fn end(&mut self) {
        self.converter.finish(&mut self.kept);
        // The last frame is whole, too.
        let rest = (self.kept.len() - self.seen) % FRAME;
        if rest > 0 {
            self.kept.resize(self.kept.len() + FRAME - rest, 0);
        }
        self.endpoint();
        if let Some(cut) = self.segmenter.end() {
            self.close(cut);
        }
        self.kept = Vec::new();
        self.seen = 0;
    }

    /// The next closed segment.
    pub(super) fn pop(&mut self) -> Option<Clip> {
        let clip = self.closed.pop_front()?;
        self.waiting -= clip.sound.len() as u64;
        Some(clip)
    }

    /// Samples that wait to be decoded.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// How much of the open segment there is, and where it begins, in samples.
    pub(super) fn open(&self) -> Option<(u64, u64)> {
        let from = self.segmenter.open()? * FRAME as u64;
        Some((from, self.kept_from + self.seen as u64 - from))
    }

    /// What there is of the open segment.
    pub(super) fn open_clip(&self) -> Option<Clip> {
        let (from, length) = self.open()?;
        let at = (from - self.kept_from) as usize;
        Some(Clip { from, sound: self.kept[at..at + length as usize].to_vec() })
    }

    fn endpoint(&mut self) -> bool {
        let mut any = false;
        while let Some(frame) = self.kept.get(self.seen..self.seen + FRAME) {
            let speech = self.detector.predict_i16(frame);
            let power = frame.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>();
            self.seen += FRAME;
            if let Some(cut) = self.segmenter.push(Frame { speech, power }) {
                self.close(cut);
                any = true;
            }
        }
        let needed = (self.segmenter.keeps_from() * FRAME as u64 - self.kept_from) as usize;
        // Moving what is kept costs more than a few frames that nobody needs.
        if needed >= RATE as usize {
            self.kept.drain(..needed);
            self.kept_from += needed as u64;
            self.seen -= needed;
        }
        any
    }

    fn close(&mut self, cut: Cut) {
        let from = cut.from * FRAME as u64;
        let at = (from - self.kept_from) as usize;
        let length = (cut.to - cut.from) as usize * FRAME;
        let sound = self.kept[at..at + length].to_vec();
        self.waiting += sound.len() as u64;
        self.closed.push_back(Clip { from, sound });
    }
}
