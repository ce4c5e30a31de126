//! The process dies: between any two bytes, between any two steps on the disk, in the middle of a write.

use std::sync::atomic::Ordering;

use super::{
    disks::{Mortal, Troubled},
    *,
};

#[tokio::test]
async fn a_download_killed_two_hundred_times_fetches_at_most_one_chunk_again_each_time() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let size = SPEECH.len() as u64;
    let mut dice = Dice(0x5eed);
    let (mut kills, mut whole, mut again, mut worst) = (0, 0, 0, 0);
    let mut before: Vec<(String, u64)> = Vec::new();
    while kills < 200 {
        // Half die on the disk, half in the middle of what comes; now and then one lives.
        let on_disk = dice.below(2) == 0;
        let steps = if on_disk { dice.below(90) as i64 } else { i64::MAX };
        let limit = if on_disk { u64::MAX } else { dice.below(size / 2) };
        let limited = std::sync::atomic::AtomicU64::new(limit);
        desk.behave(move |desk, sha256, from, _| {
            let limit = limited.swap(0, Ordering::SeqCst);
            if limit == 0 { Err(NetError::Unreachable.into()) } else { Ok(desk.piece(sha256, from, limit)) }
        });
        desk.asked();
        desk.sent_to.lock().unwrap().clear();
        let models = device_on(Arc::new(Troubled(Mortal::new(steps))), folder.path(), rules());
        let ended = fetch(&models, &desk).await;
        drop(models);
        // What was fetched again is what had left the desk and was asked for once more.
        for (digest, from) in desk.asked() {
            if let Some(at) = before.iter().position(|(known, _)| *known == digest) {
                let lost = before.swap_remove(at).1.saturating_sub(from);
                assert!(lost <= CHUNK, "kill {kills}: {lost} bytes are fetched again");
                again += lost;
                worst = worst.max(lost);
            }
        }
        for (digest, to) in desk.sent_to.lock().unwrap().drain(..) {
            before.retain(|(known, _)| *known != digest);
            before.push((digest, to));
        }
        match ended {
            Err(_) => kills += 1,
            Ok(()) => {
                whole += 1;
                assert_eq!(loaded(&device(folder.path())), **SPEECH);
                device(folder.path()).remove("tiny.en-q5_1").await.unwrap();
                before.clear();
            }
        }
        // Whatever happened: what a load would get is whole or nothing.
        if let Ok(weights) = device(folder.path()).weights() {
            assert_eq!(std::fs::read(weights.speech).unwrap(), **SPEECH);
        }
    }
    println!("200 kills, {whole} whole downloads, {again} bytes again, at most {worst} for one kill");
    *desk.serve.lock().unwrap() = None;
    fetch(&device(folder.path()), &desk).await.unwrap();
    assert_eq!(loaded(&device(folder.path())), **SPEECH);
}

#[tokio::test]
async fn a_torn_write_costs_its_chunk_and_nothing_else() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    desk.behave(|desk, sha256, from, _| Ok(desk.piece(sha256, from, 2 * CHUNK + 1_000_000)));
    let models = device(folder.path());
    assert!(fetch(&models, &desk).await.is_err());
    let partial = names(folder.path()).into_iter().find(|name| name.ends_with(".partial")).unwrap();
    let path = folder.path().join("models").join(partial);
    // A power loss: the last bytes are zeros, and one of an earlier chunk that was synced is not.
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 600_000..].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    desk.asked();
    *desk.serve.lock().unwrap() = None;
    fetch(&models, &desk).await.unwrap();
    let asked: Vec<u64> = desk.asked().into_iter().map(|(_, from)| from).collect();
    assert_eq!(
        asked,
        [end as u64, 2 * CHUNK],
        "the torn chunk is noticed when it is whole, and fetched alone"
    );
    assert_eq!(loaded(&models), **SPEECH);
}
