//! A fake desk: one journal, stored verdicts, an epoch; and chance that is the same every time.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::{
    ids::{EntityId, Epoch, OpId},
    op::{WireOp, kind},
    sync::{BlockedOn, OpVerdict, ResetReason, Verdict, code},
};

use crate::sync::{Answer, Failure};

/// Chance that is the same every time.
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }

    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.roll().is_multiple_of(n)
    }
}

/// The desk: one journal, stored verdicts, an epoch.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) epoch: Epoch,
    pub(super) scopes_rev: i64,
    /// Rows with their versions; none for a deleted one.
    pub(super) rows: BTreeMap<EntityId, Option<i64>>,
    pub(super) journal: Vec<EntityId>,
    verdicts: BTreeMap<OpId, Verdict>,
    /// In the order of taking effect.
    pub(super) order: Vec<OpId>,
    pub(super) poison: BTreeSet<OpId>,
    pub(super) refuses: BTreeSet<OpId>,
    /// What every request meets instead of an answer.
    pub(super) failing: Option<Failure>,
    pub(super) reset: Option<ResetReason>,
    pub(super) requests: usize,
    pub(super) pushes: Vec<Vec<OpId>>,
    pub(super) now: i64,
}

impl Desk {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            scopes_rev: 1,
            rows: BTreeMap::new(),
            journal: Vec::new(),
            verdicts: BTreeMap::new(),
            order: Vec::new(),
            poison: BTreeSet::new(),
            refuses: BTreeSet::new(),
            failing: None,
            reset: None,
            requests: 0,
            pushes: Vec::new(),
            now: 50_000_000,
        }
    }

    /// Comes back as it was in `backup`, in a later life.
    pub(super) fn restore(&mut self, backup: &Self) {
        let epoch = Epoch(self.epoch.0 + 1);
        let (requests, now, pushes) = (self.requests, self.now, std::mem::take(&mut self.pushes));
        *self = Self { epoch, requests, now, pushes, scopes_rev: self.scopes_rev + 1, ..backup.clone() };
    }

    pub(super) fn touch(&mut self, id: EntityId) {
        let v = self.journal.len() as i64 + 1;
        self.rows.insert(id, Some(v));
        self.journal.push(id);
    }

    pub(super) fn delete(&mut self, id: EntityId) {
        self.rows.insert(id, None);
        self.journal.push(id);
    }

    fn judge(&mut self, op: &WireOp) -> Verdict {
        if let Some(verdict) = self.verdicts.get(&op.op) {
            return verdict.clone();
        }
        let body: serde_json::Value = serde_json::from_str(&op.body).unwrap();
        let ticket = body
            .get("ticket")
            .map_or(op.entity, |id| id.as_str().unwrap().parse::<uuid::Uuid>().unwrap().into());
        if op.kind != kind::TICKET_CREATE && !self.rows.contains_key(&ticket) {
            return Verdict::Blocked { on: BlockedOn::Ticket };
        }
        let in_ticket_lane = crate::outbox::lane::is_ticket_lane(&op.kind);
        if let Some(prev) = op.prev {
            let satisfied = match self.verdicts.get(&prev) {
                Some(Verdict::Applied { .. }) => true,
                Some(_) => !in_ticket_lane,
                None => false,
            };
            if !satisfied {
                return Verdict::Blocked { on: BlockedOn::Prev };
            }
        }
        let verdict = if self.refuses.contains(&op.op) {
            let code = code::INVALID.to_owned();
            Verdict::Rejected {
                text_key: code::text_key(&code),
                code,
                text: None,
                field: None,
                can_edit: true,
            }
        } else {
            self.touch(op.entity);
            self.order.push(op.op);
            let receipt = format!("proof of {}", op.op);
            let v = self.journal.len() as i64;
            Verdict::Applied { v, number: None, ack: vec![], receipt, merged_into: None }
        };
        self.verdicts.insert(op.op, verdict.clone());
        verdict
    }

    fn page(&self, cursor: usize) -> Page {
        let to = self.journal.len().min(cursor + 3);
        let items = self.journal[cursor.min(to)..to].iter().map(|id| (*id, self.rows[id])).collect();
        Page { items, next: to, complete: to == self.journal.len(), stands_on: (self.epoch, self.scopes_rev) }
    }

    pub(super) fn answer(
        &mut self,
        ops: &[WireOp],
        epoch: Option<Epoch>,
        cursor: Option<Cursor>,
        asked_at: i64,
    ) -> Reply {
        let verdicts = if epoch == Some(self.epoch) {
            ops.iter().map(|op| OpVerdict { op: op.op, verdict: self.judge(op) }).collect()
        } else {
            Vec::new()
        };
        let mut answer = Answer {
            epoch: self.epoch,
            server_time: self.now,
            verdicts,
            page: false,
            complete: false,
            heads: vec![],
            reset: None,
            asked_at,
        };
        let mut page = None;
        if let Some(cursor) = cursor {
            if cursor.stands_on != (self.epoch, self.scopes_rev) {
                answer.reset = Some(if cursor.stands_on.0 == self.epoch {
                    ResetReason::Scopes
                } else {
                    ResetReason::Epoch
                });
            } else if let Some(reason) = self.reset.take() {
                answer.reset = Some(reason);
            } else {
                let found = self.page(cursor.at);
                (answer.page, answer.complete) = (true, found.complete);
                page = Some(found);
            }
        }
        Reply::Answer(answer, page)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) items: Vec<(EntityId, Option<i64>)>,
    pub(super) next: usize,
    pub(super) complete: bool,
    pub(super) stands_on: (Epoch, i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) file: u32,
    pub(super) at: usize,
    pub(super) stands_on: (Epoch, i64),
}

#[derive(Debug, Clone)]
pub(super) enum Reply {
    Me(Epoch),
    Answer(Answer, Option<Page>),
    Failed(Failure),
    FramesBegan(Epoch, i64, usize),
    Frame(Vec<(EntityId, i64)>, bool),
}
