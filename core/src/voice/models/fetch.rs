//! How a model comes: one request after another, each going on where the last one broke off, and nothing kept that
//! is not as signed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use futures_util::{
    StreamExt as _,
    future::{Either, select},
};
use pocketdesk_protocol::models::{Model, Role};

use super::{
    ModelError, Models, Piece, Source, Trusted, UnderWay,
    shelf::{Partial, Took},
};
use crate::{
    env::{Env, NetError},
    error::{Error, Result},
};

/// Bytes handed to the disk at once.
const BATCH: usize = 256 << 10;
/// How often the same chunk may come wrong before the desk is not believed any more.
const WRONG: u32 = 2;

/// Ends the entry of a fetch however it ends.
struct Ends<'a>(&'a Models);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        *self.0.under_way() = None;
        (self.0.rules.moved)();
    }
}

impl Models {
    /// Fetches the model and the detector it needs, where they are not here, and makes it the one that is used; older
    /// ones go when it is there. When the network fails what came is kept: call it again. `None` takes the one that
    /// suits this device.
    pub async fn fetch(&self, source: &dyn Source, id: Option<&str>) -> Result<()> {
        self.fetch_patiently(source, id, |error, _| Err(error)).await
    }

    /// As [`Self::fetch`], and it goes on after a failure when `pause` says how long to wait first; that is told why,
    /// and how many bytes of the model are here. It is one fetch all the while: shown as such, and cancelled as such.
    pub async fn fetch_patiently(
        &self,
        source: &dyn Source,
        id: Option<&str>,
        mut pause: impl FnMut(Error, u64) -> Result<Duration>,
    ) -> Result<()> {
        if self.rules.keys.is_empty() {
            return Err(ModelError::NoKey.into());
        }
        let shelf = self.shelf.clone();
        let known = Env::run(&*self.queue, move || shelf.manifest()).await?;
        let known = match known {
            Some(known) => known,
            None => {
                self.refresh(source).await?;
                let shelf = self.shelf.clone();
                Env::run(&*self.queue, move || shelf.manifest()).await?.ok_or(ModelError::Unknown)?
            }
        };
        let models = &known.manifest.models;
        let speech = match id {
            Some(id) => known.model(id).filter(|model| model.role == Role::Speech),
            None => self.recommended(models),
        };
        let speech = speech.ok_or(ModelError::Unknown)?;
        let gate = models.iter().filter(|model| model.role == Role::Vad).max_by_key(|model| model.rank);
        let gate = gate.ok_or_else(|| ModelError::NotTrusted {
            reason: "it names no detector of speech, without which no model is used".to_owned(),
        })?;
        {
            let mut under_way = self.under_way();
            if under_way.is_some() {
                return Err(ModelError::Busy.into());
            }
            *under_way = Some(UnderWay { id: speech.id.clone(), have: 0, cancelled: false });
        }
        let _ends = Ends(self);
        let shelf = self.shelf.clone();
        let _lock = Env::run(&*self.queue, move || shelf.lock()).await?;
        loop {
            let Err(error) = self.fetch_all(source, &known, speech, gate).await else { return Ok(()) };
            let have = self.under_way().as_ref().map_or(0, |running| running.have);
            let pause = pause(error, have)?;
            self.unless_cancelled(self.clock.sleep(pause)).await?;
        }
    }

    async fn fetch_all(
        &self,
        source: &dyn Source,
        known: &Trusted,
        speech: &Model,
        gate: &Model,
    ) -> Result<()> {
        let wanted = [gate.clone(), speech.clone()];
        let (shelf, budget) = (self.shelf.clone(), self.rules.budget);
        let both = wanted.clone();
        let missing = Env::run(&*self.queue, move || {
            let installed = shelf.installed()?;
            // What was begun of other models makes room first; whole ones stay until these are there.
            let whole = installed.iter().map(|one| one.model.sha256.as_str());
            shelf.keep_only(&whole.chain(both.iter().map(|model| model.sha256.as_str())).collect())?;
            let digests = both.iter().map(|model| model.sha256.as_str()).collect();
            let needs = shelf.bytes_beside(&digests)? + both.iter().map(|model| model.size).sum::<u64>();
            if needs > budget {
                return Err(ModelError::OverBudget { needs, budget });
            }
            let both: Vec<&Model> = both.iter().collect();
            Ok(Models::missing(&both, &installed).into_iter().cloned().collect::<Vec<Model>>())
        })
        .await?;
        for model in &missing {
            self.fetch_one(source, known, model).await?;
        }
        let (shelf, [gate, speech]) = (self.shelf.clone(), wanted);
        Env::run(&*self.queue, move || shelf.choose(&speech.id, &[&gate, &speech])).await?;
        Ok(())
    }

