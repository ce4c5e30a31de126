//! Speech models: signed away from the server, served by it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use pocketdesk_protocol::models::{CHUNK, Manifest, SignedManifest};
use reqwest::Method;

use super::*;

/// Runs the server's program; its output, or its sentence.
async fn verb(arguments: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pocketdesk-server"));
    let done = command.args(arguments).stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

/// Files that look like models, signed.
struct Company {
    folder: TempDir,
}

impl Company {
    async fn new() -> Self {
        let this = Self { folder: tempfile::tempdir().unwrap() };
        verb(&["model", "keygen", "--to", &this.at("models.key")]).await.unwrap();
        this
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, size: usize, seed: u8) -> Vec<u8> {
        let mut bytes = b"lmgg".to_vec();
        bytes.extend((4..size).map(|at| (at * 31 + at / 251) as u8 ^ seed));
        std::fs::write(self.at(name), &bytes).unwrap();
        bytes
    }

    async fn sign(&self, serial: &str, files: &[&str]) -> Result<String, String> {
        let (key, to) = (self.at("models.key"), self.at("models.json"));
        let files: Vec<String> = files.iter().map(|file| self.at(file)).collect();
        let mut arguments = vec!["model", "sign", "--key", &key, "--to", &to, "--serial", serial];
        arguments.extend(files.iter().map(String::as_str));
        verb(&arguments).await
    }

    async fn add(&self, desk: &Desk, files: &[&str]) -> Result<String, String> {
        let (data, manifest) = (data(desk), self.at("models.json"));
        let files: Vec<String> = files.iter().map(|file| self.at(file)).collect();
        let mut arguments = vec!["model", "add", "--data", &data, "--manifest", &manifest];
        arguments.extend(files.iter().map(String::as_str));
        verb(&arguments).await
    }
}

fn data(desk: &Desk) -> String {
    desk.folder.path().to_str().unwrap().to_owned()
}

fn chunks(desk: &Desk) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(desk.folder.path().join("blobs/models")).unwrap();
    let mut all: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some());
    all
}

#[tokio::test]
async fn a_phone_gets_the_companys_models_and_goes_on_where_it_broke_off() {
    let (desk, company) = (Desk::open().await, Company::new().await);
    let phone = desk.phone("olena@firm.example").await;
    problem(phone.ask(Method::GET, "/models"), 404, "not_found").await;
    problem(desk.ask(Method::GET, "/models"), 401, "unauthorized").await;

    let size = usize::try_from(CHUNK).unwrap() + 70_000;
    let base = company.file("base-q5_1.bin", size, 1);
    company.file("silero.bin", 9_000, 2);
    company.sign("7", &["base-q5_1.bin", "silero.bin"]).await.unwrap();
    // While the server runs.
    let said = company.add(&desk, &["silero.bin", "base-q5_1.bin"]).await.unwrap();
    assert_eq!(said.trim(), r#"{"added":2,"event":"models","removed":0,"serial":7}"#);

    let signed: SignedManifest = good(phone.ask(Method::GET, "/models")).await;
    let manifest: Manifest = serde_json::from_str(&signed.manifest).unwrap();
    assert_eq!((manifest.serial, manifest.models.len()), (7, 2));
    let model = manifest.models.iter().find(|model| model.id == "base-q5_1").unwrap();
    assert_eq!(model.sha256, hex(&sha256(&base)));
    let url = format!("/models/{}", model.sha256);
    problem(desk.ask(Method::GET, &url), 401, "unauthorized").await;

    let whole = phone.ask(Method::GET, &url).send().await.unwrap();
    assert_eq!(whole.status().as_u16(), 200);
    assert_eq!(whole.headers()["content-length"], size.to_string().as_str());
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(whole.bytes().await.unwrap(), base);
    // Over the border of two chunks.
    let from = usize::try_from(CHUNK).unwrap() - 5;
    let range = format!("bytes={from}-");
    let rest = phone.ask(Method::GET, &url).header("range", &range).header("if-range", &etag);
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status().as_u16(), 206);
    assert_eq!(rest.headers()["content-range"], format!("bytes {from}-{}/{size}", size - 1).as_str());
    assert_eq!(rest.bytes().await.unwrap(), &base[from..]);
    let other = phone.ask(Method::GET, &url).header("range", &range).header("if-range", "\"other\"");
    assert_eq!(other.send().await.unwrap().status().as_u16(), 200);
    let beyond = phone.ask(Method::GET, &url).header("range", format!("bytes={size}-"));
    refused(beyond.send().await.unwrap(), 416, "bad_request").await;
    for none in ["0".repeat(64), "..%2f..%2fkeys%2fserver-key".to_owned(), "manifest".to_owned()] {
        problem(phone.ask(Method::GET, &format!("/models/{none}")), 404, "not_found").await;
    }
}

