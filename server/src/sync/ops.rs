//! One op, one effect, for ever: verdict, change and journal are one commit, and a stored verdict is replayed.

use std::collections::BTreeSet;

use pocketdesk_protocol::{
    Millis,
    ids::{EntityId, OpId, PersonId, Scope, TicketId},
    limits::{ENTITIES_PER_COMMIT, OPS_PER_TRANSACTION},
    op::{WireOp, digest, kind},
    rows::kind as row,
    sync::{Ack, BlockedOn, Gone, OpVerdict, Verdict, code},
};
use serde::{Deserialize, Serialize};

use crate::{
    context::{Context, ServiceError, Session},
    desk::{
        remove,
        rules::{self, Case, Outcome, Rejection, Stop},
        ticket::{self, Ticket, to_json},
    },
    journal::{self, backfill},
    people::Viewer,
    store::{
        Row, StoreError, Tx, Value, placeholders,
        write::{Write, with_write_acks},
    },
    values,
};

/// Characters of a digest that are kept with a verdict.
const HASH_PREFIX: usize = 32;
/// Files of a rejected op whose bytes are kept for its edit.
const FILES_REMEMBERED: usize = 100;
/// Entities one op touches at most without a backfill: files of a comment, the comment, its event, the ticket.
const ENTITIES_PER_OP: usize = 32;

/// Takes ops in their order; one verdict each.
pub(super) async fn take(
    ctx: &Context,
    session: Session,
    ops: &[WireOp],
) -> Result<Vec<OpVerdict>, ServiceError> {
    let mut verdicts = Vec::with_capacity(ops.len());
    while verdicts.len() < ops.len() {
        let rest = &ops[verdicts.len()..];
        let (batch, acks) =
            with_write_acks::<_, ServiceError, _>(ctx, move |tx, _| Box::pin(batch(ctx, session, rest, tx)))
                .await?;
        let (answers, large) = batch;
        verdicts.extend(answers.into_iter().map(|answer| answer.into_verdict(&acks)));
        if large {
            backfill::finish(ctx).await?;
        }
    }
    Ok(verdicts)
}

/// A verdict that lacks the positions its own commit is still to take.
struct Answer {
    op: OpId,
    verdict: Verdict,
    /// Scopes the op touched that its session holds; none for a replay, which has its ack already.
    touched: BTreeSet<Scope>,
}

impl Answer {
    fn into_verdict(self, acks: &[Ack]) -> OpVerdict {
        let mut verdict = self.verdict;
        if let Verdict::Applied { ack, .. } = &mut verdict
            && ack.is_empty()
        {
            ack.extend(acks.iter().filter(|ack| self.touched.contains(&ack.scope)));
        }
        OpVerdict { op: self.op, verdict }
    }
}

/// As many ops as one transaction takes, and whether a large ticket is left to be appended.
async fn batch(
    ctx: &Context,
    session: Session,
    ops: &[WireOp],
    tx: &mut Write,
) -> Result<(Vec<Answer>, bool), ServiceError> {
    // Two requests of one install at a time would see each other's lanes half done.
    tx.execute(
        "INSERT INTO install (id, person_id, batches) VALUES ($1, $2, 1) \
         ON CONFLICT (id) DO UPDATE SET batches = install.batches + 1",
        &values![session.install, session.person],
    )
    .await?;
    let viewer = Viewer::load(tx.tx(), session.person, &ctx.policy).await?;
    let ops = &ops[..ops.len().min(OPS_PER_TRANSACTION)];
    lock_tickets(tx, ops).await?;
    let mut answers = Vec::with_capacity(ops.len());
    for op in ops {
        if !answers.is_empty() && tx.touched.rows() + ENTITIES_PER_OP > ENTITIES_PER_COMMIT {
            break;
        }
        let before = std::mem::take(&mut tx.touched);
        let answer = one(ctx, &viewer, op, tx).await;
        let own = std::mem::replace(&mut tx.touched, before);
        let touched = own.scopes().filter(|scope| viewer.scopes.contains(scope)).collect();
        tx.touched.merge(own);
        answers.push(Answer { op: op.op, verdict: answer?, touched });
    }
    let large = !tx.query("SELECT id FROM backfill LIMIT 1", &[]).await?.is_empty();
    Ok((answers, large))
}

