//! What was heard. Times are ms from the recording's start.

/// A word as it was heard.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SpokenWord {
    /// The word with what is written on to it (a comma, a full stop), without spaces around it.
    pub text: String,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends; not before `start_ms`.
    pub end_ms: u64,
    /// How sure the recogniser is of it, 0 to 1.
    pub confidence: f32,
}

/// Speech between two pauses.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SpokenSegment {
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Its words as they are written, without spaces around them; never empty.
    pub text: String,
    /// How sure the recogniser is of all of it, 0 to 1.
    pub confidence: f32,
    /// The same, word by word: joined by spaces they are `text`.
    pub words: Vec<SpokenWord>,
}

/// Everything that was heard in one recording.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Transcript {
    /// `ru`, `uk` or `en`; empty when nobody spoke.
    pub language: String,
    /// In order of time; they do not overlap.
    pub segments: Vec<SpokenSegment>,
}

impl Transcript {
    /// The whole text.
    pub fn text(&self) -> String {
        self.segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}
