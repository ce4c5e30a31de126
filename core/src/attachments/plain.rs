//! Handing plain bytes to a shell: the one place where they leave the lock, and only to where the shell asked.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{files::Folder, staging::shortened};
use crate::{
    env::disk,
    error::{Error, Result},
};

/// Copies the sealed file to `to`. What stood there is replaced only by a copy that is whole.
pub(crate) fn copy_out(folder: &Folder, sealed: &str, to: &Path) -> Result<()> {
    let trouble =
        |error: std::io::Error| Error::File { path: to.display().to_string(), reason: error.to_string() };
    let mut source = folder.read(sealed)?;
    let beside = beside(to);
    let copied = (|| {
        let mut target =
            disk::private_file().write(true).create(true).truncate(true).open(&beside).map_err(trouble)?;
        let mut offset = 0;
        loop {
            let bytes = source.read_range(offset, 1 << 20)?;
            if bytes.is_empty() {
                break;
            }
            target.write_all(&bytes).map_err(trouble)?;
            offset += bytes.len() as u64;
        }
        target.sync_all().map_err(trouble)?;
        std::fs::rename(&beside, to).map_err(trouble)
    })();
    if copied.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    copied
}

/// Bytes that a name on a disk may have.
const NAME_BYTES: usize = 255;
/// What a copy that is not whole yet is called besides.
const PART: &str = ".part";
/// Bytes that a name may have so that a copy can be made under it.
pub(crate) const COPY_NAME_BYTES: usize = NAME_BYTES - PART.len();

/// A name in the same folder, so that the last step is a rename.
fn beside(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    if name.len() > COPY_NAME_BYTES {
        name = shortened(name.to_string_lossy().into_owned(), COPY_NAME_BYTES).into();
    }
    name.push(PART);
    to.with_file_name(name)
}

/// Appends lines to a new file of an export.
pub(crate) struct Lines {
    path: PathBuf,
    file: std::fs::File,
}

impl Lines {
    /// A new file; an existing one is not written over.
    pub fn create(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file
            .map_err(|error| Error::File { path: path.display().to_string(), reason: error.to_string() })?;
        Ok(Self { path, file })
    }

    /// One JSON object on a line.
    pub fn push(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value).map_err(|error| self.trouble(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| self.trouble(error))
    }

    /// Durable.
    pub fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(|error| self.trouble(error))
    }

    fn trouble(&self, error: std::io::Error) -> Error {
        Error::File { path: self.path.display().to_string(), reason: error.to_string() }
    }
}
