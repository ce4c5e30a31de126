//! Speaking instead of typing: words appear while somebody speaks (or a file is read); what comes of it is a draft that
//! the person looks at. It goes out when they say so, and never by itself.

use std::path::Path;

use pocketdesk_domain::model::{DictateInto, DraftView, NewDraft, Sound, SpokenView};
use pocketdesk_ffi::VoiceError;
use serde_json::json;

use super::{drafts, transcribe};
use crate::{
    app::App,
    args::Say,
    failure::{Outcome, Stop, exit},
    output::{Tone, json as shapes, live::Live},
    sound::{bytes, file::SoundFile},
};

pub async fn run(app: &App, args: Say) -> Outcome {
    let (account, into) = target(app, &args).await?;
    recall(app).await;
    let draft = match &args.file {
        Some(file) => from_file(app, account, into, args.language, file).await?,
        None => from_microphone(app, account, into, args.language).await?,
    };
    let draft = if args.without_recording { without_recording(app, draft).await? } else { draft };
    let asks = app.setup.typed && !args.no_send && !app.out.json;
    if asks {
        return ask(app, draft).await;
    }
    show(app, &draft)?;
    if !app.out.json && !args.no_send {
        app.out.note(&app.out.say("voice-kept", &[("id", draft.id.as_str().into())]));
    }
    Ok(exit::DONE)
}

/// Whose words they are, and what for.
async fn target(app: &App, args: &Say) -> Result<(Option<String>, DictateInto), Stop> {
    if let Some(id) = &args.into_comment {
        let key = app.find(id).await?;
        return Ok((Some(key.account), DictateInto::Reply { ticket: key.id }));
    }
    if let Some(id) = &args.reopen {
        let key = app.find(id).await?;
        let view = app.desk.ticket(key.clone()).await.map_err(|error| app.stop(error, id))?;
        if !view.can_reopen {
            return Err(Stop::failed(app.out.say("voice-cannot-reopen", &[("name", id.as_str().into())])));
        }
        return Ok((Some(key.account), DictateInto::Reopen { ticket: key.id }));
    }
    Ok((app.account(), DictateInto::Ticket))
}

/// Tells of recordings that were cut.
async fn recall(app: &App) {
    // What cannot be listed now is there the next time.
    let recordings = app.desk.recordings(app.account()).await.unwrap_or_default();
    for recording in recordings.iter().filter(|recording| recording.cut) {
        let values = [
            ("at", app.out.time(recording.started_at).into()),
            ("seconds", (recording.duration_ms / 1_000).into()),
            ("id", recording.id.as_str().into()),
        ];
        app.out.note(&app.out.say("voice-recording-cut", &values));
    }
}

async fn from_file(
    app: &App,
    account: Option<String>,
    into: DictateInto,
    language: Option<String>,
    path: &Path,
) -> Result<DraftView, Stop> {
    let name = path.display().to_string();
    let voice = |error: VoiceError| Stop::voice(&app.out.texts, error, &name);
    let sound = |error| Stop::sound(&app.out.texts, path, &error);
    let mut file = SoundFile::open(path).map_err(sound)?;
    let live = app.out.watched && !app.out.json;
    let what = Sound { rate: file.rate, channels: file.channels, language, live };
    let dictation = app.desk.start_dictation(account, into, what).await.map_err(voice)?;
    let mut words = Live::new(&app.out, &app.out.say("voice-hearing", &[]));
    let heard = async || dictation.next().await;
    let read = async {
        while let Some(samples) = file.sound().map_err(sound)? {
            dictation.push(bytes(&samples)).map_err(voice)?;
            dictation.room().await;
        }
        Ok(())
    };
    if let Err(stop) = words.while_waiting(heard, read).await {
        // The file is the person's and still there: half of it is not what they meant to say.
        dictation.cancel().await.map_err(voice)?;
        return Err(stop);
    }
    let draft = words.while_waiting(heard, dictation.stop()).await.map_err(voice)?;
    drop(words);
    transcribe::report(app, path, file.trouble());
    Ok(draft)
}

#[cfg(not(feature = "microphone"))]
async fn from_microphone(
    app: &App,
    _: Option<String>,
    _: DictateInto,
    _: Option<String>,
) -> Result<DraftView, Stop> {
    Err(Stop::failed(app.out.say("voice-no-microphone-built", &[])))
}

