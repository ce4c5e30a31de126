//! Sound on its way in: from a file or from the microphone, as 16-bit frames in whatever rate and channels it comes. The
//! core makes 16 kHz mono of it.

pub mod file;
#[cfg(feature = "microphone")]
pub mod microphone;

/// As the core takes it: s16, little-endian.
pub fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}
