//! Pushes and pulls: requests as tasks that report back, pages kept until the machine says what to do with them.
//! Erasures are committed to own.db before anything goes to the cache.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::Duration,
};

use pocketdesk_domain::{
    outbox::{OpState, OwnChange, StoredOp, lane},
    sync::{self, Answer, Exchange, Input, merge},
};
use pocketdesk_protocol::{
    ids::{Epoch, OpId, TicketId},
    op::WireOp,
    session::Me,
    sync::{AtLeast, Cursor, PullQuery, SyncRequest, SyncResponse, Verdict},
};

use super::{
    account::Account,
    runner::{Answered, Mail, Runner},
    topics::Topic,
};
use crate::{
    env::NetError,
    error::{Error, Result},
    remote::{answer::Failure, api::Api},
    session::tokens::NoToken,
    store::{Applied, CacheFacts, CacheName, CacheState, PagePlan, Store, StoreError},
};

/// Bytes of items asked for at once: a page that a slow link brings within its time limit.
const PAGE_BYTES: u64 = 256 << 10;
/// Room besides for each op of a push: what it moves (its own row and its ticket's) comes in the push's own answer.
const OP_ROWS_BYTES: u64 = 4 << 10;

/// A page that came, with what it was asked with.
pub(crate) struct Page {
    pub asked: Asked,
    pub response: Option<SyncResponse>,
    /// With verdicts: it was read after all of them took effect.
    pub pushed: bool,
}

/// Where the file stood when a page was asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    file: CacheName,
    cursor: Cursor,
    scopes_rev: i64,
    asked_at: i64,
}

impl Runner {
    /// Runs a call as a task of this exchange; the token it used comes back with the outcome.
    pub(super) fn call<T, F>(
        &mut self,
        exchange: Exchange,
        call: impl FnOnce(Api, String) -> F + Send + 'static,
        report: impl FnOnce(String, Result<T, Failure>) -> Mail + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let (account, to_self) = (self.account.clone(), self.to_self.clone());
        let task = self.task(async move {
            let mut used = String::new();
            let outcome = async {
                let (server, token) = way_in(&account).await?;
                used.clone_from(&token);
                let api = account.shared.api(&server);
                match account.shared.while_allowed(call(api, token)).await {
                    Some(outcome) => outcome.map_err(Trouble::Failure),
                    None => Err(Trouble::Failure(NetError::Unreachable.into())),
                }
            }
            .await;
            let mail = match outcome {
                Ok(answer) => report(used, Ok(answer)),
                Err(Trouble::Failure(failure)) => report(used, Err(failure)),
                Err(Trouble::Files(error)) => Mail::Trouble(error),
            };
            // The incarnation that asked may be gone.
            let _ = to_self.send(mail);
        });
        self.tasks.insert(exchange, task);
    }

    pub(super) fn ask_me(&mut self, exchange: Exchange) {
        self.call(
            exchange,
            |api, token| async move { api.me(&token).await },
            move |token, outcome| Mail::Me { exchange, token, outcome: outcome.map(Box::new) },
        );
    }

    pub(super) async fn me(
        &mut self,
        exchange: Exchange,
        token: String,
        outcome: Result<Box<Me>, Failure>,
    ) -> Result<()> {
        self.tasks.remove(&exchange);
        let me = match outcome {
            Ok(me) => me,
            Err(failure) => {
                self.failed(exchange, token, failure);
                return Ok(());
            }
        };
        self.account.show(&[], |standing| standing.answered += 1);
        let (epoch, restore_window_ms, seen) = (me.epoch, me.restore_window_ms, self.now());
        self.account
            .record(move |tx| {
                let mut facts = tx.account()?;
                // Another person's session in this folder would be a defect of the server's: nothing of it is kept.
                if facts.person.is_some_and(|person| person != me.person.id) {
                    return Err(Error::SignedOut);
                }
                facts.server_time = me.server_time;
                facts.server_seen = seen;
                facts.email.clone_from(&me.email);
                facts.me = Some(*me);
                Ok(tx.set_account(&facts)?)
            })
            .await?;
        self.inputs.push_back(Input::Me { exchange, epoch, restore_window_ms });
        Ok(())
    }