#[cfg(feature = "microphone")]
async fn from_microphone(
    app: &App,
    account: Option<String>,
    into: DictateInto,
    language: Option<String>,
) -> Result<DraftView, Stop> {
    use crate::{failure::clause, sound::microphone::Microphone};
    let name = app.out.say("voice-microphone", &[]);
    let voice = |error: VoiceError| Stop::voice(&app.out.texts, error, &name);
    let trouble =
        |reason| Stop::failed(app.out.say("voice-no-microphone", &[("reason", clause(reason).into())]));
    let mut microphone = Some(Microphone::open().map_err(trouble)?);
    let (rate, channels) = microphone.as_ref().map_or((0, 0), |open| (open.rate, open.channels));
    let live = app.out.watched && !app.out.json;
    let what = Sound { rate, channels, language, live };
    let dictation = app.desk.start_dictation(account, into, what).await.map_err(voice)?;
    app.out.note(&app.out.say("voice-speak", &[]));
    let mut words = Live::new(&app.out, "");
    let heard = async || dictation.next().await;
    let mut enter = std::pin::pin!(crate::input::line());
    loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {
                words.clear();
                dictation.cancel().await.map_err(voice)?;
                return Err(Stop::failed(app.out.say("voice-forgotten", &[])));
            }
            _ = &mut enter => break,
            sound = next_of(&mut microphone) => match sound.map(|samples| dictation.push(bytes(&samples))) {
                Ok(Ok(())) => {}
                // An hour is full, or the device was taken away: what was said until then is kept. Enter is waited
                // for all the same: it would answer the next question.
                Ok(Err(VoiceError::BadAudio { reason })) | Err(reason) => {
                    app.out.note(&app.out.say("voice-microphone-gone", &[("reason", clause(reason).into())]));
                    microphone = None;
                }
                Ok(Err(error)) => return Err(voice(error)),
            },
            () = words.next(heard) => {}
        }
    }
    drop(microphone);
    let id = dictation.id();
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {
            words.clear();
            Err(Stop::failed(app.out.say("voice-stopped", &[("id", id.into())])))
        }
        draft = words.while_waiting(heard, dictation.stop()) => draft.map_err(voice),
    }
}

/// The next sound of a microphone that is still there.
#[cfg(feature = "microphone")]
async fn next_of(microphone: &mut Option<crate::sound::microphone::Microphone>) -> Result<Vec<i16>, String> {
    match microphone {
        Some(microphone) => microphone.next().await.unwrap_or_else(|| Err("it was closed".to_owned())),
        None => std::future::pending().await,
    }
}

/// Shows the draft; what was not heard well is marked.
pub fn show(app: &App, draft: &DraftView) -> Result<(), Stop> {
    let out = &app.out;
    if out.json {
        return out.object(&json!({ "id": draft.id, "draft": shapes::spoken(draft) }));
    }
    if !draft.subject.is_empty() {
        out.line(&out.tone(Tone::Bold, &draft.subject))?;
    }
    let spoken = draft.spoken.as_ref();
    if !draft.text.is_empty() {
        out.line(&marked(app, &draft.text, spoken))?;
    }
    if spoken.is_some_and(|spoken| spoken.words_later) {
        out.note(&out.say("voice-words-later", &[("id", draft.id.as_str().into())]));
    }
    for (key, guess) in guesses(spoken) {
        out.line(&out.tone(Tone::Quiet, &out.say(key, &[("name", guess.into())])))?;
    }
    for file in &draft.attachments {
        out.line(&out.tone(Tone::Quiet, &format!("+ {}  {}", file.name, out.size(file.size))))?;
    }
    out.line(&out.tone(Tone::Quiet, &draft.id))
}

fn guesses(spoken: Option<&SpokenView>) -> Vec<(&'static str, &str)> {
    let Some(spoken) = spoken else { return Vec::new() };
    [
        ("voice-guess-type", &spoken.request_type),
        ("voice-guess-service", &spoken.service),
        ("voice-guess-site", &spoken.site),
        ("voice-guess-urgency", &spoken.urgency),
    ]
    .into_iter()
    .filter_map(|(key, guess)| Some((key, guess.as_ref()?.name.as_str())))
    .collect()
}

