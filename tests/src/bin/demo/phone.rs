//! The phone of the story: the facade, opened on a folder.

use std::{sync::Arc, time::Duration};

use pocketdesk_domain::model::{NewTicket, TicketKey, TicketView};
use pocketdesk_ffi::{Config, Platform, Pocketdesk, Source, file_secrets};

pub const SUBJECT: &str = "The till does not see the scanner";
pub const DESCRIPTION: &str = "It blinks red since the power came back. We are in the basement shop.";

/// How long the phone may take to show something; generous, because these machines are shared.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the app on `dir`, its network off or on.
pub async fn open(dir: &str, offline: bool) -> Result<Arc<Pocketdesk>, String> {
    let mut config = Config::new(dir, "Olena's phone", "en");
    config.offline = offline;
    config.speech_models_beside = crate::spoken::models().map(|dir| dir.display().to_string());
    let platform = Platform { secrets: file_secrets(format!("{dir}/secrets")) };
    Pocketdesk::open(config, platform).await.map_err(|why| format!("the app did not open: {why}"))
}

/// The act that is killed: files a ticket with a photo, says its id, and then only waits.
pub async fn file_and_wait(dir: &str, photo: &str) -> Result<(), String> {
    let app = open(dir, true).await?;
    let source = Source::Path { path: photo.to_owned(), name: None };
    let file = app.attach(None, source).await.map_err(|why| format!("attach: {why}"))?;
    let ticket = NewTicket {
        subject: SUBJECT.into(),
        description: DESCRIPTION.into(),
        attachments: vec![file.id],
        ..NewTicket::default()
    };
    let key = app.submit_ticket(None, ticket).await.map_err(|why| format!("submit: {why}"))?;
    println!("{}", key.id);
    std::future::pending().await
}

/// Waits until the ticket's screen shows what `until` looks for, and answers that screen.
pub async fn shows(
    app: &Pocketdesk,
    ticket: &TicketKey,
    what: &str,
    until: impl Fn(&TicketView) -> bool,
) -> Result<TicketView, String> {
    let feed = app.watch_ticket(ticket.clone());
    let mut last = None;
    let wait = async {
        while let Some(view) = feed.next().await {
            if until(&view) {
                return Some(view);
            }
            last = Some(view);
        }
        None
    };
    let found = tokio::time::timeout(PATIENCE, wait).await;
    feed.stop();
    match found {
        Ok(Some(view)) => Ok(view),
        Ok(None) => Err(format!("the ticket left the phone before it showed {what}")),
        Err(_) => Err(format!("the phone never showed {what}; it shows {last:#?}")),
    }
}
