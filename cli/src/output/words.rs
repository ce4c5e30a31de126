//! States as words and simple signs, in the vocabulary of the screens' design.

use pocketdesk_domain::model::{
    AccountView, AttentionReason, Delivery, EventView, EventWhat, FileState, PausedReason, PersonView,
    Remedy, RetryReason, SyncState, TicketStatus, TicketSummary, WaitsFor,
};

use super::{Output, Tone, parts::one_line, times::Phrase};

impl Output {
    /// A moment (ms since the epoch), bare.
    pub fn time(&self, at: i64) -> String {
        self.when(Phrase::Bare, at)
    }

    pub(super) fn when(&self, phrase: Phrase, at: i64) -> String {
        self.times.phrase(&self.texts, phrase, at)
    }

    /// Where words are, in one line.
    pub fn delivery(&self, delivery: &Delivery) -> String {
        match delivery {
            Delivery::Draft => self.say("delivery-draft", &[]),
            Delivery::Saved { waits_for, since } => {
                let key = match waits_for {
                    WaitsFor::Network => "waits-network",
                    WaitsFor::Wifi => "waits-wifi",
                    WaitsFor::Lane => "waits-lane",
                    WaitsFor::Ticket => "waits-ticket",
                    WaitsFor::SignIn => "waits-sign-in",
                    WaitsFor::NewerApp => "waits-newer-app",
                };
                self.say(key, &[("since", self.when(Phrase::Since, *since).into())])
            }
            Delivery::Sending { total: 0, .. } => self.say("delivery-sending", &[]),
            Delivery::Sending { sent, total } => {
                let (sent, total) = self.part_of(*sent, *total);
                self.say("delivery-sending-bytes", &[("sent", sent.into()), ("total", total.into())])
            }
            Delivery::Retrying { why, next } => {
                let reason = self.say(
                    match why {
                        RetryReason::Network => "retry-network",
                        RetryReason::Busy => "retry-busy",
                        RetryReason::Server => "retry-server",
                        RetryReason::WrongDate => "retry-wrong-date",
                    },
                    &[],
                );
                if !self.stays {
                    return self.say("terminal-retrying", &[("reason", reason.into())]);
                }
                let at = self.when(Phrase::At, *next);
                self.say("delivery-retrying", &[("reason", reason.into()), ("at", at.into())])
            }
            Delivery::Delivered { at } => {
                self.say("delivery-delivered", &[("at", self.when(Phrase::At, *at).into())])
            }
            Delivery::Registered { number: Some(number) } => {
                self.say("delivery-registered-number", &[("number", one_line(number).into())])
            }
            Delivery::Registered { number: None } => self.say("delivery-registered", &[]),
            Delivery::Attention { why, .. } => {
                self.say("delivery-attention", &[("reason", self.attention(why).into())])
            }
        }
    }

    /// As [`Self::delivery`], for somebody who has just pressed Enter: that it is safe comes first.
    pub fn reached(&self, delivery: &Delivery) -> String {
        let line = self.delivery(delivery);
        match delivery {
            Delivery::Saved { .. } | Delivery::Retrying { .. } => {
                format!("{}. {line}", self.say("delivery-saved", &[]))
            }
            _ => line,
        }
    }

    /// Why something needs the person, as a clause.
    pub fn attention(&self, why: &AttentionReason) -> String {
        match why {
            AttentionReason::Rejected { code, text_key, text, .. } => self
                .outside(text_key, "rejected-")
                .or_else(|| text.as_deref().map(one_line))
                .unwrap_or_else(|| self.say("rejected-other", &[("code", one_line(code).into())])),
            AttentionReason::Refused { code, text_key, words } => {
                let reason = self
                    .outside(text_key, "refused-")
                    .unwrap_or_else(|| self.say("refused-other", &[("code", one_line(code).into())]));
                match words {
                    Some(words) => self.say(
                        "attention-words",
                        &[("reason", reason.into()), ("words", one_line(words).into())],
                    ),
                    None => reason,
                }
            }
            AttentionReason::ServerCannotTakeIt => self.say("attention-cannot-take", &[]),
            AttentionReason::FileVanished { name } => {
                self.say("attention-file-vanished", &[("name", one_line(name).into())])
            }
        }
    }

