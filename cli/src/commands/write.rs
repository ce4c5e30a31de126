//! Writes: saved first, then given ten seconds to go out; what is printed is the state they reached.

use std::path::PathBuf;

use pocketdesk_domain::model::{Delivery, DraftView, NewDraft, NewReply, NewTicket, OpKey, TicketKey};
use pocketdesk_ffi::DeskError;
use serde_json::json;

use super::files;
use crate::{
    app::{App, code},
    args::Participants,
    failure::{Outcome, Stop, exit},
    input::Words,
    output::{Tone, json},
};

pub async fn new(
    app: &App,
    subject: Option<String>,
    description: Option<String>,
    attach: &[PathBuf],
    draft: bool,
) -> Outcome {
    let mut words = match (&subject, &description) {
        (Some(_), Some(description)) => Words::given(description.clone()),
        // Files say enough: `new --subject S --attach F` does not wait for more words.
        (Some(_), None) if !attach.is_empty() => Words::given(String::new()),
        (None, Some(description)) => Words::given(description.clone()),
        (Some(subject), None) => {
            let mut words = app.words(&app.out.say("terminal-hint-new", &[]), &format!("{subject}\n"))?;
            if app.setup.typed {
                words.text = words.subject_and_rest().1;
            }
            words
        }
        (None, None) => app.words(&app.out.say("terminal-hint-new", &[]), "")?,
    };
    let (subject, description) = match (subject, description) {
        (Some(subject), _) => (subject, words.text.clone()),
        (None, Some(description)) => (first_line(&description), description),
        (None, None) => words.subject_and_rest(),
    };
    if subject.trim().is_empty() {
        return words.keep_on(app, Err(Stop::usage(app.out.say("terminal-no-words", &[]))));
    }
    let staged = files::stage(app, attach).await;
    let attachments = words.keep_on(app, staged)?;
    if draft {
        let draft = NewDraft { id: None, ticket: None, subject, text: description, attachments };
        let saved = app.desk.save_draft(app.account(), draft).await.map_err(|error| app.stop(error, ""));
        return kept(app, &words.keep_on(app, saved)?);
    }
    let ticket = NewTicket { subject, description, attachments, ..NewTicket::default() };
    let filed = app.desk.submit_ticket(app.account(), ticket).await.map_err(|error| app.stop(error, ""));
    let key = words.keep_on(app, filed)?;
    filed_ticket(app, &key).await
}

/// Lets a new ticket go out and says how far it came.
pub async fn filed_ticket(app: &App, key: &TicketKey) -> Outcome {
    app.settle(&key.account).await;
    let view = app.desk.ticket(key.clone()).await.map_err(|error| app.stop(error, &key.id))?;
    // Its own row is the person's until somebody else's: then the desk has it.
    let delivery = view.summary.delivery.unwrap_or(Delivery::Registered { number: view.summary.number });
    if app.out.json {
        app.out.object(&json!({"id": key.id, "delivery": delivery.name()}))?;
    } else {
        app.out.reached_line(&delivery)?;
        app.out.line(&app.out.tone(Tone::Quiet, &key.id))?;
    }
    Ok(code(&delivery))
}

pub async fn comment(app: &App, id: &str, text: Option<String>, attach: &[PathBuf], draft: bool) -> Outcome {
    let key = app.find(id).await?;
    let mut words = match text {
        Some(text) => Words::given(text),
        None if !attach.is_empty() => Words::given(String::new()),
        None => app.words(&app.out.say("terminal-hint-reply", &[]), "")?,
    };
    if words.text.trim().is_empty() && attach.is_empty() {
        return Err(Stop::usage(app.out.say("terminal-no-words", &[])));
    }
    let staged = files::stage(app, attach).await;
    let attachments = words.keep_on(app, staged)?;
    let text = words.text.clone();
    if draft {
        let draft = NewDraft { id: None, ticket: Some(key.id), subject: String::new(), text, attachments };
        let saved = app.desk.save_draft(Some(key.account), draft).await.map_err(|error| app.stop(error, id));
        return kept(app, &words.keep_on(app, saved)?);
    }
    let reply = NewReply { text, attachments, draft: None };
    let replied = app.desk.reply(key.clone(), reply).await.map_err(|error| app.stop(error, id));
    let op = words.keep_on(app, replied)?;
    settled(app, &key, &op).await
}

