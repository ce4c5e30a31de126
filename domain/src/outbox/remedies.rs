//! What ends attention (3-sync rules 4 and 5). Never empty: attention without a way out is a dead end. The first one
//! is what a shell offers first.

use pocketdesk_protocol::{
    op::kind,
    rows::{DeskState, Status},
    sync::code,
};

use super::{OpState, StoredOp, new_op::Request};
use crate::model::Remedy;

/// The remedies of an op that needs the person; empty for one that does not. `status` is the ticket's present
/// status, where the phone knows it: a request that was overtaken can be made again only where it fits.
pub fn of_op(op: &StoredOp, status: Option<Status>) -> Vec<Remedy> {
    match &op.state {
        OpState::Rejected(rejected) => of_rejected(op, &rejected.code, rejected.can_edit, status),
        // Its outcome is unknown: only what changes nothing is offered. Retry sends the very same op again.
        OpState::Live if op.is_stuck() => words_first(op, vec![Remedy::Retry]),
        _ => Vec::new(),
    }
}

/// The remedies for what the desk refused after the server took it.
pub fn of_refused(desk: &DeskState) -> Vec<Remedy> {
    match desk {
        DeskState::Refused { can_edit: true, .. } => {
            vec![Remedy::Edit, Remedy::Retry, Remedy::Discard, Remedy::CopyText]
        }
        DeskState::Refused { .. } => vec![Remedy::Retry, Remedy::Discard, Remedy::CopyText],
        DeskState::Pending | DeskState::Registered { .. } => Vec::new(),
    }
}

/// The remedies for a file whose bytes are no longer on this phone.
pub fn of_vanished_file() -> Vec<Remedy> {
    vec![Remedy::RemoveFile]
}

/// Whether the op holds something a person wrote.
pub fn has_words(op: &StoredOp) -> bool {
    let payload = op.payload();
    !payload.text().trim().is_empty() || payload.subject().is_some_and(|subject| !subject.trim().is_empty())
}

fn words_first(op: &StoredOp, then: Vec<Remedy>) -> Vec<Remedy> {
    if has_words(op) { [vec![Remedy::CopyText], then].concat() } else { then }
}

/// Whether the op can be given new words (or files, a mark, an address) at all.
fn is_editable(kind_of: &str) -> bool {
    matches!(
        kind_of,
        kind::TICKET_CREATE
            | kind::COMMENT_ADD
            | kind::TICKET_REOPEN
            | kind::RATING_SET
            | kind::ENTITY_AMEND
            | kind::PARTICIPANT_ADD
    )
}

fn of_rejected(op: &StoredOp, code_of: &str, can_edit: bool, status: Option<Status>) -> Vec<Remedy> {
    use Remedy::{Discard, Edit, FileAnew, FollowUp, RemoveFile, Retry};
    let request = Request::of_kind(&op.kind);
    let own = match code_of {
        // No op on this ticket can ever be applied again; what has words can begin a new one.
        code::TICKET_GONE | code::LEFT if is_filing(op) => vec![FileAnew, Discard],
        code::TICKET_GONE | code::LEFT => vec![Discard],
        code::MOVED_ON | code::NOT_SOLVED | code::ALREADY_CLOSED => match (request, status) {
            (Some(request), Some(status)) if request.fits(status) => vec![Retry, Discard],
            (None, _) if is_filing(op) => vec![FollowUp, Discard],
            _ => vec![Discard],
        },
        code::REOPEN_WINDOW_PASSED => vec![FollowUp, Discard],
        code::RATING_WINDOW_PASSED | code::NOT_REFUSED => vec![Discard],
        // Another thing has this entity's id: only a thing with another id can carry the words.
        code::ID_TAKEN if is_filing(op) => vec![FileAnew, Discard],
        code::ID_TAKEN => vec![Discard],
        code::TOO_MANY_FILES | code::FILE_TOO_LARGE if op.kind == kind::ATTACHMENT_ADD => {
            vec![RemoveFile, Discard]
        }
        code::TOO_MANY_FILES | code::FILE_TOO_LARGE => vec![RemoveFile, Edit, Discard],
        // The op came to harm on its way, or its id was another's: a new op with the same words is right.
        code::OP_ID_REUSED | code::DIGEST => vec![Retry, Discard],
        code::UNKNOWN_PERSON if is_editable(&op.kind) => vec![Edit, Discard],
        _ if can_edit && is_editable(&op.kind) => vec![Edit, Retry, Discard],
        _ => vec![Retry, Discard],
    };
    let mut remedies = own;
    if has_words(op) {
        remedies.push(Remedy::CopyText);
    }
    remedies
}

