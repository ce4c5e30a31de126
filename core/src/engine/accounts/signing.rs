//! Signing in and out, and the person's sessions at the desk.

use std::sync::{Arc, atomic::Ordering};

use pocketdesk_domain::model::{AccountView, DeviceView, Unsent};

use super::{Accounts, Opened, Unbound};
use crate::{
    engine::{
        account::{Account, LEFT},
        runner::Mail,
        topics::Topic,
        words::id,
    },
    env::Env,
    error::{Error, Result},
    session::{
        sign_in::{self, Address, SignedIn},
        tokens,
    },
    store::{ReadOnly, StoreError},
};

impl Accounts {
    /// Asks for a code.
    pub async fn start_sign_in(&self, server: &str, email: &str) -> Result<(Address, u64)> {
        self.not_a_newer_apps()?;
        let address = Address::new(server, email)?;
        let api = self.shared.api(&address.server);
        let asked = self
            .shared
            .while_allowed(sign_in::start(&self.shared.env, &api, &address, &self.shared.settings.locale))
            .await
            .ok_or_else(|| self.not_allowed())??;
        Ok((address, asked.expires_in_s))
    }

    /// Gives the code; the account that is signed in then.
    pub async fn finish_sign_in(
        &self,
        server: &str,
        email: &str,
        code: &str,
        unbound: Unbound,
    ) -> Result<AccountView> {
        self.not_a_newer_apps()?;
        let address = Address::new(server, email)?;
        let _one = self.changing.lock().await;
        let waiting = match self.unbound().await? {
            Some(account) if !account.unsent().await?.is_empty() => Some(account),
            _ => None,
        };
        // Asked before the code is used up.
        if unbound == Unbound::Ask && waiting.is_some() && !self.bound().await?.is_empty() {
            return Err(Error::ChooseUnbound);
        }
        let env = self.shared.env.clone();
        let (home, of) = (self.shared.home.clone(), env.clone());
        let install = Env::run(&*env.work.queue("folder"), move || home.install(&of)).await?;
        let api = self.shared.api(&address.server);
        let finishing = sign_in::finish(&env, &api, &address, code, install, &self.shared.settings.device);
        let signed_in = self.shared.while_allowed(finishing).await.ok_or_else(|| self.not_allowed())??;
        let account = self.account_for(&signed_in, unbound).await?;
        self.bind(&account, signed_in).await?;
        account.leaving.store(false, Ordering::SeqCst);
        self.lock().insert(account.name.clone(), Opened::Whole(account.clone()));
        self.begin(&account).await;
        account.post(Mail::Restart);
        account.uploads.notify_waiters();
        self.shared.topics.move_on(Topic::Accounts);
        account.view().await
    }

    /// In a newer app's folder nobody signs in: that app would find the same person's words in two accounts.
    fn not_a_newer_apps(&self) -> Result<()> {
        for account in self.with_waiting() {
            if let Some(why @ ReadOnly::Newer { .. }) = account.standing().unwritable.clone() {
                return Err(StoreError::ReadOnly { why }.into());
            }
        }
        Ok(())
    }

    fn not_allowed(&self) -> Error {
        if self.shared.topics.is_closed() { Error::Closed } else { Error::Offline }
    }

    /// The person's own account if they have one here; else the unbound one, if it is to be theirs; else a new one.
    async fn account_for(&self, signed_in: &SignedIn, unbound: Unbound) -> Result<Arc<Account>> {
        let who = (Some(signed_in.tokens.desk), Some(signed_in.tokens.person));
        for account in self.with_waiting() {
            if !account.is_writable() {
                // Its words stay where they are, to be read and exported; the person goes on in a new one.
                continue;
            }
            let bound = account
                .read(|snapshot| {
                    let facts = snapshot.own().account()?;
                    Ok((facts.desk, facts.person))
                })
                .await?;
            if bound == who {
                return Ok(account);
            }
        }
        let first = self.bound().await?.is_empty();
        match self.unbound().await? {
            Some(account) if unbound == Unbound::Bind || (unbound == Unbound::Ask && first) => Ok(account),
            // Nobody's words are in it: it need not lie about.
            Some(account) if account.unsent().await?.is_empty() => Ok(account),
            _ => self.make().await,
        }
    }

    /// Whose it is, and the session: one transaction of own.db.
    async fn bind(&self, account: &Arc<Account>, signed_in: SignedIn) -> Result<()> {
        let session = tokens::session(&self.shared.env, signed_in.tokens.clone());
        let seen = self.shared.env.clock.now();
        account
            .write(move |tx| {
                let mut facts = tx.account()?;
                facts.server = signed_in.server;
                facts.desk = Some(signed_in.tokens.desk);
                facts.person = Some(signed_in.tokens.person);
                facts.email.clone_from(&signed_in.me.email);
                facts.server_time = signed_in.me.server_time;
                facts.server_seen = seen;
                facts.me = Some(signed_in.me);
                facts.paused = None;
                tx.set_account(&facts)?;
                Ok(tx.set_session(Some(&session))?)
            })
            .await
    }

