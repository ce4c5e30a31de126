//! What an operator decides. Three places, the later wins: a TOML file, the environment (`POCKETDESK_…`), flags.
//! An unknown key is an error that names it: a misspelt `sign_up` must not silently leave a desk open.
//!
//! A secret may stand in a file of its own: `database_file`, `mail.smtp_file`, `s3.secret_access_key_file`.
//!
//! ```text
//! DATA/                 the data directory, made with mode 0700
//!   pocketdesk.db       the database, unless `database` names PostgreSQL
//!   blobs/              parts of files, unless `[s3]` is set
//!   keys/               0600: staff-token, server-key. `backup` does not copy it
//!   outside/            erasures and the highest numbers given, which no restore may undo. Not in a backup either
//! ```

mod source;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use pocketdesk_protocol::limits::Limits;
use serde::Deserialize;

pub use source::{names, read, strangers};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key nobody knows, a value of the wrong shape.
    #[error("{place}: {reason}")]
    Wrong {
        /// Where: a file's name, a variable's name.
        place: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// Every value is fine, and together they are not.
    #[error("{0}")]
    Refused(String),
}

/// Who may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Only people the desk added.
    Invited,
    /// They, and whoever has an address of [`Config::sign_up_domains`].
    Domains,
    /// Whoever has an address.
    Open,
}

/// Certificate and key, PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// How sign-in mails leave.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `smtps://user:password@host:465`, `smtp://host:587?tls=required`, `smtp://127.0.0.1:25`.
    pub smtp: String,
    /// `Help desk <desk@firm.example>`.
    pub from: String,
}

impl std::fmt::Debug for Mail {
    /// Without the address: a password stands in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

/// An S3-compatible place for files' bytes.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The bucket; it must exist.
    pub bucket: String,
    /// `us-east-1` where the service knows no regions.
    #[serde(default = "default_region")]
    pub region: String,
    /// `https://s3.firm.example`; absent for AWS itself. Plain http only to loopback.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Key id.
    pub access_key_id: String,
    /// Key.
    pub secret_access_key: String,
    /// A folder within the bucket.
    #[serde(default)]
    pub prefix: Option<String>,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

/// How much one asker may ask. Each is a bucket that fills by the minute and holds one minute's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Codes asked for, and tries at one, a minute from one address (an IPv4 address or an IPv6 /64).
    pub sign_in: u32,
    /// Codes mailed to one e-mail address in an hour.
    pub mails: u32,
    /// Requests a minute from one address, signed in or not. A company behind one address shares it.
    pub address: u32,
    /// Requests a minute of one session.
    pub session: u32,
    /// Parts of files a minute of one session.
    pub parts: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { sign_in: 20, mails: 6, address: 6_000, session: 600, parts: 6_000 }
    }
}

impl Rates {
    /// For development, where every phone is on loopback and a test signs in a hundred times.
    const DEVELOPMENT: Self =
        Self { sign_in: 60_000, mails: 10_000, address: 1_000_000, session: 200_000, parts: 200_000 };
}

/// What a server is started with. See the module for where each value comes from.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Codes on standard output, anybody may enter.
    pub development: bool,
    /// As shown to requesters.
    pub desk_name: String,
    /// `postgres://…`; none: SQLite in the data directory.
    pub database: Option<Secret>,
    /// Certificate and key; none: plain http, only on loopback or behind [`Config::trusted_proxies`].
    pub tls: Option<Tls>,
    /// Addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where `GET /metrics` answers; loopback or a private network. None: only on `listen`, with the staff token.
    pub metrics_listen: Option<SocketAddr>,
    /// Who may enter.
    pub sign_up: SignUp,
    /// For [`SignUp::Domains`], lower-case.
    pub sign_up_domains: Vec<String>,
    /// How sign-in mails leave.
    pub mail: Option<Mail>,
    /// Where files' bytes lie; none: a folder in the data directory.
    pub s3: Option<S3>,
    /// What `GET /me` says.
    pub limits: Limits,
    /// How much one asker may ask.
    pub rates: Rates,
    /// Days an applied op may come back after a restore (1–365).
    pub restore_window_days: u32,
    /// Unfinished uploads of one session at a time.
    pub unfinished_uploads: u32,
    /// Bytes of unfinished uploads of one session at a time.
    pub unfinished_bytes: u64,
}

