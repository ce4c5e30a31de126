//! Carries out what the machine orders, in order: what is durable inline, what takes its time as tasks that report
//! back ([`super::exchanges`], [`super::build`], [`super::live`]).

use pocketdesk_domain::{
    model::PausedReason,
    outbox::plan,
    sync::{self, BuildFacts, BuildPhase, CacheStatus, Effect, Input, QueuedOp, RefreshOutcome, Start},
};
use pocketdesk_protocol::ids::OpId;

use super::{
    account::{limits, paused, paused_name, with_maker},
    build::build_file,
    exchanges::failure_of,
    remedies::Pointed,
    runner::{Mail, Runner},
};
use crate::{
    attachments::UNNAMED_KEPT_MS,
    error::{Error, Result},
    session::tokens::NoToken,
    store::{CacheState, Store, StoreError},
};

impl Runner {
    /// How things are found at the start.
    pub(super) async fn start(&mut self) -> Result<Start> {
        let bound = self.account.shared.settings.attachment_cache_bytes;
        let since = self.now() - UNNAMED_KEPT_MS;
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
    pub(super) async fn queued_ops(&self) -> Result<Vec<QueuedOp>> {
        self.account
            .read(|snapshot| Ok(snapshot.own().ops()?.iter().filter_map(QueuedOp::of).collect()))
            .await
    }

    pub(super) async fn carry_out(&mut self, effect: Effect) -> Result<()> {
        match effect {
            Effect::Record(changes) => {
                let heard = self.heard.take();
                self.account
                    .record(move |tx| {
                        tx.note_heard(heard)?;
                        Ok(tx.apply(&changes)?)
                    })
                    .await?;
            }
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

    pub(super) async fn settle_wishes(&self, ops: Vec<OpId>) -> Result<()> {
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

    pub(super) fn refresh(&mut self) {
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

    pub(super) async fn pause(&mut self, why: Option<PausedReason>) -> Result<()> {
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
