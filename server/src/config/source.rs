//! One table out of file, environment and flags, then one reading of it, so that every key has one meaning and one
//! check wherever it came from.

use std::path::Path;

use pocketdesk_protocol::limits::Limits;
use toml::{Table, Value};

use super::{Config, ConfigError, File, Rates, Secret, SignUp, Sources};

/// Prefix of the environment's names: `POCKETDESK_SERVER_SIGN_UP`, `POCKETDESK_SERVER_MAIL_SMTP`.
const PREFIX: &str = "POCKETDESK_SERVER_";

/// What a value in the environment is read as.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    Flag,
    List,
}

/// Every key there is, its section first.
const KEYS: &[(&str, &str, Shape)] = &[
    ("", "data", Shape::Text),
    ("", "listen", Shape::Text),
    ("", "development", Shape::Flag),
    ("", "desk_name", Shape::Text),
    ("", "database", Shape::Text),
    ("", "database_file", Shape::Text),
    ("", "trusted_proxies", Shape::List),
    ("", "metrics_listen", Shape::Text),
    ("", "sign_up", Shape::Text),
    ("", "sign_up_domains", Shape::List),
    ("", "restore_window_days", Shape::Number),
    ("tls", "cert", Shape::Text),
    ("tls", "key", Shape::Text),
    ("mail", "smtp", Shape::Text),
    ("mail", "smtp_file", Shape::Text),
    ("mail", "from", Shape::Text),
    ("s3", "bucket", Shape::Text),
    ("s3", "region", Shape::Text),
    ("s3", "endpoint", Shape::Text),
    ("s3", "access_key_id", Shape::Text),
    ("s3", "secret_access_key", Shape::Text),
    ("s3", "secret_access_key_file", Shape::Text),
    ("s3", "prefix", Shape::Text),
    ("limits", "text_bytes", Shape::Number),
    ("limits", "attachments", Shape::Number),
    ("limits", "attachment_bytes", Shape::Number),
    ("limits", "unfinished_uploads", Shape::Number),
    ("limits", "unfinished_bytes", Shape::Number),
    ("rates", "sign_in", Shape::Number),
    ("rates", "mails", Shape::Number),
    ("rates", "address", Shape::Number),
    ("rates", "session", Shape::Number),
    ("rates", "parts", Shape::Number),
];

/// Keys whose value may stand in a file named by `KEY_file`.
const SECRETS: &[(&str, &str)] = &[("", "database"), ("mail", "smtp"), ("s3", "secret_access_key")];

/// Variables of the environment that are not configuration: the name of the file, and the level of the logs.
const NOT_KEYS: &[&str] = &["POCKETDESK_SERVER_CONFIG", "POCKETDESK_SERVER_LOG"];

/// Variables with our prefix that are no configuration: misspelt, or a platform's.
pub fn strangers(environment: &std::collections::BTreeMap<String, String>) -> Vec<&str> {
    let known = |name: &str| NOT_KEYS.contains(&name) || find_variable(name).is_some();
    environment.keys().map(String::as_str).filter(|name| !known(name)).collect()
}

/// Reads a configuration. Files of secrets are read here; nothing else is touched.
pub fn read(sources: Sources) -> Result<Config, ConfigError> {
    let mut table = Table::new();
    let mut place = "the configuration".to_owned();
    if let Some((name, text)) = sources.file {
        table = text.parse::<Table>().map_err(|why| wrong(&name, why.message()))?;
        check_names(&table, &name)?;
        place = name;
    }
    for (name, text) in &sources.environment {
        if NOT_KEYS.contains(&name.as_str()) {
            continue;
        }
        // Told by `strangers`, not refused: container platforms put names of their own beside ours.
        let Some((section, key, shape)) = find_variable(name) else { continue };
        let value = parse(text, shape).map_err(|reason| wrong(name, reason))?;
        section_of(&mut table, section).insert(key.to_owned(), value);
    }
    let flags = sources.flags;
    if let Some(data) = flags.data {
        let text = data.to_str().ok_or_else(|| wrong("--data", "the folder's name is not UTF-8"))?;
        table.insert("data".into(), text.into());
    }
    if let Some(listen) = flags.listen {
        table.insert("listen".into(), listen.to_string().into());
    }
    if flags.development {
        table.insert("development".into(), true.into());
    }
    if let Some(database) = flags.database {
        table.insert("database".into(), database.into());
        table.remove("database_file");
    }
    for (section, key) in SECRETS {
        read_secret(&mut table, section, key)?;
    }
    let file: File = table.try_into().map_err(|why: toml::de::Error| wrong(&place, why.message()))?;
    settle(file)
}

