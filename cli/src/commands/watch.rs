//! Staying connected, and printing each change as it arrives. The feeds give whole pages; what is new in them is
//! worked out here, against what was last seen.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pocketdesk_domain::model::{
    AccountView, CommentView, Delivery, EventView, TicketFilter, TicketKey, TicketPage, TicketSummary,
    TicketView,
};
use pocketdesk_ffi::{SyncFeed, TicketsFeed};
use serde_json::json;

use super::read;
use crate::{
    app::App,
    failure::{Outcome, Stop, exit},
    output::{Tone, clean, json},
};

/// As many tickets as one screen's worth of a desk: the newest and the open ones come first.
const TICKETS: u32 = 500;

pub async fn run(app: &App, id: Option<&str>) -> Outcome {
    let only = match id {
        Some(id) => Some(app.find(id).await?),
        None => None,
    };
    let account = match (&only, app.account()) {
        (Some(key), _) => Some(key.account.clone()),
        (None, Some(_)) => Some(app.the_account().await?.account),
        (None, None) => None,
    };
    let filter = TicketFilter { account, ..TicketFilter::default() };
    let mut watch = Watch { app, only, seen: None, accounts: HashMap::new() };
    let tickets: Arc<TicketsFeed> = app.desk.watch_tickets(filter, 0, TICKETS);
    let accounts: Arc<SyncFeed> = app.desk.watch_sync();
    // Each `next` is kept until it answers: a page that was on its way when the other feed spoke must not be lost.
    let mut more_tickets = Box::pin(tickets.next());
    let mut more_accounts = Box::pin(accounts.next());
    let ended = loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => break Ok(exit::DONE),
            page = &mut more_accounts => match page.map(|page| watch.accounts(&page)) {
                Some(Ok(())) => more_accounts = Box::pin(accounts.next()),
                Some(Err(stop)) => break Err(stop),
                None => break Ok(exit::DONE),
            },
            page = &mut more_tickets => match page {
                Some(page) => match watch.tickets(&page).await {
                    Ok(()) => more_tickets = Box::pin(tickets.next()),
                    Err(stop) => break Err(stop),
                },
                None => break Ok(exit::DONE),
            },
        }
    };
    tickets.stop();
    accounts.stop();
    ended
}

/// What was last seen.
struct Watch<'a> {
    app: &'a App,
    only: Option<TicketKey>,
    /// None until the first page: what is there already is not news.
    seen: Option<HashMap<TicketKey, Seen>>,
    accounts: HashMap<String, &'static str>,
}

#[derive(Default)]
struct Seen {
    summary: Option<TicketSummary>,
    comments: HashMap<String, Option<&'static str>>,
    events: HashSet<i64>,
    files: HashMap<String, Option<&'static str>>,
}

impl Seen {
    fn of(view: &TicketView) -> Self {
        let files = view
            .attachments
            .iter()
            .chain(view.comments.iter().flat_map(|comment| &comment.attachments))
            .map(|file| (file.id.clone(), file.delivery.as_ref().map(Delivery::name)));
        Self {
            summary: Some(view.summary.clone()),
            comments: view.comments.iter().map(|comment| (comment.id.clone(), name(comment))).collect(),
            events: view.events.iter().map(|event| event.position).collect(),
            files: files.collect(),
        }
    }
}

fn name(comment: &CommentView) -> Option<&'static str> {
    comment.delivery.as_ref().map(Delivery::name)
}

