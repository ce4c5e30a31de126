//! The models of a device: which there are, which the company signed, and how they come.
//!
//! One folder for all accounts. A file comes over the desk's server ([`Source`]) into `DIGEST.partial`, every 4 MiB
//! held against the signed manifest before it counts ([`fetch`]); a kill costs at most one such chunk. When all is
//! there its whole digest and its shape ([`header`]) are checked, and one rename makes it `DIGEST.bin`, with the
//! manifest that vouches for it beside it. The old one goes after that. Whoever loads a model ([`Models::weights`])
//! gets paths of files whose every byte was hashed again at that moment; loading never touches the network.

mod fetch;
pub mod header;
pub mod local;
mod shelf;
mod trust;
mod types;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pocketdesk_domain::dictation::{SpeechModelState, SpeechModelView};
use pocketdesk_protocol::models::{Model, Role};
use tokio::sync::Notify;

use self::shelf::{Installed, Shelf};
pub use self::{
    trust::Trusted,
    types::{ModelError, Piece, Rules, Source},
};
use super::{VoiceError, Weights};
use crate::{
    env::{Clock, Env, Queue, disk::Disk},
    error::Result,
};

/// The device's models. Cheap to share.
pub struct Models {
    shelf: Arc<Shelf>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    rules: Rules,
    under_way: Mutex<Option<UnderWay>>,
    /// Somebody cancelled.
    interrupt: Notify,
}

/// A fetch that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnderWay {
    id: String,
    /// Bytes of the speech model that are here.
    have: u64,
    cancelled: bool,
}

impl Models {
    /// Nothing is read or made before somebody asks. `moved` in the rules is called whenever [`status`](Self::status)
    /// would answer otherwise.
    pub fn open(env: &Env, disk: Arc<dyn Disk>, folder: PathBuf, rules: Rules) -> Arc<Self> {
        Arc::new(Self {
            shelf: Arc::new(Shelf::new(disk, folder, rules.keys.clone())),
            queue: env.work.queue("models"),
            clock: env.clock.clone(),
            rules,
            under_way: Mutex::new(None),
            interrupt: Notify::new(),
        })
    }

    /// Every speech model that is here or that the company offers, the better one first. The detector that each needs
    /// comes and goes with them and is not listed.
    pub async fn status(&self) -> Result<Vec<SpeechModelView>> {
        let shelf = self.shelf.clone();
        let (known, installed, partials) = Env::run(&*self.queue, move || {
            let known = shelf.manifest()?;
            let speech = known.iter().flat_map(|known| &known.manifest.models);
            let partials = speech.map(|model| (model.id.clone(), shelf.partial_bytes(&model.sha256)));
            let partials: std::collections::BTreeMap<_, _> = partials.collect();
            Ok::<_, ModelError>((known, shelf.installed()?, partials))
        })
        .await?;
        let offered: Vec<Model> = known.map(|known| known.manifest.models).unwrap_or_default();
        let recommended = self.recommended(&offered).map(|model| model.id.clone());
        let under_way = self.under_way().clone();
        let gate_here = installed.iter().any(|one| one.model.role == Role::Vad);
        let is_here = |model: &Model| installed.iter().any(|one| one.model.sha256 == model.sha256);
        let mut views: Vec<(u32, SpeechModelView)> = Vec::new();
        for model in offered.iter().filter(|model| model.role == Role::Speech) {
            let ready = is_here(model) && gate_here;
            let running = under_way.as_ref().filter(|running| running.id == model.id);
            let have = match (ready, running) {
                (true, _) => model.size,
                (false, Some(running)) => running.have,
                (false, None) if is_here(model) => model.size,
                (false, None) => partials.get(&model.id).copied().unwrap_or(0),
            };
            let state = match (ready, running) {
                (true, _) => SpeechModelState::Ready,
                (false, Some(_)) => SpeechModelState::Fetching,
                (false, None) if have > 0 => SpeechModelState::Stopped,
                (false, None) => SpeechModelState::Offered,
            };
            let recommended = recommended.as_ref() == Some(&model.id);
            views.push((model.rank, view(model, have, state, recommended)));
        }
        for one in installed.iter().filter(|one| one.model.role == Role::Speech) {
            if !offered.iter().any(|model| model.sha256 == one.model.sha256) {
                views.push((
                    one.model.rank,
                    view(&one.model, one.model.size, SpeechModelState::Superseded, false),
                ));
            }
        }
        views.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        Ok(views.into_iter().map(|(_, view)| view).collect())
    }

