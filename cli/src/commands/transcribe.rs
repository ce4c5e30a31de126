//! Recordings into text: of no account, and with no connection.

use std::path::{Path, PathBuf};

use pocketdesk_ffi::{VoiceError, dictation::Transcript, model::Sound};

use crate::{
    app::App,
    failure::{Outcome, Stop, exit},
    output::{json, live::Live},
    sound::{
        bytes,
        file::{SoundFile, Trouble},
    },
};

pub async fn run(app: &App, files: &[PathBuf], language: Option<String>) -> Outcome {
    let mut code = exit::DONE;
    for file in files {
        let heard = hear(app, file, language.clone()).await;
        match heard {
            Ok((transcript, trouble)) => {
                report(app, file, trouble);
                show(app, (files.len() > 1).then_some(file), &transcript)?;
            }
            // One recording that cannot be heard keeps none of the others from it.
            Err(Stop::Failed { code: failed, sentence }) if files.len() > 1 => {
                app.out.note(&sentence);
                code = failed;
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(code)
}

/// Reads all of a file into words.
async fn hear(app: &App, path: &Path, language: Option<String>) -> Result<(Transcript, Trouble), Stop> {
    let name = path.display().to_string();
    let voice = |error: VoiceError| Stop::voice(&app.out.texts, error, &name);
    let sound = |error| Stop::sound(&app.out.texts, path, &error);
    let mut file = SoundFile::open(path).map_err(sound)?;
    let what = Sound { rate: file.rate, channels: file.channels, language, live: false };
    let transcription = app.desk.start_transcription(what).map_err(voice)?;
    let mut words = Live::new(&app.out, &app.out.say("voice-hearing", &[]));
    let work = async {
        while let Some(samples) = file.sound().map_err(sound)? {
            match transcription.push(bytes(&samples)) {
                // It gave up; why is what `finish` says.
                Err(VoiceError::Ended) => break,
                pushed => pushed.map_err(voice)?,
            }
            transcription.room().await;
        }
        transcription.finish().await.map_err(voice)
    };
    let transcript = words.while_waiting(async || transcription.next().await, work).await?;
    Ok((transcript, file.trouble()))
}

/// Says what of a recording could not be heard.
pub fn report(app: &App, path: &Path, trouble: Trouble) {
    let name = || [("name", path.display().to_string().into())];
    if trouble.cut {
        app.out.note(&app.out.say("voice-sound-cut", &name()));
    }
    if trouble.damaged {
        app.out.note(&app.out.say("voice-sound-damaged-in-part", &name()));
    }
}

fn show(app: &App, heading: Option<&PathBuf>, transcript: &Transcript) -> Result<(), Stop> {
    let out = &app.out;
    let name = heading.map(|path| path.display().to_string());
    if out.json {
        return out.object(&json::transcript(name.as_deref(), transcript));
    }
    if let Some(name) = name {
        out.line(&out.tone(crate::output::Tone::Bold, &name))?;
    }
    if transcript.segments.is_empty() {
        out.note(&out.say("voice-nobody-spoke", &[]));
        return Ok(());
    }
    for segment in &transcript.segments {
        out.line(&segment.text)?;
    }
    Ok(())
}
