//! What lies on the disk cannot be read without the key, and a key that does not fit changes nothing.

use pocketdesk_domain::outbox::NewDraft;

use super::*;

const WORDS: &[&str] =
    &["Бухгалтерия", "кавоварка", "secretword", "diese-datei.pdf", "refresh-token-of-olena"];

fn full_of_words(phone: &Phone) -> Store {
    let mut store = phone.store();
    let text = WORDS.join(" ");
    store
        .write(|tx| {
            tx.put_draft(&NewDraft {
                id: EntityId(id(1)),
                ticket: None,
                subject: text.clone(),
                text: text.clone(),
                attachments: Vec::new(),
                updated_at: 1,
            })?;
            tx.set_setting("note", Some(&text))?;
            tx.set_session(Some(&pocketdesk_core::store::Session {
                session: Uuid::nil().into(),
                access_token: text.clone(),
                refresh_token: text.clone(),
                expires_boot: String::new(),
                expires_monotonic: 0,
                rotation: None,
            }))
        })
        .unwrap();
    add(&mut store, &new_comment(1, 1, &text));
    let file = built(&mut store, &[ticket(1, 1, &text, "open"), comment(2, 1, 1, 1, by_staff(), &text)]);
    page(&mut store, &file, "c0", &[ticket(3, 2, &text, "solved")], "c1", 0);
    let photo = text.repeat(5_000);
    store.files().stage(&mut photo.as_bytes(), None, u64::MAX, phone.env.rng.as_ref()).unwrap();
    store
}

#[test]
fn no_word_lies_on_the_disk_in_plain_text() {
    let phone = Phone::new();
    let store = full_of_words(&phone);
    let look = |when: &str| {
        let files = all_files(&phone.dir.path().join("data"));
        assert!(files.len() >= 4, "{when}: {files:?}", files = files.len());
        for (path, bytes) in &files {
            let name = path.display();
            assert!(!bytes.starts_with(b"SQLite format 3"), "{when}: {name} is a plain database");
            for word in WORDS {
                let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
                assert!(!found, "{when}: {word:?} lies in {name}");
                assert!(!name.to_string().contains(word), "{when}: {name} is named after a word");
            }
            // The index holds stems: a part of a word must not be found either.
            assert!(
                !bytes.windows(8).any(|window| window == "бухг".as_bytes()),
                "{when}: a stem lies in {name}"
            );
        }
        files.iter().filter(|(path, _)| path.to_string_lossy().ends_with("-wal")).count()
    };
    assert!(look("open") >= 2, "the write-ahead logs are looked at too");
    drop(store);
    look("closed");
}

fn refused(phone: &Phone) -> StoreError {
    let before = all_files(&phone.account_dir());
    let error = Store::open(&phone.home, &phone.account, &phone.env).err().expect("refused");
    // shm files are made by looking; they hold no content of a database.
    let content = |files: Vec<(PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| !path.to_string_lossy().ends_with("-shm")).collect()
    };
    assert!(
        content(before) == content(all_files(&phone.account_dir())),
        "the files are as they were: {error}"
    );
    error
}

fn secret(phone: &Phone) -> String {
    format!("account-{}", phone.account)
}

#[test]
fn with_a_wrong_key_nothing_is_overwritten() {
    for closed in [true, false] {
        let phone = Phone::new();
        let store = full_of_words(&phone);
        let phone = if closed {
            drop(store);
            phone
        } else {
            phone.killed_now()
        };
        let right = phone.env.secrets.load(&secret(&phone)).unwrap().unwrap();
        phone.env.secrets.save(&secret(&phone), &[9; 32]).unwrap();
        assert_eq!(refused(&phone), StoreError::WrongKey { file: "own.db".into() });
        phone.env.secrets.save(&secret(&phone), &right).unwrap();
        assert_eq!(
            phone.store().read(|snap| snap.own().drafts()).unwrap().len(),
            1,
            "the right key opens it again"
        );
    }
}

#[test]
fn without_a_key_nothing_is_overwritten() {
    let phone = Phone::new();
    drop(full_of_words(&phone));
    let right = phone.env.secrets.load(&secret(&phone)).unwrap().unwrap();
    phone.env.secrets.remove(&secret(&phone)).unwrap();
    assert_eq!(refused(&phone), StoreError::KeyMissing { account: phone.account.clone() });
    // A key of another length would be taken for a passphrase.
    phone.env.secrets.save(&secret(&phone), &right[..31]).unwrap();
    assert!(matches!(refused(&phone), StoreError::Failed { .. }));
    phone.env.secrets.save(&secret(&phone), &right).unwrap();
    assert_eq!(phone.store().read(|snap| snap.own().drafts()).unwrap().len(), 1);
}

