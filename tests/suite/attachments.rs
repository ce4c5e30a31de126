//! Files on bad days: killed on the way, a day later, on another network, with parts that are lost, doubled, out of
//! order or spoilt. What arrives is the file, once, or nothing.

use std::time::Duration;

use http::Method;
use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    noise,
    phone::{Phone, Switch, comment, registered, said, with_the_desk},
};

/// Of a file this size.
const BYTES: usize = 3_000_000;
/// Parts of 256 KiB.
const PARTS: usize = BYTES.div_ceil(256 << 10);

async fn with_a_ticket(desk: &Desk, switch: Switch) -> (Phone, TicketKey) {
    let olena = Phone::switched("Olena", desk, switch).await;
    olena.sign_in(desk, "olena@shop.example").await;
    let key = olena.file("The lock", "It is stiff.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.rests().await;
    (olena, key)
}

/// Lets time pass in steps while something is waited for.
async fn meanwhile<T>(phone: &Phone, step: Duration, wait: impl Future<Output = T>) -> T {
    let passing = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            phone.time.advance(step);
        }
    };
    tokio::select! { done = wait => done, () = passing => unreachable!("time passes without end") }
}

fn parts_sent(phone: &Phone) -> usize {
    phone.net.asked().iter().filter(|asked| asked.method == Method::PUT).count()
}

async fn added(phone: &Phone, key: &TicketKey, name: &str, bytes: &[u8]) -> String {
    let file = phone.attach(name, bytes).await;
    phone.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
    file.id
}

async fn whole_at_the_desk(phone: &Phone, desk: &Desk, key: &TicketKey, id: &str, bytes: &[u8]) {
    let there = phone.shows(key, "the file with the desk", |view| {
        view.attachments.iter().any(|file| {
            file.id == id && file.state == FileState::Complete && with_the_desk(file.delivery.as_ref())
        })
    });
    meanwhile(phone, Duration::from_secs(2), there).await;
    assert!(desk.staff().file(id).await.expect("staff open it") == bytes, "other bytes arrived");
}

