//! What lies between one phone and the desk: nothing, or what a bad network does. It stands at the Remote port over
//! the real client, and sends everything to wherever the desk listens now, as a name service would.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use pocketdesk_core::env::{Body, NetError, Remote};
use tokio::sync::Notify;

/// The address phones know the desk by; [`Net`] finds the way.
pub const DESK_ADDRESS: &str = "http://127.0.0.1:9";

/// Where the desk listens now.
pub type Place = Arc<Mutex<String>>;

/// What becomes of one request.
#[derive(Clone)]
pub enum Fate {
    /// It never gets there.
    Lost,
    /// It never gets there, and nobody says so.
    Silent,
    /// It gets there and takes effect; its answer never comes.
    AnswerLost,
    /// It gets there and takes effect; its answer waits until it is let go.
    Held(Arc<Gate>),
    /// It waits on its way there until it is let go.
    HeldBefore(Arc<Gate>),
    /// It gets there twice, as a proxy that tries again sends it; the second answer is heard.
    Twice,
    /// A bit of its body is turned on the way.
    Flipped,
    /// It gets there and takes effect; its answer breaks off after so many bytes.
    CutAfter(usize),
    /// It gets there and takes effect; after so many bytes of its answer nothing more comes, and nobody says so.
    StallsAfter(usize),
    /// Something in between answers: a captive portal, a proxy, a firewall.
    Instead {
        /// Its status.
        status: u16,
        /// Whether it comes from the desk itself (carries the protocol header).
        ours: bool,
        /// Name and value of one more header.
        header: Option<(&'static str, &'static str)>,
        /// Its body.
        body: &'static str,
    },
}

/// Holds answers back.
#[derive(Default)]
pub struct Gate {
    arrived: Notify,
    open: AtomicBool,
    cut: AtomicBool,
    opened: Notify,
}

impl Gate {
    /// Waits until the server has answered and the answer is held.
    pub async fn arrived(&self) {
        tokio::time::timeout(Duration::from_secs(60), self.arrived.notified())
            .await
            .expect("the request that is to be held should reach the desk");
    }

    /// Lets the answer go on.
    pub fn let_go(&self) {
        self.open.store(true, Ordering::SeqCst);
        self.opened.notify_waiters();
    }

    /// The answer never comes.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.let_go();
    }

    async fn pass(&self) -> Result<(), NetError> {
        loop {
            let opened = self.opened.notified();
            if self.open.load(Ordering::SeqCst) {
                break;
            }
            opened.await;
        }
        if self.cut.load(Ordering::SeqCst) { Err(NetError::Unreachable) } else { Ok(()) }
    }
}

struct Rule {
    method: Option<http::Method>,
    path: String,
    /// How many pass before it begins.
    skip: u32,
    /// How many more; none is without end.
    times: Option<u32>,
    fate: Fate,
    /// Only requests whose body holds this.
    holding: Option<String>,
}

/// One request a phone made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// GET, POST, …
    pub method: http::Method,
    /// Without the query.
    pub path: String,
    /// Which bytes it asked for, if not all.
    pub range: Option<String>,
}

/// See the module.
pub struct Net {
    inner: Arc<dyn Remote>,
    place: Place,
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<Asked>>,
    news: Notify,
}

impl Net {
    /// The real client, to wherever `place` says.
    pub fn new(place: Place) -> Arc<Self> {
        let inner =
            pocketdesk_core::remote::http::Http::new(&[]).expect("a client without extra roots can be made");
        Arc::new(Self {
            inner: Arc::new(inner),
            place,
            rules: Mutex::default(),
            asked: Mutex::default(),
            news: Notify::new(),
        })
    }

    /// The next `times` requests whose path begins with `path` meet this fate.
    pub fn next(&self, times: u32, path: &str, fate: Fate) {
        self.rule(None, path, 0, Some(times), fate);
    }

    /// The same for requests of one method.
    pub fn next_of(&self, times: u32, method: http::Method, path: &str, fate: Fate) {
        self.rule(Some(method), path, 0, Some(times), fate);
    }

    /// After `skip` requests of that method and path every further one meets this fate.
    pub fn after(&self, skip: u32, method: http::Method, path: &str, fate: Fate) {
        self.rule(Some(method), path, skip, None, fate);
    }

    /// Every request whose path begins with `path` meets this fate from now on.
    pub fn always(&self, path: &str, fate: Fate) {
        self.rule(None, path, 0, None, fate);
    }