    /// Asks which models the company offers now. What is not signed by it, or older than what is known, changes nothing.
    pub async fn refresh(&self, source: &dyn Source) -> Result<()> {
        let trusted = Trusted::judge(source.manifest().await?, &self.rules.keys)?;
        let shelf = self.shelf.clone();
        Env::run(&*self.queue, move || shelf.accept(&trusted)).await?;
        (self.rules.moved)();
        Ok(())
    }

    /// Stops the fetch of that model; what came is kept for the next. Says nothing when none runs.
    pub fn cancel(&self, id: &str) {
        if let Some(running) = self.under_way().as_mut().filter(|running| running.id == id) {
            running.cancelled = true;
        }
        self.interrupt.notify_waiters();
    }

    /// Takes a model off the device, begun or whole; one that is being fetched is cancelled. The detector of speech goes
    /// with the last.
    pub async fn remove(&self, id: &str) -> Result<()> {
        self.cancel(id);
        let (shelf, id) = (self.shelf.clone(), id.to_owned());
        let found = Env::run(&*self.queue, move || shelf.forget(&id)).await?;
        (self.rules.moved)();
        if found { Ok(()) } else { Err(ModelError::Unknown.into()) }
    }

    /// What the recogniser loads: on the caller's thread every byte is hashed and held against the company's signature,
    /// and the shape is checked. A damaged file is removed, so that it can be fetched anew.
    pub fn weights(&self) -> Result<Weights, VoiceError> {
        let none = |reason: String| VoiceError::NoModel { reason };
        let installed = self.shelf.installed().map_err(|why| none(why.to_string()))?;
        let chosen = self.shelf.chosen();
        let best = |role| {
            let of = installed.iter().filter(|one| one.model.role == role);
            // The one somebody chose; after it the better one.
            of.max_by_key(|one| (chosen.as_deref() == Some(one.model.id.as_str()), one.model.rank))
        };
        let absent = || none("none has been downloaded; download one while there is a connection".to_owned());
        let (speech, gate) = (best(Role::Speech).ok_or_else(absent)?, best(Role::Vad).ok_or_else(absent)?);
        for one in [speech, gate] {
            self.shelf.verify(one).map_err(|why| {
                (self.rules.moved)();
                none(why.to_string())
            })?;
        }
        Ok(Weights { speech: self.shelf.path(speech), gate: self.shelf.path(gate) })
    }

    /// Which of the offered ones suits this device: the best it has the memory for.
    fn recommended<'a>(&self, offered: &'a [Model]) -> Option<&'a Model> {
        let memory = if self.rules.memory == 0 { types::USUAL_MEMORY } else { self.rules.memory };
        let speech = || offered.iter().filter(|model| model.role == Role::Speech);
        let fitting = speech().filter(|model| model.needs_memory <= memory).max_by_key(|model| model.rank);
        // A very old phone gets the least there is rather than nothing.
        fitting.or_else(|| speech().min_by_key(|model| model.needs_memory))
    }

    /// Those of `models` that are not here.
    fn missing<'a>(models: &'a [&'a Model], installed: &[Installed]) -> Vec<&'a Model> {
        let here = |model: &Model| installed.iter().any(|one| one.model.sha256 == model.sha256);
        models.iter().copied().filter(|model| !here(model)).collect()
    }

    fn under_way(&self) -> MutexGuard<'_, Option<UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn view(model: &Model, have: u64, state: SpeechModelState, recommended: bool) -> SpeechModelView {
    SpeechModelView {
        id: model.id.clone(),
        languages: model.languages.clone(),
        bytes: model.size,
        have,
        state,
        recommended,
    }
}