/// Whether its words or files can begin a new ticket.
fn is_filing(op: &StoredOp) -> bool {
    has_words(op) || !op.attachments.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::testing::{self, Ops};

    const CODES: [&str; 20] = [
        code::OP_ID_REUSED,
        code::DIGEST,
        code::UNKNOWN_KIND,
        code::INVALID,
        code::TOO_LONG,
        code::TOO_MANY_FILES,
        code::FILE_TOO_LARGE,
        code::ID_TAKEN,
        code::TICKET_GONE,
        code::ERASED,
        code::LEFT,
        code::NO_RIGHT,
        code::MOVED_ON,
        code::NOT_SOLVED,
        code::ALREADY_CLOSED,
        code::REOPEN_WINDOW_PASSED,
        code::RATING_WINDOW_PASSED,
        code::UNKNOWN_PERSON,
        code::NOT_REFUSED,
        "a_code_of_a_newer_server",
    ];

    #[test]
    fn nobody_is_left_with_attention_and_no_way_out() {
        let mut ops = Ops::default();
        let all = ops.one_of_every_kind();
        for op in &all {
            for code in CODES {
                for can_edit in [true, false] {
                    for status in [None, Some(Status::Open), Some(Status::Solved), Some(Status::Closed)] {
                        let rejected = testing::rejected(op, code, can_edit);
                        let remedies = of_op(&rejected, status);
                        assert!(!remedies.is_empty(), "{} {code}", op.kind);
                        assert!(remedies.contains(&Remedy::Discard), "{} {code} {remedies:?}", op.kind);
                        let mut once = remedies.clone();
                        once.dedup();
                        assert_eq!(once, remedies);
                    }
                }
            }
            let stuck = StoredOp { alone_failures: 5, starts: 8, ..op.clone() };
            assert!(!of_op(&stuck, None).is_empty(), "{}", op.kind);
        }
    }

    #[test]
    fn words_of_unknown_fate_cannot_be_edited_or_discarded_into_a_second_copy() {
        let mut ops = Ops::default();
        let comment = ops.comment("the boiler leaks");
        let stuck = StoredOp { alone_failures: 5, starts: 8, ..comment };
        assert_eq!(of_op(&stuck, None), [Remedy::CopyText, Remedy::Retry]);
    }

    #[test]
    fn a_comment_on_a_ticket_that_left_can_be_copied_and_filed_anew() {
        let mut ops = Ops::default();
        let left = testing::rejected(&ops.comment("still cold"), code::LEFT, false);
        assert_eq!(of_op(&left, None), [Remedy::FileAnew, Remedy::Discard, Remedy::CopyText]);
    }

    #[test]
    fn a_reopen_after_its_window_offers_a_follow_up_with_its_words() {
        let mut ops = Ops::default();
        let late = testing::rejected(&ops.reopen("it leaks again"), code::REOPEN_WINDOW_PASSED, false);
        assert_eq!(of_op(&late, Some(Status::Closed)), [Remedy::FollowUp, Remedy::Discard, Remedy::CopyText]);
    }

    #[test]
    fn an_overtaken_request_can_be_repeated_only_where_it_still_means_something() {
        let mut ops = Ops::default();
        let confirm = testing::rejected(&ops.confirm(), code::MOVED_ON, false);
        assert_eq!(of_op(&confirm, Some(Status::Open)), [Remedy::Discard]);
        assert_eq!(of_op(&confirm, Some(Status::Solved)), [Remedy::Retry, Remedy::Discard]);
    }
}
