//! A phone as these tests need one: it makes ops, sends them and keeps what it is told.

use std::collections::BTreeMap;

use pocketdesk_protocol::{
    ids::{EntityId, Epoch, InstallId, OpId, PersonId, SessionId, TicketId},
    op::{
        Answers, AttachmentAddBody, CommentAddBody, FileRef, ParticipantBody, RatingSetBody, ReadBody,
        StatusRequestBody, TicketCreateBody, WireOp, digest, kind,
    },
    rows::TicketRow,
    sync::{Cursor, Gone, Item, SnapshotLine, SyncRequest, SyncResponse, Verdict},
};
use pocketdesk_server::{
    context::{Context, Session},
    people::{self, NewPerson, Person},
    sync,
    testing::START,
};
use serde::Serialize;

/// Runs each test on a new SQLite file and on a new PostgreSQL database.
macro_rules! on_both_stores {
    ($setting:expr; $($name:ident),+ $(,)?) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(pocketdesk_server::testing::TestServer::sqlite($setting).await).await;
            })+
        }
        mod postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(server) = pocketdesk_server::testing::TestServer::postgres($setting).await {
                    super::$name(server).await;
                }
            })+
        }
    };
}
pub(crate) use on_both_stores;

/// One install of one person.
pub struct Phone {
    pub ctx: Context,
    pub session: Session,
    pub epoch: Epoch,
    pub cursor: Option<Cursor>,
    /// Rows by kind and id, as a phone would hold them.
    pub rows: BTreeMap<(String, EntityId), Item>,
    /// Why rows went, as told.
    pub gone: BTreeMap<(String, EntityId), Gone>,
}

pub async fn person(ctx: &Context, name: &str) -> Person {
    let new = NewPerson {
        email: format!("{}@example.com", name.to_lowercase()),
        name: Some(name.to_owned()),
        company: None,
        sites: Vec::new(),
        sees: Default::default(),
    };
    people::create(ctx, &new).await.expect("a person is added")
}

impl Phone {
    /// Of a new person, without a cursor yet.
    pub async fn of(ctx: &Context, name: &str) -> Self {
        let person = person(ctx, name).await.id;
        Self::another(ctx, person).await
    }

    /// One more of a person there is.
    pub async fn another(ctx: &Context, person: PersonId) -> Self {
        let session =
            Session { session: SessionId(ctx.env.new_id()), person, install: InstallId(ctx.env.new_id()) };
        let epoch = sync::standing(ctx, person).await.expect("the person is there").epoch;
        Self { ctx: ctx.clone(), session, epoch, cursor: None, rows: BTreeMap::new(), gone: BTreeMap::new() }
    }

    pub fn id(&self) -> EntityId {
        EntityId(self.ctx.env.new_id())
    }

    pub fn op<B: Serialize>(&self, kind: &str, entity: EntityId, body: &B, prev: Option<&WireOp>) -> WireOp {
        let body = serde_json::to_string(body).unwrap();
        WireOp {
            op: OpId(self.ctx.env.new_id()),
            entity,
            prev: prev.map(|prev| prev.op),
            kind: kind.to_owned(),
            v: 1,
            sha256: digest(kind, 1, entity, &body),
            body,
            receipt: None,
            age_ms: None,
        }
    }

    pub fn create(&self, subject: &str) -> WireOp {
        self.create_with(subject, Vec::new())
    }

    pub fn create_with(&self, subject: &str, attachments: Vec<FileRef>) -> WireOp {
        let body = TicketCreateBody {
            subject: subject.to_owned(),
            description: format!("{subject}, in more words"),
            attachments,
            company: None,
            site: None,
            made_at: START,
        };
        self.op(kind::TICKET_CREATE, self.id(), &body, None)
    }

    pub fn comment(&self, ticket: TicketId, text: &str, prev: Option<&WireOp>) -> WireOp {
        let body = CommentAddBody { ticket, text: text.to_owned(), attachments: Vec::new(), made_at: START };
        self.op(kind::COMMENT_ADD, self.id(), &body, prev)
    }

    pub fn attach(&self, ticket: TicketId, file: FileRef) -> WireOp {
        let id = file.id.into();
        self.op(kind::ATTACHMENT_ADD, id, &AttachmentAddBody { ticket, file, made_at: START }, None)
    }

    pub fn status(
        &self,
        kind: &str,
        ticket: TicketId,
        answers: Answers,
        text: Option<&str>,
        prev: Option<&WireOp>,
    ) -> WireOp {
        let body =
            StatusRequestBody { answers, text: text.map(str::to_owned), made_at: self.ctx.env.clock.now() };
        self.op(kind, ticket.into(), &body, prev)
    }

    pub fn rate(&self, ticket: TicketId, round: u32, value: u32) -> WireOp {
        let body = RatingSetBody { round, value, comment: None, made_at: self.ctx.env.clock.now() };
        self.op(kind::RATING_SET, ticket.into(), &body, None)
    }

    pub fn read(&self, kind: &str, ticket: TicketId, position: i64) -> WireOp {
        self.op(kind, ticket.into(), &ReadBody { position, epoch: self.epoch }, None)
    }

    pub fn participant(&self, kind: &str, ticket: TicketId, body: &ParticipantBody) -> WireOp {
        self.op(kind, ticket.into(), body, None)
    }

