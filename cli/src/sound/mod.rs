//! Sound on its way in: from a file or from the microphone, as 16-bit frames in whatever rate and channels it comes. The
//! core makes 16 kHz mono of it.

pub mod file;
#[cfg(feature = "microphone")]
pub mod microphone;
