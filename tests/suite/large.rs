//! The limit of a file's size, to the byte: what is above it is refused before it is copied, what is not arrives.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use pocketdesk_ffi::Source;
use pocketdesk_tests::{
    desk::Desk,
    noise,
    phone::{Phone, Switch, with_the_desk},
};

#[tokio::test]
async fn what_no_desk_takes_is_refused_at_once_however_large_it_is() {
    let desk = Desk::open("Two gibibytes and a byte").await;
    let olena = Phone::switched("Olena", &desk, Switch { offline: true, ..Switch::default() }).await;
    let picked = tempfile::tempdir().expect("a temporary folder");
    let path = picked.path().join("huge.bin");
    let huge = File::create(&path).expect("it is made");
    huge.set_len((2 << 30) + 1).expect("a hole costs nothing");
    let source = |path: &Path| Source::Path { path: path.display().to_string(), name: None };
    let asked = Instant::now();
    let refused = olena.app.attach(None, source(&path)).await.expect_err("it is too large");
    assert!(refused.to_string().contains("2147483649"), "{refused}");
    assert!(asked.elapsed().as_secs() < 10, "it was copied first");
}

/// Two copies of it on the disk, and minutes: nightly alone.
#[tokio::test]
async fn a_file_of_exactly_two_gibibytes_arrives_whole() {
    if std::env::var_os("POCKETDESK_NIGHTLY").is_none() {
        return;
    }
    const SIZE: u64 = 2 << 30;
    let desk = Desk::open("Two gibibytes").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("The film", "It is long.").await;
    olena.rests().await;
    let picked = tempfile::tempdir().expect("a temporary folder");
    let path = picked.path().join("huge.bin");
    // Both ends hold bytes that no other place has; between them lies a hole.
    let (front, back) = (noise(1, 70_000), noise(2, 70_000));
    let mut huge = File::create(&path).expect("it is made");
    huge.write_all(&front).expect("it is written");
    huge.seek(SeekFrom::Start(SIZE - back.len() as u64)).expect("it can be moved in");
    huge.write_all(&back).expect("it is written");
    drop(huge);
    let begun = Instant::now();
    let source = Source::Path { path: path.display().to_string(), name: None };
    let file = olena.app.attach(None, source).await.expect("exactly the limit is taken");
    olena.says(format!("took it in within {:.0} s", begun.elapsed().as_secs_f64()));
    assert_eq!(file.size, SIZE);
    std::fs::remove_file(&path).expect("it is not needed any more");
    let begun = Instant::now();
    olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
    let sent = async {
        loop {
            let view = olena.sees(&key).await;
            if view.attachments.iter().any(|file| with_the_desk(file.delivery.as_ref())) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3_600), sent).await.expect("it is sent within an hour");
    olena.says(format!("sent it within {:.0} s", begun.elapsed().as_secs_f64()));
    let tablet = Phone::new("Olena's tablet", &desk).await;
    let account = tablet.sign_in(&desk, "olena@shop.example").await.account;
    tablet.lists("the ticket", |page| page.total == 1).await;
    let there = tablet.found(&key.id).await;
    tablet.shows(&there, "the file", |view| view.attachments.len() == 1).await;
    let begun = Instant::now();
    let copy = picked.path().join("copy.bin");
    tablet
        .app
        .open_attachment(Some(account), file.id, copy.display().to_string())
        .await
        .expect("it comes, and has the digest it was sent with");
    tablet.says(format!("fetched it within {:.0} s", begun.elapsed().as_secs_f64()));
    let mut copy = File::open(&copy).expect("it is there");
    assert_eq!(copy.metadata().expect("it is there").len(), SIZE);
    let mut end = vec![0; front.len()];
    copy.read_exact(&mut end).expect("it can be read");
    assert!(end == front, "other bytes at its front");
    copy.seek(SeekFrom::End(-(back.len() as i64))).expect("it can be moved in");
    copy.read_exact(&mut end).expect("it can be read");
    assert!(end == back, "other bytes at its back");
}
