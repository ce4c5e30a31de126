//! What a person says and asks for: each is one transaction of own.db, validated inside it, durable when it returns.

use std::sync::Arc;

use pocketdesk_domain::{
    model::{DictateInto, DraftView, NewDraft, NewReply, NewTicket, OpKey},
    outbox::{
        self, InvalidReason, NewOp, OpState, OutboxError, Payload,
        lane::LaneKey,
        new_op::{
            NewAttachment, NewComment, NewParticipant, NewRating, NewRead, NewRequest, Request, Waiting,
            check_room, what_was_seen,
        },
        overlay, plan,
    },
};
use pocketdesk_protocol::{
    ids::{AttachmentId, CommentId, EntityId, OpId, PersonId, TicketId},
    limits::{Limits, OUTBOX_OPS},
    op::{FileRef, kind},
    rows::{self, Side},
};

use super::{
    account::{Account, limits, with_maker},
    gathered::Gathered,
};
use crate::{
    env::Env,
    error::{Error, Result},
    store::{CacheRead, OwnTx},
};

/// Reads an id that came from a shell; `what` it should have been is said when it is none.
pub fn id<T: From<uuid::Uuid>>(text: &str, what: &'static str) -> Result<T> {
    text.trim().parse::<uuid::Uuid>().map(T::from).map_err(|_| Error::NotFound { what })
}

impl Account {
    /// Files a ticket.
    pub async fn submit(self: &Arc<Self>, new: NewTicket) -> Result<(TicketId, OpKey)> {
        let env = self.shared.env.clone();
        let (op, entity) = self
            .write(move |tx| {
                let ticket: TicketId = match &new.draft {
                    // A draft that is no longer there was sent or let go: its id must not be taken twice.
                    Some(draft) => TicketId(taken_draft(tx, draft, None)?.0),
                    None => TicketId(env.new_id()),
                };
                let new_ticket = outbox::new_op::NewTicket {
                    subject: new.subject,
                    description: new.description,
                    attachments: files(tx, &new.attachments)?,
                    company: new.company.as_deref().map(|text| id(text, "company")).transpose()?,
                    site: new.site.as_deref().map(|text| id(text, "site")).transpose()?,
                };
                let limits = tx.limits()?;
                let op = with_maker(&env, limits, |maker| new_ticket.build(maker.stamp(), ticket, &limits))?;
                add(tx, &env, limits, op)
            })
            .await?;
        Ok((entity.into(), self.key(op, entity)))
    }

    /// Replies.
    pub async fn reply(self: &Arc<Self>, ticket: TicketId, new: NewReply) -> Result<OpKey> {
        let env = self.shared.env.clone();
        let (op, entity) = self
            .write_seeing(move |tx, cache| {
                must_be_known(tx, cache, ticket)?;
                let comment = match &new.draft {
                    Some(draft) => CommentId(taken_draft(tx, draft, Some(ticket))?.0),
                    None => CommentId(env.new_id()),
                };
                let reply = NewComment { ticket, text: new.text, attachments: files(tx, &new.attachments)? };
                let limits = tx.limits()?;
                let op = with_maker(&env, limits, |maker| reply.build(maker.stamp(), comment, &limits))?;
                add(tx, &env, limits, op)
            })
            .await?;
        Ok(self.key(op, entity))
    }

    /// Adds a file to a ticket.
    pub async fn add_attachment(self: &Arc<Self>, ticket: TicketId, attachment: String) -> Result<OpKey> {
        let env = self.shared.env.clone();
        let (op, entity) = self
            .write_seeing(move |tx, cache| {
                must_be_known(tx, cache, ticket)?;
                let file = files(tx, &[attachment])?.remove(0);
                let limits = tx.limits()?;
                let new = NewAttachment { ticket, file };
                let op = with_maker(&env, limits, |maker| new.build(maker.stamp(), &limits))?;
                add(tx, &env, limits, op)
            })
            .await?;
        Ok(self.key(op, entity))
    }

    /// "Solved", "not solved", "no longer needed".
    pub async fn request(
        self: &Arc<Self>,
        ticket: TicketId,
        request: Request,
        text: Option<String>,
    ) -> Result<OpKey> {
        let this = self.clone();
        let (op, entity) =
            self.write_seeing(move |tx, cache| this.request_in(tx, cache, ticket, request, text)).await?;
        Ok(self.key(op, entity))
    }

