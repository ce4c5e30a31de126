//! Getting in, staying in, and being put out.

use pocketdesk_protocol::ids::RotationId;
use pocketdesk_server::config::SignUp;
use reqwest::Method;

use super::*;

fn rotation(token: &str, name: RotationId) -> Value {
    json!({ "refresh_token": token, "rotation": name })
}

async fn rotate(desk: &Desk, token: &str, name: RotationId) -> Tokens {
    good(desk.ask(Method::POST, "/token").json_body(&rotation(token, name))).await
}

#[tokio::test]
async fn a_code_lets_its_phone_in_and_no_other() {
    let desk = Desk::open().await;
    let (asked, secret) = desk.asked("olena@firm.example").await;
    let code = desk.running.code("olena@firm.example").await;
    let install = InstallId(new_id());
    // Read over her shoulder: the code, not the secret.
    let stolen = hex(&sha256(b"another phone"));
    let body = refused(desk.enter(&asked, &stolen, &code, install).await, 403, "wrong_code").await;
    assert_eq!(body["tries_left"], 4);
    let answer = desk.enter(&asked, &secret, &code, install).await;
    assert_eq!(answer.status().as_u16(), 200);
    let tokens: Tokens = json_of(answer).await;
    assert_eq!(tokens.expires_in_s, 900);
    let me: Value = good(desk.ask(Method::GET, "/me").bearer_auth(&tokens.access_token)).await;
    assert_eq!(me["email"], "olena@firm.example");
}

#[tokio::test]
async fn five_wrong_codes_end_an_asking_even_for_the_right_one() {
    let desk = Desk::open().await;
    let (asked, secret) = desk.asked("olena@firm.example").await;
    let code = desk.running.code("olena@firm.example").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let install = InstallId(new_id());
    for left in (0..5).rev() {
        let body = refused(desk.enter(&asked, &secret, wrong, install).await, 403, "wrong_code").await;
        assert_eq!(body["tries_left"], left);
    }
    refused(desk.enter(&asked, &secret, &code, install).await, 403, "code_expired").await;
}

#[tokio::test]
async fn a_lost_answer_to_the_right_code_does_not_lock_the_person_out() {
    let desk = Desk::open().await;
    let (asked, secret) = desk.asked("olena@firm.example").await;
    let code = desk.running.code("olena@firm.example").await;
    let install = InstallId(new_id());
    let first: Tokens = json_of(desk.enter(&asked, &secret, &code, install).await).await;
    let again: Tokens = json_of(desk.enter(&asked, &secret, &code, install).await).await;
    assert_eq!((first.session, &first.refresh_token), (again.session, &again.refresh_token));
    // Nobody else's, and not once the session has gone on.
    refused(desk.enter(&asked, &secret, &code, InstallId(new_id())).await, 403, "code_expired").await;
    rotate(&desk, &first.refresh_token, RotationId(new_id())).await;
    refused(desk.enter(&asked, &secret, &code, install).await, 403, "code_expired").await;
}

#[tokio::test]
async fn a_stranger_and_a_known_person_get_the_same_answer_and_only_one_a_code() {
    let desk = Desk::with(|config| config.sign_up = SignUp::Invited).await;
    let body = json!({ "name": "Olena", "email": "Olena@Firm.example" });
    let _: Value = good(desk.staff(Method::POST, "/staff/people").json_body(&body)).await;
    let (stranger, secret) = desk.asked("max@other.example").await;
    let (known, _) = desk.asked("olena@firm.example").await;
    assert_eq!(stranger.expires_in_s, known.expires_in_s);
    desk.running.code("olena@firm.example").await;
    let none = tokio::time::timeout(Duration::from_millis(300), desk.running.code("max@other.example"));
    assert!(none.await.is_err(), "a stranger got a code");
    // Guessing at it looks like guessing at anybody's.
    let body =
        refused(desk.enter(&stranger, &secret, "123456", InstallId(new_id())).await, 403, "wrong_code").await;
    assert_eq!(body["tries_left"], 4);
}

#[tokio::test]
async fn a_companys_own_addresses_may_sign_up_and_lookalikes_may_not() {
    let desk = Desk::with(|config| {
        config.sign_up = SignUp::Domains;
        config.sign_up_domains = vec!["firm.example".into()];
    })
    .await;
    desk.phone("taras@firm.example").await;
    for lookalike in ["taras@notfirm.example", "taras@firm.example.evil.example", "taras@sub.firm.example"] {
        desk.asked(lookalike).await;
        let none = tokio::time::timeout(Duration::from_millis(200), desk.running.code(lookalike));
        assert!(none.await.is_err(), "{lookalike} got a code");
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_rotation_signs_nobody_out() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let name = RotationId(new_id());
    let first = rotate(&desk, &phone.tokens.refresh_token, name).await;
    let again = rotate(&desk, &phone.tokens.refresh_token, name).await;
    assert_eq!(first.refresh_token, again.refresh_token);
    assert_ne!(first.refresh_token, phone.tokens.refresh_token);
    let next = rotate(&desk, &again.refresh_token, RotationId(new_id())).await;
    let me = desk.ask(Method::GET, "/me").bearer_auth(&next.access_token).send().await.unwrap();
    assert_eq!(me.status().as_u16(), 200);
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_for_both() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let next = rotate(&desk, &phone.tokens.refresh_token, RotationId(new_id())).await;
    let thief = rotation(&phone.tokens.refresh_token, RotationId(new_id()));
    problem(desk.ask(Method::POST, "/token").json_body(&thief), 401, "revoked").await;
    for token in [&phone.tokens.access_token, &next.access_token] {
        problem(desk.ask(Method::GET, "/me").bearer_auth(token), 401, "revoked").await;
    }
    let owner = rotation(&next.refresh_token, RotationId(new_id()));
    problem(desk.ask(Method::POST, "/token").json_body(&owner), 401, "revoked").await;
}

#[tokio::test]
async fn a_copied_phone_that_repeats_an_old_rotation_for_ever_gets_nothing() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let name = RotationId(new_id());
    let second = rotate(&desk, &phone.tokens.refresh_token, name).await;
    let third = rotate(&desk, &second.refresh_token, RotationId(new_id())).await;
    let copy = rotation(&phone.tokens.refresh_token, name);
    problem(desk.ask(Method::POST, "/token").json_body(&copy), 401, "revoked").await;
    // And the owner is not signed out by a request that was merely doubled on the way.
    let me = desk.ask(Method::GET, "/me").bearer_auth(&third.access_token).send().await.unwrap();
    assert_eq!(me.status().as_u16(), 200);
}

