//! Speech models over an account's session: any account of the folder may fetch for all, because what is believed is
//! the company's signature and not the desk.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use pocketdesk_domain::dictation::SpeechModelView;
use pocketdesk_protocol::models::SignedManifest;

use super::{account::Account, accounts::Accounts};
use crate::{
    error::{Error, Result},
    remote::answer::Failure,
    voice::models::{ModelError, Piece, Source},
};

/// Tries in a row that may bring nothing before the person is told.
const FRUITLESS: u32 = 5;
/// Before the first try after a break; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest somebody is left waiting because the desk asks to come later; beyond that they are told.
const LONGEST: Duration = Duration::from_secs(300);

/// An account's desk as the place models come from.
struct Desk {
    account: Arc<Account>,
    /// Bytes come also where they cost money.
    metered: bool,
}

impl Source for Desk {
    fn manifest(&self) -> BoxFuture<'_, Result<SignedManifest>> {
        async move {
            let api = self.account.api().await?;
            self.account
                .with_token(|token| {
                    let api = api.clone();
                    async move { api.models(&token).await }
                })
                .await
                .map_err(absent)
        }
        .boxed()
    }

    fn file<'a>(&'a self, sha256: &'a str, from: u64, etag: Option<&'a str>) -> BoxFuture<'a, Result<Piece>> {
        async move {
            // Asked before every try: a break may be the end of Wi-Fi.
            if self.account.shared.network().metered && !self.metered {
                return Err(ModelError::Metered.into());
            }
            let api = self.account.api().await?;
            let download = self
                .account
                .with_token(|token| {
                    let api = api.clone();
                    async move { api.model(&token, sha256, from, etag).await }
                })
                .await
                .map_err(absent)?;
            let crate::remote::api::Download { body, from, length, etag } = download;
            Ok(Piece { body, from, length, etag })
        }
        .boxed()
    }
}

impl Accounts {
    /// Speech models of this device and, after [`Self::refresh_speech_models`], those the company offers.
    pub async fn speech_models(&self) -> Result<Vec<SpeechModelView>> {
        self.shared.models.status().await
    }

    /// Asks the account's desk which models the company offers now. None: the only account.
    pub async fn refresh_speech_models(&self, account: Option<&str>) -> Result<Vec<SpeechModelView>> {
        let desk = Desk { account: self.find(account).await?, metered: false };
        self.allowed(self.shared.models.refresh(&desk)).await?;
        self.speech_models().await
    }

    /// Fetches a speech model, or the one that suits this device, and uses it from then on. Goes on by itself after
    /// breaks of the network as long as each try brings something. `metered`: also where bytes cost money.
    pub async fn fetch_speech_model(
        &self,
        account: Option<&str>,
        id: Option<&str>,
        metered: bool,
    ) -> Result<()> {
        let desk = Desk { account: self.find(account).await?, metered };
        let models = &self.shared.models;
        // A list that cannot be had now is no hindrance where one is known.
        match self.allowed(models.refresh(&desk)).await {
            Err(error) if !passing(&error) || models.status().await?.is_empty() => return Err(error),
            _ => {}
        }
        let (mut fruitless, mut had) = (0, 0);
        let mut pause = |error: Error, have| {
            fruitless = if have > had { 0 } else { fruitless + 1 };
            had = have;
            let asked = if let Error::Remote(failure) = &error { failure.after() } else { None };
            let pause = (PAUSE * 2u32.pow(fruitless)).max(asked.unwrap_or_default());
            if passing(&error) && fruitless < FRUITLESS && pause <= LONGEST { Ok(pause) } else { Err(error) }
        };
        match self.allowed(models.fetch_patiently(&desk, id, &mut pause)).await {
            // The desk put another in its place meanwhile.
            Err(Error::Models(ModelError::Unknown)) => {
                self.allowed(models.refresh(&desk)).await?;
                self.allowed(models.fetch_patiently(&desk, id, pause)).await
            }
            fetched => fetched,
        }
    }

    /// Stops a fetch; what came is kept.
    pub fn cancel_speech_model(&self, id: &str) {
        self.shared.models.cancel(id);
    }

    /// Takes a model off this device.
    pub async fn remove_speech_model(&self, id: &str) -> Result<()> {
        self.shared.models.remove(id).await
    }

    async fn allowed<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.shared.while_allowed(work).await {
            Some(done) => done,
            None if self.shared.topics.is_closed() => Err(Error::Closed),
            None => Err(Error::Offline),
        }
    }
}

/// A desk that offers nothing, or no longer what it offered.
fn absent(error: Error) -> Error {
    match error {
        Error::Remote(Failure::Refused { status: 404, .. }) => ModelError::Unknown.into(),
        other => other,
    }
}

/// Whether trying again may help.
fn passing(error: &Error) -> bool {
    matches!(
        error,
        Error::Remote(Failure::Net(_) | Failure::NotOurs | Failure::Busy { .. } | Failure::Server { .. })
    )
}
