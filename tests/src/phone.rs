//! One phone: the facade on a folder of its own, a network that can be bad, a clock that can be moved on, and a
//! person who looks at the screen until it shows what they wait for.

use std::{
    fmt::Debug,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pocketdesk_core::env::{
    Env,
    system::{FileSecrets, SystemRng, SystemWork},
};
use pocketdesk_ffi::{Config, Pocketdesk, SignInError, Source, Unbound, model::*};
use pocketdesk_protocol::models::to_hex;
use tokio::runtime::Runtime;

use crate::{
    desk::Desk,
    net::{DESK_ADDRESS, Net, Place, Way},
    teller::Teller,
    time::{Time, Watch},
};

/// How long a screen may take to show something; generous, because these machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub struct Phone {
    /// Whose it is.
    pub owner: String,
    /// What shells call.
    pub app: Arc<Pocketdesk>,
    /// Between it and the desk.
    pub net: Arc<Net>,
    /// Its clock.
    pub time: Arc<Time>,
    /// The log of the journey.
    pub teller: Teller,
    home: Arc<tempfile::TempDir>,
    place: Place,
    runtime: Option<Runtime>,
}

/// How a phone is switched on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Switch {
    /// In flight mode from the start.
    pub offline: bool,
    /// Only `sync_now` and what needs the desk touches the network.
    pub by_hand: bool,
    /// How many bytes of loaded files to keep, if not as many as a phone does.
    pub keeps: Option<u64>,
    /// By an app of a later release, whose own.db has a column and a table more.
    pub newer: bool,
    /// The company's key for speech models, if the app was built with one.
    pub trusts: Option<[u8; 32]>,
}

