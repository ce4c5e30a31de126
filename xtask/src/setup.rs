//! What the verbs need beyond Rust and a C compiler.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    model,
    steps::{Done, answers, cache, cargo, step},
};

const DENY_VERSION: &str = "0.20.2";
const VERSITYGW: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";

/// Installs all of it; names all that is missing.
pub fn everything() -> Done {
    let missing: Vec<String> =
        [recogniser().err(), postgres().err(), versitygw().err(), cargo_deny().err(), model::all().err()]
            .into_iter()
            .flatten()
            .collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

/// CMake and a C++ compiler: whisper.cpp is built from source. And ALSA's headers: the terminal's microphone needs them.
pub fn recogniser() -> Done {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let alsa = || {
        let found = Command::new("pkg-config").args(["--exists", "alsa"]).status();
        !cfg!(target_os = "linux") || found.is_ok_and(|found| found.success())
    };
    let there =
        || answers(Path::new("cmake"), "--version") && answers(Path::new(&compiler), "--version") && alsa();
    if there() {
        return Ok(());
    }
    install(&["cmake", "make", "g++", "pkg-config", "libasound2-dev"]);
    if there() {
        return Ok(());
    }
    Err("CMake, a C++ compiler or ALSA's headers are missing: install the packages `cmake`, `make` and `g++`, which \
         build the recogniser of speech, and `pkg-config` and `libasound2-dev` for the microphone (or build without \
         both: cargo build --package pocketdesk --no-default-features)."
        .into())
}

/// Installs packages where that is allowed (a Debian's root); elsewhere, and where it fails, the caller looks again and
/// says what is missing.
pub fn install(packages: &[&str]) {
    if !may_install() {
        return;
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let mut all = vec!["install", "-y", "-q", "--no-install-recommends"];
    all.extend(packages);
    // The lists may be fresh enough although they cannot be renewed.
    for (name, arguments) in [
        ("apt-get update".to_owned(), vec!["update", "-q"]),
        (format!("install {}", packages.join(", ")), all),
    ] {
        if let Err(why) = step(&name, &mut apt(&arguments)) {
            println!("   {why}");
        }
    }
}

fn may_install() -> bool {
    is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// PostgreSQL's own programs (`initdb`, `postgres`), installed through apt where that is possible.
pub fn postgres() -> Result<PathBuf, String> {
    if let Some(found) = postgres_programs() {
        return Ok(found);
    }
    if may_install() {
        // The package's own cluster is of no use here: the tests start private ones.
        let conf = Path::new("/etc/postgresql-common");
        std::fs::create_dir_all(conf)
            .and_then(|()| std::fs::write(conf.join("createcluster.conf"), "create_main_cluster = false\n"))
            .map_err(|why| format!("PostgreSQL's set-up could not be prepared: {why}"))?;
        install(&["postgresql"]);
    }
    postgres_programs().ok_or_else(|| {
        "PostgreSQL is missing: install the package `postgresql` (initdb and postgres must be there).".into()
    })
}

fn postgres_programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.retain(|bin| bin.join("initdb").exists());
    versions.sort();
    versions.pop()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"))
}

/// The S3 gateway the tests talk to, built once into the cache folder; answers the folder it lies in.
pub fn versitygw() -> Result<PathBuf, String> {
    let bin = cache()?.join("tools/bin");
    if answers(&bin.join("versitygw"), "--version") {
        return Ok(bin);
    }
    if !answers(Path::new("go"), "version") {
        return Err("Go is missing: install it, so that versitygw (an S3 gateway) can be built.".into());
    }
    std::fs::create_dir_all(&bin).map_err(|why| format!("{}: {why}", bin.display()))?;
    step(
        "build versitygw (once, some minutes)",
        Command::new("go").args(["install", VERSITYGW]).env("GOBIN", &bin).env("CGO_ENABLED", "0"),
    )?;
    Ok(bin)
}

/// `bin` before everything else on PATH.
pub fn on_path(bin: &Path) -> std::ffi::OsString {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&old));
    std::env::join_paths(all).unwrap_or(old)
}

/// `cargo-deny` of the pinned version, built once into the cache folder.
pub fn cargo_deny() -> Result<PathBuf, String> {
    let tools = cache()?.join("tools");
    let program = tools.join("bin/cargo-deny");
    let right = Command::new(&program)
        .arg("--version")
        .output()
        .is_ok_and(|said| String::from_utf8_lossy(&said.stdout).trim().ends_with(DENY_VERSION));
    if !right {
        step(
            "build cargo-deny (once, some minutes)",
            cargo()
                .args(["install", "cargo-deny", "--locked", "--quiet", "--version", DENY_VERSION, "--root"])
                .arg(&tools)
                // Beside the tools, so that a second checkout finds what a first one compiled.
                .env("CARGO_TARGET_DIR", cache()?.join("tools-target")),
        )?;
    }
    if answers(&program, "--version") {
        Ok(program)
    } else {
        Err("cargo-deny was built but does not start.".into())
    }
}