    /// The next request of that method and path takes effect, and its answer is held.
    pub fn hold_answer(&self, method: http::Method, path: &str) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        self.rule(Some(method), path, 0, Some(1), Fate::Held(gate.clone()));
        gate
    }

    /// The next request of that method and path is held on its way there.
    pub fn hold_request(&self, method: http::Method, path: &str) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        self.rule(Some(method), path, 0, Some(1), Fate::HeldBefore(gate.clone()));
        gate
    }

    /// The desk fails whenever a body holds `words`, as one that has a bug would.
    pub fn chokes_on(&self, words: &str) {
        let fate = Fate::Instead { status: 500, ours: true, header: None, body: "{}" };
        let path = "/sync".to_owned();
        let rule = Rule { method: None, path, skip: 0, times: None, fate, holding: Some(words.to_owned()) };
        self.rules.lock().expect("no holder panics").push(rule);
    }

    /// No request gets through.
    pub fn cut(&self) {
        self.always("/", Fate::Lost);
    }

    /// Everything gets through again.
    pub fn mend(&self) {
        self.rules.lock().expect("no holder panics").clear();
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no holder panics").clone()
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.asked.lock().expect("no holder panics").len()
    }

    /// Waits for one more request than `seen`; answers the new number.
    pub async fn more_than(&self, seen: usize) -> usize {
        let wait = async {
            loop {
                let news = self.news.notified();
                let count = self.count();
                if count > seen {
                    return count;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the phone should try again")
    }

    fn rule(&self, method: Option<http::Method>, path: &str, skip: u32, times: Option<u32>, fate: Fate) {
        let rule = Rule { method, path: path.to_owned(), skip, times, fate, holding: None };
        self.rules.lock().expect("no holder panics").push(rule);
    }

    fn fate(&self, request: &http::Request<Bytes>) -> Option<Fate> {
        let mut rules = self.rules.lock().expect("no holder panics");
        let at = rules.iter().position(|rule| {
            rule.method.as_ref().is_none_or(|method| method == request.method())
                && request.uri().path().starts_with(&rule.path)
                && rule.holding.as_ref().is_none_or(|words| body_of(request).contains(words))
        })?;
        if rules[at].skip > 0 {
            rules[at].skip -= 1;
            return None;
        }
        let fate = rules[at].fate.clone();
        if let Some(times) = &mut rules[at].times {
            *times -= 1;
            if *times == 0 {
                rules.remove(at);
            }
        }
        Some(fate)
    }

    fn redirected(&self, mut request: http::Request<Bytes>) -> http::Request<Bytes> {
        let place = self.place.lock().expect("no holder panics").clone();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("{place}{path}").parse().expect("a place and a path make an address");
        request
    }
}

/// [`Net`] as a port; it outlives the call, so it is behind an Arc.
pub struct Way(pub Arc<Net>);

impl Remote for Way {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        let net = self.0.clone();
        let range = request.headers().get("range").and_then(|range| range.to_str().ok()).map(str::to_owned);
        let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned(), range };
        net.asked.lock().expect("no holder panics").push(asked);
        net.news.notify_waiters();
        let fate = net.fate(&request);
        let request = net.redirected(request);
        Box::pin(async move {
            match fate {
                None => net.inner.send(request).await,
                Some(Fate::Lost) => Err(NetError::Unreachable),
                Some(Fate::Silent) => std::future::pending().await,
                Some(Fate::AnswerLost) => {
                    whole(net.inner.send(request).await?).await?;
                    Err(NetError::Unreachable)
                }
                Some(Fate::HeldBefore(gate)) => {
                    gate.arrived.notify_one();
                    gate.pass().await?;
                    net.inner.send(request).await
                }
                Some(Fate::Twice) => {
                    let (head, body) = request.into_parts();
                    let again = || http::Request::from_parts(head.clone(), body.clone());
                    whole(net.inner.send(again()).await?).await?;
                    net.inner.send(again()).await
                }
                Some(Fate::Flipped) => {
                    let (head, body) = request.into_parts();
                    let mut body = body.to_vec();
                    if let Some(byte) = body.last_mut() {
                        *byte ^= 1;
                    }
                    net.inner.send(http::Request::from_parts(head, body.into())).await
                }
                Some(Fate::CutAfter(bytes)) => {
                    let (head, body) = net.inner.send(request).await?.into_parts();
                    let cut = stream::once(async { Err(NetError::Cut) });
                    Ok(http::Response::from_parts(head, first(body, bytes).chain(cut).boxed()))
                }
                Some(Fate::StallsAfter(bytes)) => {
                    let (head, body) = net.inner.send(request).await?.into_parts();
                    Ok(http::Response::from_parts(head, first(body, bytes).chain(stream::pending()).boxed()))
                }
                Some(Fate::Held(gate)) => {
                    let answer = whole(net.inner.send(request).await?).await?;
                    gate.arrived.notify_one();
                    gate.pass().await?;
                    Ok(answer)
                }
                Some(Fate::Instead { status, ours, header, body }) => {
                    let mut answer =
                        http::Response::builder().status(status).header("content-type", "text/html");
                    if ours {
                        answer = answer.header(pocketdesk_protocol::version::PROTOCOL_HEADER, "1-1");
                    }
                    if let Some((name, value)) = header {
                        answer = answer.header(name, value);
                    }
                    let body = stream::once(async move { Ok(Bytes::from_static(body.as_bytes())) }).boxed();
                    Ok(answer.body(body).expect("a status and plain headers make an answer"))
                }
            }
        })
    }
}

/// The first so many bytes of a body, as they come.
fn first(body: Body, bytes: usize) -> Body {
    stream::unfold((body, bytes), |(mut body, left)| async move {
        if left == 0 {
            return None;
        }
        match body.next().await? {
            Ok(chunk) => {
                let chunk = chunk.slice(..chunk.len().min(left));
                let left = left - chunk.len();
                Some((Ok(chunk), (body, left)))
            }
            Err(error) => Some((Err(error), (body, 0))),
        }
    })
    .boxed()
}

/// The text of a request, as it was before it was compressed.
fn body_of(request: &http::Request<Bytes>) -> String {
    let packed = request.headers().get("content-encoding").is_some_and(|encoding| encoding == "zstd");
    let plain = if packed {
        zstd::decode_all(request.body().as_ref()).expect("the phone compresses as it says")
    } else {
        request.body().to_vec()
    };
    String::from_utf8_lossy(&plain).into_owned()
}

/// The answer with its whole body read: what it tells has happened.
async fn whole(answer: http::Response<Body>) -> Result<http::Response<Body>, NetError> {
    let (head, mut body) = answer.into_parts();
    let mut chunks = Vec::new();
    while let Some(chunk) = body.next().await {
        chunks.push(Ok(chunk?));
    }
    Ok(http::Response::from_parts(head, stream::iter(chunks).boxed()))
}
