//! What can be typed about speech.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub struct Say {
    /// A recording instead of the microphone: wav, flac, mp3, ogg or m4a
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What is spoken: ru, uk or en [default: found out from the first words]
    #[arg(long, value_name = "LANGUAGE", value_parser = ["ru", "uk", "en"])]
    pub language: Option<String>,
    /// A reply in this ticket
    #[arg(long, value_name = "ID", conflicts_with = "reopen")]
    pub into_comment: Option<String>,
    /// Why this ticket is not solved
    #[arg(long, value_name = "ID")]
    pub reopen: Option<String>,
    /// Keep it as a draft without asking
    #[arg(long)]
    pub no_send: bool,
    /// Keep the words alone
    #[arg(long)]
    pub without_recording: bool,
}

#[derive(Debug, Subcommand)]
pub enum Recordings {
    /// List them
    List,
    /// Make words of one: its draft has them then
    Hear {
        /// Which
        recording: String,
    },
    /// Let one go
    Discard {
        /// Which
        recording: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Models {
    /// List them
    List,
    /// Fetch one, by default the one that suits this computer
    Fetch {
        /// Which
        model: Option<String>,
    },
    /// Take one off this computer
    Remove {
        /// Which
        model: String,
    },
}
