//! The help as golden files, one a command; `UPDATE_GOLDENS=1` writes them anew.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help")
}

fn help(command: &[&str]) -> String {
    let shown = Command::new(env!("CARGO_BIN_EXE_pocketdesk"))
        .args(command)
        .arg("--help")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    assert!(shown.status.success(), "{command:?}: {shown:?}");
    String::from_utf8(shown.stdout).expect("help is text")
}

/// Names under "Commands:", without `help`.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn all() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let top = help(&[]);
    for command in commands(&top) {
        let text = help(&[&command]);
        for inner in commands(&text) {
            texts.insert(format!("{command}-{inner}"), help(&[&command, &inner]));
        }
        texts.insert(command, text);
    }
    texts.insert("pocketdesk".to_owned(), top);
    texts
}

#[test]
fn what_scripts_and_people_learned_from_the_help_does_not_change_unseen() {
    let texts = all();
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::create_dir_all(golden()).unwrap();
        for (name, text) in &texts {
            std::fs::write(golden().join(format!("{name}.txt")), text).unwrap();
        }
    }
    for (name, text) in &texts {
        let known = std::fs::read_to_string(golden().join(format!("{name}.txt"))).unwrap_or_default();
        assert!(known == *text, "`{name} --help` changed; look at it, then UPDATE_GOLDENS=1:\n{text}");
    }
    let files = std::fs::read_dir(golden()).unwrap().count();
    assert_eq!(files, texts.len(), "a golden file has no command any more");
}

#[test]
fn every_command_teaches_by_example() {
    for (name, text) in all() {
        if name.contains('-') && !["sign-in", "sign-out"].contains(&name.as_str()) {
            continue;
        }
        assert!(text.contains("Examples:") || text.contains("A day with it:"), "{name} has no example");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{name} is too wide:\n{text}");
    }
}
