//! Runs the sync machine of one account: hands in what happened, carries out what it orders, in order. The machine
//! decides; this file knows channels, timers and clocks, and [`super::effects`] the store and the network.
//!
//! All that must survive is in own.db and the cache files, so trouble with the files has one remedy: this
//! incarnation ends, and a moment later another one starts from what the disk says.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::{AbortHandle, Abortable, Either, select};
use pocketdesk_domain::{
    model::SyncState,
    sync::{Exchange, Input, Now, Signal, State},
};
use pocketdesk_protocol::{Millis, session::Me, sync::SyncResponse};
use tokio::sync::{mpsc, oneshot};

use super::{account::Account, exchanges::Page, topics::Topic};
use crate::{
    error::{Error, Result},
    remote::{
        answer::Failure,
        snapshot::{Frame, Frames},
    },
    store::{CacheName, Store, StoreError, SyncLock},
};

/// What a runner hears of.
pub(crate) enum Mail {
    /// own.db was written, here or by another process.
    OwnMoved,
    /// The world around.
    Signal(Signal),
    /// Something that concerns the machine alone.
    Input(Input),
    /// An answer of a push or pull.
    Answer(Box<Answered>),
    /// An answer of `GET /me`.
    Me { exchange: Exchange, token: String, outcome: Result<Box<Me>, Failure> },
    /// The first frame of a snapshot.
    Frames { exchange: Exchange, token: String, outcome: Result<Box<(Frame, Frames)>, Failure> },
    /// Something went wrong with the files in a task of the runner's.
    Trouble(Error),
    /// A reader found own.db (none) or this cache file damaged.
    Unreadable(Option<CacheName>),
    /// Tell when nothing more is to be done now.
    WhenSettled(oneshot::Sender<()>),
    /// The person signed in: begin again from what the disk says.
    Restart,
    /// End.
    Stop,
}

/// An answer of a push or pull, and what it was asked with.
pub(crate) struct Answered {
    pub exchange: Exchange,
    pub token: String,
    pub outcome: Result<SyncResponse, Failure>,
    pub page: Option<Page>,
    pub asked_at: i64,
}

/// Between incarnations, after trouble with the files.
const PAUSE: Duration = Duration::from_secs(5);
/// A timer is looked at this often at least: the wall clock may be set, and a phone sleeps.
const LOOK: Duration = Duration::from_secs(30);
/// The search index is merged when nothing has happened for so long: screens read what has just come.
const QUIET: Duration = Duration::from_millis(300);
/// Clocks may drift apart by so much between two looks before one is thought to have been set, ms.
const DRIFT_MS: i64 = 5_000;

/// How an incarnation ended.
enum End {
    Stopped,
    Restart,
}

impl Account {
    /// Syncs until told to stop; holds the account's lock as long.
    pub(crate) async fn run(self: Arc<Self>, lock: SyncLock, mut mail: mpsc::UnboundedReceiver<Mail>) {
        let _lock = lock;
        loop {
            let ended = {
                let uploads = pin!(self.clone().upload_loop());
                let machine = pin!(self.incarnation(&mut mail));
                match select(machine, uploads).await {
                    Either::Left((ended, _)) => ended,
                    Either::Right(_) => Ok(End::Stopped),
                }
            };
            self.standing().sending.clear();
            if let Err(error) = &ended {
                self.note_error(error);
            }
            match ended {
                Ok(End::Stopped) | Err(Error::Closed) => break,
                Ok(End::Restart) => {}
                Err(Error::Store(StoreError::Damaged { .. } | StoreError::WrongKey { .. }))
                    if matches!(self.own_is_damaged().await, Ok(true)) =>
                {
                    tracing::error!(account = %self.name, "the account's files are damaged; they are only read from now on");
                    break;
                }
                Err(Error::Store(StoreError::ReadOnly { why })) => {
                    // The newer app syncs from now on: the account's lock is its to take.
                    self.only_read(&why);
                    break;
                }
                Err(Error::Store(StoreError::Damaged { .. } | StoreError::Gone)) => {
                    tracing::error!(account = %self.name, "the cache cannot be read; it is built anew");
                    let forgotten = self.store.run(|store: &mut Store| store.forget_cache()).await;
                    if let Ok(changes) = forgotten {
                        self.shared.topics.commit(&changes);
                    }
                    self.shared.env.clock.sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::error!(account = %self.name, %error, "syncing stopped; it starts again from what is on the disk");
                    self.shared.env.clock.sleep(PAUSE).await;
                }
            }
            if mail.is_closed() {
                // Told to end where no mail was read: on a disk that is full no incarnation comes so far.
                break;
            }
        }
        self.keep_errors().await;
        self.show(&[Topic::Sync, Topic::Outbox, Topic::Tickets], |standing| standing.sync = SyncState::Idle);
    }

