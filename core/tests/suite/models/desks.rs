//! Desks, and what stands between: that forge, go back, ignore, change, and send pages of words.

use pocketdesk_core::voice::models::ModelError;
use pocketdesk_domain::dictation::SpeechModelState;

use super::{
    disks::{Small, Troubled},
    *,
};

fn why(error: Error) -> ModelError {
    match error {
        Error::Models(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn only_the_companys_own_signature_is_believed() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    let good = desk.signed.lock().unwrap().clone();
    let manifest: Manifest = serde_json::from_str(&good.manifest).unwrap();
    let mut forged = vec![
        sign(&manifest, &company(66)),
        SignedManifest { signature: String::new(), ..good.clone() },
        SignedManifest { signature: "00".repeat(64), ..good.clone() },
        SignedManifest { manifest: good.manifest.replace(":1", ":2"), ..good.clone() },
    ];
    // A signature over the text alone, as for something else.
    let bare = to_hex(company(1).sign(good.manifest.as_bytes()).as_ref());
    forged.push(SignedManifest { signature: bare, ..good.clone() });
    for bit in (0..512).step_by(37) {
        let mut bytes = pocketdesk_protocol::models::from_hex::<64>(&good.signature).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        forged.push(SignedManifest { signature: to_hex(&bytes), ..good.clone() });
    }
    for signed in forged {
        *desk.signed.lock().unwrap() = signed;
        assert!(matches!(why(models.refresh(&*desk).await.unwrap_err()), ModelError::NotTrusted { .. }));
        assert!(matches!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::NotTrusted { .. }));
    }
    assert!(desk.asked().is_empty(), "nothing is fetched on a stranger's word");
    let keyless = device_on(SystemDisk::port(), folder.path(), Rules::default());
    assert_eq!(why(fetch(&keyless, &desk).await.unwrap_err()), ModelError::NoKey);
    *desk.signed.lock().unwrap() = good;
    fetch(&models, &desk).await.unwrap();
}

#[tokio::test]
async fn an_older_manifest_does_not_bring_back_what_was_withdrawn() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    let old = desk.signed.lock().unwrap().clone();
    desk.offer(5, &[("silero", Role::Vad, GATE.clone())]);
    models.refresh(&*desk).await.unwrap();
    models.refresh(&*desk).await.unwrap();
    *desk.signed.lock().unwrap() = old;
    let said = why(models.refresh(&*desk).await.unwrap_err());
    assert_eq!(said, ModelError::Rollback { known: 5, offered: 1 });
    // The same number on other words is no better.
    desk.offer(5, &[("tiny.en-q5_1", Role::Speech, SPEECH.clone()), ("silero", Role::Vad, GATE.clone())]);
    let said = why(device(folder.path()).refresh(&*desk).await.unwrap_err());
    assert_eq!(said, ModelError::Rollback { known: 5, offered: 5 });
    assert_eq!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::Unknown);
}

#[tokio::test]
async fn a_desk_that_knows_no_ranges_costs_bytes_and_no_model() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    desk.behave(|desk, sha256, _, _| Ok(desk.piece(sha256, 0, 2 * CHUNK + 70_000)));
    assert!(fetch(&models, &desk).await.is_err());
    desk.behave(|desk, sha256, _, _| Ok(desk.piece(sha256, 0, u64::MAX)));
    fetch(&models, &desk).await.unwrap();
    assert_eq!(loaded(&models), **SPEECH);
}

