//! Speaking instead of typing, without a recogniser: what was said is kept whatever happens. What words come of it is
//! seen in `voice` and through the terminal.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use pocketdesk_core::{
    engine::{account::Account, accounts::Accounts, shared::Settings},
    env::{
        Env,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    error::Error,
    store::Home,
    voice::{Ask, models::Rules},
};
use pocketdesk_domain::model::{DictateInto, NewTicket, RecordingView};

use crate::scripted::Scripted;

/// A chunk of 20 ms, as a microphone gives it.
const CHUNK: usize = 320;
/// Names the folder to the process that is killed.
const FOLDER: &str = "POCKETDESK_TEST_RECORDING";

async fn open(dir: &Path) -> (Arc<Accounts>, Arc<Account>) {
    let env = Env {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        secrets: Arc::new(FileSecrets::new(dir.join("secrets"))),
        remote: Scripted::new([]),
        work: Arc::new(SystemWork::new(tokio::runtime::Handle::current())),
    };
    let settings = Settings {
        device: "phone".into(),
        locale: "en".into(),
        automatic: false,
        attachment_cache_bytes: 1 << 30,
        models: Rules::default(),
        models_beside: None,
    };
    let home = Home::open(dir.join("data")).unwrap();
    let accounts = Accounts::open(env, home, settings, false).await.unwrap();
    let account = accounts.find_or_make(None).await.unwrap();
    (accounts, account)
}

fn sound(chunk: usize) -> Vec<i16> {
    (0..CHUNK).map(|at| (((chunk * CHUNK + at) as f64 / 7.0).sin() * 8_000.0) as i16).collect()
}

async fn recorded(account: &Arc<Account>) -> Vec<RecordingView> {
    account.recordings().await.unwrap()
}

