//! The account that takes what is filed before any sign-in.

use std::{sync::Arc, time::Duration};

use super::{Accounts, Opened};
use crate::{
    engine::account::Account,
    env::Env,
    error::{Error, Result},
    store::StoreError,
};

/// How often another process that makes an account is waited for, and how long.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS: u32 = 500;

impl Accounts {
    /// As [`find`](Self::find), making the unbound account where there is none: filing works before the first sign-in.
    pub async fn find_or_make(&self, wanted: Option<&str>) -> Result<Arc<Account>> {
        match self.find(wanted).await {
            Err(Error::NotFound { what: "account" }) if wanted.is_none() && self.no_account() => {
                let _one = self.changing.lock().await;
                match self.find(None).await {
                    Err(Error::NotFound { .. }) => self.make_alone().await,
                    other => other,
                }
            }
            other => other,
        }
    }

    /// Nobody's account is open here, and none is damaged: a new one takes what is filed.
    fn no_account(&self) -> bool {
        self.lock().values().all(|opened| matches!(opened, Opened::Left(_)))
    }

    /// Among all processes: several that file at once into an empty folder must come to one account, or a sign-in
    /// would bind one of them and leave the words in the others waiting.
    async fn make_alone(&self) -> Result<Arc<Account>> {
        let (home, env) = (self.shared.home.clone(), self.shared.env.clone());
        let queue = env.work.queue("folder");
        for _ in 0..LOOKS {
            let of = home.clone();
            let Some(_making) = Env::run(&*queue, move || of.making()).await? else {
                env.clock.sleep(LOOK_EVERY).await;
                continue;
            };
            let of = home.clone();
            for name in Env::run(&*queue, move || of.accounts()).await? {
                if !self.lock().contains_key(&name) {
                    self.add(Account::open(self.shared.clone(), name).await?).await;
                }
            }
            return match self.find(None).await {
                Err(Error::NotFound { .. }) => self.make().await,
                other => other,
            };
        }
        Err(StoreError::Busy.into())
    }

    pub(super) async fn make(&self) -> Result<Arc<Account>> {
        let (home, env) = (self.shared.home.clone(), self.shared.env.clone());
        let queue = env.work.queue("folder");
        let name = Env::run(&*queue, move || home.create(&*env.rng, &*env.secrets)).await?;
        let account = Account::open(self.shared.clone(), name).await?;
        self.add(account.clone()).await;
        Ok(account)
    }
}
