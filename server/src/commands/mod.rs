//! The verbs of `pocketdesk-server`. Here alone words go to the terminal: what a machine reads to standard output,
//! one JSON object a line; logs and errors to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod data;
mod model;
mod serve;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use serde_json::json;

pub use self::data::{backup, restore};
use crate::{
    config::{self, Config, ConfigError, Flags, Sources},
    env::Env,
    server::StartError,
};

/// The desk side of Pocketdesk: takes requests for help from phones and keeps them for the desk.
///
/// One program, one data directory. Without further configuration it keeps its rows in SQLite and files in a folder
/// there; PostgreSQL and S3 are two settings. Phones reach it by https; plain http is served on loopback alone, or
/// behind proxies named in trusted_proxies.
#[derive(Debug, Parser)]
#[command(name = "pocketdesk-server", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve phones and staff until SIGTERM or SIGINT
    ///
    /// Once it listens it prints {"event":"listening","addr":"…"} on standard output. SIGTERM and SIGINT stop it: live
    /// streams end, what is under way is finished, at most 20 seconds. SIGHUP reads the certificate's files again.
    Serve(Serve),
    /// Print the token that staff programs carry, making it if there is none
    ///
    /// It lies in DATA/keys/staff-token, readable by its owner alone. To take it back, remove the file and start the
    /// server again.
    StaffToken(DataOnly),
    /// Add a person who may sign in, and print {"id","email"}
    ///
    /// The same as POST /staff/people, for the first one.
    AddPerson(AddPerson),
    /// Replace the desk's catalogue: what requests are about, and what people call it
    ///
    /// FILE is TOML: tables [[type]], [[service]], [[site]] and [[urgency]], each with a name and, if people say other
    /// words for it, synonyms (in any language and any form):
    ///
    ///   [[service]]
    ///   name = "Printer"
    ///   synonyms = ["принтер", "МФУ", "it does not print"]
    ///
    /// All of it replaces all there was, or nothing does. A name keeps its id while it stays; to keep it under another
    /// name, give it: id = "…". A site named as one of the desk's sites has that site's id. Phones suggest these names
    /// from what a person says, and get them with their next sync. Prints {"event":"catalogue","added",…}. Works while
    /// the server runs or not.
    Catalogue(CatalogueArgs),
    /// Speech models that phones download: sign them, serve them
    ///
    /// The signing key is made and used away from the server, which only hands on what was signed:
    ///
    ///   pocketdesk-server model keygen --to models.key
    ///   pocketdesk-server model sign --key models.key --to models.json base-q5_1.bin silero.bin
    ///   pocketdesk-server model add --config desk.toml --manifest models.json base-q5_1.bin silero.bin
    #[command(subcommand, verbatim_doc_comment)]
    Model(model::ModelVerb),
    /// Copy database and files into a new folder, while the server runs or not
    ///
    /// The keys and the list of erasures are not in it: keep DATA/keys and DATA/outside by other means. Without the
    /// keys phones sign in anew, and the server cannot tell which of their words it took before.
    Backup(Backup),
    /// Fill an empty data directory (or an empty PostgreSQL database) from a backup
    ///
    /// Stop the server first. Phones notice that the server was restored, and bring back what they sent after the
    /// backup was made.
    Restore(Restore),
    /// Print the description of all routes (OpenAPI, JSON)
    Openapi,
}