/// The process that speaks until it is killed; says how many chunks it handed in.
#[test]
#[ignore = "is started by the test below, to be killed"]
fn speaks() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (_accounts, account) = open(Path::new(&dir)).await;
        let dictation = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
        for chunk in 0.. {
            dictation.push(&sound(chunk)).unwrap();
            println!("said {chunk}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_kill_while_somebody_speaks_loses_less_than_a_second_and_the_rest_becomes_a_draft() {
    for chunks in [3, 40, 95, 160] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["dictation::speaks", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = |line: &str| line.strip_prefix("said ").and_then(|number| number.parse::<usize>().ok());
        let last = lines.by_ref().map_while(Result::ok).find(|line| said(line) >= Some(chunks));
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = lines.map_while(Result::ok).filter_map(|line| said(&line)).last();
        let handed_in = rest.or(last.as_deref().and_then(said)).unwrap() as u64 + 1;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (accounts, account) = open(dir.path()).await;
            let all = recorded(&account).await;
            if all.is_empty() {
                assert!(handed_in * 20 <= 1_000, "{handed_in} chunks are lost");
                return accounts.shut_down().await;
            }
            let [recording] = all.as_slice() else { panic!("one recording is offered: {all:?}") };
            assert!(recording.cut && recording.into == DictateInto::Ticket);
            let lost = (handed_in * 20).saturating_sub(recording.duration_ms);
            assert!(lost <= 1_000, "{lost} ms of {handed_in} chunks are lost");
            let draft = account.hear_recording(recording.id.clone()).await.unwrap();
            assert_eq!(draft.id, recording.id);
            assert!(draft.spoken.as_ref().unwrap().words_later, "there is no model here");
            assert_eq!((draft.attachments.len(), draft.attachments[0].name.as_str()), (1, "voice.flac"));
            assert!(draft.attachments[0].size > 42, "more than a head");
            let waiting = recorded(&account).await;
            assert!(!waiting[0].cut && waiting[0].duration_ms == recording.duration_ms);
            accounts.shut_down().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_without_a_model_can_be_sent_as_a_recording() {
    let dir = tempfile::tempdir().unwrap();
    let (_accounts, account) = open(dir.path()).await;
    let dictation = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
    for chunk in 0..100 {
        dictation.push(&sound(chunk)).unwrap();
    }
    assert_eq!(recorded(&account).await, [], "one that is being made is not offered");
    let draft = dictation.stop().await.unwrap();
    assert!(dictation.push(&sound(0)).is_err(), "it has ended");
    assert_eq!(recorded(&account).await[0].duration_ms, 2_000);
    let ticket = NewTicket {
        subject: "Listen to this".into(),
        draft: Some(draft.id.clone()),
        attachments: vec![draft.attachments[0].id.clone()],
        ..NewTicket::default()
    };
    let (id, _) = account.submit(ticket).await.unwrap();
    let view = account.ticket(id).await.unwrap();
    assert_eq!(view.summary.subject, "Listen to this");
    assert_eq!(recorded(&account).await, [], "it went with the ticket");
    assert_eq!(account.drafts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_were_typed_beside_the_recording_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (_accounts, account) = open(dir.path()).await;
    let dictation = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
    dictation.push(&sound(0)).unwrap();
    let draft = dictation.stop().await.unwrap();
    let typed = pocketdesk_domain::model::NewDraft {
        id: Some(draft.id.clone()),
        subject: "Typed".into(),
        text: "Typed words".into(),
        // And the recording was taken out.
        ..Default::default()
    };
    let kept = account.save_draft(typed).await.unwrap();
    assert_eq!(kept.text, "Typed words");
    assert_eq!(kept.spoken.unwrap().recording, None);
    // Without a model it goes on waiting, and nothing of the draft moves.
    let later = account.hear_recording(draft.id.clone()).await;
    assert!(later.is_err(), "{later:?}");
    assert_eq!(account.drafts().await.unwrap()[0].text, "Typed words");
    account.delete_draft(draft.id).await.unwrap();
    assert_eq!(recorded(&account).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_dictation_leaves_nothing_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (accounts, account) = open(dir.path()).await;
    let files = dir.path().join("data/accounts").join(&account.name).join("files");
    let dictation = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
    for chunk in 0..100 {
        dictation.push(&sound(chunk)).unwrap();
    }
    assert_eq!(std::fs::read_dir(&files).unwrap().count(), 1);
    dictation.cancel().await.unwrap();
    drop(dictation);
    assert_eq!(std::fs::read_dir(&files).unwrap().count(), 0);
    assert_eq!((recorded(&account).await, account.drafts().await.unwrap()), (vec![], vec![]));
    let ended = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
    let nothing = ended.stop().await;
    assert!(nothing.is_err(), "silence of no length is no draft: {nothing:?}");
    let unknown = DictateInto::Reply { ticket: uuid::Uuid::nil().to_string() };
    assert!(account.dictate(unknown, Ask::default()).await.is_err(), "a reply needs its ticket");
    accounts.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_is_in_no_draft_yet_keeps_its_person_from_signing_out_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let (accounts, account) = open(dir.path()).await;
    let dictation = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
    for chunk in 0..100 {
        dictation.push(&sound(chunk)).unwrap();
    }
    let unsent =
        async || accounts.sign_out(&account.name, false).await.expect_err("it would take what was said");
    assert!(
        matches!(unsent().await, Error::WouldLeaveWords(unsent) if unsent.drafts == 1),
        "while it is made"
    );
    drop(dictation);
    let cut = async {
        loop {
            // What was pushed is written down in the background.
            match recorded(&account).await.pop() {
                Some(cut) => break cut,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let cut = tokio::time::timeout(Duration::from_secs(30), cut).await.expect("it is offered");
    assert!(
        matches!(unsent().await, Error::WouldLeaveWords(unsent) if unsent.drafts == 1),
        "once it was cut"
    );
    account.delete_draft(cut.id).await.unwrap();
    assert!(accounts.sign_out(&account.name, false).await.unwrap().is_empty(), "nothing keeps them any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_an_hour_is_refused_and_what_was_said_before_is_still_a_draft() {
    let dir = tempfile::tempdir().unwrap();
    let (_accounts, account) = open(dir.path()).await;
    let dictation = account.dictate(DictateInto::Ticket, Ask::default()).await.unwrap();
    dictation.push(&sound(0)).unwrap();
    let hour = vec![0; 3_600 * 16_000];
    assert!(dictation.push(&hour).is_err(), "with what was said it is more");
    tokio::time::timeout(Duration::from_secs(10), dictation.room()).await.expect("nothing is waited for");
    dictation.push(&sound(1)).unwrap();
    dictation.stop().await.unwrap();
    assert_eq!(recorded(&account).await[0].duration_ms, 40);
}
