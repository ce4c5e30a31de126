//! No plain text on the phone's disk, and nothing of one account under another's key.

use std::path::{Path, PathBuf};

use pocketdesk_ffi::{Config, Platform, Pocketdesk, file_secrets, model::*};
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, Switch, comment, registered, said, with_the_desk},
};

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the phone") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found
}

/// Names of the files (and their names) that hold any of these; and how many bytes were searched.
fn holding(folder: &Path, needles: &[Vec<u8>]) -> (Vec<String>, u64) {
    let mut found = Vec::new();
    let mut searched = 0;
    for path in files_under(folder) {
        let bytes = std::fs::read(&path).expect("a file of the phone");
        searched += bytes.len() as u64;
        let name = path.display().to_string().into_bytes();
        for needle in needles {
            let is_in = |hay: &[u8]| hay.windows(needle.len()).any(|window| window == needle);
            if is_in(&bytes) || is_in(&name) {
                found.push(format!("{} holds {:?}", path.display(), String::from_utf8_lossy(needle)));
            }
        }
    }
    (found, searched)
}

#[tokio::test]
async fn a_phone_that_is_taken_apart_tells_no_word_of_the_whole_day() {
    let desk = Desk::open("No plain text on disk").await;
    let staff = desk.staff();
    let olena = Phone::new("Olena", &desk).await;
    let photo: Vec<u8> = b"PHOTOBYTES-5e1f"[..].repeat(20_000);

    desk.teller.section("a whole day: before the sign-in, filing, files both ways, drafts, rating, a kill");
    let file = olena.attach("zebraphoto.png", &photo).await;
    let filed = NewTicket {
        subject: "Zebrasubject in the hall".into(),
        description: "Zebradescription of it".into(),
        attachments: vec![file.id.clone()],
        ..NewTicket::default()
    };
    let key = olena.app.submit_ticket(None, filed).await.expect("it is filed");
    olena.sign_in(&desk, "zebraolena@shop.example").await;
    let key = olena.found(&key.id).await;
    olena
        .shows(&key, "all of it with the desk", |view| {
            registered(view.summary.delivery.as_ref())
                && view.attachments.first().is_some_and(|file| with_the_desk(file.delivery.as_ref()))
        })
        .await;
    staff
        .reply_with_file(&key.id, "Zebrareply of staff", "zebrasheet.txt", b"SHEETBYTES-77ab")
        .await
        .expect("staff");
    let view = olena.shows(&key, "the reply", |view| comment(view, "Zebrareply of staff").is_some()).await;
    let sheet = &comment(&view, "Zebrareply of staff").expect("it was there").attachments[0];
    assert_eq!(olena.bytes_of(&key.account, &sheet.id).await, b"SHEETBYTES-77ab");
    olena.reply(&key, "Zebracomment from the phone").await;
    olena.shows(&key, "it with the desk", |view| said(view, "Zebracomment from the phone")).await;
    staff.status(&key.id, "solved").await.expect("staff");
    olena.shows(&key, "it solved", |view| view.can_confirm).await;
    olena.app.rate(key.clone(), 4, Some("Zebrarating words".into())).await.expect("she may");
    olena.rests().await;
    let hits = olena.app.search(None, "zebradescription".into(), true, 10).await.expect("it searches");
    assert_eq!(hits.len(), 1, "{hits:#?}");
    olena.app.set_offline(true);
    olena.reply(&key, "Zebraunsent words").await;
    let draft =
        NewDraft { subject: "Zebradraft".into(), text: "Zebradrafttext".into(), ..NewDraft::default() };
    olena.app.save_draft(None, draft).await.expect("it is kept");

    let mut needles: Vec<Vec<u8>> = [
        "Zebra",
        "zebra",
        "ZEBRA",
        "PHOTOBYTES",
        "SHEETBYTES",
        "shop.example",
        "z\0e\0b\0r\0a",
        "ticket.create",
        "comment.add",
        "CREATE TABLE",
        "SQLite format 3",
    ]
    .iter()
    .map(|word| word.as_bytes().to_vec())
    .collect();
    needles.push(pocketdesk_tests::net::DESK_ADDRESS.as_bytes().to_vec());

    desk.teller.section("searched while it runs, with its journals, and after it was closed");
    let (found, searched) = holding(&olena.data(), &needles);
    assert!(found.is_empty(), "{found:#?}");
    assert!(searched > photo.len() as u64, "the search saw {searched} bytes only");
    let olena = olena.killed(Switch { offline: true, ..Switch::default() }).await;
    assert!(comment(&olena.sees(&key).await, "Zebraunsent words").is_some());
    let off = olena.closed().await;
    let (found, _) = holding(&off.data(), &needles);
    assert!(found.is_empty(), "{found:#?}");

    desk.teller.section("the keys themselves are files of a desktop, for its owner alone");
    use std::os::unix::fs::PermissionsExt;
    for secret in files_under(&off.folder().join("secrets")) {
        let mode = std::fs::metadata(&secret).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", secret.display());
    }
}