impl Watch<'_> {
    fn accounts(&mut self, page: &[AccountView]) -> Result<(), Stop> {
        for account in page {
            let state = json::sync_state(&account.sync);
            // A look for news every few seconds is not news itself.
            if state == "running" || self.accounts.get(&account.account) == Some(&state) {
                continue;
            }
            self.accounts.insert(account.account.clone(), state);
            let out = &self.app.out;
            if out.json {
                let mut line = json::account(account);
                line["event"] = json!("account");
                out.object(&line)?;
            } else {
                let (tone, words) = out.account_state(account);
                let who = if account.email.is_empty() { "" } else { account.email.as_str() };
                out.line(&out.tone(tone, format!("{} {words}", clean(who)).trim()))?;
            }
        }
        Ok(())
    }

    async fn tickets(&mut self, page: &TicketPage) -> Result<(), Stop> {
        let first = self.seen.is_none();
        let mut seen = self.seen.take().unwrap_or_default();
        for summary in &page.tickets {
            let key = &summary.key;
            if self.only.as_ref().is_some_and(|only| only != key) {
                continue;
            }
            let before = seen.get(key);
            if before.is_some_and(|before| before.summary.as_ref() == Some(summary)) {
                continue;
            }
            // It may have left between the page and this look: then there is nothing to tell.
            let Ok(view) = self.app.desk.ticket(key.clone()).await else { continue };
            if !first {
                self.told(before, &view)?;
            }
            seen.insert(key.clone(), Seen::of(&view));
        }
        let present: HashSet<_> = page.tickets.iter().map(|ticket| &ticket.key).collect();
        seen.retain(|key, _| present.contains(key));
        if first && !self.app.out.json {
            let count = ("count", seen.len().into());
            self.app.out.note(&self.app.out.say("terminal-watching", &[count]));
        }
        self.seen = Some(seen);
        Ok(())
    }

    /// Prints what is new in a ticket.
    fn told(&self, before: Option<&Seen>, view: &TicketView) -> Result<(), Stop> {
        let nothing = Seen::default();
        let seen = before.unwrap_or(&nothing);
        let new_words = |comment: &&CommentView| seen.comments.get(&comment.id) != Some(&name(comment));
        let comments: Vec<_> = view.comments.iter().filter(new_words).collect();
        let events: Vec<_> = view
            .events
            .iter()
            .filter(|event| before.is_some() && !seen.events.contains(&event.position))
            .collect();
        let moved = match seen.summary.as_ref() {
            None => true,
            Some(old) => {
                let told = |summary: &TicketSummary| {
                    (summary.status, summary.number.clone(), summary.delivery.as_ref().map(Delivery::name))
                };
                told(old) != told(&view.summary)
            }
        };
        if self.app.out.json {
            self.machine(view, moved, &comments, &events, seen)
        } else {
            self.human(view, moved, &comments, &events, seen)
        }
    }

    fn machine(
        &self,
        view: &TicketView,
        moved: bool,
        comments: &[&CommentView],
        events: &[&EventView],
        seen: &Seen,
    ) -> Result<(), Stop> {
        let out = &self.app.out;
        let ticket = &view.summary.key.id;
        let line = |event: &str, mut line: serde_json::Value| {
            line["event"] = json!(event);
            line["ticket"] = json!(ticket);
            out.object(&line)
        };
        if moved {
            line("ticket", json!(json::Summary::from(&view.summary)))?;
        }
        for event in events {
            line("happened", json::event(event))?;
        }
        for comment in comments {
            line("comment", json!(json::Comment::from(*comment)))?;
        }
        let files =
            view.attachments.iter().chain(view.comments.iter().flat_map(|comment| &comment.attachments));
        for file in files {
            let state = file.delivery.as_ref().map(Delivery::name);
            if seen.files.get(&file.id).is_some_and(|before| *before != state) {
                line("file", json!(json::File::from(file)))?;
            }
        }
        Ok(())
    }

    fn human(
        &self,
        view: &TicketView,
        moved: bool,
        comments: &[&CommentView],
        events: &[&EventView],
        seen: &Seen,
    ) -> Result<(), Stop> {
        let out = &self.app.out;
        // Words that were told already are told again only when they came to rest, or need the person.
        let steps = |comment: &&&CommentView| {
            !seen.comments.contains_key(&comment.id)
                || !matches!(comment.delivery, Some(Delivery::Saved { .. } | Delivery::Sending { .. }))
        };
        let comments: Vec<_> = comments.iter().filter(steps).collect();
        if !moved && comments.is_empty() && events.is_empty() {
            return Ok(());
        }
        out.line("")?;
        if moved {
            read::rows(self.app, std::slice::from_ref(&view.summary))?;
        } else {
            let number = view.summary.number.as_ref().map(|number| format!("№{number} ")).unwrap_or_default();
            out.line(&out.tone(Tone::Bold, clean(&format!("{number}{}", view.summary.subject)).trim()))?;
        }
        for event in events {
            out.happened(event)?;
        }
        for comment in comments {
            match (&comment.delivery, seen.comments.contains_key(&comment.id)) {
                (Some(delivery), true) => out.reached_line(delivery)?,
                _ => out.comment(comment)?,
            }
        }
        Ok(())
    }
}