/// A value that never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The file's shape; the environment and flags are laid over it before it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    data: Option<PathBuf>,
    #[serde(default)]
    listen: Option<SocketAddr>,
    #[serde(default)]
    development: bool,
    #[serde(default)]
    desk_name: Option<String>,
    #[serde(default)]
    database: Option<String>,
    #[serde(default)]
    tls: Option<Tls>,
    #[serde(default)]
    trusted_proxies: Vec<IpAddr>,
    #[serde(default)]
    metrics_listen: Option<SocketAddr>,
    #[serde(default)]
    sign_up: Option<SignUp>,
    #[serde(default)]
    sign_up_domains: Vec<String>,
    #[serde(default)]
    mail: Option<Mail>,
    #[serde(default)]
    s3: Option<S3>,
    #[serde(default)]
    limits: FileLimits,
    #[serde(default)]
    rates: Option<Rates>,
    #[serde(default)]
    restore_window_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLimits {
    #[serde(default)]
    text_bytes: Option<u64>,
    #[serde(default)]
    attachments: Option<u32>,
    #[serde(default)]
    attachment_bytes: Option<u64>,
    #[serde(default)]
    unfinished_uploads: Option<u32>,
    #[serde(default)]
    unfinished_bytes: Option<u64>,
}

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--development`.
    pub development: bool,
    /// `--database`.
    pub database: Option<String>,
}

/// The three places a value comes from.
#[derive(Debug, Default)]
pub struct Sources {
    /// Name and text of the file.
    pub file: Option<(String, String)>,
    /// Variables that begin with `POCKETDESK_`.
    pub environment: BTreeMap<String, String>,
    /// The command line.
    pub flags: Flags,
}

impl Config {
    /// For a test or a demo: development on a port of loopback the system chooses.
    pub fn development(data: impl Into<PathBuf>) -> Self {
        let flags = Flags {
            data: Some(data.into()),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            development: true,
            database: None,
        };
        read(Sources { flags, ..Sources::default() }).expect("development needs nothing else")
    }

    /// Whether what the operator wants may be served; the sentence says what to do.
    pub fn check_serving(&self) -> Result<(), ConfigError> {
        let refused = |sentence: &str| Err(ConfigError::Refused(sentence.to_owned()));
        if self.tls.is_none() && !self.listen.ip().is_loopback() && self.trusted_proxies.is_empty() {
            return refused(
                "Plain http is served on loopback alone. Give [tls] cert and key, or name the proxy in front of \
                 this server in trusted_proxies, or listen on 127.0.0.1.",
            );
        }
        if self.mail.is_none() && !self.development {
            return refused(
                "Nobody could sign in: no mail is configured. Give [mail] smtp and from, or, on a developer's \
                 machine, --development, which prints the codes.",
            );
        }
        if self.development && !self.listen.ip().is_loopback() {
            return refused(
                "--development prints sign-in codes and lets anybody in: it listens on loopback alone. Leave it \
                 out, or listen on 127.0.0.1.",
            );
        }
        if self.sign_up == SignUp::Domains && self.sign_up_domains.is_empty() {
            return refused(
                "sign_up = \"domains\" needs sign_up_domains, the part after the @ of each address.",
            );
        }
        if self.metrics_listen.is_some_and(|address| address == self.listen && address.port() != 0) {
            return refused(
                "metrics_listen must be another address than listen: the world reaches that one.",
            );
        }
        if let Some(endpoint) = self.s3.as_ref().and_then(|s3| s3.endpoint.as_deref())
            && !endpoint.starts_with("https://")
            && !is_loopback_url(endpoint)
        {
            return refused(
                "s3.endpoint must be https: files would travel in the clear. Plain http only to loopback.",
            );
        }
        Ok(())
    }

    /// Where the SQLite database lies.
    pub fn sqlite_path(&self) -> PathBuf {
        self.data.join("pocketdesk.db")
    }

    /// Where parts of files lie without S3.
    pub fn blobs_path(&self) -> PathBuf {
        self.data.join("blobs")
    }

    /// What outlives a restore: erasures and the highest numbers given. Outside what `backup` copies.
    pub fn outside_path(&self) -> PathBuf {
        self.data.join("outside")
    }

    /// Where keys lie; outside what `backup` copies.
    pub fn keys_path(&self) -> PathBuf {
        keys_path(&self.data)
    }
}

/// Where keys of the server with this data directory lie.
pub fn keys_path(data: &Path) -> PathBuf {
    data.join("keys")
}

fn is_loopback_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
