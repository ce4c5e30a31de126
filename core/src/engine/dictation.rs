//! Speaking instead of typing: sound goes into a sealed recording and to the recogniser at once; at the end there is a
//! draft with the words and the recording. Nothing is ever sent by it.
//!
//! The recording is the person's words as long as nobody has heard them: it is on the disk half a second after it was
//! said, and what a kill or a missing model leaves is heard later ([`Account::hear_recording`]).

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use pocketdesk_domain::{
    dictation::{Transcript, draft},
    model::{
        CatalogueEntry, CatalogueKind, DictateInto, DraftView, HeardView, RecordingView, SpokenDraft,
        SpokenView,
    },
    outbox::NewDraft,
};
use pocketdesk_protocol::{
    ids::{AttachmentId, EntityId, TicketId},
    op::FileRef,
};
use tokio::sync::Notify;

use super::{account::Account, hearing::Hearing, words::id};
use crate::{
    attachments::{
        files::{FileError, Folder},
        staging::staged,
    },
    env::Queue,
    error::{Error, Result},
    store::{CacheRead, Dictated, DictationState, LocalFile},
    voice::{
        Ask, Language, VoiceError,
        pcm::{Converter, RATE},
        recording::{
            MOST_FRAMES,
            flac::FlacReader,
            spill::{SpillReader, SpillWriter},
        },
    },
};

/// What a recording is called among a draft's files.
const NAME: &str = "voice.flac";
/// Frames that may wait to be written before a reader of a file has to wait: half a minute.
const WAITING: u64 = 30 * RATE as u64;

/// A dictation under way. Dropping it keeps what was said, to be heard later.
pub struct Dictation {
    account: Arc<Account>,
    dictated: Dictated,
    /// None where there is no recogniser: the recording is made all the same.
    hearing: Option<Hearing>,
    sound: Mutex<Option<Converter>>,
    spill: Arc<Spill>,
    queue: Arc<dyn Queue>,
}

/// The recording as its queue writes it.
struct Spill {
    writer: Mutex<Option<SpillWriter>>,
    /// Held until the words are heard, or this process dies.
    _lock: Box<dyn Send + Sync>,
    trouble: Mutex<Option<FileError>>,
    /// Frames handed in, and written.
    taken: AtomicU64,
    written: AtomicU64,
    moved: Notify,
}

impl Account {
    /// Begins a dictation of sound as `ask` describes it.
    pub async fn dictate(self: &Arc<Self>, into: DictateInto, ask: Ask) -> Result<Dictation> {
        if let DictateInto::Reply { ticket } | DictateInto::Reopen { ticket } = &into {
            self.ticket(TicketId(id(ticket, "ticket")?)).await?;
        }
        let converter = Converter::new(ask.rate, ask.channels)?;
        let hearing = match self.shared.transcriber.start(Ask { rate: RATE, channels: 1, ..ask }) {
            Ok(listening) => Some(Hearing::new(listening)),
            // The recording goes on without words.
            Err(VoiceError::NotBuilt | VoiceError::NoModel { .. }) => None,
            Err(why) => return Err(why.into()),
        };
        let (folder, rng) = (self.folder.clone(), self.shared.env.rng.clone());
        let (name, writer, lock) = self
            .bytes(move || {
                let (name, file, lock) = folder.create_foreign(&*rng)?;
                let mut salt = [0; 32];
                rng.fill(&mut salt);
                Ok::<_, FileError>((name, SpillWriter::begin(file, folder.key(), &salt)?, lock))
            })
            .await?;
        let dictated = Dictated {
            id: EntityId(self.shared.env.new_id()),
            into,
            state: DictationState::Open,
            spill: Some(name),
            language: ask.language.map(|language| language.code().to_owned()).unwrap_or_default(),
            recording: None,
            started_at: self.shared.env.clock.now(),
            spoken: None,
        };
        let kept = dictated.clone();
        self.write(move |tx| Ok(tx.put_dictation(&kept)?)).await?;
        let spill = Spill {
            writer: Mutex::new(Some(writer)),
            _lock: lock,
            trouble: Mutex::new(None),
            taken: AtomicU64::new(0),
            written: AtomicU64::new(0),
            moved: Notify::new(),
        };
        Ok(Dictation {
            account: self.clone(),
            dictated,
            hearing,
            sound: Mutex::new(Some(converter)),
            spill: Arc::new(spill),
            queue: self.shared.env.work.queue("recording"),
        })
    }

