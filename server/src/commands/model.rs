//! `model …`: speech models for phones. `keygen` and `sign` run where the company keeps its key and touch no server;
//! `add` and `list` run at the server and need no key.
#![allow(clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use pocketdesk_protocol::models::{Manifest, Role};
use serde_json::json;

use super::{Places, configuration};
use crate::{
    config::Flags,
    env::{Env, system},
    models::{self, Hosted, sign},
    server::Ground,
};

#[derive(Debug, Subcommand)]
pub(super) enum ModelVerb {
    /// Make the company's signing key, and print {"public_key"}
    ///
    /// Do this once, away from the server, and keep the file as you keep the key that signs the app: whoever has it can
    /// make phones load a model. The public key is built into the app (speech_model_keys).
    Keygen {
        /// The file to make, readable by its owner alone; it must not exist
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Describe files and sign the description, away from the server
    ///
    /// FILE is named after its model: tiny, base, small or medium, each also with .en, and its rounding
    /// (base-q5_1.bin), or silero.bin, the detector of speech, without which phones use none. Phones refuse a manifest
    /// whose serial is lower than one they have seen. Prints {"serial","key","models"}.
    Sign {
        /// The key that keygen made
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The manifest to write
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Higher than every one before; the seconds since 1970 when left out
        #[arg(long, value_name = "N")]
        serial: Option<u64>,
        /// The models phones may load from now on
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Serve a signed manifest and its files to phones
    ///
    /// Every byte is held against the manifest before phones are told of it. What an older manifest named and this one
    /// does not goes; files that are here already need not be named. Works while the server runs or not. Prints
    /// {"event":"models","serial","added","removed"}.
    Add(AddModels),
    /// Print what phones are offered, one {"id","role","size","sha256","here"} a line
    List {
        #[command(flatten)]
        places: Places,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddModels {
    #[command(flatten)]
    places: Places,
    /// What `model sign` wrote
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Take a manifest signed with another key than the one before
    #[arg(long)]
    new_key: bool,
    /// The files it names
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) async fn run(verb: ModelVerb, environment: BTreeMap<String, String>) -> Result<(), String> {
    match verb {
        ModelVerb::Keygen { to } => keygen(&to),
        ModelVerb::Sign { key, to, serial, files } => sign_files(&key, &to, serial, &files),
        ModelVerb::Add(args) => add(args, environment).await,
        ModelVerb::List { places } => list(&places, environment).await,
    }
}

fn keygen(to: &Path) -> Result<(), String> {
    let place = to.display();
    if to.exists() {
        return Err(format!("{place} is there already; a key is never written over"));
    }
    let made = sign::new_key().map_err(|why| why.to_string())?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = to.file_name().ok_or_else(|| format!("{place} is no file's name"))?;
    let kept = system::load_or_create_secret(&folder.join(name), || made.clone())
        .map_err(|why| format!("{place}: {why}"))?;
    let key = sign::read_key(&kept).map_err(|why| format!("{place}: {why}"))?;
    println!("{}", json!({ "public_key": sign::public(&key) }));
    Ok(())
}

fn sign_files(key: &Path, to: &Path, serial: Option<u64>, files: &[PathBuf]) -> Result<(), String> {
    let place = key.display();
    let pem = std::fs::read_to_string(key).map_err(|why| format!("{place}: {why}"))?;
    let key = sign::read_key(&pem).map_err(|why| format!("{place}: {why}"))?;
    let serial = serial.unwrap_or_else(|| u64::try_from(Env::system().clock.now() / 1000).unwrap_or(0));
    let models = files.iter().map(|file| sign::describe(file)).collect::<Result<Vec<_>, _>>();
    let manifest = Manifest { serial, models: models.map_err(|why| why.to_string())? };
    manifest.check()?;
    for (role, what) in [(Role::Speech, "no speech model"), (Role::Vad, "no detector of speech (silero.bin)")]
    {
        if !manifest.models.iter().any(|model| model.role == role) {
            return Err(format!(
                "There is {what} among the files: phones could use none of them. Name it too."
            ));
        }
    }
    let signed = sign::sign(&manifest, &key);
    let text = serde_json::to_string_pretty(&signed).expect("strings are JSON");
    write(to, text.as_bytes()).map_err(|why| format!("{}: {why}", to.display()))?;
    let ids: Vec<&str> = manifest.models.iter().map(|model| model.id.as_str()).collect();
    println!("{}", json!({ "serial": serial, "key": signed.key, "models": ids }));
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the operator named the file")]
fn write(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::write(to, bytes)
}

async fn add(args: AddModels, environment: BTreeMap<String, String>) -> Result<(), String> {
    let config = configuration(&args.places, environment, Flags::default())?;
    let place = args.manifest.display();
    let text = std::fs::read_to_string(&args.manifest).map_err(|why| format!("{place}: {why}"))?;
    let new = Hosted::read(text.as_bytes()).map_err(|why| format!("{place}: {why}"))?;
    let ground = Ground::open(&config).await.map_err(|why| why.to_string())?;
    let files: Vec<&Path> = args.files.iter().map(PathBuf::as_path).collect();
    let done =
        models::host(&ground.blobs, &new, &files, args.new_key).await.map_err(|why| why.to_string())?;
    let serial = new.manifest.serial;
    println!(
        "{}",
        json!({ "event": "models", "serial": serial, "added": done.files, "removed": done.removed })
    );
    Ok(())
}

async fn list(places: &Places, environment: BTreeMap<String, String>) -> Result<(), String> {
    let config = configuration(places, environment, Flags::default())?;
    let ground = Ground::open(&config).await.map_err(|why| why.to_string())?;
    let Some(hosted) = models::hosted(&ground.blobs).await.map_err(|why| why.to_string())? else {
        return Ok(());
    };
    for model in &hosted.manifest.models {
        let here = ground.blobs.has_model(model).await.map_err(|why| why.to_string())?;
        println!(
            "{}",
            json!({ "id": model.id, "role": model.role, "size": model.size, "sha256": model.sha256, "here": here })
        );
    }
    Ok(())
}
