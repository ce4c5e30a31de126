//! What of a row becomes a column: only what lists, counts and search need.

use std::borrow::Cow;

use pocketdesk_domain::outbox::overlay::{self, InboxKey, TicketFacts, inbox_key, inbox_key_of_row};
use pocketdesk_protocol::{
    ids::{EntityId, PersonId},
    rows::kind,
};
use serde::Deserialize;
use uuid::Uuid;

/// A text of a row, borrowed where it holds no escapes; inside an `Option` serde would copy a bare `Cow`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The few fields of any known kind; all else is skipped without being built.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(default)]
    ticket: Option<Uuid>,
    #[serde(default)]
    position: Option<i64>,
    #[serde(default)]
    author: Option<Person>,
    #[serde(default)]
    by: Option<Person>,
    #[serde(default, borrow)]
    desk: Option<Desk<'a>>,
    #[serde(default, borrow)]
    subject: Option<Text<'a>>,
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
    id: Option<PersonId>,
}

#[derive(Deserialize)]
struct Desk<'a> {
    #[serde(borrow)]
    state: Cow<'a, str>,
}

/// Columns of a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hot {
    /// Its ticket; none for what is of no ticket or not known.
    pub ticket: Option<Uuid>,
    pub position: Option<i64>,
    /// Counts as unread past the mark.
    pub foreign: bool,
    /// The person's own words, not registered with the desk.
    pub waiting: bool,
}

impl Hot {
    /// Reads what is needed, and in the same look, if asked, the words that can be searched for; a row this build
    /// cannot read has neither and is stored all the same.
    pub(super) fn and_words(
        kind_of: &str,
        id: EntityId,
        row: &str,
        me: Option<PersonId>,
        words: bool,
    ) -> (Self, Option<String>) {
        let of_ticket = || Self { ticket: Some(id.0), ..Self::default() };
        match kind_of {
            kind::TICKET if words => (of_ticket(), self::words(kind_of, row)),
            kind::TICKET | kind::READ | kind::RATING => (of_ticket(), None),
            kind::COMMENT | kind::ATTACHMENT | kind::EVENT => {
                let Ok(fields) = serde_json::from_str::<Fields<'_>>(row) else { return Default::default() };
                let hot = Self::of(kind_of, &fields, me);
                (hot, if words { fields.words(kind_of) } else { None })
            }
            _ => Default::default(),
        }
    }

    fn of(kind_of: &str, fields: &Fields<'_>, me: Option<PersonId>) -> Self {
        let author = fields.author.as_ref().or(fields.by.as_ref()).and_then(|person| person.id);
        let mine = me.is_some() && author == me;
        Self {
            ticket: fields.ticket,
            position: fields.position,
            foreign: kind_of != kind::ATTACHMENT && !mine,
            waiting: kind_of == kind::COMMENT
                && mine
                && fields.desk.as_ref().is_some_and(|desk| desk.state != "registered"),
        }
    }
}

impl Fields<'_> {
    fn words(self, kind_of: &str) -> Option<String> {
        match kind_of {
            kind::TICKET => {
                Some(format!("{} {}", self.subject?.0, self.description.as_ref().map_or("", |text| &text.0)))
            }
            kind::COMMENT => Some(self.text?.0.into_owned()),
            kind::ATTACHMENT => Some(self.name?.0.into_owned()),
            _ => None,
        }
    }
}

/// The words of a row that can be searched for; none where there are none.
pub(super) fn words(kind_of: &str, row: &str) -> Option<String> {
    if !matches!(kind_of, kind::TICKET | kind::COMMENT | kind::ATTACHMENT) {
        return None;
    }
    serde_json::from_str::<Fields<'_>>(row).ok()?.words(kind_of)
}

/// Where the server's rows alone put a ticket in the list; none when they do not show it.
pub(super) fn key_of(facts: &TicketFacts<'_>, me: Option<PersonId>) -> Option<InboxKey> {
    let row = &facts.ticket?.row;
    if facts.comments.is_empty() {
        let mine = me.is_some() && row.author.id == me;
        return Some(inbox_key_of_row(row, mine, facts.rating.map(|rating| rating.row.round)));
    }
    // A refused reply of the person's asks for them, whatever the ticket's own state.
    let account = overlay::AccountFacts {
        account: String::new(),
        me,
        my_name: String::new(),
        paused: None,
        online: true,
        files_wait_for_wifi: false,
        sending: Vec::new(),
        // The order must not depend on the moment at which a row came.
        now: 0,
    };
    inbox_key(facts, &account)
}
