//! From facts to what a shell draws.
//!
//! The status is the server's word alone: it is asked for, never written (3-sync rule 6). A request of the person's
//! own that is on its way stands in `requests` and takes away the buttons, because the desk may have moved on.

use std::collections::BTreeMap;

use pocketdesk_protocol::{
    Millis,
    ids::{AttachmentId, CommentId, EntityId, PersonId, TicketId},
    op::{FileRef, kind},
    rows::{CommentRow, DeskState, EventData, EventRow, PersonRef, RatingRow, Side},
};

use super::{
    AccountFacts, Row, TicketFacts,
    delivery::{delivery_of_op, delivery_of_row, pressing},
    files, is_shown,
};
use crate::{
    model::{
        AttachmentView, CommentView, DeadlineView, Delivery, EventView, EventWhat, OutboxItem, PersonView,
        RatingView, RequestView, TicketKey, TicketStatus, TicketSummary, TicketView,
    },
    outbox::{OpState, Payload, StoredOp, new_op::Request},
};

/// Whether this is the person who holds the phone.
pub fn is_me(person: &PersonRef, account: &AccountFacts) -> bool {
    person.id.is_some() && person.id == account.me
}

/// A ticket with its ops laid over it, before it takes a shape.
pub(super) struct Ticket<'a> {
    /// Ops that still show, in order.
    pub(super) shown: Vec<&'a StoredOp>,
    /// The op whose words are the ticket's; none when they are the row's.
    carrier: Option<&'a StoredOp>,
    pub(super) delivery: Option<Delivery>,
    pub(super) pending: Option<Delivery>,
    pub(super) rating_asked: bool,
    pub(super) updated_at: Millis,
    mine: bool,
}

impl<'a> Ticket<'a> {
    /// None when there is nothing to show: no row, no op that makes it, and no words on their way to it. A restored
    /// server may have lost a ticket that another phone filed and has yet to bring back; until then this phone's own
    /// words stand alone.
    pub(super) fn read(facts: &TicketFacts<'a>, account: &AccountFacts) -> Option<Self> {
        let mut shown: Vec<&StoredOp> = facts.ops.iter().filter(|op| shows(op, facts)).collect();
        shown.sort_by_key(|op| op.n);
        let create = shown.iter().copied().find(|op| op.kind == kind::TICKET_CREATE);
        let awaited = shown.iter().copied().find(|op| op.is_live() && says_something(op));
        let entity = facts
            .ticket
            .map(|row| row.id)
            .or(create.map(|op| op.entity))
            .or(awaited.and_then(|op| op.ticket).map(EntityId::from))?;
        let carrier = carrier(&shown, entity);
        let mine = match facts.ticket {
            Some(row) => is_me(&row.row.author, account),
            None => create.is_some(),
        };
        let delivery = match (carrier, facts.ticket) {
            (Some(op), _) => Some(delivery_of_op(op, facts, account)),
            (None, Some(row)) if mine => Some(delivery_of_row(&row.row.desk, row.row.created_at)),
            (None, _) => None,
        };
        let others = shown
            .iter()
            .filter(|op| carrier.is_none_or(|carrier| carrier.op != op.op))
            .filter(|op| {
                !matches!(op.kind.as_str(), kind::READ_MARK | kind::READ_UNMARK) || op.is_attention()
            })
            .map(|op| delivery_of_op(op, facts, account));
        let refused = facts
            .comments
            .iter()
            .filter(|row| is_me(&row.row.author, account) && self::carrier(&shown, row.id).is_none())
            .filter(|row| matches!(row.row.desk, DeskState::Refused { .. }))
            .map(|row| delivery_of_row(&row.row.desk, row.row.created_at));
        let pending = others
            .chain(refused)
            .filter_map(|delivery| Some((pressing(&delivery)?, delivery)))
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, delivery)| delivery);
        let rating_asked = facts.ticket.and_then(|row| row.row.rating_asked).is_some_and(|round| {
            let by_row = facts.rating.is_some_and(|row| row.row.round == round);
            !by_row && !shown.iter().any(|op| rates(op, round))
        });
        let made_at = create.or(awaited).map(|op| op.made_at);
        let updated_at = facts.ticket.map(|row| row.row.updated_at).or(made_at).unwrap_or_default();
        Some(Self { shown, carrier, delivery, pending, rating_asked, updated_at, mine })
    }

    fn create(&self) -> Option<&'a StoredOp> {
        self.shown.iter().copied().find(|op| op.kind == kind::TICKET_CREATE)
    }

    /// Whether a request about status of the person's own waits to be seen in the row.
    fn has_asked(&self) -> bool {
        self.shown.iter().any(|op| Request::of_kind(&op.kind).is_some() && !op.is_attention())
    }
}