/// What the later release added to own.db.
pub const ADDED_LATER: &[&str] = &["ALTER TABLE ops ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
     CREATE TABLE reminders (id BLOB PRIMARY KEY, at INTEGER NOT NULL DEFAULT 0) STRICT;"];

impl Phone {
    /// A new phone of `owner` that can reach `desk`.
    pub async fn new(owner: &str, desk: &Desk) -> Self {
        Self::switched(owner, desk, Switch::default()).await
    }

    /// A new phone, switched on in that way.
    pub async fn switched(owner: &str, desk: &Desk, switch: Switch) -> Self {
        let off = Off {
            owner: owner.into(),
            home: Arc::new(tempfile::tempdir().expect("a temporary folder")),
            place: desk.place(),
            time: desk.time.clone(),
            teller: desk.teller.clone(),
        };
        off.opened(switch).await
    }

    async fn on(off: Off, switch: Switch) -> Self {
        let Off { owner, home, place, time, teller } = off;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(format!("phone of {owner}"))
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let net = Net::new(place.clone());
        let env = Env {
            clock: Arc::new(Watch(time.clone())),
            rng: Arc::new(SystemRng),
            secrets: Arc::new(FileSecrets::new(home.path().join("secrets"))),
            remote: Arc::new(Way(net.clone())),
            work: Arc::new(SystemWork::new(runtime.handle().clone())),
        };
        let mut config =
            Config::new(home.path().join("data").display().to_string(), format!("{owner}'s phone"), "en");
        config.offline = switch.offline;
        config.automatic = !switch.by_hand;
        config.attachment_cache_bytes = switch.keeps.unwrap_or(config.attachment_cache_bytes);
        config.speech_model_keys = switch.trusts.iter().map(|key| to_hex(key)).collect();
        let later = if switch.newer { ADDED_LATER } else { &[] };
        let app = Pocketdesk::open_newer(config, env, later).await.expect("the app opens");
        teller.says(&owner, if switch.newer { "opens an app of a later release" } else { "opens the app" });
        Self { owner, app, net, time, teller, home, place, runtime: Some(runtime) }
    }

    /// A second process on the same folder, such as a command line beside the app: it writes and reads, and does not
    /// sync.
    pub async fn second_process(&self) -> Self {
        self.beside(Switch { by_hand: true, offline: true, ..Switch::default() }).await
    }

    /// A second process on the same folder, switched on in that way.
    pub async fn beside(&self, switch: Switch) -> Self {
        self.off_but_running().opened(switch).await
    }

    /// Another device with a copy of this one's whole folder, secrets too, as a careless backup makes it.
    pub async fn cloned(&self, owner: &str, switch: Switch) -> Self {
        let home = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        copy_folder(self.home.path(), home.path());
        Off { owner: owner.into(), home, ..self.off_but_running() }.opened(switch).await
    }

    /// Its whole folder: data and, beside it, the secrets.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The folder of the accounts, without the secrets.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Logs what its owner does.
    pub fn says(&self, what: impl AsRef<str>) {
        self.teller.says(&self.owner, what);
    }

    /// Closes the app.
    pub async fn closed(self) -> Off {
        self.says("closes the app");
        self.app.shut_down().await;
        self.off()
    }

    /// The process dies between two instructions (as far as one process can show that).
    pub async fn dead(mut self) -> Off {
        self.says("the app is killed");
        let runtime = self.runtime.take().expect("it is switched on");
        // Waits for the tasks to be dropped: two processes cannot hold the folder's lock at once, either.
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10)))
            .await
            .expect("a runtime can be shut down");
        self.off()
    }

    /// Closes the app and opens it again.
    pub async fn restarted(self, switch: Switch) -> Self {
        self.closed().await.opened(switch).await
    }

    /// The process dies, and the app is opened again.
    pub async fn killed(self, switch: Switch) -> Self {
        self.dead().await.opened(switch).await
    }

    fn off(self) -> Off {
        self.off_but_running()
    }

    fn off_but_running(&self) -> Off {
        Off {
            owner: self.owner.clone(),
            home: self.home.clone(),
            place: self.place.clone(),
            time: self.time.clone(),
            teller: self.teller.clone(),
        }
    }

    /// Asks for a code, reads the mail and signs in.
    pub async fn sign_in(&self, desk: &Desk, email: &str) -> AccountView {
        self.sign_in_with(desk, email, Unbound::Ask).await.expect("the code is right")
    }

    /// As [`sign_in`](Self::sign_in), at an address that other processes can reach, too.
    pub async fn sign_in_at(&self, desk: &Desk, address: &str, email: &str) -> AccountView {
        self.says(format!("signs in as {email} at {address}"));
        self.app.start_sign_in(address.into(), email.into()).await.expect("a code is asked for");
        let code = desk.code_for(email).await;
        self.app
            .finish_sign_in(address.into(), email.into(), code, Unbound::Ask)
            .await
            .expect("the code is right")
    }

    /// As [`sign_in`](Self::sign_in), saying what becomes of words filed before.
    pub async fn sign_in_with(
        &self,
        desk: &Desk,
        email: &str,
        unbound: Unbound,
    ) -> Result<AccountView, SignInError> {
        self.says(format!("signs in as {email}"));
        self.app.start_sign_in(DESK_ADDRESS.into(), email.into()).await?;
        let code = desk.code_for(email).await;
        self.app.finish_sign_in(DESK_ADDRESS.into(), email.into(), code, unbound).await
    }

    /// Files a ticket of the only account.
    pub async fn file(&self, subject: &str, description: &str) -> TicketKey {
        self.says(format!("files {subject:?}"));
        let ticket =
            NewTicket { subject: subject.into(), description: description.into(), ..NewTicket::default() };
        self.app.submit_ticket(None, ticket).await.expect("it is filed")
    }

    /// Replies with words alone.
    pub async fn reply(&self, ticket: &TicketKey, text: &str) -> OpKey {
        self.says(format!("replies {text:?}"));
        let words = NewReply { text: text.into(), ..NewReply::default() };
        self.app.reply(ticket.clone(), words).await.expect("the reply is kept")
    }

    /// Takes a file in.
    pub async fn attach(&self, name: &str, bytes: &[u8]) -> AttachmentView {
        self.says(format!("attaches {name}, {} bytes", bytes.len()));
        let picked = tempfile::tempdir().expect("a temporary folder");
        let path = picked.path().join(name);
        std::fs::write(&path, bytes).expect("a file can be written");
        let source = Source::Path { path: path.display().to_string(), name: None };
        // The folder goes when this returns: what was attached must not need it any more.
        self.app.attach(None, source).await.expect("the file is taken in")
    }

    /// All bytes of a file on this phone.
    pub async fn bytes_of(&self, account: &str, attachment: &str) -> Vec<u8> {
        let copy = tempfile::tempdir().expect("a temporary folder").path().with_extension("copy");
        self.app
            .open_attachment(Some(account.into()), attachment.into(), copy.display().to_string())
            .await
            .expect("the file opens");
        let bytes = std::fs::read(&copy).expect("the copy is there");
        std::fs::remove_file(&copy).expect("the copy can be deleted");
        bytes
    }

    /// The ticket as this phone names it.
    pub async fn found(&self, id: &str) -> TicketKey {
        self.app.find_ticket(None, id.into()).await.expect("the ticket is on this phone")
    }

    /// The present screen of a ticket.
    pub async fn sees(&self, ticket: &TicketKey) -> TicketView {
        self.app.ticket(ticket.clone()).await.expect("the ticket is on this phone")
    }

    /// Looks at the ticket until it shows `what`.
    pub async fn shows(
        &self,
        ticket: &TicketKey,
        what: &str,
        until: impl Fn(&TicketView) -> bool,
    ) -> TicketView {
        let feed = self.app.watch_ticket(ticket.clone());
        let view = self.watch(what, || feed.next(), until).await;
        feed.stop();
        view
    }

    /// Looks at the inbox until it shows `what`.
    pub async fn lists(&self, what: &str, until: impl Fn(&TicketPage) -> bool) -> TicketPage {
        let feed = self.app.watch_tickets(TicketFilter::default(), 0, 50);
        let page = self.watch(what, || feed.next(), until).await;
        feed.stop();
        page
    }

    /// Looks at the outbox until it shows `what`.
    pub async fn outbox(&self, what: &str, until: impl Fn(&[OutboxItem]) -> bool) -> Vec<OutboxItem> {
        let feed = self.app.watch_outbox(None);
        let items = self.watch(what, || feed.next(), |items: &Vec<_>| until(items)).await;
        feed.stop();
        items
    }

    /// Looks at the accounts until they show `what`.
    pub async fn accounts(&self, what: &str, until: impl Fn(&[AccountView]) -> bool) -> Vec<AccountView> {
        let feed = self.app.watch_sync();
        let accounts = self.watch(what, || feed.next(), |accounts: &Vec<_>| until(accounts)).await;
        feed.stop();
        accounts
    }

    /// Nothing is left to send, and everything known is here.
    pub async fn rests(&self) {
        self.outbox("nothing to send", <[_]>::is_empty).await;
        self.accounts("rest", |accounts| accounts.iter().all(|account| account.sync == SyncState::Idle))
            .await;
    }

    /// The ticket leaves this phone.
    pub async fn loses(&self, ticket: &TicketKey, why: &str) {
        let feed = self.app.watch_ticket(ticket.clone());
        let left = async { while feed.next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, left)
            .await
            .unwrap_or_else(|_| panic!("{}'s phone should lose the ticket: {why}", self.owner));
        self.says(format!("no longer sees the ticket: {why}"));
    }

    /// Lets time pass in steps while something is waited for that comes with time alone.
    pub async fn meanwhile<T>(&self, step: Duration, wait: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.time.advance(step);
            }
        };
        tokio::select! { done = wait => done, () = passing => unreachable!("time passes without end") }
    }

    async fn watch<T: Debug, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        next: impl Fn() -> F,
        until: impl Fn(&T) -> bool,
    ) -> T {
        let mut last = None;
        let look = async {
            while let Some(shown) = next().await {
                if until(&shown) {
                    return Some(shown);
                }
                last = Some(shown);
            }
            None
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(Some(shown)) => {
                self.says(format!("sees {what}"));
                shown
            }
            Ok(None) => panic!("{}'s screen ended before it showed {what}; last: {last:#?}", self.owner),
            Err(_) => panic!("{}'s phone never showed {what}; it shows {last:#?}", self.owner),
        }
    }
}

