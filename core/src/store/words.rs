//! From text to the stems that the search index holds. One place for both sides: what a row says and what a person
//! asks for go through the same steps, so that «принтери», “Принтерів” and "принтер" meet.

use std::{borrow::Cow, collections::HashMap};

use pocketdesk_domain::words::{WordForms, each_word, is_ukrainian, words};

/// Of everything in this file and in domain's `words`: another number means that an index made before is of no use and is made anew.
pub(crate) const VERSION: i64 = 1;
/// Words of one document that are indexed.
const DOCUMENT_WORDS: usize = 20_000;
/// Words of a query that count.
const QUERY_WORDS: usize = 12;

/// Words whose stems a batch remembers.
const KNOWN_WORDS: usize = 50_000;

/// Stems of words met before, for a text without and with Ukrainian letters. Looked up only, never walked.
pub(crate) type Known = HashMap<String, [Option<String>; 2]>;

/// The stemmers; made once per store, they hold no state.
pub(crate) struct Stemmers {
    forms: WordForms,
}

impl Stemmers {
    pub(crate) fn new() -> Self {
        Self { forms: WordForms::new() }
    }

    /// The document to index for a text: stems with a space between.
    pub(crate) fn document(&self, text: &str) -> String {
        self.document_with(text, &mut HashMap::new())
    }

    /// The same for many texts: `known` remembers the stems of words that come again and again.
    pub(crate) fn document_with(&self, text: &str, known: &mut Known) -> String {
        let ukrainian = is_ukrainian(text);
        let mut stems = String::with_capacity(text.len());
        let mut left = DOCUMENT_WORDS;
        each_word(text, |word| {
            if left == 0 {
                return;
            }
            left -= 1;
            if !stems.is_empty() {
                stems.push(' ');
            }
            if let Some(stem) = known.get(word).and_then(|both| both[usize::from(ukrainian)].as_deref()) {
                return stems.push_str(stem);
            }
            let stem = self.stem(word, ukrainian);
            stems.push_str(&stem);
            if known.len() < KNOWN_WORDS {
                known.entry(word.to_owned()).or_default()[usize::from(ukrainian)] = Some(stem.into_owned());
            }
        });
        stems
    }

    /// The query for FTS5: every word has to be there, the last one may be unfinished. None: nothing to look for.
    pub(crate) fn query(&self, text: &str) -> Option<String> {
        let terms: Vec<String> = words(text).into_iter().take(QUERY_WORDS).collect();
        let last = terms.len().checked_sub(1)?;
        let mut query = String::new();
        for (at, word) in terms.iter().enumerate() {
            if at > 0 {
                query.push_str(" AND ");
            }
            // A short question does not tell Russian from Ukrainian: both stems count.
            let mut variants: Vec<Cow<'_, str>> =
                [false, true].map(|ukrainian| self.stem(word, ukrainian)).into();
            if at == last {
                variants.push(word.into());
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
        let terms: Vec<String> = words(query).into_iter().take(QUERY_WORDS).collect();
        let Some(last) = terms.len().checked_sub(1) else { return false };
        terms.iter().enumerate().all(|(at, word)| {
            let variants = [self.stem(word, false), self.stem(word, true)];
            if at == last {
                stems.iter().any(|stem| {
                    stem.starts_with(word.as_str()) || variants.iter().any(|start| stem.starts_with(&**start))
                })
            } else {
                stems.iter().any(|stem| variants.iter().any(|variant| *variant == **stem))
            }
        })
    }

    fn stem<'a>(&self, word: &'a str, ukrainian: bool) -> Cow<'a, str> {
        self.forms.stem(word, ukrainian)
    }
}

/// The steps of this file for what builds the same index by other means: the benchmark's floor.
#[doc(hidden)]
pub struct SearchWords {
    stemmers: Stemmers,
    known: Known,
}

#[doc(hidden)]
#[allow(missing_docs)]
impl SearchWords {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { stemmers: Stemmers::new(), known: Known::new() }
    }

    pub fn document(&mut self, text: &str) -> String {
        self.stemmers.document_with(text, &mut self.known)
    }

    pub fn query(&self, text: &str) -> Option<String> {
        self.stemmers.query(text)
    }
}

/// What a query looks for, stemmed once: a list of hits asks it about thousands of words.
pub(crate) struct Sought<'a> {
    stemmers: &'a Stemmers,
    /// Of each word, itself and its stems: a word that begins with one of them is a match.
    starts: Vec<[String; 3]>,
}