#[tokio::test]
async fn a_new_model_takes_the_place_of_the_old_one_and_an_old_manifest_does_not_come_back() {
    let (desk, company) = (Desk::open().await, Company::new().await);
    company.file("base-q5_1.bin", 50_000, 1);
    company.file("silero.bin", 9_000, 2);
    let both = ["base-q5_1.bin", "silero.bin"];
    company.sign("1", &both).await.unwrap();
    let old = std::fs::read(company.at("models.json")).unwrap();
    company.add(&desk, &both).await.unwrap();
    company.file("base-q5_1.bin", 60_000, 3);
    company.sign("2", &both).await.unwrap();
    // The detector is here already.
    let said = company.add(&desk, &["base-q5_1.bin"]).await.unwrap();
    assert_eq!(said.trim(), r#"{"added":1,"event":"models","removed":1,"serial":2}"#);
    assert_eq!(chunks(&desk).len(), 2, "the old model's bytes went");

    std::fs::write(company.at("models.json"), &old).unwrap();
    let said = company.add(&desk, &both).await.unwrap_err();
    assert!(said.contains("serial 1 is not above the present one, 2"), "{said}");
    let stranger = Company::new().await;
    stranger.file("base-q5_1.bin", 50_000, 5);
    stranger.file("silero.bin", 9_000, 6);
    stranger.sign("3", &both).await.unwrap();
    let said = stranger.add(&desk, &both).await.unwrap_err();
    assert!(said.contains("--new-key"), "{said}");
    let listed = verb(&["model", "list", "--data", &data(&desk)]).await.unwrap();
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|model| model["here"] == true), "{listed:?}");
    assert_eq!(listed[0]["size"], 60_000);
}

#[tokio::test]
async fn nothing_is_offered_that_is_not_wholly_here_and_signed() {
    let (desk, company) = (Desk::open().await, Company::new().await);
    let phone = desk.phone("olena@firm.example").await;
    company.file("base-q5_1.bin", 50_000, 1);
    company.file("silero.bin", 9_000, 2);
    let both = ["base-q5_1.bin", "silero.bin"];
    let said = company.sign("1", &["base-q5_1.bin"]).await.unwrap_err();
    assert!(said.contains("silero.bin"), "{said}");
    company.sign("1", &both).await.unwrap();
    let said = company.add(&desk, &["silero.bin"]).await.unwrap_err();
    assert!(said.contains("base-q5_1"), "{said}");
    // Another file of the same length.
    company.file("base-q5_1.bin", 50_000, 9);
    let said = company.add(&desk, &both).await.unwrap_err();
    assert!(said.contains("no file with this digest"), "{said}");
    let manifest = company.at("models.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("50000", "50001")).unwrap();
    let said = company.add(&desk, &both).await.unwrap_err();
    assert!(said.contains("signature"), "{said}");
    problem(phone.ask(Method::GET, "/models"), 404, "not_found").await;
}

#[tokio::test]
async fn a_desk_whose_copy_was_damaged_sees_it_and_mends_it_from_the_file() {
    let (desk, company) = (Desk::open().await, Company::new().await);
    let phone = desk.phone("olena@firm.example").await;
    let base = company.file("base-q5_1.bin", 50_000, 1);
    company.file("silero.bin", 9_000, 2);
    let both = ["base-q5_1.bin", "silero.bin"];
    company.sign("1", &both).await.unwrap();
    company.add(&desk, &both).await.unwrap();
    let chunk =
        chunks(&desk).into_iter().find(|path| std::fs::metadata(path).unwrap().len() == 50_000).unwrap();
    let mut bytes = std::fs::read(&chunk).unwrap();
    bytes[30_000] ^= 1;
    std::fs::write(&chunk, bytes).unwrap();
    let listed = verb(&["model", "list", "--data", &data(&desk)]).await.unwrap();
    assert_eq!(listed.matches(r#""here":false"#).count(), 1, "{listed}");
    let said = company.add(&desk, &["silero.bin"]).await.unwrap_err();
    assert!(said.contains("base-q5_1"), "{said}");
    let said = company.add(&desk, &both).await.unwrap();
    assert!(said.contains(r#""added":1"#), "{said}");
    let url = format!("/models/{}", hex(&sha256(&base)));
    assert_eq!(phone.ask(Method::GET, &url).send().await.unwrap().bytes().await.unwrap(), base);
}

#[tokio::test]
async fn a_signing_key_is_never_written_over_and_only_its_owner_reads_it() {
    let company = Company::new().await;
    let path = company.at("models.key");
    let before = std::fs::read(&path).unwrap();
    assert!(verb(&["model", "keygen", "--to", &path]).await.unwrap_err().contains("never written over"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(Path::new(&path)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_backup_holds_the_models() {
    let (desk, company) = (Desk::open().await, Company::new().await);
    company.file("base-q5_1.bin", 50_000, 1);
    company.file("silero.bin", 9_000, 2);
    let both = ["base-q5_1.bin", "silero.bin"];
    company.sign("1", &both).await.unwrap();
    company.add(&desk, &both).await.unwrap();
    let (to, new) = (company.at("backup"), company.at("new"));
    verb(&["backup", "--data", &data(&desk), "--to", &to]).await.unwrap();
    verb(&["restore", "--data", &new, "--from", &to]).await.unwrap();
    let listed = verb(&["model", "list", "--data", &new]).await.unwrap();
    assert_eq!(listed.matches(r#""here":true"#).count(), 2, "{listed}");
}
