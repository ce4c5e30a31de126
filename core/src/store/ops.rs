//! Ops in own.db: read as domain's [`StoredOp`], changed only by its [`OwnChange`]s, a list of which is one
//! transaction. Nothing else in this crate writes the table.

use pocketdesk_domain::{
    model::RetryReason,
    outbox::{Applied, LaneKey, OpState, OwnChange, Rejected, StoredOp, Wake},
};
use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, EntityId, Epoch, OpId, TicketId},
    op::FileRef,
    sync::BlockedOn,
};
use rusqlite::{OptionalExtension, Row, params};

use super::{
    error::{Result, StoreError},
    own::{OwnRead, OwnTx},
    values::{Blob, blob},
};

/// Columns of an op, in [`stored_op`]'s order.
macro_rules! select_ops {
    ($rest:literal) => {
        concat!(
            "SELECT n, op, entity, ticket, kind, v, body, sha256, lane, made_at, made_boot, made_monotonic, starts, ",
            "alone_failures, state, blocked, wake_interval, wake_due, last_failure, wish, supersedes, receipt, ",
            "attachments, epoch, seen_at, row_v, verdict_no, number, ack, merged_into, code, text_key, text, field, ",
            "can_edit FROM ops ",
            $rest
        )
    };
}

impl OwnRead<'_> {
    /// All ops, live, rejected and kept, in the order of writing.
    pub fn ops(&self) -> Result<Vec<StoredOp>> {
        let mut find = self.db.prepare_cached(select_ops!("ORDER BY n"))?;
        find.query_map([], |row| Ok(stored_op(row)))?.map(|op| op?).collect()
    }

    /// All ops of a ticket, in the order of writing.
    pub fn ops_of(&self, ticket: TicketId) -> Result<Vec<StoredOp>> {
        let mut find = self.db.prepare_cached(select_ops!("WHERE ticket = ?1 ORDER BY n"))?;
        find.query_map([blob(ticket.0)], |row| Ok(stored_op(row)))?.map(|op| op?).collect()
    }

    /// Whether there is any op of a ticket.
    pub fn has_ops_of(&self, ticket: TicketId) -> Result<bool> {
        let mut find = self.db.prepare_cached("SELECT 1 FROM ops WHERE ticket = ?1")?;
        Ok(find.exists([blob(ticket.0)])?)
    }

    /// One op.
    pub fn op(&self, id: OpId) -> Result<Option<StoredOp>> {
        let mut find = self.db.prepare_cached(select_ops!("WHERE op = ?1"))?;
        find.query_row([blob(id.0)], |row| Ok(stored_op(row))).optional()?.transpose()
    }

    /// How many ops have no final verdict or need the person.
    pub fn unsent(&self) -> Result<u32> {
        let mut find = self.db.prepare_cached("SELECT count(*) FROM ops WHERE state <> 'applied'")?;
        Ok(find.query_row([], |row| row.get(0))?)
    }

    /// An upper bound of all ops there are, from the places they were given: to count them is to walk them.
    pub fn ops_at_most(&self) -> Result<u64> {
        let mut find = self
            .db
            .prepare_cached("SELECT coalesce((SELECT max(n) FROM ops) - (SELECT min(n) FROM ops) + 1, 0)")?;
        Ok(find.query_row([], |row| count(row, 0))?)
    }

    /// Ops that wait, and plain bytes of the person's files that the server does not hold (the limits of the outbox).
    pub fn waiting(&self) -> Result<(u64, u64)> {
        let mut find = self.db.prepare_cached(
            "SELECT (SELECT count(*) FROM ops WHERE state <> 'applied'),
                    (SELECT coalesce(sum(size), 0) FROM files WHERE staged = 1 AND complete_at IS NULL AND stopped = 0)",
        )?;
        Ok(find.query_row([], |row| Ok((count(row, 0)?, count(row, 1)?)))?)
    }
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// How a reason is called in the table.
const FAILURES: &[(RetryReason, &str)] = &[
    (RetryReason::Network, "network"),
    (RetryReason::Busy, "busy"),
    (RetryReason::Server, "server"),
    (RetryReason::WrongDate, "wrong_date"),
];

fn failure_name(why: RetryReason) -> &'static str {
    FAILURES.iter().find(|(reason, _)| *reason == why).map_or("server", |(_, name)| name)
}