    /// Recordings whose words are not in a draft yet: cut ones, and those that wait for a model.
    pub async fn recordings(self: &Arc<Self>) -> Result<Vec<RecordingView>> {
        let all = self.read(|snapshot| Ok(snapshot.own().dictations()?)).await?;
        let mut views = Vec::new();
        for dictated in all {
            let Some(name) = dictated.spill.clone() else { continue };
            let cut = dictated.state == DictationState::Open;
            // A file that is gone, or in which nothing was said yet, has nothing to offer.
            let frames = self.frames_of(name, cut).await.ok().flatten();
            let Some(frames) = frames.filter(|frames| *frames > 0) else { continue };
            views.push(RecordingView {
                account: self.name.clone(),
                id: dictated.id.to_string(),
                into: dictated.into,
                started_at: dictated.started_at,
                duration_ms: frames * 1_000 / u64::from(RATE),
                cut,
            });
        }
        Ok(views)
    }

    /// How many recordings with something in them are in no draft yet: cut ones, and those that are being made.
    pub(super) async fn without_draft(self: &Arc<Self>) -> Result<u32> {
        let mut count = 0;
        for dictated in self.read(|snapshot| Ok(snapshot.own().dictations()?)).await? {
            let Some(name) = dictated.spill.filter(|_| dictated.state == DictationState::Open) else {
                continue;
            };
            count += u32::from(self.frames_of(name, true).await.is_ok_and(|frames| frames != Some(0)));
        }
        Ok(count)
    }

    /// How much was recorded; none while it is still being made, in whatever process.
    async fn frames_of(self: &Arc<Self>, name: String, cut: bool) -> Result<Option<u64>, FileError> {
        let folder = self.folder.clone();
        self.bytes(move || {
            if cut && folder.has(&name) && folder.hold_foreign(&name)?.is_none() {
                return Ok(None);
            }
            Ok(Some(open(&folder, &name)?.frames()?))
        })
        .await
    }

    /// Hears a recording that was cut or waited for a model: its draft has the words then. Without a model a cut one
    /// becomes a draft with the recording alone.
    pub async fn hear_recording(self: &Arc<Self>, recording: String) -> Result<DraftView> {
        let of: EntityId = id(&recording, "recording")?;
        let dictated = self.read(move |snapshot| Ok(snapshot.own().dictation(of)?)).await?;
        let dictated = dictated.filter(|dictated| dictated.spill.is_some());
        let dictated = dictated.ok_or(Error::NotFound { what: "recording" })?;
        let name = dictated.spill.clone().unwrap_or_default();
        let held =
            if dictated.state == DictationState::Open {
                let (folder, name) = (self.folder.clone(), name.clone());
                let lock = self.bytes(move || folder.hold_foreign(&name)).await?;
                Some(lock.ok_or_else(|| Error::NotNow {
                    reason: "this recording is still being made".to_owned(),
                })?)
            } else {
                None
            };
        let language = Language::from_code(&dictated.language);
        let ask = Ask { language, partials: false, ..Ask::default() };
        let heard = match self.shared.transcriber.start(ask) {
            Ok(listening) => {
                let hearing = Hearing::new(listening);
                let (folder, name) = (self.folder.clone(), name);
                let mut reader = self.bytes(move || open(&folder, &name)).await?;
                loop {
                    let (back, sound) = self
                        .bytes(move || {
                            let sound = reader.sound();
                            (reader, sound)
                        })
                        .await;
                    reader = back;
                    let Some(sound) = sound.map_err(FileError::from)? else { break };
                    if hearing.listening().push(&sound).is_err() {
                        break;
                    }
                    hearing.listening().room().await;
                }
                hearing.finish().await
            }
            Err(why) => Err(why),
        };
        match (heard, dictated.state) {
            // It is a draft already, and stays as it is.
            (Err(why), DictationState::Waiting) => Err(why.into()),
            (Err(VoiceError::Busy), _) => Err(VoiceError::Busy.into()),
            (heard, _) => {
                let view = self.settle(dictated, heard.ok()).await;
                drop(held);
                view
            }
        }
    }

    /// The desk's catalogue, as far as it is on this phone.
    pub async fn catalogue(self: &Arc<Self>) -> Result<Vec<CatalogueEntry>> {
        self.read(|snapshot| catalogue(snapshot.cache())).await
    }

