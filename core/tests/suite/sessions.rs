//! Keeping a session through bad connections, and what ends it.

use std::{sync::Arc, time::Duration};

use pocketdesk_core::{
    engine::{account::Account, accounts::Accounts, shared::Settings},
    env::{
        Env,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    error::Error,
    session::tokens::NoToken,
    store::{Home, Session, StoreError},
};
use pocketdesk_domain::outbox::NewDraft;
use pocketdesk_protocol::{
    ids::{DeskId, PersonId, SessionId},
    session::{TokenRequest, Tokens},
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::scripted::{Answer, Scripted};

/// An account with a session, nothing syncing by itself.
pub struct Phone {
    pub account: Arc<Account>,
    pub desk: Arc<Scripted>,
    pub accounts: Arc<Accounts>,
    dir: TempDir,
}

pub async fn phone(desk: Arc<Scripted>) -> Phone {
    phone_with_room(desk, 1 << 30).await
}

/// With so many bytes to keep fetched and sent files in.
pub async fn phone_with_room(desk: Arc<Scripted>, attachment_cache_bytes: u64) -> Phone {
    let dir = tempfile::tempdir().unwrap();
    let env = Env {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        secrets: Arc::new(FileSecrets::new(dir.path().join("secrets"))),
        remote: desk.clone(),
        work: Arc::new(SystemWork::new(tokio::runtime::Handle::current())),
    };
    let settings = Settings {
        device: "phone".into(),
        locale: "en".into(),
        automatic: false,
        attachment_cache_bytes,
        models: pocketdesk_core::voice::models::Rules::default(),
        models_beside: None,
    };
    let home = Home::open(dir.path().join("data")).unwrap();
    let accounts = Accounts::open(env, home, settings, false).await.unwrap();
    let account = accounts.find_or_make(None).await.unwrap();
    account
        .write(|tx| {
            let mut facts = tx.account()?;
            facts.server = "https://desk.example.com".into();
            (facts.desk, facts.person) =
                (Some(DeskId(Uuid::from_u128(1))), Some(PersonId(Uuid::from_u128(2))));
            tx.set_account(&facts)?;
            Ok(tx.set_session(Some(&Session {
                session: SessionId(Uuid::from_u128(3)),
                access_token: "access-0".into(),
                refresh_token: "refresh-0".into(),
                expires_boot: "another boot".into(),
                expires_monotonic: 0,
                rotation: None,
            }))?)
        })
        .await
        .unwrap();
    Phone { account, desk, accounts, dir }
}

fn tokens(n: u32) -> Vec<u8> {
    serde_json::to_vec(&Tokens {
        access_token: format!("access-{n}"),
        expires_in_s: 900,
        refresh_token: format!("refresh-{n}"),
        session: SessionId(Uuid::from_u128(3)),
        person: PersonId(Uuid::from_u128(2)),
        desk: DeskId(Uuid::from_u128(1)),
    })
    .unwrap()
}

fn rotation(asked: &crate::scripted::Asked) -> TokenRequest {
    serde_json::from_slice(&asked.body).unwrap()
}

#[tokio::test]
async fn a_lost_answer_to_a_rotation_is_asked_for_again_under_its_name_and_signs_nobody_out() {
    let phone = phone(Scripted::new([Answer::Cut, Answer::Portal(401), Answer::Ours(200, tokens(1))])).await;
    for _ in 0..2 {
        let lost = phone.account.refresh_token("access-0").await;
        assert!(matches!(lost, Err(NoToken::Transient(_))), "{lost:?}");
    }
    assert_eq!(phone.account.refresh_token("access-0").await, Ok("access-1".into()));
    let asked = phone.desk.asked();
    assert_eq!(asked.len(), 3);
    for again in &asked {
        assert_eq!(rotation(again), rotation(&asked[0]), "another name for one rotation ends the family");
    }
    let session = phone.account.read(|snapshot| Ok(snapshot.own().session()?)).await.unwrap().unwrap();
    assert_eq!((session.refresh_token.as_str(), session.rotation), ("refresh-1", None));
}

#[tokio::test]
async fn many_that_need_a_token_at_once_rotate_once() {
    let phone = phone(Scripted::new([Answer::Ours(200, tokens(1))])).await;
    let all = futures_util::future::join_all((0..10).map(|_| phone.account.refresh_token("access-0"))).await;
    assert!(all.iter().all(|token| *token == Ok("access-1".into())), "{all:?}");
    assert_eq!(phone.desk.asked().len(), 1);
}

#[tokio::test]
async fn only_the_desks_own_word_ends_a_session() {
    let revoked = br#"{"code":"revoked","detail":""}"#.to_vec();
    let phone = phone(Scripted::new([
        Answer::Portal(401),
        Answer::Portal(403),
        Answer::Ours(500, Vec::new()),
        Answer::Ours(429, Vec::new()),
        Answer::Ours(401, revoked),
    ]))
    .await;
    for trouble in 0..4 {
        let kept = phone.account.refresh_token("access-0").await;
        assert!(matches!(kept, Err(NoToken::Transient(_))), "{trouble}: {kept:?}");
    }
    assert_eq!(phone.account.refresh_token("access-0").await, Err(NoToken::Revoked));
    assert_eq!(phone.account.refresh_token("access-0").await, Err(NoToken::SignedOut));
}

#[tokio::test]
async fn after_a_reboot_the_old_token_is_tried_before_a_new_one_is_asked_for() {
    let phone = phone(Scripted::new([])).await;
    assert_eq!(phone.account.access_token().await, Ok("access-0".into()));
    assert!(phone.desk.asked().is_empty());
}

#[tokio::test]
async fn a_sign_in_is_not_undone_by_a_late_answer_to_the_refresh_before_it() {
    let revoked = br#"{"code":"revoked","detail":""}"#.to_vec();
    for (status, body) in [(401, revoked), (200, tokens(1))] {
        let (come, told) = tokio::sync::oneshot::channel();
        let phone = phone(Scripted::new([Answer::Late(told, status, body)])).await;
        let account = phone.account.clone();
        let refresh = tokio::spawn(async move { account.refresh_token("access-0").await });
        while phone.desk.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        // Signing in again ends the session before it at the desk: its refresh is answered `revoked`.
        let signed_in = |session: Session| Session {
            access_token: "access-9".into(),
            refresh_token: "refresh-9".into(),
            rotation: None,
            ..session
        };
        phone
            .account
            .write(move |tx| {
                let session = tx.session()?.map(signed_in);
                Ok(tx.set_session(session.as_ref())?)
            })
            .await
            .unwrap();
        come.send(()).unwrap();
        assert_eq!(refresh.await.unwrap(), Ok("access-9".into()), "{status}");
        let session = phone.account.read(|snapshot| Ok(snapshot.own().session()?)).await.unwrap();
        assert_eq!(session.map(|session| session.refresh_token), Some("refresh-9".into()), "{status}");
    }
}

#[tokio::test]
async fn words_written_while_a_sign_out_waits_for_the_desk_wait_for_their_person() {
    let (come, told) = tokio::sync::oneshot::channel();
    let phone = phone(Scripted::new([Answer::Late(told, 200, Vec::new())])).await;
    let (accounts, name) = (phone.accounts.clone(), phone.account.name.clone());
    let leaving = tokio::spawn(async move { accounts.sign_out(&name, false).await });
    while phone.desk.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    let draft = NewDraft {
        id: Uuid::from_u128(5).into(),
        ticket: None,
        subject: "The lift".into(),
        text: "It stopped again".into(),
        attachments: Vec::new(),
        updated_at: 1,
    };
    let kept = draft.clone();
    phone.account.write(move |tx| Ok(tx.put_draft(&kept)?)).await.unwrap();
    come.send(()).unwrap();
    assert!(!leaving.await.unwrap().unwrap().is_empty(), "said to be left behind");
    let drafts = phone.account.read(|snapshot| Ok(snapshot.own().drafts()?)).await.unwrap();
    assert!(drafts == [draft], "it waits");
}

#[tokio::test]
async fn words_of_a_sign_out_that_the_disk_broke_off_still_go_to_the_desk() {
    let phone = phone(Scripted::new([])).await;
    let draft = NewDraft {
        id: Uuid::from_u128(5).into(),
        ticket: None,
        subject: "The lift".into(),
        text: "It stopped again".into(),
        attachments: Vec::new(),
        updated_at: 1,
    };
    phone.account.write(move |tx| Ok(tx.put_draft(&draft)?)).await.unwrap();

    // Another process holds own.db for longer than a commit waits.
    let shared = &phone.accounts.shared;
    let (env, home, settings) = (shared.env.clone(), shared.home.clone(), shared.settings.clone());
    let other = Accounts::open(env, home, settings, false).await.unwrap().find(None).await.unwrap();
    let (held, holds) = tokio::sync::oneshot::channel();
    let (let_go, told) = std::sync::mpsc::channel::<()>();
    let holding = tokio::spawn(async move {
        other
            .write(move |_| {
                held.send(()).unwrap();
                told.recv().unwrap();
                Ok(())
            })
            .await
    });
    holds.await.unwrap();
    let left = phone.accounts.sign_out(&phone.account.name, true).await;
    assert!(matches!(left, Err(Error::Store(StoreError::Busy))), "{left:?}");
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();

    let asked = phone.desk.asked().len();
    phone.accounts.sync_now(None, Duration::from_secs(5)).await.unwrap();
    assert!(phone.desk.asked().len() > asked, "the account fell silent");
}

#[tokio::test]
async fn an_account_that_could_not_sync_at_first_is_not_silent_for_good() {
    let phone = phone(Scripted::new([])).await;
    let shared = &phone.accounts.shared;
    let (env, home) = (shared.env.clone(), shared.home.clone());
    let settings = Settings { automatic: true, ..shared.settings.clone() };
    phone.accounts.shut_down().await;

    // Its lock cannot be taken, whoever asks.
    let lock = phone.dir.path().join("data/accounts").join(&phone.account.name).join("sync.lock");
    let _ = std::fs::remove_file(&lock);
    std::fs::create_dir(&lock).unwrap();
    let accounts = Accounts::open(env, home, settings, false).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(phone.desk.asked().is_empty(), "nothing can be sent yet");
    let report = accounts.report().await.unwrap();
    assert!(report.lines.iter().any(|line| line.name.ends_with("error")), "the report says why: {report:?}");

    std::fs::remove_dir(&lock).unwrap();
    let asked = async {
        while phone.desk.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.expect("the account fell silent");
    accounts.shut_down().await;
}

#[tokio::test]
async fn an_account_that_a_sign_out_could_not_remove_whole_is_no_damaged_one_and_goes_at_the_next_start() {
    let phone = phone(Scripted::new([])).await;
    let shared = &phone.accounts.shared;
    let (env, home, settings) = (shared.env.clone(), shared.home.clone(), shared.settings.clone());
    let open = async || Accounts::open(env.clone(), home.clone(), settings.clone(), false).await.unwrap();
    let name = phone.account.name.clone();
    let files = phone.dir.path().join("data/accounts").join(&name);
    let secrets = std::fs::read_dir(phone.dir.path().join("secrets")).unwrap();
    let key = secrets.map(|file| file.unwrap().path()).find(|path| path.to_string_lossy().contains(&name));
    let key = key.expect("its key lies there");
    std::fs::remove_file(&key).unwrap();
    // Nothing removes a folder as if it were a file.
    std::fs::create_dir(&key).unwrap();
    assert!(phone.accounts.sign_out(&name, false).await.expect("she is out").is_empty());
    assert_eq!(phone.accounts.views().await.unwrap(), []);
    phone.accounts.shut_down().await;

    let again = open().await;
    assert_eq!(again.views().await.unwrap(), [], "nobody is told of a damaged account");
    assert!(files.exists());
    again.shut_down().await;

    std::fs::remove_dir(&key).unwrap();
    let again = open().await;
    assert!(!files.exists(), "what came from the desk stays on the device");
    assert_ne!(again.find_or_make(None).await.expect("filing goes on").name, name);
    again.shut_down().await;
}

#[tokio::test]
async fn a_sign_out_that_cannot_begin_to_remove_leaves_the_account_as_it_was() {
    let phone = phone(Scripted::new([])).await;
    let name = phone.account.name.clone();
    let word = phone.dir.path().join("data/accounts").join(&name).join("gone");
    std::fs::create_dir(&word).unwrap();
    let left = phone.accounts.sign_out(&name, false).await;
    assert!(left.is_err(), "{left:?}");
    std::fs::remove_dir(&word).unwrap();
    assert_eq!(phone.accounts.views().await.unwrap().len(), 1);
    phone.account.outbox().await.expect("its files are open");
}
