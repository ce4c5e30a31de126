//! The floor's half of the protocol: a snapshot streamed through zstd into the tables, pages, pushes.

use std::io::Write as _;

use pocketdesk_protocol::{
    limits::OPS_PER_REQUEST,
    sync::{Item, SnapshotLine, SyncRequest, SyncResponse},
    version::{PROTOCOL_HEADER, PROTOCOL_VERSION},
};

use super::tables::{Cache, Own};
use crate::{Result, child::Task};

/// See the module.
pub struct Net {
    client: reqwest::Client,
    url: String,
    token: String,
    /// Requests made.
    pub requests: usize,
    /// Rows that pages brought.
    pub rows: usize,
    /// Bytes of bodies, unpacked where HTTP packed them.
    pub received: u64,
}

impl Net {
    pub fn new(task: &Task) -> Result<Self> {
        let client = crate::child::client()?;
        let (url, token) = (task.url.clone(), task.token.clone());
        Ok(Self { client, url, token, requests: 0, rows: 0, received: 0 })
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
        self.requests += 1;
        let request = request.header(PROTOCOL_HEADER, PROTOCOL_VERSION.to_string()).bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?)
    }

    /// The first sync; `seen` is called with the bytes received so far when something new can be shown.
    pub async fn snapshot(&mut self, cache: &mut Cache, mut seen: impl FnMut(&Cache, u64)) -> Result<()> {
        let mut answer = self.send(self.client.get(format!("{}/snapshot", self.url))).await?;
        let mut plain = zstd::stream::write::Decoder::new(Vec::new())?;
        cache.begin()?;
        while let Some(chunk) = answer.chunk().await? {
            self.received += chunk.len() as u64;
            plain.write_all(&chunk)?;
            plain.flush()?;
            let whole = match plain.get_ref().iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None => continue,
            };
            for line in plain.get_ref()[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
            {
                match serde_json::from_slice(line)? {
                    SnapshotLine::Start(start) => cache.start(&start)?,
                    SnapshotLine::Item(item) => cache.fill(&item)?,
                    SnapshotLine::End(_) => {
                        if cache.flush_if_due()? {
                            seen(cache, self.received);
                        }
                    }
                }
            }
            plain.get_mut().drain(..whole);
        }
        cache.ripen()
    }

    /// Pages until there is no more.
    pub async fn pull(&mut self, cache: &mut Cache) -> Result<()> {
        loop {
            let cursor = cache.cursor()?;
            let request = self.client.get(format!("{}/pull?cursor={}", self.url, cursor.0));
            let answer = self.send(request).await?;
            let page = self.page(answer).await?;
            cache.apply(&page.items, page.next.as_ref().ok_or("no cursor came")?)?;
            if page.complete {
                return Ok(());
            }
        }
    }

    async fn page(&mut self, answer: reqwest::Response) -> Result<SyncResponse> {
        let bytes = answer.bytes().await?;
        self.received += bytes.len() as u64;
        let page: SyncResponse = serde_json::from_slice(&bytes)?;
        self.rows += page.items.iter().filter(|item: &&Item| item.row.is_some()).count();
        Ok(page)
    }

    /// All ops that wait, and what they moved; how many requests that took.
    pub async fn push(&mut self, own: &mut Own, cache: &mut Cache) -> Result<usize> {
        let mut pushes = 0;
        loop {
            let ops = own.waiting(OPS_PER_REQUEST)?;
            if ops.is_empty() {
                return Ok(pushes);
            }
            pushes += 1;
            let request = SyncRequest {
                epoch: Some(cache.epoch()?),
                ops,
                cursor: Some(cache.cursor()?),
                limit_bytes: Some(4 << 20),
            };
            let body = zstd::bulk::compress(&serde_json::to_vec(&request)?, 3)?;
            let request = self
                .client
                .post(format!("{}/sync", self.url))
                .header("content-type", "application/json")
                .header("content-encoding", "zstd")
                .body(body);
            let answer = self.send(request).await?;
            let page = self.page(answer).await?;
            own.settle(&page.verdicts)?;
            cache.apply(&page.items, page.next.as_ref().ok_or("no cursor came")?)?;
            if !page.complete {
                self.pull(cache).await?;
            }
        }
    }
}
