//! The real server, in this process and on a runtime of its own, so that a test can close and reopen it.

use std::{path::Path, time::Duration};

use pocketdesk_server::{
    config::Config,
    models::sign,
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
        self.operator(&["catalogue", file.to_str().unwrap(), "--data", &self.data()]);
    }

    /// Signs models that lie in a folder and serves them, as the company and its operator do; the public key.
    pub fn serve_models(&self, files: &[&Path]) -> String {
        let [key, manifest] =
            ["models.key", "models.json"].map(|name| self._home.path().join(name).display().to_string());
        let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
        self.operator(&["model", "keygen", "--to", &key]);
        self.operator(&[&["model", "sign", "--key", &key, "--to", &manifest][..], &files].concat());
        self.operator(
            &[&["model", "add", "--data", &self.data(), "--manifest", &manifest][..], &files].concat(),
        );
        let key = std::fs::read_to_string(key).unwrap();
        sign::public(&sign::read_key(&key).unwrap())
    }

    fn data(&self) -> String {
        self._home.path().join("data").display().to_string()
    }

    fn operator(&self, arguments: &[&str]) {
        let arguments = std::iter::once("pocketdesk-server").chain(arguments.iter().copied()).map(Into::into);
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
