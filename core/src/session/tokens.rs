//! Keeping a session alive. The access token is used until its age by the monotonic clock, or until the desk says
//! 401; the phone's wall clock decides nothing. A refresh has three outcomes, and only one pauses the account.
//!
//! The rotation's name is committed before it is sent: when the answer is lost, the same rotation is asked for
//! again and answered alike, and nobody is signed out by a bad connection.

use std::sync::Arc;

use pocketdesk_protocol::{
    ids::RotationId,
    session::{TokenRequest, Tokens},
};

use crate::{
    engine::account::Account,
    env::Env,
    error::{Error, Result},
    remote::answer::Failure,
    store::{Session, Snapshot},
};

/// Refreshed so long before its end, ms: a request takes its time.
const MARGIN_MS: u64 = 30_000;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoToken {
    /// Never signed in, or signed out.
    SignedOut,
    /// The session was ended just now; own.db says so.
    Revoked,
    /// Try again.
    Transient(Failure),
    /// The account's files.
    Files(Error),
}

impl From<NoToken> for Error {
    fn from(none: NoToken) -> Self {
        match none {
            NoToken::SignedOut | NoToken::Revoked => Self::SignedOut,
            NoToken::Transient(failure) => Self::Remote(failure),
            NoToken::Files(error) => error,
        }
    }
}

/// The session a sign-in or a refresh gave.
pub fn session(env: &Env, tokens: Tokens) -> Session {
    Session {
        session: tokens.session,
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        expires_boot: env.clock.boot(),
        expires_monotonic: env.clock.monotonic().saturating_add(tokens.expires_in_s.saturating_mul(1_000)),
        rotation: None,
    }
}

impl Account {
    /// A token that is good by its age, refreshed if need be.
    pub async fn access_token(self: &Arc<Self>) -> Result<String, NoToken> {
        Ok(self.way_in().await?.1)
    }

    /// The server's address and such a token, in one look.
    pub async fn way_in(self: &Arc<Self>) -> Result<(String, String), NoToken> {
        let look = |snapshot: &Snapshot<'_>| Ok((snapshot.own().server()?, snapshot.own().session()?));
        let (server, session) = self.read(look).await.map_err(NoToken::Files)?;
        let session = session.ok_or(NoToken::SignedOut)?;
        let clock = &self.shared.env.clock;
        // After a reboot its age is unknown: it is tried, and 401 says the rest.
        let old = session.expires_boot == clock.boot()
            && clock.monotonic().saturating_add(MARGIN_MS) >= session.expires_monotonic;
        let token = if old { self.refresh_token(&session.access_token).await? } else { session.access_token };
        Ok((server, token))
    }

    /// Another token than `rejected`: one that somebody else got meanwhile, or a new one.
    pub async fn refresh_token(self: &Arc<Self>, rejected: &str) -> Result<String, NoToken> {
        let _one_at_a_time = self.refreshing.lock().await;
        // One transaction: two processes that refresh at once have to use one name, or the desk takes the second for a
        // thief.
        let (of, name) = (rejected.to_owned(), RotationId(self.shared.env.new_id()));
        let session = self
            .record(move |tx| {
                let Some(mut session) = tx.session()? else { return Ok(None) };
                if session.access_token == of && session.rotation.is_none() {
                    session.rotation = Some(name);
                    tx.set_session(Some(&session))?;
                }
                Ok(Some(session))
            })
            .await
            .map_err(NoToken::Files)?
            .ok_or(NoToken::SignedOut)?;
        let rotation = match session.rotation {
            Some(rotation) if session.access_token == rejected => rotation,
            _ => return Ok(session.access_token),
        };
        let server = self.read(|snapshot| Ok(snapshot.own().server()?)).await.map_err(NoToken::Files)?;
        let body = TokenRequest { refresh_token: session.refresh_token.clone(), rotation };
        match self.shared.api(&server).token(&body).await {
            Ok(tokens) => {
                let fresh = self::session(&self.shared.env, tokens);
                let now = self.follow_session(session.refresh_token, Some(fresh)).await?;
                Ok(now.ok_or(NoToken::SignedOut)?.access_token)
            }
            Err(failure)
                if failure == Failure::Revoked || pocketdesk_protocol::planted::is("bad-line-signs-out") =>
            {
                let now = self.follow_session(session.refresh_token, None).await?;
                Ok(now.ok_or(NoToken::Revoked)?.access_token)
            }
            Err(failure) => Err(NoToken::Transient(failure)),
        }
    }

    /// Puts `next` in the place of the session whose refresh token was spent; the session there is then. One that a
    /// sign-in or another process put there meanwhile stays.
    async fn follow_session(
        self: &Arc<Self>,
        spent: String,
        next: Option<Session>,
    ) -> Result<Option<Session>, NoToken> {
        let follow = self.record(move |tx| {
            let now = tx.session()?;
            if now.as_ref().is_none_or(|now| now.refresh_token != spent) {
                return Ok(now);
            }
            tx.set_session(next.as_ref())?;
            Ok(next)
        });
        follow.await.map_err(NoToken::Files)
    }

    /// Runs a call with a token; after a 401 once more with a new one.
    pub async fn with_token<T, F: Future<Output = Result<T, Failure>>>(
        self: &Arc<Self>,
        call: impl Fn(String) -> F,
    ) -> Result<T> {
        let token = self.access_token().await?;
        match call(token.clone()).await {
            Err(Failure::Unauthorized | Failure::Revoked) => {
                let token = self.refresh_token(&token).await?;
                Ok(call(token).await?)
            }
            other => Ok(other?),
        }
    }
}
