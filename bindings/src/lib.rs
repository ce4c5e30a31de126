//! The surface of the core for every shell: one object, [`Pocketdesk`], its feeds, flat errors and foreign traits.
//! Records and enums come from `pocketdesk_domain::model`; there are no mirror types. Only owned values cross, ids
//! as text. The core owns its runtime: work that was begun runs to its end even when the caller's future is dropped.

#![warn(missing_docs)]

mod calls;
mod config;
mod convert;
mod errors;
mod facade;
mod fd;
mod feeds;
mod voice;

pub use config::{Config, Platform, SecretStore, SignInStarted, Source, Unbound, file_secrets};
pub use errors::{DeskError, NotNowReason, OpenError, ReadOnlyReason, SecretStoreError, SignInError};
pub use facade::Pocketdesk;
pub use feeds::{OutboxFeed, SpeechModelsFeed, SyncFeed, TicketFeed, TicketsFeed, TransfersFeed};
pub use pocketdesk_domain::outbox::InvalidReason;
pub use pocketdesk_domain::{dictation, model};
pub use voice::{Dictation, Transcription, VoiceError};

uniffi::setup_scaffolding!();