    /// A recording becomes a draft: with its words where they were heard, else to be heard later.
    async fn settle(self: &Arc<Self>, dictated: Dictated, heard: Option<Transcript>) -> Result<DraftView> {
        let file = match dictated.recording {
            Some(_) => None,
            None => Some(self.compressed(dictated.spill.clone().unwrap_or_default()).await?),
        };
        let (env, of) = (self.shared.env.clone(), dictated.id);
        self.write_seeing(move |tx, cache| {
            let now = env.clock.now();
            if let Some(file) = &file {
                tx.put_file(file)?;
            }
            let mut kept = Dictated { state: DictationState::Waiting, ..dictated };
            kept.recording = kept.recording.or(file.as_ref().map(|file| file.file.id));
            let before = tx.draft(kept.id)?;
            if file.is_none() && before.is_none() {
                // It was sent or let go meanwhile; its words went with it.
                tx.remove_dictation(kept.id)?;
                return Ok(());
            }
            let spoken = match &heard {
                Some(heard) => Some(draft(heard, &catalogue(cache)?)),
                None => None,
            };
            let new = filled(before, &kept, file.map(|file| file.file), spoken.as_ref(), now);
            if let (Some(spoken), Some(heard)) = (spoken, heard) {
                kept.language = heard.language;
                (kept.state, kept.spill, kept.spoken) = (DictationState::Heard, None, Some(spoken));
            }
            tx.put_draft(&new)?;
            Ok(tx.put_dictation(&kept)?)
        })
        .await?;
        let this = self.clone();
        self.read(move |snapshot| {
            let own = snapshot.own();
            let draft = own.draft(of)?.ok_or(Error::NotFound { what: "draft" })?;
            this.draft_view(own, draft, &this.scene(snapshot)?)
        })
        .await
    }

    /// The recording as a file to be sent, durable.
    async fn compressed(self: &Arc<Self>, name: String) -> Result<LocalFile> {
        let (folder, rng) = (self.folder.clone(), self.shared.env.rng.clone());
        let sealed = self
            .bytes(move || {
                let frames = count(open(&folder, &name)?)?;
                let mut reader = open(&folder, &name)?;
                let mut flac = FlacReader::new(frames, Box::new(move || reader.sound()))?;
                folder.stage(&mut flac, None, u64::MAX, &*rng)
            })
            .await?;
        let id = AttachmentId(self.shared.env.new_id());
        let file = FileRef { id, name: NAME.to_owned(), size: sealed.size, sha256: sealed.sha256 };
        Ok(staged(file, sealed.name, self.shared.env.clock.now()))
    }
}

impl Dictation {
    /// Its id, and its draft's.
    pub fn id(&self) -> String {
        self.dictated.id.to_string()
    }

    /// Takes sound in the shape it was asked for; never waits.
    pub fn push(&self, sound: &[i16]) -> Result<()> {
        let mut heard = Vec::new();
        match &mut *self.converter() {
            Some(converter) => converter.push(sound, &mut heard),
            None => return Err(VoiceError::Ended.into()),
        }
        self.take(heard)
    }

    /// Sound as it is recorded, for the queue and the recogniser.
    fn take(&self, sound: Vec<i16>) -> Result<()> {
        if let Some(trouble) = self.spill.trouble() {
            return Err(trouble.into());
        }
        let (frames, taken) = (sound.len() as u64, &self.spill.taken);
        // What is refused is never written, and must not be waited for.
        let fits = |before: u64| Some(before + frames).filter(|after| *after <= MOST_FRAMES);
        if taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).is_err() {
            let reason = "a recording is an hour long at most; stop it, and go on in another".to_owned();
            return Err(VoiceError::BadAudio { reason }.into());
        }
        if let Some(hearing) = &self.hearing {
            // A recogniser that gave up is told of at the end; the recording goes on.
            let _ = hearing.listening().push(&sound);
        }
        let spill = self.spill.clone();
        // Queued at once and in order; nobody has to wait for it.
        drop(self.queue.run(Box::new(move || spill.write(&sound))));
        Ok(())
    }

    /// Ends when there is room for more: whoever reads a file waits for it between chunks.
    pub async fn room(&self) {
        loop {
            let mut moved = std::pin::pin!(self.spill.moved.notified());
            moved.as_mut().enable();
            let (taken, written) = (&self.spill.taken, &self.spill.written);
            if taken.load(Ordering::SeqCst) < written.load(Ordering::SeqCst) + WAITING
                || self.spill.trouble().is_some()
            {
                break;
            }
            moved.await;
        }
        if let Some(hearing) = &self.hearing {
            hearing.listening().room().await;
        }
    }

    /// What was heard so far, each time it is more; none at the end, or where nothing will be heard.
    pub async fn next(&self) -> Option<HeardView> {
        match &self.hearing {
            Some(hearing) => hearing.next().await,
            None => None,
        }
    }

    /// Ends it: what was said is a draft with its recording, and with its words where there is a recogniser.
    pub async fn stop(&self) -> Result<DraftView> {
        let Some(mut converter) = self.converter().take() else { return Err(VoiceError::Ended.into()) };
        let mut rest = Vec::new();
        converter.finish(&mut rest);
        let taken = self.take(rest);
        let heard = match &self.hearing {
            Some(hearing) => hearing.finish().await.ok(),
            None => None,
        };
        let spill = self.spill.clone();
        crate::env::Env::run(&*self.queue, move || spill.finish()).await?;
        if let Err(Error::Files(why)) = taken {
            return Err(why.into());
        }
        if self.spill.written.load(Ordering::SeqCst) == 0 {
            self.forget().await?;
            return Err(VoiceError::BadAudio { reason: "nothing was recorded".to_owned() }.into());
        }
        self.account.settle(self.dictated.clone(), heard).await
    }

    /// Forgets all of it.
    pub async fn cancel(&self) -> Result<()> {
        self.converter().take();
        if let Some(hearing) = &self.hearing {
            hearing.listening().cancel();
        }
        self.forget().await
    }

    async fn forget(&self) -> Result<()> {
        let of = self.dictated.id;
        self.account.write(move |tx| Ok(tx.remove_dictation(of)?)).await
    }

    fn converter(&self) -> std::sync::MutexGuard<'_, Option<Converter>> {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spill {
    fn trouble(&self) -> Option<FileError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, sound: &[i16]) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.as_mut().map_or(Ok(()), |writer| writer.write(sound));
        match written {
            Ok(()) => drop(self.written.fetch_add(sound.len() as u64, Ordering::SeqCst)),
            Err(why) => {
                // What is there can be heard; the rest would come after a gap.
                *writer = None;
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.into());
            }
        }
        self.moved.notify_waiters();
    }

    fn finish(&self) -> Result<(), FileError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), |writer| Ok(writer.finish().map(drop)?))
    }
}

