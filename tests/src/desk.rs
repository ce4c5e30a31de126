//! The desk's side of a journey: the real server in this process, on a runtime and a clock of its own, so that it
//! can be restarted, killed, backed up and restored while phones look on.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    ids::{CommentId, EntityId, TicketId},
    rows::DeskState,
};
use pocketdesk_server::{
    config::Config,
    desk::{Desk as HelpDesk, Handed, builtin::Builtin},
    env::{Env, system::System},
    mail::{CodeMail, Post, PostError},
    server::{Parts, Running, Server, StartError},
    store::{
        StoreError,
        migrate::{MIGRATIONS, Migration},
        write::Write,
    },
};
use tokio::{runtime::Runtime, sync::Notify};

use crate::{
    net::Place,
    phone::PATIENCE,
    staff::Staff,
    teller::Teller,
    time::{Time, Watch},
};

/// See the module.
pub struct Desk {
    /// The clock of both sides.
    pub time: Arc<Time>,
    /// The log of the journey.
    pub teller: Teller,
    /// The help desk behind the server: the built-in one, until it is told to be difficult.
    pub help: Arc<Difficult>,
    place: Place,
    mailbox: Arc<Mailbox>,
    config: Config,
    home: tempfile::TempDir,
    running: Option<Life>,
}

/// A server beside the first.
pub struct Replica {
    /// Where it listens.
    pub address: String,
    life: Life,
}

impl Replica {
    /// Stops it as an operator does.
    pub async fn stop(self) {
        let Life { runtime, server } = self.life;
        runtime.spawn(server.shutdown()).await.expect("stopping does not panic");
        end(runtime).await;
    }
}

/// One life of the server, from a start to a stop.
struct Life {
    runtime: Runtime,
    server: Running,
}

impl Desk {
    /// Opens a new desk.
    pub async fn open(title: &str) -> Self {
        let teller = Teller::begin(title);
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut desk = Self {
            time: Time::new(),
            teller,
            help: Arc::default(),
            place: Place::default(),
            mailbox: Arc::default(),
            config: Config::development(home.path().join("data")),
            home,
            running: None,
        };
        desk.start().await;
        desk
    }

    /// Where phones find it.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// What its operator decided.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its address as of now.
    pub fn address(&self) -> String {
        self.place.lock().expect("no holder panics").clone()
    }

    /// Changes what the operator decides; stops it before and starts it after.
    pub async fn reconfigured(&mut self, change: impl FnOnce(&mut Config)) {
        self.stop().await;
        change(&mut self.config);
        self.start().await;
    }

    /// Starts it on what lies in its folder.
    pub async fn start(&mut self) {
        match self.life(MIGRATIONS).await {
            Ok(life) => {
                self.leads_to(&life.server.url());
                self.teller.says("desk", "is open");
                self.running = Some(life);
            }
            Err(error) => panic!("the server starts: {error}"),
        }
    }

    /// Why it does not start on what lies in its folder.
    pub async fn does_not_start(&mut self) -> String {
        match self.life(MIGRATIONS).await {
            Ok(_) => panic!("the server starts"),
            Err(error) => error.to_string(),
        }
    }

    /// Starts another server on the same database and folder, of the release with these migrations.
    pub async fn beside(&self, migrations: &'static [Migration]) -> Replica {
        let life = self.life(migrations).await.expect("the server starts");
        self.teller.says("desk", format!("has another server, whose schema is {}", migrations.len()));
        Replica { address: life.server.url(), life }
    }

    /// From now on phones find the desk at that address.
    pub fn leads_to(&self, address: &str) {
        address.clone_into(&mut self.place.lock().expect("no holder panics"));
    }

