//! One module a family of commands.

mod accounts;
mod drafts;
mod files;
mod models;
mod outbox;
mod read;
mod recordings;
mod say;
mod sign_in;
mod sync;
mod transcribe;
mod watch;
mod write;

use crate::{app::App, args::Command, failure::Outcome};

/// Does what was typed.
pub async fn run(app: &App, command: Command) -> Outcome {
    match command {
        Command::SignIn { url, email, code, bind, leave } => {
            sign_in::run(app, &url, &email, code, sign_in::unbound(bind, leave)).await
        }
        Command::New { subject, description, attach, draft } => {
            write::new(app, subject, description, &attach, draft).await
        }
        Command::List { status, unread, mine, limit } => read::list(app, status, unread, mine, limit).await,
        Command::Show { id, history } => read::show(app, &id, history).await,
        Command::Comment { id, text, attach, draft } => write::comment(app, &id, text, &attach, draft).await,
        Command::Attach { id, files } => files::attach(app, &id, &files).await,
        Command::Open { id, file, to } => files::open(app, &id, file.as_deref(), to).await,
        Command::Rate { id, value, comment } => write::rate(app, &id, value, comment).await,
        Command::Confirm { id } => write::confirm(app, &id).await,
        Command::Reopen { id, text } => write::reopen(app, &id, text).await,
        Command::Withdraw { id, text } => write::withdraw(app, &id, text).await,
        Command::Read { id } => write::mark(app, &id, true).await,
        Command::Unread { id } => write::mark(app, &id, false).await,
        Command::Participants { what } => write::participants(app, what).await,
        Command::Search { query, newest, limit } => read::search(app, &query, newest, limit).await,
        Command::Drafts { what } => drafts::run(app, what).await,
        Command::Outbox { what } => outbox::run(app, what).await,
        Command::Say(args) => say::run(app, args).await,
        Command::Recordings { what } => recordings::run(app, what).await,
        Command::Models { what } => models::run(app, what).await,
        Command::Transcribe { files, language } => transcribe::run(app, &files, language).await,
        Command::Sync { within } => sync::run(app, within).await,
        Command::Watch { id } => watch::run(app, id.as_deref()).await,
        Command::Export { dir } => accounts::export(app, &dir).await,
        Command::Report => accounts::report(app).await,
        Command::Accounts => accounts::list(app).await,
        Command::Devices { what } => accounts::devices(app, what).await,
        Command::SignOut { force } => accounts::sign_out(app, force).await,
    }
}

/// The one of `all` whose id is, or begins with, `reference`.
fn one<'a, T>(
    app: &App,
    all: &'a [T],
    id: impl Fn(&T) -> &str,
    what: &str,
    reference: &str,
) -> Result<&'a T, crate::failure::Stop> {
    use pocketdesk_ffi::DeskError;
    if let Some(exact) = all.iter().find(|item| id(item) == reference) {
        return Ok(exact);
    }
    let fitting: Vec<_> =
        all.iter().filter(|item| !reference.is_empty() && id(item).starts_with(reference)).collect();
    match fitting.as_slice() {
        [item] => Ok(item),
        [] => Err(app.stop(DeskError::NotFound { what: what.to_owned() }, reference)),
        several => {
            let candidates = several.iter().take(10).map(|item| id(item).to_owned()).collect();
            Err(app.stop(DeskError::Ambiguous { what: what.to_owned(), candidates }, reference))
        }
    }
}
