//! How a command ends when it does not end well: an exit code of the contract and one sentence.

use pocketdesk_ffi::{
    DeskError, InvalidReason, NotNowReason, OpenError, ReadOnlyReason, SignInError, VoiceError,
};
use pocketdesk_texts::{Texts, Value};

use crate::sound::file::SoundError;

/// Exit codes; a contract with scripts.
pub mod exit {
    pub const DONE: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const ATTENTION: u8 = 3;
    pub const UNREACHABLE: u8 = 4;
}

/// Why a command stops.
#[derive(Debug)]
pub enum Stop {
    /// With a sentence for the person.
    Failed { code: u8, sentence: String },
    /// The reader of our output went away (`| head`): nothing left to say, and nothing wrong.
    PipeClosed,
}

/// What a command hands back: its exit code.
pub type Outcome = Result<u8, Stop>;

impl Stop {
    /// Exit code 1.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed { code: exit::FAILED, sentence: sentence.into() }
    }

    /// Exit code 2.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::Failed { code: exit::USAGE, sentence: sentence.into() }
    }

    /// A refusal of the core, about what the person called `name`.
    pub fn desk(texts: &Texts, error: DeskError, name: &str) -> Self {
        let name = ("name", Value::from(name));
        let say = |key: &str, values: &[(&str, Value<'_>)]| Self::failed(texts.get(key, values));
        match error {
            DeskError::NotFound { what } => match what.as_str() {
                "account" => say("trouble-not-found-account", &[]),
                "speech model" => say("trouble-not-found-speech-model", &[name]),
                "op" | "draft" | "attachment" | "session" | "recording" => {
                    say(&format!("trouble-not-found-{what}"), &[name])
                }
                _ => say("trouble-not-found-ticket", &[name]),
            },
            DeskError::Ambiguous { what, candidates } => {
                let candidates = ("candidates", Value::from(candidates.join(", ")));
                match what.as_str() {
                    "account" => say("trouble-ambiguous-account", &[candidates]),
                    "ticket" => say("trouble-ambiguous-ticket", &[name, candidates]),
                    _ => say("trouble-ambiguous", &[name, candidates]),
                }
            }
            DeskError::Invalid { field, why, .. } => {
                let known = texts.find(&format!("field-{}", field.replace('_', "-")), &[]);
                let field = known.unwrap_or(field);
                say("trouble-invalid", &[("field", field.into()), ("reason", invalid(texts, why).into())])
            }
            DeskError::NotNow { why, reason } => {
                let reason = not_now(why).map_or_else(|| clause(reason), |key| texts.get(key, &[]));
                say("trouble-not-now", &[("reason", reason.into())])
            }
            DeskError::WouldLeaveWords { ops, files, drafts } => {
                let unsent = texts.get(
                    "unsent",
                    &[("ops", ops.into()), ("files", files.into()), ("drafts", drafts.into())],
                );
                say("trouble-would-leave-words", &[("unsent", unsent.into())])
            }
            DeskError::SignedOut => say("trouble-signed-out", &[]),
            DeskError::Offline => Self::unreachable(texts, true),
            DeskError::Unreachable => Self::unreachable(texts, false),
            DeskError::OutboxFull => say("trouble-outbox-full", &[]),
            DeskError::DiskFull => say("trouble-disk-full", &[]),
            DeskError::ReadOnly { why, .. } => {
                let key = match why {
                    ReadOnlyReason::Damaged => "read-only-damaged",
                    ReadOnlyReason::NewerApp => "read-only-newer-app",
                    ReadOnlyReason::NotMigrated => "read-only-not-migrated",
                };
                say("trouble-read-only", &[("reason", texts.get(key, &[]).into())])
            }
            DeskError::FileTrouble { path, reason } => {
                say("trouble-file", &[("path", path.into()), ("reason", clause(reason).into())])
            }
            DeskError::Closed => say("trouble-closed", &[]),
            DeskError::Defect { reason } => say("trouble-defect", &[("reason", clause(reason).into())]),
        }
    }

    /// Exit code 4.
    pub fn unreachable(texts: &Texts, offline: bool) -> Self {
        let key = if offline { "trouble-offline" } else { "trouble-unreachable" };
        Self::Failed { code: exit::UNREACHABLE, sentence: texts.get(key, &[]) }
    }

    /// A sign-in that did not go on.
    pub fn sign_in(texts: &Texts, error: SignInError, url: &str, email: &str) -> Self {
        let say = |key: &str, values: &[(&str, Value<'_>)]| Self::failed(texts.get(key, values));
        match error {
            SignInError::Invalid { field, reason } => match field.as_str() {
                "server_url" => say("sign-in-invalid-server-url", &[("name", url.into())]),
                "email" => say("sign-in-invalid-email", &[("name", email.into())]),
                "code" => say("sign-in-invalid-code", &[]),
                _ => say("trouble-invalid", &[("field", field.into()), ("reason", clause(reason).into())]),
            },
            SignInError::Unreachable => Self::unreachable(texts, false),
            SignInError::Offline => Self::unreachable(texts, true),
            SignInError::CheckDate => say("sign-in-check-date", &[]),
            SignInError::NotADesk => say("sign-in-not-a-desk", &[("name", url.into())]),
            SignInError::WrongCode { tries_left: Some(tries) } => {
                say("sign-in-wrong-code-tries", &[("tries", tries.into())])
            }
            SignInError::WrongCode { tries_left: None } => say("sign-in-wrong-code", &[]),
            SignInError::CodeExpired => say("sign-in-code-expired", &[]),
            SignInError::ComeLater { seconds } => say("sign-in-come-later", &[("seconds", seconds.into())]),
            SignInError::AppTooOld => say("sign-in-app-too-old", &[]),
            SignInError::ChooseUnbound => say("terminal-choose-unbound", &[]),
            SignInError::DiskFull => say("trouble-disk-full", &[]),
            SignInError::Closed => say("trouble-closed", &[]),
            SignInError::Defect { reason } => say("trouble-defect", &[("reason", clause(reason).into())]),
        }
    }

    /// The folder could not be opened.
    pub fn open(texts: &Texts, error: OpenError, path: &str) -> Self {
        let open = |reason: String| {
            Self::failed(
                texts.get("trouble-open", &[("path", path.into()), ("reason", clause(reason).into())]),
            )
        };
        match error {
            OpenError::Locked => Self::failed(texts.get("trouble-locked", &[])),
            OpenError::DiskFull => Self::failed(texts.get("trouble-disk-full", &[])),
            OpenError::Invalid { field, .. } if field == "speech_model_keys" => {
                Self::usage(texts.get("trouble-model-keys", &[]))
            }
            OpenError::Invalid { reason, .. } | OpenError::Defect { reason } => open(reason),
        }
    }

    /// Speech that did not become words, from what the person called `name`.
    pub fn voice(texts: &Texts, error: VoiceError, name: &str) -> Self {
        let say = |key: &str, reason: String| {
            let values = [("name", Value::from(name)), ("reason", clause(reason).into())];
            Self::failed(texts.get(key, &values))
        };
        match error {
            VoiceError::NotBuilt => say("voice-not-built", String::new()),
            VoiceError::NoModel { .. } => say("voice-no-model", String::new()),
            VoiceError::Busy => say("voice-busy", String::new()),
            VoiceError::BadAudio { reason } => say("voice-bad-audio", reason),
            VoiceError::Ended => say("voice-ended", String::new()),
            VoiceError::Failed { reason } => say("voice-failed", reason),
            VoiceError::Desk { error } => Self::desk(texts, error, name),
        }
    }

    /// A recording that cannot be heard.
    pub fn sound(texts: &Texts, path: &std::path::Path, why: &SoundError) -> Self {
        let name = ("name", Value::from(path.display().to_string()));
        let key = match why {
            SoundError::File(why) => return Self::file(texts, path, why),
            SoundError::Format => "voice-sound-format",
            SoundError::NoTrack => "voice-sound-no-track",
            SoundError::Codec => "voice-sound-codec",
            SoundError::Damaged => "voice-sound-damaged",
        };
        Self::failed(texts.get(key, &[name]))
    }

    /// A file of the person's that could not be read or written.
    pub fn file(texts: &Texts, path: &std::path::Path, why: &std::io::Error) -> Self {
        let path = path.display().to_string();
        Self::failed(
            texts.get("trouble-file", &[("path", path.into()), ("reason", clause(why.to_string()).into())]),
        )
    }
}

/// What is wrong with a field, as a clause.
fn invalid(texts: &Texts, why: InvalidReason) -> String {
    let say = |key: &str, values: &[(&str, Value<'_>)]| texts.get(key, values);
    match why {
        InvalidReason::Empty => say("invalid-empty", &[]),
        InvalidReason::TooLong { limit } => say("invalid-too-long", &[("limit", limit.into())]),
        InvalidReason::TooMany { limit } => say("invalid-too-many", &[("limit", limit.into())]),
        InvalidReason::NotOneLine => say("invalid-not-one-line", &[]),
        InvalidReason::OutOfRange { max } => say("invalid-out-of-range", &[("max", max.into())]),
        InvalidReason::NotAnAddress => say("invalid-not-an-address", &[]),
        InvalidReason::NobodyHere => say("invalid-nobody-here", &[]),
        InvalidReason::Twice => say("invalid-twice", &[]),
        InvalidReason::NotPossible => say("invalid-not-possible", &[]),
        InvalidReason::TooLarge { limit } => say("invalid-too-large", &[("limit", limit.into())]),
        InvalidReason::Folder => say("invalid-folder", &[]),
        InvalidReason::Missing => say("invalid-missing", &[]),
        InvalidReason::Forbidden => say("invalid-forbidden", &[]),
        InvalidReason::Unreadable => say("invalid-unreadable", &[]),
        InvalidReason::NotAServer => say("invalid-not-a-server", &[]),
    }
}

/// The clause for it; none for what only its own words tell.
fn not_now(why: NotNowReason) -> Option<&'static str> {
    Some(match why {
        NotNowReason::DeviceLocked => "not-now-device-locked",
        NotNowReason::FilesBusy => "not-now-files-busy",
        NotNowReason::AppTooOld => "not-now-app-too-old",
        NotNowReason::WrongDate => "not-now-wrong-date",
        NotNowReason::Delivered => "not-now-delivered",
        NotNowReason::TicketMoved => "not-now-ticket-moved",
        NotNowReason::WrittenByNewerApp => "not-now-written-by-newer-app",
        NotNowReason::FileNotWhole => "not-now-file-not-whole",
        NotNowReason::Other => return None,
    })
}

/// A reason as a clause of our sentence: its own full stop would end ours too early.
pub fn clause(reason: String) -> String {
    reason.trim_end().trim_end_matches('.').to_owned()
}
