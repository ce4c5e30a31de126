//! The network at the Remote port. Every request has its fate drawn once, in a fixed order, from the net's own
//! stream. Behind it the server's router answers in tasks of the *server's* life: a client that hangs up stops no
//! commit. What is lost is a future that never ends, not an error: only the caller's own time-out ends it.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body as ServerBody, extract::ConnectInfo};
use bytes::Bytes;
use fastrand::Rng;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use pocketdesk_core::env::{Body, NetError, Remote};
use pocketdesk_protocol::sync::SyncRequest;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use tower::ServiceExt as _;

use super::{
    life::Life,
    trace::{Trace, note},
    wire::Wire,
};

/// How bad it is, in percent of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Refused at once.
    pub unreachable: u32,
    /// The request never arrives.
    pub lose_request: u32,
    /// It arrives twice.
    pub double: u32,
    /// It arrives so late that others overtake it.
    pub late: u32,
    /// It arrives cut.
    pub cut_request: u32,
    /// The answer never arrives.
    pub lose_answer: u32,
    /// The answer arrives cut.
    pub cut_answer: u32,
    /// A proxy answers instead.
    pub proxy: u32,
    /// Ms to and fro at most.
    pub delay: u64,
}

impl Weather {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        unreachable: 0,
        lose_request: 0,
        double: 0,
        late: 0,
        cut_request: 0,
        lose_answer: 0,
        cut_answer: 0,
        proxy: 0,
        delay: 40,
    };
    /// A told journey's: enough goes wrong that ways part, not so much that the story is another one.
    pub const MILD: Self = Self { double: 4, lose_answer: 4, cut_answer: 3, delay: 120, ..Self::CALM };
    /// A train in the hills.
    pub const BAD: Self = Self {
        unreachable: 3,
        lose_request: 6,
        double: 6,
        late: 5,
        cut_request: 3,
        lose_answer: 8,
        cut_answer: 6,
        proxy: 5,
        delay: 400,
    };
}

/// How long the answer to a push takes that was slowed down, less than its caller waits for.
const SLOW_MS: u64 = 16_000;

/// What becomes of one request.
struct Fate {
    unreachable: bool,
    lose_request: bool,
    again_after: Option<u64>,
    up: u64,
    cut_request: bool,
    down: u64,
    lose_answer: bool,
    cut_answer: Option<usize>,
    /// Whoever cut it ends it as if it were whole.
    quietly: bool,
    proxy: Option<Proxy>,
    /// Whoever has not paid for the hotel's network gets this.
    hotel: Proxy,
    chunk: u64,
}

/// What stands in between answers, without our protocol's header.
#[derive(Clone, Copy)]
enum Proxy {
    /// A hotel's page, or a company's firewall, with this status.
    Page(u16),
    /// Not before so many seconds.
    TooMany(u64),
}

/// Statuses that a phone might take for its desk's.
const PAGES: [u16; 9] = [200, 302, 401, 403, 404, 413, 426, 502, 503];

impl Fate {
    fn draw(rng: &mut Rng, weather: Weather) -> Self {
        let delay = weather.delay.max(6);
        // Every draw is made, whatever came of the ones before: one fate does not shift the next.
        let dice: [u32; 8] = std::array::from_fn(|_| rng.u32(..100));
        let (up, down, chunk) = (rng.u64(5..delay), rng.u64(5..delay), rng.u64(..delay.min(20)));
        let (again, late, cut, wait) =
            (rng.u64(1..3_000), rng.u64(1_000..20_000), rng.usize(..900), rng.u64(1..20));
        let page = rng.usize(..PAGES.len() + 1);
        let proxy = PAGES.get(page).map_or(Proxy::TooMany(wait), |status| Proxy::Page(*status));
        let (hotel, quietly) = (rng.usize(..PAGES.len()), rng.bool());
        Self {
            unreachable: dice[0] < weather.unreachable,
            lose_request: dice[1] < weather.lose_request,
            again_after: (dice[2] < weather.double).then_some(again),
            up: if dice[3] < weather.late { up + late } else { up },
            cut_request: dice[4] < weather.cut_request,
            down,
            lose_answer: dice[5] < weather.lose_answer,
            cut_answer: (dice[6] < weather.cut_answer).then_some(cut),
            quietly,
            proxy: (dice[7] < weather.proxy).then_some(proxy),
            hotel: Proxy::Page(PAGES[hotel]),
            chunk,
        }
    }
}

