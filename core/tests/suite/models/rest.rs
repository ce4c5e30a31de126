//! What lies on the device: read by nobody unless every byte is the signed one.

use super::*;

async fn whole() -> (tempfile::TempDir, Arc<Desk>) {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    fetch(&device(folder.path()), &desk).await.unwrap();
    (folder, desk)
}

#[tokio::test]
async fn any_flipped_bit_of_a_model_at_rest_is_refused_and_it_can_be_fetched_again() {
    let (folder, desk) = whole().await;
    let models = device(folder.path());
    let mut dice = Dice(77);
    for (rounds, name) in [(12, "speech"), (150, "gate")] {
        for _ in 0..rounds {
            let weights = models.weights().unwrap();
            let path = if name == "speech" { weights.speech } else { weights.gate };
            let mut bytes = std::fs::read(&path).unwrap();
            let bit = dice.below(bytes.len() as u64 * 8);
            bytes[bit as usize / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            let said = models.weights().unwrap_err().to_string();
            assert!(
                said.contains("damaged") && said.contains("download it again"),
                "{name}, bit {bit}: {said}"
            );
            assert!(!path.exists(), "what is damaged is not kept");
            fetch(&models, &desk).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_cut_or_lengthened_or_vouched_for_by_nobody_is_not_loaded() {
    let (folder, desk) = whole().await;
    let models = device(folder.path());
    let path = models.weights().unwrap().speech;
    for length in [SPEECH.len() as u64 - 1, SPEECH.len() as u64 + 1, 0] {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        assert!(models.weights().is_err(), "{length} bytes");
        fetch(&models, &desk).await.unwrap();
    }
    let vouching = path.with_extension("manifest");
    let kept = std::fs::read(&vouching).unwrap();
    std::fs::remove_file(&vouching).unwrap();
    assert!(models.weights().is_err(), "no manifest, no model");
    // A manifest that somebody else signed is as good as none.
    let stranger = entry("tiny.en-q5_1", Role::Speech, &SPEECH);
    let forged = sign(&Manifest { serial: 9, models: vec![stranger] }, &company(66));
    std::fs::write(&vouching, serde_json::to_vec(&forged).unwrap()).unwrap();
    assert!(models.weights().is_err());
    std::fs::write(&vouching, kept).unwrap();
    assert_eq!(loaded(&models), **SPEECH);
    // An app built with another key believes none of it.
    let rules = Rules { keys: vec![public(&company(2))], ..Rules::default() };
    assert!(device_on(SystemDisk::port(), folder.path(), rules).weights().is_err());
}

#[tokio::test]
async fn the_old_model_is_used_until_the_new_one_is_there_and_goes_then() {
    let (folder, desk) = whole().await;
    let models = device(folder.path());
    let new = Arc::new(shapes::speech(9));
    desk.offer(2, &[("tiny.en-q5_1", Role::Speech, new.clone()), ("silero", Role::Vad, GATE.clone())]);
    models.refresh(&*desk).await.unwrap();
    desk.behave(|desk, sha256, from, _| Ok(desk.piece(sha256, from, CHUNK + 5)));
    assert!(fetch(&models, &desk).await.is_err(), "the network breaks");
    assert_eq!(loaded(&models), **SPEECH, "a broken download takes nothing away");
    let views = models.status().await.unwrap();
    let states: Vec<_> = views.iter().map(|view| (view.state, view.have)).collect();
    use pocketdesk_domain::dictation::SpeechModelState::{Stopped, Superseded};
    assert_eq!(states, [(Stopped, CHUNK + 5), (Superseded, SPEECH.len() as u64)]);
    *desk.serve.lock().unwrap() = None;
    fetch(&models, &desk).await.unwrap();
    assert_eq!(loaded(&models), *new);
    let left = names(folder.path());
    assert_eq!(left.iter().filter(|name| name.ends_with(".bin")).count(), 2, "{left:?}");
    assert!(!left.iter().any(|name| name.ends_with(".partial") || name.ends_with(".journal")), "{left:?}");
}

#[tokio::test]
async fn a_model_that_is_removed_leaves_nothing_behind() {
    let (folder, _) = whole().await;
    let models = device(folder.path());
    models.remove("tiny.en-q5_1").await.unwrap();
    let left = names(folder.path());
    assert!(!left.iter().any(|name| name.ends_with(".bin")), "{left:?}");
    assert!(models.weights().unwrap_err().to_string().contains("download one"));
    assert!(models.remove("letter").await.is_err());
}

#[tokio::test]
async fn models_never_take_more_room_than_they_may() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let rules = Rules { budget: SPEECH.len() as u64, ..rules() };
    let models = device_on(SystemDisk::port(), folder.path(), rules);
    let said = fetch(&models, &desk).await.unwrap_err().to_string();
    assert!(said.contains("choose a smaller one"), "{said}");
    assert!(desk.asked().is_empty(), "not a byte was asked for");
}

#[tokio::test]
async fn the_model_that_suits_the_device_is_the_one_it_gets() {
    let (folder, desk) = (tempfile::tempdir().unwrap(), Desk::usual());
    let mut models = Vec::new();
    for (rank, id, memory) in [(1, "tiny", 0), (2, "base", 2u64 << 30), (3, "small", 4 << 30)] {
        models.push(Model { rank, needs_memory: memory, ..entry(id, Role::Speech, &GATE) });
    }
    models.iter_mut().for_each(|model| model.sha256 = to_hex(&Sha256::digest(&model.id)));
    *desk.signed.lock().unwrap() = sign(&Manifest { serial: 1, models }, &company(1));
    for (memory, suits) in [(1u64 << 30, "tiny"), (3 << 30, "base"), (8 << 30, "small"), (0, "base")] {
        let models = device_on(SystemDisk::port(), folder.path(), Rules { memory, ..rules() });
        models.refresh(&*desk).await.unwrap();
        let views = models.status().await.unwrap();
        let recommended: Vec<_> = views.iter().filter(|view| view.recommended).map(|view| &view.id).collect();
        assert_eq!(recommended, [suits], "{memory} bytes");
    }
}
