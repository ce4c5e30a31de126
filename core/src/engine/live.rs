//! The live stream of hints: hello within five seconds, never silent for forty, and not cut again and again; else this
//! network is not made for streams, and the machine long-polls on it.

use std::{sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use pocketdesk_domain::sync::{Input, LiveInput};
use pocketdesk_protocol::live::{HELLO_WITHIN_S, SILENCE_S};
use tokio::sync::mpsc;

use super::{
    account::Account,
    exchanges::way_in,
    runner::{Mail, Runner},
};
use crate::{
    env::NetError,
    remote::{
        answer::Failure,
        live::{Event, Events},
    },
};

impl Runner {
    pub(super) fn open_live(&mut self) {
        let (account, to_self) = (self.account.clone(), self.to_self.clone());
        self.live = Some(self.task(async move {
            let ended = match account.shared.while_allowed(listen(&account, &to_self)).await {
                Some(ended) => ended,
                None => LiveInput::Down,
            };
            let _ = to_self.send(Mail::Input(Input::Live(ended)));
        }));
    }
}

/// Listens to the live stream until it ends; how it did.
async fn listen(account: &Arc<Account>, to_self: &mpsc::UnboundedSender<Mail>) -> LiveInput {
    let Ok((server, token)) = way_in(account).await else { return LiveInput::Down };
    let hello_within = Duration::from_secs(HELLO_WITHIN_S);
    let clock = account.shared.env.clock.clone();
    let body = match account.shared.api(&server).live(&token, hello_within).await {
        Ok(body) => body,
        Err(Failure::Net(NetError::Timeout)) => return LiveInput::Silent,
        Err(Failure::Unauthorized) => {
            // The next opening has another token; a session that is over is found out by the next request.
            drop(account.refresh_token(&token).await);
            return LiveInput::Down;
        }
        Err(_) => return LiveInput::Down,
    };
    let mut events = Events::new(body);
    let mut silence = hello_within;
    loop {
        let event = match select(std::pin::pin!(events.next()), clock.sleep(silence)).await {
            Either::Left((Some(Ok(event)), _)) => event,
            Either::Left((Some(Err(_)) | None, _)) => return LiveInput::Cut,
            Either::Right(_) => return LiveInput::Silent,
        };
        let heard = match event {
            Event::Hello(hello) => {
                silence = Duration::from_secs(SILENCE_S);
                LiveInput::Hello { epoch: hello.epoch, scopes_rev: hello.scopes_rev, heads: hello.heads }
            }
            Event::Moved(moved) => {
                LiveInput::Moved { scope: moved.scope, head: moved.head, scopes_rev: moved.scopes_rev }
            }
            Event::Alive => continue,
        };
        if to_self.send(Mail::Input(Input::Live(heard))).is_err() {
            return LiveInput::Down;
        }
    }
}
