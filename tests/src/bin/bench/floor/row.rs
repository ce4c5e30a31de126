//! What the floor reads of a row: the few fields its columns, its list and its search need, and nothing else.

use std::borrow::Cow;

use pocketdesk_protocol::rows::kind;
use serde::Deserialize;
use uuid::Uuid;

/// A text, borrowed from the row where it holds no escapes; inside an `Option` serde copies a bare `Cow`.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Deserialize)]
pub struct Fields<'a> {
    #[serde(default)]
    pub ticket: Option<Uuid>,
    #[serde(default)]
    pub position: Option<i64>,
    #[serde(default)]
    author: Option<Person>,
    #[serde(default)]
    by: Option<Person>,
    #[serde(default, borrow)]
    pub desk: Option<Desk<'a>>,
    #[serde(default, borrow)]
    pub status: Option<Text<'a>>,
    #[serde(default)]
    pub updated_at: Option<i64>,
    #[serde(default, borrow)]
    pub subject: Option<Text<'a>>,
    #[serde(default, borrow)]
    description: Option<Text<'a>>,
    #[serde(default, borrow)]
    text: Option<Text<'a>>,
    #[serde(default, borrow)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default)]
    id: Option<Uuid>,
}

#[derive(Deserialize)]
pub struct Desk<'a> {
    #[serde(default, borrow)]
    pub number: Option<Text<'a>>,
}

impl Fields<'_> {
    pub fn author(&self) -> Option<Uuid> {
        self.author.as_ref().or(self.by.as_ref()).and_then(|person| person.id)
    }

    /// What can be searched for, as the core has it.
    pub fn words(&self, of: &str) -> Option<String> {
        match of {
            kind::TICKET => Some(format!(
                "{} {}",
                self.subject.as_ref()?.0,
                self.description.as_ref().map_or("", |text| &text.0)
            )),
            kind::COMMENT => self.text.as_ref().map(|text| text.0.to_string()),
            kind::ATTACHMENT => self.name.as_ref().map(|text| text.0.to_string()),
            _ => None,
        }
    }
}

/// A line of the list.
#[allow(dead_code, reason = "a screen would show them; here they are made and let go")]
pub struct Line {
    pub id: String,
    pub status: String,
    pub number: Option<String>,
    pub unread: u32,
    pub subject: String,
    pub updated_at: i64,
}

/// The place of a document: the time in its row's id, with room for what was made in the same moment.
pub fn stamp_of(id: Uuid) -> i64 {
    let millis = u64::try_from(id.as_u128() >> 80).unwrap_or(0);
    (millis << 14).cast_signed() & i64::MAX
}
