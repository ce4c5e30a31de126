//! A day of the desk's own people.

use reqwest::Method;

use super::*;

#[tokio::test]
async fn a_desk_can_live_by_the_staff_api_alone() {
    let desk = Desk::open().await;
    let post = |path: String, body: Value| desk.staff(Method::POST, &path).json_body(&body);
    let company: Value =
        good(post("/staff/companies".into(), json!({ "name": "Firm", "sites": ["Harbour"] }))).await;
    let site = company["sites"][0]["id"].clone();
    let new =
        json!({ "name": "Olena", "email": "olena@firm.example", "company": company["id"], "site": site });
    let olena: Value = good(post("/staff/people".into(), new.clone())).await;
    problem(post("/staff/people".into(), new), 400, "bad_request").await;
    let phone = desk.phone("olena@firm.example").await;
    assert_eq!(olena["id"], phone.tokens.person.to_string());
    // What she sees changes, and where she works does not.
    let url = format!("/staff/people/{}/scopes", phone.tokens.person);
    let seen: Value = good(desk.staff(Method::PUT, &url).json_body(&json!({ "sees": "company" }))).await;
    assert_eq!((&seen["sees"], &seen["company"]), (&json!("company"), &company["id"]));
    let me: Value = good(phone.ask(Method::GET, "/me")).await;
    assert!(me["heads"].to_string().contains("company:"), "{me}");

    let (photo, bytes) = file("till.bin", 5000, 1);
    let ticket = phone.file("The till", vec![photo.clone()]).await;
    phone.upload(&photo, &bytes).await;
    let list: Value = good(desk.staff(Method::GET, "/staff/tickets?status=new")).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["subject"], "The till");
    let got = desk.staff(Method::GET, &format!("/staff/attachments/{}", photo.id)).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), bytes);

    // By its number from here on; files both ways.
    let at = |what: &str| format!("/staff/tickets/1/{what}");
    let url = "/staff/files?name=manual.txt";
    let sent: Value = good(desk.staff(Method::POST, url).body("Press the green button.")).await;
    assert_eq!((&sent["mime"], &sent["size"]), (&json!("text/plain"), &json!(23)));
    let files = json!([sent["id"], { "name": "small.txt", "content_base64": "SGk=" }]);
    let reply = json!({ "text": "See the manual.", "files": files, "by": "Ira" });
    let _: Value = good(post(at("reply"), reply)).await;
    let _: Value = good(post(at("note"), json!({ "text": "Third time this month." }))).await;
    for (what, body) in [
        ("assignee", json!({ "assignee": "Ira" })),
        ("deadline", json!({ "at": "2030-01-01T00:00:00Z" })),
        ("deadline", json!({ "at": 1_900_000_000_000_i64, "reason": "A part is on its way." })),
        ("participants", json!({ "add": ["olena@firm.example"], "remove": [] })),
        ("status", json!({ "status": "solved" })),
        ("rating-request", json!({})),
    ] {
        let answer = post(at(what), body).send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(status == 204, "{what}: {status} {}", answer.text().await.unwrap());
    }
    let view: Value = good(desk.staff(Method::GET, "/staff/tickets/1")).await;
    assert_eq!(view["ticket"]["id"], ticket.to_string());
    assert_eq!((&view["ticket"]["status"], &view["ticket"]["assignee"]), (&json!("solved"), &json!("Ira")));
    assert_eq!(view["ticket"]["deadline"]["reason"], "A part is on its way.");
    assert_eq!(view["comments"][0]["author"]["name"], "Ira");
    assert_eq!(view["notes"][0]["text"], "Third time this month.");
    // The requester gets the files, and never the note.
    let names: Vec<_> =
        view["attachments"].as_array().unwrap().iter().map(|file| file["name"].clone()).collect();
    assert!(names.contains(&json!("manual.txt")) && names.contains(&json!("small.txt")), "{names:?}");
    let got = phone
        .ask(Method::GET, &format!("/attachments/{}", sent["id"].as_str().unwrap()))
        .send()
        .await
        .unwrap();
    assert_eq!(got.text().await.unwrap(), "Press the green button.");
    let snapshot = phone.ask(Method::GET, "/snapshot").send().await.unwrap().bytes().await.unwrap();
    let all = zstd::decode_all(&snapshot[..]).unwrap();
    let all = String::from_utf8(all).unwrap();
    assert!(all.contains("See the manual.") && !all.contains("Third time this month."));

    problem(desk.staff(Method::GET, "/staff/tickets/99"), 404, "not_found").await;
    problem(post(at("status"), json!({ "status": "finished" })), 400, "bad_request").await;
    problem(post(at("reply"), json!({ "text": "a", "filse": [] })), 400, "bad_request").await;
}

