//! Edit, retry, discard, file anew: plans of domain's, made and carried out in one transaction, so that no request
//! begins between the look and the change.

use std::sync::Arc;

use pocketdesk_domain::{
    model::{Mended, NewWords, TicketKey},
    outbox::{
        Edit, OutboxError, OwnChange, StoredOp,
        new_op::what_was_seen,
        plan::{self, Maker, Plan, PlanOutcome, Target},
    },
};
use pocketdesk_protocol::ids::{AttachmentId, EntityId, OpId, TicketId};
use uuid::Uuid;

use super::{
    account::{Account, limits, with_maker},
    gathered::Gathered,
    words::{files, id, remove_unnamed, unanswered},
};
use crate::{
    env::Env,
    error::{Error, Result},
    store::{CacheRead, OwnRead, OwnTx},
};

/// What a person points at.
pub(crate) struct Pointed {
    pub gathered: Gathered,
    pub op: Option<StoredOp>,
    pub comment: Option<EntityId>,
}

impl Pointed {
    /// By the op's id, or by the entity's where the desk refused it after the server took it.
    pub fn at(own: &OwnRead<'_>, cache: Option<&CacheRead<'_>>, which: Uuid) -> Result<Self> {
        let (op, ticket) = match own.op(OpId(which))? {
            Some(op) => {
                let ticket = op.ticket.unwrap_or(TicketId(op.entity.0));
                (Some(op), ticket)
            }
            None => {
                let cache = cache.ok_or(Error::NotFound { what: "op" })?;
                let comment = cache.comment(which.into())?;
                let ticket = comment.map_or(TicketId(which), |comment| comment.row.ticket);
                let ops = own.ops_of(ticket)?;
                (ops.into_iter().rfind(|op| op.entity == EntityId(which)), ticket)
            }
        };
        let gathered = Gathered::whole(own, cache, ticket)?;
        if op.is_none() && gathered.rows.ticket.is_none() {
            return Err(Error::NotFound { what: "op" });
        }
        let entity = op.as_ref().map_or(EntityId(which), |op| op.entity);
        let comment = gathered.rows.comments.iter().any(|row| row.id == entity).then_some(entity);
        Ok(Self { gathered, op, comment })
    }

    /// For domain's plans.
    pub fn target(&self) -> Target<'_> {
        Target {
            op: self.op.as_ref(),
            ops: &self.gathered.ops,
            ticket: self.gathered.rows.ticket.as_ref(),
            comment: self.gathered.rows.comments.iter().find(|row| Some(row.id) == self.comment),
            cache: self.gathered.cache,
        }
    }
}

impl Account {
    /// New words.
    pub async fn edit(self: &Arc<Self>, op: String, words: NewWords) -> Result<Mended> {
        self.mend(op, move |tx, pointed, maker| {
            // Files that were named before need not be here any more; new ones have to be.
            let named = pointed.op.iter().flat_map(|op| &op.attachments).cloned().collect::<Vec<_>>();
            let attachments = words.attachments.as_ref().map(|ids| {
                ids.iter()
                    .map(|text| match named.iter().find(|file| file.id.to_string() == *text) {
                        Some(file) => Ok(file.clone()),
                        None => Ok(files(tx, std::slice::from_ref(text))?.remove(0)),
                    })
                    .collect::<Result<Vec<_>>>()
            });
            let edit = Edit {
                subject: words.subject.clone(),
                text: words.text.clone(),
                attachments: attachments.transpose()?,
                ..Edit::default()
            };
            Ok(plan::plan_edit(pointed.target(), &edit, maker)?)
        })
        .await
    }

    /// The same words again.
    pub async fn retry(self: &Arc<Self>, op: String) -> Result<Mended> {
        self.mend(op, |_, pointed, maker| {
            let gathered = &pointed.gathered;
            let row = gathered.rows.ticket.as_ref().map(|row| &row.row);
            let answers = what_was_seen(gathered.cache.epoch, row, unanswered(gathered));
            Ok(plan::plan_retry(pointed.target(), answers, maker)?)
        })
        .await
    }

    /// Let it go.
    pub async fn discard(self: &Arc<Self>, op: String) -> Result<Mended> {
        self.mend(op, |_, pointed, maker| Ok(plan::plan_discard(pointed.target(), maker)?)).await
    }

    /// Leaves a file out.
    pub async fn remove_file(self: &Arc<Self>, op: String, attachment: String) -> Result<Mended> {
        let file = AttachmentId(id(&attachment, "attachment")?);
        self.mend(op, move |_, pointed, maker| Ok(plan::plan_remove_file(pointed.target(), file, maker)?))
            .await
    }

    /// A new ticket with the same words.
    pub async fn file_anew(self: &Arc<Self>, op: String) -> Result<TicketKey> {
        let which: Uuid = id(&op, "op")?;
        let env = self.shared.env.clone();
        let draft = self
            .write_seeing(move |tx, cache| {
                let pointed = Pointed::at(&tx.read, cache, which)?;
                let limits = limits(&tx.account()?);
                let plan = with_maker(&env, limits, |maker| plan::plan_file_anew(pointed.target(), maker))?;
                tx.apply(&plan.changes)?;
                let draft = plan.changes.into_iter().find_map(|change| match change {
                    OwnChange::AddDraft(draft) if draft.ticket.is_none() => Some(draft),
                    _ => None,
                });
                Ok(draft.ok_or(OutboxError::NotNow)?)
            })
            .await?;
        // The words are a draft now, whatever comes next: a subject that has to be written first leaves them there.
        let sent = self.send_draft(draft.id.to_string()).await?;
        Ok(TicketKey { account: self.name.clone(), id: sent.entity })
    }

    async fn mend(
        self: &Arc<Self>,
        op: String,
        make: impl FnOnce(&mut OwnTx<'_>, &Pointed, &mut Maker<'_>) -> Result<Plan> + Send + 'static,
    ) -> Result<Mended> {
        let which: Uuid = id(&op, "op")?;
        let env: Env = self.shared.env.clone();
        self.write_seeing(move |tx, cache| {
            let pointed = Pointed::at(&tx.read, cache, which)?;
            let limits = limits(&tx.account()?);
            let plan = with_maker(&env, limits, |maker| make(tx, &pointed, maker))?;
            tx.apply(&plan.changes)?;
            // What was named by the op and is named by nothing now need not lie here.
            for file in pointed.op.iter().flat_map(|op| &op.attachments) {
                remove_unnamed(tx, file.id)?;
            }
            Ok(match plan.outcome {
                PlanOutcome::Remembered => Mended::WhenAnswered,
                _ => Mended::Now { op: plan.op.map(|op| op.to_string()) },
            })
        })
        .await
    }
}
