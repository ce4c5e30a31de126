//! What waits or needs the person, and the remedies that end it.

use pocketdesk_domain::model::{Delivery, Direction, Mended, NewWords, OutboxItem, TransferView};
use serde_json::json;

use super::{one, write};
use crate::{
    app::{App, code},
    args::Outbox,
    failure::{Outcome, Stop, exit},
    output::{Cell, Table, Tone, clean, json, sign, tone},
};

pub async fn run(app: &App, what: Option<Outbox>) -> Outcome {
    match what {
        None | Some(Outbox::List) => list(app).await,
        Some(Outbox::Retry { op }) => {
            let item = find(app, &op).await?;
            mended(app, &item, app.desk.retry(Some(item.account.clone()), item.op.clone()).await).await
        }
        Some(Outbox::Edit { op, subject, text }) => edit(app, &op, subject, text).await,
        Some(Outbox::Discard { op }) => {
            let item = find(app, &op).await?;
            mended(app, &item, app.desk.discard(Some(item.account.clone()), item.op.clone()).await).await
        }
        Some(Outbox::FileAnew { op }) => {
            let item = find(app, &op).await?;
            let filed = app.desk.file_anew(Some(item.account.clone()), item.op.clone()).await;
            let key = filed.map_err(|error| app.stop(error, &op))?;
            write::filed_ticket(app, &key).await
        }
        Some(Outbox::RemoveFile { op, file }) => remove_file(app, &op, &file).await,
        Some(Outbox::Copy { op }) => {
            let item = find(app, &op).await?;
            if app.out.json {
                app.out.object(&json!({"op": item.op, "subject": item.subject, "text": item.text}))?;
            } else {
                app.out.line(&clean(&item.text))?;
            }
            Ok(exit::DONE)
        }
    }
}

async fn all(app: &App) -> Result<Vec<OutboxItem>, Stop> {
    app.desk.outbox(app.account()).await.map_err(|error| app.stop(error, ""))
}

async fn find(app: &App, reference: &str) -> Result<OutboxItem, Stop> {
    let items = all(app).await?;
    one(app, &items, |item| &item.op, "op", reference).cloned()
}

async fn list(app: &App) -> Outcome {
    let items = all(app).await?;
    if app.out.json {
        items.iter().try_for_each(|item| app.out.object(&json::Op::from(item)))?;
    } else {
        let mut files = app.desk.transfers(app.account()).await.map_err(|error| app.stop(error, ""))?;
        files.retain(|file| file.direction == Direction::Up);
        if items.is_empty() && files.is_empty() {
            app.out.line(&app.out.say("terminal-outbox-empty", &[]))?;
        }
        rows(app, &items, &files)?;
    }
    let needs = items.iter().any(|item| matches!(item.delivery, Delivery::Attention { .. }));
    Ok(if needs { exit::ATTENTION } else { exit::DONE })
}

/// Ops, and the files that are still to go: a ticket has arrived before its photo has.
fn rows(app: &App, items: &[OutboxItem], files: &[TransferView]) -> Result<(), Stop> {
    let out = &app.out;
    let mut table = Table::new(2);
    for item in items {
        let words =
            if item.kind == "ticket.create" || item.text.is_empty() { &item.subject } else { &item.text };
        table.row(vec![
            Cell::new(Tone::Quiet, &item.op),
            Cell::new(Tone::Plain, out.kind(&item.kind)),
            Cell::new(Tone::Plain, words),
            Cell::new(
                tone(&item.delivery),
                format!("{} {}", sign(&item.delivery), out.delivery(&item.delivery)),
            ),
        ]);
    }
    for file in files {
        table.row(vec![
            Cell::new(Tone::Quiet, &file.attachment),
            Cell::new(Tone::Plain, out.say("terminal-outbox-file", &[])),
            Cell::new(Tone::Plain, &file.name),
            Cell::new(
                tone(&file.delivery),
                format!("{} {}", sign(&file.delivery), out.delivery(&file.delivery)),
            ),
        ]);
    }
    table.print(out)?;
    for item in items {
        if let Delivery::Attention { remedies, .. } = &item.delivery {
            out.line("")?;
            for remedy in remedies {
                let how = match remedy.name() {
                    "sign_in" => "pocketdesk sign-in …".to_owned(),
                    "file_anew" | "follow_up" => format!("pocketdesk outbox file-anew {}", item.op),
                    "copy_text" => format!("pocketdesk outbox copy {}", item.op),
                    "remove_file" => format!("pocketdesk outbox remove-file {} …", item.op),
                    name => format!("pocketdesk outbox {name} {}", item.op),
                };
                out.line(&format!("  {}: {how}", out.remedy(*remedy)))?;
            }
        }
    }
    Ok(())
}

async fn edit(app: &App, reference: &str, subject: Option<String>, text: Option<String>) -> Outcome {
    let item = find(app, reference).await?;
    let account = Some(item.account.clone());
    if subject.is_some() || text.is_some() {
        let words = NewWords { subject, text, attachments: None };
        return mended(app, &item, app.desk.edit(account, item.op.clone(), words).await).await;
    }
    let ticket = item.kind == "ticket.create";
    let before = if ticket { format!("{}\n\n{}", item.subject, item.text) } else { item.text.clone() };
    let hint = if ticket { "terminal-hint-new" } else { "terminal-hint-reply" };
    let mut words = app.words(&app.out.say(hint, &[]), &before)?;
    let new = if ticket {
        let (subject, text) = words.subject_and_rest();
        NewWords { subject: Some(subject), text: Some(text), attachments: None }
    } else {
        NewWords { text: Some(words.text.clone()), ..NewWords::default() }
    };
    let done = mended(app, &item, app.desk.edit(account, item.op.clone(), new).await).await;
    words.keep_on(app, done)
}

async fn remove_file(app: &App, reference: &str, file: &str) -> Outcome {
    let item = find(app, reference).await?;
    let gone = match item.attachments.iter().find(|attachment| attachment.name == file) {
        Some(named) => named.id.clone(),
        None => one(app, &item.attachments, |attachment| &attachment.id, "attachment", file)?.id.clone(),
    };
    mended(app, &item, app.desk.remove_file(Some(item.account.clone()), item.op.clone(), gone).await).await
}

/// Says what became of a wish, after what it made had its chance to go out.
async fn mended(app: &App, item: &OutboxItem, done: Result<Mended, pocketdesk_ffi::DeskError>) -> Outcome {
    let done = done.map_err(|error| app.stop(error, &item.op))?;
    app.settle(&item.account).await;
    let now = all(app).await?;
    let present = |op: &str| now.iter().find(|item| item.op == op).map(|item| item.delivery.clone());
    let (result, op, delivery) = match done {
        // Gone from the outbox means the desk took it.
        Mended::Now { op: Some(op) } => {
            let delivery = present(&op).unwrap_or(Delivery::Registered { number: None });
            ("done", Some(op), Some(delivery))
        }
        Mended::Now { op: None } => ("done", None, None),
        Mended::WhenAnswered => ("when_answered", Some(item.op.clone()), present(&item.op)),
    };
    if app.out.json {
        app.out.object(
            &json!({"op": op, "result": result, "delivery": delivery.as_ref().map(Delivery::name)}),
        )?;
    } else if result == "when_answered" {
        app.out.line(&app.out.say("terminal-when-answered", &[]))?;
    } else {
        match &delivery {
            Some(delivery) => app.out.reached_line(delivery)?,
            None => app.out.line(&app.out.say("terminal-discarded", &[]))?,
        }
    }
    Ok(delivery.as_ref().map_or(exit::DONE, code))
}
