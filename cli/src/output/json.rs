//! The machine side: one object a line. Names, and what each holds, are a contract kept by goldens; new names may
//! come, none changes its meaning. Times are ms since the Unix epoch, UTC.

use pocketdesk_domain::{
    dictation::{SpeechModelState, SpeechModelView},
    model::{
        AccountView, AttachmentView, AttentionReason, CommentView, Delivery, DeviceView, DictateInto,
        DraftView, EventView, EventWhat, FileState, Guess, OutboxItem, PausedReason, RecordingView,
        RetryReason, SearchHit, SpokenView, SyncState, TicketSummary, TicketView, WaitsFor,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// A ticket of `list`.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    pub id: &'a str,
    pub number: Option<&'a str>,
    pub subject: &'a str,
    pub status: &'static str,
    pub unread: u32,
    /// None for tickets of others.
    pub delivery: Option<&'static str>,
}

impl<'a> From<&'a TicketSummary> for Summary<'a> {
    fn from(ticket: &'a TicketSummary) -> Self {
        Self {
            id: &ticket.key.id,
            number: ticket.number.as_deref(),
            subject: &ticket.subject,
            status: ticket.status.name(),
            unread: ticket.unread,
            delivery: ticket.delivery.as_ref().map(Delivery::name),
        }
    }
}

/// A hit of `search`.
#[derive(Debug, Serialize)]
pub struct Hit<'a> {
    #[serde(flatten)]
    pub ticket: Summary<'a>,
    pub excerpt: &'a str,
    pub comment: Option<&'a str>,
}

impl<'a> From<&'a SearchHit> for Hit<'a> {
    fn from(hit: &'a SearchHit) -> Self {
        Self { ticket: Summary::from(&hit.ticket), excerpt: &hit.excerpt, comment: hit.comment.as_deref() }
    }
}

/// A file.
#[derive(Debug, Serialize)]
pub struct File<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub size: u64,
    pub sha256: &'a str,
    /// Whether it can be opened with no connection.
    pub here: bool,
    /// What others see: pending, complete, missing.
    pub state: &'static str,
    pub delivery: Option<&'static str>,
}

impl<'a> From<&'a AttachmentView> for File<'a> {
    fn from(file: &'a AttachmentView) -> Self {
        Self {
            id: &file.id,
            name: &file.name,
            size: file.size,
            sha256: &file.sha256,
            here: file.on_phone,
            state: match file.state {
                FileState::Pending => "pending",
                FileState::Complete => "complete",
                FileState::Missing => "missing",
            },
            delivery: file.delivery.as_ref().map(Delivery::name),
        }
    }
}

/// A comment of `show`.
#[derive(Debug, Serialize)]
pub struct Comment<'a> {
    pub id: &'a str,
    pub author: &'a str,
    pub text: &'a str,
    pub attachments: Vec<File<'a>>,
    pub delivery: Option<&'static str>,
    pub at: i64,
    pub mine: bool,
    pub staff: bool,
}

impl<'a> From<&'a CommentView> for Comment<'a> {
    fn from(comment: &'a CommentView) -> Self {
        Self {
            id: &comment.id,
            author: &comment.author.name,
            text: &comment.text,
            attachments: comment.attachments.iter().map(File::from).collect(),
            delivery: comment.delivery.as_ref().map(Delivery::name),
            at: comment.at,
            mine: comment.author.me,
            staff: comment.author.staff,
        }
    }
}

/// The ticket of `show`: the first line, before its comments.
pub fn ticket(ticket: &TicketView) -> Value {
    let summary = &ticket.summary;
    json!({
        "id": summary.key.id,
        "account": summary.key.account,
        "number": summary.number,
        "subject": summary.subject,
        "description": ticket.description,
        "status": summary.status.name(),
        "unread": summary.unread,
        "delivery": summary.delivery.as_ref().map(Delivery::name),
        "author": summary.author,
        "assignee": ticket.assignee,
        "deadline": ticket.deadline.as_ref().map(|deadline| json!({
            "at": deadline.at, "moved_from": deadline.moved_from, "reason": deadline.reason,
        })),
        "rating": ticket.rating.as_ref().map(|rating| json!({
            "value": rating.value, "comment": rating.comment, "delivery": rating.delivery.name(),
        })),
        "rating_asked": ticket.rating_asked,
        "rating_max": ticket.rating_max,
        "attachments": ticket.attachments.iter().map(File::from).collect::<Vec<_>>(),
        "participants": ticket.participants,
        "company": ticket.company,
        "site": ticket.site,
        "requests": ticket.requests.iter().map(|request| json!({
            "op": request.op, "kind": request.kind, "delivery": request.delivery.name(),
        })).collect::<Vec<_>>(),
        "can_confirm": ticket.can_confirm,
        "can_reopen": ticket.can_reopen,
        "can_withdraw": ticket.can_withdraw,
        "reopen_until": ticket.reopen_until,
        "created_at": ticket.created_at,
        "updated_at": summary.updated_at,
        "events": ticket.events.iter().map(event).collect::<Vec<_>>(),
    })
}

