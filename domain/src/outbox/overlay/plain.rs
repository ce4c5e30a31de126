//! The inbox's line of a ticket that no op speaks of and whose words the desk has not refused: nearly every line there
//! is. It needs a few fields of the ticket's row, which the store reads without building the rest.

use std::borrow::Cow;

use pocketdesk_protocol::{
    Millis,
    ids::{PersonId, TicketId},
    rows::{DeskState, Status},
};

use super::{AccountFacts, delivery_of_row};
use crate::model::{TicketKey, TicketSummary};

/// What a line shows of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainLine<'a> {
    /// Whose.
    pub ticket: TicketId,
    /// One line.
    pub subject: Cow<'a, str>,
    /// Where it is.
    pub status: Status,
    /// What the desk made of it.
    pub desk: DeskState,
    /// Who filed it, if that is a requester.
    pub author: Option<PersonId>,
    /// As shown.
    pub author_name: Cow<'a, str>,
    /// The promise in force.
    pub deadline: Option<Millis>,
    /// When the server took it.
    pub created_at: Millis,
    /// When it last moved.
    pub updated_at: Millis,
    /// Comments and events of others past the read mark.
    pub unread: u32,
}

/// The same as [`super::summary`] makes of the whole row.
pub fn plain_summary(line: PlainLine<'_>, account: &AccountFacts) -> TicketSummary {
    let mine = line.author.is_some() && line.author == account.me;
    let delivery = mine.then(|| delivery_of_row(&line.desk, line.created_at));
    let number = match line.desk {
        DeskState::Registered { number } => number,
        DeskState::Pending | DeskState::Refused { .. } => None,
    };
    TicketSummary {
        key: TicketKey { account: account.account.clone(), id: line.ticket.to_string() },
        number,
        subject: line.subject.into_owned(),
        status: line.status.into(),
        unread: line.unread,
        delivery,
        pending: None,
        author: (!mine).then(|| line.author_name.into_owned()),
        deadline: line.deadline,
        updated_at: line.updated_at,
    }
}
