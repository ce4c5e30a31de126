//! Who gets in where, driven from the description of the routes: a route added tomorrow is tried too.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::*;

/// Routes for everybody.
const PUBLIC: [&str; 4] = ["/sign-in/email", "/sign-in/code", "/token", "/health"];

struct Route {
    method: Method,
    path: String,
    doors: BTreeSet<String>,
}

fn routes() -> Vec<Route> {
    let api: Value = serde_json::from_str(&pocketdesk_server::api::openapi_json()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let doors = operation["security"].as_array().cloned().unwrap_or_default();
            let doors = doors.iter().flat_map(|door| door.as_object().unwrap().keys().cloned()).collect();
            let method = method.to_uppercase().parse().unwrap();
            routes.push(Route { method, path: path.clone(), doors });
        }
    }
    assert!(routes.len() > 25, "the description lost its routes");
    routes
}

/// A body every route with a body can read.
fn body(path: &str) -> &'static str {
    match path {
        path if path.ends_with("/status") => r#"{"status":"open"}"#,
        path if path.ends_with("/assignee") => r#"{"assignee":"Ira"}"#,
        path if path.ends_with("/deadline") => r#"{"at":1,"reason":"a"}"#,
        path if path.ends_with("/note") || path.ends_with("/reply") => r#"{"text":"a"}"#,
        _ => "{}",
    }
}

#[tokio::test]
async fn no_route_opens_without_its_token_or_with_anothers() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    for Route { method, path, doors } in routes() {
        assert_eq!(doors.is_empty(), PUBLIC.contains(&path.as_str()), "{method} {path}: who may ask?");
        if doors.is_empty() {
            continue;
        }
        let url = path.replace("{id}", &new_id().to_string()).replace("{n}", "0");
        let mut wrong = vec![String::new(), "nonsense".to_owned(), "u1.a.b.c.9999999999999.d".to_owned()];
        if !doors.contains("staff") {
            wrong.push(desk.running.staff_token().to_owned());
        }
        if !doors.contains("access") {
            wrong.push(phone.tokens.access_token.clone());
        }
        wrong.push(phone.tokens.refresh_token.clone());
        for token in wrong {
            let request = desk.ask(method.clone(), &url).bearer_auth(token).body(body(&path));
            problem(request, 401, "unauthorized").await;
        }
        problem(desk.ask(method.clone(), &url).body(body(&path)), 401, "unauthorized").await;
    }
}

#[tokio::test]
async fn what_belongs_to_somebody_else_looks_like_what_does_not_exist() {
    let desk = Desk::open().await;
    let olena = desk.phone("olena@firm.example").await;
    let max = desk.phone("max@other.example").await;
    // Everything of Olena's that has an id.
    let (file, bytes) = file("till.bin", 1000, 1);
    let ticket = olena.file("The till", vec![file.clone()]).await;
    olena.upload(&file, &bytes).await;
    let (unfinished, _) = super::file("later.bin", 600_000, 2);
    olena.begin(&unfinished).await;
    let foreign = [
        ticket.to_string(),
        file.id.to_string(),
        unfinished.id.to_string(),
        olena.tokens.session.to_string(),
        olena.tokens.person.to_string(),
    ];
    let mut tried = 0;
    for Route { method, path, doors } in routes() {
        if !path.contains("{id}") || !doors.contains("access") {
            continue;
        }
        let mut answers = BTreeSet::new();
        let missing = [new_id().to_string(), "not-an-id".to_owned()];
        for id in missing.iter().chain(&foreign) {
            let url = path.replace("{id}", id).replace("{n}", "0");
            let digest = hex(&sha256(&bytes));
            let request =
                max.ask(method.clone(), &url).header("pocketdesk-digest", digest).body(bytes.clone());
            let answer = request.send().await.unwrap();
            let mut headers: Vec<_> =
                answer.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.retain(|header| !header.starts_with("date"));
            headers.sort();
            answers.insert((answer.status().as_u16(), headers, answer.text().await.unwrap()));
            tried += 1;
        }
        assert_eq!(answers.len(), 1, "{method} {path} tells foreign from missing: {answers:?}");
        assert_eq!(answers.first().unwrap().0, 404, "{method} {path}");
    }
    assert!(tried >= 4 * 7, "the description lost its routes");
    // And it was all still there, for whom it belongs to.
    assert!(
        olena
            .ask(Method::GET, &format!("/attachments/{}", file.id))
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert!(olena.ask(Method::GET, "/sessions").send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn taking_anothers_upload_id_neither_succeeds_nor_blocks_them() {
    let desk = Desk::open().await;
    let (olena, max) = (desk.phone("olena@firm.example").await, desk.phone("max@other.example").await);
    let (file, bytes) = file("till.bin", 1000, 1);
    let other = FileRef { sha256: hex(&sha256(b"other")), size: 5, ..file.clone() };
    // Max knows the id and is first.
    max.begin(&other).await;
    assert!(max.put(file.id, 0, b"other").await.status().is_success());
    let ticket = olena.file("The till", vec![file.clone()]).await;
    olena.upload(&file, &bytes).await;
    let got = olena.ask(Method::GET, &format!("/attachments/{}", file.id)).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), bytes, "ticket {ticket}");
}

#[tokio::test]
async fn an_upload_token_opens_that_upload_and_nothing_else() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (one, bytes) = file("one.bin", 1000, 1);
    let (two, _) = file("two.bin", 1000, 2);
    let token = phone.begin(&one).await["token"].as_str().unwrap().to_owned();
    phone.begin(&two).await;
    assert!(phone.put_as(&token, one.id, 0, &bytes, &one.sha256).await.status().is_success());
    refused(phone.put_as(&token, two.id, 0, &bytes, &one.sha256).await, 404, "not_found").await;
    for Route { method, path, doors } in routes() {
        if doors.contains("upload") || doors.is_empty() {
            continue;
        }
        let url = path.replace("{id}", &one.id.to_string());
        problem(desk.ask(method, &url).bearer_auth(&token).body(body(&path)), 401, "unauthorized").await;
    }
    // It ends with its session.
    let url = format!("/sessions/{}", phone.tokens.session);
    assert_eq!(phone.ask(Method::DELETE, &url).send().await.unwrap().status().as_u16(), 204);
    refused(phone.put_as(&token, one.id, 0, &bytes, &one.sha256).await, 401, "revoked").await;
}

