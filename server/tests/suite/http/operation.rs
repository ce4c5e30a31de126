//! What an operator meets: TLS, proxies, stopping, watching, backing up.

use std::{net::SocketAddr, time::Duration};

use pocketdesk_server::{config::Tls, env::Env, server::StartError};
use reqwest::Method;

use super::*;

/// Made for these tests with openssl, good until 2126: a certificate for 127.0.0.1 that is its own authority.
const CERT: &str = include_str!("cert.pem");
const KEY: &str = include_str!("key.pem");

fn written(folder: &std::path::Path) -> Tls {
    let tls = Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&tls.cert, CERT).unwrap();
    std::fs::write(&tls.key, KEY).unwrap();
    tls
}

#[tokio::test]
async fn https_is_served_and_plain_http_is_not_understood_there() {
    let desk = Desk::with(|config| config.tls = Some(written(&config.data))).await;
    assert!(desk.running.url().starts_with("https://"));
    assert!(desk.ask(Method::GET, "/health").send().await.is_err(), "a stranger's certificate was taken");
    let mut roots = rustls::RootCertStore::empty();
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    roots.add(CertificateDer::from_pem_slice(CERT.as_bytes()).unwrap()).unwrap();
    let url = format!("{}/health", desk.running.url());
    assert_eq!(client_trusting(roots).get(url).send().await.unwrap().status().as_u16(), 200);
    let plain = format!("http://{}/health", desk.running.addr());
    assert!(client().get(plain).send().await.is_err());
    desk.running.reload_tls().unwrap();
}

#[tokio::test]
async fn a_server_that_would_speak_in_the_clear_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::development(folder.path());
    config.development = false;
    config.mail = Some(pocketdesk_server::config::Mail {
        smtp: "smtp://127.0.0.1:1".into(),
        from: "desk@firm.example".into(),
    });
    config.listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Server::start(config.clone()).await.err().unwrap();
    assert!(matches!(error, StartError::Config(_)), "{error}");
    config.tls = Some(Tls { cert: folder.path().join("none.pem"), key: folder.path().join("none.pem") });
    let error = Server::start(config.clone()).await.err().unwrap();
    assert!(error.to_string().contains("none.pem"), "{error}");
    // Behind a proxy it starts, and believes nobody else.
    config.tls = None;
    config.trusted_proxies = vec!["192.0.2.9".parse().unwrap()];
    let running = Server::start(config.clone()).await.unwrap();
    let own = format!("http://127.0.0.1:{}/health", running.addr().port());
    assert_eq!(client().get(&own).send().await.unwrap().status().as_u16(), 200);
    running.shutdown().await;
    config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let running = Server::start(config).await.unwrap();
    let own = format!("http://127.0.0.1:{}/health", running.addr().port());
    let forwarded = |proto: &str| {
        client().get(&own).header("x-forwarded-for", "203.0.113.7").header("x-forwarded-proto", proto).send()
    };
    assert_eq!(forwarded("https").await.unwrap().status().as_u16(), 200);
    refused(forwarded("http").await.unwrap(), 403, "bad_request").await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_streams_answers_waiting_pulls_and_finishes_what_is_under_way() {
    let Desk { running, http, folder } = Desk::open().await;
    let desk = Desk { running, http, folder };
    let phone = desk.phone("olena@firm.example").await;
    phone.file("The till", Vec::new()).await;
    let mut stream = phone.ask(Method::GET, "/live").send().await.unwrap();
    stream.chunk().await.unwrap();
    let snapshot = phone.ask(Method::GET, "/snapshot").send().await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(zstd::decode_all(&snapshot[..]).unwrap()).unwrap();
    let start: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let pull = format!("/pull?cursor={}&wait=50", start["start"]["as_of"].as_str().unwrap());
    let pull = phone.ask(Method::GET, &pull).send();
    let slow = slow_request(desk.running.addr(), &phone).await;
    let access = phone.tokens.access_token.clone();
    let url = desk.running.url();
    let pull = tokio::spawn(pull);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stop = tokio::spawn(desk.running.shutdown());
    let ended = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the stream went on");
    let answer = tokio::time::timeout(Duration::from_secs(5), pull).await.expect("the pull went on").unwrap();
    assert_eq!(answer.unwrap().status().as_u16(), 200);
    assert_eq!(finish(slow).await, 200, "what was under way was cut");
    tokio::time::timeout(Duration::from_secs(10), stop).await.expect("it does not stop").unwrap();
    assert!(client().get(format!("{url}/me")).bearer_auth(access).send().await.is_err(), "it still listens");
}

