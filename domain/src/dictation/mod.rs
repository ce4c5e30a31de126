//! From sound to a draft, as far as it can be decided without touching anything: where speech ends, and what the heard
//! words become. Decoding itself is core's matter; it hands its words on in [`transcript`]'s types.

pub mod draft;
mod guess;
mod models;
pub mod segmenter;
pub mod transcript;

pub use draft::{CONFIDENT, draft};
pub use models::{SpeechModelState, SpeechModelView};
pub use transcript::{SpokenSegment, SpokenWord, Transcript};
