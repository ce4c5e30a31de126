//! The server as a program of its own, on a loopback port and a data directory of the test's.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Notify,
};

/// How long a program may take to say what is waited for; generous, because these machines are shared.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `pocketdesk-server serve --development`; killed when dropped.
pub struct ServerProgram {
    child: Child,
    data: PathBuf,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    said: Arc<(Mutex<VecDeque<Value>>, Notify)>,
}

/// Where the workspace's programs are: beside the one that runs, or one above (tests run in `deps`).
pub fn built(name: &str) -> Result<PathBuf, String> {
    let me =
        std::env::current_exe().map_err(|why| format!("this program does not know where it is: {why}"))?;
    me.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
        .ok_or_else(|| format!("{name} is not built; run `cargo build --workspace` first"))
}

impl ServerProgram {
    /// Starts it on `listen` (`127.0.0.1:0` lets the system choose a port) and waits until it listens.
    pub async fn start(data: &Path, listen: &str) -> Result<Self, String> {
        let mut child = Command::new(built("pocketdesk-server")?)
            .args(["serve", "--development", "--listen", listen, "--data"])
            .arg(data)
            .env("POCKETDESK_SERVER_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| format!("pocketdesk-server did not start: {why}"))?;
        let said = Arc::new((Mutex::new(VecDeque::new()), Notify::new()));
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        tokio::spawn(listen_to(lines, said.clone()));
        let mut server = Self { child, data: data.to_owned(), base: String::new(), said };
        let listening = server.says("listening").await?;
        let addr = listening["addr"].as_str().ok_or("the server listens nowhere")?;
        server.base = format!("http://{addr}");
        Ok(server)
    }

    /// The next line of that event it prints, or printed since the last one asked for.
    async fn says(&mut self, event: &str) -> Result<Value, String> {
        let (lines, news) = &*self.said;
        let wait = async {
            loop {
                let heard = news.notified();
                let found = {
                    let mut lines = lines.lock().expect("no holder of this lock panics");
                    let at = lines.iter().position(|line| line["event"] == event);
                    at.and_then(|at| lines.remove(at))
                };
                if let Some(line) = found {
                    return line;
                }
                heard.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.map_err(|_| format!("the server never said {event:?}"))
    }

    /// The code it would have mailed to `email`.
    pub async fn code_for(&mut self, email: &str) -> Result<String, String> {
        loop {
            let said = self.says("code").await?;
            if said["email"] == email {
                return said["code"].as_str().map(str::to_owned).ok_or_else(|| format!("no code in {said}"));
            }
        }
    }

    /// The staff API's token, as an operator gets it.
    pub async fn staff_token(&self) -> Result<String, String> {
        let done = Command::new(built("pocketdesk-server")?)
            .args(["staff-token", "--data"])
            .arg(&self.data)
            .output()
            .await
            .map_err(|why| format!("staff-token: {why}"))?;
        if !done.status.success() {
            return Err(format!("staff-token: {}", String::from_utf8_lossy(&done.stderr)));
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// kill -9: whatever was not durable is gone.
    pub async fn kill(mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|why| format!("the server could not be killed: {why}"))
    }
}

async fn listen_to(
    mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    said: Arc<(Mutex<VecDeque<Value>>, Notify)>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(value) = serde_json::from_str(&line) {
            said.0.lock().expect("no holder of this lock panics").push_back(value);
            said.1.notify_waiters();
        }
    }
}
