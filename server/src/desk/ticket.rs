//! A ticket as the rules change it. It is loaded whole and locked, changed in memory and saved once; every save gives
//! it a new version and touches the scopes that hold it before and after.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, CommentId, CompanyId, EntityId, PersonId, Scope, SiteId, TicketId},
    op::FileRef,
    rows::{Deadline, DeskState, EventData, FileState, Named, PersonRef, Side, Status, TicketRow, kind},
};

use crate::{
    journal::rows::{json, small, words},
    store::{StoreError, Tx, Value, placeholders, write::Write},
    values,
};

/// A ticket's columns, and who follows it.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Whose row.
    pub id: TicketId,
    /// Its version.
    pub v: i64,
    /// One line.
    pub subject: String,
    /// The author's words.
    pub description: String,
    /// Where it is.
    pub status: Status,
    /// Position of the event that set the status.
    pub status_event: i64,
    /// Times solved.
    pub solve_round: u32,
    /// Whether the desk has it.
    pub desk: DeskState,
    /// Who filed it.
    pub author: PersonId,
    /// As they were called.
    pub author_name: String,
    /// Whose company.
    pub company: Option<CompanyId>,
    /// As it is called now; not known of a ticket that was not loaded.
    pub company_name: String,
    /// Which site.
    pub site: Option<SiteId>,
    /// As it is called now; not known of a ticket that was not loaded.
    pub site_name: String,
    /// Who has it.
    pub assignee: Option<String>,
    /// By when.
    pub deadline: Option<Deadline>,
    /// The round for which a rating was asked; 0 is none.
    pub rating_asked: u32,
    /// Until when it may be reopened; 0 is not at all.
    pub reopen_until: Millis,
    /// What goes on instead.
    pub merged_into: Option<TicketId>,
    /// Highest position given.
    pub last_position: i64,
    /// When it was taken.
    pub created_at: Millis,
    /// When it last moved for a requester.
    pub updated_at: Millis,
    /// Who follows it.
    pub participants: Vec<(PersonId, String)>,
}

const COLUMNS: &str = "id, v, subject, description, status, status_event, solve_round, desk, author_id, author_name, \
                       company_id, site_id, assignee, deadline, rating_asked, reopen_until, merged_into, \
                       last_position, created_at, updated_at, \
                       COALESCE((SELECT c.name FROM company c WHERE c.id = ticket.company_id), ''), \
                       COALESCE((SELECT s.name FROM site s WHERE s.id = ticket.site_id), '')";

/// The ticket, for reading.
pub async fn load(tx: &mut dyn Tx, id: TicketId) -> Result<Option<Ticket>, StoreError> {
    Ok(load_many(tx, &[id.into()]).await?.pop())
}

/// The ticket, locked until the end of the transaction.
pub async fn lock(tx: &mut Write, id: TicketId) -> Result<Option<Ticket>, StoreError> {
    let sql = format!("SELECT id FROM ticket WHERE id = $1{}", tx.for_update());
    if tx.query(&sql, &values![id]).await?.is_empty() {
        return Ok(None);
    }
    load(tx.tx(), id).await
}

/// Those of these tickets that exist.
pub async fn load_many(tx: &mut dyn Tx, ids: &[EntityId]) -> Result<Vec<Ticket>, StoreError> {
    let values: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
    let list = placeholders(1, values.len());
    let mut followers: BTreeMap<TicketId, Vec<(PersonId, String)>> = BTreeMap::new();
    let sql = format!(
        "SELECT ticket_id, person_id, name FROM participant WHERE ticket_id IN ({list}) ORDER BY person_id"
    );
    for row in tx.query(&sql, &values).await? {
        followers.entry(row[0].id()?).or_default().push((row[1].id()?, row[2].text()?.to_owned()));
    }
    let sql = format!("SELECT {COLUMNS} FROM ticket WHERE id IN ({list})");
    let mut tickets = Vec::with_capacity(ids.len());
    for row in tx.query(&sql, &values).await? {
        let id = row[0].id()?;
        let deadline = words(&row[13])?;
        tickets.push(Ticket {
            id,
            v: row[1].int()?,
            subject: row[2].text()?.to_owned(),
            description: row[3].text()?.to_owned(),
            status: row[4].text()?.parse().map_err(StoreError::Failed)?,
            status_event: row[5].int()?,
            solve_round: small(&row[6])?,
            desk: json(&row[7])?,
            author: row[8].id()?,
            author_name: row[9].text()?.to_owned(),
            company: row[10].id_or_none()?,
            company_name: row[20].text()?.to_owned(),
            site: row[11].id_or_none()?,
            site_name: row[21].text()?.to_owned(),
            assignee: words(&row[12])?,
            deadline: if deadline.is_some() { Some(json(&row[13])?) } else { None },
            rating_asked: small(&row[14])?,
            reopen_until: row[15].int()?,
            merged_into: row[16].id_or_none()?,
            last_position: row[17].int()?,
            created_at: row[18].int()?,
            updated_at: row[19].int()?,
            participants: followers.remove(&id).unwrap_or_default(),
        });
    }
    Ok(tickets)
}

