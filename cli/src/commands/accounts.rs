//! Accounts, devices, leaving, and taking everything along.

use std::path::Path;

use serde_json::json;

use super::one;
use crate::{
    app::App,
    args::Devices,
    failure::{Outcome, Stop, exit},
    output::{Cell, Table, Tone, json},
};

pub async fn list(app: &App) -> Outcome {
    let accounts = app.desk.accounts().await.map_err(|error| app.stop(error, ""))?;
    let mut table = Table::new(2);
    for account in &accounts {
        if app.out.json {
            app.out.object(&json::account(account))?;
            continue;
        }
        let (tone, state) = app.out.account_state(account);
        table.row(vec![
            Cell::new(Tone::Bold, if account.person.is_empty() { &account.email } else { &account.person }),
            Cell::new(Tone::Plain, if account.person.is_empty() { "" } else { &account.email }),
            Cell::new(Tone::Plain, &account.desk),
            Cell::new(Tone::Quiet, &account.server),
            Cell::new(tone, state),
        ]);
    }
    table.print(&app.out)?;
    Ok(exit::DONE)
}

pub async fn report(app: &App) -> Outcome {
    let report = app.desk.report().await.map_err(|error| app.stop(error, ""))?;
    for line in &report.lines {
        if app.out.json {
            app.out.object(&json!({"name": line.name, "value": line.value}))?;
        } else {
            app.out.line(&format!("{}: {}", line.name, line.value))?;
        }
    }
    Ok(exit::DONE)
}

pub async fn devices(app: &App, what: Option<Devices>) -> Outcome {
    let account = app.the_account().await?.account;
    let devices = app.desk.devices(account.clone()).await.map_err(|error| app.stop(error, ""))?;
    if let Some(Devices::End { device }) = what {
        let session = &one(app, &devices, |device| &device.session, "session", &device)?.session;
        app.desk.end_device(account, session.clone()).await.map_err(|error| app.stop(error, &device))?;
        if app.out.json {
            app.out.object(&json!({"device": session}))?;
        } else {
            app.out.line(&app.out.say("terminal-device-ended", &[]))?;
        }
        return Ok(exit::DONE);
    }
    let mut table = Table::new(1);
    for device in &devices {
        if app.out.json {
            app.out.object(&json::device(device))?;
            continue;
        }
        let here = if device.current { app.out.say("terminal-this-device", &[]) } else { String::new() };
        table.row(vec![
            Cell::new(Tone::Quiet, &device.session),
            Cell::new(Tone::Plain, &device.device),
            Cell::new(Tone::Quiet, app.out.time(device.used_at)),
            Cell::new(Tone::Done, here),
        ]);
    }
    table.print(&app.out)?;
    Ok(exit::DONE)
}

pub async fn sign_out(app: &App, force: bool) -> Outcome {
    let account = app.the_account().await?;
    let left = app
        .desk
        .sign_out(account.account.clone(), force)
        .await
        .map_err(|error| app.stop(error, &account.email))?;
    if app.out.json {
        app.out.object(&json!({"ops": left.ops, "files": left.files, "drafts": left.drafts}))?;
    } else {
        app.out.line(&app.out.say("terminal-signed-out", &[]))?;
        if !left.is_empty() {
            let unsent = app.out.say(
                "unsent",
                &[("ops", left.ops.into()), ("files", left.files.into()), ("drafts", left.drafts.into())],
            );
            app.out.line(&app.out.say("terminal-left-behind", &[("unsent", unsent.into())]))?;
        }
    }
    Ok(exit::DONE)
}

pub async fn export(app: &App, dir: &Path) -> Outcome {
    let account = app.the_account().await?;
    let path = dir.display().to_string();
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Stop::failed(app.out.say("terminal-export-taken", &[("path", path.into())])));
    }
    let report =
        app.desk.export(account.account, path.clone()).await.map_err(|error| app.stop(error, &path))?;
    if app.out.json {
        app.out.object(&json!({
            "tickets": report.tickets, "comments": report.comments, "unsent": report.unsent,
            "files": report.files, "missing": report.missing,
        }))?;
        return Ok(exit::DONE);
    }
    app.out.line(&app.out.say(
        "terminal-exported",
        &[
            ("path", path.into()),
            ("tickets", report.tickets.into()),
            ("comments", report.comments.into()),
            ("files", report.files.into()),
            ("unsent", report.unsent.into()),
        ],
    ))?;
    for name in &report.missing {
        let name = crate::output::clean(name);
        app.out.line(&app.out.say("terminal-export-missing", &[("name", name.into())]))?;
    }
    Ok(exit::DONE)
}
