//! World: n phones (the real engine, the real SQLite under its cipher) and the real server in one process, on one
//! thread, on virtual time, from one seed. The same seed gives the same trace, byte for byte.
//!
//! [`disk`] is below SQLite, [`net`] between phone and router, [`life`] around every task; [`script`] is what happens,
//! [`truth`] what people were promised, [`check`] the properties of design 6. A failing seed is printed with the
//! command that replays it.

mod check;
mod clock;
mod desk;
pub mod disk;
mod life;
mod net;
mod phone;
mod ports;
pub mod proof;
mod script;
mod trace;
mod truth;
mod wire;

use std::{
    cell::RefCell,
    sync::{Arc, PoisonError},
};

use fastrand::Rng;

use self::{
    check::Seen,
    desk::Desk,
    life::Panics,
    net::{Net, Weather},
    phone::Phone,
    ports::stream,
    trace::{Trace, note},
    truth::Truth,
    wire::Wire,
};
pub use script::{Act, journey::Journey};

/// She has two phones.
pub const OLENA: &str = "olena@example.com";
/// He has one.
pub const TARAS: &str = "taras@example.com";
const PHONES: [&str; 3] = [OLENA, OLENA, TARAS];

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Things that happen.
    pub acts: usize,
    /// Seconds in which they do.
    pub seconds: u64,
    /// This told journey instead of a drawn day.
    pub journey: Option<Journey>,
    /// The first phone's app dies at this poll; 0: as the script says.
    pub die_at_poll: u64,
    /// The first phone stops at this change of its disk; 0: as the script says.
    pub stop_at_change: u64,
    /// A fault planted in the product (feature `planted`); empty: none.
    pub planted: &'static str,
    /// Keep the trace's lines.
    pub keep: bool,
}

impl Plan {
    /// A short seed: ten thousand of them are a few minutes.
    pub const SHORT: Self = Self {
        acts: 18,
        seconds: 20,
        journey: None,
        die_at_poll: 0,
        stop_at_change: 0,
        planted: "",
        keep: false,
    };
    /// A fuller one.
    pub const DAY: Self = Self { acts: 40, seconds: 45, ..Self::SHORT };

    /// A told journey.
    pub const fn told(journey: Journey) -> Self {
        Self { journey: Some(journey), ..Self::SHORT }
    }
}

/// What came of a seed.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Sentences, each beginning with the number of the property that does not hold.
    pub problems: Vec<String>,
    /// The trace's lines, if they were to be kept.
    pub lines: Vec<String>,
    /// The trace's hash.
    pub hash: u64,
    /// The trace's length.
    pub count: u64,
    /// Requests of all phones.
    pub requests: u64,
    /// Words that were acknowledged.
    pub words: usize,
    /// Times that an app died.
    pub deaths: u32,
    /// Times that the server was restored.
    pub restores: u32,
    /// Virtual ms until everything had come to rest.
    pub rested_after: u64,
    /// Polls of the first phone's first process until the storm was over.
    pub polls: u64,
    /// Changes of the first phone's disk until then.
    pub changes: u64,
}

/// See the module.
pub struct World {
    trace: Arc<Trace>,
    net: Arc<Net>,
    desk: Desk,
    phones: Vec<Phone>,
    panics: Panics,
    truth: Truth,
    seen: Vec<Seen>,
    problems: Vec<String>,
    /// Chance of the script's details.
    chance: Rng,
    /// Chance of what a power loss leaves.
    fate: Rng,
    endings: Vec<(u64, Ending)>,
    /// Phones whose cache rots until somebody finds it.
    spoilt: [bool; PHONES.len()],
    files: Vec<script::person::Attached>,
}

/// What ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// A phone's dead spot.
    DeadSpot(usize),
    /// A phone's stay in a hotel.
    Hotel(usize),
    /// A phone's disk that is full.
    Full(usize),
    /// The server is away.
    Down,
}

/// Runs a seed to its end.
pub fn run(seed: u64, plan: &Plan) -> Outcome {
    Morning::prepare();
    disk::vfs::host(seed, clock::BEGIN);
    #[cfg(feature = "planted")]
    pocketdesk_protocol::planted::plant(plan.planted);
    let outcome = on_virtual_time(async { World::live(seed, plan).await });
    #[cfg(feature = "planted")]
    pocketdesk_protocol::planted::plant("");
    outcome
}

