//! Every key the commands name has a sentence, also on the paths no other test walks.

use std::path::Path;

use pocketdesk_texts::Language;

use crate::terminal::Terminal;

/// Families of keys that this crate names as string literals.
const FAMILIES: &[&str] = &[
    "account-",
    "attention-",
    "date",
    "delivery-",
    "direction-",
    "event-",
    "field-",
    "file-",
    "invalid-",
    "is-it-",
    "not-now-",
    "op-",
    "promise",
    "rating-",
    "read-only-",
    "refused-",
    "rejected-",
    "remedy-",
    "reopen-",
    "retry-",
    "sign-in-",
    "size-",
    "status-",
    "terminal-",
    "time",
    "trouble-",
    "waits-",
];

fn literals(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            literals(&path, found);
        } else if path.file_name().is_some_and(|name| name != "args.rs" && name != "tests.rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            found.extend(source.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
}

#[test]
fn nobody_reads_a_key_instead_of_a_sentence() {
    let keys: Vec<_> = Language::En
        .sources()
        .iter()
        .flat_map(|source| source.lines())
        .filter(|line| !line.starts_with([' ', '#']))
        .filter_map(|line| line.split_once(" =").map(|(key, _)| key.to_owned()))
        .collect();
    let mut found = Vec::new();
    literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let looks_like_a_key = |text: &String| {
        text.contains('-')
            && !text.ends_with('-')
            && text.chars().all(|char| char.is_ascii_lowercase() || char == '-')
            && FAMILIES.iter().any(|family| text.starts_with(family))
    };
    let named: Vec<_> = found.into_iter().filter(looks_like_a_key).collect();
    assert!(named.len() > 120, "only {} keys were found: the search is broken", named.len());
    for key in named {
        assert!(keys.contains(&key), "nothing says {key}");
    }
}

#[test]
fn whoever_reads_russian_or_ukrainian_is_told_in_it_what_is_wrong_with_what_they_typed() {
    let here = Terminal::new();
    let id =
        here.one(&["new", "--subject", "First", "--description", "words"])["id"].as_str().unwrap().to_owned();
    let long = "x".repeat(70_000);
    let folder = here.folder().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let missing = here.folder().join("nothing.png");
    let refused: [&[&str]; 6] = [
        &["new", "--subject", &long[..1_000], "--description", "words"],
        &["comment", &id, "--text", &long],
        &["attach", &id, folder.to_str().unwrap()],
        &["attach", &id, missing.to_str().unwrap()],
        &["participants", "remove", &id, "Олег"],
        &["participants", "add", &id, "олег@"],
    ];
    for locale in ["ru", "uk"] {
        for args in refused {
            let said = here.run(&[&["--locale", locale], args].concat());
            assert_ne!(said.code, 0, "{said:?}");
            let said = said.stderr;
            // What the person typed may be Latin; our own words are not.
            let ours = said.replace(folder.to_str().unwrap(), "").replace(missing.to_str().unwrap(), "");
            let latin = ours.split(|char: char| !char.is_ascii_alphabetic()).any(|word| word.len() > 2);
            assert!(!latin, "{locale}: {args:.60?}: {said}");
        }
    }
}
