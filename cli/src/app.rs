//! What every command works with: the core, the output, and what the person chose for all commands.

use std::{path::PathBuf, sync::Arc, time::Duration};

use pocketdesk_domain::model::{AccountView, Delivery, OpKey, TicketKey};
use pocketdesk_ffi::{Config, DeskError, Platform, Pocketdesk, file_secrets};

use crate::{
    failure::{Stop, exit},
    output::{Output, progress::Progress},
};

/// How long a write waits for the desk before it leaves the rest to the next command.
const SETTLE: Duration = Duration::from_secs(10);

/// What main read from the environment and the command line.
#[derive(Debug)]
pub struct Setup {
    pub data: PathBuf,
    pub device: String,
    pub locale: String,
    pub account: Option<String>,
    pub offline: bool,
    /// Stay connected (`watch`).
    pub automatic: bool,
    /// PEM texts of certificates to trust.
    pub certificates: Vec<String>,
    /// The keys whose speech models are believed, 64 hex digits each.
    pub model_keys: Vec<String>,
    /// A developer's folder of speech models.
    pub models: Option<PathBuf>,
    /// The command that edits a file, if the person named one.
    pub editor: Option<String>,
    /// Whether somebody types.
    pub typed: bool,
}

/// See the module.
pub struct App {
    pub desk: Arc<Pocketdesk>,
    pub out: Arc<Output>,
    pub setup: Setup,
}

impl App {
    /// Opens the folder of accounts.
    pub async fn open(setup: Setup, out: Arc<Output>) -> Result<Self, Stop> {
        let data = setup.data.display().to_string();
        let mut config = Config::new(data.clone(), setup.device.clone(), setup.locale.clone());
        config.offline = setup.offline;
        config.automatic = setup.automatic;
        config.extra_root_certificates_pem = setup.certificates.clone();
        config.speech_model_keys = setup.model_keys.clone();
        config.speech_models_beside = setup.models.as_ref().map(|dir| dir.display().to_string());
        let secrets = file_secrets(setup.data.join("secrets").display().to_string());
        let desk = Pocketdesk::open(config, Platform { secrets })
            .await
            .map_err(|error| Stop::open(&out.texts, error, &data))?;
        Ok(Self { desk, out, setup })
    }

    /// The account the person named, as the facade takes it.
    pub fn account(&self) -> Option<String> {
        self.setup.account.clone()
    }

    /// A refusal of the core, about what the person called `name`.
    pub fn stop(&self, error: DeskError, name: &str) -> Stop {
        Stop::desk(&self.out.texts, error, name)
    }

    /// The ticket the person means.
    pub async fn find(&self, reference: &str) -> Result<TicketKey, Stop> {
        let plain = reference.trim().trim_start_matches(['№', '#']).trim();
        match self.desk.find_ticket(self.account(), plain.to_owned()).await {
            Ok(key) => Ok(key),
            Err(DeskError::Ambiguous { candidates, .. }) if all_equal(&candidates) => {
                // One ticket that several of the accounts follow: what has to be named is the account.
                let accounts = self.desk.accounts().await.map_err(|error| self.stop(error, ""))?;
                let candidates = accounts.into_iter().map(|account| account.email).collect();
                Err(self.stop(DeskError::Ambiguous { what: "account".to_owned(), candidates }, reference))
            }
            Err(error) => Err(self.stop(error, reference)),
        }
    }

    /// The one account a command is about, for calls that take no "any".
    pub async fn the_account(&self) -> Result<AccountView, Stop> {
        let named = self.setup.account.as_deref();
        let fits = |account: &AccountView, name: &str| {
            let name = name.to_lowercase();
            account.account == name
                || [&account.email, &account.person, &account.server, &account.desk]
                    .into_iter()
                    .any(|field| field.to_lowercase().contains(&name))
        };
        let mut fitting = self.desk.accounts().await.map_err(|error| self.stop(error, ""))?;
        match named {
            Some(name) => fitting.retain(|account| fits(account, name)),
            // The unbound directory is nobody's account as long as there is another.
            None if fitting.len() > 1 => fitting.retain(|account| !account.server.is_empty()),
            None => {}
        }
        let what = "account".to_owned();
        if fitting.len() > 1 {
            let candidates = fitting.iter().map(|account| account.email.clone()).collect();
            return Err(self.stop(DeskError::Ambiguous { what, candidates }, named.unwrap_or_default()));
        }
        fitting.pop().ok_or_else(|| self.stop(DeskError::NotFound { what }, named.unwrap_or_default()))
    }

    /// Gives what was just saved its chance to go out. Whatever happens here, it is saved: nothing fails any more.
    pub async fn settle(&self, account: &str) {
        if self.setup.offline {
            return;
        }
        let within = u64::try_from(SETTLE.as_millis()).unwrap_or(u64::MAX);
        let progress = Progress::of(&self.desk, Some(account.to_owned()), &self.out);
        let sync = progress.during(self.desk.sync_now(Some(account.to_owned()), within));
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => self.out.note(&self.out.say("terminal-stopped-saved", &[])),
            _ = sync => {}
        }
    }

    /// Where an op is by now.
    pub async fn reached(&self, op: &OpKey) -> Result<Delivery, Stop> {
        let delivery = self.desk.delivery(op.clone()).await.map_err(|error| self.stop(error, &op.op))?;
        // What is settled and forgotten was taken by the desk: nothing else is ever forgotten.
        Ok(delivery.unwrap_or(Delivery::Registered { number: None }))
    }
}

/// The exit code of a write that reached `delivery`.
pub fn code(delivery: &Delivery) -> u8 {
    if matches!(delivery, Delivery::Attention { .. }) { exit::ATTENTION } else { exit::DONE }
}

fn all_equal(ids: &[String]) -> bool {
    ids.windows(2).all(|pair| pair[0] == pair[1])
}
