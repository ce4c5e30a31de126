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