    /// Sends these ops alone and answers their verdicts.
    pub async fn send(&self, ops: &[WireOp]) -> Vec<Verdict> {
        let request =
            SyncRequest { epoch: Some(self.epoch), ops: ops.to_vec(), cursor: None, limit_bytes: None };
        let response = sync::sync(&self.ctx, self.session, request).await.expect("the server answers");
        assert_eq!(response.verdicts.len(), ops.len());
        response.verdicts.into_iter().map(|verdict| verdict.verdict).collect()
    }

    /// Files a ticket that is taken.
    pub async fn file(&self, subject: &str) -> (TicketId, WireOp) {
        let op = self.create(subject);
        applied(&self.send(std::slice::from_ref(&op)).await[0]);
        (op.entity.into(), op)
    }

    /// One page.
    pub async fn page(&mut self, limit_bytes: Option<u64>) -> SyncResponse {
        let cursor = self.cursor.clone().expect("a snapshot came first");
        let response =
            sync::pull(&self.ctx, self.session, &cursor, limit_bytes).await.expect("the server answers");
        for item in &response.items {
            self.apply(item.clone());
        }
        if let Some(next) = &response.next {
            self.cursor = Some(next.clone());
        }
        response
    }

    /// Pages until there are no more; answers how many.
    pub async fn pull(&mut self, limit_bytes: Option<u64>) -> usize {
        for pages in 1.. {
            let response = self.page(limit_bytes).await;
            assert_eq!(response.reset, None);
            if response.complete {
                return pages;
            }
        }
        unreachable!()
    }

    /// Builds anew from a snapshot, then pulls; answers how many frames came.
    pub async fn build(&mut self) -> usize {
        (self.rows, self.gone, self.cursor) = Default::default();
        let mut resume = None;
        for frames in 1.. {
            let frame = sync::snapshot_frame(&self.ctx, self.session, resume.as_deref(), frames == 1)
                .await
                .expect("a frame");
            for line in lines(&frame.bytes) {
                match line {
                    SnapshotLine::Start(start) => {
                        self.epoch = start.epoch;
                        self.cursor = Some(start.as_of);
                    }
                    SnapshotLine::Item(item) => self.apply(item),
                    SnapshotLine::End(end) => assert_eq!(end.resume, frame.resume),
                }
            }
            if frame.last {
                self.pull(None).await;
                return frames;
            }
            resume = Some(frame.resume);
        }
        unreachable!()
    }

    fn apply(&mut self, item: Item) {
        let key = (item.k.clone(), item.id);
        match item.gone {
            Some(why) => {
                self.rows.remove(&key);
                self.gone.insert(key, why);
            }
            None => {
                self.gone.remove(&key);
                self.rows.insert(key, item);
            }
        }
    }

    pub fn ticket(&self, id: TicketId) -> Option<TicketRow> {
        self.row("ticket", id.into())
    }

    pub fn row<T: serde::de::DeserializeOwned>(&self, kind: &str, id: EntityId) -> Option<T> {
        let item = self.rows.get(&(kind.to_owned(), id))?;
        Some(serde_json::from_str(item.row.as_ref().expect("it is not gone").get()).expect("it is a row"))
    }

    /// Texts of all comments of a ticket, in the ticket's order.
    pub fn words(&self, ticket: TicketId) -> Vec<String> {
        let mut comments: Vec<pocketdesk_protocol::rows::CommentRow> = self
            .rows
            .keys()
            .filter(|key| key.0 == "comment")
            .filter_map(|key| self.row("comment", key.1))
            .collect();
        comments.retain(|comment| comment.ticket == ticket);
        comments.sort_by_key(|comment| comment.position);
        comments.into_iter().map(|comment| comment.text).collect()
    }

    /// What the phone shows, to compare with a phone that was built anew.
    pub fn shown(&self) -> BTreeMap<(String, EntityId), String> {
        let ticket_of = |key: &(String, EntityId), row: &str| match key.0.as_str() {
            "comment" | "attachment" | "event" => {
                let value: serde_json::Value = serde_json::from_str(row).unwrap();
                value["ticket"].as_str().unwrap().parse().unwrap()
            }
            _ => key.1,
        };
        self.rows
            .iter()
            .map(|(key, item)| (key.clone(), item.row.as_ref().unwrap().get().to_owned()))
            .filter(|(key, row)| self.rows.contains_key(&("ticket".to_owned(), ticket_of(key, row))))
            .collect()
    }
}

/// Lines of a frame, by itself.
pub fn lines(frame: &[u8]) -> Vec<SnapshotLine> {
    let text = zstd::decode_all(frame).expect("a frame stands alone");
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line of a snapshot"))
        .collect()
}

/// The version, of a verdict that must be `applied`.
#[track_caller]
pub fn applied(verdict: &Verdict) -> i64 {
    match verdict {
        Verdict::Applied { v, .. } => *v,
        other => panic!("expected applied, got {other:?}"),
    }
}

#[track_caller]
pub fn all_applied(verdicts: &[Verdict]) {
    for verdict in verdicts {
        applied(verdict);
    }
}

/// The code, of a verdict that must be `rejected`.
#[track_caller]
pub fn rejected(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Rejected { code, .. } => code,
        other => panic!("expected rejected, got {other:?}"),
    }
}

pub fn receipt(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Applied { receipt, .. } => Some(receipt.clone()),
        _ => None,
    }
}

pub fn file(ctx: &Context, name: &str, size: u64) -> FileRef {
    FileRef { id: ctx.env.new_id().into(), name: name.to_owned(), size, sha256: "ab".repeat(32) }
}
