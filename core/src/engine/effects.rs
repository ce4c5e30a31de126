//! Carries out what the machine orders: transactions of own.db and of cache files inline and in order, requests as
//! tasks that report back. Verdicts, resets and erasures are committed to own.db before anything goes to the cache.

use std::{sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use pocketdesk_domain::{
    model::PausedReason,
    outbox::{OpState, OwnChange, lane, plan},
    sync::{
        self, Answer, BuildFacts, BuildPhase, CacheStatus, Effect, Exchange, Input, LiveInput, QueuedOp,
        RefreshOutcome, Start, merge,
    },
};
use pocketdesk_protocol::{
    ids::{Epoch, OpId, TicketId},
    live::{HELLO_WITHIN_S, SILENCE_S},
    op::WireOp,
    session::Me,
    sync::{AtLeast, Cursor, PullQuery, SyncRequest, SyncResponse},
};

use super::{
    account::{Account, limits, paused, paused_name, with_maker},
    remedies::Pointed,
    runner::{Answered, Mail, Runner},
    topics::Topic,
};
use crate::{
    env::NetError,
    error::{Error, Result},
    remote::{
        answer::Failure,
        live::{Event, Events},
        snapshot::{Frame, Frames},
    },
    session::tokens::NoToken,
    store::{Applied, CacheFacts, CacheName, CacheState, Changes, PagePlan, Store, StoreError},
};

/// Bytes of items asked for at once: a page that a slow link brings within its time limit.
const PAGE_BYTES: u64 = 256 << 10;

/// A page that came, with what it was asked with.
pub(crate) struct Page {
    pub asked: Asked,
    pub response: Option<SyncResponse>,
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
    /// How things are found at the start.
    pub async fn start(&mut self) -> Result<Start> {
        let bound = self.account.shared.settings.attachment_cache_bytes;
        let since = self.now() - 30 * 24 * 3_600_000;
        let state = self
            .account
            .store
            .run(move |store: &mut Store| {
                store.sweep_files()?;
                let state = store.clean_caches()?;
                store.write(|tx| tx.evict(bound, since))?;
                Ok::<_, StoreError>(state)
            })
            .await?;
        // An app that was too old may have been updated since: the desk says so again if not.
        self.account
            .record(|tx| {
                let mut facts = tx.account()?;
                if facts.paused.as_deref() == paused_name(PausedReason::AppTooOld) {
                    facts.paused = None;
                    tx.set_account(&facts)?;
                }
                Ok(())
            })
            .await?;
        let ops = self.queued_ops().await?;
        let (epoch, facts, session) = self
            .account
            .read(|snapshot| {
                let own = snapshot.own();
                Ok((own.epoch()?, own.account()?, own.session()?))
            })
            .await?;
        Ok(Start {
            ops,
            epoch,
            paused: paused(&facts, session.is_some()),
            cache: status(&state),
            complete_asked_at: state.active.as_ref().and_then(|file| file.asked_verdicts).unwrap_or(0),
            restore_window_ms: facts.me.as_ref().map(|me| me.restore_window_ms),
        })
    }

    /// All ops that are not applied.
    pub async fn queued_ops(&self) -> Result<Vec<QueuedOp>> {
        self.account
            .read(|snapshot| Ok(snapshot.own().ops()?.iter().filter_map(QueuedOp::of).collect()))
            .await
    }

    pub async fn carry_out(&mut self, effect: Effect) -> Result<()> {
        match effect {
            Effect::Record(changes) => self.account.record(move |tx| Ok(tx.apply(&changes)?)).await?,
            Effect::SettleWishes(ops) => {
                self.settle_wishes(ops).await?;
                self.inputs.push_back(Input::Ops(self.queued_ops().await?));
            }
            Effect::ReloadOps => self.inputs.push_back(Input::Ops(self.queued_ops().await?)),
            Effect::AskMe(exchange) => self.ask_me(exchange),
            Effect::Push { exchange, epoch, ops, with_cursor } => {
                self.push(exchange, epoch, ops, with_cursor).await?
            }
            Effect::Pull { exchange, wait_s, at_least } => {
                let asked = self.asked(|state| state.active.clone()).await?;
                self.pull(exchange, asked, wait_s, at_least);
            }
            Effect::PullBuild(exchange) => {
                let asked = self.asked(build_file).await?;
                self.pull(exchange, asked, 0, None);
            }
            Effect::ApplyPage(exchange) | Effect::ApplyBuildPage(exchange) => {
                self.apply_page(exchange).await?
            }
            Effect::Cancel(exchange) => {
                self.tasks.remove(&exchange);
                self.frames().remove(&exchange);
                self.pages.remove(&exchange);
                self.nothing_sent();
            }
            Effect::NewBuild { active } => self.new_build(active).await?,
            Effect::Frames(exchange) => self.open_frames(exchange).await?,
            Effect::StoreFrames(exchange) => self.store_frames(exchange).await?,
            Effect::FinishBuild => self.finish_build().await?,
            Effect::Refresh => self.refresh(),
            Effect::Paused(why) => self.pause(why).await?,
            Effect::OpenLive => self.open_live(),
            Effect::CloseLive => self.live = None,
            Effect::SetTimer(at) => self.timer = Some(at),
            Effect::Alarm(reason) => {
                tracing::error!(account = %self.account.name, ?reason, "the server's journal is not the one this device knew: its operator should know");
            }
        }
        Ok(())
    }

    async fn settle_wishes(&self, ops: Vec<OpId>) -> Result<()> {
        let env = self.account.shared.env.clone();
        self.account
            .record_seeing(move |tx, cache| {
                for op in ops {
                    let pointed = match Pointed::at(&tx.read, cache, op.0) {
                        Err(Error::NotFound { .. }) => continue,
                        other => other?,
                    };
                    let limits = limits(&tx.account()?);
                    let plan = with_maker(&env, limits, |maker| plan::settle_wish(pointed.target(), maker));
                    if let Some(plan) = plan {
                        tx.apply(&plan.changes)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Runs a call as a task of this exchange; the token it used comes back with the outcome.
    fn call<T, F>(
        &mut self,
        exchange: Exchange,
        call: impl FnOnce(crate::remote::api::Api, String) -> F + Send + 'static,
        report: impl FnOnce(String, Result<T, Failure>) -> Mail + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let (account, to_self) = (self.account.clone(), self.to_self.clone());
        let task = self.task(async move {
            let mut used = String::new();
            let outcome = async {
                let token = token(&account).await?;
                used.clone_from(&token);
                let server = server(&account).await?;
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

    fn ask_me(&mut self, exchange: Exchange) {
        self.call(
            exchange,
            |api, token| async move { api.me(&token).await },
            move |token, outcome| Mail::Me { exchange, token, outcome: outcome.map(Box::new) },
        );
    }

    pub async fn me(
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

    async fn push(
        &mut self,
        exchange: Exchange,
        epoch: Epoch,
        ops: Vec<OpId>,
        with_cursor: bool,
    ) -> Result<()> {
        let env = self.account.shared.env.clone();
        let (wire, asked_at) = self
            .account
            .record(move |tx| {
                let mut live = Vec::new();
                for op in ops {
                    if let Some(op) = tx.op(op)?.filter(|op| matches!(op.state, OpState::Live)) {
                        live.push(op);
                    }
                }
                tx.apply(&[OwnChange::CountStarts { ops: live.iter().map(|op| op.op).collect() }])?;
                let made_on = Account::made_on(&env);
                let mut wire: Vec<WireOp> = Vec::with_capacity(live.len());
                for op in live {
                    let ticket = op.ticket.unwrap_or(TicketId(op.entity.0));
                    let prev = lane::prev_of(&op, &tx.ops_of(ticket)?);
                    wire.push(op.to_wire(prev, &made_on));
                }
                Ok((wire, tx.verdicts()?))
            })
            .await?;
        let asked = if with_cursor { self.asked(|state| state.active.clone()).await? } else { None };
        let sending = wire.iter().map(|op| op.op).collect::<Vec<_>>();
        self.account
            .show(&[Topic::Outbox, Topic::Tickets, Topic::Inbox], |standing| standing.sending = sending);
        let request = SyncRequest {
            epoch: Some(epoch),
            ops: wire,
            cursor: asked.as_ref().map(|asked| asked.cursor.clone()),
            limit_bytes: Some(PAGE_BYTES),
        };
        let page = asked.map(|asked| Page { asked: Asked { asked_at, ..asked }, response: None });
        self.call(
            exchange,
            move |api, token| async move { api.sync(&token, &request).await },
            move |token, outcome| {
                Mail::Answer(Box::new(Answered { exchange, token, outcome, page, asked_at }))
            },
        );
        Ok(())
    }

    fn pull(&mut self, exchange: Exchange, asked: Option<Asked>, wait_s: u64, at_least: Option<AtLeast>) {
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
        let page = Some(Page { asked, response: None });
        self.call(
            exchange,
            move |api, token| async move { api.pull(&token, &query).await },
            move |token, outcome| {
                Mail::Answer(Box::new(Answered { exchange, token, outcome, page, asked_at }))
            },
        );
    }

    /// Where a file stands now, with own.db's counter of verdicts read before.
    async fn asked(&self, which: fn(&CacheState) -> Option<CacheFacts>) -> Result<Option<Asked>> {
        self.account
            .store
            .run(move |store: &mut Store| {
                let asked_at = store.read(|snapshot| snapshot.own().verdicts())?;
                let facts = which(&store.cache_state()?);
                Ok::<_, StoreError>(facts.and_then(|facts| {
                    let CacheFacts { name, cursor, scopes_rev, .. } = facts;
                    Some(Asked { file: name, cursor: cursor?, scopes_rev, asked_at })
                }))
            })
            .await
    }

    pub async fn answered(&mut self, answered: Answered) -> Result<()> {
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
        let (server_time, seen) = (response.server_time, self.now());
        self.account.record(move |tx| Ok(tx.set_server_time(server_time, seen)?)).await?;
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

    fn failed(&mut self, exchange: Exchange, token: String, failure: Failure) {
        self.nothing_sent();
        if matches!(failure, Failure::Unauthorized | Failure::Revoked) {
            self.rejected = Some(token);
        }
        if failure.reached() {
            self.account.show(&[], |standing| standing.answered += 1);
        }
        self.inputs.push_back(Input::Failed { exchange, failure: failure_of(&failure) });
    }

    /// No op is under way any more; screens that said so look again.
    fn nothing_sent(&self) {
        let had = !std::mem::take(&mut self.account.standing().sending).is_empty();
        if had {
            self.account.show(&[Topic::Outbox, Topic::Tickets, Topic::Inbox], |_| ());
        }
    }

    async fn apply_page(&mut self, exchange: Exchange) -> Result<()> {
        let Some(Page { asked, response: Some(response) }) = self.pages.remove(&exchange) else {
            return Ok(());
        };
        self.pages.retain(|other, _| *other > exchange);
        let now = self.now();
        let account = self.account.clone();
        let topics = account.shared.topics.clone();
        let applied = account
            .store
            .run(move |store: &mut Store| {
                // What is erased goes from own.db first: a crash between the two leaves a page to apply again.
                let own = merge::plan_items(&response.items, |_, _| None).own;
                if !own.is_empty() {
                    let ((), changes) = store.write(|tx| tx.apply(&own))?;
                    topics.commit(&changes);
                }
                let Some(next) = &response.next else { return Ok(None) };
                let plan = PagePlan {
                    file: &asked.file,
                    asked: &asked.cursor,
                    asked_scopes_rev: asked.scopes_rev,
                    epoch: response.epoch,
                    scopes_rev: response.scopes_rev,
                    verdicts_at_asking: asked.asked_at,
                    items: &response.items,
                    next,
                    complete: response.complete,
                };
                let Applied::Done(changes) = store.apply_page(&plan)? else { return Ok(None) };
                topics.commit(&changes);
                if response.complete {
                    let ((), changes) = store.write(|tx| tx.set_synced(now))?;
                    topics.commit(&changes);
                }
                Ok::<_, StoreError>(Some(response.items.len()))
            })
            .await?;
        if let Some(rows) = applied {
            self.account.show(&[], |standing| standing.pulled += rows as u64);
            self.index |= rows > 0;
        }
        Ok(())
    }

    async fn new_build(&mut self, active: bool) -> Result<()> {
        let topics = self.account.shared.topics.clone();
        self.account
            .store
            .run(move |store: &mut Store| {
                if active {
                    topics.commit(&store.forget_cache()?);
                }
                let me = store.read(|snapshot| snapshot.own().account())?.person;
                let (_, changes) = store.begin_build(me)?;
                topics.commit(&changes);
                Ok::<_, StoreError>(())
            })
            .await
    }

    async fn open_frames(&mut self, exchange: Exchange) -> Result<()> {
        let resume = self
            .account
            .store
            .run(|store: &mut Store| {
                Ok::<_, StoreError>(build_file(&store.cache_state()?).and_then(|file| file.resume))
            })
            .await?;
        self.call(
            exchange,
            move |api, token| async move {
                let mut frames = Frames::new(api.snapshot(&token, resume.as_deref()).await?);
                let first = frames.next().await.ok_or(Failure::Net(NetError::Cut))??;
                if first.start.is_none() {
                    return Err(Failure::Server { status: 200, after: None });
                }
                Ok(Box::new((first, frames)))
            },
            move |token, outcome| Mail::Frames { exchange, token, outcome },
        );
        Ok(())
    }

    pub fn frames_began(
        &mut self,
        exchange: Exchange,
        token: String,
        outcome: Result<Box<(Frame, Frames)>, Failure>,
    ) {
        self.tasks.remove(&exchange);
        match outcome {
            Ok(began) => {
                self.account.show(&[], |standing| standing.answered += 1);
                let (first, rest) = *began;
                if let Some(start) = &first.start {
                    let (epoch, scopes_rev) = (start.epoch, start.scopes_rev);
                    self.inputs.push_back(Input::FramesBegan { exchange, epoch, scopes_rev });
                }
                self.frames().insert(exchange, (first, rest));
            }
            Err(failure) => self.failed(exchange, token, failure),
        }
    }

    async fn store_frames(&mut self, exchange: Exchange) -> Result<()> {
        let Some((first, mut rest)) = self.frames().remove(&exchange) else { return Ok(()) };
        let file = self.account.store.run(|store: &mut Store| store.cache_state()).await?;
        let Some(file) = build_file(&file) else { return Ok(()) };
        let (account, to_self) = (self.account.clone(), self.to_self.clone());
        let task = self.task(async move {
            let mut frame = first;
            loop {
                let last = frame.end.last;
                if let Err(error) = store_frame(&account, &file.name, frame).await {
                    let _ = to_self.send(Mail::Trouble(error));
                    return;
                }
                if to_self.send(Mail::Input(Input::FrameStored { exchange, last })).is_err() || last {
                    return;
                }
                let next = match account.shared.while_allowed(rest.next()).await {
                    Some(Some(Ok(next))) => Ok(next),
                    Some(Some(Err(failure))) => Err(failure_of(&failure)),
                    Some(None) => Err(sync::Failure::Broken),
                    None => Err(sync::Failure::Unreachable),
                };
                frame = match next {
                    Ok(next) => next,
                    Err(failure) => {
                        let _ = to_self.send(Mail::Input(Input::Failed { exchange, failure }));
                        return;
                    }
                };
            }
        });
        self.tasks.insert(exchange, task);
        Ok(())
    }

    async fn finish_build(&mut self) -> Result<()> {
        let topics = self.account.shared.topics.clone();
        let now = self.now();
        let complete_asked_at = self
            .account
            .store
            .run(move |store: &mut Store| {
                if let Some(file) = build_file(&store.cache_state()?) {
                    topics.commit(&store.finish_build(&file.name)?);
                }
                let ((), changes) = store.write(|tx| tx.set_synced(now))?;
                topics.commit(&changes);
                Ok::<_, StoreError>(
                    store.cache_state()?.active.and_then(|file| file.asked_verdicts).unwrap_or(0),
                )
            })
            .await?;
        self.index = true;
        self.inputs.push_back(Input::BuildFinished { complete_asked_at });
        Ok(())
    }

    fn frames(&mut self) -> &mut std::collections::BTreeMap<Exchange, (Frame, Frames)> {
        self.frames.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn refresh(&mut self) {
        let (account, to_self) = (self.account.clone(), self.to_self.clone());
        let rejected = self.rejected.take();
        // Ends by itself even when the incarnation does: a rotation under way is not given up for nothing.
        self.account.shared.env.work.spawn(Box::pin(async move {
            let refreshed = async {
                let rejected = match rejected {
                    Some(token) if !token.is_empty() => token,
                    _ => account
                        .read(|snapshot| Ok(snapshot.own().session()?))
                        .await
                        .map_err(NoToken::Files)?
                        .map(|session| session.access_token)
                        .ok_or(NoToken::SignedOut)?,
                };
                account.refresh_token(&rejected).await
            };
            let mail = match account.shared.while_allowed(refreshed).await {
                Some(Ok(_)) => Mail::Input(Input::Refreshed(RefreshOutcome::Ok)),
                Some(Err(NoToken::SignedOut | NoToken::Revoked)) => {
                    Mail::Input(Input::Refreshed(RefreshOutcome::Revoked))
                }
                Some(Err(NoToken::Transient(failure))) => {
                    Mail::Input(Input::Refreshed(RefreshOutcome::Transient(failure_of(&failure))))
                }
                Some(Err(NoToken::Files(error))) => Mail::Trouble(error),
                None => Mail::Input(Input::Refreshed(RefreshOutcome::Transient(sync::Failure::Unreachable))),
            };
            let _ = to_self.send(mail);
        }));
    }

    async fn pause(&mut self, why: Option<PausedReason>) -> Result<()> {
        let name = why.and_then(paused_name);
        self.account
            .record(move |tx| {
                let mut facts = tx.account()?;
                if facts.paused.as_deref() != name {
                    facts.paused = name.map(str::to_owned);
                    tx.set_account(&facts)?;
                }
                Ok(())
            })
            .await?;
        if why == Some(PausedReason::SignedOut) {
            // Ended from afar: what came from the desk goes, what the person wrote waits under lock.
            self.account.wipe_desk_facts().await?;
        }
        Ok(())
    }

    fn open_live(&mut self) {
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
async fn listen(account: &Arc<Account>, to_self: &tokio::sync::mpsc::UnboundedSender<Mail>) -> LiveInput {
    let Ok(token) = token(account).await else { return LiveInput::Down };
    let Ok(server) = server(account).await else { return LiveInput::Down };
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
            Either::Left((Some(Err(_)) | None, _)) => return LiveInput::Down,
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

async fn store_frame(account: &Arc<Account>, file: &CacheName, frame: Frame) -> Result<()> {
    let (file, topics) = (file.clone(), account.shared.topics.clone());
    let rows = frame.items.len() as u64;
    account
        .store
        .run(move |store: &mut Store| {
            let own = merge::plan_erased(&frame.end.erased);
            let mut changes = Changes::default();
            if !own.is_empty() {
                changes.merge(store.write(|tx| tx.apply(&own))?.1);
            }
            changes.merge(store.apply_frame(&file, frame.start.as_ref(), &frame.items, &frame.end)?);
            topics.commit(&changes);
            Ok::<_, StoreError>(())
        })
        .await?;
    account.show(&[], |standing| standing.pulled += rows);
    Ok(())
}

/// Why a call was not made.
enum Trouble {
    Failure(Failure),
    Files(Error),
}

async fn token(account: &Arc<Account>) -> Result<String, Trouble> {
    account.access_token().await.map_err(|none| match none {
        NoToken::SignedOut | NoToken::Revoked => Trouble::Failure(Failure::Unauthorized),
        NoToken::Transient(failure) => Trouble::Failure(failure),
        NoToken::Files(error) => Trouble::Files(error),
    })
}

async fn server(account: &Arc<Account>) -> Result<String, Trouble> {
    account.read(|snapshot| Ok(snapshot.own().account()?.server)).await.map_err(Trouble::Files)
}

fn is_final(verdict: &pocketdesk_protocol::sync::Verdict) -> bool {
    use pocketdesk_protocol::sync::Verdict;
    matches!(verdict, Verdict::Applied { .. } | Verdict::Rejected { .. })
}

/// The file that is being built, if one is.
fn build_file(state: &CacheState) -> Option<CacheFacts> {
    state.building.clone().or_else(|| state.active.clone().filter(|file| !file.finished))
}

/// How the cache was found, for the machine.
fn status(state: &CacheState) -> CacheStatus {
    let (file, active) = match (&state.active, &state.building) {
        (None, _) => return CacheStatus::Missing,
        (Some(_), Some(building)) => (building, false),
        (Some(active), None) if active.finished => return CacheStatus::Whole,
        (Some(active), None) => (active, true),
    };
    let phase = match (file.frames_done, file.asked_verdicts) {
        (false, _) => BuildPhase::Frames,
        (true, None) => BuildPhase::Delta,
        (true, Some(_)) => BuildPhase::Finish,
    };
    CacheStatus::Building(BuildFacts {
        active,
        stands_on: file.epoch.map(|epoch| (epoch, file.scopes_rev)),
        phase,
    })
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
