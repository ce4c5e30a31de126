//! Makes ops for tests: one person's phone with a plain clock and ids that count.

use pocketdesk_protocol::{
    ids::{AttachmentId, EntityId, Epoch, OpId, PersonId, TicketId},
    limits::Limits,
    op::{Answers, FileRef, WireOp},
    rows::{DeskState, PersonRef, Side, Status, TicketRow},
    sync::code,
};
use uuid::Uuid;

use super::{
    Applied, MadeOn, NewOp, OpState, Rejected, Stamp, StoredOp,
    new_op::{
        NewAmend, NewAttachment, NewComment, NewEntityWithdraw, NewParticipant, NewRating, NewRead,
        NewRequest, NewTicket, Request,
    },
    overlay::Row,
    plan::Maker,
};

pub(crate) const EPOCH: Epoch = Epoch(10);
pub(crate) const LATER: Epoch = Epoch(20);
pub(crate) const ME: PersonId = PersonId(Uuid::from_u128(0xface));

pub(crate) fn ticket() -> TicketId {
    TicketId(Uuid::from_u128(0x7e57))
}

pub(crate) struct Ops {
    next: u128,
    pub(crate) n: i64,
    pub(crate) now: i64,
}

impl Default for Ops {
    fn default() -> Self {
        Self { next: 1, n: 0, now: 1_000_000 }
    }
}

impl Ops {
    pub(crate) fn id(&mut self) -> Uuid {
        self.next += 1;
        Uuid::from_u128(self.next)
    }

    pub(crate) fn stamp(&mut self) -> Stamp {
        Stamp { op: OpId(self.id()), made_at: self.now }
    }

    pub(crate) fn keep(&mut self, new: NewOp) -> StoredOp {
        self.n += 1;
        StoredOp::new(new, self.n, MadeOn { boot: "a".into(), monotonic: 5_000 })
    }

    pub(crate) fn create(&mut self, subject: &str, description: &str) -> StoredOp {
        self.create_of(ticket(), subject, description)
    }

    pub(crate) fn create_of(&mut self, ticket: TicketId, subject: &str, description: &str) -> StoredOp {
        let stamp = self.stamp();
        let new =
            NewTicket { subject: subject.into(), description: description.into(), ..NewTicket::default() };
        let new = new.build(stamp, ticket, &Limits::default()).unwrap();
        self.keep(new)
    }

    pub(crate) fn comment(&mut self, text: &str) -> StoredOp {
        self.comment_with(text, vec![])
    }

    pub(crate) fn comment_with(&mut self, text: &str, attachments: Vec<FileRef>) -> StoredOp {
        let (stamp, id) = (self.stamp(), self.id());
        let new = NewComment { ticket: ticket(), text: text.into(), attachments };
        let new = new.build(stamp, id.into(), &Limits::default()).unwrap();
        self.keep(new)
    }

    pub(crate) fn file(&mut self, name: &str) -> FileRef {
        FileRef { id: AttachmentId(self.id()), name: name.into(), size: 4, sha256: "00".into() }
    }

    pub(crate) fn attach(&mut self, name: &str) -> StoredOp {
        let file = self.file(name);
        let stamp = self.stamp();
        let new = NewAttachment { ticket: ticket(), file }.build(stamp, &Limits::default()).unwrap();
        self.keep(new)
    }

    pub(crate) fn request(&mut self, request: Request, answers: Answers, text: Option<&str>) -> StoredOp {
        let stamp = self.stamp();
        let new = NewRequest { ticket: ticket(), request, answers, text: text.map(Into::into) };
        let new = new.build(stamp, &Limits::default()).unwrap();
        self.keep(new)
    }

    pub(crate) fn confirm(&mut self) -> StoredOp {
        self.request(Request::Confirm, Answers::Event { epoch: EPOCH, position: 3 }, None)
    }

    pub(crate) fn reopen(&mut self, text: &str) -> StoredOp {
        self.request(Request::Reopen, Answers::Event { epoch: EPOCH, position: 3 }, Some(text))
    }

    pub(crate) fn rate(&mut self, value: u32) -> StoredOp {
        let stamp = self.stamp();
        let new = NewRating { ticket: ticket(), round: 1, value, max: 5, comment: None };
        let new = new.build(stamp, &Limits::default()).unwrap();
        self.keep(new)
    }

