//! Files on their way back.

use reqwest::Method;

use super::*;

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off_and_never_glues_two_files() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (file, bytes) = file("video.bin", 700_000, 9);
    phone.file("The video", vec![file.clone()]).await;
    let url = format!("/attachments/{}", file.id);
    problem(phone.ask(Method::GET, &url), 404, "not_found").await;
    phone.upload(&file, &bytes).await;

    let whole = phone.ask(Method::GET, &url).send().await.unwrap();
    assert_eq!(whole.status().as_u16(), 200);
    let head = whole.headers().clone();
    assert_eq!(head["accept-ranges"], "bytes");
    assert_eq!(head["content-length"], "700000");
    assert_eq!(head["x-content-type-options"], "nosniff");
    assert!(head["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"video.bin\""));
    let etag = head["etag"].to_str().unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", file.sha256));
    assert_eq!(whole.bytes().await.unwrap(), bytes);

    // Over the border of two parts.
    let rest = phone.ask(Method::GET, &url).header("range", "bytes=262000-262300").header("if-range", &etag);
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status().as_u16(), 206);
    assert_eq!(rest.headers()["content-range"], "bytes 262000-262300/700000");
    assert_eq!(rest.bytes().await.unwrap(), &bytes[262_000..=262_300]);
    let tail = phone.ask(Method::GET, &url).header("range", "bytes=699999-").send().await.unwrap();
    assert_eq!(tail.bytes().await.unwrap(), &bytes[699_999..]);

    let other = phone.ask(Method::GET, &url).header("range", "bytes=5-").header("if-range", "\"other\"");
    let other = other.send().await.unwrap();
    assert_eq!((other.status().as_u16(), other.content_length()), (200, Some(700_000)));
    let beyond = phone.ask(Method::GET, &url).header("range", "bytes=700000-").send().await.unwrap();
    assert_eq!(beyond.headers()["content-range"], "bytes */700000");
    refused(beyond, 416, "bad_request").await;
    let known = phone.ask(Method::GET, &url).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(known.status().as_u16(), 304);
    let head = phone.ask(Method::HEAD, &url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "700000"));
}

#[tokio::test]
async fn a_page_that_calls_itself_a_photo_does_not_run_in_a_browser() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let page = b"<!DOCTYPE html><script>alert(1)</script>";
    let file = describe("photo.png", page);
    phone.upload(&file, page).await;
    phone.file("A photo", vec![file.clone()]).await;
    for request in [
        phone.ask(Method::GET, &format!("/attachments/{}", file.id)),
        desk.staff(Method::GET, &format!("/staff/attachments/{}", file.id)),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/html");
        assert_eq!(answer.headers()["content-security-policy"], "sandbox; default-src 'none'");
        assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.bytes().await.unwrap(), &page[..]);
    }
}

#[tokio::test]
async fn a_snapshot_is_frames_the_phone_can_take_apart_and_go_on_from() {
    use pocketdesk_protocol::sync::SnapshotLine;
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let long = "a".repeat(250);
    let mut filed = Vec::new();
    for index in 0..300 {
        filed.push(phone.file(&format!("{index} {long}"), Vec::new()).await);
    }
    let answer = phone.ask(Method::GET, "/snapshot").send().await.unwrap();
    assert!(answer.headers().get("content-encoding").is_none());
    let body = answer.bytes().await.unwrap();
    let read = |bytes: &[u8]| -> Vec<SnapshotLine> {
        let text = zstd::decode_all(bytes).unwrap();
        text.split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    };
    let lines = read(&body);
    let tickets = |lines: &[SnapshotLine]| {
        let rows = lines.iter().filter_map(|line| match line {
            SnapshotLine::Item(item) if item.k == "ticket" => Some(item.id),
            _ => None,
        });
        rows.collect::<Vec<_>>()
    };
    filed.reverse();
    assert_eq!(tickets(&lines), filed, "newest first, each once");
    assert!(matches!(lines.first(), Some(SnapshotLine::Start(_))));
    let ends: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            SnapshotLine::End(end) => Some(end.clone()),
            _ => None,
        })
        .collect();
    assert!(ends.len() > 1 && ends.last().unwrap().last, "one frame only: nothing to go on from");
    // Cut after the first frame and asked for again.
    let url = reqwest::Url::parse_with_params(
        &format!("{}/snapshot", desk.running.url()),
        [("resume", ends[0].resume.as_str())],
    )
    .unwrap();
    let rest = desk.http.get(url).bearer_auth(&phone.tokens.access_token).send().await.unwrap();
    let rest = read(&rest.bytes().await.unwrap());
    let first: Vec<_> = lines
        .iter()
        .position(|line| matches!(line, SnapshotLine::End(_)))
        .map_or(vec![], |at| tickets(&lines[..at]));
    assert_eq!([first, tickets(&rest)].concat(), filed);
    // A key nobody can read begins anew: an error would be asked for again for ever.
    let anew = phone.ask(Method::GET, "/snapshot?resume=nonsense").send().await.unwrap();
    assert_eq!(anew.status().as_u16(), 200);
}
