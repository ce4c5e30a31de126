//! What goes wrong between this device and the desk, on real sockets: each fault ends in time, as what it is, and
//! without eating the device's memory.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use pocketdesk_core::{
    env::{Clock, NetError, Remote as _},
    remote::{answer::Failure, api::Api, http::Http},
};

/// A clock on which time passes a hundred times as fast: the limits of minutes are met in moments.
struct Hurried(Instant);

const FASTER: u32 = 100;

impl Clock for Hurried {
    fn now(&self) -> i64 {
        1_750_000_000_000 + i64::try_from(self.monotonic()).unwrap()
    }

    fn monotonic(&self) -> u64 {
        u64::try_from((self.0.elapsed() * FASTER).as_millis()).unwrap()
    }

    fn boot(&self) -> String {
        "boot".into()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time / FASTER))
    }
}

/// A socket that hears one request and then does what it likes.
fn desk(then: impl FnOnce(&mut TcpStream) + Send + 'static) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut connection, _) = socket.accept().unwrap();
        let _ = connection.read(&mut [0; 8192]);
        then(&mut connection);
    });
    address
}

/// One that says exactly these bytes and hangs up.
fn says(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = bytes.into();
    desk(move |connection| {
        let _ = connection.write_all(&bytes);
    })
}

fn answer(status: &str, headers: &str, body: &str) -> SocketAddr {
    says(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

const OURS: &str = "pocketdesk-protocol: 1-1\r\n";

async fn asked(address: SocketAddr) -> Failure {
    let clock = Arc::new(Hurried(Instant::now()));
    let api = Api::new(Arc::new(Http::new(&[]).unwrap()), clock, format!("http://{address}"));
    let asked = tokio::time::timeout(Duration::from_secs(60), api.me("token"));
    asked.await.expect("a call that never ends").expect_err("there is no such answer")
}

#[tokio::test]
async fn a_head_that_is_cut_anywhere_is_a_network_that_failed() {
    let whole = format!("HTTP/1.1 200 OK\r\n{OURS}content-length: 2\r\n\r\n");
    for length in [0, 1, 8, 15, 17, 40, whole.len() - 1] {
        let failure = asked(says(&whole.as_bytes()[..length])).await;
        assert_eq!(failure, Failure::Net(NetError::Cut), "after {length} bytes");
    }
    for nonsense in
        ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 200\r\n\r\n", "\0\0\0\0\0\0\0\0", "HTTP/1.1 abc\r\n\r\n"]
    {
        assert_eq!(asked(says(nonsense)).await, Failure::Net(NetError::Cut), "{nonsense:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_is_not_taken_for_the_whole() {
    for body in ["", "{", "{\"epoch\": 7"] {
        let cut = says(format!("HTTP/1.1 200 OK\r\n{OURS}content-length: 500\r\n\r\n{body}"));
        assert_eq!(asked(cut).await, Failure::Net(NetError::Cut), "{body:?}");
        let chunked = says(format!(
            "HTTP/1.1 200 OK\r\n{OURS}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body} \r\n",
            body.len() + 1
        ));
        assert_eq!(asked(chunked).await, Failure::Net(NetError::Cut), "{body:?}, chunked");
    }
    // Without a length nobody can tell but by the words: then it is the desk's failure, and asked again.
    let open_ended = says(format!("HTTP/1.1 200 OK\r\n{OURS}\r\n{{\"epoch\": 7"));
    assert_eq!(asked(open_ended).await, Failure::Server { status: 200, after: None });
}

#[tokio::test]
async fn a_head_that_drips_ends_in_time() {
    let drips = desk(|connection| {
        for byte in b"HTTP/1.1 200 OK\r\nx: ".iter().chain(std::iter::repeat(&b'y')) {
            if connection.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(asked(drips).await, Failure::Net(NetError::Timeout));
}

#[tokio::test]
async fn a_body_that_drips_or_stops_ends_in_time() {
    let stops = desk(|connection| {
        let _ = write!(connection, "HTTP/1.1 200 OK\r\n{OURS}content-length: 5000\r\n\r\n{{");
        std::thread::sleep(Duration::from_secs(20));
    });
    assert_eq!(asked(stops).await, Failure::Net(NetError::Timeout), "silence");
    // Never silent for long, and never done: a byte every ten seconds.
    let drips = desk(|connection| {
        let _ = write!(connection, "HTTP/1.1 200 OK\r\n{OURS}content-length: 5000000\r\n\r\n{{");
        while connection.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(asked(drips).await, Failure::Net(NetError::Timeout), "drops");
}

#[tokio::test]
async fn whoever_answers_without_our_header_is_not_the_desk() {
    let html = "<html><body>Please log in to the hotel's network</body></html>";
    for status in [
        "200 OK",
        "302 Found",
        "401 Unauthorized",
        "403 Forbidden",
        "413 Too Large",
        "426 Upgrade Required",
        "429 Too Many Requests",
        "502 Bad Gateway",
        "503 Unavailable",
        "511 Network Authentication Required",
    ] {
        let failure = asked(answer(status, "content-type: text/html\r\nretry-after: 9\r\n", html)).await;
        assert_eq!(failure, Failure::NotOurs, "{status}");
    }
}

#[tokio::test]
async fn the_desks_own_refusals_say_what_they_are() {
    let minute = format!("{OURS}retry-after: 60\r\n");
    let after = Some(Duration::from_secs(60));
    for (status, expected) in [
        ("429 Too Many Requests", Failure::Busy { after }),
        ("503 Unavailable", Failure::Busy { after }),
        ("502 Bad Gateway", Failure::Server { status: 502, after }),
        ("426 Upgrade Required", Failure::TooOld),
        ("413 Too Large", Failure::Refused { status: 413, code: String::new(), tries_left: None }),
    ] {
        assert_eq!(asked(answer(status, &minute, "{\"half\":")).await, expected, "{status}");
    }
}

#[tokio::test]
async fn an_encoding_that_is_not_what_it_says_is_a_failure_and_no_answer() {
    let plain = "{\"epoch\": 7}";
    // Said to be compressed, and is not.
    let zstd = asked(answer("200 OK", &format!("{OURS}content-encoding: zstd\r\n"), plain)).await;
    assert_eq!(zstd, Failure::Net(NetError::Cut));
    // Compressed, and does not say so; and in a way nobody asked for.
    let small = zstd::bulk::compress(plain.as_bytes(), 3).unwrap();
    for headers in [String::new(), "content-encoding: gzip\r\n".into(), "content-encoding: br\r\n".into()] {
        let mut bytes =
            format!("HTTP/1.1 200 OK\r\n{OURS}{headers}content-length: {}\r\n\r\n", small.len()).into_bytes();
        bytes.extend_from_slice(&small);
        assert_eq!(asked(says(bytes)).await, Failure::Server { status: 200, after: None }, "{headers:?}");
    }
    // Cut in the middle of a frame.
    let cut = &small[..small.len() - 3];
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\n{OURS}content-encoding: zstd\r\ncontent-length: {}\r\n\r\n", cut.len())
            .into_bytes();
    bytes.extend_from_slice(cut);
    assert_eq!(asked(says(bytes)).await, Failure::Net(NetError::Cut));
}

#[tokio::test]
async fn an_answer_without_end_is_given_up_even_when_it_is_tiny_on_the_way() {
    let endless = desk(|connection| {
        let _ = write!(connection, "HTTP/1.1 200 OK\r\n{OURS}\r\n");
        let block = vec![b' '; 1 << 20];
        while connection.write_all(&block).is_ok() {}
    });
    assert_eq!(asked(endless).await, Failure::Net(NetError::TooLarge));
    // 200 MiB of nothing in a few KiB.
    let bomb = zstd::bulk::compress(&vec![b' '; 200 << 20], 1).unwrap();
    assert!(bomb.len() < 1 << 20);
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\n{OURS}content-encoding: zstd\r\ncontent-length: {}\r\n\r\n", bomb.len())
            .into_bytes();
    bytes.extend_from_slice(&bomb);
    assert_eq!(asked(says(bytes)).await, Failure::Net(NetError::TooLarge));
}

#[tokio::test]
async fn no_redirect_is_followed_wherever_it_leads() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = other.local_addr().unwrap();
    for (status, ours) in
        [("301 Moved", ""), ("302 Found", ""), ("307 Temporary", OURS), ("308 Permanent", OURS)]
    {
        let failure = asked(answer(status, &format!("{ours}location: http://{there}/me\r\n"), "")).await;
        assert!(matches!(failure, Failure::NotOurs | Failure::Refused { .. }), "{status}: {failure:?}");
    }
    other.set_nonblocking(true).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(other.accept().is_err(), "the token went to another host");
}

#[tokio::test]
async fn a_handshake_that_is_refused_is_no_connection() {
    // A fatal alert, "handshake failure", to whatever was said.
    let refuses = says([0x15, 3, 3, 0, 2, 2, 40]);
    let hangs_up = desk(|_| ());
    for address in [refuses, hangs_up] {
        let request = http::Request::get(format!("https://{address}/me")).body(bytes::Bytes::new()).unwrap();
        let refused = Http::new(&[]).unwrap().send(request).await.err();
        assert!(matches!(refused, Some(NetError::Unreachable)), "{refused:?}");
    }
}