/// Whether a ticket that nothing else is known of is shown for the op's sake.
fn says_something(op: &StoredOp) -> bool {
    matches!(op.kind.as_str(), kind::COMMENT_ADD | kind::ATTACHMENT_ADD)
}

/// Whether an op shows: the version that hides it is that of its own row.
fn shows(op: &StoredOp, facts: &TicketFacts<'_>) -> bool {
    use pocketdesk_protocol::rows::kind as row_kind;
    let (kind_of, id) = op.target_row();
    let row_v = match kind_of {
        row_kind::COMMENT => facts.comments.iter().find(|row| row.id == id).map(|row| row.v),
        row_kind::ATTACHMENT => facts.attachments.iter().find(|row| row.id == id).map(|row| row.v),
        row_kind::READ => facts.read.map(|row| row.v),
        row_kind::RATING => facts.rating.map(|row| row.v),
        _ => facts.ticket.map(|row| row.v),
    };
    is_shown(op, row_v, facts.cache)
}

/// The latest op that made, amended or takes back a thing.
fn carrier<'a>(shown: &[&'a StoredOp], entity: EntityId) -> Option<&'a StoredOp> {
    let makes = [kind::TICKET_CREATE, kind::COMMENT_ADD, kind::ENTITY_AMEND, kind::ENTITY_WITHDRAW];
    shown
        .iter()
        .copied()
        .filter(|op| op.entity == entity && makes.contains(&op.kind.as_str()))
        .max_by_key(|op| op.n)
}

fn rates(op: &StoredOp, round: u32) -> bool {
    !matches!(op.state, OpState::Rejected(_))
        && matches!(op.payload(), Payload::RatingSet(body) if body.round == round)
}

/// The inbox's row of a ticket; none when nothing of it can be shown (no row, no op that makes it, no words for it).
pub fn summary(ticket: TicketId, facts: &TicketFacts<'_>, account: &AccountFacts) -> Option<TicketSummary> {
    Some(summarise(ticket, &Ticket::read(facts, account)?, facts, account))
}

fn summarise(
    ticket: TicketId,
    state: &Ticket<'_>,
    facts: &TicketFacts<'_>,
    account: &AccountFacts,
) -> TicketSummary {
    let row = facts.ticket.map(|row| &row.row);
    let by_row = row.and_then(|row| match &row.desk {
        DeskState::Registered { number } => number.clone(),
        DeskState::Pending | DeskState::Refused { .. } => None,
    });
    let by_verdict = || match &state.create()?.state {
        OpState::Applied(applied) => applied.number.clone(),
        _ => None,
    };
    let payload = state.carrier.map(StoredOp::payload);
    let subject = payload.as_ref().and_then(Payload::subject).or(row.map(|row| row.subject.as_str()));
    let made = state.create().map(StoredOp::payload);
    TicketSummary {
        key: TicketKey { account: account.account.clone(), id: ticket.to_string() },
        number: by_row.or_else(by_verdict),
        subject: subject.or(made.as_ref().and_then(Payload::subject)).unwrap_or_default().to_owned(),
        status: row.map_or(TicketStatus::New, |row| row.status.into()),
        unread: facts.unread,
        delivery: state.delivery.clone(),
        pending: state.pending.clone(),
        author: row.filter(|_| !state.mine).map(|row| row.author.name.clone()),
        deadline: row.and_then(|row| row.deadline.as_ref()).map(|deadline| deadline.at),
        updated_at: state.updated_at,
    }
}

