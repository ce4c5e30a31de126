//! Signing in with a code from a mail: in one go on a terminal, in two processes without one.

use pocketdesk_domain::model::AccountView;
use pocketdesk_ffi::{SignInError, Unbound};
use serde_json::json;

use crate::{
    app::App,
    failure::{Outcome, Stop, exit},
};

/// What becomes of words filed before any sign-in.
pub fn unbound(bind: bool, leave: bool) -> Unbound {
    match (bind, leave) {
        (true, _) => Unbound::Bind,
        (_, true) => Unbound::Leave,
        _ => Unbound::Ask,
    }
}

pub async fn run(app: &App, url: &str, email: &str, code: Option<String>, unbound: Unbound) -> Outcome {
    let stop = |error| Stop::sign_in(&app.out.texts, error, url, email);
    if let Some(code) = code {
        let account = finish(app, url, email, &code, unbound).await?.map_err(stop)?;
        return welcome(app, &account).await;
    }
    let asked = app.desk.start_sign_in(url.to_owned(), email.to_owned()).await.map_err(stop)?;
    let minutes = asked.expires_in_s.div_ceil(60);
    let sent = app.out.say("terminal-code-sent", &[("email", email.into()), ("minutes", minutes.into())]);
    if !app.setup.typed || app.out.json {
        if app.out.json {
            app.out.object(&json!({
                "server": asked.server, "email": asked.email, "expires_in_s": asked.expires_in_s,
            }))?;
        } else {
            app.out.line(&sent)?;
        }
        let command = format!("pocketdesk sign-in {url} --email {email} --code …");
        app.out.note(&app.out.say("terminal-code-finish", &[("command", command.into())]));
        return Ok(exit::DONE);
    }
    app.out.note(&sent);
    loop {
        let Some(code) = app.typed(&app.out.say("terminal-code-ask", &[])).await else {
            return Err(Stop::failed(app.out.say("terminal-stopped", &[])));
        };
        if code.is_empty() {
            continue;
        }
        match finish(app, url, email, &code, unbound).await? {
            Ok(account) => return welcome(app, &account).await,
            Err(error @ (SignInError::WrongCode { .. } | SignInError::Invalid { .. })) => {
                if let Stop::Failed { sentence, .. } = stop(error) {
                    app.out.note(&sentence);
                }
            }
            Err(error) => return Err(stop(error)),
        }
    }
}

/// Ends the sign-in; where words wait that were filed before it, a person at a terminal is asked.
async fn finish(
    app: &App,
    url: &str,
    email: &str,
    code: &str,
    unbound: Unbound,
) -> Result<Result<AccountView, SignInError>, Stop> {
    let end = |unbound| app.desk.finish_sign_in(url.to_owned(), email.to_owned(), code.to_owned(), unbound);
    match end(unbound).await {
        Err(SignInError::ChooseUnbound) if app.setup.typed && !app.out.json => {
            let question = app.out.say("terminal-bind-ask", &[("email", email.into())]);
            let yes = app.out.say("terminal-yes", &[]);
            let answer = app
                .typed(&question)
                .await
                .ok_or_else(|| Stop::failed(app.out.say("terminal-stopped", &[])))?
                .to_lowercase();
            let bind = !answer.is_empty() && (yes.starts_with(&answer) || "yes".starts_with(&answer));
            Ok(end(if bind { Unbound::Bind } else { Unbound::Leave }).await)
        }
        ended => Ok(ended),
    }
}

/// The first rows, so that `list` has something to show, and what waited goes out.
async fn welcome(app: &App, account: &AccountView) -> Outcome {
    app.settle(&account.account).await;
    if app.out.json {
        app.out.object(&json!({
            "account": account.account, "person": account.person, "email": account.email,
            "desk": account.desk, "server": account.server,
        }))?;
    } else {
        let who = if account.person.is_empty() { &account.email } else { &account.person };
        app.out.line(
            &app.out.say("terminal-welcome", &[("person", who.into()), ("desk", (&account.desk).into())]),
        )?;
    }
    Ok(exit::DONE)
}
