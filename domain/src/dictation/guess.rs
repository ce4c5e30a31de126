//! Which names of the catalogue the words speak of. A name or synonym is found where all its words stand together in
//! any of their forms; the longest one wins, then the one said first.

use crate::{
    model::{CatalogueEntry, CatalogueKind, Guess},
    words::{WordForms, each_word},
};

/// Words of a text that are looked at: a dictation has fewer.
const TEXT_WORDS: usize = 20_000;
/// Words after which "urgent" is not. Of what and where is spoken is the same in "no network in the hall".
const NOT: [&str; 5] = ["не", "ни", "ні", "not", "no"];

/// A word's stems by Russian and by Ukrainian rules: which language a name of the desk's is in is not known, and a short
/// one does not tell.
type Forms = [String; 2];

/// A text whose words can be looked for.
pub(super) struct Said {
    forms: WordForms,
    words: Vec<Forms>,
    /// Whether the word turns the next one into its opposite; see [`NOT`].
    negates: Vec<bool>,
}

impl Said {
    pub(super) fn new(text: &str) -> Self {
        let mut said = Self { forms: WordForms::new(), words: Vec::new(), negates: Vec::new() };
        let mut words = Vec::new();
        each_word(text, |word| {
            if words.len() < TEXT_WORDS {
                words.push(word.to_owned());
            }
        });
        said.negates = words.iter().map(|word| NOT.contains(&word.as_str())).collect();
        said.words = words.iter().map(|word| said.stems(word)).collect();
        said
    }

    fn stems(&self, word: &str) -> Forms {
        [false, true].map(|by_ukrainian| self.forms.stem(word, by_ukrainian).into_owned())
    }

    /// The entry of that kind that is spoken of most clearly.
    pub(super) fn guess(&self, catalogue: &[CatalogueEntry], kind: CatalogueKind) -> Option<Guess> {
        let entries = catalogue.iter().filter(|entry| entry.kind == kind);
        let found = entries.filter_map(|entry| {
            let phrases = std::iter::once(&entry.name).chain(&entry.synonyms);
            let (words, at) = phrases
                .filter_map(|phrase| self.find(phrase, kind == CatalogueKind::Urgency))
                .max_by_key(|(words, at)| (*words, std::cmp::Reverse(*at)))?;
            Some((words, std::cmp::Reverse(at), entry))
        });
        // Of equals the first in the catalogue's order.
        let best = found.reduce(|best, next| if (next.0, next.1) > (best.0, best.1) { next } else { best });
        best.map(|(.., entry)| Guess { id: entry.id.clone(), name: entry.name.clone() })
    }

    /// How many words the phrase has and where it stands first, if it stands anywhere (and, if that matters, not after a
    /// word that turns it into its opposite).
    fn find(&self, phrase: &str, turns: bool) -> Option<(usize, usize)> {
        let mut sought = Vec::new();
        each_word(phrase, |word| sought.push(self.stems(word)));
        let first = sought.first()?;
        let ends = self.words.len().checked_sub(sought.len())?;
        let is_here = |at: usize| {
            let turned = turns && at > 0 && self.negates[at - 1] && !is_negation(first);
            !turned && self.words[at..].iter().zip(&sought).all(|(said, sought)| is_same(said, sought))
        };
        (0..=ends).find(|at| is_here(*at)).map(|at| (sought.len(), at))
    }
}

fn is_same(said: &Forms, sought: &Forms) -> bool {
    said.iter().zip(sought).any(|(said, sought)| said == sought)
}

fn is_negation(word: &Forms) -> bool {
    NOT.contains(&word[0].as_str())
}