#[test]
fn another_accounts_database_is_refused_and_kept() {
    let (olenas, taras) = (Phone::new(), Phone::new());
    drop(full_of_words(&olenas));
    drop(taras.store());
    std::fs::copy(olenas.account_dir().join("own.db"), taras.account_dir().join("own.db")).unwrap();
    assert_eq!(refused(&taras), StoreError::WrongKey { file: "own.db".into() });
    let copy = std::fs::read(taras.account_dir().join("own.db")).unwrap();
    assert!(copy == std::fs::read(olenas.account_dir().join("own.db")).unwrap());
}

#[test]
fn another_accounts_cache_is_never_shown() {
    let (olenas, taras) = (Phone::new(), Phone::new());
    let mut store = full_of_words(&olenas);
    let theirs = store.cache_state().unwrap().active.unwrap().name;
    drop(store);
    let mut store = taras.store();
    let mine = built(&mut store, &[ticket(1, 1, "Принтер", "open")]);
    drop(store);
    std::fs::copy(olenas.account_dir().join(theirs.as_str()), taras.account_dir().join(mine.as_str()))
        .unwrap();
    let mut store = taras.store();
    assert_eq!(store.clean_caches().unwrap().active, None, "as good as missing: it is built anew");
    built(&mut store, &[ticket(1, 1, "Принтер", "open")]);
    assert_eq!(store.read(|snap| snap.cache().unwrap().counts()).unwrap().tickets, 1);
}

#[test]
fn a_plain_database_is_refused() {
    let phone = Phone::new();
    std::fs::write(phone.account_dir().join("own.db"), b"SQLite format 3\0 and so on").unwrap();
    assert!(matches!(refused(&phone), StoreError::NotSealed { .. }));
}

#[test]
fn while_the_device_is_locked_nothing_is_made_anew() {
    struct LockedSecrets;
    impl pocketdesk_core::env::Secrets for LockedSecrets {
        fn load(&self, _: &str) -> Result<Option<Vec<u8>>, pocketdesk_core::env::SecretsError> {
            Err(pocketdesk_core::env::SecretsError::Locked)
        }
        fn save(&self, _: &str, _: &[u8]) -> Result<(), pocketdesk_core::env::SecretsError> {
            panic!("nothing is saved while locked")
        }
        fn remove(&self, _: &str) -> Result<(), pocketdesk_core::env::SecretsError> {
            panic!("nothing is removed while locked")
        }
    }
    let mut phone = Phone::new();
    drop(full_of_words(&phone));
    phone.env.secrets = Arc::new(LockedSecrets);
    assert_eq!(refused(&phone), StoreError::Locked);
    assert_eq!(
        phone.home.create(phone.env.rng.as_ref(), phone.env.secrets.as_ref()),
        Err(StoreError::Locked)
    );
}

#[test]
fn one_process_syncs_and_a_dropped_lock_is_free() {
    let phone = Phone::new();
    let lock = phone.home.lock(&phone.account).unwrap();
    assert!(lock.is_some());
    assert!(phone.home.lock(&phone.account).unwrap().is_none());
    drop(lock);
    assert!(phone.home.lock(&phone.account).unwrap().is_some());
}

/// Where the child of [`the_right_to_sync_is_free_after_kill_9`] looks.
const DATA: &str = "POCKETDESK_TEST_LOCK_OF";

#[test]
#[ignore = "a part of the next test, run by it in a process of its own"]
fn hold_the_lock() {
    let place = std::env::var(DATA).unwrap();
    let (data, account) = place.rsplit_once('|').unwrap();
    let _lock = Home::open(data).unwrap().lock(account).unwrap().unwrap();
    std::fs::write(Path::new(data).join("held"), "").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn the_right_to_sync_is_free_after_kill_9() {
    let phone = Phone::new();
    let data = phone.dir.path().join("data");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "storage::under_lock::hold_the_lock", "--ignored"])
        .env(DATA, format!("{}|{}", data.display(), phone.account))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut waits = 0;
    while !data.join("held").exists() {
        waits += 1;
        assert!(waits < 3_000, "the child takes the lock");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(phone.home.lock(&phone.account).unwrap().is_none(), "another process syncs");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(phone.home.lock(&phone.account).unwrap().is_some());
}

#[test]
fn only_this_user_may_enter_the_folder() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let phone = Phone::new();
        drop(full_of_words(&phone));
        for dir in
            [phone.dir.path().join("data/accounts"), phone.account_dir(), phone.account_dir().join("files")]
        {
            let mode = std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o700, "{}", dir.display());
        }
    }
}