/// The text with doubtful words in the colour of what waits, and in square brackets where there are no colours.
fn marked(app: &App, text: &str, spoken: Option<&SpokenView>) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut marked = String::new();
    let mut at = 0;
    for word in spoken.into_iter().flat_map(|spoken| &spoken.uncertain) {
        let (from, length) = (word.at as usize, word.text.chars().count());
        if from < at || from + length > letters.len() {
            continue;
        }
        marked.extend(&letters[at..from]);
        let coloured = app.out.tone(Tone::Wait, &word.text);
        marked.push_str(&if coloured == word.text { format!("[{coloured}]") } else { coloured });
        at = from + length;
    }
    marked.extend(&letters[at..]);
    marked
}

/// The person looks, and says what becomes of it.
async fn ask(app: &App, mut draft: DraftView) -> Outcome {
    loop {
        show(app, &draft)?;
        let has_recording = draft.spoken.as_ref().is_some_and(|spoken| spoken.recording.is_some());
        let question = if has_recording { "voice-ask" } else { "voice-ask-without" };
        match app.typed(&app.out.say(question, &[])).await.as_deref().map(str::to_lowercase).as_deref() {
            Some("s") => {
                let draft = titled(app, draft).await?;
                return drafts::send_draft(app, &draft).await;
            }
            Some("e") => draft = edited(app, draft).await?,
            Some("r") if has_recording => draft = without_recording(app, draft).await?,
            Some("d") => {
                app.desk
                    .delete_draft(Some(draft.account.clone()), draft.id.clone())
                    .await
                    .map_err(|error| app.stop(error, &draft.id))?;
                app.out.line(&app.out.say("terminal-discarded", &[]))?;
                return Ok(exit::DONE);
            }
            // The end of input too: what was said is kept.
            Some("k") | None => {
                app.out.note(&app.out.say("voice-kept", &[("id", draft.id.as_str().into())]));
                return Ok(exit::DONE);
            }
            Some(_) => {}
        }
    }
}

/// A ticket whose words come later has to be called something.
async fn titled(app: &App, draft: DraftView) -> Result<DraftView, Stop> {
    if draft.ticket.is_some() || !draft.subject.trim().is_empty() {
        return Ok(draft);
    }
    let subject = app.out.say("voice-subject", &[]);
    let text = draft.text.clone();
    save(app, &draft, subject, text).await
}

async fn edited(app: &App, draft: DraftView) -> Result<DraftView, Stop> {
    let (hint, before) = match draft.ticket {
        None => ("terminal-hint-new", format!("{}\n{}", draft.subject, draft.text)),
        Some(_) => ("terminal-hint-reply", draft.text.clone()),
    };
    let mut words = app.words(&app.out.say(hint, &[]), &before)?;
    let (subject, text) = match draft.ticket {
        None => words.subject_and_rest(),
        Some(_) => (String::new(), words.text.clone()),
    };
    let saved = save(app, &draft, subject, text).await;
    words.keep_on(app, saved)
}

async fn without_recording(app: &App, mut draft: DraftView) -> Result<DraftView, Stop> {
    let recording = draft.spoken.as_ref().and_then(|spoken| spoken.recording.clone());
    let Some(recording) = recording else { return Ok(draft) };
    draft.attachments.retain(|file| file.id != recording);
    let (subject, text) = (draft.subject.clone(), draft.text.clone());
    let saved = save(app, &draft, subject, text).await?;
    let account = Some(draft.account.clone());
    app.desk.detach(account, recording.clone()).await.map_err(|error| app.stop(error, &recording))?;
    Ok(saved)
}

async fn save(app: &App, draft: &DraftView, subject: String, text: String) -> Result<DraftView, Stop> {
    let new = NewDraft {
        id: Some(draft.id.clone()),
        ticket: draft.ticket.clone(),
        subject,
        text,
        attachments: draft.attachments.iter().map(|file| file.id.clone()).collect(),
    };
    let saved = app.desk.save_draft(Some(draft.account.clone()), new).await;
    saved.map_err(|error| app.stop(error, &draft.id))
}
