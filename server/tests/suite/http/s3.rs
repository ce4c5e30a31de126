//! Files in S3, on a real gateway (versitygw) on loopback, where there is one.

use std::{path::PathBuf, process::Stdio, time::Duration};

use pocketdesk_server::config::S3;
use reqwest::Method;
use tokio::process::{Child, Command};

use super::*;

/// The gateway over a folder, and the settings for it.
async fn gateway(folder: &std::path::Path) -> Option<(Child, S3)> {
    let program = program()?;
    std::fs::create_dir_all(folder.join("files")).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(program)
        .args(["--access", "desk", "--secret", "desk-secret", "--region", "us-east-1", "--quiet"])
        .args(["--port", &format!("127.0.0.1:{port}"), "posix"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            let s3 = S3 {
                bucket: "files".into(),
                region: "us-east-1".into(),
                endpoint: Some(format!("http://127.0.0.1:{port}")),
                access_key_id: "desk".into(),
                secret_access_key: "desk-secret".into(),
                prefix: Some("desk".into()),
            };
            return Some((child, s3));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("versitygw does not listen");
}

fn program() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|p| p.join("versitygw"))
        .collect();
    if let Some(home) = std::env::var_os("HOME") {
        places.push(PathBuf::from(&home).join("go/bin/versitygw"));
        places.push(PathBuf::from(&home).join(".cache/pocketdesk/tools/bin/versitygw"));
    }
    let found = places.into_iter().find(|place| place.is_file());
    if found.is_none() {
        println!(
            "SKIPPED files in S3: there is no versitygw (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)"
        );
    }
    found
}

#[tokio::test]
async fn files_live_in_s3_as_they_do_in_a_folder() {
    let bucket = tempfile::tempdir().unwrap();
    let Some((_gateway, s3)) = gateway(bucket.path()).await else { return };
    let desk = Desk::with(|config| config.s3 = Some(s3.clone())).await;
    let _: Value = good(desk.ask(Method::GET, "/health")).await;
    let phone = desk.phone("olena@firm.example").await;
    let (file, bytes) = file("video.bin", 600_000, 1);
    let ticket = phone.file("The video", vec![file.clone()]).await;
    phone.upload(&file, &bytes).await;
    let url = format!("/attachments/{}", file.id);
    let got = phone.ask(Method::GET, &url).header("range", "bytes=262000-").send().await.unwrap();
    assert_eq!(got.status().as_u16(), 206);
    assert_eq!(got.bytes().await.unwrap(), &bytes[262_000..]);
    assert!(bucket.path().join("files/desk").is_dir(), "not in the bucket");
    let blobs = desk.folder.path().join("blobs");
    assert!(!blobs.exists(), "a folder was made beside S3");
    // A backup holds them, and erasing takes them away.
    let place = tempfile::tempdir().unwrap();
    let mut config = Config::development(desk.folder.path());
    config.s3 = Some(s3);
    let copy = place.path().join("backup");
    pocketdesk_server::commands::backup(&config, &Env::system(), &copy).await.unwrap();
    assert_eq!(count(&copy.join("blobs")), 3);
    let erase = format!("/staff/tickets/{ticket}?erase=true");
    assert_eq!(desk.staff(Method::DELETE, &erase).send().await.unwrap().status().as_u16(), 204);
    assert_eq!(count(&bucket.path().join("files/desk")), 0);
}

#[tokio::test]
async fn a_wrong_secret_is_an_unready_server_and_no_lost_part() {
    let bucket = tempfile::tempdir().unwrap();
    let Some((_gateway, s3)) = gateway(bucket.path()).await else { return };
    let wrong = S3 { secret_access_key: "wrong".into(), ..s3 };
    let desk = Desk::with(|config| config.s3 = Some(wrong)).await;
    problem(desk.ask(Method::GET, "/health"), 503, "unavailable").await;
    let phone = desk.phone("olena@firm.example").await;
    let (file, bytes) = file("photo.bin", 1000, 1);
    phone.begin(&file).await;
    refused(phone.put(file.id, 0, &bytes).await, 503, "unavailable").await;
    let upload: Value = good(phone.ask(Method::GET, &format!("/uploads/{}", file.id))).await;
    assert_eq!(upload["have"], json!([]));
}

fn count(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}
