use super::*;

/// Pushes what was said: `(ms, speech, power)` one after another; the cuts, and the one at the end, in ms.
fn heard(said: &[(u64, f32, f32)]) -> Vec<(u64, u64)> {
    let mut segmenter = Segmenter::new();
    let mut cuts = Vec::new();
    for &(ms, speech, power) in said {
        cuts.extend((0..frames(ms)).filter_map(|_| segmenter.push(Frame { speech, power })));
    }
    cuts.extend(segmenter.end());
    cuts.iter().map(|cut| (cut.from * 16, cut.to * 16)).collect()
}

const LOUD: f32 = 1.0;
const HUSH: f32 = 0.001;

#[test]
fn a_sentence_is_heard_at_the_pause_behind_it_with_its_first_and_last_sound() {
    let heard = heard(&[(1_000, 0.0, HUSH), (4_000, 0.9, LOUD), (3_000, 0.0, HUSH)]);
    assert_eq!(heard.len(), 1);
    let (from, to) = heard[0];
    assert!((780..=816).contains(&from), "0.2 s before it: {from}");
    assert!((5_200..=5_350).contains(&to), "0.3 s behind it, and no more of the silence: {to}");
}

#[test]
fn silence_is_never_decoded() {
    assert_eq!(heard(&[(600_000, 0.1, HUSH)]), []);
    assert_eq!(heard(&[]), []);
}

#[test]
fn short_words_wait_for_the_next_ones() {
    let heard = heard(&[(800, 0.9, LOUD), (700, 0.0, HUSH), (2_000, 0.9, LOUD), (1_000, 0.0, HUSH)]);
    assert_eq!(heard.len(), 1, "0.8 s of speech is no segment yet: {heard:?}");
}

#[test]
fn a_single_word_is_heard_too_once_it_is_clear_that_nothing_follows() {
    let mut segmenter = Segmenter::new();
    let mut closed = None;
    for at in 0..frames(10_000) {
        let speech = if at < frames(500) { 0.9 } else { 0.0 };
        if let Some(cut) = segmenter.push(Frame { speech, power: speech }) {
            closed = Some((at * 16, cut));
        }
    }
    let (at, cut) = closed.expect("without a stop");
    assert!((2_400..=2_600).contains(&at), "{at}");
    assert!(cut.to * 16 < 900, "{cut:?}");
}

#[test]
fn who_never_pauses_is_cut_where_it_is_quietest() {
    let heard = heard(&[(22_000, 0.9, LOUD), (160, 0.9, HUSH), (8_000, 0.9, LOUD)]);
    assert_eq!(heard.len(), 2);
    assert!((22_000..=22_176).contains(&heard[0].1), "{heard:?}");
    assert_eq!(heard[0].1, heard[1].0, "nothing is lost and nothing is heard twice");
}

#[test]
fn no_segment_is_longer_than_the_recogniser_sees() {
    for (from, to) in heard(&[(200_000, 0.9, LOUD)]) {
        assert!(to - from <= 25_016, "{from}..{to}");
    }
}

#[test]
fn no_sound_is_lost_or_heard_twice_however_one_speaks() {
    // A plain generator of our own: domain has no chance.
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as f32 / (1_u64 << 31) as f32
    };
    for _ in 0..200 {
        let mut segmenter = Segmenter::new();
        let (mut cuts, mut spoken, mut speech) = (Vec::new(), Vec::new(), 0.0_f32);
        for at in 0..5_000 {
            if next() < 0.02 {
                speech = if next() < 0.5 { 0.0 } else { 0.9 };
            }
            if speech > 0.5 {
                spoken.push(at);
            }
            let kept = segmenter.keeps_from();
            let cut = segmenter.push(Frame { speech, power: next() });
            if let Some(cut) = cut {
                assert!(cut.from >= kept, "frames of the segment were forgotten");
                cuts.push(cut);
            }
        }
        cuts.extend(segmenter.end());
        assert!(cuts.windows(2).all(|pair| pair[0].to <= pair[1].from), "{cuts:?}");
        assert!(cuts.iter().all(|cut| cut.from < cut.to), "{cuts:?}");
        let lost = spoken.iter().filter(|&&at| !cuts.iter().any(|cut| (cut.from..cut.to).contains(&at)));
        assert_eq!(lost.count(), 0, "speech was lost");
    }
}

#[test]
fn a_detector_that_wavers_does_not_chop_a_word() {
    let mut segmenter = Segmenter::new();
    for at in 0..frames(2_000) {
        let speech = if at % 2 == 0 { 0.6 } else { 0.4 };
        assert_eq!(segmenter.push(Frame { speech, power: LOUD }), None);
    }
    let cut = segmenter.end().expect("it was speech");
    assert_eq!((cut.from, cut.to), (0, frames(2_000)));
}
