//! Words as every part of the app compares them: normalised, and cut to stems in Russian, Ukrainian and English, so that
//! «принтери», “Принтерів” and "принтер" meet. The search index and the guesses of a dictation take the same steps.

use std::borrow::Cow;

use snowball_stemmers_rs::{Algorithm, Stemmer};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Characters of a word that are looked at: longer ones are keys and addresses, found by their beginning.
const WORD_CHARS: usize = 40;

/// The stemmers; they hold no state.
pub struct WordForms {
    russian: Stemmer,
    ukrainian: Stemmer,
    english: Stemmer,
}

impl Default for WordForms {
    fn default() -> Self {
        Self::new()
    }
}

impl WordForms {
    /// All three.
    pub fn new() -> Self {
        Self {
            russian: Stemmer::create(Algorithm::Russian),
            ukrainian: Stemmer::create(Algorithm::Ukrainian),
            english: Stemmer::create(Algorithm::English),
        }
    }

    /// The stem of a normalised word; a word without letters that only Ukrainian has is cut as the text around it is.
    pub fn stem<'a>(&self, word: &'a str, ukrainian: bool) -> Cow<'a, str> {
        let first = word.chars().next().unwrap_or(' ');
        let stemmer = match first {
            'a'..='z' => &self.english,
            '\u{400}'..='\u{52f}' if ukrainian || is_ukrainian(word) => &self.ukrainian,
            '\u{400}'..='\u{52f}' => &self.russian,
            // Numbers and other scripts stay as they are.
            _ => return word.into(),
        };
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            return word.into();
        }
        let stem = stemmer.stem(word);
        if stem.is_empty() { word.into() } else { stem }
    }
}

/// Letters that only one of the two languages has decide; a text with none of them is taken for Russian, which cuts
/// the endings both share.
pub fn is_ukrainian(text: &str) -> bool {
    text.chars().any(|letter| matches!(letter, 'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ'))
}

/// Normalised words: compatibility forms undone, lower case, ё as е, apostrophes of all kinds as one and then gone
/// (п’ять and п'ять and пять are one word), everything that is neither letter nor digit a border.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word.to_owned()));
    words
}

/// The same without a list: a first sync has millions of them.
pub fn each_word(text: &str, mut found: impl FnMut(&str)) {
    let normal: Cow<'_, str> = match is_nfkc_quick(text.chars().filter(|letter| !is_plain(*letter))) {
        IsNormalized::Yes => text.into(),
        // Its compatibility form is the letters "No", which would grow together with the number.
        _ => text
            .chars()
            .map(|letter| if letter == '№' { ' ' } else { letter })
            .nfkc()
            .collect::<String>()
            .into(),
    };
    let mut word = String::new();
    let mut length = 0;
    for letter in normal.chars().chain([' ']) {
        let lower = match letter {
            'a'..='z' | '0'..='9' | 'а'..='я' | 'ѐ'..='џ' => Some(letter),
            'A'..='Z' | 'А'..='Я' | 'Ѐ'..='Џ' => Some(lower_plain(letter)),
            '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '\u{ad}' => continue,
            // A mark over the letter before it, of which there is no single form: it belongs to the word.
            '\u{300}'..='\u{36f}' => continue,
            _ => None,
        };
        match lower {
            Some(lower) => {
                if length < WORD_CHARS {
                    word.push(if lower == 'ё' { 'е' } else { lower });
                    length += 1;
                }
            }
            None if !letter.is_ascii() && letter.is_alphanumeric() => {
                if length < WORD_CHARS {
                    word.extend(letter.to_lowercase());
                    length += 1;
                }
            }
            None => {
                if !word.is_empty() {
                    found(&word);
                    word.clear();
                }
                length = 0;
            }
        }
    }
}

/// Letters of which normalisation knows nothing to do, as long as no mark follows (which is not one of them): nearly
/// all that people write here, so the tables are not asked.
fn is_plain(letter: char) -> bool {
    letter.is_ascii() || matches!(letter, '\u{400}'..='\u{45f}' | '’' | '«' | '»' | '–' | '—')
}

/// Lower case of a plain capital letter; the alphabets lie at fixed distances.
fn lower_plain(letter: char) -> char {
    let distance = if ('Ѐ'..='Џ').contains(&letter) { 80 } else { 32 };
    char::from_u32(u32::from(letter) + distance).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_for_common_letters_is_the_long_way() {
        for letter in ('\0'..='\u{7f}').chain('\u{400}'..='\u{45f}') {
            let long: String =
                letter.to_lowercase().map(|lower| if lower == 'ё' { 'е' } else { lower }).collect();
            let expected = if letter.is_alphanumeric() { vec![long] } else { Vec::new() };
            assert_eq!(words(&letter.to_string()), expected, "{letter:?}");
        }
        assert_eq!(words("Стаття\u{a0}①ﬁ Ｗｉｎ"), ["стаття", "1fi", "win"]);
    }
}
