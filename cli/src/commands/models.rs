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
    // Who is offline, or has no desk yet, sees what is here.
    let asked = match app.setup.offline {
        true => None,
        false => app.desk.speech_models(app.account(), true).await.ok(),
    };
    let models = match asked {
        Some(models) => models,
        None => app.desk.speech_models(None, false).await.map_err(|error| app.stop(error, ""))?,
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
        app.out.line(&app.out.say("voice-no-models", &[]))?;
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
    let account = app.account();
    let progress = Progress::of(&app.desk, None, &app.out);
    let fetched = async {
        app.desk.speech_models(account.clone(), true).await?;
        app.desk.fetch_speech_model(account.clone(), model, true).await
    };
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
    let ready = models.into_iter().find(|model| model.state == SpeechModelState::Ready);
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
