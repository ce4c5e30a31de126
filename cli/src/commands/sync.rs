//! Sending what waits and loading what is new, on the person's word.

use pocketdesk_domain::model::{AccountView, SyncState};
use serde_json::json;

use crate::{
    app::App,
    failure::{Outcome, Stop, exit},
    output::progress::Progress,
};

pub async fn run(app: &App, within: u64) -> Outcome {
    let progress = Progress::of(&app.desk, app.account(), &app.out);
    let sync = progress.during(app.desk.sync_now(app.account(), within.saturating_mul(1_000)));
    let report = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {
            return Err(Stop::failed(app.out.say("terminal-stopped-saved", &[])));
        }
        report = sync => report.map_err(|error| app.stop(error, ""))?,
    };
    if app.out.json {
        app.out.object(&json!({
            "pushed": report.pushed, "pulled": report.pulled,
            "waiting": report.waiting, "attention": report.attention,
        }))?;
    } else {
        app.out.line(
            &app.out.say(
                "terminal-synced",
                &[("pushed", report.pushed.into()), ("pulled", report.pulled.into())],
            ),
        )?;
        if report.waiting > 0 {
            app.out.line(&app.out.say("terminal-waiting", &[("count", report.waiting.into())]))?;
        }
        if report.attention > 0 {
            app.out.line(&app.out.say("terminal-needs-you", &[("count", report.attention.into())]))?;
        }
    }
    let paused = paused(app).await?;
    match (report.reached, paused) {
        // The desk answered, and that it will not go on is news for the person.
        (true, Some(sentence)) => Err(Stop::Failed { code: exit::ATTENTION, sentence }),
        (false, Some(sentence)) => Err(Stop::failed(sentence)),
        (false, None) => Err(Stop::unreachable(&app.out.texts, app.setup.offline)),
        (true, None) if report.attention > 0 => Ok(exit::ATTENTION),
        (true, None) => Ok(exit::DONE),
    }
}

/// Why nothing goes until the person does something, if no account of those asked for can go on.
async fn paused(app: &App) -> Result<Option<String>, Stop> {
    let mut accounts = app.desk.accounts().await.map_err(|error| app.stop(error, ""))?;
    if app.account().is_some() {
        let the = app.the_account().await?;
        accounts.retain(|account| account.account == the.account);
    }
    let stands = |account: &AccountView| matches!(account.sync, SyncState::Paused { .. });
    if accounts.iter().any(|account| !stands(account)) {
        return Ok(None);
    }
    // Nobody ever signed in here.
    let nobody = || app.out.say("trouble-signed-out", &[]);
    let bound = accounts.iter().find(|account| !account.server.is_empty());
    Ok(Some(bound.map_or_else(nobody, |account| format!("{}.", app.out.account_state(account).1))))
}