/// A phone whose app does not run.
pub struct Off {
    owner: String,
    home: Arc<tempfile::TempDir>,
    place: Place,
    time: Arc<Time>,
    teller: Teller,
}

impl Off {
    /// Opens the app on the same folder.
    pub async fn opened(self, switch: Switch) -> Phone {
        Phone::on(self, switch).await
    }

    /// Its whole folder.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The folder of the accounts, without the secrets.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("a folder can be made");
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file can be copied");
        }
        let mode = entry.metadata().expect("it is there").permissions();
        std::fs::set_permissions(&target, mode).expect("a mode can be set");
    }
}

/// Whether our server and the desk have it.
pub fn registered(delivery: Option<&Delivery>) -> bool {
    matches!(delivery, Some(Delivery::Registered { .. }))
}

/// Whether the desk's side holds it: for what has no answer of the desk's own (bytes of files, marks).
pub fn with_the_desk(delivery: Option<&Delivery>) -> bool {
    matches!(delivery, Some(Delivery::Delivered { .. } | Delivery::Registered { .. }))
}

/// Whether it is durable here and nowhere else.
pub fn saved(delivery: Option<&Delivery>) -> bool {
    matches!(delivery, Some(Delivery::Saved { .. }))
}

/// The remedies of what needs the person.
pub fn remedies(delivery: Option<&Delivery>) -> Vec<Remedy> {
    match delivery {
        Some(Delivery::Attention { remedies, .. }) => remedies.clone(),
        _ => Vec::new(),
    }
}

/// The comment of these words.
pub fn comment<'a>(view: &'a TicketView, text: &str) -> Option<&'a CommentView> {
    let mut of_these_words = view.comments.iter().filter(|comment| comment.text == text);
    let found = of_these_words.next();
    assert!(of_these_words.next().is_none(), "{text:?} is shown twice: {view:#?}");
    found
}

/// Whether the comment of these words is with the desk.
pub fn said(view: &TicketView, text: &str) -> bool {
    comment(view, text).is_some_and(|comment| registered(comment.delivery.as_ref()))
}