    async fn fetch_one(&self, source: &dyn Source, known: &Trusted, model: &Model) -> Result<()> {
        let (shelf, of) = (self.shelf.clone(), model.clone());
        let partial = Env::run(&*self.queue, move || shelf.begin(&of)).await?;
        let mut etag = partial.etag.clone();
        let mut have = partial.length();
        let partial = Arc::new(Mutex::new(partial));
        let (mut wrong, mut wrong_at) = (0, u64::MAX);
        self.show(model, have);
        while have < model.size {
            let asked = source.file(&model.sha256, have, etag.as_deref());
            let piece = self.unless_cancelled(asked).await??;
            plausible(&piece, model, have)?;
            if piece.etag != etag {
                etag = piece.etag.clone();
                let (shelf, sha256, noted) = (self.shelf.clone(), model.sha256.clone(), etag.clone());
                Env::run(&*self.queue, move || shelf.note(&sha256, noted.as_deref())).await?;
            }
            let (took, broken) = self.pour(model, &partial, piece, have).await?;
            match took {
                Took::Good(now) => have = now,
                Took::Bad(now) => {
                    have = now;
                    wrong = if have == wrong_at { wrong + 1 } else { 1 };
                    wrong_at = have;
                    if wrong >= WRONG {
                        let reason = format!("its bytes from {have} on have another digest");
                        return Err(ModelError::WrongBytes { reason }.into());
                    }
                    self.show(model, have);
                }
            }
            if let Some(broken) = broken {
                return Err(broken.into());
            }
        }
        let (shelf, known) = (self.shelf.clone(), known.clone());
        let partial = Arc::into_inner(partial).expect("nobody else writes into it any more");
        let partial = partial.into_inner().unwrap_or_else(PoisonError::into_inner);
        Env::run(&*self.queue, move || shelf.finish(partial, &known)).await?;
        Ok(())
    }

    /// Pours a body into the file to its end, to its break, or to a chunk that is wrong.
    async fn pour(
        &self,
        model: &Model,
        partial: &Arc<Mutex<Partial>>,
        piece: Piece,
        mut have: u64,
    ) -> Result<(Took, Option<NetError>)> {
        let Piece { mut body, from, .. } = piece;
        // A server that did not go on where it was asked to sends again what is here already.
        let mut skip = have - from;
        let mut batch = BytesMut::new();
        loop {
            let (over, broken) = match self.unless_cancelled(body.next()).await? {
                Some(Ok(mut chunk)) => {
                    let known = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
                    chunk.advance(known);
                    skip -= known as u64;
                    batch.extend_from_slice(&chunk);
                    (false, None)
                }
                Some(Err(error)) => (true, Some(error)),
                None => (true, None),
            };
            if !over && batch.len() < BATCH {
                continue;
            }
            let (bytes, to) = (batch.split().freeze(), partial.clone());
            let took = Env::run(&*self.queue, move || {
                to.lock().unwrap_or_else(PoisonError::into_inner).take(&bytes)
            })
            .await?;
            let Took::Good(now) = took else { return Ok((took, None)) };
            have = now;
            self.show(model, have);
            if over {
                // An end before the end is a break too.
                let broken = broken.or((have < model.size).then_some(NetError::Cut));
                return Ok((took, broken));
            }
        }
    }

    fn show(&self, model: &Model, have: u64) {
        if model.role != Role::Speech {
            return;
        }
        if let Some(running) = self.under_way().as_mut() {
            running.have = have;
        }
        (self.rules.moved)();
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let mut interrupted = std::pin::pin!(self.interrupt.notified());
            interrupted.as_mut().enable();
            if self.under_way().as_ref().is_none_or(|running| running.cancelled) {
                return Err(ModelError::Cancelled.into());
            }
            if let Either::Left((done, _)) = select(&mut work, interrupted).await {
                return Ok(done);
            }
        }
    }
}

/// Whether an answer can be the bytes that were asked for; a page of words in their place must not get into the file.
fn plausible(piece: &Piece, model: &Model, have: u64) -> Result<(), Error> {
    let wrong = |reason: String| Err(ModelError::WrongBytes { reason }.into());
    if piece.from > have {
        return wrong(format!("it starts at {} where {have} was asked for", piece.from));
    }
    match piece.length {
        Some(length) if length != model.size - piece.from => {
            wrong(format!("{length} bytes come from {} on, of {}", piece.from, model.size))
        }
        _ => Ok(()),
    }
}
