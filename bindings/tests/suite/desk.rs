//! The real server in this process, and its staff.

use std::{path::Path, sync::Arc, time::Duration};

use pocketdesk_ffi::{Config, Platform, Pocketdesk, Unbound, file_secrets, model::*};
use pocketdesk_server::{
    config,
    server::{Running, Server},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A desk with an empty folder.
pub struct Desk {
    pub server: Running,
    _dir: TempDir,
}

impl Desk {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let server = Server::start(config::Config::development(dir.path())).await.expect("the server starts");
        Self { server, _dir: dir }
    }

    pub async fn staff(&self, path: &str, body: Value) -> Value {
        let answer = reqwest::Client::new()
            .post(format!("{}{path}", self.server.url()))
            .header("content-type", "application/json")
            .bearer_auth(self.server.staff_token())
            .body(body.to_string())
            .send()
            .await
            .expect("the desk answers");
        let (status, body) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or(json!(null))
    }

    pub async fn sign_in(&self, phone: &Pocketdesk, email: &str) -> AccountView {
        let url = self.server.url().to_string();
        phone.start_sign_in(url.clone(), email.into()).await.expect("a code is on its way");
        let code = self.server.code(email).await;
        phone.finish_sign_in(url, email.into(), code, Unbound::Ask).await.expect("signed in")
    }
}

pub fn config(dir: &Path) -> Config {
    Config::new(dir.join("data").display().to_string(), "Olena's phone", "uk-UA")
}

pub async fn open(dir: &Path, config: Config) -> Arc<Pocketdesk> {
    let secrets = file_secrets(dir.join("secrets").display().to_string());
    Pocketdesk::open(config, Platform { secrets }).await.expect("the app opens")
}

pub async fn ticket(phone: &Pocketdesk, key: &TicketKey) -> TicketView {
    phone.ticket(key.clone()).await.expect("the ticket is here")
}

/// Reads the ticket's screen until it shows what is wanted.
pub async fn until(
    phone: &Pocketdesk,
    key: &TicketKey,
    what: &str,
    wanted: impl Fn(&TicketView) -> bool,
) -> TicketView {
    let feed = phone.watch_ticket(key.clone());
    let looking = async {
        while let Some(view) = feed.next().await {
            if wanted(&view) {
                return view;
            }
        }
        panic!("the ticket's feed ended before: {what}");
    };
    match tokio::time::timeout(Duration::from_secs(20), looking).await {
        Ok(view) => view,
        Err(_) => {
            panic!("never shown: {what}; now {:#?}; {:#?}", ticket(phone, key).await, phone.accounts().await)
        }
    }
}