#[tokio::test]
async fn a_token_nobody_knows_is_revoked_and_not_theft() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let unknown = rotation(&phone.tokens.access_token, RotationId(new_id()));
    problem(desk.ask(Method::POST, "/token").json_body(&unknown), 401, "revoked").await;
    assert_eq!(phone.ask(Method::GET, "/me").send().await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn a_lost_phone_is_put_out_from_the_other_one() {
    let desk = Desk::open().await;
    let (lost, kept) = (desk.phone("olena@firm.example").await, desk.phone("olena@firm.example").await);
    let sessions: Value = good(kept.ask(Method::GET, "/sessions")).await;
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let current: Vec<_> = sessions.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current[0]["id"], kept.tokens.session.to_string());
    let url = format!("/sessions/{}", lost.tokens.session);
    assert_eq!(kept.ask(Method::DELETE, &url).send().await.unwrap().status().as_u16(), 204);
    problem(lost.ask(Method::GET, "/me"), 401, "revoked").await;
    let rest: Value = good(kept.ask(Method::GET, "/sessions")).await;
    assert_eq!(rest.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn signing_in_again_on_one_phone_leaves_one_session() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (asked, secret) = desk.asked("olena@firm.example").await;
    let code = desk.running.code("olena@firm.example").await;
    let tokens: Tokens = json_of(desk.enter(&asked, &secret, &code, phone.install).await).await;
    problem(phone.ask(Method::GET, "/me"), 401, "revoked").await;
    let all: Value = good(desk.ask(Method::GET, "/sessions").bearer_auth(&tokens.access_token)).await;
    assert_eq!(all.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_token_and_no_code_lies_readable_in_the_database() {
    let desk = Desk::open().await;
    let phone = desk.phone("olena@firm.example").await;
    let (_, _) = desk.asked("taras@firm.example").await;
    let code = desk.running.code("taras@firm.example").await;
    let secrets = [
        phone.tokens.access_token.clone(),
        phone.tokens.refresh_token.clone(),
        desk.running.staff_token().to_owned(),
    ];
    for name in ["pocketdesk.db", "pocketdesk.db-wal"] {
        let bytes = std::fs::read(desk.folder.path().join(name)).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{name} holds a token");
        }
    }
    // Six digits may stand anywhere by chance: look where the code would be.
    let mut tx = desk.running.ctx().store.begin(pocketdesk_server::store::Mode::Read).await.unwrap();
    let rows = tx.query("SELECT code FROM sign_in", &[]).await.unwrap();
    for row in rows {
        assert!(row[0].bytes().unwrap() != code.as_bytes() && row[0].bytes().unwrap().len() == 32);
    }
}

#[tokio::test]
async fn a_code_lives_ten_minutes_and_an_access_token_fifteen() {
    let clock = MovedClock::new();
    let desk = Desk::with_clock(clock.clone()).await;
    let (asked, secret) = desk.asked("olena@firm.example").await;
    let code = desk.running.code("olena@firm.example").await;
    clock.on(601);
    refused(desk.enter(&asked, &secret, &code, InstallId(new_id())).await, 403, "code_expired").await;
    let phone = desk.phone("olena@firm.example").await;
    clock.on(890);
    assert_eq!(phone.ask(Method::GET, "/me").send().await.unwrap().status().as_u16(), 200);
    clock.on(11);
    // Expired, and not ended: the phone refreshes and goes on.
    problem(phone.ask(Method::GET, "/me"), 401, "unauthorized").await;
    let next = rotate(&desk, &phone.tokens.refresh_token, RotationId(new_id())).await;
    let me = desk.ask(Method::GET, "/me").bearer_auth(&next.access_token).send().await.unwrap();
    assert_eq!(me.status().as_u16(), 200);
}

#[tokio::test]
async fn spent_tokens_are_forgotten_in_time_and_nobody_is_signed_out_by_that() {
    use pocketdesk_server::auth::sessions;
    let clock = MovedClock::new();
    let desk = Desk::with_clock(clock.clone()).await;
    let phone = desk.phone("olena@firm.example").await;
    let newest = rotate(&desk, &phone.tokens.refresh_token, RotationId(new_id())).await;
    let ctx = &desk.running.app().ctx;
    assert_eq!(sessions::forget(ctx).await.unwrap(), 0, "a theft within three months is still known for one");
    clock.on(91 * 24 * 3600);
    assert_eq!(sessions::forget(ctx).await.unwrap(), 1);
    rotate(&desk, &newest.refresh_token, RotationId(new_id())).await;
}