    async fn incarnation(self: &Arc<Self>, mail: &mut mpsc::UnboundedReceiver<Mail>) -> Result<End> {
        let (tx, mut inner) = mpsc::unbounded_channel();
        let mut runner = Runner {
            account: self.clone(),
            state: State::default(),
            to_self: tx,
            inputs: VecDeque::new(),
            timer: None,
            pages: BTreeMap::new(),
            frames: Mutex::default(),
            tasks: BTreeMap::new(),
            live: None,
            rejected: None,
            settled: Vec::new(),
            clocks: (0, 0),
            index: true,
            heard: None,
        };
        runner.clocks = runner.read_clocks();
        let start = runner.start().await?;
        runner.inputs.push_back(Input::Started(start));
        let network = runner.network();
        runner.inputs.push_back(Input::Signal(network));
        // A sync that was asked for and ends by itself does not listen for news.
        let foreground = self.shared.settings.automatic && self.shared.network().foreground;
        runner.inputs.push_back(Input::Signal(if foreground {
            Signal::Foreground
        } else {
            Signal::Background
        }));
        let mut quiet = false;
        loop {
            runner.turn().await?;
            let idle = runner.has_idle_work();
            let next = if idle && quiet {
                runner.idle_work().await?;
                match mail.try_recv() {
                    Ok(mail) => Some(mail),
                    Err(mpsc::error::TryRecvError::Empty) => inner.try_recv().ok(),
                    Err(mpsc::error::TryRecvError::Disconnected) => return Ok(End::Stopped),
                }
            } else {
                let timer = runner.until_timer();
                let wait = if idle { QUIET.min(timer) } else { timer };
                let (outer, inner) = (pin!(mail.recv()), pin!(inner.recv()));
                match select(select(outer, inner), self.shared.env.clock.sleep(wait)).await {
                    Either::Left((Either::Left((None, _)), _)) => return Ok(End::Stopped),
                    Either::Left((Either::Left((mail, _)) | Either::Right((mail, _)), _)) => mail,
                    Either::Right(_) => {
                        quiet = idle && wait == QUIET;
                        None
                    }
                }
            };
            quiet &= next.is_none();
            match next {
                Some(Mail::Stop) => return Ok(End::Stopped),
                Some(Mail::Restart) => return Ok(End::Restart),
                Some(mail) => runner.hear(mail).await?,
                None => {}
            }
            runner.look_at_clocks();
        }
    }
}

/// One incarnation.
pub(super) struct Runner {
    pub account: Arc<Account>,
    pub state: State,
    /// Answers of the runner's own tasks; they die with the incarnation.
    pub to_self: mpsc::UnboundedSender<Mail>,
    pub inputs: VecDeque<Input>,
    pub timer: Option<i64>,
    /// Pages that came, until the machine says what to do with them.
    pub pages: BTreeMap<Exchange, Page>,
    /// Streams of frames that began.
    pub frames: Mutex<BTreeMap<Exchange, (Frame, Frames)>>,
    /// Requests under way.
    pub tasks: BTreeMap<Exchange, Task>,
    pub live: Option<Task>,
    /// The token that a 401 spoke of.
    pub rejected: Option<String>,
    settled: Vec<oneshot::Sender<()>>,
    /// Wall and monotonic clock at the last look.
    clocks: (i64, u64),
    /// Whether the search index has work left for idle moments.
    pub index: bool,
    /// Server time of the last answer and the phone's clock at it, ms, until the next commit of own.db takes them
    /// along: by itself it is not worth one.
    pub heard: Option<(Millis, Millis)>,
}