/// A ticket's screen; none like [`summary`].
pub fn ticket_view(ticket: TicketId, facts: &TicketFacts<'_>, account: &AccountFacts) -> Option<TicketView> {
    let state = Ticket::read(facts, account)?;
    let row = facts.ticket.map(|row| &row.row);
    let create = state.create();
    let mut of_comments: BTreeMap<CommentId, Vec<AttachmentView>> = BTreeMap::new();
    let attachments = gather_files(&state, facts, account, &mut of_comments);
    let status = row.map(|row| row.status);
    let asked = state.has_asked();
    let fits = |request: Request| !asked && status.is_some_and(|status| request.fits(status));
    let reopen_until = row.and_then(|row| row.reopen_until);
    let on_its_way = create.is_some_and(|op| op.is_live() && op.starts > 0 && !op.is_stuck());
    Some(TicketView {
        summary: summarise(ticket, &state, facts, account),
        description: description(&state, facts),
        attachments,
        assignee: row.and_then(|row| row.assignee.clone()),
        deadline: row.and_then(|row| row.deadline.as_ref()).map(|deadline| DeadlineView {
            at: deadline.at,
            moved_from: deadline.moved_from,
            reason: deadline.reason.clone(),
        }),
        participants: participants(&state, facts),
        company: row.and_then(|row| row.company.as_ref()).map(|company| company.name.clone()),
        site: row.and_then(|row| row.site.as_ref()).map(|site| site.name.clone()),
        comments: comments(&state, facts, account, of_comments),
        events: events(facts, account),
        requests: requests(&state, facts, account),
        rating: rating(&state, facts, account),
        rating_max: row.map_or(0, |row| row.rating_max),
        rating_asked: state.rating_asked,
        can_confirm: fits(Request::Confirm),
        can_reopen: fits(Request::Reopen) && reopen_until.is_none_or(|until| account.now <= until),
        reopen_until,
        can_withdraw: state.mine && (fits(Request::Withdraw) || (row.is_none() && on_its_way && !asked)),
        created_at: row.map(|row| row.created_at).or(create.map(|op| op.made_at)).unwrap_or(state.updated_at),
    })
}

/// The words of the op that carries the ticket, else the row's.
fn description(state: &Ticket<'_>, facts: &TicketFacts<'_>) -> String {
    let by_carrier = state.carrier.map(StoredOp::payload).and_then(|payload| match payload {
        Payload::TicketCreate(body) => Some(body.description),
        Payload::Amend(body) => body.text,
        _ => None,
    });
    let by_create = || state.create().map(|op| op.payload().text().to_owned());
    by_carrier
        .or_else(|| facts.ticket.map(|row| row.row.description.clone()))
        .or_else(by_create)
        .unwrap_or_default()
}

/// Files of the ticket itself; those of comments go into `of_comments`.
fn gather_files(
    state: &Ticket<'_>,
    facts: &TicketFacts<'_>,
    account: &AccountFacts,
    of_comments: &mut BTreeMap<CommentId, Vec<AttachmentView>>,
) -> Vec<AttachmentView> {
    let mut own: BTreeMap<AttachmentId, (Option<CommentId>, &FileRef, Millis)> = BTreeMap::new();
    for op in &state.shown {
        let comment = (op.kind == kind::COMMENT_ADD).then(|| CommentId::from(op.entity));
        own.extend(op.attachments.iter().map(|file| (file.id, (comment, file, op.made_at))));
    }
    let mut of_ticket = Vec::new();
    let mut place = |comment: Option<CommentId>, view: AttachmentView| match comment {
        Some(comment) => of_comments.entry(comment).or_default().push(view),
        None => of_ticket.push(view),
    };
    for row in facts.attachments {
        let view = match own.remove(&AttachmentId::from(row.id)) {
            Some((_, file, since)) => files::of_op(file, facts, account, since),
            None => files::of_row(row, facts, account),
        };
        place(row.row.comment, view);
    }
    for (comment, file, since) in own.into_values() {
        place(comment, files::of_op(file, facts, account, since));
    }
    of_ticket
}

