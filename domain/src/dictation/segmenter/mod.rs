//! Where speech is cut, so that words appear while the person goes on speaking: endpoints in, segments out.
//!
//! Sound comes as frames of 16 ms, each with how likely it is speech and how loud it is. A segment opens a little
//! before the first speech, closes at a pause once it is long enough to be understood by itself, and is cut at its
//! quietest moment when nobody pauses. Silence between segments belongs to none: it is never decoded.

use std::collections::VecDeque;

#[cfg(test)]
mod tests;

/// Samples of a frame: 16 ms at 16 kHz.
pub const FRAME: usize = 256;

/// Frames in so many ms, at least.
const fn frames(ms: u64) -> u64 {
    (ms * 16).div_ceil(FRAME as u64)
}

/// Kept before the first frame of speech: a detector is sure only after the first consonant.
const PRE_ROLL: u64 = frames(200);
/// Kept after the last frame of speech.
const TAIL: u64 = frames(300);
/// A pause that ends a segment.
const PAUSE: u64 = frames(600);
/// What a segment has to have before a pause ends it: shorter ones are understood badly and cost as much.
const LEAST: u64 = frames(2_500);
/// A segment is cut here at the latest: the recogniser sees 30 s at once.
const LONGEST: u64 = frames(25_000);
/// How far back the quietest moment is looked for.
const LOOK_BACK: u64 = frames(5_000);
/// How long a quiet moment is.
const QUIET: usize = 6;

/// From here on it is speech…
const SPEECH_FROM: f32 = 0.5;
/// …until it falls below this.
const SPEECH_TO: f32 = 0.35;

/// What is known of 16 ms of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// How likely it is speech, 0 to 1.
    pub speech: f32,
    /// Mean square of its samples, in any unit that does not change.
    pub power: f32,
}

/// A closed segment, in frames from the recording's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The first frame of it.
    pub from: u64,
    /// The first frame behind it.
    pub to: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Segmenter {
    /// Frames seen.
    now: u64,
    /// Whether the last frame was speech.
    speaking: bool,
    open: Option<Open>,
    /// Where the last segment ended: nothing is heard twice.
    closed: u64,
    /// Power of the last [`LOOK_BACK`] frames.
    power: VecDeque<f32>,
}

#[derive(Debug)]
struct Open {
    from: u64,
    /// The first frame behind the last speech.
    spoken_to: u64,
}

impl Segmenter {
    /// A new recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next frame; says which segment it closed.
    pub fn push(&mut self, frame: Frame) -> Option<Cut> {
        let from = self.now;
        self.now += 1;
        if self.power.len() as u64 == LOOK_BACK {
            self.power.pop_front();
        }
        self.power.push_back(frame.power);
        self.speaking = frame.speech >= if self.speaking { SPEECH_TO } else { SPEECH_FROM };

        let open = match &mut self.open {
            None if self.speaking => {
                let from = from.saturating_sub(PRE_ROLL).max(self.closed);
                self.open.insert(Open { from, spoken_to: self.now })
            }
            None => return None,
            Some(open) => open,
        };
        if self.speaking {
            open.spoken_to = self.now;
        }
        let length = self.now - open.from;
        if length >= LEAST && self.now - open.spoken_to >= PAUSE {
            return self.end();
        }
        if length >= LONGEST {
            return Some(self.cut_at_the_quietest());
        }
        None
    }

    /// No more sound: closes what is open.
    pub fn end(&mut self) -> Option<Cut> {
        let open = self.open.take()?;
        self.speaking = false;
        let cut = Cut { from: open.from, to: (open.spoken_to + TAIL).min(self.now) };
        self.closed = cut.to;
        // Behind a forced cut nothing more may have been said.
        (open.spoken_to > open.from).then_some(cut)
    }

    /// The first frame of the segment that is open: somebody is speaking.
    pub fn open(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.from)
    }

    /// The first frame that a segment can still have: what lies before it can be forgotten.
    pub fn keeps_from(&self) -> u64 {
        self.open().unwrap_or_else(|| self.now.saturating_sub(PRE_ROLL).max(self.closed))
    }

    /// Cuts the open segment in its quietest moment of late; the rest stays open.
    fn cut_at_the_quietest(&mut self) -> Cut {
        let Some(open) = &mut self.open else {
            return Cut { from: self.now, to: self.now };
        };
        let power: Vec<f32> = self.power.iter().copied().collect();
        let quietest = power
            .windows(QUIET)
            .enumerate()
            .min_by(|(_, one), (_, other)| one.iter().sum::<f32>().total_cmp(&other.iter().sum()))
            .map_or(0, |(at, _)| at + QUIET / 2);
        let first = self.now - power.len() as u64;
        let cut = Cut { from: open.from, to: first + quietest as u64 };
        open.from = cut.to;
        self.closed = cut.to;
        cut
    }
}