fn failure_of(name: &str) -> RetryReason {
    FAILURES.iter().find(|(_, known)| *known == name).map_or(RetryReason::Server, |(reason, _)| *reason)
}

fn blocked_name(on: BlockedOn) -> &'static str {
    match on {
        BlockedOn::Ticket => "ticket",
        BlockedOn::Prev => "prev",
    }
}

fn stored_op(row: &Row<'_>) -> Result<StoredOp> {
    let id = |column: usize| row.get::<_, Blob>(column);
    let maybe = |column: usize| row.get::<_, Option<Blob>>(column);
    let text = |column: usize| row.get::<_, String>(column);
    let state = match row.get_ref(14)?.as_str().map_err(rusqlite::Error::from)? {
        "applied" => OpState::Applied(Applied {
            epoch: Epoch(row.get(23)?),
            v: row.get(25)?,
            number: row.get(27)?,
            receipt: text(21)?,
            ack: serde_json::from_str(&text(28)?)?,
            merged_into: maybe(29)?.map(|id| TicketId(id.0)),
            verdict_no: row.get(26)?,
            seen_at: row.get(24)?,
        }),
        "rejected" => OpState::Rejected(Rejected {
            epoch: Epoch(row.get(23)?),
            code: text(30)?,
            text_key: text(31)?,
            text: row.get(32)?,
            field: row.get(33)?,
            can_edit: row.get(34)?,
        }),
        _ => OpState::Live,
    };
    let wish: Option<String> = row.get(19)?;
    Ok(StoredOp {
        n: row.get(0)?,
        op: OpId(id(1)?.0),
        entity: EntityId(id(2)?.0),
        ticket: maybe(3)?.map(|id| TicketId(id.0)),
        kind: text(4)?,
        v: row.get(5)?,
        body: text(6)?,
        sha256: text(7)?,
        lane: LaneKey(text(8)?),
        made_at: row.get(9)?,
        made_boot: text(10)?,
        made_monotonic: count(row, 11)?,
        starts: row.get(12)?,
        alone_failures: row.get(13)?,
        state,
        blocked: match row.get::<_, Option<String>>(15)?.as_deref() {
            Some("ticket") => Some(BlockedOn::Ticket),
            Some(_) => Some(BlockedOn::Prev),
            None => None,
        },
        wake: Wake { interval_ms: row.get(16)?, due: row.get(17)? },
        last_failure: row.get::<_, Option<String>>(18)?.as_deref().map(failure_of),
        // One of a newer app is its own to carry out; the column stays as it is.
        wish: wish.and_then(|wish| serde_json::from_str(&wish).ok()),
        supersedes: maybe(20)?.map(|id| OpId(id.0)),
        receipt: row.get(21)?,
        attachments: serde_json::from_str(row.get_ref(22)?.as_str().map_err(rusqlite::Error::from)?)?,
    })
}