impl Ticket {
    /// The scopes that hold it.
    pub fn scopes(&self) -> BTreeSet<Scope> {
        let people = self.participants.iter().map(|(person, _)| Scope::Person(*person));
        let site = self.site.map(Scope::Site);
        let company = self.company.map(Scope::Company);
        people.chain([Scope::Person(self.author)]).chain(site).chain(company).collect()
    }

    /// The desk's number, when it is known.
    pub fn number(&self) -> Option<String> {
        match &self.desk {
            DeskState::Registered { number } => number.clone(),
            _ => None,
        }
    }

    /// As requesters see it.
    pub fn row(&self, rating_max: u32) -> TicketRow {
        let person = |id: PersonId, name: &str| PersonRef {
            id: Some(id),
            name: name.to_owned(),
            side: Side::Requester,
        };
        TicketRow {
            subject: self.subject.clone(),
            description: self.description.clone(),
            status: self.status,
            status_event: self.status_event,
            solve_round: self.solve_round,
            desk: self.desk.clone(),
            author: person(self.author, &self.author_name),
            participants: self.participants.iter().map(|(id, name)| person(*id, name)).collect(),
            company: self.company.map(|id| Named { id, name: self.company_name.clone() }),
            site: self.site.map(|id| Named { id, name: self.site_name.clone() }),
            assignee: self.assignee.clone(),
            deadline: self.deadline.clone(),
            rating_asked: (self.rating_asked > 0).then_some(self.rating_asked),
            rating_max,
            reopen_until: (self.reopen_until > 0).then_some(self.reopen_until),
            merged_into: self.merged_into,
            last_position: self.last_position,
            created_at: self.created_at,
            updated_at: self.updated_at,
            extra: Default::default(),
        }
    }

