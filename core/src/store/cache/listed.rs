//! Rows read for screens. Of a ticket in a list only the few fields that its line shows are read; of the rest, all that
//! this build knows. What it does not know stays in the file as it came: keeping it would double the cost of reading.

use std::borrow::Cow;

use pocketdesk_domain::outbox::overlay::PlainLine;
use pocketdesk_protocol::{
    Millis,
    ids::{CommentId, CompanyId, EntityId, PersonId, SiteId, TicketId},
    rows::{
        AttachmentRow, CatalogueRow, CommentRow, Deadline, DeskState, EventRow, Extra, FileState, Named,
        PersonRef, RatingRow, ReadRow, Status, TicketRow,
    },
};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::Stored;

/// A ticket as the list has it, while its row is being read.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// Which.
    pub id: TicketId,
    /// Comments and events of others past the read mark.
    pub unread: u32,
    /// Whether comments of the person's wait for the desk, or were refused ([`super::CacheRead::waiting_comments`]).
    pub waits: bool,
    pub(super) v: i64,
    pub(super) json: &'a str,
}

impl<'a> Listed<'a> {
    /// What its line shows, if the row alone says that: none of the person's comments waits and the desk has not
    /// refused the ticket.
    pub fn plain(&self) -> Option<PlainLine<'a>> {
        let head: Head<'a> = serde_json::from_str(self.json).ok().filter(|_| !self.waits)?;
        if matches!(head.desk, DeskState::Refused { .. }) {
            return None;
        }
        Some(PlainLine {
            ticket: self.id,
            subject: head.subject,
            status: head.status,
            desk: head.desk,
            author: head.author.id,
            author_name: head.author.name,
            deadline: head.deadline.map(|deadline| deadline.at),
            created_at: head.created_at,
            updated_at: head.updated_at,
            unread: self.unread,
        })
    }

    /// Its whole row; none if this build cannot read it.
    pub fn ticket(&self) -> Option<Stored<TicketRow>> {
        let row = TicketRow::known(self.json).ok()?;
        Some(Stored { id: self.id.into(), v: self.v, row })
    }
}

/// Fields of a [`TicketRow`]; all else is skipped without being built.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    subject: Cow<'a, str>,
    status: Status,
    #[serde(deserialize_with = "desk_state")]
    desk: DeskState,
    #[serde(borrow)]
    author: HeadAuthor<'a>,
    #[serde(default)]
    deadline: Option<HeadDeadline>,
    created_at: Millis,
    updated_at: Millis,
}

#[derive(Deserialize)]
struct HeadAuthor<'a> {
    #[serde(default)]
    id: Option<PersonId>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct HeadDeadline {
    at: Millis,
}

/// A row as this build knows it.
pub(super) trait Known: Sized {
    /// Reads it.
    fn known(json: &str) -> serde_json::Result<Self>;
}

/// Rows with fields that this build may not know, read without them.
macro_rules! known {
    ($($name:literal $row:ident { $($field:ident: $type:ty $(, $attribute:meta)?;)* })*) => {$(
        const _: () = {
            #[derive(Deserialize)]
            #[serde(remote = $name)]
            struct Fields {
                $($(#[$attribute])? $field: $type,)*
                #[serde(skip)]
                extra: Extra,
            }

            impl Known for $row {
                fn known(json: &str) -> serde_json::Result<Self> {
                    let mut text = serde_json::Deserializer::from_str(json);
                    let row = Fields::deserialize(&mut text)?;
                    text.end()?;
                    Ok(row)
                }
            }
        };
    )*};
}

known! {
    "TicketRow" TicketRow {
        subject: String;
        description: String;
        status: Status;
        status_event: i64;
        solve_round: u32;
        desk: DeskState, serde(deserialize_with = "desk_state");
        author: PersonRef;
        participants: Vec<PersonRef>, serde(default);
        company: Option<Named<CompanyId>>, serde(default);
        site: Option<Named<SiteId>>, serde(default);
        assignee: Option<String>, serde(default);
        deadline: Option<Deadline>, serde(default);
        rating_asked: Option<u32>, serde(default);
        rating_max: u32;
        reopen_until: Option<Millis>, serde(default);
        merged_into: Option<TicketId>, serde(default);
        last_position: i64;
        created_at: Millis;
        updated_at: Millis;
    }
    "CommentRow" CommentRow {
        ticket: TicketId;
        position: i64;
        author: PersonRef;
        text: String;
        desk: DeskState, serde(deserialize_with = "desk_state");
        created_at: Millis;
    }
    "AttachmentRow" AttachmentRow {
        ticket: TicketId;
        comment: Option<CommentId>, serde(default);
        name: String;
        size: u64;
        sha256: String;
        state: FileState;
        mime: Option<String>, serde(default);
        author: PersonRef;
        created_at: Millis;
    }
}

/// Rows that have no such fields.
macro_rules! plain {
    ($($row:ident)*) => {$(
        impl Known for $row {
            fn known(json: &str) -> serde_json::Result<Self> {
                serde_json::from_str(json)
            }
        }
    )*};
}

plain!(CatalogueRow EventRow ReadRow RatingRow);

/// The same as [`DeskState`]'s own, without keeping the fields until the state is known.
fn desk_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeskState, D::Error> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        state: Cow<'a, str>,
        #[serde(default)]
        number: Option<String>,
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        text_key: Option<String>,
        #[serde(default)]
        words: Option<String>,
        #[serde(default)]
        can_edit: Option<bool>,
    }
    let Fields { state, number, code, text_key, words, can_edit } = Fields::deserialize(deserializer)?;
    let missing = D::Error::missing_field;
    match &*state {
        "pending" => Ok(DeskState::Pending),
        "registered" => Ok(DeskState::Registered { number }),
        "refused" => Ok(DeskState::Refused {
            code: code.ok_or_else(|| missing("code"))?,
            text_key: text_key.ok_or_else(|| missing("text_key"))?,
            words,
            can_edit: can_edit.ok_or_else(|| missing("can_edit"))?,
        }),
        other => Err(D::Error::unknown_variant(other, &["pending", "registered", "refused"])),
    }
}