    pub(crate) fn read(&mut self, position: i64, unmark: bool) -> StoredOp {
        let stamp = self.stamp();
        let new = NewRead { ticket: ticket(), position, epoch: EPOCH, unmark }.build(stamp);
        self.keep(new)
    }

    pub(crate) fn invite(&mut self, email: &str) -> StoredOp {
        let stamp = self.stamp();
        let new = NewParticipant { ticket: ticket(), person: None, email: Some(email.into()), remove: false };
        let new = new.build(stamp).unwrap();
        self.keep(new)
    }

    pub(crate) fn one_of_every_kind(&mut self) -> Vec<StoredOp> {
        let answers = Answers::Event { epoch: EPOCH, position: 0 };
        let mut all = vec![
            self.create("Boiler", "It leaks"),
            self.comment("Still leaks"),
            self.attach("photo.jpg"),
            self.confirm(),
            self.reopen("Not yet"),
            self.request(Request::Withdraw, answers, None),
            self.rate(5),
            self.read(3, false),
            self.read(1, true),
            self.invite("ira@example.org"),
        ];
        let stamp = self.stamp();
        let new = NewParticipant { ticket: ticket(), person: Some(ME), email: None, remove: true };
        all.push(self.keep(new.build(stamp).unwrap()));
        let (stamp, entity) = (self.stamp(), EntityId(self.id()));
        let new = NewAmend { ticket: ticket(), entity, subject: None, text: Some("better words".into()) };
        all.push(self.keep(new.build(stamp, &Limits::default()).unwrap()));
        let stamp = self.stamp();
        all.push(self.keep(NewEntityWithdraw { ticket: ticket(), entity }.build(stamp)));
        all
    }
}

pub(crate) fn with_maker<T>(ops: &mut Ops, run: impl FnOnce(&mut Maker<'_>) -> T) -> T {
    let now = ops.now;
    let mut new_id = || ops.id();
    run(&mut Maker {
        new_id: &mut new_id,
        now,
        made_on: MadeOn { boot: "a".into(), monotonic: 6_000 },
        limits: Limits::default(),
    })
}

pub(crate) fn rejected(op: &StoredOp, code_of: &str, can_edit: bool) -> StoredOp {
    let state = OpState::Rejected(Rejected {
        epoch: EPOCH,
        code: code_of.into(),
        text_key: code::text_key(code_of),
        text: None,
        field: None,
        can_edit,
    });
    StoredOp { state, starts: op.starts.max(1), ..op.clone() }
}

pub(crate) fn applied(op: &StoredOp, epoch: Epoch, v: i64, verdict_no: i64) -> StoredOp {
    let state = OpState::Applied(Applied {
        epoch,
        v,
        number: None,
        receipt: "proof".into(),
        ack: vec![],
        merged_into: None,
        verdict_no,
        seen_at: 2_000_000,
    });
    StoredOp { state, starts: op.starts.max(1), ..op.clone() }
}

pub(crate) fn me() -> PersonRef {
    PersonRef { id: Some(ME), name: "Olena".into(), side: Side::Requester }
}

pub(crate) fn staff() -> PersonRef {
    PersonRef { id: None, name: "Max".into(), side: Side::Staff }
}

pub(crate) fn ticket_row(status: Status) -> Row<TicketRow> {
    Row {
        id: ticket().into(),
        v: 1,
        row: TicketRow {
            subject: "Boiler".into(),
            description: "It leaks".into(),
            status,
            status_event: 3,
            solve_round: 1,
            desk: DeskState::Registered { number: Some("42".into()) },
            author: me(),
            participants: vec![],
            company: None,
            site: None,
            assignee: None,
            deadline: None,
            rating_asked: None,
            rating_max: 5,
            reopen_until: None,
            merged_into: None,
            last_position: 3,
            created_at: 1_500_000,
            updated_at: 1_600_000,
            extra: Default::default(),
        },
    }
}

pub(crate) fn refused() -> DeskState {
    DeskState::Refused {
        code: "too_rude".into(),
        text_key: "refused-too-rude".into(),
        words: None,
        can_edit: true,
    }
}

/// What would travel.
pub(crate) fn wire(op: &StoredOp) -> WireOp {
    op.to_wire(None, &MadeOn { boot: "a".into(), monotonic: 9_000 })
}
