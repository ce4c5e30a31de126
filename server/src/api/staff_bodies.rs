//! What staff programs send. `by` is the name requesters see; the desk's name when it is absent.

use base64::{Engine, engine::general_purpose::STANDARD};
use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, CommentId, CompanyId, SiteId},
    rows::Status,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Refusal;
use crate::people::Sees;

/// Body of `POST /staff/tickets/{id}/reply`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyBody {
    /// What the requester reads; may be empty when there are files.
    #[serde(default)]
    pub text: String,
    /// Files: ids that `POST /staff/files` gave, or small ones inline (8 MiB together).
    #[serde(default)]
    pub files: Vec<ReplyFile>,
    /// Who writes.
    #[serde(default)]
    pub by: Option<String>,
    /// The reply's id to be, a UUID of the caller's: the same one sent again, because an answer was lost, changes nothing.
    #[serde(default)]
    pub id: Option<CommentId>,
}

/// A file of a reply.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ReplyFile {
    /// Sent ahead.
    Sent(AttachmentId),
    /// Sent along.
    Inline {
        /// As the requester sees it.
        name: String,
        /// The bytes, in standard base64.
        content_base64: String,
    },
}

/// The bytes of an inline file.
pub fn inline(content: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD
        .decode(content)
        .map_err(|_| Refusal::bad_request("content_base64 must be standard base64 with padding"))
}

/// Body of `POST /staff/tickets/{id}/note`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// What no requester ever reads.
    pub text: String,
    /// Who writes.
    #[serde(default)]
    pub by: Option<String>,
    /// The note's id to be, as for a reply.
    #[serde(default)]
    pub id: Option<CommentId>,
}

/// Body of `POST /staff/tickets/{id}/status`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusBody {
    /// Where it is from now on.
    pub status: Status,
    /// Who says so.
    #[serde(default)]
    pub by: Option<String>,
}

/// Body of `POST /staff/tickets/{id}/assignee`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssigneeBody {
    /// Who has it, by the name requesters see; null gives it back.
    pub assignee: Option<String>,
    /// Who says so.
    #[serde(default)]
    pub by: Option<String>,
}

/// Body of `POST /staff/tickets/{id}/deadline`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadlineBody {
    /// Milliseconds since the epoch, or RFC 3339 text; null takes the promise back.
    #[serde(deserialize_with = "moment")]
    #[schema(value_type = Option<String>)]
    pub at: Option<Millis>,
    /// Why it moves; needed when there was a promise.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who says so.
    #[serde(default)]
    pub by: Option<String>,
}

/// Body of `POST /staff/tickets/{id}/rating-request`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingRequestBody {
    /// Who asks.
    #[serde(default)]
    pub by: Option<String>,
}

/// Body of `POST /staff/tickets/{id}/participants`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParticipantsBody {
    /// Ids or e-mail addresses of people of the desk.
    #[serde(default)]
    pub add: Vec<String>,
    /// As above.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Who says so.
    #[serde(default)]
    pub by: Option<String>,
}

/// Body of `POST /staff/people`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonBody {
    /// As shown; the address's local part when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Where codes go; one person an address.
    pub email: String,
    /// Where they work.
    #[serde(default)]
    pub company: Option<CompanyId>,
    /// Where they sit.
    #[serde(default)]
    pub site: Option<SiteId>,
    /// Where they sit, if in several places.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// What they see; their own when absent.
    #[serde(default)]
    pub sees: Sees,
}

/// Body of `PUT /staff/people/{id}/scopes`. What is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopesBody {
    /// What they see.
    #[serde(default)]
    pub sees: Option<Sees>,
    /// Where they work; null: nowhere.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CompanyId>)]
    pub company: Option<Option<CompanyId>>,
    /// Where they sit.
    #[serde(default)]
    pub sites: Option<Vec<SiteId>>,
}

/// What became of a reply or note.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written {
    /// The comment's id.
    pub id: CommentId,
}

/// Query of `POST /staff/files`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// As the requester will see it.
    pub name: String,
}

/// Query of a deletion.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// Also from every phone, the author's own words included.
    #[serde(default)]
    pub erase: bool,
}

/// A field that is there, null or not.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Millis>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Moment {
        Millis(Millis),
        Text(String),
    }
    match Option::deserialize(from)? {
        None => Ok(None),
        Some(Moment::Millis(at)) => Ok(Some(at)),
        Some(Moment::Text(text)) => {
            text.parse::<jiff::Timestamp>().map(|at| Some(at.as_millisecond())).map_err(|_| {
                serde::de::Error::custom("at must be ms since the epoch or like 2026-03-01T12:00:00Z")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_in_both_ways_and_taken_back_by_null() {
        let at = |json: &str| serde_json::from_str::<DeadlineBody>(json).map(|body| body.at);
        assert_eq!(at(r#"{"at":1000}"#).unwrap(), Some(1000));
        assert_eq!(at(r#"{"at":"1970-01-01T02:00:01+02:00"}"#).unwrap(), Some(1000));
        assert_eq!(at(r#"{"at":null}"#).unwrap(), None);
        assert!(at(r#"{"at":"tomorrow"}"#).is_err());
        assert!(at("{}").is_err(), "a forgotten date must not take a promise back");
    }

    #[test]
    fn changing_what_a_person_sees_leaves_their_company_alone() {
        let body: ScopesBody = serde_json::from_str(r#"{"sees":"company"}"#).unwrap();
        assert!(body.company.is_none() && body.sites.is_none());
        let body: ScopesBody = serde_json::from_str(r#"{"company":null}"#).unwrap();
        assert_eq!(body.company, Some(None));
    }
}