/// Begins a `POST /sync` and stops in the middle of its body.
async fn slow_request(addr: SocketAddr, phone: &Phone<'_>) -> (tokio::net::TcpStream, String) {
    use tokio::io::AsyncWriteExt;
    let mut socket = tokio::net::TcpStream::connect(addr).await.unwrap();
    let body = json!({ "ops": [] }).to_string();
    let (first, rest) = body.split_at(5);
    let head = format!(
        "POST /sync HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{first}",
        phone.tokens.access_token,
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    (socket, rest.to_owned())
}

async fn finish((mut socket, rest): (tokio::net::TcpStream, String)) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    socket.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()[9..].parse().unwrap()
}

#[tokio::test]
async fn metrics_are_for_the_operator_and_hold_no_ids() {
    let desk = Desk::with(|config| config.metrics_listen = Some(([127, 0, 0, 1], 0).into())).await;
    let phone = desk.phone("olena@firm.example").await;
    let ticket = phone.file("The till", Vec::new()).await;
    let missing = format!("/staff/tickets/{}", new_id());
    desk.staff(Method::GET, &missing).send().await.unwrap();
    desk.ask(Method::GET, &format!("/scanner/{}", new_id())).send().await.unwrap();
    problem(desk.ask(Method::GET, "/metrics"), 401, "unauthorized").await;
    let inside = desk.staff(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let url = format!("http://{}/metrics", desk.running.metrics_addr().unwrap());
    let outside = desk.http.get(url).send().await.unwrap().text().await.unwrap();
    for text in [inside, outside] {
        assert!(text.contains(r#"route="/staff/tickets/{id}",status="404""#), "{text}");
        assert!(text.contains("pocketdesk_ops_total 1") && text.contains(r#"route="none""#), "{text}");
        for secret in [ticket.to_string(), missing[15..].to_owned(), "olena".to_owned(), "scanner".to_owned()]
        {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

#[tokio::test]
async fn a_backup_made_while_it_runs_brings_tickets_and_files_back() {
    use pocketdesk_server::commands::{backup, restore};
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (photo, bytes) = file("till.bin", 300_000, 1);
    let ticket = phone.file("The till", vec![photo.clone()]).await;
    phone.upload(&photo, &bytes).await;
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("backup");
    let env = Env::system();
    backup(&Config::development(desk.folder.path()), &env, &copy).await.unwrap();
    assert!(backup(&Config::development(desk.folder.path()), &env, &copy).await.is_err(), "written over");
    for (folder, _, names) in walk(&copy) {
        for name in names {
            assert!(
                !name.contains("key") && !name.contains("token"),
                "{folder}/{name}: a secret in the backup"
            );
        }
    }
    let before = phone.epoch().await;
    // Another machine: its folder is empty, the keys were kept by other means.
    let other = tempfile::tempdir().unwrap();
    copy_folder(&desk.folder.path().join("keys"), &other.path().join("keys"));
    restore(&Config::development(other.path()), &env, &copy).await.unwrap();
    let running = Server::start(Config::development(other.path())).await.unwrap();
    let restored = Desk { running, http: client(), folder: other };
    let view: Value = good(restored.staff(Method::GET, &format!("/staff/tickets/{ticket}"))).await;
    assert_eq!(view["ticket"]["subject"], "The till");
    let got = restored.staff(Method::GET, &format!("/staff/attachments/{}", photo.id)).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), bytes);
    let me = restored.ask(Method::GET, "/me").bearer_auth(&phone.tokens.access_token);
    let me: Value = good(me).await;
    assert!(me["epoch"].as_i64().unwrap() > before.0, "phones would not notice the restore");
}

fn walk(folder: &std::path::Path) -> Vec<(String, Vec<String>, Vec<String>)> {
    let mut found = Vec::new();
    let (mut folders, mut names) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
            folders.push(name);
        } else {
            names.push(name);
        }
    }
    found.push((folder.display().to_string(), folders, names));
    found
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn an_operator_loads_a_catalogue_and_a_wrong_file_leaves_it_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pocketdesk-server"));
        command.arg("catalogue").arg(&file).arg("--data").arg(folder.path().join("desk"));
        let said = command.env("POCKETDESK_SERVER_LOG", "error").output().unwrap();
        let [out, err] = [said.stdout, said.stderr].map(|text| String::from_utf8(text).unwrap());
        (said.status.code(), out, err)
    };
    let event = |out: &str| serde_json::from_str::<Value>(out).unwrap();
    let (code, out, _) = load("[[service]]\nname = \"Принтер\"\nsynonyms = [\"МФУ\"]");
    let first = json!({ "event": "catalogue", "added": 1, "changed": 0, "removed": 0, "unchanged": 0 });
    assert_eq!((code, event(&out)), (Some(0), first));
    let (code, out, err) = load("[[service]]\nname = \"Почта\"\n[[service]]\nname = \"\"");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("service 2") && err.contains("the catalogue stays as it was"), "{err}");
    let (_, out, _) = load("[[service]]\nname = \"Принтер\"\nsynonyms = [\"МФУ\"]");
    assert_eq!(event(&out)["unchanged"], 1);
}