#[tokio::test]
async fn a_reply_or_note_sent_again_because_its_answer_was_lost_is_there_once() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let ticket = phone.file("The till", Vec::new()).await;
    let other = phone.file("The door", Vec::new()).await;
    let post = |ticket: EntityId, what: &str, body: &Value| {
        desk.staff(Method::POST, &format!("/staff/tickets/{ticket}/{what}")).json_body(body)
    };
    for what in ["reply", "note"] {
        let id = new_id();
        let body = json!({ "text": what, "by": "Ira", "id": id });
        let (one, two): (Value, Value) =
            tokio::join!(good(post(ticket, what, &body)), good(post(ticket, what, &body)));
        let again: Value = good(post(ticket, what, &body)).await;
        for answer in [one, two, again] {
            assert_eq!(answer["id"], json!(id));
        }
        problem(post(ticket, what, &json!({ "text": "else", "id": id })), 400, "bad_request").await;
        problem(post(other, what, &body), 400, "bad_request").await;
        let crossed = if what == "reply" { "note" } else { "reply" };
        problem(post(ticket, crossed, &body), 400, "bad_request").await;
    }
    let view: Value = good(desk.staff(Method::GET, &format!("/staff/tickets/{ticket}"))).await;
    let count = |of: &str| view[of].as_array().unwrap().len();
    assert_eq!((count("comments"), count("notes")), (1, 1), "{view}");

    // Deleted is deleted: a late double does not bring it back.
    let id = view["comments"][0]["id"].as_str().unwrap();
    let url = format!("/staff/comments/{id}");
    assert_eq!(desk.staff(Method::DELETE, &url).send().await.unwrap().status().as_u16(), 204);
    let late = json!({ "text": "reply", "by": "Ira", "id": id });
    let _: Value = good(post(ticket, "reply", &late)).await;
    let view: Value = good(desk.staff(Method::GET, &format!("/staff/tickets/{ticket}"))).await;
    assert_eq!(view["comments"].as_array().unwrap().len(), 0, "{view}");
}

#[tokio::test]
async fn what_staff_erase_is_gone_with_its_bytes() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (photo, bytes) = file("passport.bin", 5000, 1);
    let ticket = phone.file("Not for a help desk", vec![photo.clone()]).await;
    phone.upload(&photo, &bytes).await;
    let url = format!("/staff/tickets/{ticket}?erase=true");
    assert_eq!(desk.staff(Method::DELETE, &url).send().await.unwrap().status().as_u16(), 204);
    problem(phone.ask(Method::GET, &format!("/attachments/{}", photo.id)), 404, "not_found").await;
    problem(phone.ask(Method::GET, &format!("/uploads/{}", photo.id)), 404, "not_found").await;
    problem(desk.staff(Method::GET, &format!("/staff/tickets/{ticket}")), 404, "not_found").await;
    let blobs = desk.folder.path().join("blobs");
    let left =
        std::fs::read_dir(blobs).unwrap().flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap());
    assert_eq!(left.count(), 0, "bytes were left behind");
}