/// A task that ends when this is dropped.
pub(super) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Runner {
    /// Starts something that reports to this runner and ends with it.
    pub fn task(&self, work: impl Future<Output = ()> + Send + 'static) -> Task {
        let (abort, registration) = AbortHandle::new_pair();
        let work = Abortable::new(work, registration);
        self.account.shared.env.work.spawn(Box::pin(async move {
            // Aborted or done: nobody waits for it.
            let _ = work.await;
        }));
        Task(abort)
    }

    /// Steps the machine until it has nothing more to order.
    async fn turn(&mut self) -> Result<()> {
        while let Some(input) = self.inputs.pop_front() {
            let mut random = [0; 4];
            self.account.shared.env.rng.fill(&mut random);
            let now = Now { at: self.now(), random: u32::from_le_bytes(random) };
            for effect in self.state.step(input, now) {
                self.carry_out(effect).await?;
            }
        }
        if let Some(heard) = self.heard.take() {
            self.account.record(move |tx| Ok(tx.note_heard(Some(heard))?)).await?;
        }
        let state = self.state.sync_state(self.now());
        let moved = self.account.standing().sync != state;
        if moved {
            self.account.show(&[Topic::Sync], |standing| standing.sync = state);
        }
        if self.state.is_settled(self.now()) {
            for waiting in self.settled.drain(..) {
                let _ = waiting.send(());
            }
        }
        Ok(())
    }

    async fn hear(&mut self, mail: Mail) -> Result<()> {
        match mail {
            Mail::OwnMoved => {
                let ops = self.queued_ops().await?;
                self.inputs.push_back(Input::Ops(ops));
            }
            Mail::Signal(signal) => self.inputs.push_back(Input::Signal(signal)),
            Mail::Input(input) => self.inputs.push_back(input),
            Mail::Answer(answered) => self.answered(*answered).await?,
            Mail::Me { exchange, token, outcome } => self.me(exchange, token, outcome).await?,
            Mail::Frames { exchange, token, outcome } => self.frames_began(exchange, token, outcome),
            Mail::Trouble(error) => return Err(error),
            Mail::Unreadable(file) => {
                let active = self.account.store.run(|store: &mut Store| store.cache_state()).await?.active;
                // A file that was replaced meanwhile is nobody's trouble any more.
                if file.is_none() || file == active.map(|facts| facts.name) {
                    let file = file.map_or_else(|| "own.db".to_owned(), |name| name.as_str().to_owned());
                    return Err(StoreError::Damaged { file }.into());
                }
            }
            Mail::WhenSettled(tell) => self.settled.push(tell),
            Mail::Restart | Mail::Stop => {}
        }
        Ok(())
    }

    pub fn now(&self) -> i64 {
        self.account.shared.env.clock.now()
    }

    fn read_clocks(&self) -> (i64, u64) {
        let clock = &self.account.shared.env.clock;
        (clock.now(), clock.monotonic())
    }

    fn until_timer(&self) -> Duration {
        let wait = self.timer.map_or(i64::MAX, |due| due.saturating_sub(self.now()).max(0));
        LOOK.min(Duration::from_millis(wait.cast_unsigned()))
    }

    fn look_at_clocks(&mut self) {
        let (wall, monotonic) = self.read_clocks();
        let passed = i64::try_from(monotonic.saturating_sub(self.clocks.1)).unwrap_or(i64::MAX);
        let drift = wall.saturating_sub(self.clocks.0).saturating_sub(passed);
        self.clocks = (wall, monotonic);
        if drift.abs() > DRIFT_MS {
            self.inputs.push_back(Input::ClockJumped);
        }
        if self.timer.is_some_and(|due| due <= wall) {
            self.timer = None;
            self.inputs.push_back(Input::Timer);
        }
    }

    /// The network as the machine should see it.
    pub fn network(&self) -> Signal {
        self.account.shared.network_signal()
    }

    /// The search index may have to be brought up to date, and there is nothing else to do.
    fn has_idle_work(&self) -> bool {
        self.index && self.inputs.is_empty() && self.state.is_settled(self.now())
    }

    async fn idle_work(&mut self) -> Result<()> {
        self.index = self.account.store.run(|store: &mut Store| store.merge_some()).await?;
        Ok(())
    }
}