fn on_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let done = runtime.block_on(work);
    drop(runtime);
    done
}

/// A desk with its people signed in on all phones, made once a thread: most seeds begin as copies of it.
struct Morning {
    desk: Desk,
    phones: Vec<Phone>,
}

thread_local! {
    static MORNING: RefCell<Option<Morning>> = const { RefCell::new(None) };
}

/// Virtual ms that a morning takes; seeds that copy it begin after it.
const MORNING_MS: i64 = 830_000;

impl Morning {
    /// Makes this thread's if there is none yet.
    fn prepare() {
        if MORNING.with_borrow(Option::is_some) {
            return;
        }
        let seed = 0x6d6f_726e;
        disk::vfs::host(seed, clock::BEGIN);
        let morning = on_virtual_time(async {
            let mut world = World::new(seed, false);
            world.sign_in().await;
            world.step(20_000).await;
            for phone in &mut world.phones {
                phone.kill(None);
            }
            world.desk.kill(None);
            assert_eq!(world.problems, Vec::<String>::new(), "a quiet morning");
            Self { desk: world.desk, phones: world.phones }
        });
        MORNING.with_borrow_mut(|kept| *kept = Some(morning));
    }
}

impl World {
    fn new(seed: u64, keep: bool) -> Self {
        let trace = Arc::new(Trace::new(keep));
        let wire = Wire::new(PHONES.len(), desk::receipt_key());
        let net = Net::new(stream(seed, 1), PHONES.len(), wire, trace.clone());
        let panics = Panics::default();
        let desk = Desk::new(seed, net.clone(), trace.clone(), panics.clone());
        let phone = |(number, email): (usize, &'static &'static str)| {
            Phone::new(number, email, seed, net.clone(), trace.clone(), panics.clone())
        };
        let phones: Vec<Phone> = PHONES.iter().enumerate().map(phone).collect();
        Self {
            seen: phones.iter().map(|_| Seen::default()).collect(),
            trace,
            net,
            desk,
            phones,
            panics,
            truth: Truth::default(),
            problems: Vec::new(),
            chance: stream(seed, 2),
            fate: stream(seed, 3),
            endings: Vec::new(),
            spoilt: [false; PHONES.len()],
            files: Vec::new(),
        }
    }

    /// From nothing to three signed-in phones.
    async fn sign_in(&mut self) {
        self.desk.boot().await;
        for phone in &mut self.phones {
            phone.boot().await;
        }
        for phone in 0..self.phones.len() {
            if !self.phones[phone].sign_in(self.desk.mailbox.clone(), 20).await {
                self.problems.push(format!("10: p{phone} cannot sign in"));
            }
        }
        for email in [OLENA, TARAS] {
            let done =
                self.desk.call(|ctx| async move { script::staff::sees_company(&ctx, email, false).await });
            if !matches!(done.await, Some(Ok(()))) {
                self.problems.push(format!("0: {email} cannot be put into the company"));
            }
        }
    }

    async fn live(seed: u64, plan: &Plan) -> Outcome {
        let mut world = Self::new(seed, plan.keep);
        if seed % 16 == 15 {
            world.sign_in().await;
        } else {
            world.copy_morning().await;
        }
        let (day, weather) = match plan.journey {
            Some(journey) => (journey.day(), Weather::MILD),
            None => {
                let mut chance = stream(seed, 4);
                (script::day(&mut chance, world.phones.len(), plan.acts, plan.seconds), Weather::BAD)
            }
        };
        world.net.set_weather(weather);
        if plan.die_at_poll > 0
            && let Some(life) = world.phones[0].life()
        {
            life.die_at(plan.die_at_poll);
        }
        if plan.stop_at_change > 0 {
            let mut disk = world.phones[0].disk().lock();
            disk.stop_at = disk.changes + plan.stop_at_change;
        }
        let (first, changes) = (world.phones[0].life(), world.phones[0].disk().lock().changes);
        let began = world.now();
        for (n, (at, phone, act)) in day.into_iter().enumerate() {
            let wait = (began + at).saturating_sub(world.now());
            world.pass(wait).await;
            world.act(phone, act).await;
            world.revive(false).await;
            if n % 12 == 11 {
                world.look().await;
            }
        }
        let polls = first.map_or(0, |first| first.polls());
        let changes = world.phones[0].disk().lock().changes - changes;
        world.rest().await;
        Outcome { polls, changes, ..world.end() }
    }

