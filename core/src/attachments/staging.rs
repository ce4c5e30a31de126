//! Taking a file in: copied, hashed and sealed, durable with its row in own.db before anybody is told of it. A
//! picked URI may expire a moment later.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use pocketdesk_domain::{
    model::AttachmentView,
    outbox::{OutboxError, OwnChange, new_op::check_file},
};
use pocketdesk_protocol::{
    Millis,
    ids::AttachmentId,
    limits::{FILE_NAME_BYTES, OUTBOX_BYTES},
    op::FileRef,
};

use super::{files::FileError, uploads::WIFI};
use crate::{
    engine::{
        account::{Account, limits},
        reads::staged_view,
        topics::Topic,
        words::{id, remove_unnamed},
    },
    error::{Error, Result},
    store::LocalFile,
};

/// Where a file to attach is.
#[derive(Debug)]
pub enum Source {
    /// A path this process may read.
    Path(PathBuf),
    /// An open file, read from where it stands.
    File(File),
}

impl Account {
    /// Takes a file in. It belongs to nothing yet.
    pub async fn attach(self: &Arc<Self>, source: Source, name: Option<String>) -> Result<AttachmentView> {
        let name = match (&source, name) {
            (_, Some(name)) => plain_name(&name),
            (Source::Path(path), None) => {
                plain_name(&path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
            }
            (Source::File(_), None) => String::new(),
        };
        let (limits, bytes) = self
            .read(|snapshot| {
                let own = snapshot.own();
                Ok((limits(&own.account()?), own.waiting()?.1))
            })
            .await?;
        check_file(&name, 0, &limits)?;
        let room = OUTBOX_BYTES.saturating_sub(bytes);
        let limit = limits.attachment_bytes.min(room);
        let (folder, rng) = (self.folder.clone(), self.shared.env.rng.clone());
        let sealed = self
            .bytes(move || match source {
                Source::Path(path) => folder.stage_path(&path, limit, &*rng),
                Source::File(mut file) => {
                    let facts = file.metadata().ok().filter(std::fs::Metadata::is_file);
                    folder.stage(&mut file, facts.map(|facts| facts.len()), limit, &*rng)
                }
            })
            .await
            .map_err(|error| refused(error, &name, limits.attachment_bytes, bytes))?;
        let file = FileRef {
            id: AttachmentId(self.shared.env.new_id()),
            name,
            size: sealed.size,
            sha256: sealed.sha256,
        };
        let now = self.shared.env.clock.now();
        let kept = staged(file.clone(), sealed.name, now);
        self.write(move |tx| Ok(tx.put_file(&kept)?)).await?;
        let facts = pocketdesk_domain::outbox::overlay::FileFacts { on_phone: true, ..Default::default() };
        Ok(staged_view(&file, &[(file.id, facts)].into()))
    }

    /// Lets a file go that nothing names.
    pub async fn detach(self: &Arc<Self>, attachment: String) -> Result<()> {
        let file = id::<uuid::Uuid>(&attachment, "attachment").map(AttachmentId)?;
        self.write(move |tx| {
            tx.file(file)?.filter(|file| file.staged).ok_or(Error::NotFound { what: "attachment" })?;
            remove_unnamed(tx, file)
        })
        .await
    }

    /// Whether files wait for a network where bytes cost nothing.
    pub async fn set_files_wait_for_wifi(self: &Arc<Self>, wait: bool) -> Result<()> {
        self.write(move |tx| Ok(tx.set_setting(WIFI, wait.then_some("1"))?)).await?;
        self.show(&[Topic::Outbox, Topic::Tickets, Topic::Files], |_| ());
        Ok(())
    }

    /// Stops an upload, or goes on with it.
    pub async fn set_upload_stopped(self: &Arc<Self>, attachment: String, stop: bool) -> Result<()> {
        let file = id::<uuid::Uuid>(&attachment, "attachment").map(AttachmentId)?;
        self.write(move |tx| {
            let mut kept =
                tx.file(file)?.filter(|file| file.staged).ok_or(Error::NotFound { what: "attachment" })?;
            if stop {
                tx.apply(&[OwnChange::StopUpload { file }])?;
            } else {
                (kept.stopped, kept.wake_interval, kept.wake_due) = (false, 0, 0);
                tx.put_file(&kept)?;
            }
            Ok(())
        })
        .await
    }
}

/// A file of the person's that was just taken in.
pub(crate) fn staged(file: FileRef, sealed: String, now: Millis) -> LocalFile {
    LocalFile {
        file,
        sealed,
        staged: true,
        created_at: now,
        used_at: now,
        have: Vec::new(),
        complete_at: None,
        stopped: false,
        token: None,
        wake_interval: 0,
        wake_due: 0,
    }
}

/// A name as people gave it, without the folders before it and what a terminal would obey.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut plain: String = last.chars().filter(|c| !c.is_control()).collect();
    if plain == "." || plain == ".." {
        // No name, but a way to another folder.
        plain.clear();
    }
    shortened(plain, FILE_NAME_BYTES)
}

/// The name in at most so many bytes; its end says what kind of file it is.
pub(crate) fn shortened(mut name: String, bytes: usize) -> String {
    if name.len() > bytes {
        let extension = Path::new(&name).extension().map(|end| format!(".{}", end.to_string_lossy()));
        let extension = extension.filter(|end| end.len() <= 16).unwrap_or_default();
        let mut cut = bytes.saturating_sub(extension.len());
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        name.truncate(cut);
        name += &extension;
    }
    name
}

fn refused(error: FileError, name: &str, allowed: u64, waiting: u64) -> Error {
    match error {
        // Within what the desk takes, and still too much for what waits already.
        FileError::TooLarge { size, limit } if limit < allowed && size.is_none_or(|size| size <= allowed) => {
            OutboxError::Full { ops: 0, bytes: waiting }.into()
        }
        FileError::TooLarge { size, .. } => {
            OutboxError::TooLarge { name: name.to_owned(), size: size.unwrap_or(allowed + 1), limit: allowed }
                .into()
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_is_never_a_path_and_keeps_its_kind() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("C:\\Users\\Max\\photo.jpg"), "photo.jpg");
        assert_eq!(plain_name("a\u{1b}[31m.png"), "a[31m.png");
        assert_eq!((plain_name(".."), plain_name("a/.")), (String::new(), String::new()));
        let long = plain_name(&format!("{}.jpeg", "ї".repeat(300)));
        assert!(long.len() <= FILE_NAME_BYTES && long.ends_with("ї.jpeg"), "{long}");
    }
}