    /// A dictated "not solved" with its recording, which goes beside it: a request carries no files.
    async fn reopen_draft(self: &Arc<Self>, ticket: TicketId, draft: String, text: String) -> Result<OpKey> {
        let (env, this) = (self.shared.env.clone(), self.clone());
        let (op, entity) = self
            .write_seeing(move |tx, cache| {
                let kept = tx.draft(id(&draft, "draft")?)?.ok_or(Error::NotFound { what: "draft" })?;
                let asked = this.request_in(tx, cache, ticket, Request::Reopen, Some(text))?;
                taken_draft(tx, &draft, Some(ticket))?;
                let limits = tx.limits()?;
                for file in kept.attachments {
                    let new = NewAttachment { ticket, file };
                    let op = with_maker(&env, limits, |maker| new.build(maker.stamp(), &limits))?;
                    add(tx, &env, limits, op)?;
                }
                Ok(asked)
            })
            .await?;
        Ok(self.key(op, entity))
    }

    fn request_in(
        &self,
        tx: &mut OwnTx<'_>,
        cache: Option<&CacheRead<'_>>,
        ticket: TicketId,
        request: Request,
        text: Option<String>,
    ) -> Result<(OpId, EntityId)> {
        let env = &self.shared.env;
        let gathered = known(tx, cache, ticket)?;
        let account = tx.account()?;
        let scene = self.overlay_facts(&account, true, false);
        let no_files = std::collections::BTreeMap::new();
        let view = overlay::ticket_view(ticket, &gathered.facts(&no_files), &scene);
        let view = view.ok_or(Error::NotFound { what: "ticket" })?;
        let fits = match request {
            Request::Confirm => view.can_confirm,
            Request::Reopen => view.can_reopen,
            Request::Withdraw => view.can_withdraw,
        };
        if !fits {
            return Err(OutboxError::NotNow.into());
        }
        let row = gathered.rows.ticket.as_ref();
        let answers = what_was_seen(gathered.cache.epoch, row.map(|row| &row.row), unanswered(&gathered));
        let answers = answers.ok_or(OutboxError::NotNow)?;
        let limits = limits(&account);
        let new = NewRequest { ticket, request, answers, text };
        let op = with_maker(env, limits, |maker| new.build(maker.stamp(), &limits))?;
        add(tx, env, limits, op)
    }

    /// Rates the present solve round.
    pub async fn rate(
        self: &Arc<Self>,
        ticket: TicketId,
        value: u32,
        comment: Option<String>,
    ) -> Result<OpKey> {
        let env = self.shared.env.clone();
        let (op, entity) = self
            .write_seeing(move |tx, cache| {
                let gathered = known(tx, cache, ticket)?;
                let row = &gathered.rows.ticket.as_ref().ok_or(OutboxError::NotNow)?.row;
                if row.solve_round == 0 {
                    return Err(OutboxError::NotNow.into());
                }
                let new = NewRating { ticket, round: row.solve_round, value, max: row.rating_max, comment };
                let limits = tx.limits()?;
                let op = with_maker(&env, limits, |maker| new.build(maker.stamp(), &limits))?;
                add(tx, &env, limits, op)
            })
            .await?;
        Ok(self.key(op, entity))
    }

    /// Everything shown counts as read; or, with `unmark`, the last word of others as unread again.
    pub async fn mark(self: &Arc<Self>, ticket: TicketId, unmark: bool) -> Result<()> {
        let env = self.shared.env.clone();
        self.write_seeing(move |tx, cache| {
            let gathered = known(tx, cache, ticket)?;
            let (Some(row), Some(epoch)) = (&gathered.rows.ticket, gathered.cache.epoch) else {
                // Nobody but the person has written in it.
                return Ok(());
            };
            let account = tx.account()?;
            let position = if unmark {
                let foreign = |id: Option<PersonId>| account.person.is_none() || id != account.person;
                let comments = gathered.rows.comments.iter();
                let comments = comments.filter(|row| foreign(row.row.author.id)).map(|row| row.row.position);
                let events = gathered.rows.events.iter();
                let events = events.filter(|row| foreign(row.row.by.id)).map(|row| row.row.position);
                let Some(last) = comments.chain(events).max() else { return Ok(()) };
                last - 1
            } else {
                row.row.last_position
            };
            let shown = overlay::read_to(gathered.rows.read.as_ref(), &gathered.ops, gathered.cache);
            let changes = with_maker(&env, limits(&account), |maker| {
                let new = NewRead { ticket, position, epoch, unmark }.build(maker.stamp());
                plan::plan_read(&gathered.ops, shown, new, maker)
            });
            Ok(tx.apply(&changes)?)
        })
        .await
    }

