//! Building a cache file anew: snapshot frames stored as they come, then the delta, then the switch. What a frame
//! erases goes from own.db first.
//!
//! The first frames are transactions of their own, for somebody waits for a first list. Later ones share one: the
//! same pages of the indexes would be sealed and written again and again. A crash costs what was not committed,
//! a second's worth at most, which is fetched again.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use pocketdesk_domain::sync::{self, Exchange, Input, merge};
use pocketdesk_protocol::{
    ids::PersonId,
    sync::{FrameEnd, Item, SnapshotStart},
};

use super::{
    account::Account,
    exchanges::failure_of,
    runner::{Mail, Runner},
};
use crate::{
    env::NetError,
    error::Result,
    remote::{
        answer::Failure,
        snapshot::{Frame, Frames},
    },
    store::{CacheFacts, CacheName, CacheState, Changes, FramePlan, Store, StoreError},
};

/// Rows that come one frame at a time: far more than a first list.
const ALONE_ROWS: usize = 1_000;
/// How long frames are gathered for one transaction: on a slow link every frame is stored as it comes.
const GATHER_FOR: Duration = Duration::from_secs(1);
/// Bytes of rows in one transaction, about: 4,000 rows of common tickets.
const GATHERED_BYTES: usize = 2 << 20;

impl Account {
    /// A cache of one frame, as a first sync leaves it after that: for tests of what stands on it.
    #[doc(hidden)]
    pub async fn fill_cache(
        &self,
        me: PersonId,
        start: SnapshotStart,
        items: Vec<Item>,
        end: FrameEnd,
    ) -> Result<()> {
        self.store
            .run(move |store: &mut Store| {
                let (file, _) = store.begin_build(Some(me))?;
                store.apply_frames(&file, &[FramePlan { start: Some(&start), items: &items, end: &end }])?;
                Ok::<_, StoreError>(())
            })
            .await
    }
}

impl Runner {
    pub(super) async fn new_build(&mut self, active: bool) -> Result<()> {
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

    pub(super) async fn open_frames(&mut self, exchange: Exchange) -> Result<()> {
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

    pub(super) fn frames_began(
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

    pub(super) async fn store_frames(&mut self, exchange: Exchange) -> Result<()> {
        let Some((first, mut rest)) = self.frames().remove(&exchange) else { return Ok(()) };
        let file = self.account.store.run(|store: &mut Store| store.cache_state()).await?;
        let Some(file) = build_file(&file) else {
            // It went while its frames were on their way: without a word the build would wait for them for ever.
            self.inputs.push_back(Input::CacheDamaged);
            return Ok(());
        };
        let (account, to_self) = (self.account.clone(), self.to_self.clone());
        let task = self.task(async move {
            let mut frames = vec![first];
            let mut stored = 0;
            loop {
                // What has come whole is stored, whatever ended the stream.
                let ended =
                    if stored < ALONE_ROWS { None } else { gather(&account, &mut frames, &mut rest).await };
                let last = is_last(&frames);
                stored += frames.iter().map(|frame| frame.items.len()).sum::<usize>();
                if let Err(error) = store_frames(&account, &file.name, std::mem::take(&mut frames)).await {
                    let _ = to_self.send(Mail::Trouble(error));
                    return;
                }
                if to_self.send(Mail::Input(Input::FrameStored { exchange, last })).is_err() || last {
                    return;
                }
                let next = match ended {
                    Some(failure) => Err(failure),
                    None => next_frame(&account, &mut rest).await,
                };
                match next {
                    Ok(next) => frames.push(next),
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

    pub(super) async fn finish_build(&mut self) -> Result<()> {
        let topics = self.account.shared.topics.clone();
        let now = self.now();
        let complete_asked_at = self
            .account
            .store
            .run(move |store: &mut Store| {
                let Some(file) = build_file(&store.cache_state()?) else { return Ok(None) };
                topics.commit(&store.finish_build(&file.name)?);
                let ((), changes) = store.write(|tx| tx.set_synced(now))?;
                topics.commit(&changes);
                Ok::<_, StoreError>(Some(
                    store.cache_state()?.active.and_then(|file| file.asked_verdicts).unwrap_or(0),
                ))
            })
            .await?;
        self.index = true;
        self.inputs.push_back(match complete_asked_at {
            Some(complete_asked_at) => Input::BuildFinished { complete_asked_at },
            None => Input::CacheDamaged,
        });
        Ok(())
    }

    pub(super) fn frames(&mut self) -> &mut BTreeMap<Exchange, (Frame, Frames)> {
        self.frames.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn next_frame(account: &Account, rest: &mut Frames) -> Result<Frame, sync::Failure> {
    match account.shared.while_allowed(rest.next()).await {
        Some(Some(Ok(next))) => Ok(next),
        Some(Some(Err(failure))) => Err(failure_of(&failure)),
        Some(None) => Err(sync::Failure::Broken),
        None => Err(sync::Failure::Unreachable),
    }
}

/// Adds the frames that come within a moment, as far as one transaction should hold; why there will be no more, if so.
async fn gather(account: &Account, frames: &mut Vec<Frame>, rest: &mut Frames) -> Option<sync::Failure> {
    let bytes = |frame: &Frame| {
        frame.items.iter().filter_map(|item| item.row.as_ref()).map(|row| row.get().len()).sum::<usize>()
    };
    let mut gathered: usize = frames.iter().map(bytes).sum();
    let mut until = account.shared.env.clock.sleep(GATHER_FOR);
    while !is_last(frames) && gathered < GATHERED_BYTES {
        // A look that is given up has taken nothing from the stream.
        match select(pin!(next_frame(account, rest)), &mut until).await {
            Either::Left((Ok(next), _)) => {
                gathered += bytes(&next);
                frames.push(next);
            }
            Either::Left((Err(failure), _)) => return Some(failure),
            Either::Right(_) => return None,
        }
    }
    None
}

fn is_last(frames: &[Frame]) -> bool {
    frames.last().is_some_and(|frame| frame.end.last)
}

async fn store_frames(account: &Arc<Account>, file: &CacheName, frames: Vec<Frame>) -> Result<()> {
    let (file, topics) = (file.clone(), account.shared.topics.clone());
    let rows = frames.iter().map(|frame| frame.items.len() as u64).sum::<u64>();
    account
        .store
        .run(move |store: &mut Store| {
            let own: Vec<_> = frames.iter().flat_map(|frame| merge::plan_erased(&frame.end.erased)).collect();
            let mut changes = Changes::default();
            if !own.is_empty() {
                changes.merge(store.write(|tx| tx.apply(&own))?.1);
            }
            let plans: Vec<_> = frames
                .iter()
                .map(|Frame { start, items, end }| FramePlan { start: start.as_ref(), items, end })
                .collect();
            changes.merge(store.apply_frames(&file, &plans)?);
            topics.commit(&changes);
            Ok::<_, StoreError>(())
        })
        .await?;
    account.show(&[], |standing| standing.pulled += rows);
    Ok(())
}

/// The file that is being built, if one is.
pub(super) fn build_file(state: &CacheState) -> Option<CacheFacts> {
    state.building.clone().or_else(|| state.active.clone().filter(|file| !file.finished))
}
