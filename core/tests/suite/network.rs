//! The real network adapter on real sockets, where they go wrong.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt as _;
use pocketdesk_core::{
    env::{NetError, Remote as _, system::SystemClock},
    remote::{answer::Failure, api::Api, http::Http},
};

/// A socket that hears one request and does `then` with the connection.
fn listener(then: impl FnOnce(&mut std::net::TcpStream) + Send + 'static) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut connection, _) = socket.accept().unwrap();
        let mut heard = [0; 4096];
        let _ = connection.read(&mut heard);
        then(&mut connection);
    });
    address
}

fn api(address: SocketAddr) -> Api {
    Api::new(Arc::new(Http::new(&[]).unwrap()), Arc::new(SystemClock), format!("http://{address}"))
}

#[tokio::test]
async fn a_desk_that_is_away_and_one_that_hangs_up_are_told_apart() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(api(gone).me("token").await.unwrap_err(), Failure::Net(NetError::Unreachable));
    // The request went out: it may have taken effect.
    let cut = listener(|_| ());
    assert_eq!(api(cut).me("token").await.unwrap_err(), Failure::Net(NetError::Cut));
    let torn = listener(|connection| {
        let _ = connection.write_all(
            b"HTTP/1.1 200 OK\r\npocketdesk-protocol: 1-1\r\ncontent-length: 1000\r\n\r\n{\"half\":",
        );
    });
    assert_eq!(api(torn).me("token").await.unwrap_err(), Failure::Net(NetError::Cut));
}

#[tokio::test]
async fn a_token_follows_no_redirect_to_another_host() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = other.local_addr().unwrap();
    let lures = listener(move |connection| {
        let _ = connection.write_all(
            format!("HTTP/1.1 302 Found\r\nlocation: http://{there}/me\r\ncontent-length: 0\r\n\r\n")
                .as_bytes(),
        );
    });
    assert_eq!(api(lures).me("token").await.unwrap_err(), Failure::NotOurs);
    other.set_nonblocking(true).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(other.accept().is_err(), "the other host was asked");
}

#[tokio::test]
async fn an_endless_answer_is_given_up_and_not_kept() {
    let endless = listener(|connection| {
        let _ = connection.write_all(b"HTTP/1.1 500 Oops\r\npocketdesk-protocol: 1-1\r\n\r\n");
        let block = vec![b'x'; 1 << 16];
        while connection.write_all(&block).is_ok() {}
    });
    // An error's body is a sentence: what is longer is not read to its end.
    let failed = tokio::time::timeout(Duration::from_secs(10), api(endless).me("token")).await.unwrap();
    assert_eq!(failed.unwrap_err(), Failure::Server { status: 500, after: None });
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_gets_no_request() {
    let plain = listener(|connection| {
        // Not TLS at all: as much as a captive portal on port 443 has.
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    });
    let http = Http::new(&[]).unwrap();
    let request = http::Request::get(format!("https://{plain}/me")).body(bytes::Bytes::new()).unwrap();
    assert!(http.send(request).await.is_err());
    for nonsense in ["", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"] {
        assert!(Http::new(&[nonsense.to_owned()]).is_err(), "{nonsense:?} is no certificate");
    }
}

#[tokio::test]
async fn bodies_stream_and_are_decompressed() {
    let small = zstd::bulk::compress(&vec![b'a'; 100_000], 3).unwrap();
    let served = listener(move |connection| {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: {}\r\n\r\n", small.len());
        let _ = connection.write_all(head.as_bytes());
        let _ = connection.write_all(&small);
    });
    let http = Http::new(&[]).unwrap();
    let request = http::Request::get(format!("http://{served}/")).body(bytes::Bytes::new()).unwrap();
    let mut body = http.send(request).await.unwrap().into_body();
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        length += chunk.unwrap().len();
    }
    assert_eq!(length, 100_000);
}
