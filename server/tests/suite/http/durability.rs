//! The program itself, killed with kill -9 at random moments under load: what it acknowledged is there afterwards.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use pocketdesk_server::store::StoreConfig;
use reqwest::Method;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::*;

const ROUNDS: u32 = 6;
/// Rounds at most, on a machine that is too busy to let a program do something before it is killed.
const MOST: u32 = 40;
const WRITERS: usize = 3;
const PART: usize = 256 << 10;

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl Program {
    async fn start(data: &Path, database: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pocketdesk-server"));
        command.args(["serve", "--development", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.args(database.iter().flat_map(|url| ["--database", url]));
        command.env("POCKETDESK_SERVER_LOG", "error").stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line())
            .await
            .expect("it does not listen");
        let event: Value = serde_json::from_str(&line.unwrap().expect("it ended at its start")).unwrap();
        assert_eq!(event["event"], "listening");
        let url = format!("http://{}", event["addr"].as_str().unwrap());
        Self { child, lines, url }
    }

    async fn sign_in(&mut self, email: &str) -> Tokens {
        let secret = hex(&sha256(b"secret"));
        let challenge = hex(&sha256(&sha256(b"secret")));
        let http = client();
        let body = json!({ "email": email, "challenge": challenge });
        let asked: Value = good(http.post(format!("{}/sign-in/email", self.url)).json_body(&body)).await;
        let event: Value = serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!((&event["event"], &event["email"]), (&json!("code"), &json!(email)));
        let body = json!({
            "sign_in": asked["sign_in"], "code": event["code"], "secret": secret, "install": new_id(), "device": "x",
        });
        good(http.post(format!("{}/sign-in/code", self.url)).json_body(&body)).await
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// What was acknowledged in any round.
#[derive(Default)]
struct Acknowledged {
    tickets: Vec<EntityId>,
    parts: BTreeMap<AttachmentId, Vec<u64>>,
    whole: BTreeMap<AttachmentId, Vec<u8>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_a_sqlite_server_loses_no_acknowledged_op_or_part() {
    survive(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_a_postgres_server_loses_no_acknowledged_op_or_part() {
    match pocketdesk_server::testing::postgres::database().await {
        Some(StoreConfig::Postgres(url)) => survive(Some(&url)).await,
        _ => println!("SKIPPED kill -9 on PostgreSQL: there is no PostgreSQL here"),
    }
}

async fn survive(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let kept = Arc::new(Mutex::new(Acknowledged::default()));
    let mut program = Program::start(folder.path(), database).await;
    let tokens = program.sign_in("olena@firm.example").await;
    let epoch: Value =
        good(client().get(format!("{}/me", program.url)).bearer_auth(&tokens.access_token)).await;
    for round in 0.. {
        let before = kept.lock().unwrap().tickets.len();
        let writers: Vec<_> = (0..WRITERS)
            .flat_map(|_| {
                let (url, token, kept) = (program.url.clone(), tokens.access_token.clone(), kept.clone());
                let ops =
                    tokio::spawn(send_ops(url.clone(), token.clone(), epoch["epoch"].clone(), kept.clone()));
                [ops, tokio::spawn(send_parts(url, token, kept))]
            })
            .collect();
        let chance = u64::from_le_bytes(Env::system().random()) % 600;
        // Life is counted from the first acknowledged op: a slow machine must not kill before there is one.
        let acknowledged = async {
            while kept.lock().unwrap().tickets.len() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), acknowledged).await.expect("nothing is acknowledged");
        tokio::time::sleep(Duration::from_millis(chance)).await;
        program.kill().await;
        for writer in writers {
            writer.await.unwrap();
        }
        program = Program::start(folder.path(), database).await;
        let (tickets, parts) = check(&program, &tokens, folder.path(), &kept).await;
        println!("round {round}: {tickets} tickets, {parts} parts acknowledged and there");
        let loaded = {
            let all = kept.lock().unwrap();
            all.tickets.len() > 20 && all.parts.len() > 5 && !all.whole.is_empty()
        };
        if round + 1 >= ROUNDS && loaded {
            return;
        }
        assert!(round < MOST, "no load: this proves nothing");
    }
}

async fn check(
    program: &Program,
    tokens: &Tokens,
    data: &Path,
    kept: &Mutex<Acknowledged>,
) -> (usize, usize) {
    let staff = std::fs::read_to_string(data.join("keys/staff-token")).unwrap();
    let (tickets, parts, whole) = {
        let kept = kept.lock().unwrap();
        (kept.tickets.clone(), kept.parts.clone(), kept.whole.clone())
    };
    let http = client();
    let get = |path: String, token: &str| http.get(format!("{}{path}", program.url)).bearer_auth(token);
    for ticket in &tickets {
        let found = get(format!("/staff/tickets/{ticket}"), staff.trim()).send().await.unwrap();
        assert_eq!(found.status().as_u16(), 200, "the acknowledged ticket {ticket} is lost");
    }
    for (id, acknowledged) in &parts {
        let upload: Value = good(get(format!("/uploads/{id}"), &tokens.access_token)).await;
        let have: Vec<u64> = serde_json::from_value(upload["have"].clone()).unwrap();
        for n in acknowledged {
            assert!(have.contains(n), "part {n} of {id} was acknowledged and is lost");
        }
    }
    for (id, bytes) in &whole {
        let found = get(format!("/attachments/{id}"), &tokens.access_token).send().await.unwrap();
        assert_eq!(found.status().as_u16(), 200, "the whole file {id} is lost");
        assert!(found.bytes().await.unwrap() == bytes[..], "{id} has other bytes");
    }
    (tickets.len(), parts.values().map(Vec::len).sum())
}

/// Files tickets until the server is gone.
async fn send_ops(url: String, token: String, epoch: Value, kept: Arc<Mutex<Acknowledged>>) {
    let http = client();
    loop {
        let tickets: Vec<_> = (0..3).map(|_| EntityId(new_id())).collect();
        let ops: Vec<_> = tickets.iter().map(|ticket| ticket_op(*ticket, "The till", Vec::new())).collect();
        let body = json!({ "epoch": epoch, "ops": ops });
        let request = http.post(format!("{url}/sync")).bearer_auth(&token).json_body(&body);
        let Ok(answer) = request.send().await else { return };
        // The server says that it cannot just now: nothing was acknowledged.
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            continue;
        }
        let Ok(text) = answer.text().await else { return };
        let answer: SyncResponse = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
        for (ticket, verdict) in tickets.into_iter().zip(answer.verdicts) {
            assert!(matches!(verdict.verdict, Verdict::Applied { .. }), "{verdict:?}");
            kept.lock().unwrap().tickets.push(ticket);
        }
    }
}

/// Files a ticket with a file and sends its parts, again and again, until the server is gone.
async fn send_parts(url: String, token: String, kept: Arc<Mutex<Acknowledged>>) {
    let http = client();
    let mut seed = 0_u8;
    loop {
        seed = seed.wrapping_add(1);
        let (file, bytes) = file("photo.bin", PART * 2 + 1000, seed);
        let begin = json!({ "id": file.id, "size": file.size, "sha256": file.sha256 });
        let request = http.post(format!("{url}/uploads")).bearer_auth(&token).json_body(&begin);
        match request.send().await {
            Ok(answer) => assert_eq!(answer.status(), StatusCode::OK),
            Err(_) => return,
        }
        let me = http.get(format!("{url}/me")).bearer_auth(&token).send().await;
        let Ok(me) = me else { return };
        let Ok(me) = me.text().await else { return };
        let me: Value = serde_json::from_str(&me).unwrap();
        let op = ticket_op(EntityId(new_id()), "With a photo", vec![file.clone()]);
        let body = json!({ "epoch": me["epoch"], "ops": [op] });
        let request = http.request(Method::POST, format!("{url}/sync")).bearer_auth(&token).json_body(&body);
        let Ok(answer) = request.send().await else { return };
        let Ok(_) = answer.bytes().await else { return };
        let pieces = parts(&bytes, PART);
        for n in [2, 0, 1] {
            let request = http
                .put(format!("{url}/uploads/{}/parts/{n}", file.id))
                .bearer_auth(&token)
                .header("pocketdesk-digest", hex(&sha256(pieces[n])))
                .body(pieces[n].to_vec());
            let Ok(answer) = request.send().await else { return };
            assert!(answer.status().is_success(), "{}", answer.status());
            let mut kept = kept.lock().unwrap();
            kept.parts.entry(file.id).or_default().push(n as u64);
            if answer.status() == StatusCode::OK {
                kept.whole.insert(file.id, bytes.clone());
            }
        }
    }
}