#[tokio::test]
async fn an_app_of_another_version_is_told_so_by_every_route() {
    let desk = Desk::open().await;
    for version in ["0", "2", "99"] {
        for Route { method, path, .. } in routes() {
            let request = desk.ask(method, &path).header("pocketdesk-protocol", version);
            problem(request, 426, "too_old").await;
        }
    }
    let fine = desk.ask(Method::GET, "/health").header("pocketdesk-protocol", "1").send().await.unwrap();
    assert_eq!(fine.status().as_u16(), 200);
    problem(desk.ask(Method::GET, "/nowhere"), 404, "not_found").await;
    problem(desk.ask(Method::PATCH, "/me"), 405, "method_not_allowed").await;
}

#[tokio::test]
async fn too_much_is_refused_with_the_time_to_come_again() {
    let desk = Desk::with(|config| config.rates.sign_in = 3).await;
    let ask = || {
        let body = json!({ "email": "olena@firm.example", "challenge": "0".repeat(64) });
        desk.ask(Method::POST, "/sign-in/email").json_body(&body)
    };
    for _ in 0..3 {
        assert_eq!(ask().send().await.unwrap().status().as_u16(), 200);
    }
    let answer = ask().send().await.unwrap();
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    refused(answer, 429, "too_many_requests").await;
    // A session has a bucket of its own.
    let desk = Desk::with(|config| config.rates.session = 2).await;
    let phone = desk.phone("olena@firm.example").await;
    for _ in 0..2 {
        assert_eq!(phone.ask(Method::GET, "/me").send().await.unwrap().status().as_u16(), 200);
    }
    problem(phone.ask(Method::GET, "/me"), 429, "too_many_requests").await;
    let other = desk.phone("max@firm.example").await;
    assert_eq!(other.ask(Method::GET, "/me").send().await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn one_mailbox_is_not_flooded_whoever_asks() {
    let desk = Desk::with(|config| config.rates.mails = 2).await;
    for _ in 0..2 {
        desk.asked("olena@firm.example").await;
    }
    let body = json!({ "email": "Olena@FIRM.example", "challenge": "0".repeat(64) });
    problem(desk.ask(Method::POST, "/sign-in/email").json_body(&body), 429, "too_many_requests").await;
    desk.asked("max@firm.example").await;
}

#[tokio::test]
async fn a_body_too_large_is_refused_packed_or_not() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let large = format!(r#"{{"ops":[],"x":"{}"}}"#, "a".repeat(2 << 20));
    problem(phone.ask(Method::POST, "/sync").body(large.clone()), 413, "too_large").await;
    // A bomb: a few hundred bytes that unpack to too many.
    let packed = zstd::encode_all(large.as_bytes(), 3).unwrap();
    assert!(packed.len() < 2000);
    problem(
        phone.ask(Method::POST, "/sync").header("content-encoding", "zstd").body(packed),
        413,
        "too_large",
    )
    .await;
    let fine = zstd::encode_all(&br#"{"ops":[]}"#[..], 3).unwrap();
    let _: SyncResponse =
        good(phone.ask(Method::POST, "/sync").header("content-encoding", "zstd").body(fine)).await;
    problem(phone.ask(Method::POST, "/sync").header("content-encoding", "br").body("x"), 415, "bad_request")
        .await;
    problem(phone.ask(Method::POST, "/sync").body("{"), 400, "bad_request").await;
}

#[tokio::test]
async fn answers_travel_packed_when_the_phone_can_unpack() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    for index in 0..10 {
        phone.file(&format!("Ticket {index}"), Vec::new()).await;
    }
    let request = desk.staff(Method::GET, "/staff/tickets");
    let plain = request.try_clone().unwrap().header("accept-encoding", "identity").send().await.unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    let plain = plain.bytes().await.unwrap();
    // reqwest asks for zstd, unpacks, and takes the header off.
    let packed = request.send().await.unwrap();
    assert!(packed.headers().get("content-length").is_none());
    assert_eq!(packed.bytes().await.unwrap(), plain);
}