    pub(super) async fn push(
        &mut self,
        exchange: Exchange,
        epoch: Epoch,
        ops: Vec<OpId>,
        with_cursor: bool,
    ) -> Result<()> {
        let (env, wanted, heard) = (self.account.shared.env.clone(), ops.len(), self.heard.take());
        let (wire, asked_at) = self
            .account
            .record(move |tx| {
                tx.note_heard(heard)?;
                let made_on = Account::made_on(&env);
                let mut wire: Vec<WireOp> = Vec::with_capacity(ops.len());
                let mut beside: BTreeMap<TicketId, Vec<StoredOp>> = BTreeMap::new();
                for op in ops {
                    let Some(op) = tx.op(op)?.filter(|op| matches!(op.state, OpState::Live)) else {
                        continue;
                    };
                    let others = match beside.entry(op.ticket.unwrap_or(TicketId(op.entity.0))) {
                        Entry::Occupied(entry) => entry.into_mut(),
                        Entry::Vacant(entry) => {
                            let others = tx.ops_of(*entry.key())?;
                            entry.insert(others)
                        }
                    };
                    let prev = lane::prev_of(&op, others);
                    wire.push(op.to_wire(prev, &made_on));
                }
                tx.apply(&[OwnChange::CountStarts { ops: wire.iter().map(|op| op.op).collect() }])?;
                Ok((wire, tx.verdicts()?))
            })
            .await?;
        let asked = if with_cursor { self.asked(|state| state.active.clone()).await? } else { None };
        if wire.len() < wanted {
            // The machine named an op that is no longer live: it must not go on naming it.
            self.inputs.push_back(Input::Ops(self.queued_ops().await?));
        }
        let sending = wire.iter().map(|op| op.op).collect::<Vec<_>>();
        self.account
            .show(&[Topic::Outbox, Topic::Tickets, Topic::Inbox], |standing| standing.sending = sending);
        let request = SyncRequest {
            epoch: Some(epoch),
            limit_bytes: Some(PAGE_BYTES + wire.len() as u64 * OP_ROWS_BYTES),
            ops: wire,
            cursor: asked.as_ref().map(|asked| asked.cursor.clone()),
        };
        let page =
            asked.map(|asked| Page { asked: Asked { asked_at, ..asked }, response: None, pushed: true });
        self.call(
            exchange,
            move |api, token| async move { api.sync(&token, &request).await },
            move |token, outcome| {
                Mail::Answer(Box::new(Answered { exchange, token, outcome, page, asked_at }))
            },
        );
        Ok(())
    }

    pub(super) fn pull(
        &mut self,
        exchange: Exchange,
        asked: Option<Asked>,
        wait_s: u64,
        at_least: Option<AtLeast>,
    ) {
        let Some(asked) = asked else {
            // The file went since the machine looked: it hears of it and builds anew.
            self.inputs.push_back(Input::Failed { exchange, failure: sync::Failure::Unreachable });
            self.inputs.push_back(Input::CacheDamaged);
            return;
        };
        let query = PullQuery {
            cursor: asked.cursor.clone(),
            limit_bytes: Some(PAGE_BYTES),
            at_least: at_least.and_then(|at_least| serde_json::to_string(&at_least).ok()),
            wait: (wait_s > 0).then_some(wait_s),
        };
        let asked_at = asked.asked_at;
        let page = Some(Page { asked, response: None, pushed: false });
        self.call(
            exchange,
            move |api, token| async move { api.pull(&token, &query).await },
            move |token, outcome| {
                Mail::Answer(Box::new(Answered { exchange, token, outcome, page, asked_at }))
            },
        );
    }

    /// Where a file stands now, with own.db's counter of verdicts read before.
    pub(super) async fn asked(&self, which: fn(&CacheState) -> Option<CacheFacts>) -> Result<Option<Asked>> {
        self.account
            .store
            .run(move |store: &mut Store| {
                let asked_at = store.verdicts()?;
                let facts = which(&store.cache_state()?);
                Ok::<_, StoreError>(facts.and_then(|facts| {
                    let CacheFacts { name, cursor, scopes_rev, .. } = facts;
                    Some(Asked { file: name, cursor: cursor?, scopes_rev, asked_at })
                }))
            })
            .await
    }

    pub(super) async fn answered(&mut self, answered: Answered) -> Result<()> {
        let Answered { exchange, token, outcome, page, asked_at } = answered;
        self.tasks.remove(&exchange);
        let response = match outcome {
            Ok(response) => response,
            Err(failure) => {
                self.failed(exchange, token, failure);
                return Ok(());
            }
        };
        let answer = Answer::new(&response, asked_at);
        self.heard = Some((response.server_time, self.now()));
        let pushed = answer.verdicts.iter().filter(|verdict| is_final(&verdict.verdict)).count() as u64;
        self.account.show(&[], |standing| {
            standing.answered += 1;
            standing.pushed += pushed;
        });
        if let Some(page) = page {
            self.pages.insert(exchange, Page { response: Some(response), ..page });
        }
        self.nothing_sent();
        self.inputs.push_back(Input::Answered { exchange, answer });
        Ok(())
    }