fn kept(app: &App, draft: &DraftView) -> Outcome {
    if app.out.json {
        app.out.object(&json!({"id": draft.id, "delivery": Delivery::Draft.name()}))?;
    } else {
        app.out.line(&app.out.say("delivery-draft", &[]))?;
        app.out.line(&app.out.tone(Tone::Quiet, &draft.id))?;
    }
    Ok(exit::DONE)
}

/// Lets an op go out and says how far it came.
pub async fn settled(app: &App, key: &TicketKey, op: &OpKey) -> Outcome {
    app.settle(&op.account).await;
    let delivery = app.reached(op).await?;
    said(app, key, op, &delivery)?;
    Ok(code(&delivery))
}

/// Prints how far an op came.
pub fn said(app: &App, key: &TicketKey, op: &OpKey, delivery: &Delivery) -> Result<(), Stop> {
    if app.out.json {
        app.out.object(&json!({"id": op.entity, "ticket": key.id, "op": op.op, "delivery": delivery.name()}))
    } else {
        app.out.reached_line(delivery)
    }
}

/// An op about a ticket: made, let go out, told.
async fn act(app: &App, id: &str, make: impl AsyncFnOnce(TicketKey) -> Result<OpKey, DeskError>) -> Outcome {
    let key = app.find(id).await?;
    let op = make(key.clone()).await.map_err(|error| app.stop(error, id))?;
    settled(app, &key, &op).await
}

pub async fn rate(app: &App, id: &str, value: u32, comment: Option<String>) -> Outcome {
    act(app, id, async |key| app.desk.rate(key, value, comment).await).await
}

pub async fn confirm(app: &App, id: &str) -> Outcome {
    act(app, id, async |key| app.desk.confirm(key).await).await
}

pub async fn reopen(app: &App, id: &str, text: Option<String>) -> Outcome {
    // Before the words are written: a mistyped id should cost nothing.
    app.find(id).await?;
    let mut words = match text {
        Some(text) => Words::given(text),
        None => app.words(&app.out.say("terminal-hint-reply", &[]), "")?,
    };
    if words.text.trim().is_empty() {
        return Err(Stop::usage(app.out.say("terminal-no-words", &[])));
    }
    let text = words.text.clone();
    let done = act(app, id, async |key| app.desk.reopen(key, text).await).await;
    words.keep_on(app, done)
}

pub async fn withdraw(app: &App, id: &str, text: String) -> Outcome {
    act(app, id, async |key| app.desk.withdraw(key, text).await).await
}

pub async fn mark(app: &App, id: &str, read: bool) -> Outcome {
    let key = app.find(id).await?;
    let done =
        if read { app.desk.mark_read(key.clone()).await } else { app.desk.mark_unread(key.clone()).await };
    done.map_err(|error| app.stop(error, id))?;
    app.settle(&key.account).await;
    let view = app.desk.ticket(key.clone()).await.map_err(|error| app.stop(error, id))?;
    if app.out.json {
        app.out.object(&json::Summary::from(&view.summary))?;
    } else {
        let key = if read { "op-read-mark" } else { "op-read-unmark" };
        app.out.line(&app.out.say(key, &[]))?;
    }
    Ok(exit::DONE)
}

pub async fn participants(app: &App, what: Participants) -> Outcome {
    match what {
        Participants::Add { id, email } => {
            act(app, &id, async |key| app.desk.add_participant(key, email).await).await
        }
        Participants::Remove { id, who } => {
            act(app, &id, async |key| app.desk.remove_participant(key, who).await).await
        }
        Participants::List { id } => {
            let key = app.find(&id).await?;
            let view = app.desk.ticket(key).await.map_err(|error| app.stop(error, &id))?;
            for name in &view.participants {
                if app.out.json {
                    app.out.object(&json!({"name": name}))?;
                } else {
                    app.out.line(&crate::output::clean(name))?;
                }
            }
            Ok(exit::DONE)
        }
    }
}

/// A subject for words that came without one: their first line, as long as a subject may be.
fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(300).collect()
}