    /// The sentence of a key the desk named; only of the family it may name.
    fn outside(&self, key: &str, family: &str) -> Option<String> {
        key.starts_with(family).then(|| self.texts.find(key, &[])).flatten()
    }

    /// The label of a remedy.
    pub fn remedy(&self, remedy: Remedy) -> String {
        self.say(&format!("remedy-{}", remedy.name().replace('_', "-")), &[])
    }

    /// What an op does.
    pub fn kind(&self, kind: &str) -> String {
        self.texts
            .find(&format!("op-{}", kind.replace('.', "-")), &[])
            .unwrap_or_else(|| self.say("op-other", &[]))
    }

    /// Where a ticket is, in full.
    pub fn status(&self, status: TicketStatus) -> String {
        self.say(&format!("status-{}", status.name().replace('_', "-")), &[])
    }

    /// Where a ticket is, in a word or two.
    pub fn status_short(&self, status: TicketStatus) -> String {
        self.say(&format!("status-short-{}", status.name().replace('_', "-")), &[])
    }

    /// A promise in force.
    pub fn promise(&self, at: i64) -> (Tone, String) {
        let by = ("by", self.when(Phrase::By, at).into());
        if self.times.passed(at) {
            (Tone::Needs, self.say("promise-missed", &[by]))
        } else {
            (Tone::Moves, self.say("promise", &[by]))
        }
    }

    /// The one coloured line of a ticket in a list: delivery if not final, else what the person must do, else the
    /// promise, else the status.
    pub fn state(&self, ticket: &TicketSummary) -> (Tone, String) {
        let own = ticket.delivery.as_ref().filter(|own| !matches!(own, Delivery::Registered { .. }));
        // `pending` holds only what is not final.
        let unsettled = own.or(ticket.pending.as_ref());
        if let Some(delivery) = unsettled {
            return (tone(delivery), format!("{} {}", sign(delivery), self.delivery(delivery)));
        }
        match (ticket.status, ticket.deadline) {
            (TicketStatus::WaitsForRequester, _) => {
                (Tone::Needs, format!("! {}", self.status(ticket.status)))
            }
            (TicketStatus::Solved, _) => (Tone::Done, format!("✓ {}", self.status(ticket.status))),
            (TicketStatus::Closed, _) => (Tone::Quiet, self.status(ticket.status)),
            (TicketStatus::New | TicketStatus::Open, Some(at)) => self.promise(at),
            (TicketStatus::New | TicketStatus::Open, None) => (Tone::Plain, self.status(ticket.status)),
        }
    }

    /// Whose words.
    pub fn author(&self, person: &PersonView) -> String {
        if person.me { self.say("me", &[]) } else { one_line(&person.name) }
    }

    /// What happened, for a history.
    pub fn event(&self, event: &EventView) -> String {
        let who = ("who", self.author(&event.by).into());
        let text = |text: &str| one_line(text);
        match &event.what {
            EventWhat::Created => self.say("event-created", &[who]),
            EventWhat::Status { to, .. } => {
                self.say("event-status", &[who, ("to", self.status_short(*to).into())])
            }
            EventWhat::Assignee { name: Some(name) } => {
                self.say("event-assignee", &[("name", text(name).into())])
            }
            EventWhat::Assignee { name: None } => self.say("event-nobody", &[]),
            EventWhat::Deadline { from: None, to: Some(to), .. } => {
                self.say("event-deadline-set", &[who, ("by", self.when(Phrase::By, *to).into())])
            }
            EventWhat::Deadline { to: None, .. } => self.say("event-deadline-gone", &[who]),
            EventWhat::Deadline { from: Some(from), to: Some(to), reason } => {
                let from = ("from", self.when(Phrase::From, *from).into());
                let to = ("to", self.when(Phrase::To, *to).into());
                match reason {
                    Some(reason) => self.say(
                        "event-deadline-moved-reason",
                        &[who, from, to, ("reason", text(reason).into())],
                    ),
                    None => self.say("event-deadline-moved", &[who, from, to]),
                }
            }
            EventWhat::RatingAsked => self.say("event-rating-asked", &[who]),
            EventWhat::Rated { value, comment: Some(comment) } => self.say(
                "event-rated-comment",
                &[who, ("value", (*value).into()), ("comment", text(comment).into())],
            ),
            EventWhat::Rated { value, comment: None } => {
                self.say("event-rated", &[who, ("value", (*value).into())])
            }
            EventWhat::ParticipantAdded { name } => {
                self.say("event-participant-added", &[("name", text(name).into())])
            }
            EventWhat::ParticipantRemoved { name } => {
                self.say("event-participant-removed", &[("name", text(name).into())])
            }
            EventWhat::Merged { .. } => self.say("event-merged", &[]),
            EventWhat::Other => self.say("event-other", &[]),
        }
    }