fn settle(file: File) -> Result<Config, ConfigError> {
    let data = file.data.ok_or_else(|| {
        ConfigError::Refused(
            "Which folder holds the data? Give --data DIR, data in the file, or POCKETDESK_SERVER_DATA."
                .into(),
        )
    })?;
    if let Some(database) = &file.database
        && (!database.contains(['/', '=']) || database.parse::<tokio_postgres::Config>().is_err())
    {
        // Not the parser's words: they may repeat the value, and a password stands in it.
        let right = "must be like postgres://user@host/database; leave it out for SQLite in the data folder";
        return Err(wrong("database", right));
    }
    let ours = Limits::default();
    let limits = Limits {
        text_bytes: file.limits.text_bytes.unwrap_or(ours.text_bytes),
        attachments: file.limits.attachments.unwrap_or(ours.attachments),
        attachment_bytes: file.limits.attachment_bytes.unwrap_or(ours.attachment_bytes),
    };
    for (key, given, most) in [
        ("limits.text_bytes", limits.text_bytes, ours.text_bytes),
        ("limits.attachments", limits.attachments.into(), ours.attachments.into()),
        ("limits.attachment_bytes", limits.attachment_bytes, ours.attachment_bytes),
    ] {
        if given == 0 || given > most {
            return Err(wrong(key, &format!("must be from 1 to {most}: what every phone was built for")));
        }
    }
    let restore_window_days = file.restore_window_days.unwrap_or(30);
    if !(1..=365).contains(&restore_window_days) {
        return Err(wrong("restore_window_days", "must be from 1 to 365"));
    }
    let rates = file.rates.unwrap_or(if file.development { Rates::DEVELOPMENT } else { Rates::default() });
    if [rates.sign_in, rates.mails, rates.address, rates.session, rates.parts].contains(&0) {
        return Err(wrong("rates", "a rate of 0 would let nobody in; each must be at least 1"));
    }
    Ok(Config {
        data,
        listen: file.listen.unwrap_or_else(|| ([127, 0, 0, 1], 8080).into()),
        development: file.development,
        desk_name: file.desk_name.unwrap_or_else(|| "Help desk".to_owned()),
        database: file.database.map(Secret),
        tls: file.tls,
        trusted_proxies: file.trusted_proxies,
        metrics_listen: file.metrics_listen,
        sign_up: file.sign_up.unwrap_or(if file.development { SignUp::Open } else { SignUp::Invited }),
        sign_up_domains: file
            .sign_up_domains
            .iter()
            .map(|d| d.trim_start_matches('@').to_lowercase())
            .collect(),
        mail: file.mail,
        s3: file.s3,
        limits,
        rates,
        restore_window_days,
        unfinished_uploads: file.limits.unfinished_uploads.unwrap_or(500),
        unfinished_bytes: file.limits.unfinished_bytes.unwrap_or(8 << 30),
    })
}

fn wrong(place: &str, reason: &str) -> ConfigError {
    ConfigError::Wrong { place: place.to_owned(), reason: reason.to_owned() }
}

fn find_variable(name: &str) -> Option<(&'static str, &'static str, Shape)> {
    KEYS.iter().find(|(section, key, _)| variable(section, key) == name).copied()
}

/// The environment's name of a key.
fn variable(section: &str, key: &str) -> String {
    let joint = if section.is_empty() { "" } else { "_" };
    format!("{PREFIX}{section}{joint}{key}").to_uppercase()
}

/// Refuses names nobody knows before anything is laid over them: the message must name the file's own key.
fn check_names(table: &Table, file: &str) -> Result<(), ConfigError> {
    for (name, value) in table {
        if let Value::Table(section) = value
            && KEYS.iter().any(|(known, _, _)| known == name)
        {
            for key in section.keys() {
                if !KEYS.iter().any(|(s, k, _)| s == name && k == key) {
                    return Err(wrong(file, &format!("unknown key {name}.{key}")));
                }
            }
        } else if !KEYS.iter().any(|(section, key, _)| section.is_empty() && key == name) {
            return Err(wrong(file, &format!("unknown key {name}")));
        }
    }
    Ok(())
}

fn section_of<'a>(table: &'a mut Table, section: &str) -> &'a mut Table {
    if section.is_empty() {
        return table;
    }
    let slot = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if !slot.is_table() {
        *slot = Value::Table(Table::new());
    }
    slot.as_table_mut().expect("made a table one line above")
}

fn parse(text: &str, shape: Shape) -> Result<Value, &'static str> {
    match shape {
        Shape::Text => Ok(text.into()),
        Shape::Number => text.parse::<i64>().map(Value::Integer).map_err(|_| "must be a whole number"),
        Shape::Flag => text.parse::<bool>().map(Value::Boolean).map_err(|_| "must be true or false"),
        Shape::List => Ok(Value::Array(
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Into::into).collect(),
        )),
    }
}

fn read_secret(table: &mut Table, section: &str, key: &str) -> Result<(), ConfigError> {
    if !section.is_empty() && !table.contains_key(section) {
        return Ok(());
    }
    let table = section_of(table, section);
    let name = format!("{key}_file");
    let Some(value) = table.remove(&name) else { return Ok(()) };
    if table.contains_key(key) {
        return Err(wrong(&name, &format!("stands beside {key}; give one of the two")));
    }
    let path = value.as_str().ok_or_else(|| wrong(&name, "must be a path"))?;
    let text =
        std::fs::read_to_string(Path::new(path)).map_err(|why| wrong(&name, &format!("{path}: {why}")))?;
    table.insert(key.to_owned(), text.trim_end_matches(['\r', '\n']).into());
    Ok(())
}

/// The list of keys and variables for `--help`.
pub fn names() -> impl Iterator<Item = (String, String)> {
    KEYS.iter().map(|(section, key, _)| {
        let joint = if section.is_empty() { "" } else { "." };
        (format!("{section}{joint}{key}"), variable(section, key))
    })
}
