//! What shells may push: other rates and channels, silence, nothing, half a word. And what is refused.

use std::sync::Arc;

use pocketdesk_core::voice::{
    self, Ask, Language, Listening, VoiceError, VoiceEvent, VoiceSettings, Weights,
};

use super::{
    Bench,
    corpus::{self, Errors},
    env,
};

/// The clip as a microphone of another kind would have recorded it.
fn recorded_at(sound: &[i16], rate: u32, channels: usize) -> Vec<i16> {
    let frames = (sound.len() as u64 * u64::from(rate) / 16_000) as usize;
    (0..frames)
        .flat_map(|frame| {
            let place = frame as f64 * 16_000.0 / f64::from(rate);
            let (at, between) = (place as usize, place.fract());
            let next = f64::from(sound[(at + 1).min(sound.len() - 1)]);
            let sample = f64::from(sound[at]) * (1.0 - between) + next * between;
            std::iter::repeat_n(sample as i16, channels)
        })
        .collect()
}

#[test]
fn a_telephone_and_a_studio_are_understood_too() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("en_08_clean.flac");
    for (rate, channels) in [(8_000, 1), (48_000, 2)] {
        let ask = Ask { language: Some(Language::English), partials: false, rate, channels };
        let sound = recorded_at(&clip.sound, rate, usize::from(channels));
        let chunks = sound.chunks(4_801).map(|chunk| Ok(chunk.to_vec()));
        let heard = bench.runtime.block_on(voice::transcribe(&*bench.transcriber, ask, chunks)).unwrap();
        let errors = Errors::between(&clip.text, &heard.text());
        assert!(errors.rate() <= 10.0, "{rate} Hz, {channels} channels: {}", heard.text());
        let end = heard.segments.last().unwrap().end_ms;
        assert!(
            end.abs_diff(clip.sound.len() as u64 / 16) < 1_500,
            "times are those of the recording: {end}"
        );
    }
}

#[test]
fn silence_nothing_and_a_click_have_no_words() {
    let Some(bench) = Bench::new() else { return };
    let mut click = vec![0; 16_000];
    click[8_000..8_400].fill(i16::MAX);
    for sound in [vec![0; 160_000], Vec::new(), vec![1; 100], click, vec![i16::MAX; 32_000]] {
        let heard = bench.hear(&sound, None).unwrap();
        assert_eq!(heard.segments, [], "of {} samples", sound.len());
    }
}

#[test]
fn a_recording_that_breaks_off_keeps_what_was_said() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("en_04_clean.flac");
    let whole = corpus::plain_words(&clip.text);
    let heard = bench.hear(&clip.sound[..clip.sound.len() / 2 - 77], Some("en")).unwrap().text();
    let heard = corpus::plain_words(&heard);
    let same = heard.iter().filter(|word| whole.contains(word)).count();
    assert!(heard.len() >= whole.len() / 3 && same + 3 >= heard.len(), "{heard:?} of {whole:?}");
}

#[test]
fn what_cannot_be_heard_is_refused_at_the_start() {
    let Some(bench) = Bench::new() else { return };
    for ask in [Ask { rate: 4_000, ..Ask::default() }, Ask { channels: 0, ..Ask::default() }] {
        assert!(matches!(bench.transcriber.start(ask), Err(VoiceError::BadAudio { .. })));
    }
    let one = bench.transcriber.start(Ask::default()).expect("a refusal leaves nothing behind");
    assert_eq!(bench.transcriber.start(Ask::default()).err(), Some(VoiceError::Busy));
    one.stop();
    assert_eq!(one.push(&[0; 160]), Err(VoiceError::Ended));
    one.stop();
    drop(one);
    assert!(bench.transcriber.start(Ask::default()).is_ok(), "a recording nobody holds is over");
}