#[derive(Debug, Args)]
struct Places {
    /// Folder of the database, files and keys; made with mode 0700 [env: POCKETDESK_SERVER_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration in TOML; its keys are listed below [env: POCKETDESK_SERVER_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// PostgreSQL, postgres://user@host/database; without it SQLite in the data folder [env: POCKETDESK_SERVER_DATABASE]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

#[derive(Debug, Args)]
struct DataOnly {
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    places: Places,
    /// Where to listen; port 0 lets the system choose [default: 127.0.0.1:8080] [env: POCKETDESK_SERVER_LISTEN]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// For a developer's machine: prints sign-in codes as {"event":"code","email","code"}, lets anybody in, listens on
    /// loopback alone
    #[arg(long)]
    development: bool,
}

#[derive(Debug, Args)]
struct AddPerson {
    #[command(flatten)]
    places: Places,
    /// Where sign-in codes go
    #[arg(long)]
    email: String,
    /// As shown to others; the part before the @ when left out
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
struct CatalogueArgs {
    #[command(flatten)]
    places: Places,
    /// The catalogue, TOML
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Backup {
    #[command(flatten)]
    places: Places,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

#[derive(Debug, Args)]
struct Restore {
    #[command(flatten)]
    places: Places,
    /// A folder that `backup` made
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
}

/// What follows the options of every verb that reads a configuration.
fn configuration_help() -> String {
    let mut text = String::from(
        "Configuration: the file, then the environment, then flags; the later wins. An unknown key in the file\n\
         is an error; an unknown variable is told of and left alone. Lists in the environment are separated by commas. A secret may lie in a file of its own: …_file.\n\n",
    );
    for (key, variable) in config::names() {
        text.push_str(&format!("  {key:<28}{variable}\n"));
    }
    text.push_str(
        "\n  POCKETDESK_SERVER_LOG sets what is logged on standard error (default: info).\n\n\
         sign_up: invited (people the desk added; the default), domains (and sign_up_domains), open.\n\
         mail.smtp: smtps://user:password@mail.firm.example, or smtp://… to a relay on this machine.\n\
         trusted_proxies: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed.\n\
         metrics_listen: a second listener for GET /metrics and /health, without a token: loopback or a private\n\
         network. On the first one GET /metrics asks for the staff token.\n\
         rates: requests a minute of one address, session…; mails: codes an hour to one e-mail address.",
    );
    text
}

/// The command line as it is parsed and helped with.
pub fn command() -> clap::Command {
    let help = configuration_help();
    let mut command = Cli::command();
    for verb in ["serve", "add-person", "catalogue", "backup", "restore", "staff-token"] {
        command = command.mut_subcommand(verb, |verb| verb.after_long_help(help.clone()));
    }
    for verb in ["add", "list"] {
        command = command.mut_subcommand("model", |model| {
            model.mut_subcommand(verb, |verb| verb.after_long_help(help.clone()))
        });
    }
    command
}

/// Runs a command line with an environment. The exit code: 0 done, 1 failed with a sentence on standard error, 2
/// wrong usage.
pub async fn run(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
    environment: BTreeMap<String, String>,
) -> ExitCode {
    let cli = match command().try_get_matches_from(arguments).and_then(|found| Cli::from_arg_matches(&found))
    {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match cli.verb {
        Verb::Serve(args) => serve::serve(args, environment).await,
        Verb::StaffToken(args) => data::staff_token(&args.places, environment),
        Verb::AddPerson(args) => data::add_person(args, environment).await,
        Verb::Catalogue(args) => data::catalogue(args, environment).await,
        Verb::Model(verb) => model::run(verb, environment).await,
        Verb::Backup(Backup { places, to: folder }) => {
            match configuration(&places, environment, Flags::default()) {
                Ok(config) => said(backup(&config, &Env::system(), &folder).await, "backup", &folder),
                Err(sentence) => Err(sentence),
            }
        }
        Verb::Restore(Restore { places, from: folder }) => {
            match configuration(&places, environment, Flags::default()) {
                Ok(config) => said(restore(&config, &Env::system(), &folder).await, "restored", &folder),
                Err(sentence) => Err(sentence),
            }
        }
        Verb::Openapi => {
            println!("{}", crate::api::openapi_json());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("pocketdesk-server: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn said(done: Result<(), StartError>, event: &str, folder: &Path) -> Result<(), String> {
    done.map_err(|why| why.to_string())?;
    println!("{}", json!({ "event": event, "folder": folder }));
    Ok(())
}

fn configuration(
    places: &Places,
    environment: BTreeMap<String, String>,
    flags: Flags,
) -> Result<Config, String> {
    let named =
        places.config.clone().or_else(|| environment.get("POCKETDESK_SERVER_CONFIG").map(PathBuf::from));
    let file = named.map(|path| read_file(&path)).transpose().map_err(|why| why.to_string())?;
    for name in config::strangers(&environment) {
        tracing::warn!(name, "this variable is no configuration; --help names those there are");
    }
    let flags = Flags { data: places.data.clone(), database: places.database.clone(), ..flags };
    config::read(Sources { file, environment, flags }).map_err(|why| why.to_string())
}

fn read_file(path: &Path) -> Result<(String, String), ConfigError> {
    let place = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((place, text)),
        Err(why) => Err(ConfigError::Wrong { place, reason: why.to_string() }),
    }
}