    /// One life of a server.
    async fn life(&self, migrations: &'static [Migration]) -> Result<Life, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("the desk")
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let parts = Parts {
            env: self.env(),
            desk: self.help.clone(),
            post: Some(self.mailbox.clone()),
            migrations,
            ..Parts::default()
        };
        let started = runtime.spawn(Server::start_with(self.config.clone(), parts)).await;
        match started.expect("starting does not panic") {
            Ok(server) => Ok(Life { runtime, server }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Stops it as an operator does.
    pub async fn stop(&mut self) {
        let Some(Life { runtime, server }) = self.running.take() else { return };
        runtime.spawn(server.shutdown()).await.expect("stopping does not panic");
        end(runtime).await;
        self.teller.says("desk", "is closed");
    }

    /// Its process dies: requests under way are cut where they are.
    pub async fn kill(&mut self) {
        let Some(Life { runtime, server }) = self.running.take() else { return };
        end(runtime).await;
        drop(server);
        self.teller.says("desk", "was killed");
    }

    /// The operator's backup, of the running server.
    pub async fn backup(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        pocketdesk_server::commands::backup(&self.config, &self.env(), &folder)
            .await
            .expect("the backup is written");
        self.teller.says("operator", format!("made the backup {name:?}"));
        folder
    }

    /// The operator restores a backup: the server is stopped before, its database and blobs put aside, and it is
    /// started after.
    pub async fn restore(&mut self, backup: &Path) {
        self.stop().await;
        let data = self.config.data.clone();
        for entry in std::fs::read_dir(&data).expect("the data folder can be read") {
            let path = entry.expect("the data folder can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("pocketdesk.db") {
                std::fs::remove_file(&path).expect("the database can be put aside");
            } else if name == "blobs" {
                std::fs::remove_dir_all(&path).expect("the blobs can be put aside");
            }
        }
        pocketdesk_server::commands::restore(&self.config, &self.env(), backup)
            .await
            .expect("the backup is restored");
        self.teller.says("operator", "restored the backup");
        self.start().await;
    }

    /// The staff API.
    pub fn staff(&self) -> Staff {
        Staff::new(self.server().url(), self.server().staff_token())
    }

    /// Looks at a ticket as staff do until it shows `what`. For what no phone can tell: after a restore a phone shows
    /// the old state until it hears of it.
    pub async fn shows(&self, ticket: &str, what: &str, until: impl Fn(&serde_json::Value) -> bool) {
        let staff = self.staff();
        let mut last = Err("nobody asked yet".into());
        let look = async {
            loop {
                last = staff.ticket(ticket).await;
                if last.as_ref().is_ok_and(&until) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, look).await.is_err() {
            panic!("staff never saw {what}; they see {last:#?}");
        }
        self.teller.says("staff", format!("see {what}"));
    }

    /// Waits for the mail to that address and reads its code; each mail is read once.
    pub async fn code_for(&self, email: &str) -> String {
        let wait = async {
            loop {
                let news = self.mailbox.news.notified();
                if let Some(code) = self.mailbox.codes.lock().expect("no holder panics").remove(email) {
                    return code;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("a code should be mailed")
    }

    /// A moderator deletes a comment.
    pub async fn delete_comment(&self, id: &str) {
        let id: CommentId = id.parse().expect("a comment's id");
        pocketdesk_server::staff::delete_comment(&self.server().app().ctx, id).await.expect("it is deleted");
        self.teller.says("desk", "deletes a comment");
    }

    /// A moderator deletes a ticket.
    pub async fn delete_ticket(&self, id: &str) {
        let id: TicketId = id.parse().expect("a ticket's id");
        pocketdesk_server::staff::delete_ticket(&self.server().app().ctx, id).await.expect("it is deleted");
        self.teller.says("desk", "deletes the ticket");
    }

    /// Somebody's right to be forgotten: every copy of the ticket goes.
    pub async fn erase_ticket(&self, id: &str) {
        let id: TicketId = id.parse().expect("a ticket's id");
        pocketdesk_server::staff::erase_ticket(&self.server().app().ctx, id).await.expect("it is erased");
        self.teller.says("desk", "erases the ticket");
    }

    /// The help desk answers about what it left pending.
    pub async fn answers(&self, what: Handed, entity: &str, state: DeskState) {
        let entity: EntityId = entity.parse().expect("an id");
        self.teller.says("desk", format!("answers about the {what:?}: {state:?}"));
        pocketdesk_server::desk::answer(&self.server().app().ctx, what, entity, state)
            .await
            .expect("the answer is taken");
    }

    fn server(&self) -> &Running {
        &self.running.as_ref().expect("the desk is open").server
    }

    fn env(&self) -> Env {
        let system = Arc::new(System::new());
        Env { clock: Arc::new(Watch(self.time.clone())), rng: system.clone(), work: system }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(life) = self.running.take() {
            life.runtime.shutdown_background();
        }
    }
}

async fn end(runtime: Runtime) {
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10)))
        .await
        .expect("a runtime can be shut down");
}

/// Where sign-in codes arrive.
#[derive(Default)]
struct Mailbox {
    codes: Mutex<HashMap<String, String>>,
    news: Notify,
}

impl Post for Mailbox {
    fn code(&self, mail: CodeMail) -> BoxFuture<'_, Result<(), PostError>> {
        self.codes.lock().expect("no holder panics").insert(mail.email, mail.code);
        self.news.notify_waiters();
        Box::pin(async { Ok(()) })
    }
}

/// A fake help desk: the built-in one, with answers of the test's in between.
#[derive(Default)]
pub struct Difficult {
    builtin: Builtin,
    next: Mutex<VecDeque<(Handed, DeskState)>>,
}

impl Difficult {
    /// Its answer to the next of these.
    pub fn says_next(&self, what: Handed, state: DeskState) {
        self.next.lock().expect("no holder panics").push_back((what, state));
    }

    /// It refuses the next of these.
    pub fn refuses_next(&self, what: Handed, words: &str) {
        self.says_next(what, refused(words));
    }
}

/// A refusal whose words may be amended.
pub fn refused(words: &str) -> DeskState {
    DeskState::Refused {
        code: "other".into(),
        text_key: "refused-other".into(),
        words: Some(words.into()),
        can_edit: true,
    }
}

impl HelpDesk for Difficult {
    fn take<'a>(
        &'a self,
        tx: &'a mut Write,
        what: Handed,
        ticket: TicketId,
        entity: EntityId,
    ) -> BoxFuture<'a, Result<DeskState, StoreError>> {
        let mut next = self.next.lock().expect("no holder panics");
        let scripted = next.iter().position(|(of, _)| *of == what).and_then(|at| next.remove(at));
        drop(next);
        match scripted {
            Some((_, state)) => Box::pin(async move { Ok(state) }),
            None => self.builtin.take(tx, what, ticket, entity),
        }
    }
}
