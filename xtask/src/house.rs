//! House arrows (what may depend on what) and the few rules a machine can keep.

use std::{collections::BTreeMap, path::Path};

use crate::steps::{Done, cargo, output, root};

/// Crates of the house a crate may name, never upward (the README's map).
const ARROWS: &[(&str, &[&str])] = &[
    ("pocketdesk-protocol", &[]),
    ("pocketdesk-domain", &["pocketdesk-protocol"]),
    ("pocketdesk-sqlite-sys", &[]),
    ("pocketdesk-texts", &[]),
    ("pocketdesk-models", &[]),
    ("pocketdesk-core", &["pocketdesk-protocol", "pocketdesk-domain", "pocketdesk-sqlite-sys"]),
    ("pocketdesk-bindgen", &[]),
    ("pocketdesk-ffi", &["pocketdesk-core", "pocketdesk-domain", "pocketdesk-protocol"]),
    ("pocketdesk", &["pocketdesk-ffi", "pocketdesk-domain", "pocketdesk-texts"]),
    ("pocketdesk-server", &["pocketdesk-protocol", "pocketdesk-sqlite-sys", "pocketdesk-texts"]),
];

/// All that domain may be built from: nothing here can do I/O, tell the time or draw a number.
const PURE: &[&str] = &[
    "pocketdesk-protocol",
    "serde",
    "serde_json",
    "snowball_stemmers_rs",
    "thiserror",
    "unicode-normalization",
    "uniffi",
    "uuid",
];

/// Rooms of core in their order: a room may use those before it.
const ROOMS: &[(&str, &[&str])] = &[
    ("env", &[]),
    ("store", &["env"]),
    ("remote", &["env"]),
    ("session", &["env", "store", "remote"]),
    ("attachments", &["env", "store", "remote", "session"]),
    ("voice", &["env", "store"]),
    ("engine", &["env", "store", "remote", "session", "attachments", "voice"]),
];

/// What no shell may have of its own: the core times, repeats, keeps and sends. Looked for in what ships alone.
const SUSPECTS: &[&str] = &[
    "Timer",
    "delay(",
    "postDelayed",
    "Thread.sleep",
    "sleep(",
    "Room",
    "SQLite",
    "SharedPreferences",
    "DataStore",
    "UserDefaults",
    "CoreData",
    "OkHttp",
    "HttpURLConnection",
    "java.net.",
    "URLSession",
    "retry {",
    "LruCache",
    "LinkedBlockingQueue",
];

/// Lines of one wrapper module at most.
const WRAPPER_LINES: usize = 400;

/// Beyond this a file has a second reason to exist.
const LINES: usize = 600;

/// Checks all of it.
pub fn check() -> Done {
    println!("── house");
    let mut wrong = Vec::new();
    arrows(&mut wrong)?;
    rooms(&mut wrong)?;
    files(&mut wrong)?;
    shells(&mut wrong)?;
    if !wrong.is_empty() {
        return Err(format!("The house is not in order:\n  {}", wrong.join("\n  ")));
    }
    println!("   house: ok");
    Ok(())
}

fn arrows(wrong: &mut Vec<String>) -> Done {
    let metadata =
        output("cargo metadata", cargo().args(["metadata", "--format-version=1", "--no-deps", "--offline"]))
            .or_else(|_| {
                output("cargo metadata", cargo().args(["metadata", "--format-version=1", "--no-deps"]))
            })?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|why| format!("cargo metadata cannot be read: {why}"))?;
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let named = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str());
        for dependency in named {
            let ours = dependency == "pocketdesk" || dependency.starts_with("pocketdesk-");
            if let Some(allowed) = arrows.get(name).filter(|allowed| ours && !allowed.contains(&dependency)) {
                wrong.push(format!("{name} may name {allowed:?}, not {dependency}"));
            }
            if name == "pocketdesk-domain" && !PURE.contains(&dependency) {
                wrong.push(format!("domain is pure: it may not depend on {dependency}"));
            }
        }
    }
    Ok(())
}

fn rooms(wrong: &mut Vec<String>) -> Done {
    for (room, below) in ROOMS {
        for path in tracked(&[&format!("core/src/{room}.rs"), &format!("core/src/{room}/")])? {
            let text = read(&path)?;
            for (other, _) in ROOMS.iter().filter(|(other, _)| other != room && !below.contains(other)) {
                let uses = format!("crate::{other}::");
                if text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&uses)) {
                    wrong.push(format!("{path} uses {uses}…: {room} lies below {other}"));
                }
            }
        }
    }
    Ok(())
}

fn files(wrong: &mut Vec<String>) -> Done {
    for path in tracked(&["*.rs", "*.sql", "*.kt", "*.swift", "*.py", "*.sh"])? {
        let lines = read(&path)?.lines().count();
        if lines > LINES {
            wrong
                .push(format!("{path} has {lines} lines (at most {LINES}): find its second reason to exist"));
        }
    }
    Ok(())
}

fn shells(wrong: &mut Vec<String>) -> Done {
    let mut wrapper = 0;
    for path in tracked(&["android/*.kt", "ios/*.swift"])? {
        if path.contains("/src/test/") || path.contains("/Tests/") {
            continue;
        }
        let text = read(&path)?;
        for (at, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with(['/', '*']))
        {
            for suspect in SUSPECTS.iter().filter(|suspect| line.contains(*suspect)) {
                let at = at + 1;
                wrong.push(format!(
                    "{path}:{at}: {suspect}: a shell has no timer, store, queue or network of its own"
                ));
            }
        }
        if path.starts_with("android/pocketdesk/") {
            wrapper += text.lines().count();
        }
    }
    if wrapper > WRAPPER_LINES {
        wrong.push(format!("android/pocketdesk has {wrapper} lines (at most {WRAPPER_LINES}): what is a rule belongs to the core"));
    }
    Ok(())
}

fn tracked(patterns: &[&str]) -> Result<Vec<String>, String> {
    let mut git = std::process::Command::new("git");
    git.current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "--"])
        .args(patterns);
    Ok(output("git ls-files", &mut git)?
        .lines()
        .filter(|path| path.ends_with(".rs") || !path.starts_with("core/src"))
        .filter(|path| Path::new(root()).join(path).exists())
        .map(str::to_owned)
        .collect())
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(root().join(path)).map_err(|why| format!("{path}: {why}"))
}
