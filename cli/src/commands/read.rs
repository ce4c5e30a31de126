//! Reads: from this computer alone, with or without a connection.

use pocketdesk_domain::model::{AccountView, Delivery, SyncState, TicketFilter, TicketStatus, TicketSummary};

use crate::{
    app::App,
    failure::{Outcome, Stop, exit},
    output::{Cell, Table, Tone, clean, json},
};

pub async fn list(app: &App, statuses: Vec<TicketStatus>, unread: bool, mine: bool, limit: u32) -> Outcome {
    let account = match app.account() {
        Some(_) => Some(app.the_account().await?.account),
        None => None,
    };
    let filter = TicketFilter { account: account.clone(), statuses, unread, mine };
    let page = app.desk.tickets(filter, 0, limit).await.map_err(|error| app.stop(error, ""))?;
    if app.out.json {
        page.tickets.iter().try_for_each(|ticket| app.out.object(&json::Summary::from(ticket)))?;
        return Ok(exit::DONE);
    }
    if page.tickets.is_empty() {
        app.out.line(&app.out.say("terminal-no-tickets", &[]))?;
    } else {
        rows(app, &page.tickets)?;
    }
    let more = page.total.saturating_sub(page.tickets.len() as u64);
    if more > 0 {
        app.out.line(&app.out.tone(Tone::Quiet, &app.out.say("terminal-more", &[("count", more.into())])))?;
    }
    foot(app, account.as_deref()).await?;
    Ok(exit::DONE)
}

/// Tickets as aligned rows: number, subject, what is new, the one coloured line, when it last moved.
pub fn rows(app: &App, tickets: &[TicketSummary]) -> Result<(), Stop> {
    let out = &app.out;
    let mut table = Table::new(1);
    for ticket in tickets {
        let number = match &ticket.number {
            Some(number) => format!("№{number}"),
            None => ticket.key.id.chars().take(SHORT).collect(),
        };
        let title = if ticket.unread > 0 { Tone::Bold } else { Tone::Plain };
        let news = match ticket.unread {
            0 => String::new(),
            count => out.say("terminal-unread", &[("count", count.into())]),
        };
        let (tone, state) = out.state(ticket);
        table.row(vec![
            Cell::new(Tone::Quiet, number),
            Cell::new(title, &ticket.subject),
            Cell::new(Tone::Moves, news),
            Cell::new(tone, state),
            Cell::new(Tone::Quiet, ticket.author.as_deref().unwrap_or_default()),
            Cell::new(Tone::Quiet, out.time(ticket.updated_at)),
        ]);
    }
    table.print(out)
}

/// Enough of an id to tell the tickets of a day apart.
const SHORT: usize = 13;

/// What waits, and how old the news is, when that is worth a line.
async fn foot(app: &App, only: Option<&str>) -> Result<(), Stop> {
    let out = &app.out;
    let mut accounts = app.desk.accounts().await.map_err(|error| app.stop(error, ""))?;
    accounts.retain(|account| only.is_none_or(|only| account.account == only));
    let several = accounts.len() > 1;
    for account in accounts {
        let mut parts = Vec::new();
        if account.attention > 0 {
            parts.push(out.say("terminal-needs-you", &[("count", account.attention.into())]));
        }
        let waiting = account.unsent.saturating_sub(account.attention);
        if waiting > 0 {
            parts.push(out.say("terminal-waiting", &[("count", waiting.into())]));
        }
        if !matches!(account.sync, SyncState::Idle | SyncState::Running)
            && (!account.server.is_empty() || account.unsent > 0)
        {
            parts.push(out.account_state(&account).1);
        }
        parts.extend(age(app, &account));
        if !parts.is_empty() {
            let whose = if several && !account.email.is_empty() {
                format!("{}: ", account.email)
            } else {
                String::new()
            };
            out.line(&out.tone(Tone::Quiet, &clean(&format!("{whose}{}", parts.join(" · ")))))?;
        }
    }
    Ok(())
}

/// "as of 13:57": what came from the desk may be stale, because nothing is asked for while reading.
fn age(app: &App, account: &AccountView) -> Option<String> {
    let at = account.synced_at?;
    Some(app.out.say("account-as-of", &[("time", app.out.time(at).into())]))
}

pub async fn show(app: &App, id: &str, history: bool) -> Outcome {
    let key = app.find(id).await?;
    let view = app.desk.ticket(key).await.map_err(|error| app.stop(error, id))?;
    if app.out.json {
        app.out.object(&json::ticket(&view))?;
        view.comments.iter().try_for_each(|comment| app.out.object(&json::Comment::from(comment)))?;
    } else {
        app.out.ticket(&view, history)?;
    }
    Ok(exit::DONE)
}

pub async fn search(app: &App, query: &str, newest: bool, limit: u32) -> Outcome {
    let hits = app
        .desk
        .search(app.account(), query.to_owned(), !newest, limit)
        .await
        .map_err(|error| app.stop(error, query))?;
    if app.out.json {
        hits.iter().try_for_each(|hit| app.out.object(&json::Hit::from(hit)))?;
        return Ok(exit::DONE);
    }
    if hits.is_empty() {
        app.out.line(&app.out.say("terminal-nothing-found", &[("query", query.into())]))?;
    }
    let mut table = Table::new(2);
    for hit in &hits {
        let number = match (&hit.ticket.number, &hit.ticket.delivery) {
            (Some(number), _) => format!("№{number}"),
            (None, Some(Delivery::Draft)) => String::new(),
            (None, _) => hit.ticket.key.id.chars().take(SHORT).collect(),
        };
        table.row(vec![
            Cell::new(Tone::Quiet, number),
            Cell::new(Tone::Bold, &hit.ticket.subject),
            Cell::new(
                Tone::Plain,
                hit.excerpt.strip_prefix(&hit.ticket.subject).unwrap_or(&hit.excerpt).trim(),
            ),
        ]);
    }
    table.print(&app.out)?;
    Ok(exit::DONE)
}
