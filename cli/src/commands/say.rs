//! Speaking instead of typing: words appear while somebody speaks (or a file is read); what comes of it is a draft that
//! the person looks at. It goes out when they say so, and never by itself.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use pocketdesk_domain::model::{DictateInto, DraftView, HeardView, NewDraft, Sound, SpokenView};
use pocketdesk_ffi::{Dictation, VoiceError};
use serde_json::json;

use super::{drafts, transcribe};
use crate::{
    app::App,
    args::Say,
    failure::{Outcome, Stop, exit},
    output::{Tone, json as shapes},
    sound::file::SoundFile,
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
    let mut words = Live::new(app);
    loop {
        let samples = match file.sound() {
            Ok(Some(samples)) => samples,
            Ok(None) => break,
            Err(error) => {
                // The file is the person's and still there: half of it is not what they meant to say.
                dictation.cancel().await.map_err(voice)?;
                return Err(sound(error));
            }
        };
        dictation.push(bytes(&samples)).map_err(voice)?;
        words.while_waiting(&dictation, dictation.room()).await;
    }
    let draft = words.while_waiting(&dictation, dictation.stop()).await.map_err(voice)?;
    transcribe::report(app, path, file.trouble());
    Ok(draft)
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
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
    use crate::sound::microphone::Microphone;
    let voice = |error: VoiceError| Stop::voice(&app.out.texts, error, "");
    let trouble =
        |reason: String| Stop::failed(app.out.say("voice-no-microphone", &[("reason", reason.into())]));
    let mut microphone = Microphone::open().map_err(trouble)?;
    let live = app.out.watched && !app.out.json;
    let what = Sound { rate: microphone.rate, channels: microphone.channels, language, live };
    let dictation = app.desk.start_dictation(account, into, what).await.map_err(voice)?;
    app.out.note(&app.out.say("voice-speak", &[]));
    let mut words = Live::new(app);
    let mut enter = std::pin::pin!(entered());
    loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {
                words.clear();
                dictation.cancel().await.map_err(voice)?;
                return Err(Stop::failed(app.out.say("voice-forgotten", &[])));
            }
            () = &mut enter => break,
            sound = microphone.next() => match sound {
                Some(Ok(samples)) => dictation.push(bytes(&samples)).map_err(voice)?,
                // The device was taken away: what was said until then is kept.
                Some(Err(reason)) => {
                    app.out.note(&app.out.say("voice-microphone-gone", &[("reason", reason.into())]));
                    break;
                }
                None => break,
            },
            () = words.next(&dictation) => {}
        }
    }
    drop(microphone);
    words.while_waiting(&dictation, dictation.stop()).await.map_err(voice)
}

/// Ends with the person's Enter, or the end of stdin.
#[cfg(feature = "microphone")]
#[allow(
    clippy::disallowed_methods,
    reason = "a key is waited for beside the microphone; the core has no part in it"
)]
async fn entered() {
    let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    // The one way this fails is that nobody can type.
    let _ = line.await;
}

/// Words on a terminal's stderr while somebody speaks; scripts see nothing of them.
struct Live {
    bar: Option<ProgressBar>,
    ended: bool,
}

impl Live {
    fn new(app: &App) -> Self {
        let bar = (app.out.watched && !app.out.json).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(
                ProgressStyle::with_template("{wide_msg}").unwrap_or(ProgressStyle::default_spinner()),
            );
            bar
        });
        Self { ended: bar.is_none(), bar }
    }

    /// Draws what is heard next; never ends once nothing more is heard.
    async fn next(&mut self, dictation: &Dictation) {
        if !self.ended
            && let Some(heard) = dictation.next().await
        {
            self.draw(&heard);
            return;
        }
        self.ended = true;
        std::future::pending().await
    }

    /// Waits for `work`, drawing meanwhile.
    async fn while_waiting<T>(&mut self, dictation: &Dictation, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.next(dictation) => {}
            }
        }
    }

    fn draw(&self, heard: &HeardView) {
        let Some(bar) = &self.bar else { return };
        let pale = console::style(&heard.tentative).for_stderr().dim();
        let line = format!("{} {} {pale}", heard.text, heard.stable);
        // The newest words stay in view.
        let width = usize::from(console::Term::stderr().size().1).saturating_sub(2);
        let over = console::measure_text_width(&line).saturating_sub(width);
        let line =
            if over > 0 { console::strip_ansi_codes(&line).chars().skip(over).collect() } else { line };
        bar.set_message(line);
        bar.tick();
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
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
        out.note(&out.say("voice-words-later", &[]));
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
        match app.typed(&app.out.say(question, &[])).as_deref().map(str::to_lowercase).as_deref() {
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