    async fn copy_morning(&mut self) {
        MORNING.with_borrow(|morning| {
            let Some(morning) = morning else { return };
            self.desk.begin_as(&morning.desk);
            self.desk.clock.jump(MORNING_MS);
            for (phone, as_it_was) in self.phones.iter_mut().zip(&morning.phones) {
                phone.begin_as(as_it_was);
                phone.clock.jump(MORNING_MS);
            }
        });
        self.desk.boot().await;
        for phone in &mut self.phones {
            phone.boot().await;
        }
    }

    /// Time passes; what ends meanwhile ends.
    async fn pass(&mut self, ms: u64) {
        let until = self.now() + ms;
        loop {
            let next = self.endings.iter().map(|(at, _)| *at).min();
            let to = next.map_or(until, |next| next.min(until));
            self.step(to.saturating_sub(self.now())).await;
            let now = self.now();
            let over: Vec<Ending> =
                self.endings.extract_if(.., |(at, _)| *at <= now).map(|(_, what)| what).collect();
            for what in over {
                self.end_of(what).await;
            }
            if now >= until {
                return;
            }
        }
    }

    async fn end_of(&mut self, what: Ending) {
        note!(self.trace, "over: {what:?}");
        match what {
            Ending::DeadSpot(phone) => self.net.set_dead_spot(phone, false),
            Ending::Hotel(phone) => self.net.set_hotel(phone, false),
            Ending::Full(phone) => self.phones[phone].disk().lock().capacity = None,
            Ending::Down => {
                if !self.desk.is_up() {
                    self.desk.boot().await;
                }
            }
        }
    }

    /// Whether the phone's disk gives it trouble right now.
    fn troubled(&self, phone: usize) -> bool {
        let disk = self.phones[phone].disk().lock();
        disk.capacity.is_some() || disk.failing.end > disk.changes
    }

    /// Starts what is dead; with `all` whatever kept it from starting is over.
    async fn revive(&mut self, all: bool) {
        for phone in 0..self.phones.len() {
            if all {
                let mut disk = self.phones[phone].disk().lock();
                (disk.capacity, disk.failing, disk.stop_at) = (None, 0..0, 0);
                if let Some(life) = self.phones[phone].life() {
                    life.die_at(0);
                }
            }
            if self.phones[phone].is_up() {
                continue;
            }
            if self.phones[phone].has_died() {
                // Its disk stopped, or it reached its poll: killed, or without power.
                if self.fate.bool() {
                    self.lose_power(phone);
                } else {
                    self.phones[phone].kill(None);
                }
            }
            self.phones[phone].boot().await;
        }
        let away = self.endings.iter().any(|(_, what)| *what == Ending::Down);
        if !self.desk.is_up() && (all || !away) {
            self.desk.kill(None);
            self.desk.boot().await;
        }
    }