fn comments(
    state: &Ticket<'_>,
    facts: &TicketFacts<'_>,
    account: &AccountFacts,
    mut of_comments: BTreeMap<CommentId, Vec<AttachmentView>>,
) -> Vec<CommentView> {
    let mut rows: Vec<&Row<CommentRow>> = facts.comments.iter().collect();
    rows.sort_by_key(|row| row.row.position);
    let mut views: Vec<CommentView> = rows
        .into_iter()
        .map(|row| {
            let carrier = carrier(&state.shown, row.id);
            let words = carrier.map(StoredOp::payload).map(|payload| payload.text().to_owned());
            let delivery = match carrier {
                Some(op) => Some(delivery_of_op(op, facts, account)),
                None => is_me(&row.row.author, account)
                    .then(|| delivery_of_row(&row.row.desk, row.row.created_at)),
            };
            CommentView {
                id: row.id.to_string(),
                author: person(&row.row.author, account),
                text: words.filter(|text| !text.is_empty()).unwrap_or_else(|| row.row.text.clone()),
                attachments: of_comments.remove(&CommentId::from(row.id)).unwrap_or_default(),
                at: row.row.created_at,
                position: Some(row.row.position),
                delivery,
            }
        })
        .collect();
    let is_there = |id: EntityId| facts.comments.iter().any(|row| row.id == id);
    for op in &state.shown {
        // A request's words become a comment on the server; until they are one they show as the op's.
        let id = match Request::of_kind(&op.kind) {
            Some(_) if !op.payload().text().is_empty() => EntityId(op.op.0),
            None if op.kind == kind::COMMENT_ADD => op.entity,
            _ => continue,
        };
        if is_there(id) {
            continue;
        }
        let carrier = carrier(&state.shown, id).unwrap_or(op);
        let words = Some(carrier.payload().text().to_owned()).filter(|text| !text.is_empty());
        views.push(CommentView {
            id: id.to_string(),
            author: PersonView { name: account.my_name.clone(), me: true, staff: false },
            text: words.unwrap_or_else(|| op.payload().text().to_owned()),
            attachments: of_comments.remove(&CommentId::from(id)).unwrap_or_default(),
            at: op.made_at,
            position: None,
            delivery: Some(delivery_of_op(carrier, facts, account)),
        });
    }
    views
}

fn participants(state: &Ticket<'_>, facts: &TicketFacts<'_>) -> Vec<String> {
    let row = facts.ticket.map(|row| row.row.participants.as_slice()).unwrap_or_default();
    let mut people: Vec<(Option<PersonId>, String)> =
        row.iter().map(|person| (person.id, person.name.clone())).collect();
    for op in state.shown.iter().filter(|op| !op.is_attention()) {
        match op.payload() {
            Payload::ParticipantAdd(body) => {
                if let Some(email) = body.email.filter(|email| !people.iter().any(|(_, name)| name == email))
                {
                    people.push((body.person, email));
                }
            }
            Payload::ParticipantRemove(body) => people.retain(|(id, name)| {
                (body.person.is_none() || *id != body.person) && body.email.as_ref() != Some(name)
            }),
            _ => {}
        }
    }
    people.into_iter().map(|(_, name)| name).collect()
}

fn requests(state: &Ticket<'_>, facts: &TicketFacts<'_>, account: &AccountFacts) -> Vec<RequestView> {
    let asks = |op: &&&StoredOp| {
        Request::of_kind(&op.kind).is_some()
            || matches!(op.kind.as_str(), kind::PARTICIPANT_ADD | kind::PARTICIPANT_REMOVE)
    };
    let view = |op: &&StoredOp| RequestView {
        op: op.op.to_string(),
        kind: op.kind.clone(),
        delivery: delivery_of_op(op, facts, account),
    };
    state.shown.iter().filter(asks).map(view).collect()
}

fn rating(state: &Ticket<'_>, facts: &TicketFacts<'_>, account: &AccountFacts) -> Option<RatingView> {
    let round = facts.ticket?.row.solve_round;
    let by_op = state.shown.iter().rev().find_map(|op| match op.payload() {
        Payload::RatingSet(body) if body.round == round => Some((op, body)),
        _ => None,
    });
    if let Some((op, body)) = by_op {
        let delivery = delivery_of_op(op, facts, account);
        return Some(RatingView { value: body.value, comment: body.comment, delivery });
    }
    let RatingRow { value, comment, at, .. } = facts.rating.filter(|row| row.row.round == round)?.row.clone();
    Some(RatingView { value, comment, delivery: Delivery::Delivered { at } })
}

