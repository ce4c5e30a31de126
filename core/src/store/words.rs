//! From text to the stems that the search index holds. One place for both sides: what a row says and what a person
//! asks for go through the same steps, so that «принтери», “Принтерів” and "принтер" meet.

use snowball_stemmers_rs::{Algorithm, Stemmer};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Of everything in this file: another number means that an index made before is of no use and is made anew.
pub(crate) const VERSION: i64 = 1;
/// Characters of a word that are looked at: longer ones are keys and addresses, found by their beginning.
const WORD_CHARS: usize = 40;
/// Words of one document that are indexed.
const DOCUMENT_WORDS: usize = 20_000;
/// Words of a query that count.
const QUERY_WORDS: usize = 12;

/// The stemmers; made once per store, they hold no state.
pub(crate) struct Stemmers {
    russian: Stemmer,
    ukrainian: Stemmer,
    english: Stemmer,
}

impl Stemmers {
    pub(crate) fn new() -> Self {
        Self {
            russian: Stemmer::create(Algorithm::Russian),
            ukrainian: Stemmer::create(Algorithm::Ukrainian),
            english: Stemmer::create(Algorithm::English),
        }
    }

    /// The document to index for a text: stems with a space between.
    pub(crate) fn document(&self, text: &str) -> String {
        let ukrainian = is_ukrainian(text);
        let mut stems = String::with_capacity(text.len());
        for word in words(text).take(DOCUMENT_WORDS) {
            self.push_stems(&word, ukrainian, &mut stems);
        }
        stems
    }

    /// The query for FTS5: every word has to be there, the last one may be unfinished. None: nothing to look for.
    pub(crate) fn query(&self, text: &str) -> Option<String> {
        let terms: Vec<String> = words(text).take(QUERY_WORDS).collect();
        let last = terms.len().checked_sub(1)?;
        let mut query = String::new();
        for (at, word) in terms.iter().enumerate() {
            if at > 0 {
                query.push_str(" AND ");
            }
            // A short question does not tell Russian from Ukrainian: both stems count.
            let mut variants: Vec<String> = [false, true].map(|ukrainian| self.stem(word, ukrainian)).into();
            if at == last {
                variants.push(word.clone());
            }
            variants.sort();
            variants.dedup();
            let star = if at == last { "*" } else { "" };
            // Words are letters and digits alone: nothing in them can end the quotes.
            let variants: Vec<String> = variants.iter().map(|stem| format!("\"{stem}\"{star}")).collect();
            query.push_str(&format!("({})", variants.join(" OR ")));
        }
        Some(query)
    }

    /// Whether a text has every word of a query, by the same steps as the index: for words that are not in it yet.
    pub(crate) fn matches(&self, query: &str, text: &str) -> bool {
        let document = self.document(text);
        let stems: Vec<&str> = document.split(' ').collect();
        let terms: Vec<String> = words(query).take(QUERY_WORDS).collect();
        let Some(last) = terms.len().checked_sub(1) else { return false };
        terms.iter().enumerate().all(|(at, word)| {
            let variants = [self.stem(word, false), self.stem(word, true)];
            if at == last {
                stems
                    .iter()
                    .any(|stem| variants.iter().chain([word]).any(|start| stem.starts_with(start.as_str())))
            } else {
                stems.iter().any(|stem| variants.iter().any(|variant| variant == stem))
            }
        })
    }

    fn push_stems(&self, word: &str, ukrainian: bool, stems: &mut String) {
        if !stems.is_empty() {
            stems.push(' ');
        }
        stems.push_str(&self.stem(word, ukrainian));
    }

    fn stem(&self, word: &str, ukrainian: bool) -> String {
        let first = word.chars().next().unwrap_or(' ');
        let stemmer = match first {
            'a'..='z' => &self.english,
            '\u{400}'..='\u{52f}' if ukrainian || is_ukrainian(word) => &self.ukrainian,
            '\u{400}'..='\u{52f}' => &self.russian,
            // Numbers and other scripts stay as they are.
            _ => return word.to_owned(),
        };
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            return word.to_owned();
        }
        let stem = stemmer.stem(word);
        if stem.is_empty() { word.to_owned() } else { stem.into_owned() }
    }
}

/// Letters that only one of the two languages has decide; a text with none of them is taken for Russian, which cuts
/// the endings both share.
fn is_ukrainian(text: &str) -> bool {
    text.chars().any(|letter| matches!(letter, 'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ'))
}

