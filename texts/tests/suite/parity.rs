//! The three languages say the same things with the same values.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement};
use pocketdesk_texts::{Device, Language, Texts, Value};

/// The arguments each key names, by key.
pub fn arguments(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::new();
    for source in language.sources() {
        let resource = fluent_syntax::parser::parse(*source)
            .unwrap_or_else(|(_, why)| panic!("{} does not parse: {why:?}", language.code()));
        for entry in resource.body {
            match entry {
                Entry::Message(message) => {
                    let mut names = BTreeSet::new();
                    let value = message.value.as_ref().expect("every message has a value");
                    pattern(value, &mut names);
                    let before = keys.insert(message.id.name.to_owned(), names);
                    assert!(before.is_none(), "{} says {} twice", language.code(), message.id.name);
                }
                Entry::Junk { content } => panic!("{}: unreadable: {content}", language.code()),
                _ => {}
            }
        }
    }
    keys
}

fn pattern(of: &Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &of.elements {
        if let PatternElement::Placeable { expression: inner } = element {
            expression(inner, names);
        }
    }
}

fn expression(of: &Expression<&str>, names: &mut BTreeSet<String>) {
    match of {
        Expression::Inline(inner) => inline(inner, names),
        Expression::Select { selector, variants } => {
            inline(selector, names);
            variants.iter().for_each(|variant| pattern(&variant.value, names));
        }
    }
}

fn inline(of: &InlineExpression<&str>, names: &mut BTreeSet<String>) {
    match of {
        InlineExpression::VariableReference { id } => drop(names.insert(id.name.to_owned())),
        InlineExpression::Placeable { expression: inner } => expression(inner, names),
        InlineExpression::FunctionReference { arguments: CallArguments { positional, .. }, .. } => {
            positional.iter().for_each(|argument| inline(argument, names));
        }
        _ => {}
    }
}

/// A value that fits an argument of that name.
fn sample(name: &str) -> Value<'static> {
    match name {
        "tries" | "seconds" | "minutes" | "ops" | "files" | "drafts" | "count" | "month" | "max"
        | "tickets" | "comments" => 3.into(),
        "day" => "today".into(),
        _ => "Касса".into(),
    }
}

/// Every sentence of a language as a person may read it, by key; arguments are filled with [`sample`].
pub fn sentences(language: Language, device: Device) -> BTreeMap<String, String> {
    let texts = Texts::new(language, device);
    arguments(language)
        .into_iter()
        .map(|(key, names)| {
            let values: Vec<_> = names.iter().map(|name| (name.as_str(), sample(name))).collect();
            let text = texts.get(&key, &values);
            (key, text)
        })
        .collect()
}

#[test]
fn nobody_reads_a_key_or_a_sentence_with_a_hole_because_of_their_language() {
    let english = arguments(Language::En);
    for language in [Language::Ru, Language::Uk] {
        let theirs = arguments(language);
        for (key, names) in &english {
            assert_eq!(theirs.get(key), Some(names), "{key} in {}", language.code());
        }
        for key in theirs.keys() {
            assert!(english.contains_key(key), "{key} is in {} and not in English", language.code());
        }
    }
}

#[test]
fn no_sentence_shows_its_machinery() {
    for language in Language::ALL {
        for device in [Device::Phone, Device::Computer] {
            for (key, text) in sentences(language, device) {
                assert!(!text.trim().is_empty(), "{key} is empty in {}", language.code());
                for mark in ['{', '}', '$', '\u{2068}', '\u{2069}'] {
                    assert!(!text.contains(mark), "{key} in {}: {text:?}", language.code());
                }
                assert!(!text.contains("DEVICE"), "{key} in {}: {text:?}", language.code());
                let english = sentences(Language::En, device);
                let same = language != Language::En && english[&key] == text;
                let may_be_same =
                    text.chars().all(|char| !char.is_ascii_alphabetic()) || text.contains("http");
                assert!(!same || may_be_same, "{key} is not translated into {}: {text:?}", language.code());
            }
        }
    }
}
