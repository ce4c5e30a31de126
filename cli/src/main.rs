//! The requester's app for a terminal: the third thin shell on the facade the phones use, for people, scripts and
//! the demo. It holds no rule of its own: what is saved, sent, shown or mended is decided in the core.
//!
//! This file alone reads the environment; everything else takes values.

#![warn(missing_docs)]
#![allow(missing_docs, reason = "a binary's types are for its own rooms")]

mod app;
mod args;
mod commands;
mod failure;
mod input;
mod output;
mod sound;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use pocketdesk_texts::{Device, Language, Texts};

use crate::{
    app::{App, Setup},
    args::{Args, Command},
    failure::{Outcome, Stop, exit},
    output::{Output, Times},
};

fn main() -> ExitCode {
    let args = Args::parse();
    let locale = args.global.locale.clone().unwrap_or_else(locale);
    let texts = Texts::new(Language::choose(&locale), Device::Computer);
    let times = Times::new(jiff::tz::TimeZone::system(), jiff::Timestamp::now);
    let stays = matches!(args.command, Command::Watch { .. });
    let out = Arc::new(Output::new(args.global.json, variable("NO_COLOR").is_some(), stays, texts, times));
    let ended = setup(&args, locale, &out).and_then(|setup| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|why| Stop::failed(why.to_string()))?;
        let ended = runtime.block_on(run(args.command, setup, out.clone()));
        // A person who pressed Ctrl-C at a prompt must not wait for a read of stdin that never ends.
        runtime.shutdown_timeout(Duration::from_millis(100));
        ended
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(Stop::PipeClosed) => ExitCode::from(exit::DONE),
        Err(Stop::Failed { code, sentence }) => {
            out.note(&sentence);
            ExitCode::from(code)
        }
    }
}

async fn run(command: Command, setup: Setup, out: Arc<Output>) -> Outcome {
    let app = App::open(setup, out).await?;
    let ended = commands::run(&app, command).await;
    app.desk.shut_down().await;
    ended
}

fn setup(args: &Args, locale: String, out: &Output) -> Result<Setup, Stop> {
    let data = match &args.global.data {
        Some(data) => data.clone(),
        None => default_data().ok_or_else(|| Stop::usage(out.say("terminal-no-home", &[])))?,
    };
    let certificates = args
        .global
        .ca
        .iter()
        .map(|path| std::fs::read_to_string(path).map_err(|why| Stop::file(&out.texts, path, &why)))
        .collect::<Result<_, _>>()?;
    Ok(Setup {
        data,
        device: device(),
        locale,
        account: args.global.account.clone(),
        offline: args.global.offline,
        automatic: out.stays,
        certificates,
        model_keys: variable("POCKETDESK_MODEL_KEYS")
            .map(|keys| keys.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default(),
        models: args.global.models.clone().or_else(default_models),
        editor: variable("VISUAL").or_else(|| variable("EDITOR")),
        typed: std::io::stdin().is_terminal(),
    })
}

/// A variable that says something.
#[allow(clippy::disallowed_methods, reason = "main reads the environment for everybody")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn locale() -> String {
    ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable).unwrap_or_default()
}

/// As the XDG base directories say it.
fn default_data() -> Option<PathBuf> {
    let named = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = named.or_else(|| Some(Path::new(&variable("HOME")?).join(".local/share")))?;
    Some(data.join("pocketdesk"))
}

/// Where `cargo x model` puts speech models.
fn default_models() -> Option<PathBuf> {
    let named = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = named.or_else(|| Some(Path::new(&variable("HOME")?).join(".cache")))?;
    Some(cache.join("pocketdesk/models"))
}

/// The computer's name, for the person's list of devices.
fn device() -> String {
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| variable("HOSTNAME"))
        .unwrap_or_else(|| "computer".to_owned())
}
