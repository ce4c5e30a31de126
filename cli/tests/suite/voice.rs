//! Speech through the real program. Where there is no speech model (`cargo x model base`) what needs one is skipped and
//! says so; with `CI=true` it fails.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{desk::Desk, terminal::Terminal};

#[path = "../../../core/tests/suite/models/shapes.rs"]
mod shapes;

fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/corpus/voice").join(name)
}

/// The folder of models that `cargo x model` fills.
fn models() -> Option<String> {
    let found =
        pocketdesk_models::cached("base-q5_1").filter(|_| pocketdesk_models::cached("silero").is_some());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no speech model in the cache folder");
        println!("SKIPPED: no speech model in the cache folder; `cargo x model base` makes one");
    }
    Some(found?.parent()?.display().to_string())
}

/// A WAV file of 16-bit samples.
fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    wav.extend(channels.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * u32::from(channels) * 2).to_le_bytes());
    wav.extend((channels * 2).to_le_bytes());
    wav.extend([16, 0]);
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

#[test]
fn recordings_become_text_one_object_a_line_without_an_account() {
    let Some(models) = models() else { return };
    let here = Terminal::new();
    let (spoken, silent) = (clip("ru_04_clean.flac"), clip("ns_silence5.flac"));
    let files = [spoken.to_str().unwrap(), silent.to_str().unwrap()];
    let lines = here.json(&["transcribe", files[0], files[1], "--models", &models]);
    assert_eq!(lines.iter().map(|line| line["file"].as_str().unwrap()).collect::<Vec<_>>(), files);
    let text = lines[0]["text"].as_str().unwrap().to_lowercase();
    assert!(text.contains("кондиционер") && text.contains("температура"), "{text}");
    assert_eq!(lines[0]["language"], "ru");
    let segments = lines[0]["segments"].as_array().unwrap();
    let joined: Vec<_> = segments.iter().map(|segment| segment["text"].as_str().unwrap()).collect();
    assert_eq!(joined.join(" "), lines[0]["text"]);
    let mut before = 0;
    for segment in segments {
        let [start, end] = ["start_ms", "end_ms"].map(|name| segment[name].as_u64().unwrap());
        assert!(before <= start && start < end && end < 20_000, "{segment}");
        assert!((0.0..=1.0).contains(&segment["confidence"].as_f64().unwrap()), "{segment}");
        before = end;
    }
    assert_eq!((&lines[1]["text"], &lines[1]["segments"]), (&Value::from(""), &Value::Array(Vec::new())));
}