/// Something that happened to a ticket.
pub fn event(event: &EventView) -> Value {
    let mut line = match &event.what {
        EventWhat::Created => json!({"what": "created"}),
        EventWhat::Status { from, to } => json!({"what": "status", "from": from.name(), "to": to.name()}),
        EventWhat::Assignee { name } => json!({"what": "assignee", "name": name}),
        EventWhat::Deadline { from, to, reason } => {
            json!({"what": "deadline", "from": from, "to": to, "reason": reason})
        }
        EventWhat::RatingAsked => json!({"what": "rating_asked"}),
        EventWhat::Rated { value, comment } => json!({"what": "rated", "value": value, "comment": comment}),
        EventWhat::ParticipantAdded { name } => json!({"what": "participant_added", "name": name}),
        EventWhat::ParticipantRemoved { name } => json!({"what": "participant_removed", "name": name}),
        EventWhat::Merged { into } => json!({"what": "merged", "into": into}),
        EventWhat::Other => json!({"what": "other"}),
    };
    line["by"] = json!(event.by.name);
    line["at"] = json!(event.at);
    line["position"] = json!(event.position);
    line
}

/// A live op of `outbox`.
#[derive(Debug, Serialize)]
pub struct Op<'a> {
    pub op: &'a str,
    pub kind: &'a str,
    pub ticket: Option<&'a str>,
    pub delivery: &'static str,
    pub attempts: u32,
    pub next_attempt: Option<i64>,
    /// A machine's name of what it waits for, why it failed, or why it needs the person.
    pub why: Option<&'a str>,
    pub remedies: Vec<&'static str>,
}

impl<'a> From<&'a OutboxItem> for Op<'a> {
    fn from(item: &'a OutboxItem) -> Self {
        let remedies = match &item.delivery {
            Delivery::Attention { remedies, .. } => remedies.iter().map(|remedy| remedy.name()).collect(),
            _ => Vec::new(),
        };
        Self {
            op: &item.op,
            kind: &item.kind,
            ticket: item.ticket.as_deref(),
            delivery: item.delivery.name(),
            attempts: item.attempts,
            next_attempt: item.next_attempt,
            why: why(&item.delivery),
            remedies,
        }
    }
}

fn why(delivery: &Delivery) -> Option<&str> {
    match delivery {
        Delivery::Saved { waits_for, .. } => Some(match waits_for {
            WaitsFor::Network => "network",
            WaitsFor::Wifi => "wifi",
            WaitsFor::Lane => "lane",
            WaitsFor::Ticket => "ticket",
            WaitsFor::SignIn => "sign_in",
            WaitsFor::NewerApp => "newer_app",
        }),
        Delivery::Retrying { why, .. } => Some(match why {
            RetryReason::Network => "network",
            RetryReason::Busy => "busy",
            RetryReason::Server => "server",
            RetryReason::WrongDate => "wrong_date",
        }),
        Delivery::Attention { why, .. } => Some(match why {
            AttentionReason::Rejected { code, .. } | AttentionReason::Refused { code, .. } => code,
            AttentionReason::ServerCannotTakeIt => "server_cannot_take_it",
            AttentionReason::FileVanished { .. } => "file_vanished",
        }),
        _ => None,
    }
}

/// A draft of `drafts`.
pub fn draft(draft: &DraftView) -> Value {
    json!({
        "id": draft.id,
        "ticket": draft.ticket,
        "subject": draft.subject,
        "text": draft.text,
        "attachments": draft.attachments.iter().map(File::from).collect::<Vec<_>>(),
        "updated_at": draft.updated_at,
        "spoken": draft.spoken.is_some(),
    })
}

