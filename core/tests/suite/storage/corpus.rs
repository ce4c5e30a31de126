//! Database files of every format that was ever given to people, each opened by every later version.
//!
//! `tests/corpus/databases/own-v<n>.db` and `cache-v<n>.db` are made by [`make`] with a fixed key. After a migration
//! is added, give its number to [`FORMAT`], run
//! `cargo test -p pocketdesk-core --test suite corpus::make -- --ignored` once, and commit what it wrote. A file that
//! is there is never made again: it is what lies on people's phones.

use pocketdesk_core::store::{AccountFacts, LocalFile, Session};
use pocketdesk_domain::outbox::{NewDraft, Rejected};
use pocketdesk_protocol::{ids::AttachmentId, op::FileRef};

use super::*;

/// The newest format of own.db.
const FORMAT: u32 = 2;
/// Formats of the cache files beside each of own.db's, and the one that is read today: others are built anew.
const CACHES: [u32; FORMAT as usize] = [1, 2];
const CACHE_FORMAT: u32 = 3;
/// The key of every file in the corpus.
const KEY: [u8; 32] = [0x42; 32];
/// The app copy of every file in the corpus: another one would lose its cache.
const INSTALL: &str = "0197f000-0000-7000-8000-000000000001\n";

fn folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/corpus/databases")).to_owned()
}

/// A phone with the corpus' key and install.
fn phone() -> Phone {
    let phone = Phone::new();
    phone.env.secrets.save(&format!("account-{}", phone.account), &KEY).unwrap();
    std::fs::write(phone.dir.path().join("data/install_id"), INSTALL).unwrap();
    phone
}

fn draft() -> NewDraft {
    NewDraft {
        id: EntityId(id(4)),
        ticket: None,
        subject: "Чернетка".into(),
        text: "Недописані слова".into(),
        attachments: vec![file()],
        updated_at: 7,
    }
}

fn file() -> FileRef {
    FileRef { id: AttachmentId(id(5)), name: "фото.jpg".into(), size: 3, sha256: "00".repeat(32) }
}

fn rejected() -> Rejected {
    Rejected {
        epoch: EPOCH,
        code: "moved_on".into(),
        text_key: "rejected-moved-on".into(),
        text: None,
        field: None,
        can_edit: false,
    }
}

/// Writes the corpus' files of the newest format, where they are not there yet.
#[test]
#[ignore = "makes files that are committed"]
fn make() {
    let own = folder().join(format!("own-v{FORMAT}.db"));
    assert!(!own.exists(), "{} is there already and is never made again", own.display());
    let phone = phone();
    let mut store = phone.store();
    store
        .write(|tx| {
            let facts = tx.account()?;
            tx.set_account(&AccountFacts {
                server: "https://desk.example".into(),
                desk: Some(id(8).into()),
                person: Some(olena()),
                email: "olena@desk.example".into(),
                synced_at: Some(9),
                ..facts
            })?;
            tx.set_session(Some(&Session {
                session: id(9).into(),
                access_token: "access".into(),
                refresh_token: "refresh".into(),
                expires_boot: "boot".into(),
                expires_monotonic: 1,
                rotation: None,
            }))?;
            tx.put_file(&LocalFile {
                file: file(),
                sealed: "0".repeat(32),
                staged: true,
                created_at: 1,
                used_at: 1,
                have: vec![1],
                complete_at: None,
                stopped: false,
                token: None,
                wake_interval: 1,
                wake_due: 2,
            })?;
            tx.put_draft(&draft())?;
            tx.set_setting("language", Some("uk"))?;
            let ops = [1, 2, 3].map(|n| new_comment(n, 1, "Дякую"));
            for op in &ops {
                tx.apply(&[OwnChange::AddOp(Box::new(op.clone()))])?;
            }
            tx.apply(&[
                OwnChange::EpochIs { epoch: EPOCH, now: 1 },
                applied(&ops[1], 7),
                OwnChange::Rejected { op: ops[2].op, rejected: rejected() },
            ])
        })
        .unwrap();
    let cache =
        built(&mut store, &[ticket(1, 1, "Принтер", "open"), comment(2, 1, 1, 1, by_staff(), "Лагодимо")]);
    drop(store);
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::copy(phone.account_dir().join(cache.as_str()), folder().join(format!("cache-v{FORMAT}.db")))
        .unwrap();
    std::fs::copy(phone.account_dir().join("own.db"), own).unwrap();
}

