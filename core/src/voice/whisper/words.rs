//! From tokens to words: whisper's are pieces of words, the next word's piece begins with a space.

use pocketdesk_domain::dictation::SpokenWord;

/// A piece of text as whisper.cpp gives it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Often not a whole letter.
    pub(super) bytes: Vec<u8>,
    /// Natural logarithm of its probability.
    pub(super) logprob: f32,
    /// Where it begins and ends, ms from the clip's start.
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

/// Words of those pieces, `start_ms` later, none of them longer than to `end_ms`.
pub(super) fn words(pieces: &[Piece], start_ms: u64, end_ms: u64) -> Vec<SpokenWord> {
    let mut words = Vec::new();
    let mut rest = pieces;
    while let Some((first, others)) = rest.split_first() {
        let more = others.iter().take_while(|piece| !piece.bytes.starts_with(b" ")).count();
        let (word, next) = rest.split_at(1 + more);
        rest = next;
        let bytes: Vec<u8> = word.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes).replace('\u{fffd}', "");
        // A dash or a quotation mark alone is no word: it stays with the one before.
        let spoken = text.chars().any(char::is_alphanumeric);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            continue;
        }
        let to_ms = word.last().map_or(first.to_ms, |piece| piece.to_ms);
        let end = (start_ms + to_ms).min(end_ms);
        match words.last_mut() {
            Some(SpokenWord { text: before, end_ms, .. }) if !spoken => {
                before.push(' ');
                before.push_str(&text);
                *end_ms = end.max(*end_ms);
            }
            _ => words.push(SpokenWord {
                text,
                start_ms: (start_ms + first.from_ms).min(end),
                end_ms: end,
                confidence: confidence(word),
            }),
        }
    }
    words
}

/// The geometric mean of the pieces' probabilities.
pub(super) fn confidence(pieces: &[Piece]) -> f32 {
    mean_logprob(pieces).exp().clamp(0.0, 1.0)
}

/// The mean of the logarithms of the pieces' probabilities; of none, 0.
pub(super) fn mean_logprob(pieces: &[Piece]) -> f32 {
    if pieces.is_empty() {
        return 0.0;
    }
    pieces.iter().map(|piece| piece.logprob).sum::<f32>() / pieces.len() as f32
}

/// Splits a partial into what the one before it said too, word by word, and the rest.
pub(super) fn agreed(before: &str, now: &str) -> (String, String) {
    let mut now: Vec<&str> = now.split_whitespace().collect();
    let same = before.split_whitespace().zip(&now).take_while(|(before, now)| before == *now).count();
    let tentative = now.split_off(same);
    (now.join(" "), tentative.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &[u8], logprob: f32, from_ms: u64, to_ms: u64) -> Piece {
        Piece { bytes: text.to_vec(), logprob, from_ms, to_ms }
    }

    #[test]
    fn a_letter_cut_in_two_tokens_comes_out_whole() {
        let letters = " принтер,".as_bytes();
        let pieces = [
            piece(&letters[..4], -0.1, 100, 200),
            piece(&letters[4..], -0.3, 200, 400),
            piece(" да".as_bytes(), 0.0, 450, 600),
        ];
        let words = words(&pieces, 1_000, 1_580);
        assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["принтер,", "да"]);
        assert_eq!((words[0].start_ms, words[0].end_ms), (1_100, 1_400));
        assert_eq!(words[1].end_ms, 1_580, "not behind the end of the clip");
        assert!((words[0].confidence - (-0.2_f32).exp()).abs() < 1e-6);
    }

    #[test]
    fn a_dash_is_no_word_of_its_own() {
        let pieces = [piece(b" one", 0.0, 0, 1), piece(b" -", 0.0, 1, 2), piece(b" two", 0.0, 2, 3)];
        let texts: Vec<_> = words(&pieces, 0, 10).into_iter().map(|word| word.text).collect();
        assert_eq!(texts, ["one -", "two"]);
    }

    #[test]
    fn words_two_looks_agree_on_are_stable() {
        assert_eq!(agreed("", "не работает"), (String::new(), "не работает".into()));
        assert_eq!(
            agreed("не работает при", "не работает принтер"),
            ("не работает".into(), "принтер".into())
        );
    }
}
