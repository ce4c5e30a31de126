//! A damaged own.db: never written over, read as far as it can be, page by page.

use pocketdesk_domain::outbox::NewDraft;

use super::*;

const OPS: u64 = 160;
const DRAFTS: u64 = 40;
const PAGE: usize = 4096;

fn text(n: u64) -> String {
    format!("слово{n} ").repeat(30)
}

fn draft(n: u64) -> NewDraft {
    NewDraft {
        id: EntityId(id(5_000_000 + n)),
        ticket: None,
        subject: format!("Чернетка {n}"),
        text: text(n),
        attachments: Vec::new(),
        updated_at: 1,
    }
}

fn full() -> Phone {
    let phone = Phone::new();
    let mut store = phone.store();
    for n in 0..OPS {
        add(&mut store, &new_comment(n, 1, &text(n)));
    }
    store.write(|tx| (0..DRAFTS).try_for_each(|n| tx.put_draft(&draft(n)))).unwrap();
    drop(store);
    phone
}

fn kept(store: &mut Store) -> (u64, u64) {
    store
        .read(|snap| {
            let (ops, drafts) = (snap.own().ops()?, snap.own().drafts()?);
            assert!(ops.iter().all(|op| op.payload().text().starts_with("слово")), "an op is half there");
            assert!(ops.windows(2).all(|pair| pair[0].n < pair[1].n), "order of writing");
            Ok::<_, StoreError>((ops.len() as u64, drafts.len() as u64))
        })
        .unwrap()
}

/// What is there of own.db and its log, to the byte; an empty log is none.
fn bytes(phone: &Phone) -> [Vec<u8>; 2] {
    ["own.db", "own.db-wal"].map(|name| std::fs::read(phone.account_dir().join(name)).unwrap_or_default())
}

#[test]
fn whatever_page_is_lost_the_words_on_the_others_are_read_and_nothing_is_written_over() {
    let whole = full();
    let pages = std::fs::read(whole.account_dir().join("own.db")).unwrap().len() / PAGE;
    let (mut opened, mut almost_all) = (0, 0);
    for page in 0..pages {
        let phone = whole.killed_now();
        let path = phone.account_dir().join("own.db");
        let mut file = std::fs::read(&path).unwrap();
        file[page * PAGE + 100..page * PAGE + 164].fill(0x5a);
        std::fs::write(&path, &file).unwrap();
        let before = bytes(&phone);
        match Store::open(&phone.home, &phone.account, &phone.env) {
            // The page with the salt, or one of those that say what tables there are.
            Err(StoreError::WrongKey { file } | StoreError::Damaged { file }) => assert_eq!(file, "own.db"),
            Err(other) => panic!("page {page}: {other}"),
            Ok(mut store) => {
                opened += 1;
                assert_eq!(store.read_only(), Some(&ReadOnly::Damaged), "page {page}");
                let (ops, drafts) = kept(&mut store);
                // A page of the middle holds the way to all of its table; there are few of those.
                almost_all += usize::from(ops + 8 >= OPS && drafts + 8 >= DRAFTS);
                let refused = store.write(|tx| tx.put_draft(&draft(99))).unwrap_err();
                assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
                store.sweep_files().unwrap();
                let read = store.reader().unwrap().read(|snap| snap.own().ops()).unwrap();
                assert_eq!(read.len() as u64, ops, "a reader sees the same");
            }
        }
        assert!(bytes(&phone) == before, "page {page}: the damaged file was written");
    }
    assert!(pages > 30 && opened + 6 >= pages, "{opened} of {pages} could be opened");
    assert!(almost_all + 6 >= opened, "in {almost_all} of {opened} nearly every word was read");
}

#[test]
fn words_between_two_lost_pages_are_found_by_their_places() {
    let phone = full();
    let path = phone.account_dir().join("own.db");
    let whole = std::fs::read(&path).unwrap();
    let lost_by = |pages: &[usize]| {
        let mut file = whole.clone();
        for page in pages {
            file[page * PAGE + 100..page * PAGE + 164].fill(0x5a);
        }
        std::fs::write(&path, file).unwrap();
        Store::open(&phone.home, &phone.account, &phone.env).ok().map(|mut store| OPS - kept(&mut store).0)
    };
    let pages = whole.len() / PAGE;
    let of_ops: Vec<usize> = (0..pages).filter(|page| matches!(lost_by(&[*page]), Some(1..=8))).collect();
    assert!(of_ops.len() > 10, "{of_ops:?}");
    let (first, last) = (of_ops[1], of_ops[of_ops.len() - 2]);
    let apart = lost_by(&[first]).unwrap() + lost_by(&[last]).unwrap();
    assert_eq!(lost_by(&[first, last]), Some(apart), "what lies between them was lost too");
}

#[test]
fn damage_that_comes_while_the_app_is_open_ends_all_writing() {
    let phone = full();
    let mut store = phone.store();
    assert!(store.judge_own().unwrap().is_none(), "nothing is wrong yet");
    let path = phone.account_dir().join("own.db");
    let mut file = std::fs::read(&path).unwrap();
    for page in 20..24 {
        file[page * PAGE + 100..page * PAGE + 164].fill(0x5a);
    }
    std::fs::write(&path, &file).unwrap();
    let mut reader = store.judge_own().unwrap().expect("it is damaged now");
    let refused = store.write(|tx| tx.put_draft(&draft(99))).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    let left = kept(&mut store);
    assert!((OPS / 2..OPS).contains(&left.0), "{left:?}");
    assert_eq!(reader.read(|snap| snap.own().ops()).unwrap().len() as u64, left.0);
    drop((store, reader));
    assert!(std::fs::read(&path).unwrap() == file, "the damaged file was written");
}

#[test]
fn a_file_that_was_not_looked_at_yet_is_not_written_either() {
    let living = full();
    let mut store = living.store();
    add(&mut store, &new_comment(OPS, 1, &text(OPS)));
    // With a log beside it that closing would bring into the file.
    let phone = living.killed_now();
    let path = phone.account_dir().join("own.db");
    let mut file = std::fs::read(&path).unwrap();
    for page in 20..24 {
        file[page * PAGE + 100..page * PAGE + 164].fill(0x5a);
    }
    std::fs::write(&path, &file).unwrap();
    let before = bytes(&phone);
    assert!(!before[1].is_empty(), "there is no log");
    let open = || Store::open_unlooked(&phone.home, &phone.account, &phone.env).unwrap();
    let store = open();
    let mut reader = store.reader().unwrap();
    assert_eq!(store.read_only(), None, "nobody has looked");
    assert_eq!(reader.read(|snap| snap.own().account()).unwrap().server, "");
    drop(store);
    drop(reader);
    assert!(bytes(&phone) == before, "closing wrote into it");
    let mut store = open();
    let refused = store.write(|tx| tx.put_draft(&draft(99))).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    let reader = store.judge_own().unwrap();
    assert!(reader.is_some_and(|mut reader| reader.read(|snap| snap.own().ops()).unwrap().len() > 100));
    drop(store);
    assert!(bytes(&phone) == before, "a write was tried and wrote");
}

#[test]
fn a_whole_file_that_is_looked_at_late_takes_every_word() {
    let phone = full();
    let mut store = Store::open_unlooked(&phone.home, &phone.account, &phone.env).unwrap();
    add(&mut store, &new_comment(OPS, 1, &text(OPS)));
    assert!(store.judge_own().unwrap().is_none());
    drop(store);
    assert!(bytes(&phone)[1].is_empty(), "its log was brought in when it was closed");
    assert_eq!(kept(&mut phone.store()), (OPS + 1, DRAFTS));
}