impl<'a> Sought<'a> {
    pub(crate) fn new(stemmers: &'a Stemmers, query: &str) -> Self {
        let stem = |word: &str, ukrainian| stemmers.stem(word, ukrainian).into_owned();
        let starts = words(query)
            .into_iter()
            .take(QUERY_WORDS)
            .map(|word| [stem(&word, false), stem(&word, true), word])
            .collect();
        Self { stemmers, starts }
    }

    /// Whether no word that is sought begins like this, where that can be said of one letter alone.
    fn cannot_begin(&self, letter: char, next: Option<char>) -> bool {
        let first = match letter {
            'a'..='z' | '0'..='9' | 'а'..='я' | 'ѐ' | 'ђ'..='џ' => letter,
            'A'..='Z' | 'А'..='Я' | 'Ѐ' | 'Ђ'..='Џ' => letter.to_lowercase().next().unwrap_or(letter),
            'ё' | 'Ё' => 'е',
            _ => return false,
        };
        // A mark that follows may make one letter of the two.
        let marked = next.is_some_and(|next| matches!(next, '\u{300}'..='\u{36f}'));
        !marked && !self.starts.iter().any(|starts| starts[2].starts_with(first))
    }

    fn is(&self, text: &str) -> bool {
        let mut found = false;
        each_word(text, |word| {
            // Stemming leaves a word's first letter: nearly all words are told apart by it.
            let first = word.chars().next();
            let mut near = self.starts.iter().filter(|starts| starts[2].chars().next() == first).peekable();
            if found || near.peek().is_none() {
                return;
            }
            let stem = self.stemmers.stem(word, is_ukrainian(text));
            found = near.any(|starts| starts.iter().any(|start| stem.starts_with(start.as_str())));
        });
        found
    }

    /// The words around the first match, for the list of hits: at most `around` characters before and after.
    pub(crate) fn excerpt(&self, text: &str, around: usize) -> String {
        let mut border = true;
        let hit = text.char_indices().find(|(at, letter)| {
            let inside = is_inside(*letter);
            let begins = std::mem::replace(&mut border, !inside) && inside;
            if !begins {
                return false;
            }
            let rest = &text[*at..];
            // Most words are told apart by their first letter, before their end is looked for.
            if self.cannot_begin(*letter, rest[letter.len_utf8()..].chars().next()) {
                return false;
            }
            let end = rest.find(|letter: char| !is_inside(letter) && letter != '\'' && letter != '’');
            self.is(&rest[..end.unwrap_or(rest.len())])
        });
        let hit = hit.map(|(at, _)| at);
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
}

/// Letters, digits and marks over them; without the tables of [`char::is_alphanumeric`] for what nearly every one is.
fn is_inside(letter: char) -> bool {
    match letter {
        '\u{300}'..='\u{36f}' => true,
        '\0'..='\u{7f}' => letter.is_ascii_alphanumeric(),
        '\u{400}'..='\u{45f}' => true,
        _ => letter.is_alphanumeric(),
    }
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
    fn letters_are_letters_with_and_without_the_tables() {
        for letter in ('\0'..='\u{52f}').chain(['№', '’', 'ﬁ', '漢', '—']) {
            let is_mark = ('\u{300}'..='\u{36f}').contains(&letter);
            assert_eq!(is_inside(letter), letter.is_alphanumeric() || is_mark, "{letter:?}");
        }
    }

    #[test]
    fn no_word_is_passed_over_for_its_first_letter() {
        let stemmers = Stemmers::new();
        for word in [
            "ёлка",
            "Ёлка",
            "йод",
            "и\u{306}од",
            "й",
            "Принтер",
            "ПРИНТЕР",
            "їжак",
            "і\u{308}жак",
            "ґанок",
            "ќума",
            "к\u{301}ума",
            "cafe\u{301}",
            "e\u{301}t",
            "7up",
            "①a",
            "№4",
            "Ｗｉｎ",
        ] {
            let text = format!("{}{word} end", "так, ".repeat(50));
            let cut = Sought::new(&stemmers, word).excerpt(&text, 9);
            assert!(cut.contains(word.trim_start_matches('№')), "{word}: {cut}");
        }
    }

    #[test]
    fn an_excerpt_shows_the_words_that_were_found() {
        let text = format!("{} сломался\nпринтер {}", "а ".repeat(100), "б ".repeat(100));
        let cut = Sought::new(&Stemmers::new(), "принтеры").excerpt(&text, 20);
        assert!(cut.contains("сломался принтер"), "{cut}");
        assert!(cut.starts_with('…') && cut.ends_with('…') && cut.chars().count() <= 42, "{cut}");
    }
}