    pub(super) fn failed(&mut self, exchange: Exchange, token: String, failure: Failure) {
        self.nothing_sent();
        self.account.note_error(&failure.clone().into());
        if matches!(failure, Failure::Unauthorized | Failure::Revoked) {
            self.rejected = Some(token);
        }
        if failure.reached() {
            self.account.show(&[], |standing| standing.answered += 1);
        }
        self.inputs.push_back(Input::Failed { exchange, failure: failure_of(&failure) });
    }

    /// No op is under way any more; screens that said so look again.
    pub(super) fn nothing_sent(&self) {
        let had = !std::mem::take(&mut self.account.standing().sending).is_empty();
        if had {
            self.account.show(&[Topic::Outbox, Topic::Tickets, Topic::Inbox], |_| ());
        }
    }

    pub(super) async fn apply_page(&mut self, exchange: Exchange) -> Result<()> {
        let Some(Page { asked, response: Some(response), pushed }) = self.pages.remove(&exchange) else {
            return Ok(());
        };
        self.pages.retain(|other, _| *other > exchange);
        let now = self.now();
        // Goes along only where own.db is written anyway.
        let heard = self.heard.take_if(|_| response.complete && response.next.is_some());
        let account = self.account.clone();
        let topics = account.shared.topics.clone();
        let applied = account
            .store
            .run(move |store: &mut Store| {
                // What is erased goes from own.db first: a crash between the two leaves a page to apply again.
                let own = merge::plan_erasures(&response.items);
                if !own.is_empty() {
                    let ((), changes) = store.write(|tx| tx.apply(&own))?;
                    topics.commit(&changes);
                }
                let Some(next) = &response.next else { return Ok(None) };
                // Read by the server after what its verdicts speak of: the page has it, or it is gone again.
                let verdicts = if pushed { store.verdicts()? } else { asked.asked_at };
                let plan = PagePlan {
                    file: &asked.file,
                    asked: &asked.cursor,
                    asked_scopes_rev: asked.scopes_rev,
                    epoch: response.epoch,
                    scopes_rev: response.scopes_rev,
                    verdicts_known: verdicts,
                    items: &response.items,
                    next,
                    complete: response.complete,
                };
                let applied = store.apply_page(&plan)?;
                if let Applied::Done(changes) = &applied {
                    topics.commit(changes);
                }
                if response.complete {
                    let ((), changes) = store.write(|tx| {
                        tx.note_heard(heard)?;
                        if matches!(applied, Applied::Done(_)) { tx.set_synced(now) } else { Ok(()) }
                    })?;
                    topics.commit(&changes);
                }
                let done = matches!(applied, Applied::Done(_));
                Ok::<_, StoreError>(done.then_some(response.items.len()))
            })
            .await?;
        if let Some(rows) = applied {
            self.account.show(&[], |standing| standing.pulled += rows as u64);
            self.index |= rows > 0;
        }
        Ok(())
    }
}

/// Why a call was not made.
pub(super) enum Trouble {
    Failure(Failure),
    Files(Error),
}

/// Where the account's server is, and a token for it.
pub(super) async fn way_in(account: &Arc<Account>) -> Result<(String, String), Trouble> {
    account.way_in().await.map_err(|none| match none {
        NoToken::SignedOut | NoToken::Revoked => Trouble::Failure(Failure::Unauthorized),
        NoToken::Transient(failure) => Trouble::Failure(failure),
        NoToken::Files(error) => Trouble::Files(error),
    })
}

fn is_final(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Applied { .. } | Verdict::Rejected { .. })
}

/// The machine's word for a failure.
pub(crate) fn failure_of(failure: &Failure) -> sync::Failure {
    let ms =
        |after: &Option<Duration>| after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    match failure {
        Failure::Net(NetError::Unreachable | NetError::Untrusted) => sync::Failure::Unreachable,
        Failure::Net(NetError::Timeout | NetError::Cut) => sync::Failure::Broken,
        Failure::Net(NetError::WrongDate) => sync::Failure::WrongDate,
        Failure::Net(NetError::TooLarge) => sync::Failure::Server,
        Failure::NotOurs => sync::Failure::NotOurs,
        Failure::Unauthorized | Failure::Revoked => sync::Failure::Unauthorized,
        Failure::TooOld => sync::Failure::TooOld,
        Failure::Busy { after } => sync::Failure::Busy { after_ms: ms(after) },
        Failure::Server { after: Some(after), .. } => sync::Failure::Busy { after_ms: ms(&Some(*after)) },
        Failure::Refused { status: 403, .. } => sync::Failure::Forbidden,
        Failure::Server { .. } | Failure::Refused { .. } => sync::Failure::Server,
    }
}
