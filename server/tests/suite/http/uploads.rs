//! Parts on a bad line.

use reqwest::Method;

use super::*;

async fn whole(phone: &Phone<'_>, file: &FileRef) -> bool {
    let state: Value = good(phone.ask(Method::GET, &format!("/uploads/{}", file.id))).await;
    state["complete"].as_bool().unwrap()
}

#[tokio::test]
async fn parts_in_any_order_doubled_and_after_a_restart_make_the_file() {
    let mut desk = Desk::open().await;
    let (file, bytes) = file("video.bin", 900_000, 3);
    let token = {
        let phone = desk.phone("olena@firm.example").await;
        let begun = phone.begin(&file).await;
        assert_eq!(begun["part_size"], 262_144);
        assert_eq!(begun["have"], json!([]));
        let pieces = parts(&bytes, 262_144);
        for n in [3, 1, 1] {
            assert_eq!(phone.put(file.id, n, pieces[n]).await.status().as_u16(), 204);
        }
        phone.tokens.access_token.clone()
    };
    // The server is restarted in the middle.
    let config = Config::development(desk.folder.path());
    desk.running.shutdown().await;
    desk.running = Server::start(config).await.unwrap();
    let phone = Phone {
        desk: &desk,
        tokens: Tokens {
            access_token: token,
            expires_in_s: 0,
            refresh_token: String::new(),
            session: new_id().into(),
            person: new_id().into(),
            desk: new_id().into(),
        },
        install: InstallId(new_id()),
    };
    let begun = phone.begin(&file).await;
    assert_eq!(begun["have"], json!([1, 3]));
    let pieces = parts(&bytes, 262_144);
    assert_eq!(phone.put(file.id, 0, pieces[0]).await.status().as_u16(), 204);
    assert!(!whole(&phone, &file).await);
    let last = phone.put(file.id, 2, pieces[2]).await;
    assert_eq!(last.status().as_u16(), 200);
    assert_eq!(json_of::<Value>(last).await["complete"], true);
    // Doubled after the end: still fine, still whole.
    assert_eq!(phone.put(file.id, 2, pieces[2]).await.status().as_u16(), 200);
    // The op comes last, and the bytes are there at once.
    phone.file("Here is the video", vec![file.clone()]).await;
    let got = phone.ask(Method::GET, &format!("/attachments/{}", file.id)).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), bytes);
}

#[tokio::test]
async fn a_part_that_was_cut_or_changed_on_the_way_is_not_kept() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (file, bytes) = file("photo.bin", 300_000, 4);
    phone.begin(&file).await;
    let pieces = parts(&bytes, 262_144);
    let right = hex(&sha256(pieces[0]));
    let token = phone.tokens.access_token.clone();
    refused(phone.put_as(&token, file.id, 0, &pieces[0][..1000], &right).await, 422, "digest_mismatch").await;
    let mut flipped = pieces[0].to_vec();
    flipped[77] ^= 1;
    refused(phone.put_as(&token, file.id, 0, &flipped, &right).await, 422, "digest_mismatch").await;
    refused(phone.put_as(&token, file.id, 0, pieces[0], "nonsense").await, 400, "bad_request").await;
    refused(phone.put(file.id, 2, b"").await, 404, "not_found").await;
    let state: Value = good(phone.ask(Method::GET, &format!("/uploads/{}", file.id))).await;
    assert_eq!(state["have"], json!([]));
    // Broken off in the middle of the body: the connection ends before the stated length.
    cut_in_the_middle(&desk, &phone, &file, pieces[0]).await;
    let state: Value = good(phone.ask(Method::GET, &format!("/uploads/{}", file.id))).await;
    assert_eq!(state["have"], json!([]));
    assert_eq!(phone.put(file.id, 0, pieces[0]).await.status().as_u16(), 204);
}

async fn cut_in_the_middle(desk: &Desk, phone: &Phone<'_>, file: &FileRef, part: &[u8]) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(desk.running.addr()).await.unwrap();
    let head = format!(
        "PUT /uploads/{}/parts/0 HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {}\r\npocketdesk-digest: {}\r\n\
         content-length: {}\r\n\r\n",
        file.id,
        phone.tokens.access_token,
        hex(&sha256(part)),
        part.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&part[..part.len() / 2]).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn a_file_that_changed_while_it_was_sent_is_sent_anew_and_not_kept_wrong() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (file, bytes) = file("log.bin", 300_000, 5);
    phone.begin(&file).await;
    let pieces = parts(&bytes, 262_144);
    let mut changed = pieces[1].to_vec();
    changed[0] ^= 1;
    assert_eq!(phone.put(file.id, 0, pieces[0]).await.status().as_u16(), 204);
    refused(phone.put(file.id, 1, &changed).await, 422, "digest_mismatch").await;
    let state: Value = good(phone.ask(Method::GET, &format!("/uploads/{}", file.id))).await;
    assert_eq!((&state["have"], &state["complete"]), (&json!([]), &json!(false)));
    phone.upload(&file, &bytes).await;
    assert!(whole(&phone, &file).await);
}

