//! Requests about status: asked for, never written, and judged by the event they answer (3-sync rule 6).

use pocketdesk_protocol::{
    ids::EntityId,
    op::{Answers, StatusRequestBody, kind},
    rows::{Status, kind as row},
    sync::code,
};

use super::{Case, Outcome, Rejection, Stop, position_of};
use crate::{
    desk::{remove, ticket::Ticket},
    store::write::Write,
    values,
};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The status moves.
    Moves(Status),
    /// Its wish holds already.
    Holds,
    /// It never takes effect, for this reason.
    Rejected(&'static str),
}

/// Judges a request by the ticket's status and by whether it answers the event that set it.
pub fn judge(request: &str, status: Status, answers_present: bool) -> Judged {
    let solved = status == Status::Solved;
    let closed = status == Status::Closed;
    match request {
        kind::TICKET_CONFIRM if closed => Judged::Holds,
        kind::TICKET_REOPEN if !solved && !closed => Judged::Holds,
        // Two phones that both asked: the second finds its wish fulfilled.
        kind::TICKET_WITHDRAW if closed && !answers_present => Judged::Holds,
        _ if !answers_present => Judged::Rejected(code::MOVED_ON),
        kind::TICKET_CONFIRM if solved => Judged::Moves(Status::Closed),
        kind::TICKET_CONFIRM => Judged::Rejected(code::NOT_SOLVED),
        kind::TICKET_REOPEN => Judged::Moves(Status::Open),
        kind::TICKET_WITHDRAW if solved || closed => Judged::Rejected(code::ALREADY_CLOSED),
        _ => Judged::Moves(Status::Closed),
    }
}

pub(super) async fn request(case: &Case<'_>, tx: &mut Write, ticket: &mut Ticket) -> Result<Outcome, Stop> {
    let body: StatusRequestBody = case.body()?;
    let request = case.op.kind.as_str();
    let text = body.text.as_deref().unwrap_or_default();
    case.check_text("text", text, request != kind::TICKET_REOPEN)?;
    if request == kind::TICKET_WITHDRAW && ticket.author != case.viewer.person && !case.returning {
        return Err(Rejection::of(code::NO_RIGHT).into());
    }
    let answered = match body.answers {
        Answers::Event { epoch, position } => (epoch == tx.epoch).then_some(position),
        Answers::Op(op) => {
            let epoch = tx.epoch;
            position_of(tx.tx(), op, epoch).await?
        }
    };
    let mut judged = judge(request, ticket.status, answered == Some(ticket.status_event));
    if judged == Judged::Moves(Status::Open) && case.made_at(tx.now, body.made_at) > ticket.reopen_until {
        judged = Judged::Rejected(code::REOPEN_WINDOW_PASSED);
    }
    if let Judged::Rejected(code) = judged {
        if !case.returning {
            return Err(Rejection::of(code).into());
        }
        // It took effect before the restore; what came since is newer than it.
        judged = Judged::Holds;
    }
    // The words are the person's whatever became of the wish; they were there before, if the op returns twice.
    let words = EntityId(case.op.op.0);
    let mut changed = false;
    if !text.trim().is_empty()
        && remove::find(tx.tx(), row::COMMENT, words).await?.is_none()
        && tx.query("SELECT id FROM comment WHERE id = $1", &values![words]).await?.is_empty()
    {
        case.comment(tx, ticket, words, text, body.made_at).await?;
        changed = true;
    }
    if let Judged::Moves(to) = judged {
        let window = case.ctx.policy.reopen_window_ms;
        ticket.set_status(tx, &case.viewer.as_author(), to, window).await?;
        changed = true;
    }
    if changed {
        ticket.save(tx).await?;
    }
    Ok(case.outcome(ticket, ticket.v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reopen_replayed_years_later_does_not_reopen_what_was_solved_since() {
        assert_eq!(judge(kind::TICKET_REOPEN, Status::Solved, false), Judged::Rejected(code::MOVED_ON));
        assert_eq!(judge(kind::TICKET_REOPEN, Status::Closed, false), Judged::Rejected(code::MOVED_ON));
        assert_eq!(judge(kind::TICKET_REOPEN, Status::Solved, true), Judged::Moves(Status::Open));
        assert_eq!(judge(kind::TICKET_REOPEN, Status::Open, false), Judged::Holds);
    }

    #[test]
    fn a_confirmation_of_an_earlier_solving_does_not_close_the_newer_one() {
        assert_eq!(judge(kind::TICKET_CONFIRM, Status::Solved, false), Judged::Rejected(code::MOVED_ON));
        assert_eq!(judge(kind::TICKET_CONFIRM, Status::Solved, true), Judged::Moves(Status::Closed));
        assert_eq!(judge(kind::TICKET_CONFIRM, Status::Open, true), Judged::Rejected(code::NOT_SOLVED));
        assert_eq!(judge(kind::TICKET_CONFIRM, Status::Closed, false), Judged::Holds);
    }

    #[test]
    fn a_withdrawal_does_not_throw_away_what_staff_already_solved() {
        assert_eq!(
            judge(kind::TICKET_WITHDRAW, Status::Solved, true),
            Judged::Rejected(code::ALREADY_CLOSED)
        );
        assert_eq!(
            judge(kind::TICKET_WITHDRAW, Status::Closed, true),
            Judged::Rejected(code::ALREADY_CLOSED)
        );
        assert_eq!(judge(kind::TICKET_WITHDRAW, Status::Solved, false), Judged::Rejected(code::MOVED_ON));
        assert_eq!(judge(kind::TICKET_WITHDRAW, Status::New, true), Judged::Moves(Status::Closed));
        assert_eq!(judge(kind::TICKET_WITHDRAW, Status::Closed, false), Judged::Holds);
    }
}
