//! The real server, in this process and on a runtime of its own, so that a test can close and reopen it.

use std::time::Duration;

use pocketdesk_server::{
    config::Config,
    server::{Running, Server},
};
use serde_json::Value;
use tokio::runtime::Runtime;

/// How long anything may take on a machine that others use too.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Desk {
    runtime: Runtime,
    running: Option<Running>,
    config: Config,
    pub url: String,
    _home: tempfile::TempDir,
}

impl Desk {
    pub fn open() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let home = tempfile::tempdir().unwrap();
        let config = Config::development(home.path().join("data"));
        let mut desk = Self { runtime, running: None, config, url: String::new(), _home: home };
        desk.reopen();
        desk
    }

    /// Opens again where it was before.
    pub fn reopen(&mut self) {
        let running = self.runtime.block_on(Server::start(self.config.clone())).unwrap();
        self.config.listen = running.addr();
        self.url = running.url();
        self.running = Some(running);
    }

    /// Nobody answers any more.
    pub fn close(&mut self) {
        let running = self.running.take().unwrap();
        self.runtime.block_on(running.shutdown());
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn code_for(&self, email: &str) -> String {
        let code = async { tokio::time::timeout(PATIENCE, self.running().code(email)).await };
        self.runtime.block_on(code).expect("a code should be mailed")
    }

    /// What staff do about a ticket, by its number: `reply`, `status`, …
    pub fn staff(&self, ticket: &str, what: &str, body: Value) {
        self.asked(reqwest::Method::POST, &format!("/staff/tickets/{ticket}/{what}"), Some(body));
    }

    /// Replaces the desk's catalogue, as its operator does.
    pub fn load_catalogue(&self, text: &str) {
        let file = self._home.path().join("catalogue.toml");
        std::fs::write(&file, text).unwrap();
        let data = self._home.path().join("data");
        let arguments =
            ["pocketdesk-server".into(), "catalogue".into(), file.into(), "--data".into(), data.into()];
        let done = self.runtime.block_on(pocketdesk_server::commands::run(arguments, Default::default()));
        assert_eq!(format!("{done:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
    }

    /// How many tickets the desk holds.
    pub fn tickets(&self) -> usize {
        let list = self.asked(reqwest::Method::GET, "/staff/tickets", None);
        list["tickets"].as_array().or(list.as_array()).expect("a list of tickets").len()
    }

    fn asked(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let sent = async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut request = client
                .request(method, format!("{}{path}", self.url))
                .bearer_auth(self.running().staff_token());
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        };
        let (status, text) = self.runtime.block_on(sent);
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}