#[tokio::test]
async fn two_last_parts_at_once_still_complete_the_file() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    for seed in 0..10 {
        let (file, bytes) = file("photo.bin", 500_000, seed);
        phone.begin(&file).await;
        let pieces = parts(&bytes, 262_144);
        let (one, two) = tokio::join!(phone.put(file.id, 0, pieces[0]), phone.put(file.id, 1, pieces[1]));
        assert!(one.status().is_success() && two.status().is_success());
        assert!(whole(&phone, &file).await);
    }
}

#[tokio::test]
async fn an_upload_goes_on_for_a_week_on_its_own_token_and_begins_anew_after_it() {
    let clock = MovedClock::new();
    let desk = Desk::with_clock(clock.clone()).await;
    let phone = desk.phone("olena@firm.example").await;
    let (file, bytes) = file("video.bin", 600_000, 1);
    let token = phone.begin(&file).await["token"].as_str().unwrap().to_owned();
    let pieces = parts(&bytes, 262_144);
    clock.on(6 * 24 * 3600);
    let digest = |n: usize| hex(&sha256(pieces[n]));
    assert_eq!(phone.put_as(&token, file.id, 0, pieces[0], &digest(0)).await.status().as_u16(), 204);
    clock.on(2 * 24 * 3600);
    refused(phone.put_as(&token, file.id, 1, pieces[1], &digest(1)).await, 401, "unauthorized").await;
    let phone = desk.phone("olena@firm.example").await;
    let again = phone.begin(&file).await;
    assert_eq!(again["have"], json!([0]));
    let token = again["token"].as_str().unwrap();
    assert_eq!(phone.put_as(token, file.id, 1, pieces[1], &digest(1)).await.status().as_u16(), 204);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let file = describe("empty.txt", b"");
    phone.upload(&file, b"").await;
    phone.file("Nothing in it", vec![file.clone()]).await;
    let got = phone.ask(Method::GET, &format!("/attachments/{}", file.id)).send().await.unwrap();
    assert_eq!((got.status().as_u16(), got.content_length()), (200, Some(0)));
}

#[tokio::test]
async fn an_id_keeps_its_file_and_a_person_their_measure() {
    let desk = Desk::with(|config| {
        config.unfinished_uploads = 3;
        config.unfinished_bytes = 1_000_000;
    })
    .await;
    let phone = desk.phone("olena@firm.example").await;
    let begin = |file: &FileRef| {
        let body = json!({ "id": file.id, "size": file.size, "sha256": file.sha256 });
        phone.ask(Method::POST, "/uploads").json_body(&body)
    };
    let (one, _) = file("one.bin", 400_000, 1);
    phone.begin(&one).await;
    phone.begin(&one).await;
    problem(begin(&FileRef { size: 5, ..one.clone() }), 422, "digest_mismatch").await;
    let (large, _) = file("large.bin", 700_000, 2);
    problem(begin(&large), 429, "too_many_requests").await;
    let too_large = FileRef { size: (2 << 30) + 1, ..describe("huge", b"") };
    problem(begin(&too_large), 413, "too_large").await;
    for seed in 3..5 {
        phone.begin(&file("small.bin", 10, seed).0).await;
    }
    problem(begin(&file("fourth.bin", 10, 6).0), 429, "too_many_requests").await;
    // What is whole counts until something sent names it: else bytes could be left for a month without end.
    let (small, bytes) = file("small.bin", 10, 3);
    problem(begin(&small), 429, "too_many_requests").await;
    let (done, done_bytes) = file("one.bin", 400_000, 1);
    let done = FileRef { id: one.id, ..done };
    phone.upload(&done, &done_bytes).await;
    problem(begin(&small), 429, "too_many_requests").await;
    phone.file("The till", vec![done.clone()]).await;
    phone.upload(&small, &bytes).await;
}

#[tokio::test]
async fn bytes_nobody_names_go_after_a_month_and_named_ones_stay() {
    use pocketdesk_server::blobs::sweep;
    let clock = MovedClock::new();
    let desk = Desk::with_clock(clock.clone()).await;
    let phone = desk.phone("olena@firm.example").await;
    let (named, named_bytes) = file("named.bin", 1000, 1);
    let (unnamed, unnamed_bytes) = file("unnamed.bin", 1000, 2);
    phone.file("The till", vec![named.clone()]).await;
    phone.upload(&named, &named_bytes).await;
    phone.upload(&unnamed, &unnamed_bytes).await;
    let app = desk.running.app();
    assert_eq!(sweep::sweep(&app.ctx, &app.uploads).await.unwrap(), 0);
    clock.on(31 * 24 * 3600);
    assert_eq!(sweep::sweep(&app.ctx, &app.uploads).await.unwrap(), 1);
    let phone = desk.phone("olena@firm.example").await;
    problem(phone.ask(Method::GET, &format!("/uploads/{}", unnamed.id)), 404, "not_found").await;
    let got = phone.ask(Method::GET, &format!("/attachments/{}", named.id)).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), named_bytes);
    let left: usize = walk(&desk.folder.path().join("blobs"));
    assert_eq!(left, 1, "an object nobody names was left behind");
    // It may be offered again.
    phone.upload(&unnamed, &unnamed_bytes).await;
}

fn walk(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 })
        .sum()
}