#[tokio::test]
async fn a_page_of_words_in_place_of_the_model_never_gets_into_it() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    for length in [Some(64), None] {
        desk.behave(move |_, _, _, _| {
            let page =
                Bytes::from_static(b"<html>Sign in to the hotel's network to go on, please.</html>   ");
            Ok(Piece { body: stream::iter([Ok(page)]).boxed(), from: 0, length, etag: None })
        });
        assert!(fetch(&models, &desk).await.is_err());
        *desk.serve.lock().unwrap() = None;
        fetch(&models, &desk).await.unwrap();
        assert_eq!(loaded(&models), **SPEECH);
        models.remove("tiny.en-q5_1").await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_changes_on_the_way_is_refused_and_the_good_chunks_stay() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    desk.behave(|desk, sha256, from, _| Ok(desk.piece(sha256, from, 2 * CHUNK)));
    assert!(fetch(&models, &desk).await.is_err());
    // Another file under the same address, with another name for its bytes.
    let other = Arc::new(shapes::speech(3));
    let speech = to_hex(&Sha256::digest(&**SPEECH));
    let (of, named) = (speech.clone(), Arc::new(Mutex::new(Vec::new())));
    let heard = named.clone();
    desk.behave(move |desk, sha256, from, etag| {
        if sha256 != of {
            return Ok(desk.piece(sha256, from, u64::MAX));
        }
        heard.lock().unwrap().push(etag.map(str::to_owned));
        let (bytes, size) = (other.clone(), other.len() as u64);
        let body = stream::iter((0..size).step_by(64 << 10)).map(move |at| {
            Ok(Bytes::copy_from_slice(&bytes[at as usize..(at as usize + (64 << 10)).min(bytes.len())]))
        });
        Ok(Piece { body: body.boxed(), from: 0, length: Some(size), etag: Some("\"other\"".to_owned()) })
    });
    let said = why(fetch(&models, &desk).await.unwrap_err());
    assert!(matches!(said, ModelError::WrongBytes { .. }), "{said}");
    let was = Some(format!("\"{speech}\""));
    assert_eq!(
        *named.lock().unwrap(),
        [was, Some("\"other\"".to_owned())],
        "it says which bytes it has a piece of, and does not ask for ever"
    );
    let have = device(folder.path()).status().await.unwrap()[0].have;
    assert_eq!(have, 2 * CHUNK);
    *desk.serve.lock().unwrap() = None;
    fetch(&device(folder.path()), &desk).await.unwrap();
    assert_eq!(desk.asked().last().unwrap().1, 2 * CHUNK, "it went on behind the good ones");
    assert_eq!(loaded(&device(folder.path())), **SPEECH);
}

#[tokio::test]
async fn any_flipped_bit_on_the_way_is_noticed_within_its_chunk() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    let mut dice = Dice(4);
    let speech = to_hex(&Sha256::digest(&**SPEECH));
    for round in 0..30 {
        let (bit, of) = (dice.below(SPEECH.len() as u64 * 8), speech.clone());
        desk.behave(move |desk, sha256, from, _| {
            let mut piece = desk.piece(sha256, from, u64::MAX);
            if sha256 == of {
                let mut at = from;
                let flipped = piece.body.map(move |chunk| {
                    let mut chunk = chunk?.to_vec();
                    if (at..at + chunk.len() as u64).contains(&(bit / 8)) {
                        chunk[(bit / 8 - at) as usize] ^= 1 << (bit % 8);
                    }
                    at += chunk.len() as u64;
                    Ok(Bytes::from(chunk))
                });
                piece.body = flipped.boxed();
            }
            Ok(piece)
        });
        let said = why(fetch(&models, &desk).await.unwrap_err());
        assert!(matches!(said, ModelError::WrongBytes { .. }), "round {round}, bit {bit}: {said}");
        let have = models.status().await.unwrap()[0].have;
        assert_eq!(have, bit / 8 / CHUNK * CHUNK, "what was good before it stays");
        // Nothing is there to remove where the first chunk was the bad one.
        let _ = models.remove("tiny.en-q5_1").await;
    }
}

#[tokio::test]
async fn a_desk_that_has_lost_the_file_is_a_refusal_and_not_a_loop() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    for status in [404, 416] {
        desk.behave(move |_, _, _, _| Err(refused(status)));
        assert!(matches!(fetch(&models, &desk).await, Err(Error::Remote(_))));
        assert_eq!(desk.asked().len(), 1);
    }
    // A start behind the one that was asked for would leave a hole.
    desk.behave(|desk, sha256, from, _| Ok(desk.piece(sha256, from + 10, u64::MAX)));
    assert!(matches!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::WrongBytes { .. }));
}

#[tokio::test]
async fn a_signed_file_that_is_no_model_still_does_not_reach_the_recogniser() {
    let folder = tempfile::tempdir().unwrap();
    let mut broken = GATE.to_vec();
    broken[30] = 0x7f;
    let desk = Desk::new(
        1,
        &[
            ("tiny.en-q5_1", Role::Speech, Arc::new(b"lmgg and then something else".to_vec())),
            ("silero", Role::Vad, GATE.clone()),
        ],
    );
    let models = device(folder.path());
    assert!(matches!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::Malformed { .. }));
    desk.offer(2, &[("tiny.en-q5_1", Role::Speech, SPEECH.clone()), ("silero", Role::Vad, Arc::new(broken))]);
    models.refresh(&*desk).await.unwrap();
    assert!(matches!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::Malformed { .. }));
    let gate = format!("{}.bin", to_hex(&Sha256::digest(&**GATE)));
    let whole: Vec<_> = names(folder.path()).into_iter().filter(|name| name.ends_with(".bin")).collect();
    assert_eq!(whole, [gate], "only what can be loaded is ever called whole");
    assert!(models.weights().is_err());
}