/// A server that answers, and the life its work belongs to.
#[derive(Clone)]
pub struct Behind {
    /// Its routes.
    pub router: Router,
    /// Its incarnation.
    pub life: Arc<Life>,
}

/// See the module.
pub struct Net {
    rng: Mutex<Rng>,
    weather: Mutex<Weather>,
    behind: Mutex<Option<Behind>>,
    /// Phones in a dead spot.
    dead_spots: Mutex<BTreeSet<usize>>,
    /// Phones in a hotel whose network nobody has paid for.
    hotels: Mutex<BTreeSet<usize>>,
    /// Phones the answer to whose next push takes its time.
    slow: Mutex<BTreeSet<usize>>,
    /// Phones whose next file is cut short by something that calls it whole.
    cut_file: Mutex<BTreeSet<usize>>,
    /// What is judged as it goes by.
    pub wire: Wire,
    began: Instant,
    trace: Arc<Trace>,
    requests: AtomicU64,
    /// Answers of 500: a defect of the server, whatever the phone makes of it.
    defects: AtomicU64,
    by_phone: Vec<AtomicU64>,
}

impl Net {
    /// Of so many phones.
    pub fn new(rng: Rng, phones: usize, wire: Wire, trace: Arc<Trace>) -> Arc<Self> {
        Arc::new(Self {
            rng: Mutex::new(rng),
            weather: Mutex::new(Weather::CALM),
            behind: Mutex::default(),
            dead_spots: Mutex::default(),
            hotels: Mutex::default(),
            slow: Mutex::default(),
            cut_file: Mutex::default(),
            wire,
            began: Instant::now(),
            trace,
            requests: 0.into(),
            defects: 0.into(),
            by_phone: (0..phones).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// The weather changes.
    pub fn set_weather(&self, weather: Weather) {
        *held(&self.weather) = weather;
    }

    /// A server starts or goes.
    pub fn set_server(&self, behind: Option<Behind>) {
        *held(&self.behind) = behind;
    }

    /// A phone enters or leaves a dead spot.
    pub fn set_dead_spot(&self, phone: usize, dead: bool) {
        if dead {
            held(&self.dead_spots).insert(phone)
        } else {
            held(&self.dead_spots).remove(&phone)
        };
    }

    /// A phone enters or leaves a hotel.
    pub fn set_hotel(&self, phone: usize, there: bool) {
        if there {
            held(&self.hotels).insert(phone)
        } else {
            held(&self.hotels).remove(&phone)
        };
    }

    /// The answer to this phone's next push comes so late that much else happens before.
    pub fn slow_down(&self, phone: usize) {
        held(&self.slow).insert(phone);
    }

    /// The next file this phone fetches is cut short, and nobody says so.
    pub fn cut_file(&self, phone: usize) {
        held(&self.cut_file).insert(phone);
    }

    fn failed(&self, phone: usize, path: &str) {
        self.wire.failed(phone, path, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests of a phone so far.
    pub fn requests_of(&self, phone: usize) -> u64 {
        self.by_phone[phone].load(Ordering::Relaxed)
    }

    /// Answers of status 500 so far.
    pub fn defects(&self) -> u64 {
        self.defects.load(Ordering::Relaxed)
    }

    fn in_dead_spot(&self, phone: usize) -> bool {
        held(&self.dead_spots).contains(&phone)
    }

    /// Hands a request to the server; resolves with the head of its answer.
    async fn deliver(
        &self,
        request: http::Request<Bytes>,
        cut: bool,
    ) -> Result<http::Response<Body>, NetError> {
        let Some(Behind { router, life }) = held(&self.behind).clone() else {
            return Err(NetError::Unreachable);
        };
        let mut request = request.map(|body| {
            if cut {
                let half = Ok(body.slice(..body.len() / 2));
                ServerBody::from_stream(stream::iter([half, Err(std::io::Error::other("cut"))]))
            } else {
                ServerBody::from(body)
            }
        });
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))));
        let (tell, answer) = oneshot::channel();
        life.spawn(Box::pin(async move {
            let Ok(response) = router.oneshot(request).await;
            let (head, mut body) = response.into_parts();
            let (chunks, arriving) = mpsc::channel(4);
            if tell.send((head, arriving)).is_err() {
                return;
            }
            let mut body = std::mem::take(&mut body).into_data_stream();
            loop {
                // A client that is gone lets go of the stream, as a closed connection does.
                let chunk =
                    match futures_util::future::select(body.next(), std::pin::pin!(chunks.closed())).await {
                        futures_util::future::Either::Left((chunk, _)) => chunk,
                        futures_util::future::Either::Right(_) => return,
                    };
                let (last, chunk) = match chunk {
                    None => (true, Some(None)),
                    Some(Ok(chunk)) => (false, Some(Some(chunk))),
                    Some(Err(_)) => (true, None),
                };
                if let Some(chunk) = chunk
                    && chunks.send(chunk).await.is_err()
                {
                    return;
                }
                if last {
                    return;
                }
            }
        }));
        let (head, arriving) = answer.await.map_err(|_| NetError::Cut)?;
        if head.status == http::StatusCode::INTERNAL_SERVER_ERROR {
            self.defects.fetch_add(1, Ordering::Relaxed);
        }
        // Without its end mark a body was cut: its server died.
        let body = stream::unfold(Some(arriving), |arriving| async move {
            let mut arriving = arriving?;
            match arriving.recv().await {
                Some(Some(chunk)) => Some((Ok(chunk), Some(arriving))),
                Some(None) => None,
                None => Some((Err(NetError::Cut), None)),
            }
        });
        Ok(http::Response::from_parts(head, body.boxed()))
    }
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One phone's way to the server.
pub struct Link {
    /// The network.
    pub net: Arc<Net>,
    /// Which phone.
    pub phone: usize,
}

impl Remote for Link {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        let (net, phone) = (self.net.clone(), self.phone);
        let weather = *held(&net.weather);
        let mut fate = Fate::draw(&mut held(&net.rng), weather);
        if request.uri().path() == "/sync" && held(&net.slow).remove(&phone) {
            fate = Fate { up: 50, down: SLOW_MS, ..Fate::draw(&mut Rng::with_seed(0), Weather::CALM) };
        }
        if request.uri().path().starts_with("/attachments/") && held(&net.cut_file).remove(&phone) {
            fate = Fate { cut_answer: Some(500), quietly: true, lose_answer: false, ..fate };
        }
        net.wire.asked(phone, &request);
        let number = net.requests.fetch_add(1, Ordering::Relaxed);
        net.by_phone[phone].fetch_add(1, Ordering::Relaxed);
        async move {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            note!(net.trace, "p{phone} #{number} {method} {path} {} B", request.body().len());
            if net.trace.is_read() && path == "/sync" {
                note!(net.trace, "   #{number} {}", ops_in(request.body()));
            }
            if fate.unreachable {
                note!(net.trace, "   #{number} refused");
                net.failed(phone, &path);
                return Err(NetError::Unreachable);
            }
            sleep(Duration::from_millis(fate.up)).await;
            if fate.lose_request || net.in_dead_spot(phone) {
                note!(net.trace, "   #{number} lost on the way up");
                return std::future::pending().await;
            }
            let hotel = held(&net.hotels).contains(&phone).then_some(fate.hotel);
            if let Some(proxy) = hotel.or(fate.proxy) {
                note!(net.trace, "   #{number} something in between answers");
                net.failed(phone, &path);
                return Ok(proxy.answer());
            }
            if let Some(after) = fate.again_after {
                let (net, again) = (net.clone(), copy(&request));
                tokio::spawn(async move {
                    sleep(Duration::from_millis(after)).await;
                    note!(net.trace, "   #{number} arrives again");
                    drop(net.deliver(again, false).await);
                });
            }
            let answer = net.deliver(request, fate.cut_request).await;
            sleep(Duration::from_millis(fate.down)).await;
            if fate.lose_answer || net.in_dead_spot(phone) {
                note!(net.trace, "   #{number} answer lost");
                return std::future::pending().await;
            }
            let answer = answer.inspect_err(|error| {
                note!(net.trace, "   #{number} {error}");
                net.failed(phone, &path);
            })?;
            net.wire.answered(phone);
            note!(net.trace, "   #{number} -> {}", answer.status().as_u16());
            let judged = path == "/sync" || path == "/pull";
            let read = net.trace.is_read() && (path == "/sync" || path == "/pull");
            Ok(answer.map(|body| {
                let body = shaped(body, fate.chunk, fate.cut_answer, fate.quietly);
                let body = if read { read_aloud(body, number, net.trace.clone()) } else { body };
                body.inspect(move |chunk| {
                    if let Ok(chunk) = chunk
                        && judged
                    {
                        net.wire.said(phone, chunk);
                    }
                })
                .boxed()
            }))
        }
        .boxed()
    }
}

/// The ops of a push, for whoever reads the trace.
fn ops_in(body: &[u8]) -> String {
    let plain = zstd::decode_all(body).unwrap_or_else(|_| body.to_vec());
    let Ok(request) = serde_json::from_slice::<SyncRequest>(&plain) else { return "not readable".into() };
    let ops = request.ops.iter().map(|op| format!("{} {} after {:?}", op.kind, op.op, op.prev));
    format!(
        "{:?}, cursor {}: {}",
        request.epoch,
        request.cursor.is_some(),
        ops.collect::<Vec<_>>().join("; ")
    )
}

fn read_aloud(body: Body, number: u64, trace: Arc<Trace>) -> Body {
    body.inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            let text = String::from_utf8_lossy(chunk);
            note!(trace, "   #{number} says {}", text.chars().take(600).collect::<String>());
        }
    })
    .boxed()
}

