//! Files in and out.

use std::path::{Path, PathBuf};

use pocketdesk_domain::model::{AttachmentView, TicketView};
use pocketdesk_ffi::{DeskError, Source};
use serde_json::json;

use super::{one, write};
use crate::{
    app::{App, code},
    failure::{Outcome, Stop, exit},
    output::{clean, progress::Progress},
};

/// Takes files in, all or none, and answers their ids.
pub async fn stage(app: &App, paths: &[PathBuf]) -> Result<Vec<String>, Stop> {
    let mut staged: Vec<String> = Vec::new();
    for path in paths {
        let source = Source::Path { path: path.display().to_string(), name: None };
        match app.desk.attach(app.account(), source).await {
            Ok(file) => staged.push(file.id),
            Err(error) => {
                for file in staged {
                    // Nothing names it; if even this fails, the core sweeps it later.
                    let _ = app.desk.detach(app.account(), file).await;
                }
                return Err(app.stop(error, &path.display().to_string()));
            }
        }
    }
    Ok(staged)
}

pub async fn attach(app: &App, id: &str, paths: &[PathBuf]) -> Outcome {
    let key = app.find(id).await?;
    let staged = stage(app, paths).await?;
    let mut ops = Vec::new();
    for file in staged {
        ops.push(app.desk.add_attachment(key.clone(), file).await.map_err(|error| app.stop(error, id))?);
    }
    app.settle(&key.account).await;
    let mut worst = exit::DONE;
    for op in &ops {
        let delivery = app.reached(op).await?;
        write::said(app, &key, op, &delivery)?;
        worst = worst.max(code(&delivery));
    }
    Ok(worst)
}

pub async fn open(app: &App, id: &str, file: Option<&str>, to: Option<PathBuf>) -> Outcome {
    let (account, attachment, name) = match app.find(id).await {
        Ok(key) => {
            let account = key.account.clone();
            let view = app.desk.ticket(key).await.map_err(|error| app.stop(error, id))?;
            let file = choose(app, &view, file)?;
            (Some(account), file.id.clone(), Some(file.name.clone()))
        }
        // A file's own id, as `show --json` prints it.
        Err(_) if file.is_none() && id.len() == 36 => (app.account(), id.to_owned(), None),
        Err(stop) => return Err(stop),
    };
    let to = match (to, name) {
        (Some(to), _) => to,
        (None, Some(name)) => vacant(&safe_name(&name)),
        (None, None) => vacant(&attachment),
    };
    let path = to.display().to_string();
    let progress = Progress::of(&app.desk, account.clone(), &app.out);
    let opened = progress.during(app.desk.open_attachment(account, attachment, path.clone()));
    let opened = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {
            return Err(Stop::failed(app.out.say("terminal-stopped", &[])));
        }
        opened = opened => opened.map_err(|error| app.stop(error, file.unwrap_or(id)))?,
    };
    if app.out.json {
        app.out.object(&json!({"id": opened.id, "name": opened.name, "size": opened.size, "path": path}))?;
    } else {
        app.out.line(&path)?;
    }
    Ok(exit::DONE)
}

/// The file of the ticket that the person means: by name, id, or a unique part of its beginning.
fn choose<'a>(app: &App, view: &'a TicketView, wanted: Option<&str>) -> Result<&'a AttachmentView, Stop> {
    let all: Vec<_> = view
        .attachments
        .iter()
        .chain(view.comments.iter().flat_map(|comment| &comment.attachments))
        .collect();
    let Some(wanted) = wanted else {
        return match all.as_slice() {
            [file] => Ok(file),
            [] => Err(Stop::failed(app.out.say("terminal-no-files", &[]))),
            several => {
                let candidates = several.iter().take(10).map(|file| clean(&file.name)).collect();
                let what = "attachment".to_owned();
                Err(app.stop(DeskError::Ambiguous { what, candidates }, &view.summary.key.id))
            }
        };
    };
    let named: Vec<_> = all.iter().copied().filter(|file| file.name == wanted).collect();
    match named.as_slice() {
        [file] => Ok(file),
        [] => one(app, &all, |file| &file.id, "attachment", wanted).copied(),
        several => {
            let candidates = several.iter().take(10).map(|file| file.id.clone()).collect();
            Err(app.stop(DeskError::Ambiguous { what: "attachment".to_owned(), candidates }, wanted))
        }
    }
}

/// A name for this folder out of one that somebody else chose: no path, no hidden file, nothing to obey.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = clean(last).chars().filter(|char| *char != '\n').collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}

/// `name`, or `name (2)` and so on where that is taken.
fn vacant(name: &str) -> PathBuf {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let numbered = (2..).map(|number| format!("{stem} ({number}){extension}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .map(PathBuf::from)
        .find(|path| !taken(path))
        .expect("numbers do not end")
}

fn taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_others_lands_in_this_folder_whatever_it_is_called() {
        assert_eq!(safe_name("../../.bashrc"), "bashrc");
        assert_eq!(safe_name("C:\\Windows\\till.png"), "till.png");
        assert_eq!(safe_name("касса \x1b[2J.png"), "касса [2J.png");
        assert_eq!(safe_name("..."), "file");
        assert_eq!(safe_name(""), "file");
    }
}
