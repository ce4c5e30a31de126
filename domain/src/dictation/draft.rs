//! What heard words become: a title, the text, guesses from the desk's catalogue, and the words to look at twice. Pure,
//! and only ever an offer: the person looks, changes and sends.

use pocketdesk_protocol::limits::SUBJECT_CHARS;

use super::{Transcript, guess::Said};
use crate::{
    model::{CatalogueEntry, CatalogueKind, SpokenDraft, UncertainWord},
    words::words,
};

/// Words of less confidence are marked.
pub const CONFIDENT: f32 = 0.4;
/// Characters of a title: one line of a list. A desk takes [`SUBJECT_CHARS`].
const TITLE_CHARS: usize = 80;
const _: () = assert!(TITLE_CHARS <= SUBJECT_CHARS);

/// Words that only greet: a sentence of them is no title.
const GREETINGS: [&str; 30] = [
    "здравствуйте",
    "здравствуй",
    "приветствую",
    "добрый",
    "доброе",
    "доброго",
    "день",
    "утро",
    "вечер",
    "дня",
    "времени",
    "суток",
    "привет",
    "коллеги",
    "вітаю",
    "добрий",
    "ранку",
    "вечора",
    "ранок",
    "вечір",
    "привіт",
    "колеги",
    "hello",
    "hi",
    "good",
    "morning",
    "afternoon",
    "evening",
    "everyone",
    "colleagues",
];

/// The draft of a ticket from what was said.
pub fn draft(transcript: &Transcript, catalogue: &[CatalogueEntry]) -> SpokenDraft {
    let description = transcript.text();
    let said = Said::new(&description);
    let guess = |kind| said.guess(catalogue, kind);
    SpokenDraft {
        title: title(&description),
        request_type: guess(CatalogueKind::RequestType),
        service: guess(CatalogueKind::Service),
        site: guess(CatalogueKind::Site),
        urgency: guess(CatalogueKind::Urgency),
        uncertain: uncertain(transcript, &description),
        description,
    }
}

/// The first sentence that says something, without a greeting before it, on one line; a long one is cut between words.
fn title(text: &str) -> String {
    let mut rest = text.trim();
    let mut sentence = "";
    while !rest.is_empty() {
        let end = sentence_end(rest);
        sentence = after_greeting(rest[..end].trim());
        rest = rest[end..].trim_start();
        if !sentence.is_empty() {
            break;
        }
    }
    if sentence.is_empty() {
        // Somebody only greeted: that is what they said.
        sentence = text.trim();
    }
    let line = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.strip_suffix('.').unwrap_or(&line);
    capitalised(&shortened(line, TITLE_CHARS))
}

/// Where the first sentence ends, its marks included.
fn sentence_end(text: &str) -> usize {
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\n' {
            return at;
        }
        let ends = matches!(letter, '.' | '!' | '?' | '…');
        // «192.168.1.1» and «desk.example.com» go on.
        if ends && letters.peek().is_none_or(|(_, next)| next.is_whitespace()) {
            return at + letter.len_utf8();
        }
    }
    text.len()
}

/// The sentence from behind «Добрый день, …» on; empty if it only greets.
fn after_greeting(sentence: &str) -> &str {
    let greets = |part: &str| words(part).iter().all(|word| GREETINGS.contains(&word.as_str()));
    if greets(sentence) {
        return "";
    }
    match sentence.split_once(',') {
        Some((before, after)) if greets(before) => after_greeting(after.trim_start()),
        _ => sentence,
    }
}

/// At most so many characters, cut between words where there is a border in the last half.
fn shortened(line: &str, most: usize) -> String {
    if line.chars().count() <= most {
        return line.to_owned();
    }
    let end = line.char_indices().nth(most - 1).map_or(line.len(), |(at, _)| at);
    let cut = &line[..end];
    let cut = match cut.rfind(' ') {
        // The next letter may begin a word: then all of `cut` is whole.
        Some(_) if line[end..].starts_with(' ') => cut,
        Some(border) if border >= end / 2 => &cut[..border],
        _ => cut,
    };
    format!("{}…", cut.trim_end_matches(|letter: char| !letter.is_alphanumeric()))
}

fn capitalised(line: &str) -> String {
    let mut letters = line.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Words of low confidence, found again in the description in their order.
fn uncertain(transcript: &Transcript, description: &str) -> Vec<UncertainWord> {
    let mut found = Vec::new();
    let (mut from, mut before) = (0, 0_u32);
    for word in transcript.segments.iter().flat_map(|segment| &segment.words) {
        let Some(at) = description[from..].find(&word.text).filter(|_| !word.text.is_empty()) else {
            continue;
        };
        let skipped = &description[from..from + at];
        before = before.saturating_add(count(skipped));
        // A confidence that is no number is none.
        if word.confidence.is_nan() || word.confidence < CONFIDENT {
            found.push(UncertainWord {
                text: word.text.clone(),
                at: before,
                start_ms: word.start_ms,
                end_ms: word.end_ms,
                confidence: if word.confidence.is_finite() { word.confidence } else { 0.0 },
            });
        }
        from += at + word.text.len();
        before = before.saturating_add(count(&word.text));
    }
    found
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