#[tokio::test]
async fn a_file_cut_by_a_kill_goes_on_a_day_later_on_another_network_with_what_is_missing() {
    let desk = Desk::open("A file, a kill, a day, another network").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    let bytes = noise(1, BYTES);
    // Nine parts get through, then the train enters the tunnel.
    olena.net.after(9, Method::PUT, "/uploads", Fate::Silent);
    let id = added(&olena, &key, "roof.mp4", &bytes).await;
    let wait = async {
        while parts_sent(&olena) < 12 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("parts are sent");
    // The answers of the nine come in.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let off = olena.dead().await;
    let olena = off.opened(Switch { offline: true, ..Switch::default() }).await;
    olena.time.advance(Duration::from_secs(26 * 3_600));
    olena.app.signal(Signal::Online { network: "the hotel".into(), metered: false });
    olena.app.set_offline(false);
    whole_at_the_desk(&olena, &desk, &key, &id, &bytes).await;
    let again = parts_sent(&olena);
    assert_eq!(again, PARTS - 9, "what the desk had was sent again");
}

#[tokio::test]
async fn parts_that_are_lost_doubled_or_whose_answer_is_lost_make_one_whole_file() {
    let desk = Desk::open("Parts on a bad network").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    for (name, fate, times) in [
        ("lost.bin", Fate::Lost, 3),
        ("doubled.bin", Fate::Twice, 12),
        ("unanswered.bin", Fate::AnswerLost, 4),
        ("spoilt.bin", Fate::Flipped, 2),
    ] {
        desk.teller.section(name);
        let bytes = noise(name.len() as u64, BYTES);
        olena.net.next_of(times, Method::PUT, "/uploads", fate);
        let id = added(&olena, &key, name, &bytes).await;
        whole_at_the_desk(&olena, &desk, &key, &id, &bytes).await;
        olena.net.mend();
    }
    olena.rests().await;
}

#[tokio::test]
async fn parts_that_arrive_out_of_order_make_the_file_in_order() {
    let desk = Desk::open("Parts out of order").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    let bytes = noise(4, BYTES);
    let first = olena.net.hold_request(Method::PUT, "/uploads");
    let id = added(&olena, &key, "roof.mp4", &bytes).await;
    first.arrived().await;
    let wait = async {
        while parts_sent(&olena) < 8 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("later parts pass the first one by");
    first.let_go();
    whole_at_the_desk(&olena, &desk, &key, &id, &bytes).await;
}

#[tokio::test]
async fn progress_never_runs_backwards_however_often_the_network_breaks() {
    let desk = Desk::open("Progress").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    let bytes = noise(5, BYTES);
    olena.net.next_of(2, Method::PUT, "/uploads", Fate::AnswerLost);
    let feed = olena.app.watch_transfers(None);
    let id = added(&olena, &key, "roof.mp4", &bytes).await;
    let of = id.clone();
    let watching = async {
        let (mut last, mut seen) = (0, Vec::new());
        while let Some(transfers) = feed.next().await {
            match transfers.iter().find(|transfer| transfer.attachment == of) {
                Some(transfer) => {
                    assert!(transfer.done >= last, "{} after {last}: {seen:?}", transfer.done);
                    assert!(transfer.done <= transfer.total, "{transfer:?}");
                    last = transfer.done;
                    seen.push(last);
                    if seen.len() == 4 {
                        olena.net.next_of(3, Method::PUT, "/uploads", Fate::Lost);
                    }
                }
                None if last > 0 => return seen,
                None => {}
            }
        }
        seen
    };
    let watching = tokio::time::timeout(Duration::from_secs(60), watching);
    let seen = meanwhile(&olena, Duration::from_secs(2), watching).await.expect("the file arrives");
    assert!(seen.len() > 3, "{seen:?}");
    whole_at_the_desk(&olena, &desk, &key, &id, &bytes).await;
}

#[tokio::test]
async fn one_upload_is_stopped_and_the_others_and_the_words_go_on() {
    let desk = Desk::open("One upload stopped").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    let (large, small) = (noise(6, BYTES), noise(7, 10_000));
    olena.net.after(2, Method::PUT, "/uploads", Fate::Silent);
    let stopped = added(&olena, &key, "large.mp4", &large).await;
    let other = added(&olena, &key, "small.png", &small).await;
    let wait = async {
        while parts_sent(&olena) < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("parts are sent");
    olena.app.stop_upload(None, stopped.clone()).await.expect("it is stopped");
    olena.net.mend();
    olena.reply(&key, "words").await;
    olena.shows(&key, "the words with the desk", |view| said(view, "words")).await;
    whole_at_the_desk(&olena, &desk, &key, &other, &small).await;
    let olena = olena.killed(Switch::default()).await;
    olena.time.advance(Duration::from_secs(3_600));
    let transfers = olena.app.transfers(None).await.expect("transfers");
    let shown = transfers.iter().find(|transfer| transfer.attachment == stopped).expect("it is still shown");
    assert!(shown.stopped, "{shown:?}");
    assert!(desk.staff().file(&stopped).await.is_err(), "it was stopped");

    desk.teller.section("and goes on when she says so");
    olena.app.resume_upload(None, stopped.clone()).await.expect("it goes on");
    whole_at_the_desk(&olena, &desk, &key, &stopped, &large).await;
}

#[tokio::test]
async fn a_download_that_is_cut_and_killed_goes_on_where_it_was() {
    let desk = Desk::open("A download, cut").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    let bytes = noise(8, BYTES);
    desk.staff().reply_with_file(&key.id, "the manual", "manual.pdf", &bytes).await.expect("staff");
    let view = olena.shows(&key, "the answer", |view| comment(view, "the manual").is_some()).await;
    let file = comment(&view, "the manual").expect("it is there").attachments[0].id.clone();
    let path = format!("/attachments/{file}");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let to = scratch.path().join("manual.pdf").display().to_string();
    olena.net.next(1, &path, Fate::CutAfter(2_000_000));
    let cut = olena.app.open_attachment(None, file.clone(), to.clone()).await;
    assert!(cut.is_err(), "{cut:?}");
    assert!(!std::path::Path::new(&to).exists(), "half a file was handed out");
    let olena = olena.killed(Switch::default()).await;
    olena.app.open_attachment(None, file, to.clone()).await.expect("it comes");
    assert!(std::fs::read(&to).expect("it is there") == bytes);
    let asked: Vec<_> = olena.net.asked().into_iter().filter(|asked| asked.path == path).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let from = asked[0].range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let from: usize = from.expect("it goes on where it was").parse().expect("a number");
    assert!((1_000_000..=2_000_000).contains(&from), "{from}");
}

#[tokio::test]
async fn other_bytes_than_the_desk_named_are_not_handed_out() {
    let desk = Desk::open("A download of other bytes").await;
    let (olena, key) = with_a_ticket(&desk, Switch::default()).await;
    let right = "the right bytes";
    desk.staff().reply_with_file(&key.id, "the key", "key.txt", right.as_bytes()).await.expect("staff");
    let view = olena.shows(&key, "the answer", |view| comment(view, "the key").is_some()).await;
    let file = comment(&view, "the key").expect("it is there").attachments[0].id.clone();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let to = scratch.path().join("key.txt");
    let wrong = Fate::Instead { status: 200, ours: true, header: None, body: "THE WRONG BYTES" };
    olena.net.next(1, "/attachments", wrong);
    let refused = olena
        .app
        .open_attachment(None, file.clone(), to.display().to_string())
        .await
        .expect_err("these are not the bytes");
    assert!(refused.to_string().contains("try again"), "{refused}");
    assert!(!to.exists());
    olena.app.open_attachment(None, file, to.display().to_string()).await.expect("it comes");
    assert_eq!(std::fs::read_to_string(&to).expect("it is there"), right);
}

#[tokio::test]
async fn loaded_files_keep_within_their_bound_and_what_waits_to_go_is_never_dropped() {
    const KEPT: u64 = 1_000_000;
    let desk = Desk::open("The bound of loaded files").await;
    let (olena, key) = with_a_ticket(&desk, Switch { keeps: Some(KEPT), ..Switch::default() }).await;
    let mut files = Vec::new();
    for n in 0..6_u64 {
        let (text, bytes) = (format!("file {n}"), noise(n, 400_000));
        desk.staff().reply_with_file(&key.id, &text, &format!("{n}.bin"), &bytes).await.expect("staff");
        let view = olena.shows(&key, &text, |view| comment(view, &text).is_some()).await;
        files.push((comment(&view, &text).expect("it is there").attachments[0].id.clone(), bytes));
    }
    olena.app.set_files_wait_for_wifi(None, true).await.expect("it is set");
    olena.app.signal(Signal::Online { network: "mobile".into(), metered: true });
    let own = noise(99, 700_000);
    let waits = added(&olena, &key, "own.bin", &own).await;
    for (id, bytes) in &files {
        assert!(olena.bytes_of(&key.account, id).await == *bytes);
        olena.time.advance(Duration::from_secs(1));
    }
    let account = olena.data().join("accounts").join(&key.account).join("files");
    let on_disk: u64 = std::fs::read_dir(account)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").metadata().expect("facts").len())
        .sum();
    assert!(on_disk < KEPT + 700_000 + 100_000, "{on_disk} bytes lie here");
    olena.app.set_offline(true);
    let last = &files[5];
    assert!(olena.bytes_of(&key.account, &last.0).await == last.1, "the last one is still here");
    olena.app.set_offline(false);
    olena.app.signal(Signal::Online { network: "home".into(), metered: false });
    whole_at_the_desk(&olena, &desk, &key, &waits, &own).await;
}
