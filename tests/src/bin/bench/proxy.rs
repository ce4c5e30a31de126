//! A loopback proxy that is as far away as a phone's server: what goes in comes out half a round trip later. It also
//! counts, so what it says of the wire is what TCP carried, heads of HTTP included.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

/// Bytes both ways since the start.
#[derive(Default)]
pub struct Counts {
    pub up: AtomicU64,
    pub down: AtomicU64,
}

/// See the module.
pub struct Proxy {
    pub url: String,
    pub counts: Arc<Counts>,
}

impl Proxy {
    /// In front of `server`. A connection costs one round trip more before its first byte, as TCP's handshake does.
    pub async fn start(server: SocketAddr, round_trip: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let counts = Arc::<Counts>::default();
        let to = counts.clone();
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                let counts = to.clone();
                tokio::spawn(async move {
                    sleep(round_trip).await;
                    let Ok(desk) = TcpStream::connect(server).await else { return };
                    let _ = (phone.set_nodelay(true), desk.set_nodelay(true));
                    let ((from_phone, to_phone), (from_desk, to_desk)) =
                        (phone.into_split(), desk.into_split());
                    let (up, down) = (counts.clone(), counts);
                    tokio::join!(
                        carry(from_phone, to_desk, round_trip / 2, move |n| up
                            .up
                            .fetch_add(n, Ordering::Relaxed)),
                        carry(from_desk, to_phone, round_trip / 2, move |n| down
                            .down
                            .fetch_add(n, Ordering::Relaxed)),
                    );
                });
            }
        });
        Ok(Self { url, counts })
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
    count: impl Fn(u64) -> u64,
) {
    // What is under way between the two is what a link of that length holds, and no more than a socket would.
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(256);
    let reading = async move {
        loop {
            let mut chunk = vec![0; 16 << 10];
            let Ok(read @ 1..) = from.read(&mut chunk).await else { return };
            chunk.truncate(read);
            if send.send((Instant::now() + delay, chunk)).await.is_err() {
                return;
            }
        }
    };
    let writing = async {
        while let Some((due, chunk)) = receive.recv().await {
            sleep_until(due).await;
            count(chunk.len() as u64);
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
