//! The surface that shells are written against, as a golden: a changed line is a changed contract.
//!
//! Read from the sources of this crate and of domain's records, signature by signature; uniffi's own listing needs
//! its binding generator, which no shell of this release has yet. Set `UPDATE_GOLDENS=1` to write it anew.

use std::fmt::Write as _;

const SOURCES: &[(&str, &str)] = &[
    ("facade", include_str!("../../src/facade.rs")),
    ("feeds", include_str!("../../src/feeds.rs")),
    ("config", include_str!("../../src/config.rs")),
    ("errors", include_str!("../../src/errors.rs")),
    ("model delivery", include_str!("../../../domain/src/model/delivery.rs")),
    ("model requests", include_str!("../../../domain/src/model/requests.rs")),
    ("model views", include_str!("../../../domain/src/model/views.rs")),
];

/// Every public signature, type, field and variant, without docs and bodies, a line each.
fn surface() -> String {
    let mut all = String::new();
    for (name, source) in SOURCES {
        let _ = writeln!(all, "# {name}");
        let mut signature = String::new();
        // Depth of braces that belong to bodies; types are read inside.
        let (mut body, mut in_type) = (0_i32, false);
        for line in source.lines().map(str::trim) {
            let braces = |line: &str| line.matches('{').count() as i32 - line.matches('}').count() as i32;
            if body > 0 {
                body += braces(line);
                continue;
            }
            if line.starts_with("//") || line.starts_with("#[") || line.is_empty() {
                continue;
            }
            if in_type {
                if line == "}" && braces(line) < 0 && signature.is_empty() {
                    in_type = false;
                    continue;
                }
                if !line.starts_with("pub(crate)") {
                    let _ = writeln!(all, "    {line}");
                }
                if line.ends_with('{') {
                    signature.push('{');
                } else if line.starts_with('}') {
                    signature.pop();
                }
                continue;
            }
            // The list of feeds, each with what it yields.
            if *name == "feeds" && line.contains(" => ") && !line.contains('$') {
                let _ = writeln!(all, "    {line}");
                continue;
            }
            let begins = [
                "pub fn",
                "pub async fn",
                "pub struct",
                "pub enum",
                "pub trait",
                "fn load",
                "fn save",
                "fn remove",
            ];
            if signature.is_empty() && !begins.iter().any(|start| line.starts_with(start)) {
                continue;
            }
            if ["pub struct", "pub enum", "pub trait"].iter().any(|start| line.starts_with(start)) {
                let _ = writeln!(all, "{}", line.trim_end_matches('{').trim());
                in_type = line.ends_with('{');
                continue;
            }
            let _ = write!(signature, "{line} ");
            if line.ends_with('{') || line.ends_with(';') {
                let _ = writeln!(all, "    {}", signature.trim().trim_end_matches('{').trim());
                signature.clear();
                body = i32::from(line.ends_with('{'));
            }
        }
    }
    all
}

#[test]
fn a_shell_written_yesterday_still_fits() {
    let (golden, now) = (concat!(env!("CARGO_MANIFEST_DIR"), "/surface.txt"), surface());
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(golden, &now).unwrap();
    }
    let known = std::fs::read_to_string(golden).unwrap();
    assert!(now == known, "the surface moved; look at the difference after UPDATE_GOLDENS=1:\n{now}");
}
