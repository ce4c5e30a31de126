//! The core's side: the real facade on a folder of its own, in a process of its own. Only the network port is wrapped, to
//! count requests and to lead the account's fixed address to wherever the desk, or the proxy before it, listens.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture};
use pocketdesk_core::{
    env::{
        Body, Env, NetError, Remote,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    remote::http::Http,
};
use pocketdesk_domain::model::{NewReply, TicketFilter, TicketKey};
use pocketdesk_ffi::{Config, Pocketdesk, Unbound};
use serde_json::{Value, json};

use crate::{
    Result,
    child::{Task, say_ready},
    data::QUERIES,
    desk::ME,
    meter::{Meter, cpu_ms, median, peak_mb, quantile},
};

/// What the account knows the desk by.
const ADDRESS: &str = "http://127.0.0.1:9";
/// Longer than anything here takes.
const LONG_MS: u64 = 600_000;

/// The real client, counted.
struct Counted {
    inner: Http,
    place: String,
    asked: Mutex<Vec<(String, Instant)>>,
    received: Arc<AtomicU64>,
}

impl Remote for Counted {
    fn send(
        &self,
        mut request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let plain = path.split('?').next().unwrap_or_default().to_owned();
        self.asked.lock().expect("no holder panics").push((plain, Instant::now()));
        *request.uri_mut() =
            format!("{}{path}", self.place).parse().expect("a place and a path make an address");
        let (answer, received) = (self.inner.send(request), self.received.clone());
        Box::pin(async move {
            let count = move |chunk: Result<Bytes, NetError>| {
                chunk.inspect(|chunk| {
                    received.fetch_add(chunk.len() as u64, Ordering::SeqCst);
                })
            };
            Ok(answer.await?.map(|body| body.map(count).boxed()))
        })
    }
}

struct Phone {
    app: Arc<Pocketdesk>,
    net: Arc<Counted>,
}

impl Phone {
    async fn open(dir: &Path, place: &str, automatic: bool, offline: bool) -> Result<Self> {
        let net = Arc::new(Counted {
            inner: Http::new(&[])?,
            place: place.to_owned(),
            asked: Mutex::default(),
            received: Arc::default(),
        });
        let env = Env {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            secrets: Arc::new(FileSecrets::new(dir.join("secrets"))),
            remote: net.clone(),
            work: Arc::new(SystemWork::new(tokio::runtime::Handle::current())),
        };
        let mut config = Config::new(dir.join("data").display().to_string(), "a measured phone", "en");
        (config.automatic, config.offline) = (automatic, offline);
        Ok(Self { app: Pocketdesk::open_with(config, env).await?, net })
    }

    fn asked(&self) -> Vec<(String, Instant)> {
        self.net.asked.lock().expect("no holder panics").clone()
    }

    async fn account(&self) -> Result<String> {
        Ok(self.app.accounts().await?.first().ok_or("the phone has no account")?.account.clone())
    }
}

/// Makes a signed-in phone that has synced nothing yet; run by the process that has the desk.
pub async fn sign_in(dir: &Path, desk: &crate::desk::Desk) -> Result<()> {
    let phone = Phone::open(dir, &desk.running.url(), false, false).await?;
    phone.app.start_sign_in(ADDRESS.into(), ME.into()).await?;
    let code = desk.running.code(ME).await;
    phone.app.finish_sign_in(ADDRESS.into(), ME.into(), code, Unbound::Ask).await?;
    phone.app.shut_down().await;
    Ok(())
}

/// Does one task and says what it cost.
pub async fn run(task: &Task, meter: Meter) -> Result<Value> {
    let automatic = matches!(task.name.as_str(), "first" | "idle" | "delta");
    let offline = matches!(task.name.as_str(), "write" | "push" | "reads" | "cold");
    let phone = Phone::open(&task.dir, &task.url, automatic, offline).await?;
    let measured = match task.name.as_str() {
        "sync" => sync(&phone, meter).await?,
        "first" => first(&phone, meter).await?,
        "idle" => idle(meter).await?,
        "write" => write(&phone, task).await?,
        "push" => push(&phone, task).await?,
        "delta" => delta(&phone, task).await?,
        "reads" => reads(&phone, task).await?,
        "cold" => {
            let page = phone.app.tickets(TicketFilter::default(), 0, 50).await?;
            json!({ "cpu_ms": meter.cpu_ms(), "wall_ms": meter.wall_ms(), "tickets": page.tickets.len() })
        }
        other => return Err(format!("no such task: {other}").into()),
    };
    phone.app.shut_down().await;
    Ok(measured)
}

async fn sync(phone: &Phone, meter: Meter) -> Result<Value> {
    phone.app.sync_now(None, LONG_MS).await?;
    let (cpu, wall, peak) = (meter.cpu_ms(), meter.wall_ms(), peak_mb());
    let page = phone.app.tickets(TicketFilter::default(), 0, 50).await?;
    if page.loading {
        return Err("the first sync did not come to its end".into());
    }
    Ok(json!({ "cpu_ms": cpu, "wall_ms": wall, "peak_mb": peak, "tickets": page.total }))
}

async fn first(phone: &Phone, meter: Meter) -> Result<Value> {
    let feed = phone.app.watch_tickets(TicketFilter::default(), 0, 50);
    while feed.next().await.ok_or("the list ended")?.tickets.len() < 50 {}
    let (first, received) = (meter.wall_ms(), phone.net.received.load(Ordering::SeqCst));
    feed.stop();
    phone.app.sync_now(None, LONG_MS).await?;
    Ok(json!({ "first_ms": first, "first_kb": received as f64 / 1024.0, "wall_ms": meter.wall_ms() }))
}

/// Lets it merge its index until it is quiet.
async fn idle(meter: Meter) -> Result<Value> {
    let mut last = cpu_ms();
    loop {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let now = cpu_ms();
        if now - last < 7.0 {
            return Ok(json!({ "cpu_ms": meter.cpu_ms() }));
        }
        last = now;
    }
}

async fn replies(phone: &Phone, account: &str, task: &Task) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for (ticket, text) in &task.replies {
        let key = TicketKey { account: account.to_owned(), id: ticket.to_string() };
        let reply = NewReply { text: text.clone(), ..NewReply::default() };
        let began = Instant::now();
        phone.app.reply(key, reply).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

async fn write(phone: &Phone, task: &Task) -> Result<Value> {
    let account = phone.account().await?;
    let meter = Meter::start();
    let times = replies(phone, &account, task).await?;
    let each = meter.cpu_ms() / times.len() as f64;
    Ok(json!({ "median_ms": median(&times), "p99_ms": quantile(&times, 0.99), "cpu_ms": each }))
}

async fn push(phone: &Phone, task: &Task) -> Result<Value> {
    // What the others' pushes left at the desk comes first, or it would be counted here.
    phone.app.set_offline(false);
    phone.app.sync_now(None, LONG_MS).await?;
    phone.app.set_offline(true);
    replies(phone, &phone.account().await?, task).await?;
    let before = phone.asked().len();
    let received = phone.net.received.load(Ordering::SeqCst);
    let meter = Meter::start();
    phone.app.set_offline(false);
    let report = phone.app.sync_now(None, LONG_MS).await?;
    let (cpu, wall) = (meter.cpu_ms(), meter.wall_ms());
    let asked: Vec<String> = phone.asked().split_off(before).into_iter().map(|(path, _)| path).collect();
    if report.waiting > 0 || report.attention > 0 {
        return Err(format!("the push left something behind: {report:?}").into());
    }
    let pushes = asked.iter().filter(|path| *path == "/sync").count();
    let kb = (phone.net.received.load(Ordering::SeqCst) - received) as f64 / 1024.0;
    Ok(json!({
        "cpu_ms": cpu, "wall_ms": wall, "pushes": pushes, "requests": asked.len(), "rows": report.pulled, "kb": kb
    }))
}

async fn delta(phone: &Phone, task: &Task) -> Result<Value> {
    let key = TicketKey { account: phone.account().await?, id: task.ticket()?.to_string() };
    phone.app.sync_now(None, LONG_MS).await?;
    while !phone.asked().iter().any(|(path, _)| path == "/live") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let feed = phone.app.watch_ticket(key);
    let before = feed.next().await.ok_or("the ticket is not there")?.summary.status;
    // The stream's hello, and whatever it moves, comes before the change.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let asked_before = phone.asked().len();
    let meter = Meter::start();
    say_ready();
    while feed.next().await.ok_or("the ticket went")?.summary.status == before {}
    let shown = Instant::now();
    let cpu = meter.cpu_ms();
    // What a second request for the same change would be, is asked for at once.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = phone.asked().split_off(asked_before);
    let pull = asked.first().ok_or("nothing was asked for")?.1;
    Ok(json!({
        "cpu_ms": cpu, "wall_ms": shown.duration_since(pull).as_secs_f64() * 1e3, "requests": asked.len()
    }))
}

async fn reads(phone: &Phone, task: &Task) -> Result<Value> {
    let account = phone.account().await?;
    let list = || async { Ok(phone.app.tickets(TicketFilter::default(), 0, 50).await?.tickets.len()) };
    let list = timed(task.rounds, list).await?;
    let mut at = 0;
    let ticket = timed(task.rounds, || {
        at += 1;
        let key =
            TicketKey { account: account.clone(), id: task.tickets[at % task.tickets.len()].to_string() };
        async move { Ok(phone.app.ticket(key).await?.comments.len()) }
    })
    .await?;
    let mut found = Vec::new();
    for ranked in [false, true] {
        let mut at = 0;
        let search = timed(task.rounds, || {
            at += 1;
            let query = QUERIES[at % QUERIES.len()].to_owned();
            async move { Ok(phone.app.search(None, query, ranked, 20).await?.len()) }
        })
        .await?;
        found.push(search);
    }
    Ok(crate::child::reads_json(list, ticket, found[0], found[1]))
}

/// CPU of one call, ms: of the whole loop, for one call is too short to be measured; and how much it gave.
async fn timed<F: Future<Output = Result<usize>>>(
    rounds: usize,
    mut call: impl FnMut() -> F,
) -> Result<(f64, f64)> {
    for _ in 0..rounds.div_ceil(10) {
        call().await?;
    }
    let (meter, mut sum) = (Meter::start(), 0);
    for _ in 0..rounds {
        sum += call().await?;
    }
    Ok((meter.cpu_ms() / rounds as f64, sum as f64 / rounds as f64))
}
