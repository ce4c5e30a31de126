//! Speech models: what this computer has, and what the company offers.

use pocketdesk_ffi::{
    DeskError,
    dictation::{SpeechModelState, SpeechModelView},
};
use serde_json::json;

use crate::{
    app::App,
    args::Models,
    failure::{Outcome, Stop, exit},
    output::{Cell, Table, Tone, json as shapes, progress::Progress},
};

pub async fn run(app: &App, what: Option<Models>) -> Outcome {
    match what {
        None | Some(Models::List) => list(app).await,
        Some(Models::Fetch { model }) => fetch(app, model).await,
        Some(Models::Remove { model }) => remove(app, &model).await,
    }
}

async fn list(app: &App) -> Outcome {
    let asked = app.desk.speech_models(app.account(), !app.setup.offline).await;
    let desk_asked = asked.is_ok() && !app.setup.offline;
    let models = match asked {
        Ok(models) => models,
        Err(why) => {
            // Who has no desk yet, or one that has no models, sees what is here; others learn why that is all.
            if !matches!(why, DeskError::SignedOut | DeskError::NotFound { .. })
                && let Stop::Failed { sentence, .. } = app.stop(why, "")
            {
                app.out.note(&sentence);
            }
            app.desk.speech_models(None, false).await.map_err(|error| app.stop(error, ""))?
        }
    };
    if app.out.json {
        models.iter().try_for_each(|model| app.out.object(&shapes::speech_model(model)))?;
        return Ok(exit::DONE);
    }
    let mut table = Table::new(1);
    for model in &models {
        table.row(vec![
            Cell::new(Tone::Plain, &model.id),
            Cell::new(tone(model), state(app, model)),
            Cell::new(Tone::Quiet, app.out.size(model.bytes)),
            Cell::new(Tone::Quiet, model.languages.join(" ")),
        ]);
    }
    table.print(&app.out)?;
    if models.is_empty() {
        let key = if desk_asked { "voice-no-models" } else { "voice-no-models-here" };
        app.out.line(&app.out.say(key, &[]))?;
    }
    // A developer's own are used as long as there is none of the company's.
    if let Some(dir) = app.setup.models.as_ref().filter(|dir| dir.is_dir()) {
        app.out.note(&app.out.say("voice-models-beside", &[("path", dir.display().to_string().into())]));
    }
    Ok(exit::DONE)
}

fn tone(model: &SpeechModelView) -> Tone {
    match model.state {
        SpeechModelState::Ready | SpeechModelState::Superseded => Tone::Done,
        SpeechModelState::Fetching => Tone::Moves,
        SpeechModelState::Stopped => Tone::Wait,
        SpeechModelState::Offered => Tone::Quiet,
    }
}

fn state(app: &App, model: &SpeechModelView) -> String {
    let key = match (model.state, model.recommended) {
        (SpeechModelState::Offered, true) => "voice-model-recommended",
        (state, _) => return app.out.say(&format!("voice-model-{}", shapes::model_state(state)), &[]),
    };
    app.out.say(key, &[])
}

async fn fetch(app: &App, model: Option<String>) -> Outcome {
    let name = model.clone().unwrap_or_default();
    let progress = Progress::of_models(&app.desk, &app.out);
    let fetched = app.desk.fetch_speech_model(app.account(), model, true);
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {
            for model in app.desk.speech_models(None, false).await.unwrap_or_default() {
                app.desk.cancel_speech_model(model.id);
            }
            return Err(Stop::failed(app.out.say("voice-model-cancelled", &[])));
        }
        done = progress.during(fetched) => done.map_err(|error| app.stop(error, &name))?,
    }
    let models = app.desk.speech_models(None, false).await.map_err(|error| app.stop(error, ""))?;
    let meant = |model: &SpeechModelView| if name.is_empty() { model.recommended } else { model.id == name };
    let ready = models.into_iter().find(|model| model.state == SpeechModelState::Ready && meant(model));
    let ready =
        ready.ok_or_else(|| app.stop(DeskError::NotFound { what: "speech model".to_owned() }, &name))?;
    if app.out.json {
        app.out.object(&shapes::speech_model(&ready))?;
    } else {
        app.out.line(&app.out.say("voice-model-fetched", &[("id", ready.id.into())]))?;
    }
    Ok(exit::DONE)
}

async fn remove(app: &App, model: &str) -> Outcome {
    app.desk.remove_speech_model(model.to_owned()).await.map_err(|error| app.stop(error, model))?;
    if app.out.json {
        app.out.object(&json!({"id": model}))?;
    } else {
        app.out.line(&app.out.say("voice-model-removed", &[("id", model.into())]))?;
    }
    Ok(exit::DONE)
}