fn events(facts: &TicketFacts<'_>, account: &AccountFacts) -> Vec<EventView> {
    let view = |row: &Row<EventRow>| EventView {
        by: person(&row.row.by, account),
        at: row.row.at,
        position: row.row.position,
        what: what(&row.row.data),
    };
    let mut events: Vec<EventView> = facts.events.iter().map(view).collect();
    events.sort_by_key(|event| event.position);
    events
}

fn what(data: &EventData) -> EventWhat {
    match data {
        EventData::Created => EventWhat::Created,
        EventData::Status { from, to } => EventWhat::Status { from: (*from).into(), to: (*to).into() },
        EventData::Assignee { name } => EventWhat::Assignee { name: name.clone() },
        EventData::Deadline { from, to, reason } => {
            EventWhat::Deadline { from: *from, to: *to, reason: reason.clone() }
        }
        EventData::RatingAsked { .. } => EventWhat::RatingAsked,
        EventData::Rated { value, comment, .. } => {
            EventWhat::Rated { value: *value, comment: comment.clone() }
        }
        EventData::ParticipantAdded { name } => EventWhat::ParticipantAdded { name: name.clone() },
        EventData::ParticipantRemoved { name } => EventWhat::ParticipantRemoved { name: name.clone() },
        EventData::Merged { into } => EventWhat::Merged { into: into.to_string() },
        EventData::Unknown => EventWhat::Other,
    }
}

fn person(person: &PersonRef, account: &AccountFacts) -> PersonView {
    PersonView {
        name: person.name.clone(),
        me: is_me(person, account),
        staff: person.side != Side::Requester,
    }
}

/// An op that is not settled, as the outbox shows it.
pub fn outbox_item(op: &StoredOp, facts: &TicketFacts<'_>, account: &AccountFacts) -> OutboxItem {
    let payload = op.payload();
    OutboxItem {
        account: account.account.clone(),
        op: op.op.to_string(),
        kind: op.kind.clone(),
        ticket: op.ticket.map(|ticket| ticket.to_string()),
        subject: payload.subject().map_or_else(|| subject_of(facts), str::to_owned),
        text: payload.text().to_owned(),
        delivery: delivery_of_op(op, facts, account),
        attempts: op.starts,
        next_attempt: (op.is_live() && op.is_known()).then_some(op.wake.due),
        attachments: op
            .attachments
            .iter()
            .map(|file| files::of_op(file, facts, account, op.made_at))
            .collect(),
    }
}

/// What the desk refused after the server took it and no op covers, as the outbox shows it: its id stands for the
/// op's. `comment` is none for the ticket itself; none when it is not refused or not the person's.
pub fn refused_item(
    comment: Option<&Row<CommentRow>>,
    facts: &TicketFacts<'_>,
    account: &AccountFacts,
) -> Option<OutboxItem> {
    let ticket = facts.ticket?;
    let (id, author, desk, text, at, kind_of) = match comment {
        Some(row) => {
            (row.id, &row.row.author, &row.row.desk, &row.row.text, row.row.created_at, kind::COMMENT_ADD)
        }
        None => {
            let row = &ticket.row;
            (ticket.id, &row.author, &row.desk, &row.description, row.created_at, kind::TICKET_CREATE)
        }
    };
    let shown: Vec<&StoredOp> = facts.ops.iter().filter(|op| shows(op, facts)).collect();
    if !matches!(desk, DeskState::Refused { .. }) || !is_me(author, account) || carrier(&shown, id).is_some()
    {
        return None;
    }
    Some(OutboxItem {
        account: account.account.clone(),
        op: id.to_string(),
        kind: kind_of.to_owned(),
        ticket: Some(ticket.id.to_string()),
        subject: ticket.row.subject.clone(),
        text: text.clone(),
        delivery: delivery_of_row(desk, at),
        attempts: 0,
        next_attempt: None,
        attachments: Vec::new(),
    })
}

fn subject_of(facts: &TicketFacts<'_>) -> String {
    let by_op = || {
        let create = facts.ops.iter().find(|op| op.kind == kind::TICKET_CREATE)?;
        create.payload().subject().map(str::to_owned)
    };
    facts.ticket.map(|row| row.row.subject.clone()).or_else(by_op).unwrap_or_default()
}
