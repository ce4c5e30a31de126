//! A tokenizer's words: CTranslate2 keeps them as text in GPT-2's byte alphabet, ggml as the bytes they stand for.

use std::collections::HashMap;

use crate::Failure;

/// The byte every letter of GPT-2's alphabet stands for: printable Latin-1 for itself, the others in order from
/// U+0100 on.
fn alphabet() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let others = (0..=255u8).filter(|byte| !printable(byte));
    let shifted = others.enumerate().map(|(at, byte)| {
        (char::from_u32(256 + u32::try_from(at).unwrap_or(0)).expect("Latin Extended"), byte)
    });
    (0..=255u8).filter(printable).map(|byte| (char::from(byte), byte)).chain(shifted).collect()
}

/// The first `count` words, one a line.
pub(crate) fn words(text: &str, count: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let alphabet = alphabet();
    let bad = |reason: String| Failure::malformed("vocabulary.txt", reason);
    let words: Vec<Vec<u8>> = text
        .split('\n')
        .take(count)
        .enumerate()
        .map(|(at, word)| {
            word.chars()
                .map(|letter| alphabet.get(&letter).copied())
                .collect::<Option<Vec<u8>>>()
                .ok_or_else(|| bad(format!("line {} has a letter that stands for no byte", at + 1)))
        })
        .collect::<Result<_, _>>()?;
    if words.len() < count {
        return Err(bad(format!("it has {} words where {count} are needed", words.len())));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_bytes_a_person_reads() {
        let words = words("!\nĠthe\nÐŁ\nĊ", 4).unwrap();
        assert_eq!(words, [b"!".to_vec(), b" the".to_vec(), "П".as_bytes().to_vec(), b"\n".to_vec()]);
    }

    #[test]
    fn a_short_or_foreign_vocabulary_is_refused() {
        assert!(words("a\nb", 3).is_err());
        assert!(words("a\n☃", 2).unwrap_err().to_string().contains("line 2"));
    }

    #[test]
    fn every_byte_has_one_letter() {
        let mut bytes: Vec<u8> = alphabet().into_values().collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    }
}
