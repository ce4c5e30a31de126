//! Words that were kept and not sent.

use pocketdesk_domain::model::{DraftView, TicketKey};
use serde_json::json;

use super::{one, write};
use crate::{
    app::App,
    args::Drafts,
    failure::{Outcome, Stop, exit},
    output::{Cell, Table, Tone, json},
};

pub async fn run(app: &App, what: Option<Drafts>) -> Outcome {
    match what {
        None | Some(Drafts::List) => list(app).await,
        Some(Drafts::Send { draft }) => send(app, &draft).await,
        Some(Drafts::Discard { draft }) => discard(app, &draft).await,
    }
}

async fn all(app: &App) -> Result<Vec<DraftView>, Stop> {
    app.desk.drafts(app.account()).await.map_err(|error| app.stop(error, ""))
}

async fn list(app: &App) -> Outcome {
    let drafts = all(app).await?;
    if app.out.json {
        drafts.iter().try_for_each(|draft| app.out.object(&json::draft(draft)))?;
        return Ok(exit::DONE);
    }
    if drafts.is_empty() {
        app.out.line(&app.out.say("terminal-no-drafts", &[]))?;
    }
    let mut table = Table::new(2);
    for draft in &drafts {
        let kind = if draft.ticket.is_some() { "comment.add" } else { "ticket.create" };
        table.row(vec![
            Cell::new(Tone::Quiet, &draft.id),
            Cell::new(Tone::Plain, app.out.kind(kind)),
            Cell::new(Tone::Plain, if draft.subject.is_empty() { &draft.text } else { &draft.subject }),
            Cell::new(Tone::Quiet, app.out.time(draft.updated_at)),
        ]);
    }
    table.print(&app.out)?;
    Ok(exit::DONE)
}

async fn send(app: &App, reference: &str) -> Outcome {
    let drafts = all(app).await?;
    let draft = one(app, &drafts, |draft| &draft.id, "draft", reference)?;
    send_draft(app, draft).await
}

/// Sends a draft and says how far it came.
pub async fn send_draft(app: &App, draft: &DraftView) -> Outcome {
    let op = app
        .desk
        .send_draft(Some(draft.account.clone()), draft.id.clone())
        .await
        .map_err(|error| app.stop(error, &draft.id))?;
    let id = draft.ticket.clone().unwrap_or_else(|| op.entity.clone());
    let key = TicketKey { account: draft.account.clone(), id };
    match &draft.ticket {
        Some(_) => write::settled(app, &key, &op).await,
        None => write::filed_ticket(app, &key).await,
    }
}

async fn discard(app: &App, reference: &str) -> Outcome {
    let drafts = all(app).await?;
    let draft = one(app, &drafts, |draft| &draft.id, "draft", reference)?;
    app.desk
        .delete_draft(Some(draft.account.clone()), draft.id.clone())
        .await
        .map_err(|error| app.stop(error, reference))?;
    if app.out.json {
        app.out.object(&json!({"id": draft.id}))?;
    } else {
        app.out.line(&app.out.say("terminal-discarded", &[]))?;
    }
    Ok(exit::DONE)
}