    /// Signs out. With something unsent only when `force`, and then the words wait for the same person.
    pub async fn sign_out(&self, name: &str, force: bool) -> Result<Unsent> {
        let account = self.find(Some(name)).await?;
        account.look().await?;
        if let Some(why) = account.standing().unwritable.clone() {
            // Nobody can tell what is unsent in it: it is not removed.
            return Err(StoreError::ReadOnly { why }.into());
        }
        let _one = self.changing.lock().await;
        let unsent = account.unsent().await?;
        if !unsent.is_empty() && !force {
            return Err(Error::WouldLeaveWords(unsent));
        }
        let left = self.leave(&account).await;
        if left.is_err() && !pocketdesk_protocol::planted::is("failed-sign-out-silences") {
            // Nobody has left: what is unsent is sent as before, or says why it cannot be.
            account.leaving.store(false, Ordering::SeqCst);
            self.begin(&account).await;
        }
        for topic in [Topic::Accounts, Topic::Inbox, Topic::Tickets, Topic::Outbox, Topic::Files] {
            self.shared.topics.move_on(topic);
        }
        left
    }

    /// Ends the session, and takes the account's files away or out of sight.
    async fn leave(&self, account: &Arc<Account>) -> Result<Unsent> {
        let session = account.read(|snapshot| Ok(snapshot.own().session()?)).await?;
        account.leaving.store(true, Ordering::SeqCst);
        account.stop().await;
        if let Some(session) = session {
            let ending = account.with_token(|token| {
                let (account, session) = (account.clone(), session.session);
                async move {
                    let api =
                        account.api().await.map_err(|_| crate::remote::answer::Failure::Unauthorized)?;
                    api.end_session(&token, session).await
                }
            });
            // Best effort: without a connection the session ends by its own age.
            if let Some(Err(error)) = self.shared.while_allowed(ending).await {
                tracing::info!(account = %account.name, %error, "the session could not be ended at the desk");
            }
        }
        // Counted again: the desk's answer took its time, and what was written meanwhile was said to be saved.
        let unsent = account.unsent().await?;
        if unsent.is_empty() || pocketdesk_protocol::planted::is("sign-out-takes-unsent") {
            let (home, env, of) = (self.shared.home.clone(), self.shared.env.clone(), account.name.clone());
            let queue = env.work.queue("folder");
            let (given_up, name) = (home.clone(), of.clone());
            Env::run(&*queue, move || given_up.give_up(&name)).await?;
            account.close().await;
            self.lock().remove(&account.name);
            if let Err(error) = Env::run(&*queue, move || home.remove(&of, &*env.secrets)).await {
                // It stays sealed and out of sight; the next start comes to it.
                tracing::error!(account = %account.name, %error, "an account is not removed whole yet");
            }
        } else {
            let close = |tx: &mut crate::store::OwnTx<'_>| {
                let mut facts = tx.account()?;
                facts.paused = Some(LEFT.to_owned());
                tx.set_account(&facts)?;
                Ok(tx.set_session(None)?)
            };
            account.write(close).await?;
            // The next person on this phone must see no byte of it.
            self.lock().insert(account.name.clone(), Opened::Left(account.clone()));
            if let Err(error) = account.wipe_desk_facts().await {
                // It stays sealed and out of sight, for the same person alone.
                tracing::error!(account = %account.name, %error, "what came from the desk could not be removed");
            }
        }
        Ok(unsent)
    }

    /// The person's sessions.
    pub async fn devices(&self, name: &str) -> Result<Vec<DeviceView>> {
        let account = self.find(Some(name)).await?;
        let api = account.api().await?;
        let asking = account.with_token(|token| {
            let api = api.clone();
            async move { api.sessions(&token).await }
        });
        let sessions = self.shared.while_allowed(asking).await.ok_or_else(|| self.not_allowed())??;
        Ok(sessions
            .into_iter()
            .map(|session| DeviceView {
                session: session.id.to_string(),
                device: session.device,
                created_at: session.created_at,
                used_at: session.used_at,
                current: session.current,
            })
            .collect())
    }

    /// Ends one of the person's sessions.
    pub async fn end_device(&self, name: &str, session: &str) -> Result<()> {
        let account = self.find(Some(name)).await?;
        let api = account.api().await?;
        let session = id::<uuid::Uuid>(session, "session")?.into();
        let ending = account.with_token(|token| {
            let api = api.clone();
            async move { api.end_session(&token, session).await }
        });
        self.shared.while_allowed(ending).await.ok_or_else(|| self.not_allowed())?
    }
}
