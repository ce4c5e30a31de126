//! Models in a folder of the developer's own (`cargo x model`): named by hand, so not signed, and yet nothing the
//! recogniser could choke on.

use std::path::Path;

use pocketdesk_protocol::models::Role;

use super::{super::Weights, VoiceError, header};
use crate::env::disk::{Disk as _, Opening, SystemDisk};

/// The detector's file in such a folder.
const GATE: &str = "silero.bin";
/// Recognisers in such a folder, the one to be used first.
const SPEECH: [&str; 7] = [
    "small-q5_1.bin",
    "base-q5_1.bin",
    "base-q8_0.bin",
    "base-f16.bin",
    "tiny.en-q5_1.bin",
    "tiny.en-q8_0.bin",
    "tiny.en-f16.bin",
];

/// What lies in `folder`. Its shape is checked; its bytes are the developer's own.
pub fn weights(folder: &Path) -> Result<Weights, VoiceError> {
    let speech = SPEECH.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let speech = speech.ok_or_else(|| VoiceError::NoModel {
        reason: format!("{} holds none; `cargo x model base` makes one", folder.display()),
    })?;
    pair(&speech, &folder.join(GATE))
}

/// These two files, their shape checked.
pub fn pair(speech: &Path, gate: &Path) -> Result<Weights, VoiceError> {
    for (path, role) in [(speech, Role::Speech), (gate, Role::Vad)] {
        let none = |reason: String| VoiceError::NoModel { reason: format!("{}: {reason}", path.display()) };
        let file = SystemDisk.open(path, Opening::Read).map_err(|why| none(why.to_string()))?;
        header::check(role, file).map_err(none)?;
    }
    Ok(Weights { speech: speech.to_owned(), gate: gate.to_owned() })
}