    /// Somebody shall follow the ticket, or no longer.
    pub async fn participant(self: &Arc<Self>, ticket: TicketId, who: String, remove: bool) -> Result<OpKey> {
        let env = self.shared.env.clone();
        let (op, entity) = self
            .write_seeing(move |tx, cache| {
                let gathered = known(tx, cache, ticket)?;
                let who = who.trim();
                let mut new = NewParticipant { ticket, person: None, email: None, remove };
                let present = gathered.rows.ticket.iter().flat_map(|row| &row.row.participants);
                let person = present.filter(|_| remove).find(|person| {
                    person.side == Side::Requester
                        && (person.name == who || person.id.is_some_and(|id| id.to_string() == who))
                });
                match person.and_then(|person| person.id) {
                    Some(person) => new.person = Some(person),
                    // A name that nobody bears is no address that was mistyped.
                    None if remove && !who.is_empty() && !who.contains('@') => {
                        return Err(OutboxError::Invalid {
                            field: "person".into(),
                            reason: InvalidReason::NobodyHere,
                        }
                        .into());
                    }
                    None => new.email = Some(who.to_owned()),
                }
                let limits = tx.limits()?;
                let op = with_maker(&env, limits, |maker| new.build(maker.stamp()))?;
                add(tx, &env, limits, op)
            })
            .await?;
        Ok(self.key(op, entity))
    }

    /// Keeps words that are not sent yet.
    pub async fn save_draft(self: &Arc<Self>, new: NewDraft) -> Result<DraftView> {
        let env = self.shared.env.clone();
        let kept = self
            .write(move |tx| {
                let draft = outbox::NewDraft {
                    id: match &new.id {
                        Some(text) => id(text, "draft")?,
                        None => EntityId(env.new_id()),
                    },
                    ticket: new.ticket.as_deref().map(|text| id(text, "ticket")).transpose()?,
                    subject: new.subject,
                    text: new.text,
                    attachments: files(tx, &new.attachments)?,
                    updated_at: env.clock.now(),
                };
                // A keystroke that was saved late must not bring back what was sent meanwhile.
                let sent = |op: &outbox::StoredOp| op.entity == draft.id;
                let ticket = draft.ticket.unwrap_or(TicketId(draft.id.0));
                if new.id.is_some() && tx.draft(draft.id)?.is_none() && tx.ops_of(ticket)?.iter().any(sent) {
                    return Err(Error::NotFound { what: "draft" });
                }
                tx.put_draft(&draft)?;
                Ok(draft)
            })
            .await?;
        let this = self.clone();
        self.read(move |snapshot| this.draft_view(snapshot.own(), kept.clone(), &this.scene(snapshot)?)).await
    }

    /// Lets a draft go, and the files that only it names.
    pub async fn delete_draft(self: &Arc<Self>, draft: String) -> Result<()> {
        self.write(move |tx| {
            let of = id(&draft, "draft")?;
            let Some(draft) = tx.draft(of)? else {
                // A recording that was cut has no draft yet.
                tx.dictation(of)?.ok_or(Error::NotFound { what: "draft" })?;
                return Ok(tx.remove_dictation(of)?);
            };
            tx.remove_draft(draft.id)?;
            for file in &draft.attachments {
                remove_unnamed(tx, file.id)?;
            }
            Ok(())
        })
        .await
    }

    /// Sends a draft as it is.
    pub async fn send_draft(self: &Arc<Self>, draft: String) -> Result<OpKey> {
        let of: EntityId = id(&draft, "draft")?;
        let kept = self
            .read(move |snapshot| {
                let own = snapshot.own();
                let sites = own.account()?.me.map(|me| me.sites).unwrap_or_default();
                Ok(own.draft(of)?.map(|draft| (draft, own.dictation(of).ok().flatten(), sites)))
            })
            .await?;
        let (kept, dictated, sites) = kept.ok_or(Error::NotFound { what: "draft" })?;
        let attachments = kept.attachments.iter().map(|file| file.id.to_string()).collect();
        match kept.ticket {
            None => {
                let (subject, description) = (kept.subject, kept.text);
                let new = NewTicket {
                    subject,
                    description,
                    attachments,
                    draft: Some(draft),
                    company: None,
                    // A place of the person's own can be said; of another one the desk takes no ticket from them.
                    site: dictated
                        .and_then(|dictated| dictated.spoken?.site)
                        .map(|site| site.id)
                        .filter(|id| sites.iter().any(|site| site.id.to_string() == *id)),
                };
                Ok(self.submit(new).await?.1)
            }
            Some(ticket) if dictated.is_some_and(|it| matches!(it.into, DictateInto::Reopen { .. })) => {
                self.reopen_draft(ticket, draft, kept.text).await
            }
            Some(ticket) => {
                self.reply(ticket, NewReply { text: kept.text, attachments, draft: Some(draft) }).await
            }
        }
    }

