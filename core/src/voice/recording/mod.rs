//! A recording while it is made, and what it is sent as. Sound goes into a sealed [`spill`] half a second at a time, so
//! that a killed app loses less than a second of it; what is sent is [`flac`].

pub mod flac;
pub mod spill;

/// Frames of the longest recording: an hour.
pub const MOST_FRAMES: u64 = 3_600 * super::pcm::RATE as u64;
