//! The live stream and the waiting pull.

use std::time::{Duration, Instant};

use reqwest::Method;

use super::*;

/// Reads a stream line by line.
struct Stream {
    answer: Response,
    waiting: String,
}

impl Stream {
    async fn open(phone: &Phone<'_>) -> Self {
        let answer = phone.ask(Method::GET, "/live").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, waiting: String::new() }
    }

    /// The next event's name and data; none when the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.waiting.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.waiting = rest;
                let Some((name, data)) =
                    event.strip_prefix("event: ").and_then(|text| text.split_once("\ndata: "))
                else {
                    continue;
                };
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
            let chunk = self.answer.chunk().await.unwrap_or(None)?;
            self.waiting.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what).await.expect("nothing came within ten seconds")
}

#[tokio::test]
async fn a_reply_of_the_staff_is_hinted_at_once_and_its_words_are_not_in_the_stream() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let other = desk.phone("max@other.example").await;
    let ticket = phone.file("The till", Vec::new()).await;
    let (mut mine, mut theirs) = (Stream::open(&phone).await, Stream::open(&other).await);
    let (name, hello) = soon(mine.next()).await.unwrap();
    assert_eq!(name, "hello");
    let scope = format!("person:{}", phone.tokens.person);
    let before =
        hello["heads"].as_array().unwrap().iter().find(|head| head["scope"] == *scope).unwrap()["seq"]
            .clone();
    soon(theirs.next()).await.unwrap();
    let body = json!({ "text": "Have you tried the green button?" });
    let _: Value =
        good(desk.staff(Method::POST, &format!("/staff/tickets/{ticket}/reply")).json_body(&body)).await;
    let (name, moved) = soon(mine.next()).await.unwrap();
    assert_eq!((name.as_str(), moved["scope"].as_str().unwrap()), ("moved", scope.as_str()));
    assert!(moved["head"].as_i64() > before.as_i64());
    let mut fields: Vec<_> = moved.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["head", "scope", "scopes_rev"], "only hints");
    let silent = tokio::time::timeout(Duration::from_millis(300), theirs.next()).await;
    assert!(silent.is_err(), "somebody else heard of it");
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_frees_its_place() {
    let desk = Desk::open().await;
    let (lost, kept) = (desk.phone("olena@firm.example").await, desk.phone("olena@firm.example").await);
    let mut stream = Stream::open(&lost).await;
    soon(stream.next()).await.unwrap();
    let url = format!("/sessions/{}", lost.tokens.session);
    assert_eq!(kept.ask(Method::DELETE, &url).send().await.unwrap().status().as_u16(), 204);
    assert!(soon(stream.next()).await.is_none());
}

#[tokio::test]
async fn a_stream_left_half_open_by_a_lost_network_gives_way_to_a_new_one() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut stream = Stream::open(&phone).await;
        soon(stream.next()).await.unwrap();
        open.push(stream);
    }
    assert!(soon(open[0].next()).await.is_none(), "the oldest of five ends");
    phone.file("The till", Vec::new()).await;
    for stream in &mut open[1..] {
        assert!(soon(stream.next()).await.is_some(), "the other four hear of it");
    }
}

#[tokio::test]
async fn a_pull_waits_for_news_and_answers_when_they_come() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let ticket = phone.file("The till", Vec::new()).await;
    let snapshot = phone.ask(Method::GET, "/snapshot").send().await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(zstd::decode_all(&snapshot[..]).unwrap()).unwrap();
    let start: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let cursor = start["start"]["as_of"].as_str().unwrap().to_owned();
    let pull = |wait: u64, at_least: Option<Value>| {
        let mut url = reqwest::Url::parse(&format!("{}/pull", desk.running.url())).unwrap();
        url.query_pairs_mut().append_pair("cursor", &cursor).append_pair("wait", &wait.to_string());
        if let Some(at_least) = at_least {
            url.query_pairs_mut().append_pair("at_least", &at_least.to_string());
        }
        good::<SyncResponse>(desk.http.get(url).bearer_auth(&phone.tokens.access_token))
    };
    let began = Instant::now();
    let nothing = pull(1, None).await;
    assert!(nothing.items.is_empty() && nothing.complete);
    assert!(began.elapsed() >= Duration::from_millis(950), "it did not wait");
    let began = Instant::now();
    let body = json!({ "status": "open" });
    let (page, ()) = tokio::join!(pull(30, None), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let url = format!("/staff/tickets/{ticket}/status");
        assert!(desk.staff(Method::POST, &url).json_body(&body).send().await.unwrap().status().is_success());
    });
    assert!(!page.items.is_empty());
    assert!(began.elapsed() < Duration::from_secs(10), "it slept over the news");
    // Told of more than there is: not complete.
    let scope = format!("person:{}", phone.tokens.person);
    let early = pull(1, Some(json!({ "epoch": page.epoch, "scope": scope, "seq": 1_000_000 }))).await;
    assert!(!early.complete);
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_lives_and_ends_with_its_token() {
    let clock = MovedClock::new();
    let desk = Desk::with_clock(clock.clone()).await;
    let phone = desk.phone("olena@firm.example").await;
    let mut stream = Stream::open(&phone).await;
    soon(stream.next()).await.unwrap();
    for _ in 0..2 {
        let quiet = tokio::time::timeout(Duration::from_millis(300), stream.answer.chunk()).await;
        assert!(quiet.is_err(), "a line before its time");
        clock.on(25);
        let line = soon(stream.answer.chunk()).await.unwrap().unwrap();
        assert_eq!(&line[..], b":\n\n");
    }
    clock.on(900);
    let rest = async {
        while let Some(chunk) = stream.answer.chunk().await.unwrap() {
            assert_eq!(&chunk[..], b":\n\n");
        }
    };
    soon(rest).await;
}