/// A row as its type; none if this build cannot read it (it stays stored as it came).
pub(super) fn stored<T: Known>(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Option<Stored<T>>> {
    let id: super::Blob = row.get(from)?;
    let v = row.get(from + 1)?;
    let json = row.get_ref(from + 2)?.as_str()?;
    Ok(T::known(json).ok().map(|row| Stored { id: EntityId(id.0), v, row }))
}

#[cfg(test)]
mod tests {
    use pocketdesk_domain::outbox::overlay::{AccountFacts, CacheFacts, TicketFacts, plain_summary, summary};
    use serde_json::{Value, json};

    use super::*;

    fn ticket(change: Value) -> String {
        let mut row = json!({
            "subject": "Принтер \"горит\"", "description": "…", "status": "open", "status_event": 3,
            "solve_round": 0, "desk": {"state": "registered", "number": "42"},
            "author": {"id": uuid::Uuid::from_u128(1), "name": "Olena", "side": "requester"}, "rating_max": 5,
            "last_position": 3, "created_at": 10, "updated_at": 20, "mood": {"calm": [1, 2]},
        });
        let fields = row.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        row.to_string()
    }

    fn changes() -> Vec<Value> {
        let staff = json!({"name": "Max", "side": "staff"});
        vec![
            json!({}),
            json!({"desk": {"state": "pending"}, "deadline": {"at": 7, "moved_from": 5, "reason": "late"}}),
            json!({"desk": {"state": "registered"}, "status": "solved", "reopen_until": 99, "solve_round": 1}),
            json!({"author": staff, "participants": [staff], "assignee": "Max", "rating_asked": 1}),
            json!({"author": {"id": uuid::Uuid::from_u128(2), "name": "Ира", "side": "requester"}}),
            json!({"desk": {"state": "refused", "code": "rude", "text_key": "refused-rude", "words": "no",
                            "can_edit": true, "later": 1}}),
            json!({"company": {"id": uuid::Uuid::from_u128(3), "name": "Bakery"},
                   "site": {"id": uuid::Uuid::from_u128(4), "name": "Mill"},
                   "merged_into": uuid::Uuid::from_u128(5)}),
        ]
    }

    #[test]
    fn a_line_shows_what_the_whole_row_would() {
        let account = AccountFacts {
            account: "a".into(),
            me: Some(PersonId(uuid::Uuid::from_u128(1))),
            my_name: "Olena".into(),
            paused: None,
            online: true,
            files_wait_for_wifi: false,
            sending: vec![],
            now: 100,
        };
        let id = TicketId(uuid::Uuid::from_u128(9));
        let mut plain = 0;
        for change in changes() {
            let json = ticket(change);
            let listed = Listed { id, unread: 4, waits: false, v: 7, json: &json };
            let row = listed.ticket().expect("it can be read");
            let facts = TicketFacts {
                ticket: Some(&row),
                comments: &[],
                attachments: &[],
                events: &[],
                read: None,
                rating: None,
                ops: &[],
                files: &std::collections::BTreeMap::new(),
                cache: CacheFacts::default(),
                unread: 4,
            };
            let whole = summary(id, &facts, &account);
            if let Some(line) = listed.plain() {
                assert_eq!(Some(plain_summary(line, &account)), whole, "{json}");
                plain += 1;
            }
            assert_eq!(Listed { waits: true, ..listed }.plain(), None, "its comments have a say");
        }
        assert_eq!(plain, changes().len() - 1, "only what was refused needs its whole row");
    }

    #[test]
    fn reading_without_what_is_not_known_changes_nothing_else() {
        for change in changes() {
            let json = ticket(change);
            let mut whole: TicketRow = serde_json::from_str(&json).unwrap();
            whole.extra.clear();
            assert_eq!(TicketRow::known(&json).unwrap(), whole);
        }
        let person = json!({"name": "Max", "side": "staff"});
        let of = uuid::Uuid::from_u128(1);
        let comment = json!({"ticket": of, "position": 2, "author": person, "text": "a\nb", "new": true,
                             "desk": {"state": "pending"}, "created_at": 5})
        .to_string();
        let mut whole: CommentRow = serde_json::from_str(&comment).unwrap();
        whole.extra.clear();
        assert_eq!(CommentRow::known(&comment).unwrap(), whole);
        let file = json!({"ticket": of, "comment": of, "name": "a.png", "size": 3, "sha256": "00", "new": [],
                          "state": "complete", "mime": "image/png", "author": person, "created_at": 5})
        .to_string();
        let mut whole: AttachmentRow = serde_json::from_str(&file).unwrap();
        whole.extra.clear();
        assert_eq!(AttachmentRow::known(&file).unwrap(), whole);
    }

    #[test]
    fn what_cannot_be_read_whole_cannot_be_read_without_the_rest() {
        for broken in [
            json!({"desk": {"state": "lost"}}),
            json!({"desk": {"state": "refused", "code": "rude"}}),
            json!({"status": "dreaming"}),
            json!({"author": {"name": "Max"}}),
            json!({"last_position": "three"}),
        ] {
            let json = ticket(broken);
            assert!(serde_json::from_str::<TicketRow>(&json).is_err(), "{json}");
            assert!(TicketRow::known(&json).is_err(), "{json}");
        }
        assert!(TicketRow::known(&format!("{} x", ticket(json!({})))).is_err(), "something follows");
    }
}
