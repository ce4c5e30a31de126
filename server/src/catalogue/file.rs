//! The catalogue's file: TOML, a table for each kind.
//!
//! ```toml
//! [[type]]
//! name = "Неисправность"
//! synonyms = ["не работает", "не працює", "broken"]
//!
//! [[service]]
//! name = "Принтер"
//!
//! [[site]]
//! id = "0199a1c2-…"    # only where a name shall keep its id under another name
//! name = "Склад №4"
//!
//! [[urgency]]
//! name = "Срочно"
//! ```

use std::collections::BTreeSet;

use pocketdesk_protocol::{
    ids::EntityId,
    limits::{CATALOGUE_NAME_CHARS, CATALOGUE_ROWS, CATALOGUE_SYNONYMS},
    rows::CatalogueKind,
};
use serde::Deserialize;

/// Bytes of a file: more than all the rows of the longest words a desk would write.
pub const FILE_BYTES: usize = 8 << 20;

/// A catalogue that can be kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue(Vec<Entry>);

/// A name of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is a name for.
    pub kind: CatalogueKind,
    /// The id to give it, if the file does.
    pub id: Option<EntityId>,
    /// As shown.
    pub name: String,
    /// What else people say.
    pub synonyms: Vec<String>,
}

impl Catalogue {
    /// The entries with their places within their kinds.
    pub fn places(&self) -> impl Iterator<Item = (u32, &Entry)> {
        CatalogueKind::ALL
            .into_iter()
            .flat_map(|kind| (0..).zip(self.0.iter().filter(move |entry| entry.kind == kind)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    r#type: Option<Vec<Line>>,
    service: Option<Vec<Line>>,
    site: Option<Vec<Line>>,
    urgency: Option<Vec<Line>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<EntityId>,
    name: String,
    #[serde(default)]
    synonyms: Vec<String>,
}

/// Reads a file and checks all of it; the error says where and what to do.
pub fn parse(text: &str) -> Result<Catalogue, String> {
    if text.len() > FILE_BYTES {
        return Err(format!("has {} bytes; at most {FILE_BYTES} are taken", text.len()));
    }
    let file: File = toml::from_str(text).map_err(|why| why.to_string().trim_end().to_owned())?;
    let kinds = [file.r#type, file.service, file.site, file.urgency];
    if kinds.iter().all(Option::is_none) {
        let empty = "names nothing: write [[type]], [[service]], [[site]] or [[urgency]] tables (or `type = []` to \
                     empty the catalogue)";
        return Err(empty.to_owned());
    }
    let mut entries = Vec::new();
    let mut ids = BTreeSet::new();
    for (kind, lines) in CatalogueKind::ALL.into_iter().zip(kinds) {
        let mut names = BTreeSet::new();
        for (number, line) in (1..).zip(lines.into_iter().flatten()) {
            let place = format!("{} {number} ({:?})", kind.as_str(), line.name);
            let name = words(&line.name).map_err(|why| format!("{place}: the name {why}"))?;
            if !names.insert(name.to_lowercase()) {
                return Err(format!("{place}: the name stands twice; leave one out"));
            }
            if line.id.is_some_and(|id| !ids.insert(id)) {
                return Err(format!("{place}: the id stands twice; give each name its own"));
            }
            if line.synonyms.len() > CATALOGUE_SYNONYMS {
                return Err(format!(
                    "{place}: has {} synonyms; at most {CATALOGUE_SYNONYMS} are taken",
                    line.synonyms.len()
                ));
            }
            let synonyms = line.synonyms.iter().map(|synonym| {
                words(synonym).map_err(|why| format!("{place}: the synonym {synonym:?} {why}"))
            });
            let synonyms = synonyms.collect::<Result<_, _>>()?;
            entries.push(Entry { kind, id: line.id, name, synonyms });
        }
    }
    if entries.len() > CATALOGUE_ROWS {
        return Err(format!("names {} things; at most {CATALOGUE_ROWS} are taken", entries.len()));
    }
    Ok(Catalogue(entries))
}

fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = !text.is_empty()
        && text.chars().count() <= CATALOGUE_NAME_CHARS
        && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("must be one line of 1 to {CATALOGUE_NAME_CHARS} characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_reads_where_their_file_is_wrong_and_nothing_of_it_is_taken() {
        let wrong = |text: &str, words: &str| {
            let why = parse(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        };
        wrong("", "names nothing");
        wrong("[[type]]\nname = 'a'\n[[service]]\nname = ''", "service 1 (\"\"): the name must be one line");
        wrong("[[type]]\nname = 'a\\nb'\n[[type]]\nname = \"c\\nd\"", "type 2");
        wrong("[[type]]\nname = 'Сбой'\n[[type]]\nname = 'сбой'", "type 2 (\"сбой\"): the name stands twice");
        wrong("[[type]]\nname = 'a'\nsynonym = ['b']", "synonym");
        wrong("[[types]]\nname = 'a'", "types");
        wrong("[[type]]\nname = 'a'\nid = 'x'", "id");
        wrong(&format!("[[type]]\nname = '{}'", "я".repeat(CATALOGUE_NAME_CHARS + 1)), "must be one line");
        wrong(
            &format!("[[type]]\nname = 'a'\nsynonyms = [{}]", "'b',".repeat(CATALOGUE_SYNONYMS + 1)),
            "65 synonyms",
        );
        let rows: String = (0..=CATALOGUE_ROWS).map(|n| format!("[[type]]\nname = '{n}'\n")).collect();
        wrong(&rows, "names 5001 things");
        let id = "0199a1c2-0000-7000-8000-000000000001";
        wrong(
            &format!("[[type]]\nname='a'\nid='{id}'\n[[site]]\nname='b'\nid='{id}'"),
            "the id stands twice",
        );
    }

    #[test]
    fn places_count_within_a_kind_in_the_files_order() {
        let file = "[[urgency]]\nname='u'\n[[type]]\nname=' a '\nsynonyms=[' x ']\n[[type]]\nname='b'";
        let catalogue = parse(file).unwrap();
        let places: Vec<_> = catalogue.places().map(|(place, entry)| (place, entry.name.as_str())).collect();
        assert_eq!(places, [(0, "a"), (1, "b"), (0, "u")]);
        assert_eq!(catalogue.0[0].synonyms, ["x"]);
        assert_eq!(parse("type = []").unwrap(), Catalogue::default());
    }
}