    /// Writes it for the first time.
    pub async fn insert(&mut self, tx: &mut Write, made_at: Millis) -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO ticket (id, v, made_at, created_at) VALUES ($1, 0, $2, $3)",
            &values![self.id, made_at, self.created_at],
        )
        .await?;
        self.v = 0;
        self.save(tx).await
    }

    /// Writes what changed, as a new version, and touches its scopes. What is in none of them any more has to be
    /// touched before.
    pub async fn save(&mut self, tx: &mut Write) -> Result<(), StoreError> {
        self.v += 1;
        self.updated_at = tx.now;
        tx.execute(
            "UPDATE ticket SET v = $2, subject = $3, description = $4, status = $5, status_event = $6, \
             solve_round = $7, desk = $8, author_id = $9, author_name = $10, company_id = $11, site_id = $12, \
             assignee = $13, deadline = $14, rating_asked = $15, reopen_until = $16, merged_into = $17, \
             last_position = $18, updated_at = $19, number = $20 WHERE id = $1",
            &values![
                self.id,
                self.v,
                self.subject.as_str(),
                self.description.as_str(),
                self.status.as_str(),
                self.status_event,
                self.solve_round,
                to_json(&self.desk)?,
                self.author,
                self.author_name.as_str(),
                self.company,
                self.site,
                self.assignee.clone().unwrap_or_default(),
                self.deadline.as_ref().map(to_json).transpose()?.unwrap_or_default(),
                self.rating_asked,
                self.reopen_until,
                self.merged_into,
                self.last_position,
                self.updated_at,
                self.number().unwrap_or_default(),
            ],
        )
        .await?;
        tx.touched.row(self.scopes(), kind::TICKET, self.id.into());
        Ok(())
    }

    /// Adds an event at the next position (the first is the create, at 0) and answers the position. The ticket is to
    /// be saved after it.
    pub async fn event(
        &mut self,
        tx: &mut Write,
        by: &PersonRef,
        data: &EventData,
    ) -> Result<i64, StoreError> {
        if !matches!(data, EventData::Created) {
            self.last_position += 1;
        }
        let id = EntityId(tx.env.new_id());
        let now = tx.now;
        tx.execute(
            "INSERT INTO event (id, ticket_id, position, by_id, by_name, by_side, at, data) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &values![
                id,
                self.id,
                self.last_position,
                by.id,
                by.name.as_str(),
                side(by.side),
                now,
                to_json(data)?
            ],
        )
        .await?;
        tx.touched.row(self.scopes(), kind::EVENT, id);
        Ok(self.last_position)
    }

    /// Moves the status, with its event; the ticket is to be saved after it.
    pub async fn set_status(
        &mut self,
        tx: &mut Write,
        by: &PersonRef,
        to: Status,
        reopen_window_ms: Millis,
    ) -> Result<(), StoreError> {
        let from = std::mem::replace(&mut self.status, to);
        self.status_event = self.event(tx, by, &EventData::Status { from, to }).await?;
        match to {
            Status::Solved => {
                self.solve_round += 1;
                self.reopen_until = tx.now + reopen_window_ms;
                let (id, round, now) = (self.id, self.solve_round, tx.now);
                tx.execute(
                    "INSERT INTO solved (ticket_id, round, at) VALUES ($1, $2, $3)",
                    &values![id, round, now],
                )
                .await?;
            }
            Status::Closed if self.reopen_until == 0 => self.reopen_until = tx.now + reopen_window_ms,
            Status::Closed => {}
            _ => self.reopen_until = 0,
        }
        Ok(())
    }

    /// Adds words at the next position; the ticket is to be saved after it.
    pub async fn comment(
        &mut self,
        tx: &mut Write,
        id: CommentId,
        by: &PersonRef,
        text: &str,
        made_at: Millis,
    ) -> Result<(), StoreError> {
        self.last_position += 1;
        let now = tx.now;
        tx.execute(
            "INSERT INTO comment (id, ticket_id, position, author_id, author_name, author_side, body, desk, made_at, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &values![
                id,
                self.id,
                self.last_position,
                by.id,
                by.name.as_str(),
                side(by.side),
                text,
                to_json(&DeskState::Registered { number: None })?,
                made_at,
                now,
            ],
        )
        .await?;
        tx.touched.row(self.scopes(), kind::COMMENT, id.into());
        Ok(())
    }

    /// Names a file; its bytes travel by themselves.
    pub async fn attachment(
        &self,
        tx: &mut Write,
        comment: Option<CommentId>,
        by: &PersonRef,
        file: &FileRef,
        state: FileState,
        mime: Option<&str>,
    ) -> Result<(), StoreError> {
        let state = match state {
            FileState::Pending => "pending",
            FileState::Complete => "complete",
            FileState::Missing => "missing",
        };
        let now = tx.now;
        tx.execute(
            "INSERT INTO attachment (id, ticket_id, comment_id, name, size, sha256, state, mime, author_id, \
             author_name, author_side, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &values![
                file.id,
                self.id,
                comment,
                file.name.as_str(),
                i64::try_from(file.size).unwrap_or(i64::MAX),
                file.sha256.as_str(),
                state,
                mime.unwrap_or_default(),
                by.id,
                by.name.as_str(),
                side(by.side),
                now,
            ],
        )
        .await?;
        tx.touched.row(self.scopes(), kind::ATTACHMENT, AttachmentId::into(file.id));
        Ok(())
    }
}

/// The desk's state of a comment moves; answers its new version.
pub async fn set_comment_desk(
    tx: &mut Write,
    ticket: &Ticket,
    comment: EntityId,
    state: &DeskState,
) -> Result<i64, StoreError> {
    let rows = tx
        .query(
            "UPDATE comment SET v = v + 1, desk = $2 WHERE id = $1 RETURNING v",
            &values![comment, to_json(state)?],
        )
        .await?;
    tx.touched.row(ticket.scopes(), kind::COMMENT, comment);
    rows.first().map_or(Ok(0), |row| row[0].int())
}

/// A side's name in SQL.
pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Requester => "requester",
        Side::Staff => "staff",
        Side::System => "system",
    }
}

/// JSON for a column.
pub fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Failed(format!("a value cannot be written: {error}")))
}