/// What a dictation became.
pub fn spoken(draft: &DraftView) -> Value {
    let spoken = draft.spoken.as_ref();
    let guess = |of: fn(&SpokenView) -> &Option<Guess>| {
        let guess = spoken.and_then(|spoken| of(spoken).as_ref());
        guess.map(|guess| json!({ "id": guess.id, "name": guess.name }))
    };
    let uncertain = spoken.into_iter().flat_map(|spoken| &spoken.uncertain).map(|word| {
        json!({
            "text": word.text,
            "at": word.at,
            "start_ms": word.start_ms,
            "end_ms": word.end_ms,
            "confidence": confidence(word.confidence),
        })
    });
    json!({
        "title": draft.subject,
        "description": draft.text,
        "type": guess(|spoken| &spoken.request_type),
        "service": guess(|spoken| &spoken.service),
        "site": guess(|spoken| &spoken.site),
        "urgency": guess(|spoken| &spoken.urgency),
        "uncertain": uncertain.collect::<Vec<_>>(),
        "language": spoken.map(|spoken| spoken.language.as_str()),
        "words_later": spoken.is_some_and(|spoken| spoken.words_later),
        "recording": spoken.and_then(|spoken| spoken.recording.as_deref()),
    })
}

/// A recording of `recordings`.
pub fn recording(recording: &RecordingView) -> Value {
    let (into, ticket) = match &recording.into {
        DictateInto::Ticket => ("ticket", None),
        DictateInto::Reply { ticket } => ("comment", Some(ticket)),
        DictateInto::Reopen { ticket } => ("reopen", Some(ticket)),
    };
    json!({
        "id": recording.id,
        "into": into,
        "ticket": ticket,
        "started_at": recording.started_at,
        "duration_ms": recording.duration_ms,
        "cut": recording.cut,
    })
}

/// A model of `models`.
pub fn speech_model(model: &SpeechModelView) -> Value {
    json!({
        "id": model.id,
        "languages": model.languages,
        "bytes": model.bytes,
        "have": model.have,
        "state": model_state(model.state),
        "recommended": model.recommended,
    })
}

/// The machine's name of where a model stands.
pub fn model_state(state: SpeechModelState) -> &'static str {
    match state {
        SpeechModelState::Offered => "offered",
        SpeechModelState::Fetching => "fetching",
        SpeechModelState::Stopped => "stopped",
        SpeechModelState::Ready => "ready",
        SpeechModelState::Superseded => "superseded",
    }
}

/// An account of `accounts`.
pub fn account(account: &AccountView) -> Value {
    json!({
        "account": account.account,
        "desk": account.desk,
        "server": account.server,
        "person": account.person,
        "email": account.email,
        "state": sync_state(&account.sync),
        "unsent": account.unsent,
        "attention": account.attention,
        "drafts": account.drafts,
        "unread": account.unread,
        "synced_at": account.synced_at,
    })
}

/// The machine's name of where an account stands.
pub fn sync_state(state: &SyncState) -> &'static str {
    match state {
        SyncState::Idle => "idle",
        SyncState::Running => "running",
        SyncState::Offline => "offline",
        SyncState::Waiting { .. } => "waiting",
        SyncState::Paused { why: PausedReason::NotSignedIn } => "not_signed_in",
        SyncState::Paused { why: PausedReason::SignedOut } => "signed_out",
        SyncState::Paused { why: PausedReason::AppTooOld } => "app_too_old",
        SyncState::Paused { why: PausedReason::Damaged } => "damaged",
    }
}

/// A session of `devices`.
pub fn device(device: &DeviceView) -> Value {
    json!({
        "device": device.session,
        "name": device.device,
        "created_at": device.created_at,
        "used_at": device.used_at,
        "current": device.current,
    })
}

/// What was heard in a recording; with the file's name where there are several.
pub fn transcript(file: Option<&str>, transcript: &pocketdesk_domain::dictation::Transcript) -> Value {
    let segments = transcript.segments.iter().map(|segment| {
        json!({
            "start_ms": segment.start_ms,
            "end_ms": segment.end_ms,
            "text": segment.text,
            "confidence": confidence(segment.confidence),
        })
    });
    let segments: Vec<Value> = segments.collect();
    let mut object =
        json!({ "language": transcript.language, "text": transcript.text(), "segments": segments });
    if let Some(file) = file {
        object["file"] = file.into();
    }
    object
}

/// Three digits say all there is to say.
fn confidence(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}