    pub(crate) fn key(&self, op: OpId, entity: EntityId) -> OpKey {
        OpKey { account: self.name.clone(), op: op.to_string(), entity: entity.to_string() }
    }
}

/// The draft becomes an op in the same commit: it is taken away, and its id is the op's entity.
fn taken_draft(tx: &mut OwnTx<'_>, draft: &str, ticket: Option<TicketId>) -> Result<EntityId> {
    let kept = tx.draft(id(draft, "draft")?)?.ok_or(Error::NotFound { what: "draft" })?;
    if kept.ticket != ticket {
        return Err(Error::NotFound { what: "draft" });
    }
    tx.remove_draft(kept.id)?;
    Ok(kept.id)
}

/// Adds an op if there is room.
fn add(tx: &mut OwnTx<'_>, env: &Env, limits: Limits, op: NewOp) -> Result<(OpId, EntityId)> {
    // Words alone, and few ops on the phone: there is room, whatever waits.
    if !op.attachments.is_empty() || tx.ops_at_most()? >= OUTBOX_OPS as u64 {
        let (ops, bytes) = tx.waiting()?;
        // Its own files lie here already and are counted.
        check_room(Waiting { ops, bytes: bytes.saturating_sub(op.file_bytes()) }, &op)?;
    }
    let named = (op.op, op.entity);
    let changes = with_maker(env, limits, |maker| plan::plan_add(op, maker));
    tx.apply(&changes)?;
    Ok(named)
}

/// Refuses a ticket of which there is nothing on this phone.
fn must_be_known(tx: &OwnTx<'_>, cache: Option<&CacheRead<'_>>, ticket: TicketId) -> Result<()> {
    let rows = match cache {
        Some(cache) => cache.v(rows::kind::TICKET, ticket.into())?.is_some(),
        None => false,
    };
    if rows || tx.has_ops_of(ticket)? { Ok(()) } else { Err(Error::NotFound { what: "ticket" }) }
}

/// Everything of a ticket that is on this phone.
fn known(tx: &OwnTx<'_>, cache: Option<&CacheRead<'_>>, ticket: TicketId) -> Result<Gathered> {
    let gathered = Gathered::whole(&tx.read, cache, ticket)?;
    if gathered.is_known() { Ok(gathered) } else { Err(Error::NotFound { what: "ticket" }) }
}

/// The durable files of these ids.
pub(crate) fn files(tx: &OwnTx<'_>, ids: &[String]) -> Result<Vec<FileRef>> {
    ids.iter()
        .map(|text| {
            let file = tx.file(id(text, "attachment")?)?.filter(|file| file.staged);
            Ok(file.ok_or(Error::NotFound { what: "attachment" })?.file)
        })
        .collect()
}

/// A file's bytes go when nothing names them.
pub(crate) fn remove_unnamed(tx: &mut OwnTx<'_>, file: AttachmentId) -> Result<()> {
    if !tx.is_named(file)? {
        tx.remove_file(file)?;
    }
    Ok(())
}

/// The latest request of the ticket's lane whose effect the person sees and the cache does not hold yet; the create
/// counts, as event 0.
pub(crate) fn unanswered(gathered: &Gathered) -> Option<OpId> {
    let lane = LaneKey::ticket(gathered.ticket);
    let row_v = gathered.rows.ticket.as_ref().map(|row| row.v);
    gathered
        .ops
        .iter()
        .filter(|op| op.lane == lane && !matches!(op.state, OpState::Rejected(_)))
        .filter(|op| op.kind == kind::TICKET_CREATE || Request::of_kind(&op.kind).is_some())
        .filter(|op| {
            !matches!(op.payload(), Payload::Unknown) && overlay::is_shown(op, row_v, gathered.cache)
        })
        .max_by_key(|op| op.n)
        .map(|op| op.op)
}