    /// The storm is over: everything that can go goes, within the time of 3-sync rule 10.
    async fn rest(&mut self) {
        note!(self.trace, "the weather clears");
        self.net.set_weather(Weather::CALM);
        for (_, what) in std::mem::take(&mut self.endings) {
            self.end_of(what).await;
        }
        self.revive(true).await;
        for phone in 0..self.phones.len() {
            self.phones[phone].clock.set_right();
            self.phones[phone].clock.jump(MORNING_MS);
            if let Some(accounts) = self.phones[phone].accounts() {
                accounts.signal(pocketdesk_domain::model::Signal::ClockChanged);
            }
            self.wake(phone);
        }
        // Whoever's session a restored server does not know hears of it now, or when a lost request was waited for.
        for ms in [5_000, 32_000] {
            self.step(ms).await;
            for phone in 0..self.phones.len() {
                self.sign_in_again(phone).await;
            }
        }
        if self.chance.u8(..4) == 0 {
            // The last word is said by another process: the app has to hear of it by itself.
            let phone = self.chance.usize(..self.phones.len());
            self.write_aside(phone, 0).await;
        }
        // What rots unseen is found by who looks; then there is the same time for it as for all else.
        self.look().await;
        self.step(WITHIN_MS).await;
        let spoilt = std::mem::take(&mut self.spoilt);
        self.look_at_rest().await;
        if !self.files.is_empty() {
            // Once cut by something that calls it whole, and once as it is.
            for phone in [0, 1] {
                self.net.cut_file(phone);
                self.download(phone).await;
            }
            self.step(5_000).await;
            for phone in [0, 1] {
                self.download(phone).await;
            }
            self.step(5_000).await;
        }
        let before: Vec<u64> = (0..self.phones.len()).map(|phone| self.net.requests_of(phone)).collect();
        self.step(30_000).await;
        for (phone, before) in before.into_iter().enumerate() {
            let asked = self.net.requests_of(phone) - before;
            if asked > AT_REST {
                self.problems.push(format!("12: p{phone} asks {asked} times in 30 s with nothing to do"));
            }
            let (all, seconds) = (self.net.requests_of(phone), self.now() / 1_000);
            if all > 300 + seconds * 10 {
                self.problems.push(format!("12: p{phone} asked {all} times in {seconds} s"));
            }
        }
        if self.net.defects() > 0 {
            self.problems.push(format!("0: the server answered 500 {} times", self.net.defects()));
        }
        // What rests on the phone survives the loss of its power.
        let phone = self.fate.usize(..self.phones.len());
        self.lose_power(phone);
        self.phones[phone].boot().await;
        // What rotted under pages that the app still held is found now.
        self.spoilt = spoilt;
        self.look().await;
    }

    fn lose_power(&mut self, phone: usize) {
        self.net.wire.power_lost(phone);
        self.phones[phone].kill(Some(&mut self.fate));
        self.seen[phone].forget();
    }

    fn end(mut self) -> Outcome {
        let panics = std::mem::take(&mut *self.panics.lock().unwrap_or_else(PoisonError::into_inner));
        self.problems.extend(panics.into_iter().map(|panic| format!("0: {panic}")));
        self.problems.extend(self.net.wire.problems());
        Outcome {
            problems: std::mem::take(&mut self.problems),
            lines: self.trace.lines(),
            hash: self.trace.hash(),
            count: self.trace.count(),
            requests: self.net.requests(),
            words: self.truth.words.len(),
            deaths: self.phones.iter().map(|phone| phone.deaths).sum(),
            restores: self.desk.restores,
            rested_after: self.now(),
            ..Outcome::default()
        }
    }
}

/// Within which everything has come to rest: a minute after the signal, a Retry-After, the transfer's own time.
const WITHIN_MS: u64 = 95_000;
/// Requests in half a minute of a phone that has nothing to do.
const AT_REST: u64 = 6;

/// Runs each case on `threads` threads; hands each outcome to `each` as it comes.
pub fn run_all(
    cases: impl Iterator<Item = (u64, Plan)> + Send,
    threads: usize,
    each: impl Fn(u64, &Plan, Outcome) + Send + Sync,
) {
    let cases = std::sync::Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((seed, plan)) = next else { return };
                    each(seed, &plan, run(seed, &plan));
                }
            });
        }
    });
}

/// As many threads as this machine has room for.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// For a seed that failed: what to type.
pub fn replay(seed: u64, plan: &Plan) -> String {
    let mut line = format!("cargo x sim --seed {seed}");
    if let Some(journey) = plan.journey {
        line += &format!(" --journey {}", journey.name());
    }
    let mut add = |option: &str, value: u64, usual: u64| {
        if value != usual {
            line += &format!(" --{option} {value}");
        }
    };
    add("acts", plan.acts as u64, Plan::SHORT.acts as u64);
    add("seconds", plan.seconds, Plan::SHORT.seconds);
    add("poll", plan.die_at_poll, 0);
    add("change", plan.stop_at_change, 0);
    if !plan.planted.is_empty() {
        line += &format!(" --planted {}", plan.planted);
    }
    line
}
