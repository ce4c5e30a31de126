//! Sending what waits and loading what is new, on the person's word.

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
    if !report.reached {
        return Err(Stop::unreachable(&app.out.texts, app.setup.offline));
    }
    Ok(if report.attention > 0 { exit::ATTENTION } else { exit::DONE })
}
