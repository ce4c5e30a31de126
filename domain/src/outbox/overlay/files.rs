//! A file as a shell shows it, and the delivery of its bytes, apart from that of the op that names it.

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, EntityId},
    op::FileRef,
    rows::{self, AttachmentRow, DeskState},
};

use super::{AccountFacts, FileFacts, Row, TicketFacts, delivery::paused, view::is_me};
use crate::{
    model::{AttachmentView, AttentionReason, Delivery, FileState, WaitsFor},
    outbox::remedies,
};

/// The delivery of the bytes of a file that this phone sends; `since` is when its op was made. One that the person
/// stopped is theirs again: a draft.
pub fn delivery_of_file(
    file: &FileRef,
    row: Option<&Row<AttachmentRow>>,
    facts: Option<FileFacts>,
    account: &AccountFacts,
    since: Millis,
) -> Delivery {
    let facts = facts.unwrap_or_default();
    let whole = row.filter(|row| row.row.state == rows::FileState::Complete).map(|row| row.row.created_at);
    let saved = |waits_for| Delivery::Saved { waits_for, since };
    if let Some(at) = facts.complete_at.or(whole) {
        return Delivery::Delivered { at };
    }
    if facts.stopped {
        return Delivery::Draft;
    }
    if !facts.on_phone {
        return Delivery::Attention {
            why: AttentionReason::FileVanished { name: file.name.clone() },
            remedies: remedies::of_vanished_file(),
        };
    }
    if facts.sending {
        return Delivery::Sending { sent: facts.sent, total: file.size };
    }
    if let Some(waits_for) = paused(account) {
        return saved(waits_for);
    }
    if !account.online {
        return saved(WaitsFor::Network);
    }
    if account.files_wait_for_wifi {
        return saved(WaitsFor::Wifi);
    }
    match facts.retrying {
        Some((why, next)) => Delivery::Retrying { why, next },
        None => saved(WaitsFor::Network),
    }
}

/// A file that an op of this phone names.
pub(super) fn of_op(
    file: &FileRef,
    facts: &TicketFacts<'_>,
    account: &AccountFacts,
    since: Millis,
) -> AttachmentView {
    let row = facts.attachments.iter().find(|row| AttachmentId::from(row.id) == file.id);
    let known = facts.files.get(&file.id).copied();
    let complete = known.is_some_and(|known| known.complete_at.is_some());
    AttachmentView {
        id: file.id.to_string(),
        name: file.name.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        on_phone: known.is_some_and(|known| known.on_phone),
        state: row.map_or(if complete { FileState::Complete } else { FileState::Pending }, state),
        delivery: Some(at_desk(delivery_of_file(file, row, known, account, since), row, facts)),
    }
}

/// A file that the server knows. It has a delivery where the person gave it, and this phone sends it or it is there.
pub(super) fn of_row(
    row: &Row<AttachmentRow>,
    facts: &TicketFacts<'_>,
    account: &AccountFacts,
) -> AttachmentView {
    let id = AttachmentId::from(row.id);
    let AttachmentRow { name, size, sha256, .. } = row.row.clone();
    let file = FileRef { id, name, size, sha256 };
    let known = facts.files.get(&id).copied();
    let complete = row.row.state == rows::FileState::Complete;
    // What this phone knows of a file that is not whole is an upload of its own, even when its bytes are gone: then
    // the person has to hear of it, for nobody else can send them.
    let sends = known.is_some();
    let delivery = (is_me(&row.row.author, account) && (complete || sends))
        .then(|| delivery_of_file(&file, Some(row), known, account, row.row.created_at))
        .map(|delivery| at_desk(delivery, Some(row), facts));
    AttachmentView {
        id: id.to_string(),
        name: file.name,
        size: file.size,
        sha256: file.sha256,
        on_phone: known.is_some_and(|known| known.on_phone),
        state: state(row),
        delivery,
    }
}

/// A whole file is in the ticket as soon as what it came with is there.
fn at_desk(delivery: Delivery, row: Option<&Row<AttachmentRow>>, facts: &TicketFacts<'_>) -> Delivery {
    let came_with = match row.map(|row| row.row.comment) {
        Some(Some(comment)) => {
            let comment = facts.comments.iter().find(|row| row.id == EntityId::from(comment));
            comment.map(|row| &row.row.desk)
        }
        Some(None) => facts.ticket.map(|row| &row.row.desk),
        None => None,
    };
    match (delivery, came_with) {
        (Delivery::Delivered { .. }, Some(DeskState::Registered { .. })) => {
            Delivery::Registered { number: None }
        }
        (delivery, _) => delivery,
    }
}

fn state(row: &Row<AttachmentRow>) -> FileState {
    match row.row.state {
        rows::FileState::Pending => FileState::Pending,
        rows::FileState::Complete => FileState::Complete,
        rows::FileState::Missing => FileState::Missing,
    }
}
