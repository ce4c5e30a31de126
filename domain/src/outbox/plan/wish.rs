//! A wish that was remembered while an answer was out, asked again when the answer is there.

use pocketdesk_protocol::{
    ids::EntityId,
    op::{FileRef, kind},
};

use super::{Maker, Plan, PlanOutcome, Target, plan_discard, plan_edit};
use crate::outbox::{Edit, NewDraft, OpState, OwnChange, StoredOp, Wish};

/// None while the outcome of `target.op` is unknown, or where nothing was wished. Else the wish is kept if the
/// outcome allows it. If not, the words the person wrote meanwhile become a draft (a further comment is always
/// possible), or, for a mark, a further mark: no accepted word is lost either way.
pub fn settle_wish(target: Target<'_>, maker: &mut Maker<'_>) -> Option<Plan> {
    let op = target.op?;
    let wish = op.wish.as_ref()?;
    if matches!(op.state, OpState::Live) {
        return None;
    }
    let forget = OwnChange::SetWish { op: op.op, wish: None };
    let done = match wish {
        Wish::Edit(edit) => plan_edit(target, edit, maker),
        Wish::Discard => plan_discard(target, maker),
    };
    match (done, wish) {
        (Ok(mut plan), _) => {
            plan.changes.insert(0, forget);
            Some(plan)
        }
        (Err(_), Wish::Edit(edit)) => {
            let mut changes = vec![forget];
            changes.extend(further(op, edit, maker));
            Some(Plan { changes, outcome: PlanOutcome::Changed, op: Some(op.op) })
        }
        (Err(_), Wish::Discard) => {
            Some(Plan { changes: vec![forget], outcome: PlanOutcome::Changed, op: Some(op.op) })
        }
    }
}

fn further(op: &StoredOp, edit: &Edit, maker: &mut Maker<'_>) -> Option<OwnChange> {
    if op.kind == kind::RATING_SET && matches!(op.state, OpState::Applied(_)) {
        let stamp = maker.stamp();
        let new = super::rebuild(op, edit, None, stamp, &maker.limits).ok()?;
        return Some(OwnChange::AddOp(maker.stored(new)));
    }
    let text = edit.text.clone().or_else(|| edit.subject.clone()).unwrap_or_default();
    let new_files: Vec<FileRef> = edit
        .attachments
        .iter()
        .flatten()
        .filter(|file| !op.attachments.iter().any(|old| old.id == file.id))
        .cloned()
        .collect();
    if text.trim().is_empty() && new_files.is_empty() {
        return None;
    }
    Some(OwnChange::AddDraft(NewDraft {
        id: EntityId((maker.new_id)()),
        ticket: op.ticket,
        subject: String::new(),
        text,
        attachments: new_files,
        updated_at: maker.now,
    }))
}