impl OwnTx<'_> {
    /// Carries out a list of changes, in order, as part of this transaction.
    pub fn apply(&mut self, changes: &[OwnChange]) -> Result<()> {
        let mut verdicts = self.verdicts()?;
        let before = verdicts;
        changes.iter().try_for_each(|change| self.apply_one(change, &mut verdicts))?;
        if verdicts != before {
            self.read.db.prepare_cached("UPDATE account SET verdicts = ?1")?.execute([verdicts])?;
        }
        Ok(())
    }

    fn apply_one(&mut self, change: &OwnChange, verdicts: &mut i64) -> Result<()> {
        match change {
            OwnChange::AddOp(op) => {
                let n = self.next_n()?;
                self.insert(op, n)
            }
            OwnChange::ReplaceOp { old, new } => {
                // The old one may be gone (another process): then the new one stands at the end, and no words go.
                let n = match self.op(*old)? {
                    Some(op) => op.n,
                    None => self.next_n()?,
                };
                self.remove(*old)?;
                self.insert(new, n)
            }
            OwnChange::RemoveOp { op } => self.remove(*op),
            OwnChange::AddDraft(draft) => self.put_draft(draft),
            OwnChange::CountStarts { ops } => {
                if pocketdesk_protocol::planted::is("starts-not-counted") {
                    return Ok(());
                }
                self.each(ops, "UPDATE ops SET starts = starts + 1 WHERE op = ?1", &[])
            }
            OwnChange::Applied { op, epoch, v, number, receipt, ack, merged_into, seen_at } => {
                if pocketdesk_protocol::planted::is("applied-not-kept") {
                    return self.remove(*op);
                }
                let ack = serde_json::to_string(ack)?;
                let merged_into = merged_into.map(|id| blob(id.0));
                self.verdict(
                    *op,
                    "UPDATE ops SET state = 'applied', epoch = ?3, row_v = ?4, number = ?5, receipt = ?6, ack = ?7,
                            merged_into = ?8, seen_at = ?9, verdict_no = ?2, blocked = NULL, last_failure = NULL,
                            alone_failures = 0, code = NULL, text_key = NULL, text = NULL, field = NULL,
                            can_edit = NULL
                     WHERE op = ?1",
                    verdicts,
                    &[&epoch.0, v, number, receipt, &ack, &merged_into, seen_at],
                )
            }
            OwnChange::Rejected { op, rejected } => {
                let Rejected { epoch, code, text_key, text, field, can_edit } = rejected;
                self.verdict(
                    *op,
                    "UPDATE ops SET state = 'rejected', epoch = ?3, code = ?4, text_key = ?5, text = ?6, field = ?7,
                            can_edit = ?8, verdict_no = ?2, blocked = NULL, last_failure = NULL, alone_failures = 0,
                            row_v = NULL, number = NULL, ack = NULL, merged_into = NULL, seen_at = NULL
                     WHERE op = ?1",
                    verdicts,
                    &[&epoch.0, code, text_key, text, field, can_edit],
                )
            }
            OwnChange::Blocked { op, on } => {
                let on = on.map(blocked_name);
                self.each(&[*op], "UPDATE ops SET blocked = ?2 WHERE op = ?1", &[&on])
            }
            OwnChange::Failure { ops, why } => {
                let why = why.map(failure_name);
                self.each(ops, "UPDATE ops SET last_failure = ?2 WHERE op = ?1", &[&why])
            }
            OwnChange::AloneFailures { op, count } => {
                self.each(&[*op], "UPDATE ops SET alone_failures = ?2 WHERE op = ?1", &[count])
            }
            OwnChange::SetWake { ops, wake } => self.each(
                ops,
                "UPDATE ops SET wake_interval = ?2, wake_due = ?3 WHERE op = ?1",
                &[&wake.interval_ms, &wake.due],
            ),
            OwnChange::SetWish { op, wish } => {
                let wish = wish.as_ref().map(serde_json::to_string).transpose()?;
                self.each(&[*op], "UPDATE ops SET wish = ?2 WHERE op = ?1", &[&wish])
            }
            OwnChange::EpochIs { epoch, now } => self.epoch_is(*epoch, *now),
            OwnChange::SaveKeptAgain { now } => {
                self.offer_kept_uploads()?;
                self.live_again(*now, None)
            }
            OwnChange::DropKept { epoch, until, hidden_to } => self.drop_kept(*epoch, *until, *hidden_to),
            OwnChange::Purge { entity } => self.purge(*entity),
            OwnChange::StopUpload { file } => {
                let stop = "UPDATE files SET stopped = 1, token = NULL WHERE id = ?1";
                self.read.db.prepare_cached(stop)?.execute([blob(file.0)])?;
                self.changes.files = true;
                self.tickets_of_file(*file)
            }
        }
    }

    /// A place no op ever had.
    fn next_n(&mut self) -> Result<i64> {
        // Not RETURNING: SQLite makes a table for it, which costs more than a second look.
        let last: i64 =
            self.read.db.prepare_cached("SELECT last_n FROM account")?.query_row([], |row| row.get(0))?;
        self.read.db.prepare_cached("UPDATE account SET last_n = ?1")?.execute([last + 1])?;
        Ok(last + 1)
    }

    /// Stores a final verdict under the next number, if the op is still there.
    fn verdict(
        &mut self,
        op: OpId,
        sql: &str,
        verdicts: &mut i64,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<()> {
        let number = *verdicts + 1;
        let mut all: Vec<&dyn rusqlite::ToSql> = vec![&number];
        all.extend_from_slice(values);
        *verdicts += i64::from(self.one(op, sql, &all)?);
        Ok(())
    }

    /// Runs a statement for each op that is still there and notes the tickets that moved.
    fn each(&mut self, ops: &[OpId], sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<()> {
        ops.iter().try_for_each(|op| self.one(*op, sql, values).map(drop))
    }

    /// The same for one; whether it is still there.
    fn one(&mut self, op: OpId, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<bool> {
        if !self.op_moved(op)? {
            return Ok(false);
        }
        let op = blob(op.0);
        let mut bound: Vec<&dyn rusqlite::ToSql> = vec![&op];
        bound.extend_from_slice(values);
        self.read.db.prepare_cached(sql)?.execute(bound.as_slice())?;
        Ok(true)
    }

    fn note_moved(&mut self, ticket: Option<TicketId>) {
        self.changes.outbox = true;
        if let Some(ticket) = ticket {
            self.changes.ticket(ticket);
        }
    }

    /// Notes that an op moves, if it is still there; whether it is.
    fn op_moved(&mut self, op: OpId) -> Result<bool> {
        let mut find = self.read.db.prepare_cached("SELECT ticket FROM ops WHERE op = ?1")?;
        let ticket = find.query_row([blob(op.0)], |row| row.get::<_, Option<Blob>>(0)).optional()?;
        if let Some(ticket) = ticket {
            self.note_moved(ticket.map(|ticket| TicketId(ticket.0)));
        }
        Ok(ticket.is_some())
    }

    fn insert(&mut self, op: &StoredOp, n: i64) -> Result<()> {
        let (mut applied, mut rejected) = (None, None);
        match &op.state {
            OpState::Live => {}
            OpState::Applied(state) => applied = Some(state),
            OpState::Rejected(state) => rejected = Some(state),
        }
        if applied.is_some() || rejected.is_some() {
            // A verdict is stored with its number by `Applied` and `Rejected` alone.
            return Err(StoreError::Failed { reason: "an op is added without a verdict".into() });
        }
        let mut write = self.read.db.prepare_cached(
            "INSERT INTO ops (n, op, entity, ticket, kind, v, body, sha256, lane, made_at, made_boot, made_monotonic,
                    starts, alone_failures, blocked, wake_interval, wake_due, last_failure, wish, supersedes, receipt,
                    attachments)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                    ?22)",
        )?;
        write.execute(params![
            n,
            blob(op.op.0),
            blob(op.entity.0),
            op.ticket.map(|id| blob(id.0)),
            op.kind,
            op.v,
            op.body,
            op.sha256,
            op.lane.as_str(),
            op.made_at,
            op.made_boot,
            op.made_monotonic.cast_signed(),
            op.starts,
            op.alone_failures,
            op.blocked.map(blocked_name),
            op.wake.interval_ms,
            op.wake.due,
            op.last_failure.map(failure_name),
            op.wish.as_ref().map(serde_json::to_string).transpose()?,
            op.supersedes.map(|id| blob(id.0)),
            op.receipt,
            serde_json::to_string(&op.attachments)?,
        ])?;
        if !op.attachments.is_empty() {
            self.set_uses(op.op.0, &op.attachments)?;
            self.offer_again(&op.attachments)?;
        }
        self.note_moved(op.ticket);
        Ok(())
    }

    /// Bytes that an op rejected earlier brought to the server may have been swept there since.
    fn offer_again(&mut self, files: &[FileRef]) -> Result<()> {
        let mut offer = self.read.db.prepare_cached(
            "UPDATE files SET complete_at = NULL, wake_due = 0 WHERE id = ?1 AND staged = 1 AND complete_at IS NOT NULL",
        )?;
        for file in files {
            self.changes.files |= offer.execute([blob(file.id.0)])? > 0;
        }
        Ok(())
    }

    fn remove(&mut self, op: OpId) -> Result<()> {
        self.op_moved(op)?;
        let removed = self.read.db.prepare_cached("DELETE FROM ops WHERE op = ?1")?.execute([blob(op.0)])?;
        if removed > 0 {
            self.set_uses(op.0, &[])?;
        }
        Ok(())
    }

    fn epoch_is(&mut self, epoch: Epoch, now: Millis) -> Result<()> {
        let known = self.epoch()?;
        if known.is_some_and(|known| known > epoch) {
            return Err(StoreError::Failed { reason: "an epoch never goes back".into() });
        }
        self.read.db.prepare_cached("UPDATE account SET epoch = ?1")?.execute([epoch.0])?;
        if known.is_some_and(|known| known != epoch) {
            self.offer_kept_uploads()?;
        }
        self.live_again(now, Some(epoch))
    }

    /// A server with another past may have lost bytes it once acknowledged: what ops name is offered again (rule 9), and
    /// what it still holds is answered at once. What nothing names waits for nothing and is not counted.
    fn offer_kept_uploads(&mut self) -> Result<()> {
        let offer = "UPDATE files SET complete_at = NULL, have = x'', token = NULL, wake_due = 0 WHERE staged = 1
                     AND EXISTS (SELECT 1 FROM file_uses u JOIN ops o ON o.op = u.user WHERE u.file = files.id)";
        self.changes.files |= self.read.db.prepare_cached(offer)?.execute([])? > 0;
        Ok(())
    }

    /// Applied ops (but those of `but`) are live again; their receipts stay with them.
    fn live_again(&mut self, now: Millis, but: Option<Epoch>) -> Result<()> {
        if pocketdesk_protocol::planted::is("kept-not-offered") {
            return Ok(());
        }
        let mut write = self.read.db.prepare_cached(
            "UPDATE ops SET state = 'live', wake_interval = ?2, wake_due = ?3, alone_failures = 0, blocked = NULL,
                    last_failure = NULL, epoch = NULL, row_v = NULL, verdict_no = NULL, seen_at = NULL, ack = NULL,
                    merged_into = NULL
             WHERE state = 'applied' AND (?1 IS NULL OR epoch <> ?1) RETURNING ticket",
        )?;
        let wake = Wake::at_once(now);
        let moved = write
            .query_map(params![but.map(|epoch| epoch.0), wake.interval_ms, wake.due], |row| {
                row.get::<_, Option<Blob>>(0)
            })?
            .collect::<Result<Vec<_>, _>>()?;
        for ticket in moved {
            self.note_moved(ticket.map(|ticket| TicketId(ticket.0)));
        }
        Ok(())
    }

    fn drop_kept(&mut self, epoch: Epoch, until: Millis, hidden_to: i64) -> Result<()> {
        let mut find = self.read.db.prepare_cached(
            "SELECT op FROM ops WHERE state = 'applied' AND epoch = ?1 AND seen_at <= ?2 AND verdict_no <= ?3",
        )?;
        let kept = find
            .query_map([epoch.0, until, hidden_to], |row| Ok(OpId(row.get::<_, Blob>(0)?.0)))?
            .collect::<Result<Vec<_>, _>>()?;
        kept.into_iter().try_for_each(|op| self.remove(op))
    }

    /// The person's words about an erased entity go from everywhere on the phone.
    fn purge(&mut self, entity: EntityId) -> Result<()> {
        let id = blob(entity.0);
        // The words of a request about status are the comment of the op's own id.
        let mut find = self
            .read
            .db
            .prepare_cached(select_ops!("WHERE entity = ?1 OR ticket = ?1 OR op = ?1 ORDER BY n"))?;
        let ops =
            find.query_map([id], |row| Ok(stored_op(row)))?.map(|op| op?).collect::<Result<Vec<_>>>()?;
        drop(find);
        let mut files: Vec<FileRef> = Vec::new();
        for op in ops {
            self.remove(op.op)?;
            files.extend(op.attachments);
        }
        let drafts = self.drafts()?;
        for draft in drafts
            .into_iter()
            .filter(|draft| draft.id == entity || draft.ticket.map(|t| t.0) == Some(entity.0))
        {
            self.remove_draft(draft.id)?;
            files.extend(draft.attachments);
        }
        for file in files {
            let mut used = self.read.db.prepare_cached("SELECT 1 FROM file_uses WHERE file = ?1")?;
            if !used.exists([blob(file.id.0)])? {
                self.remove_file(file.id)?;
            }
        }
        // An erased file goes, whoever names it.
        self.remove_file(AttachmentId(entity.0))
    }

    fn tickets_of_file(&mut self, file: AttachmentId) -> Result<()> {
        let mut find = self.read.db.prepare_cached(
            "SELECT DISTINCT o.ticket FROM file_uses u JOIN ops o ON o.op = u.user WHERE u.file = ?1",
        )?;
        let tickets = find
            .query_map([blob(file.0)], |row| row.get::<_, Option<Blob>>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        for ticket in tickets.into_iter().flatten() {
            self.changes.ticket(TicketId(ticket.0));
        }
        Ok(())
    }
}