fn copy(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    let mut copy = http::Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// A body whose chunks take their time, and which may end in the middle.
fn shaped(body: Body, delay: u64, cut: Option<usize>, quietly: bool) -> Body {
    stream::unfold((body, cut, false), move |(mut body, mut left, over)| async move {
        if over {
            return None;
        }
        let chunk = body.next().await?;
        if delay > 0 {
            sleep(Duration::from_millis(delay)).await;
        }
        let chunk = match (&mut left, chunk) {
            (Some(0), Ok(_)) if quietly => return None,
            (Some(0), Ok(_)) => Err(NetError::Cut),
            (Some(left), Ok(chunk)) => {
                let taken = chunk.len().min(*left);
                *left -= taken;
                Ok(chunk.slice(..taken))
            }
            (_, chunk) => chunk,
        };
        let over = chunk.is_err();
        Some((chunk, (body, left, over)))
    })
    .boxed()
}

impl Proxy {
    fn answer(self) -> http::Response<Body> {
        let (status, text) = match self {
            Self::Page(status) => (status, "<html><title>Welcome to our hotel</title></html>"),
            Self::TooMany(_) => (429, "slow down"),
        };
        let mut answer = http::Response::new(stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed());
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        if let Self::TooMany(seconds) = self {
            answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}
