//! The desk's catalogue, and what a dictation makes of it. A guess is offered, never acted upon: nothing is sent before
//! the person has looked.

/// What a name of the catalogue is a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum CatalogueKind {
    /// A sort of request.
    RequestType,
    /// What is asked about: a service or a piece of equipment.
    Service,
    /// A place.
    Site,
    /// How soon.
    Urgency,
}

impl CatalogueKind {
    /// The wire's kind; none for one this build does not know.
    pub const fn of(kind: pocketdesk_protocol::rows::CatalogueKind) -> Option<Self> {
        use pocketdesk_protocol::rows::CatalogueKind;
        match kind {
            CatalogueKind::Type => Some(Self::RequestType),
            CatalogueKind::Service => Some(Self::Service),
            CatalogueKind::Site => Some(Self::Site),
            CatalogueKind::Urgency => Some(Self::Urgency),
            CatalogueKind::Unknown => None,
        }
    }

    /// The name on the machine side and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestType => "type",
            Self::Service => "service",
            Self::Site => "site",
            Self::Urgency => "urgency",
        }
    }
}

/// A name the desk knows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct CatalogueEntry {
    /// Its id.
    pub id: String,
    /// What it is a name for.
    pub kind: CatalogueKind,
    /// As shown.
    pub name: String,
    /// What else people say for it.
    pub synonyms: Vec<String>,
}

/// A name of the catalogue that the words speak of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Guess {
    /// Its id.
    pub id: String,
    /// As shown.
    pub name: String,
}

/// A word that was not heard well: to be marked, and heard again at a tap.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct UncertainWord {
    /// As it stands in the description.
    pub text: String,
    /// Where it stands there: characters (Unicode scalar values) before it.
    pub at: u32,
    /// Where it begins in the recording, ms.
    pub start_ms: u64,
    /// Where it ends in the recording, ms.
    pub end_ms: u64,
    /// How sure the recogniser is of it, 0 to 1.
    pub confidence: f32,
}

/// What a dictation became: to be looked at, changed and sent by the person.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SpokenDraft {
    /// The first sentence that says something; one line.
    pub title: String,
    /// All that was said.
    pub description: String,
    /// The sort of request, if the words name one.
    pub request_type: Option<Guess>,
    /// The service, if the words name one.
    pub service: Option<Guess>,
    /// The place, if the words name one.
    pub site: Option<Guess>,
    /// How soon, if the words say so.
    pub urgency: Option<Guess>,
    /// Words not heard well, in order.
    pub uncertain: Vec<UncertainWord>,
}

/// Sound that a shell will push: 16-bit little-endian samples.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Sound {
    /// Frames a second, 8,000 to 192,000; 16,000 is taken as it is.
    pub rate: u32,
    /// Interleaved channels, 1 to 8; their mean is heard.
    #[cfg_attr(feature = "uniffi", uniffi(default = 1))]
    pub channels: u16,
    /// `ru`, `uk` or `en`; found out from the first words when none.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub language: Option<String>,
    /// Somebody watches the words appear. They cost as much again.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub live: bool,
}

/// What was heard while somebody still speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct HeardView {
    /// Words that stay.
    pub text: String,
    /// Words after them that will hardly change.
    pub stable: String,
    /// Words after these that may change: show them pale.
    pub tentative: String,
    /// There are no words now (no model, or trouble with it): they come later, from the recording.
    pub words_later: bool,
}

impl HeardView {
    /// Whether nothing was heard yet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What spoken words are for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum DictateInto {
    /// A new ticket.
    Ticket,
    /// A reply.
    Reply {
        /// The ticket's id.
        ticket: String,
    },
    /// Why a ticket is not solved.
    Reopen {
        /// The ticket's id.
        ticket: String,
    },
}

/// A recording whose words are not in a draft yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RecordingView {
    /// Account.
    pub account: String,
    /// Its id: that of its draft (to be).
    pub id: String,
    /// What its words are for.
    pub into: DictateInto,
    /// When it began, ms since the epoch by the phone's clock.
    pub started_at: i64,
    /// How long it is, ms.
    pub duration_ms: u64,
    /// It was cut: the app died while it was made, and it is in no draft. Else it waits for a speech model, and its draft
    /// has it as a file.
    pub cut: bool,
}

/// What a dictation added to its draft.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SpokenView {
    /// What its words are for.
    pub into: DictateInto,
    /// `ru`, `uk` or `en`; empty until its words are heard.
    pub language: String,
    /// The recording among the draft's files; none once the person removed it.
    pub recording: Option<String>,
    /// Its words come when a speech model is there.
    pub words_later: bool,
    /// The sort of request, if the words name one.
    pub request_type: Option<Guess>,
    /// The service, if the words name one.
    pub service: Option<Guess>,
    /// The place, if the words name one.
    pub site: Option<Guess>,
    /// How soon, if the words say so.
    pub urgency: Option<Guess>,
    /// Words not heard well that still stand where they were.
    pub uncertain: Vec<UncertainWord>,
}