#[tokio::test]
async fn a_cancelled_download_stops_at_once_and_goes_on_later() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    let speech = to_hex(&Sha256::digest(&**SPEECH));
    let of = speech.clone();
    desk.behave(move |desk, sha256, from, _| {
        let mut piece = desk.piece(sha256, from, CHUNK + 500_000);
        if sha256 == of {
            // Then the line goes silent.
            let spoken = piece.body.take((CHUNK as usize + 500_000) / (64 << 10));
            piece.body = spoken.chain(stream::pending()).boxed();
        }
        Ok(piece)
    });
    let (running, other) = (models.clone(), desk.clone());
    let fetching = tokio::spawn(async move { fetch(&running, &other).await });
    let far = || async { models.status().await.unwrap().first().is_some_and(|view| view.have > CHUNK) };
    for _ in 0..2_000 {
        if far().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let view = models.status().await.unwrap().remove(0);
    assert_eq!(view.state, SpeechModelState::Fetching);
    assert_eq!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::Busy);
    // Another process of the same person.
    assert_eq!(why(fetch(&device(folder.path()), &desk).await.unwrap_err()), ModelError::Busy);
    let before = std::time::Instant::now();
    models.cancel("tiny.en-q5_1");
    assert_eq!(why(fetching.await.unwrap().unwrap_err()), ModelError::Cancelled);
    assert!(before.elapsed() < Duration::from_millis(500));
    assert_eq!(models.status().await.unwrap()[0].state, SpeechModelState::Stopped);
    desk.asked();
    *desk.serve.lock().unwrap() = None;
    fetch(&models, &desk).await.unwrap();
    assert!(desk.asked()[0].1 >= CHUNK, "it went on from where it was");
    assert_eq!(models.status().await.unwrap()[0].state, SpeechModelState::Ready);
}

#[tokio::test]
async fn a_download_that_waits_to_try_again_is_still_one_and_can_be_cancelled() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let models = device(folder.path());
    let speech = to_hex(&Sha256::digest(&**SPEECH));
    let of = speech.clone();
    desk.behave(move |desk, sha256, from, _| {
        let limit = if sha256 == of { 3 << 20 } else { u64::MAX };
        Ok(desk.piece(sha256, from, limit))
    });
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (running, other) = (models.clone(), desk.clone());
    let fetching = tokio::spawn(async move {
        let pause = |error, have| {
            tell.send((error, have)).unwrap();
            // The first break is gone at once, the second lasts.
            Ok(if have < 4 << 20 { Duration::ZERO } else { Duration::from_secs(3600) })
        };
        running.fetch_patiently(&*other, None, pause).await
    });
    assert_eq!(told.recv().await.unwrap(), (NetError::Cut.into(), 3 << 20));
    assert_eq!(told.recv().await.unwrap(), (NetError::Cut.into(), 6 << 20));
    assert_eq!(models.status().await.unwrap()[0].state, SpeechModelState::Fetching);
    assert_eq!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::Busy);
    models.remove("tiny.en-q5_1").await.unwrap();
    let ended = tokio::time::timeout(Duration::from_millis(500), fetching).await.expect("it stops at once");
    assert_eq!(why(ended.unwrap().unwrap_err()), ModelError::Cancelled);
    assert_eq!(models.status().await.unwrap()[0].state, SpeechModelState::Offered);
    let starts = desk.asked().into_iter().filter(|asked| asked.0 == speech);
    assert_eq!(
        starts.map(|asked| asked.1).collect::<Vec<_>>(),
        [0, 3 << 20],
        "nothing was asked for after that"
    );
}

#[tokio::test]
async fn a_full_disk_says_so_and_the_download_goes_on_when_there_is_room() {
    use std::sync::atomic::{AtomicU64, Ordering};

    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let room = Arc::new(AtomicU64::new(CHUNK + 2_000_000));
    let models = device_on(Arc::new(Troubled(Small(room.clone()))), folder.path(), rules());
    assert_eq!(why(fetch(&models, &desk).await.unwrap_err()), ModelError::Full);
    assert!(models.weights().is_err());
    room.store(u64::MAX, Ordering::SeqCst);
    desk.asked();
    fetch(&models, &desk).await.unwrap();
    assert!(desk.asked()[0].1 >= CHUNK);
    assert_eq!(loaded(&models), **SPEECH);
}