#[tokio::test]
async fn without_its_key_or_with_another_nothing_is_shown_and_nothing_overwritten() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data").display().to_string();
    let open = |secrets: &str| {
        let mut config = Config::new(data.clone(), "Olena's phone", "en");
        config.offline = true;
        let secrets = home.path().join(secrets).display().to_string();
        Pocketdesk::open(config, Platform { secrets: file_secrets(secrets) })
    };
    let app = open("secrets").await.expect("it opens");
    let filed = NewTicket { subject: "Mine".into(), description: "alone".into(), ..NewTicket::default() };
    let key = app.submit_ticket(None, filed).await.expect("it is filed");
    app.shut_down().await;
    drop(app);
    let before = contents(Path::new(&data));

    // The keys are somewhere else: an empty folder of secrets.
    seen_nothing(open("no-secrets").await, &key).await;
    assert_eq!(changed(&before, Path::new(&data)), Vec::<String>::new());

    // Another phone's key under the same name.
    let wrong = home.path().join("wrong-secrets");
    std::fs::create_dir(&wrong).expect("a folder can be made");
    for secret in files_under(&home.path().join("secrets")) {
        let name = secret.file_name().expect("a file has a name");
        let length = std::fs::metadata(&secret).expect("it is there").len();
        std::fs::write(wrong.join(name), vec![9; usize::try_from(length).expect("a key is small")])
            .expect("written");
    }
    only_mine(&wrong);
    seen_nothing(open("wrong-secrets").await, &key).await;
    assert_eq!(changed(&before, Path::new(&data)), Vec::<String>::new());

    // With the right one all of it is still there.
    let app = open("secrets").await.expect("it opens");
    assert_eq!(app.ticket(key).await.expect("it is there").description, "alone");
    app.shut_down().await;
}

async fn seen_nothing<E: std::fmt::Debug>(opened: Result<std::sync::Arc<Pocketdesk>, E>, key: &TicketKey) {
    // Either it does not open at all, or the account is shown as one that cannot be read.
    if let Ok(app) = opened {
        assert!(app.ticket(key.clone()).await.is_err());
        app.shut_down().await;
    }
}

fn only_mine(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    set(folder, 0o700).expect("a mode can be set");
    for file in files_under(folder) {
        set(&file, 0o600).expect("a mode can be set");
    }
}

/// Databases and sealed files by path.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = files_under(folder)
        .into_iter()
        .filter(|path| !path.to_string_lossy().ends_with("-shm") && !path.to_string_lossy().contains("lock"))
        .map(|path| (path.clone(), std::fs::read(&path).expect("a file of the phone")))
        .collect();
    all.sort();
    all
}

fn changed(before: &[(PathBuf, Vec<u8>)], folder: &Path) -> Vec<String> {
    let now = contents(folder);
    before
        .iter()
        .filter(|(path, bytes)| !now.iter().any(|(other, now)| other == path && now == bytes))
        .map(|(path, _)| path.display().to_string())
        .collect()
}