    /// Where an account stands.
    pub fn account_state(&self, account: &AccountView) -> (Tone, String) {
        match &account.sync {
            SyncState::Idle => (Tone::Quiet, self.say("account-idle", &[])),
            SyncState::Running => (Tone::Moves, self.say("account-running", &[])),
            SyncState::Offline => (Tone::Wait, self.say("account-offline", &[])),
            SyncState::Waiting { next } => {
                (Tone::Wait, self.say("account-waiting", &[("at", self.when(Phrase::At, *next).into())]))
            }
            SyncState::Paused { why } => (
                Tone::Needs,
                self.say(
                    match why {
                        PausedReason::NotSignedIn => "account-not-signed-in",
                        PausedReason::SignedOut => "account-signed-out",
                        PausedReason::AppTooOld => "account-app-too-old",
                        PausedReason::Damaged => "account-damaged",
                    },
                    &[],
                ),
            ),
        }
    }

    /// How much of a file others see.
    pub fn file_state(&self, state: FileState) -> String {
        self.say(
            match state {
                FileState::Pending => "file-pending",
                FileState::Complete => "file-complete",
                FileState::Missing => "file-missing",
            },
            &[],
        )
    }

    /// A number of bytes.
    pub fn size(&self, bytes: u64) -> String {
        let (key, unit) = unit(bytes);
        self.say(key, &[("number", rounded(bytes, unit).into())])
    }

    /// "1.2" and "3.4 MB": both in the unit of the whole.
    fn part_of(&self, part: u64, whole: u64) -> (String, String) {
        let (_, unit) = unit(whole);
        let part = rounded(part, unit).to_string();
        let part = if self.size(whole).contains(',') { part.replace('.', ",") } else { part };
        (part, self.size(whole))
    }
}

/// Simple signs, understood without their colour.
pub fn sign(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Draft => "·",
        Delivery::Saved { .. } => "○",
        Delivery::Sending { .. } => "↑",
        Delivery::Retrying { .. } => "↻",
        Delivery::Delivered { .. } => "✓",
        Delivery::Registered { .. } => "✓✓",
        Delivery::Attention { .. } => "!",
    }
}

/// Loud while it is not final, silent when it is.
pub fn tone(delivery: &Delivery) -> Tone {
    match delivery {
        Delivery::Draft | Delivery::Delivered { .. } => Tone::Quiet,
        Delivery::Saved { .. } | Delivery::Retrying { .. } => Tone::Wait,
        Delivery::Sending { .. } => Tone::Moves,
        Delivery::Registered { .. } => Tone::Done,
        Delivery::Attention { .. } => Tone::Needs,
    }
}

fn unit(bytes: u64) -> (&'static str, u64) {
    match bytes {
        0..1_000 => ("size-b", 1),
        1_000..1_000_000 => ("size-kb", 1_000),
        1_000_000..1_000_000_000 => ("size-mb", 1_000_000),
        _ => ("size-gb", 1_000_000_000),
    }
}

/// One decimal below ten, none above.
fn rounded(bytes: u64, unit: u64) -> f64 {
    let number = bytes as f64 / unit as f64;
    if number < 10.0 { (number * 10.0).round() / 10.0 } else { number.round() }
}
