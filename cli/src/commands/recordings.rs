//! Recordings whose words are in no draft yet: cut ones, and those that wait for a speech model.

use pocketdesk_domain::model::RecordingView;
use serde_json::json;

use super::{one, say};
use crate::{
    app::App,
    args::Recordings,
    failure::{Outcome, Stop, exit},
    output::{Cell, Table, Tone, json as shapes, live::Live},
};

pub async fn run(app: &App, what: Option<Recordings>) -> Outcome {
    match what {
        None | Some(Recordings::List) => list(app).await,
        Some(Recordings::Hear { recording }) => hear(app, &recording).await,
        Some(Recordings::Discard { recording }) => discard(app, &recording).await,
    }
}

async fn all(app: &App) -> Result<Vec<RecordingView>, Stop> {
    app.desk.recordings(app.account()).await.map_err(|error| app.stop(error, ""))
}

async fn list(app: &App) -> Outcome {
    let recordings = all(app).await?;
    if app.out.json {
        recordings.iter().try_for_each(|recording| app.out.object(&shapes::recording(recording)))?;
        return Ok(exit::DONE);
    }
    if recordings.is_empty() {
        app.out.line(&app.out.say("voice-no-recordings", &[]))?;
    }
    let mut table = Table::new(1);
    for recording in &recordings {
        let state = if recording.cut { "voice-state-cut" } else { "voice-state-waiting" };
        let seconds = recording.duration_ms / 1_000;
        table.row(vec![
            Cell::new(Tone::Quiet, &recording.id),
            Cell::new(Tone::Plain, app.out.say(state, &[("seconds", seconds.into())])),
            Cell::new(Tone::Quiet, app.out.time(recording.started_at)),
        ]);
    }
    table.print(&app.out)?;
    Ok(exit::DONE)
}

async fn hear(app: &App, reference: &str) -> Outcome {
    let recordings = all(app).await?;
    let recording = one(app, &recordings, |recording| &recording.id, "recording", reference)?;
    let hearing = Live::new(&app.out, &app.out.say("voice-hearing", &[]));
    let draft = app
        .desk
        .hear_recording(Some(recording.account.clone()), recording.id.clone())
        .await
        .map_err(|error| Stop::voice(&app.out.texts, error, reference))?;
    drop(hearing);
    say::show(app, &draft)?;
    Ok(exit::DONE)
}

async fn discard(app: &App, reference: &str) -> Outcome {
    let recordings = all(app).await?;
    let recording = one(app, &recordings, |recording| &recording.id, "recording", reference)?;
    app.desk
        .delete_draft(Some(recording.account.clone()), recording.id.clone())
        .await
        .map_err(|error| app.stop(error, reference))?;
    if app.out.json {
        app.out.object(&json!({"id": recording.id}))?;
    } else {
        app.out.line(&app.out.say("terminal-discarded", &[]))?;
    }
    Ok(exit::DONE)
}
