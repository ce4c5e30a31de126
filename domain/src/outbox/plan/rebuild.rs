//! The same intent with other words: a new body from an old one.

use pocketdesk_protocol::{
    limits::Limits,
    op::{Answers, StatusRequestBody},
};

use crate::outbox::{
    Edit, InvalidReason, NewOp, OutboxError, Payload, StoredOp,
    new_op::{
        NewAmend, NewAttachment, NewComment, NewEntityWithdraw, NewParticipant, NewRating, NewRead,
        NewRequest, NewTicket, Request, Stamp,
    },
};

/// Validated like a new op. What `edit` leaves as it is comes from `op`; naming what the kind does not have is
/// refused. `answers` aims a request about status anew.
pub(super) fn rebuild(
    op: &StoredOp,
    edit: &Edit,
    answers: Option<Answers>,
    stamp: Stamp,
    limits: &Limits,
) -> Result<NewOp, OutboxError> {
    let ticket = op.ticket.ok_or(OutboxError::NotFound)?;
    let may = |subject: bool, text: bool, attachments: bool, value: bool, email: bool| {
        let given = [
            ("subject", edit.subject.is_some() && !subject),
            ("text", edit.text.is_some() && !text),
            ("attachments", edit.attachments.is_some() && !attachments),
            ("value", edit.value.is_some() && !value),
            ("email", edit.email.is_some() && !email),
        ];
        match given.into_iter().find(|(_, wrong)| *wrong) {
            Some((field, _)) => Err(OutboxError::invalid(field, InvalidReason::NotPossible)),
            None => Ok(()),
        }
    };
    let text = |before: String| edit.text.clone().unwrap_or(before);
    let request = |request: Request, body: StatusRequestBody| {
        may(false, true, false, false, false)?;
        let text = edit.text.clone().or(body.text);
        NewRequest { ticket, request, answers: answers.unwrap_or(body.answers), text }.build(stamp, limits)
    };
    match op.payload() {
        Payload::TicketCreate(body) => {
            may(true, true, true, false, false)?;
            let new = NewTicket {
                subject: edit.subject.clone().unwrap_or(body.subject),
                description: text(body.description),
                attachments: edit.attachments.clone().unwrap_or(body.attachments),
                company: body.company,
                site: body.site,
            };
            new.build(stamp, ticket, limits)
        }
        Payload::CommentAdd(body) => {
            may(false, true, true, false, false)?;
            let attachments = edit.attachments.clone().unwrap_or(body.attachments);
            NewComment { ticket, text: text(body.text), attachments }.build(stamp, op.entity.into(), limits)
        }
        Payload::AttachmentAdd(body) => {
            may(false, false, false, false, false)?;
            NewAttachment { ticket, file: body.file }.build(stamp, limits)
        }
        Payload::Confirm(body) => request(Request::Confirm, body),
        Payload::Reopen(body) => request(Request::Reopen, body),
        Payload::Withdraw(body) => request(Request::Withdraw, body),
        Payload::RatingSet(body) => {
            may(false, true, false, true, false)?;
            let value = edit.value.unwrap_or(body.value);
            let comment = edit.text.clone().or(body.comment);
            // The scale was checked when the mark was first given; the server checks it again.
            NewRating { ticket, round: body.round, value, max: value.max(body.value), comment }
                .build(stamp, limits)
        }
        Payload::ReadMark(body) | Payload::ReadUnmark(body) => {
            may(false, false, false, false, false)?;
            let unmark = op.kind == pocketdesk_protocol::op::kind::READ_UNMARK;
            Ok(NewRead { ticket, position: body.position, epoch: body.epoch, unmark }.build(stamp))
        }
        Payload::ParticipantAdd(body) => {
            // The address is all there is to change: a shell with one field for words hands it in as text.
            may(false, true, false, false, true)?;
            let address = edit.email.clone().or_else(|| edit.text.clone());
            let person = body.person.filter(|_| address.is_none());
            let email = address.or(body.email);
            NewParticipant { ticket, person, email, remove: false }.build(stamp)
        }
        Payload::ParticipantRemove(body) => {
            may(false, false, false, false, false)?;
            NewParticipant { ticket, person: body.person, email: body.email, remove: true }.build(stamp)
        }
        Payload::Amend(body) => {
            may(true, true, false, false, false)?;
            let subject = edit.subject.clone().or(body.subject);
            let text = edit.text.clone().or(body.text);
            NewAmend { ticket, entity: op.entity, subject, text }.build(stamp, limits)
        }
        Payload::EntityWithdraw(_) => {
            may(false, false, false, false, false)?;
            Ok(NewEntityWithdraw { ticket, entity: op.entity }.build(stamp))
        }
        Payload::Unknown => Err(OutboxError::NeedsNewerApp),
    }
}