/// Locks the tickets of a batch in sorted order, so that two batches never wait for each other.
async fn lock_tickets(tx: &mut Write, ops: &[WireOp]) -> Result<(), StoreError> {
    let tickets: BTreeSet<TicketId> = ops.iter().filter_map(rules::ticket_of).collect();
    let values: Vec<Value> = tickets.into_iter().map(Value::from).collect();
    if values.is_empty() || tx.for_update().is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT id FROM ticket WHERE id IN ({}) ORDER BY id{}",
        placeholders(1, values.len()),
        tx.for_update()
    );
    tx.query(&sql, &values).await.map(drop)
}

/// What becomes of one op.
async fn one(ctx: &Context, viewer: &Viewer, op: &WireOp, tx: &mut Write) -> Result<Verdict, ServiceError> {
    if digest(&op.kind, op.v, op.entity, &op.body) != op.sha256 {
        // Not stored: what the id stands for is not known.
        return Ok(rejected(&Rejection::of(code::DIGEST)));
    }
    if let Some(stored) = stored(tx.tx(), op.op).await? {
        return replay(ctx, viewer, op, &stored, tx).await;
    }
    let case = Case {
        ctx,
        viewer,
        op,
        returning: op
            .receipt
            .as_deref()
            .is_some_and(|receipt| ctx.key.is_receipt(receipt, op.op, &op.sha256)),
        merged_into: None,
    };
    if !rules::known(op) {
        return store_rejection(&case, tx, None, &Rejection::of(code::UNKNOWN_KIND)).await;
    }
    let Some(ticket) = rules::ticket_of(op) else {
        return store_rejection(&case, tx, None, &Rejection::field(code::INVALID, "body")).await;
    };
    // What was erased stays erased; what staff deleted is not made again by an op that comes back.
    let made = match op.kind.as_str() {
        kind::TICKET_CREATE => Some(row::TICKET),
        kind::COMMENT_ADD => Some(row::COMMENT),
        kind::ATTACHMENT_ADD => Some(row::ATTACHMENT),
        _ => None,
    };
    if let Some(what) = made
        && let Some((why, v)) = remove::find(tx.tx(), what, op.entity).await?
    {
        if why == Gone::Erased {
            return store_rejection(&case, tx, Some(ticket), &Rejection::of(code::ERASED)).await;
        }
        // Its lane goes on behind it: what was said before it has to be here first.
        if !follows(tx.tx(), viewer.person, op).await? {
            return Ok(Verdict::Blocked { on: BlockedOn::Prev });
        }
        return store_applied(&case, tx, ticket, Outcome { v, ..Outcome::default() }).await;
    }
    let mut merged_into = None;
    let mut held = None;
    if op.kind != kind::TICKET_CREATE {
        let named = match access(&case, tx, ticket).await? {
            Access::Held(found) => *found,
            Access::Rejected(code) => {
                return store_rejection(&case, tx, Some(ticket), &Rejection::of(code)).await;
            }
            Access::Unknown => return wait_for_ticket(&case, tx, ticket).await,
        };
        let mut survivor = named;
        // Bounded: merges do not form rings, but a loop here would hold a lock for ever.
        for _ in 0..8 {
            let Some(into) = survivor.merged_into else { break };
            let Some(next) = ticket::lock(tx, into).await? else { break };
            merged_into = Some(into);
            survivor = next;
        }
        held = Some(survivor);
    }
    if !follows(tx.tx(), viewer.person, op).await? {
        return Ok(Verdict::Blocked { on: BlockedOn::Prev });
    }
    let case = Case { merged_into, ..case };
    let before = tx.savepoint().await?;
    match applied(&case, tx, ticket, held).await {
        Ok(verdict) => {
            tx.keep().await?;
            Ok(verdict)
        }
        Err(Stop::Rejected(rejection)) => {
            tx.undo(before).await?;
            store_rejection(&case, tx, Some(ticket), &rejection).await
        }
        Err(Stop::Failed(ServiceError::Store(StoreError::Constraint(_)))) => {
            tx.undo(before).await?;
            // A copy of this device may have sent the same op at the same moment; else the id is somebody's.
            match stored(tx.tx(), op.op).await? {
                Some(stored) => replay(ctx, viewer, op, &stored, tx).await,
                None => store_rejection(&case, tx, Some(ticket), &Rejection::of(code::ID_TAKEN)).await,
            }
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

async fn applied(
    case: &Case<'_>,
    tx: &mut Write,
    named: TicketId,
    held: Option<Ticket>,
) -> Result<Verdict, Stop> {
    let outcome = rules::apply(case, tx, held).await?;
    Ok(store_applied(case, tx, named, outcome).await?)
}

/// Whether the person may touch the ticket.
enum Access {
    /// It is there and theirs, and locked.
    Held(Box<Ticket>),
    /// The op can never be applied.
    Rejected(&'static str),
    /// To this person it does not exist, or not yet: the two look alike.
    Unknown,
}

async fn access(case: &Case<'_>, tx: &mut Write, id: TicketId) -> Result<Access, ServiceError> {
    let viewer = case.viewer;
    if let Some(ticket) = ticket::lock(tx, id).await? {
        if case.returning || ticket.scopes().iter().any(|scope| viewer.scopes.contains(scope)) {
            return Ok(Access::Held(Box::new(ticket)));
        }
        return Ok(if knew(tx.tx(), viewer, id).await? {
            Access::Rejected(code::LEFT)
        } else {
            Access::Unknown
        });
    }
    let author = tx
        .query("SELECT author_id FROM gone WHERE kind = 'ticket' AND id = $1", &values![id])
        .await?
        .first()
        .map(|row| row[0].id_or_none::<PersonId>())
        .transpose()?
        .flatten();
    let theirs = author == Some(viewer.person) || (author.is_some() && knew(tx.tx(), viewer, id).await?);
    Ok(if theirs { Access::Rejected(code::TICKET_GONE) } else { Access::Unknown })
}

/// Whether the ticket was ever told of in a scope the person holds or held.
async fn knew(tx: &mut dyn Tx, viewer: &Viewer, ticket: TicketId) -> Result<bool, StoreError> {
    let rows = tx
        .query(
            "SELECT i.scope FROM journal_item i WHERE i.kind = 'ticket' AND i.entity = $1 AND (i.scope = $2 OR \
             EXISTS (SELECT 1 FROM scope_held h WHERE h.person_id = $3 AND h.scope = i.scope)) LIMIT 1",
            &values![ticket, Scope::Person(viewer.person), viewer.person],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Blocked until the ticket comes; after the restore window it never will.
async fn wait_for_ticket(case: &Case<'_>, tx: &mut Write, ticket: TicketId) -> Result<Verdict, ServiceError> {
    let (op, now) = (case.op.op, tx.now);
    let rows = tx
        .query(
            "INSERT INTO waiting (op_id, person_id, since) VALUES ($1, $2, $3) \
             ON CONFLICT (op_id) DO UPDATE SET since = waiting.since RETURNING since",
            &values![op, case.viewer.person, now],
        )
        .await?;
    if now - rows[0][0].int()? <= case.ctx.policy.restore_window_ms {
        return Ok(Verdict::Blocked { on: BlockedOn::Ticket });
    }
    tx.execute("DELETE FROM waiting WHERE op_id = $1", &values![op]).await?;
    store_rejection(case, tx, Some(ticket), &Rejection::of(code::TICKET_GONE)).await
}

/// Whether the op before it in its lane is done with: in the ticket's lane applied, elsewhere answered for good.
async fn follows(tx: &mut dyn Tx, person: PersonId, op: &WireOp) -> Result<bool, StoreError> {
    let Some(prev) = op.prev else { return Ok(true) };
    if pocketdesk_protocol::planted::is("prev-not-waited-for") {
        return Ok(true);
    }
    let rows = tx
        .query("SELECT code FROM verdict WHERE op_id = $1 AND person_id = $2", &values![prev, person])
        .await?;
    let Some(row) = rows.first() else { return Ok(false) };
    Ok(!rules::in_ticket_lane(&op.kind) || matches!(row[0].text()?, APPLIED | code::ERASED))
}

/// The code of a stored verdict that is no rejection.
const APPLIED: &str = "applied";

/// What is kept of an applied op besides its code.
#[derive(Serialize, Deserialize)]
struct AppliedBody {
    v: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merged_into: Option<TicketId>,
}

/// What is kept of a rejected one.
#[derive(Serialize, Deserialize)]
struct RejectedBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    can_edit: bool,
    text: String,
}

async fn stored(tx: &mut dyn Tx, op: OpId) -> Result<Option<Row>, StoreError> {
    if pocketdesk_protocol::planted::is("verdict-not-replayed") {
        return Ok(None);
    }
    let rows = tx
        .query(
            "SELECT person_id, hash, code, body, kind, entity_id, ticket_id, epoch, tag FROM verdict WHERE op_id = $1",
            &values![op],
        )
        .await?;
    Ok(rows.into_iter().next())
}

/// A verdict given before. In another epoch, or when its body is gone, it names what stands now.
async fn replay(
    ctx: &Context,
    viewer: &Viewer,
    op: &WireOp,
    stored: &Row,
    tx: &mut Write,
) -> Result<Verdict, ServiceError> {
    if stored[0].id::<PersonId>()? != viewer.person || stored[1].text()? != prefix(&op.sha256) {
        return Ok(rejected(&Rejection::of(code::OP_ID_REUSED)));
    }
    let (code, body) = (stored[2].text()?, stored[3].text()?);
    if code != APPLIED {
        let body = serde_json::from_str(body).unwrap_or(RejectedBody {
            field: None,
            can_edit: false,
            text: String::new(),
        });
        return Ok(Verdict::Rejected {
            code: code.to_owned(),
            text_key: code::text_key(code),
            text: (!body.text.is_empty()).then_some(body.text),
            field: body.field,
            can_edit: body.can_edit,
        });
    }
    let receipt = ctx.key.receipt(op.op, &op.sha256);
    let body = serde_json::from_str::<AppliedBody>(body).ok();
    let same_epoch = stored[7].int()? == tx.epoch.0;
    let mut ack = Vec::new();
    if same_epoch {
        let rows = tx
            .query("SELECT scope, seq, tag FROM journal_commit WHERE tag = $1", &values![stored[8].int()?])
            .await?;
        for row in rows {
            ack.push(Ack { scope: journal::scope(&row[0])?, seq: row[1].int()?, tag: row[2].int()? });
        }
        ack.retain(|ack| viewer.scopes.contains(&ack.scope));
    }
    if ack.is_empty() {
        ack = journal::heads(tx.tx(), &viewer.scopes).await?;
    }
    let (v, number, merged_into) = match body {
        Some(body) if same_epoch => (body.v, body.number, body.merged_into),
        body => {
            let entity: EntityId = stored[5].id()?;
            let v = present_v(tx.tx(), viewer.person, stored[4].text()?, entity).await?;
            let (number, merged_into) = body.map_or((None, None), |body| (body.number, body.merged_into));
            (v, number, merged_into)
        }
    };
    Ok(Verdict::Applied { v, number, ack, receipt, merged_into })
}

/// The version of the row an op of that kind made or changed, as it is now.
async fn present_v(tx: &mut dyn Tx, person: PersonId, op: &str, entity: EntityId) -> Result<i64, StoreError> {
    let (table, what) = match op {
        kind::COMMENT_ADD => ("comment", row::COMMENT),
        kind::ATTACHMENT_ADD => ("attachment", row::ATTACHMENT),
        kind::RATING_SET => ("rating", row::TICKET),
        kind::READ_MARK | kind::READ_UNMARK => ("read_mark", row::TICKET),
        _ => ("ticket", row::TICKET),
    };
    let rows = match table {
        "rating" | "read_mark" => {
            let sql =
                format!("SELECT COALESCE(MAX(v), 0) FROM {table} WHERE ticket_id = $1 AND person_id = $2");
            tx.query(&sql, &values![entity, person]).await?
        }
        _ => tx.query(&format!("SELECT v FROM {table} WHERE id = $1"), &values![entity]).await?,
    };
    match rows.first() {
        Some(row) => row[0].int(),
        // An amended comment is named by its own id, not by a ticket's.
        None if matches!(op, kind::ENTITY_AMEND | kind::ENTITY_WITHDRAW) => {
            let rows = tx.query("SELECT v FROM comment WHERE id = $1", &values![entity]).await?;
            rows.first().map_or(Ok(0), |row| row[0].int())
        }
        None => Ok(remove::find(tx, what, entity).await?.map_or(0, |(_, v)| v)),
    }
}

async fn store_applied(
    case: &Case<'_>,
    tx: &mut Write,
    ticket: TicketId,
    outcome: Outcome,
) -> Result<Verdict, ServiceError> {
    let Outcome { v, number, position, merged_into } = outcome;
    let body = to_json(&AppliedBody { v, number: number.clone(), merged_into })?;
    store(case, tx, Some(ticket), APPLIED, &body, position).await?;
    let receipt = case.ctx.key.receipt(case.op.op, &case.op.sha256);
    // A row nobody's journal told of (an effect that was there already) is at the heads as they are.
    let ack =
        if tx.touched.is_empty() { journal::heads(tx.tx(), &case.viewer.scopes).await? } else { Vec::new() };
    Ok(Verdict::Applied { v, number, ack, receipt, merged_into })
}

async fn store_rejection(
    case: &Case<'_>,
    tx: &mut Write,
    ticket: Option<TicketId>,
    rejection: &Rejection,
) -> Result<Verdict, ServiceError> {
    let body = RejectedBody {
        field: rejection.field.map(str::to_owned),
        can_edit: rejection.can_edit,
        text: rejection.words().to_owned(),
    };
    store(case, tx, ticket, rejection.code, &to_json(&body)?, 0).await?;
    let now = tx.now;
    // A body that names thousands was not made by our app.
    for file in rules::files_of(case.op).into_iter().take(FILES_REMEMBERED) {
        tx.execute(
            "INSERT INTO rejected_file (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
            &values![file.id, now],
        )
        .await?;
    }
    Ok(rejected(rejection))
}

async fn store(
    case: &Case<'_>,
    tx: &mut Write,
    ticket: Option<TicketId>,
    code: &str,
    body: &str,
    position: i64,
) -> Result<(), StoreError> {
    let (epoch, tag, now): (i64, i64, Millis) = (tx.epoch.0, tx.tag, tx.now);
    tx.execute(
        "INSERT INTO verdict (op_id, person_id, hash, code, body, kind, entity_id, ticket_id, epoch, tag, position, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &values![
            case.op.op,
            case.viewer.person,
            prefix(&case.op.sha256),
            code,
            body,
            case.op.kind.as_str(),
            case.op.entity,
            ticket,
            epoch,
            tag,
            position,
            now,
        ],
    )
    .await?;
    tx.execute("DELETE FROM waiting WHERE op_id = $1", &values![case.op.op]).await?;
    Ok(())
}

fn rejected(rejection: &Rejection) -> Verdict {
    Verdict::Rejected {
        code: rejection.code.to_owned(),
        text_key: code::text_key(rejection.code),
        text: Some(rejection.words().to_owned()),
        field: rejection.field.map(str::to_owned),
        can_edit: rejection.can_edit,
    }
}

fn prefix(sha256: &str) -> &str {
    sha256.get(..HASH_PREFIX).unwrap_or(sha256)
}

/// Forgets verdict bodies older than a year and waits nobody came back for; answers how many bodies went.
pub async fn forget(ctx: &Context) -> Result<u64, ServiceError> {
    const YEAR_MS: Millis = 365 * crate::context::DAY_MS;
    crate::store::write::with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let now = tx.now;
            tx.execute("DELETE FROM waiting WHERE since < $1", &values![now - YEAR_MS]).await?;
            Ok(tx
                .execute("UPDATE verdict SET body = '' WHERE at < $1 AND body <> ''", &values![now - YEAR_MS])
                .await?)
        })
    })
    .await
}