/// Normalised words: compatibility forms undone, lower case, ё as е, apostrophes of all kinds as one and then gone
/// (п’ять and п'ять and пять are one word), everything that is neither letter nor digit a border.
fn words(text: &str) -> impl Iterator<Item = String> {
    let normal: std::borrow::Cow<'_, str> = match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => text.into(),
        // Its compatibility form is the letters "No", which would grow together with the number.
        _ => text
            .chars()
            .map(|letter| if letter == '№' { ' ' } else { letter })
            .nfkc()
            .collect::<String>()
            .into(),
    };
    let mut words = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for letter in normal.chars().chain([' ']) {
        match letter {
            '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '\u{ad}' => {}
            _ if letter.is_alphanumeric() => {
                if length < WORD_CHARS {
                    for lower in letter.to_lowercase() {
                        word.push(if lower == 'ё' { 'е' } else { lower });
                    }
                    length += 1;
                }
            }
            // A mark over the letter before it (й written as two): it belongs to the word.
            '\u{300}'..='\u{36f}' => {}
            _ => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                length = 0;
            }
        }
    }
    words.into_iter()
}

/// The words around the first match, for the list of hits: at most `around` characters before and after.
pub(crate) fn excerpt(stemmers: &Stemmers, query: &str, text: &str, around: usize) -> String {
    let starts = text.char_indices().scan(true, |border, (at, letter)| {
        let begins = *border && letter.is_alphanumeric();
        *border = !letter.is_alphanumeric();
        Some((at, begins))
    });
    let hit = starts.filter(|(_, begins)| *begins).map(|(at, _)| at).find(|at| {
        let rest = &text[*at..];
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’');
        let word = &rest[..end.unwrap_or(rest.len())];
        words(query).take(QUERY_WORDS).any(|asked| stemmers.matches(&asked, word))
    });
    let hit = hit.unwrap_or(0);
    let from = text[..hit].char_indices().rev().take(around).last().map_or(hit, |(at, _)| at);
    let to = text[hit..].char_indices().nth(around).map_or(text.len(), |(at, _)| hit + at);
    let mut cut = String::new();
    if from > 0 {
        cut.push('…');
    }
    // One line: a list shows it.
    cut.extend(text[from..to].chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }));
    if to < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> bool {
        Stemmers::new().matches(query, text)
    }

    #[test]
    fn a_person_finds_words_in_another_form() {
        assert!(found("принтер", "Не работают принтеры на складе"));
        assert!(found("принтеры", "Сломался принтер"));
        assert!(found("принтери", "Зламався принтер у бухгалтерії"));
        assert!(found("каси", "Каса не друкує чек"));
        assert!(found("printers", "The printer is on fire"));
        assert!(found("ещё", "еще раз"));
        assert!(found("п'ять", "п’ять аркушів"));
        assert!(found("пʼять", "п'ять аркушів"));
        assert!(found("Wi‑Fi", "wi-fi не працює"));
        assert!(found("йод", "и\u{306}од"), "letters written as two characters");
        assert!(found("склад", "СКЛАД №4"));
        assert!(found("4", "СКЛАД №4"));
    }

    #[test]
    fn the_last_word_may_be_unfinished_and_all_words_count() {
        assert!(found("сломался прин", "Сломался принтер"));
        assert!(!found("прин сломался", "Сломался принтер"), "only the last word may be");
        assert!(!found("принтер касса", "Сломался принтер"));
        assert!(!found("", "Сломался принтер"));
        assert!(!found("!?", "Сломался принтер"));
    }

    #[test]
    fn a_question_cannot_be_a_command_of_the_index() {
        let stemmers = Stemmers::new();
        for text in ["a\" OR \"b", "NEAR(x y)", "words : z", "x*", "^q", "-not"] {
            let query = stemmers.query(text).unwrap();
            let inside: String = query.split('"').skip(1).step_by(2).collect();
            assert!(inside.chars().all(char::is_alphanumeric), "{query}");
        }
        assert_eq!(stemmers.query(" … "), None);
    }

    #[test]
    fn an_excerpt_shows_the_words_that_were_found() {
        let text = format!("{} сломался\nпринтер {}", "а ".repeat(100), "б ".repeat(100));
        let cut = excerpt(&Stemmers::new(), "принтеры", &text, 20);
        assert!(cut.contains("сломался принтер"), "{cut}");
        assert!(cut.starts_with('…') && cut.ends_with('…') && cut.chars().count() <= 42, "{cut}");
    }
}
