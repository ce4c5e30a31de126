//! What journeys and the demo are told with: the real server, a scripted member of staff, phones.
//!
//! Nothing here stands in for the product: the server is the program companies run, the phone is the facade the
//! shells draw.

#![allow(clippy::disallowed_methods, reason = "tests start processes, write files and wait")]

pub mod desk;
pub mod net;
pub mod phone;
pub mod program;
pub mod staff;
pub mod teller;
pub mod time;
pub mod world;

/// Bytes that repeat nowhere and compress badly, the same for the same seed.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
