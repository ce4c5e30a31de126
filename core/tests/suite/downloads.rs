//! Files from the desk: cut, changed, and never believed before they are whole.

use pocketdesk_core::{Error, attachments::staging::Source, env::NetError, remote::answer::Failure};
use pocketdesk_protocol::{
    ids::{AttachmentId, EntityId, Epoch, PersonId},
    rows::{AttachmentRow, FileState, PersonRef, Side, kind},
    sync::{Cursor, FrameEnd, Item, SnapshotStart},
};
use serde_json::value::to_raw_value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    scripted::{Answer, Scripted},
    sessions::{Phone, phone_with_room},
};

const FILE: AttachmentId = AttachmentId(Uuid::from_u128(9));

/// A phone whose cache names a file of these bytes.
async fn phone_that_knows(bytes: &[u8]) -> Phone {
    phone_with_room_that_knows(1 << 30, bytes).await
}

async fn phone_with_room_that_knows(room: u64, bytes: &[u8]) -> Phone {
    let phone = phone_with_room(Scripted::new([]), room).await;
    let row = AttachmentRow {
        ticket: Uuid::from_u128(8).into(),
        comment: None,
        name: "plan.pdf".into(),
        size: bytes.len() as u64,
        sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        state: FileState::Complete,
        mime: None,
        author: PersonRef { id: None, name: "Ira".into(), side: Side::Staff },
        created_at: 1,
        extra: serde_json::Map::new(),
    };
    let item = Item {
        k: kind::ATTACHMENT.into(),
        id: EntityId(FILE.0),
        v: 1,
        row: Some(to_raw_value(&row).unwrap()),
        gone: None,
    };
    let start = SnapshotStart { epoch: Epoch(1), scopes_rev: 1, as_of: Cursor("c".into()), tickets: 0 };
    let end = FrameEnd { resume: "r".into(), last: true, erased: Vec::new() };
    phone.account.fill_cache(PersonId(Uuid::from_u128(2)), start, vec![item], end).await.unwrap();
    phone
}

fn bytes(length: u32) -> Vec<u8> {
    (0..length).map(|at| (at % 253) as u8).collect()
}

fn etag() -> Vec<(&'static str, String)> {
    vec![("etag", "\"one\"".into())]
}

#[tokio::test]
async fn a_download_that_was_cut_goes_on_with_what_is_missing() {
    let whole = bytes(700_000);
    let phone = phone_that_knows(&whole).await;
    let to = tempfile::tempdir().unwrap();
    let copy = to.path().join("plan.pdf");
    phone.desk.then(Answer::Partly(etag(), whole[..600_000].to_vec()));
    let cut = phone.account.open_attachment(FILE, copy.clone()).await.unwrap_err();
    assert_eq!(cut, Error::Remote(Failure::Net(NetError::Cut)));
    assert!(!copy.exists(), "half a file is no file");

    // Whole chunks of the sealed file count.
    let from = 9 * 65_536;
    let range = ("content-range", format!("bytes {from}-699999/700000"));
    phone.desk.then(Answer::With(206, [etag(), vec![range]].concat(), whole[from..].to_vec()));
    phone.account.open_attachment(FILE, copy.clone()).await.unwrap();
    assert!(std::fs::read(&copy).unwrap() == whole, "byte for byte");
    let second = &phone.desk.asked()[1];
    assert_eq!(second.path, format!("/attachments/{FILE}"));
    assert_eq!(second.headers["range"], format!("bytes={from}-"));
    assert_eq!(second.headers["if-range"], "\"one\"");

    // And it is here now: no request, no connection needed.
    phone.account.open_attachment(FILE, to.path().join("again.pdf")).await.unwrap();
    assert_eq!(phone.desk.asked().len(), 2);
    assert_eq!(phone.account.read_attachment(FILE, 10, 5).await.unwrap(), whole[10..15]);
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_fetched_from_its_start() {
    let whole = bytes(400_000);
    let phone = phone_that_knows(&whole).await;
    let to = tempfile::tempdir().unwrap();
    let copy = to.path().join("plan.pdf");
    phone.desk.then(Answer::Partly(etag(), vec![7; 300_000]));
    phone.account.open_attachment(FILE, copy.clone()).await.unwrap_err();
    // Not the bytes that If-Range named: the desk sends all of it.
    phone.desk.then(Answer::With(200, vec![("etag", "\"two\"".into())], whole.clone()));
    phone.account.open_attachment(FILE, copy.clone()).await.unwrap();
    assert!(std::fs::read(&copy).unwrap() == whole);
}

#[tokio::test]
async fn other_bytes_than_the_desks_row_names_are_not_handed_out_and_not_kept() {
    let whole = bytes(1_000);
    let phone = phone_that_knows(&whole).await;
    let to = tempfile::tempdir().unwrap();
    let copy = to.path().join("plan.pdf");
    std::fs::write(&copy, "what stood there").unwrap();
    let mut other = whole.clone();
    other[500] ^= 1;
    for wrong in [other, [whole.clone(), vec![0]].concat()] {
        phone.desk.then(Answer::With(200, etag(), wrong));
        let refused = phone.account.open_attachment(FILE, copy.clone()).await.unwrap_err();
        assert_eq!(refused, Error::WrongBytes);
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "what stood there");
    }
    phone.desk.then(Answer::With(200, etag(), whole.clone()));
    phone.account.open_attachment(FILE, copy.clone()).await.unwrap();
    assert!(std::fs::read(&copy).unwrap() == whole);
}

#[tokio::test]
async fn looking_at_a_file_does_not_take_the_photo_of_the_reply_that_is_being_written() {
    let whole = bytes(10_000);
    let phone = phone_with_room_that_knows(0, &whole).await;
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("photo.jpg");
    std::fs::write(&photo, "the stain").unwrap();
    let picked = phone.account.attach(Source::Path(photo.clone()), None).await.unwrap();
    std::fs::remove_file(photo).unwrap();
    phone.desk.then(Answer::With(200, etag(), whole));
    phone.account.open_attachment(FILE, dir.path().join("plan.pdf")).await.unwrap();
    let picked = AttachmentId(picked.id.parse().unwrap());
    assert_eq!(phone.account.read_attachment(picked, 0, 100).await.unwrap(), b"the stain");
}