#[test]
fn a_recording_that_cannot_be_read_is_named_with_what_to_do() {
    let here = Terminal::new();
    let flac = std::fs::read(clip("en_08_clean.flac")).unwrap();
    let empty = here.file("empty.flac", b"");
    let text = here.file("words.mp3", "Сканер не светится. ".repeat(500).as_bytes());
    let noise: Vec<u8> =
        flac[..4].iter().copied().chain((0..9_000_u32).map(|at| (at * 7919 % 251) as u8)).collect();
    let noise = here.file("noise.flac", &noise);
    let here_not = here.folder().join("gone.wav");
    for (path, words) in [
        (&empty, "no recording that can be read"),
        (&text, "no recording that can be read"),
        (&noise, "recording"),
        (&here_not, "gone.wav"),
    ] {
        let path = path.to_str().unwrap();
        let said = here.run(&["transcribe", path]).failed(1);
        assert!(said.contains(words) && said.contains(path), "{said}");
        let said = here.run(&["say", "--file", path, "--no-send", "--json"]).failed(1);
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(here.json(&["drafts"]), Vec::<Value>::new(), "nothing of it is kept");
}

#[test]
fn without_a_model_a_recording_of_any_shape_is_kept_and_says_so() {
    let here = Terminal::new();
    let none = here.folder().join("no models").display().to_string();
    let tone = |frames: usize| -> Vec<i16> {
        (0..frames).map(|at| ((at as f64 / 3.0).sin() * 9e3) as i16).collect()
    };
    let stereo = here.file("stereo.wav", &wav(44_100, 2, &tone(88_200)));
    let phone = here.file("phone.wav", &wav(8_000, 1, &tone(8_000)));
    // The disk was full: the head says more than there is.
    let mut cut = wav(16_000, 1, &tone(64_000));
    cut.truncate(44 + 64_000);
    let cut = here.file("cut.wav", &cut);
    for (path, ms) in [(&stereo, 1_000), (&phone, 1_000), (&cut, 2_000)] {
        let said =
            here.run(&["say", "--file", path.to_str().unwrap(), "--no-send", "--json", "--models", &none]);
        assert_eq!(said.code, 0, "{said:?}");
        let draft = said.lines().remove(0);
        assert_eq!(
            (&draft["draft"]["title"], &draft["draft"]["words_later"]),
            (&Value::from(""), &Value::Bool(true))
        );
        assert!(draft["draft"]["recording"].is_string(), "{draft}");
        assert_eq!(said.stderr.contains("ends before it should"), path == &cut, "{said:?}");
        let recordings = here.json(&["recordings"]);
        let kept = recordings.iter().find(|recording| recording["id"] == draft["id"]).unwrap();
        let length = kept["duration_ms"].as_u64().unwrap();
        assert!(length.abs_diff(ms) < 60, "{length} of {ms} ms");
        let refused =
            here.run(&["recordings", "hear", draft["id"].as_str().unwrap(), "--models", &none]).failed(1);
        assert!(refused.contains("pocketdesk models"), "{refused}");
    }
    let said = here.run(&["transcribe", phone.to_str().unwrap(), "--models", &none]).failed(1);
    assert!(said.contains("No speech model is on this device yet"), "{said}");
    let first = here.json(&["recordings"])[0]["id"].as_str().unwrap().to_owned();
    here.one(&["recordings", "discard", &first]);
    assert_eq!((here.json(&["recordings"]).len(), here.json(&["drafts"]).len()), (2, 2));
}

#[test]
fn a_spoken_ticket_is_a_draft_with_the_desks_own_words_until_it_is_sent() {
    let Some(models) = models() else { return };
    let desk = Desk::open();
    let here = Terminal::new();
    desk.load_catalogue(
        "[[type]]\nname = 'Неисправность'\nsynonyms = ['застрял', 'не реагирует', 'не працює']\n\
         [[service]]\nname = 'Лифт'\nsynonyms = ['ліфт', 'elevator']\n[[urgency]]\nname = 'Срочно'",
    );
    here.sign_in(&desk, "olena@example.com");
    here.json(&["sync"]);
    let file = clip("uk_10_clean.flac");
    let said =
        here.one(&["say", "--file", file.to_str().unwrap(), "--no-send", "--models", &models, "--offline"]);
    let draft = &said["draft"];
    assert!(draft["title"].as_str().unwrap().to_lowercase().contains("ліфт"), "{draft}");
    assert_eq!(
        (&draft["service"]["name"], &draft["urgency"]),
        (&Value::from("Лифт"), &Value::Null),
        "{draft}"
    );
    assert_eq!(desk.tickets(), 0, "nothing is sent by itself");
    let id = said["id"].as_str().unwrap();
    assert_eq!(here.one(&["drafts", "send", id])["id"], id);
    here.json(&["sync"]);
    let ticket = &here.json(&["show", id])[0];
    assert_eq!((&ticket["subject"], &ticket["description"]), (&draft["title"], &draft["description"]));
    assert_eq!(ticket["attachments"][0]["name"], "voice.flac", "{ticket}");

    // Said into a reply, without the recording.
    let reply = here.one(&[
        "say",
        "--file",
        file.to_str().unwrap(),
        "--into-comment",
        id,
        "--without-recording",
        "--no-send",
        "--models",
        &models,
    ]);
    assert_eq!((&reply["draft"]["title"], &reply["draft"]["recording"]), (&Value::from(""), &Value::Null));
    here.one(&["drafts", "send", reply["id"].as_str().unwrap()]);

    // And into the reason why it is not solved; a ticket that is not solved cannot be reopened.
    let reopen = ["say", "--file", file.to_str().unwrap(), "--reopen", id, "--no-send", "--models", &models];
    assert!(here.run(&reopen).failed(1).contains("cannot be reopened"));
    let number = here.one(&["list"])["number"].as_str().unwrap().to_owned();
    let solved = serde_json::json!({ "status": "solved", "by": "Max" });
    desk.staff(here.one(&["list"])["id"].as_str().unwrap(), "status", solved);
    here.json(&["sync"]);
    let reason = here.one(&reopen);
    here.one(&["drafts", "send", reason["id"].as_str().unwrap()]);
    here.json(&["sync"]);
    let lines = here.json(&["show", &number]);
    assert_eq!(lines[0]["status"], "open", "{lines:?}");
    let texts: Vec<_> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(texts.iter().filter(|text| *text == &reason["draft"]["description"]).count(), 2, "{lines:?}");
}

#[test]
fn the_companys_model_comes_from_the_desk_and_goes_when_it_is_told_to() {
    let desk = Desk::open();
    let here = Terminal::new();
    here.sign_in(&desk, "olena@example.com");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: Vec<u8>| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    let (model, gate) = (at("tiny.en-q5_1.bin", shapes::speech(1)), at("silero.bin", shapes::gate(2)));
    let key = desk.serve_models(&[&model, &gate]);
    let run = |args: &[&str], keys: &str| {
        let mut command = here.command(args);
        let done = command.env("POCKETDESK_MODEL_KEYS", keys).output().unwrap();
        let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (done.status.code().unwrap(), out, err)
    };
    let (code, _, said) = run(&["models", "fetch"], "");
    assert!(code == 1 && said.contains("key"), "without the company's key none is believed: {said}");
    let (code, _, said) = run(&["models"], "00ff");
    assert!(code == 2 && said.contains("POCKETDESK_MODEL_KEYS"), "{said}");
    let other = "ab".repeat(32);
    let (code, out, said) = run(&["models"], &other);
    assert!(
        code == 0 && !out.contains("tiny") && !said.is_empty(),
        "and why nothing is offered is said: {said}"
    );

    let keys = format!("{other} {key}");
    let (code, out, said) = run(&["models", "--json"], &keys);
    let offered: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {out} {said}"));
    assert_eq!((&offered["id"], &offered["state"]), (&"tiny.en-q5_1".into(), &"offered".into()), "{offered}");
    let (code, out, said) = run(&["models", "fetch", "--json"], &keys);
    let fetched: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {out} {said}"));
    assert_eq!((&fetched["state"], &fetched["have"]), (&"ready".into(), &fetched["bytes"]), "{fetched}");
    assert_eq!(run(&["models", "remove", "tiny.en-q5_1"], &keys).0, 0);
    let (_, out, _) = run(&["models", "--json", "--offline"], &keys);
    let left: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&left["state"], &left["have"]), (&"offered".into(), &0.into()), "{left}");
}