#[test]
fn without_a_model_one_is_told_and_may_try_again() {
    let Some(bench) = Bench::new() else { return };
    let (good, ready) = (bench.weights.clone(), Arc::new(std::sync::atomic::AtomicU8::new(0)));
    let now = ready.clone();
    let weights = Arc::new(move || match now.load(std::sync::atomic::Ordering::SeqCst) {
        0 => Err(VoiceError::NoModel { reason: "not downloaded yet".into() }),
        1 => Ok(Weights { speech: "nowhere.bin".into(), gate: good.gate.clone() }),
        _ => Ok(good.clone()),
    });
    let settings = VoiceSettings { threads: 1, ..VoiceSettings::default() };
    let transcriber = voice::transcriber(&env(bench.runtime.handle().clone()), weights, settings);
    let clip = corpus::clip("en_08_clean.flac");
    let hear = || {
        let chunks = clip.sound.chunks(1_600).map(|chunk| Ok(chunk.to_vec()));
        bench.runtime.block_on(voice::transcribe(&*transcriber, Ask::default(), chunks))
    };
    // A push may meet the failure, too: then the recording has ended.
    let told = hear().unwrap_err();
    assert!(matches!(told, VoiceError::NoModel { .. } | VoiceError::Ended), "{told}");
    ready.store(1, std::sync::atomic::Ordering::SeqCst);
    let told = hear().unwrap_err();
    assert!(matches!(told, VoiceError::Load { .. } | VoiceError::Ended), "{told}");
    ready.store(2, std::sync::atomic::Ordering::SeqCst);
    assert!(!hear().unwrap().segments.is_empty());
}

#[test]
fn words_appear_while_one_still_speaks() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("en_08_clean.flac");
    let ask = Ask { language: Some(Language::English), ..Ask::default() };
    bench.runtime.block_on(async {
        let listening = bench.transcriber.start(ask).unwrap();
        // Nobody pauses in the first four seconds: no segment can have closed.
        let (early, late) = clip.sound.split_at(64_000);
        listening.push(early).unwrap();
        let Some(VoiceEvent::Partial { start_ms, stable, tentative }) = listening.next().await else {
            panic!("a partial comes first")
        };
        assert!(start_ms < 1_000);
        assert_eq!(stable, "", "nothing confirms the first look");
        let said = corpus::plain_words(&clip.text);
        let first = corpus::plain_words(&tentative);
        assert!(first.len() >= 2 && said.starts_with(&first[..2]), "{tentative}");
        listening.push(late).unwrap();
        listening.stop();
        let mut seen = Vec::new();
        let heard = voice::finish(&*listening, |event| seen.push(event.clone())).await.unwrap();
        assert!(Errors::between(&clip.text, &heard.text()).rate() <= 10.0, "{}", heard.text());
        let segments = seen.iter().filter_map(|event| match event {
            VoiceEvent::Segment(segment) => Some(segment.clone()),
            _ => None,
        });
        assert_eq!(segments.collect::<Vec<_>>(), heard.segments, "what is done is what was shown");
    });
}

#[test]
fn a_reader_of_files_is_held_back() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("en_08_clean.flac");
    bench.runtime.block_on(async {
        let listening: Arc<dyn Listening> =
            bench.transcriber.start(Ask { partials: false, ..Ask::default() }).unwrap();
        let mut pushed = 0;
        // No sleep: the recogniser cannot keep up with a loop that only copies.
        while futures_util::FutureExt::now_or_never(listening.room()).is_some() {
            listening.push(&clip.sound).unwrap();
            pushed += clip.sound.len() / 16_000;
            assert!(pushed < 300, "five minutes went in unread");
        }
        assert!(pushed >= 60, "only {pushed} s went in");
        listening.cancel();
        listening.room().await;
        assert_eq!(listening.next().await, None);
    });
}

#[test]
fn a_bug_that_ends_one_recording_leaves_the_next_its_answer() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let calls = std::sync::atomic::AtomicU8::new(0);
    let weights = Arc::new(move || match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => panic!("a bug on the recogniser's thread"),
        _ => Err(VoiceError::NoModel { reason: "not downloaded yet".into() }),
    });
    let transcriber = voice::transcriber(&env(runtime.handle().clone()), weights, VoiceSettings::default());
    let mut told = Vec::new();
    for _ in 0..2 {
        let listening = transcriber.start(Ask::default()).unwrap();
        let answer = voice::finish(&*listening, |_| {});
        let answer = async { tokio::time::timeout(std::time::Duration::from_secs(10), answer).await };
        told.push(runtime.block_on(answer).expect("nobody waits for ever").unwrap_err());
    }
    assert!(matches!(told[..], [VoiceError::Decode { .. }, VoiceError::NoModel { .. }]), "{told:?}");
}