fn open(folder: &Folder, name: &str) -> Result<SpillReader, FileError> {
    Ok(SpillReader::open(folder.read_foreign(name)?, folder.key())?)
}

/// Frames that can be read.
fn count(mut reader: SpillReader) -> Result<u64, FileError> {
    let mut frames = 0;
    while let Some(sound) = reader.sound()? {
        frames += sound.len() as u64;
    }
    Ok(frames)
}

fn catalogue(cache: Option<&CacheRead<'_>>) -> Result<Vec<CatalogueEntry>> {
    let Some(cache) = cache else { return Ok(Vec::new()) };
    let rows = cache.catalogue()?.into_iter().filter_map(|row| {
        let kind = CatalogueKind::of(row.row.kind)?;
        Some(CatalogueEntry { id: row.id.to_string(), kind, name: row.row.name, synonyms: row.row.synonyms })
    });
    Ok(rows.collect())
}

/// The draft with the recording, and with the words behind those the person has written meanwhile.
fn filled(
    before: Option<NewDraft>,
    dictated: &Dictated,
    file: Option<FileRef>,
    spoken: Option<&SpokenDraft>,
    now: i64,
) -> NewDraft {
    let ticket = match &dictated.into {
        DictateInto::Ticket => None,
        DictateInto::Reply { ticket } | DictateInto::Reopen { ticket } => ticket.parse().ok().map(TicketId),
    };
    let mut draft = before.unwrap_or(NewDraft {
        id: dictated.id,
        ticket,
        subject: String::new(),
        text: String::new(),
        attachments: Vec::new(),
        updated_at: now,
    });
    draft.attachments.extend(file);
    draft.updated_at = now;
    if let Some(spoken) = spoken {
        if draft.subject.is_empty() && draft.ticket.is_none() {
            draft.subject.clone_from(&spoken.title);
        }
        if !draft.text.is_empty() && !spoken.description.is_empty() {
            draft.text.push_str("\n\n");
        }
        draft.text.push_str(&spoken.description);
    }
    draft
}

/// What a dictation added to its draft, as the draft is now.
pub(crate) fn spoken_view(dictated: Dictated, draft: &NewDraft) -> SpokenView {
    let spoken = dictated.spoken.unwrap_or_default();
    // The words stand behind what was written before they came.
    let before = draft.text.find(&spoken.description).filter(|_| !spoken.description.is_empty()).unwrap_or(0);
    let before = u32::try_from(draft.text[..before].chars().count()).unwrap_or(u32::MAX);
    let stands = |at: u32, text: &str| {
        draft.text.char_indices().nth(at as usize).is_some_and(|(at, _)| draft.text[at..].starts_with(text))
    };
    let uncertain = spoken.uncertain.into_iter().filter_map(|mut word| {
        word.at = word.at.saturating_add(before);
        stands(word.at, &word.text).then_some(word)
    });
    let recording = dictated.recording.filter(|id| draft.attachments.iter().any(|file| file.id == *id));
    SpokenView {
        into: dictated.into,
        language: if dictated.state == DictationState::Heard { dictated.language } else { String::new() },
        recording: recording.map(|id| id.to_string()),
        words_later: dictated.state != DictationState::Heard,
        request_type: spoken.request_type,
        service: spoken.service,
        site: spoken.site,
        urgency: spoken.urgency,
        uncertain: uncertain.collect(),
    }
}