#[test]
fn words_written_with_any_earlier_version_are_all_there() {
    for format in 1..=FORMAT {
        let phone = phone();
        let put = |from: String, to: &str| {
            std::fs::copy(folder().join(from), phone.account_dir().join(to)).unwrap()
        };
        put(format!("own-v{format}.db"), "own.db");
        put(format!("cache-v{format}.db"), "cache-1.db");
        let mut store = phone.store();
        assert_eq!(store.read_only(), None, "format {format}");
        let active = store.clean_caches().unwrap().active;
        store
            .read(|snap| {
                let own = snap.own();
                let ops = own.ops()?;
                let words: Vec<_> = ops.iter().map(|op| op.payload().text().to_owned()).collect();
                assert_eq!(words, ["Дякую"; 3]);
                assert!(ops[0].is_live());
                assert!(matches!(&ops[1].state, OpState::Applied(applied) if (applied.v, applied.verdict_no) == (7, 1)));
                assert_eq!(ops[2].state, OpState::Rejected(rejected()));
                assert_eq!(own.drafts()?, [draft()]);
                assert_eq!(own.session()?.map(|session| session.refresh_token).as_deref(), Some("refresh"));
                assert_eq!(own.account()?.person, Some(olena()));
                assert_eq!((own.epoch()?, own.verdicts()?), (Some(EPOCH), 2));
                assert_eq!(own.setting("language")?.as_deref(), Some("uk"));
                let file = own.file(file().id)?.unwrap();
                assert!(file.has_part(0) && !file.has_part(1) && !file.has_part(100));
                Ok::<_, StoreError>(())
            })
            .unwrap();
        // A cache of another format is built anew; one of this format is read.
        if let Some(facts) = active {
            assert!(facts.finished);
            let hits =
                store.read(|snap| snap.search("лагодити", pocketdesk_core::store::Order::Newest, 5)).unwrap();
            assert_eq!(hits.len(), 1);
        } else {
            assert_ne!(CACHES[format as usize - 1], CACHE_FORMAT);
        }
        // And it can be written on.
        add(&mut store, &new_comment(9, 1, "далі"));
        assert_eq!(store.read(|snap| snap.own().ops()).unwrap().last().map(|op| op.n), Some(4));
    }
}

#[test]
fn an_old_file_with_a_full_outbox_opens_with_every_op_in_its_order() {
    for format in 1..=FORMAT {
        let phone = phone();
        let own = phone.account_dir().join("own.db");
        std::fs::copy(folder().join(format!("own-v{format}.db")), own).unwrap();
        let mut store = phone.store();
        // One of the three in it is live; the applied and the rejected one are not what waits.
        let more: Vec<_> = (10..).map(|n| new_comment(n, 1, &format!("слово {n}"))).take(9_999).collect();
        let changes: Vec<_> = more.iter().map(|op| OwnChange::AddOp(Box::new(op.clone()))).collect();
        store.write(|tx| tx.apply(&changes)).unwrap();
        drop(store);
        let mut store = phone.store();
        assert_eq!(store.read_only(), None);
        let ops = store.read(|snap| snap.own().ops()).unwrap();
        assert_eq!(ops.len(), 3 + 9_999);
        assert!(ops.windows(2).all(|pair| pair[0].n < pair[1].n), "order of writing");
        assert!(ops[3..].iter().zip(&more).all(|(kept, op)| (kept.op, &kept.body) == (op.op, &op.body)));
        assert_eq!(store.read(|snap| snap.own().waiting()).unwrap().0, 10_000 + 1, "live and rejected wait");
    }
}
