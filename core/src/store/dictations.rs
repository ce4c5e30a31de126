//! What own.db knows of dictations: recordings whose words are not heard yet, and what was heard.

use pocketdesk_domain::model::{DictateInto, SpokenDraft};
use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, EntityId, TicketId},
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{
    error::Result,
    own::{OwnRead, OwnTx},
    values::{Blob, blob},
};

/// How far a dictation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DictationState {
    /// It is being recorded, or was when its process died.
    Open,
    /// It is recorded; its words are not heard yet.
    Waiting,
    /// Its words are in its draft.
    Heard,
}

impl DictationState {
    const ALL: [Self; 3] = [Self::Open, Self::Waiting, Self::Heard];

    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Heard => "heard",
        }
    }
}

/// A dictation.
#[derive(Debug, Clone, PartialEq)]
pub struct Dictated {
    /// The draft's id (to be).
    pub id: EntityId,
    /// What its words are for.
    pub into: DictateInto,
    /// How far it is.
    pub state: DictationState,
    /// The sealed recording, until its words are heard.
    pub spill: Option<String>,
    /// The language asked for; once heard, that of the words. Empty: to be found out.
    pub language: String,
    /// The recording as it is sent.
    pub recording: Option<AttachmentId>,
    /// The phone's clock when it began, ms.
    pub started_at: Millis,
    /// What was made of its words.
    pub spoken: Option<SpokenDraft>,
}

const COLUMNS: &str = "id, target, ticket, state, spill, language, recording, started_at, spoken";

fn dictated(row: &Row<'_>) -> rusqlite::Result<Dictated> {
    let ticket = row.get::<_, Option<Blob>>(2)?.map(|id| TicketId(id.0).to_string());
    let target: String = row.get(1)?;
    let into = match (target.as_str(), ticket) {
        ("comment", Some(ticket)) => DictateInto::Reply { ticket },
        ("reopen", Some(ticket)) => DictateInto::Reopen { ticket },
        _ => DictateInto::Ticket,
    };
    let state: String = row.get(3)?;
    let spoken: Option<String> = row.get(8)?;
    Ok(Dictated {
        id: EntityId(row.get::<_, Blob>(0)?.0),
        into,
        state: DictationState::ALL
            .into_iter()
            .find(|known| known.name() == state)
            .unwrap_or(DictationState::Waiting),
        spill: row.get(4)?,
        language: row.get(5)?,
        recording: row.get::<_, Option<Blob>>(6)?.map(|id| AttachmentId(id.0)),
        started_at: row.get(7)?,
        // Guesses this build cannot read are no words of the person's: the draft has those.
        spoken: spoken.and_then(|json| serde_json::from_str(&json).ok()),
    })
}

impl OwnRead<'_> {
    /// All dictations whose draft is not sent, the oldest first.
    pub fn dictations(&self) -> Result<Vec<Dictated>> {
        let sql = format!("SELECT {COLUMNS} FROM dictations ORDER BY started_at, id");
        let mut find = self.db.prepare_cached(&sql)?;
        Ok(find.query_map([], dictated)?.collect::<Result<_, _>>()?)
    }

    /// One dictation.
    pub fn dictation(&self, id: EntityId) -> Result<Option<Dictated>> {
        let sql = format!("SELECT {COLUMNS} FROM dictations WHERE id = ?1");
        let mut find = self.db.prepare_cached(&sql)?;
        Ok(find.query_row([blob(id.0)], dictated).optional()?)
    }
}

impl OwnTx<'_> {
    /// Makes a dictation, or replaces the one of the same id. A recording it no longer names goes after the commit.
    pub fn put_dictation(&mut self, new: &Dictated) -> Result<()> {
        if let Some(before) = self.dictation(new.id)?
            && before.spill != new.spill
        {
            self.unsealed.extend(before.spill);
        }
        let (target, ticket) = match &new.into {
            DictateInto::Ticket => ("ticket", None),
            DictateInto::Reply { ticket } => ("comment", Some(ticket)),
            DictateInto::Reopen { ticket } => ("reopen", Some(ticket)),
        };
        let ticket = ticket.and_then(|ticket| ticket.parse::<TicketId>().ok());
        let spoken = new.spoken.as_ref().map(serde_json::to_string).transpose()?;
        let mut write = self.read.db.prepare_cached(
            "INSERT OR REPLACE INTO dictations (id, target, ticket, state, spill, language, recording, started_at, spoken)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        write.execute(params![
            blob(new.id.0),
            target,
            ticket.map(|id| blob(id.0)),
            new.state.name(),
            new.spill,
            new.language,
            new.recording.map(|id| blob(id.0)),
            new.started_at,
            spoken,
        ])?;
        self.changes.drafts = true;
        Ok(())
    }

    /// Forgets a dictation, and its recording as far as its words are not heard; no error if there is none.
    pub fn remove_dictation(&mut self, id: EntityId) -> Result<()> {
        if let Some(before) = self.dictation(id)? {
            self.read.db.prepare_cached("DELETE FROM dictations WHERE id = ?1")?.execute([blob(id.0)])?;
            self.unsealed.extend(before.spill);
            self.changes.drafts = true;
        }
        Ok(())
    }
}
