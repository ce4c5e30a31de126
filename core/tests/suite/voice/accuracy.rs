//! Whether people are understood, and whether silence stays silent.

use std::collections::BTreeMap;

use super::{
    Bench,
    corpus::{self, Clip, Errors},
    nightly,
    yardstick::Yardstick,
};

/// Word error rates may be so much above those of full-context decoding, in points (4-voice).
const WORSE: f64 = 0.5;
/// Standard deviations by which the wrong words of a cell may exceed the yardstick's: a cell is a few dozen words, and
/// a float rounded elsewhere on another processor turns several at once in noise.
const CHANCE: f64 = 2.0;

/// Rates of one language under one condition.
#[derive(Default)]
struct Cell {
    ours: Errors,
    full: Errors,
}

#[test]
fn people_are_understood_as_well_as_with_three_times_the_work() {
    let Some(bench) = Bench::new() else { return };
    let mut yardstick = Yardstick::load(&bench.weights.speech);
    let mut cells: BTreeMap<(String, String), Cell> = BTreeMap::new();
    for clip in spoken() {
        let language = clip.language.clone().unwrap_or_default();
        let heard = bench.hear(&clip.sound, Some(&language)).unwrap().text();
        let full = yardstick.hear(&clip.sound, &language, 1);
        assert!(!corpus::loops(&heard), "{}: {heard}", clip.file);
        assert!(!corpus::credits(&heard), "{}: {heard}", clip.file);
        let cell = cells.entry((language, clip.condition.clone())).or_default();
        let (ours, theirs) = (Errors::between(&clip.text, &heard), Errors::between(&clip.text, &full));
        println!(
            "{}: {} and with the full context {} of {} words",
            clip.file, ours.wrong, theirs.wrong, ours.said
        );
        println!("   said {}\n   ours {heard}\n   full {}", clip.text, full.trim());
        cell.ours += ours;
        cell.full += theirs;
    }
    let mut all = Cell::default();
    let mut worse = Vec::new();
    for ((language, condition), cell) in &cells {
        let (ours, full) = (cell.ours.rate(), cell.full.rate());
        let missed = if ours > full + WORSE { ": goal MISSED" } else { "" };
        println!("{language} {condition:10} WER {ours:5.1} %, with the full context {full:5.1} %{missed}");
        let (wrong, yardstick) = (cell.ours.wrong as f64, cell.full.wrong as f64);
        if wrong - yardstick > CHANCE * (wrong + yardstick).sqrt() {
            worse.push(format!("{language} {condition}: {ours:.1} % against {full:.1} %"));
        }
        all.ours += cell.ours;
        all.full += cell.full;
    }
    println!("all WER {:.1} %, with the full context {:.1} %", all.ours.rate(), all.full.rate());
    assert!(worse.is_empty(), "{worse:?}");
    assert!(all.ours.rate() <= all.full.rate() + WORSE, "all together");
}

/// Clips with speech: those that travel, and at night those of a greater corpus if one is named.
fn spoken() -> Vec<Clip> {
    let greater = std::env::var_os("POCKETDESK_VOICE_CORPUS").filter(|_| nightly());
    let folder = greater.map(Into::into).unwrap_or_else(corpus::travelling);
    let mut clips = corpus::read(&folder);
    clips.retain(|clip| clip.language.is_some());
    clips
}

#[test]
fn nothing_is_made_up_where_nobody_speaks() {
    let Some(bench) = Bench::new() else { return };
    let mut clips = corpus::read(&corpus::travelling());
    clips.retain(|clip| clip.language.is_none());
    assert!(clips.len() >= 5);
    for clip in clips {
        for language in [None, Some("ru"), Some("uk"), Some("en")] {
            let heard = bench.hear(&clip.sound, language).unwrap();
            assert_eq!(heard.text(), "", "{} as {language:?}", clip.file);
            assert_eq!(heard.language, "", "no language either");
        }
    }
}

#[test]
fn the_language_is_found_by_itself_and_only_among_three() {
    let Some(bench) = Bench::new() else { return };
    // In this order none is guessed from the one before.
    for (file, language) in [("en_08_clean", "en"), ("uk_08_clean", "uk"), ("ru_04_clean", "ru")] {
        let clip = corpus::clip(&format!("{file}.flac"));
        let heard = bench.hear(&clip.sound, None).unwrap();
        assert_eq!(heard.language, language, "{file}");
        let errors = Errors::between(&clip.text, &heard.text());
        assert!(errors.rate() < 25.0, "{file}: {}", heard.text());
    }
}

#[test]
fn words_carry_where_they_were_said_and_how_sure_that_is() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("ru_05_pause.flac");
    let heard = bench.hear(&clip.sound, Some("ru")).unwrap();
    let end = clip.sound.len() as u64 / 16;
    assert!(heard.segments.len() >= 2, "it has a pause: {heard:?}");
    for pair in heard.segments.windows(2) {
        assert!(pair[0].end_ms <= pair[1].start_ms, "segments overlap: {heard:?}");
    }
    for segment in &heard.segments {
        assert!(segment.end_ms <= end + 20, "behind the end");
        let joined = segment.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(joined, segment.text);
        assert!((0.3..=1.0).contains(&segment.confidence), "{}", segment.confidence);
        for word in &segment.words {
            assert!(segment.start_ms <= word.start_ms && word.start_ms <= word.end_ms, "{word:?}");
            assert!(word.end_ms <= segment.end_ms, "{word:?}");
            assert!((0.0..=1.0).contains(&word.confidence), "{word:?}");
        }
        for pair in segment.words.windows(2) {
            assert!(pair[0].start_ms <= pair[1].start_ms, "{pair:?}");
        }
    }
}
