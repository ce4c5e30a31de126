//! What must outlive the database: ids that were erased or deleted, and the highest numbers and epoch given. It lies
//! in a folder of its own that no backup holds and no restore overwrites; several replicas share it.

use std::io;

/// Append-only lines beside the database.
pub trait Outside: Send + Sync {
    /// Appends one line (without its line end) to the log of that name; durable when it returns.
    fn append(&self, log: &str, line: &str) -> io::Result<()>;
    /// All whole lines of that log, oldest first; none if there is no such log.
    fn lines(&self, log: &str) -> io::Result<Vec<String>>;
}

/// The highest numbers and epochs that may have been given.
pub mod high_water {
    use super::{Outside, io};
    use crate::store::StoreError;

    const LOG: &str = "high-water";

    /// Notes that up to `value` may be given from now on.
    pub fn note(outside: &dyn Outside, name: &str, value: i64) -> Result<(), StoreError> {
        outside.append(LOG, &format!("{name} {value}")).map_err(|error| {
            StoreError::Failed(format!(
                "the file of highest numbers beside the database cannot be written: {error}"
            ))
        })
    }

    /// The highest value noted; 0 if none was.
    pub fn highest(outside: &dyn Outside, name: &str) -> io::Result<i64> {
        let lines = outside.lines(LOG)?;
        let values = lines.iter().filter_map(|line| line.strip_prefix(name)?.trim().parse::<i64>().ok());
        Ok(values.max().unwrap_or(0))
    }
}

/// A folder of log files.
pub struct Folder(std::path::PathBuf);

impl Folder {
    /// Logs go into this folder, which must exist.
    pub fn new(folder: impl Into<std::path::PathBuf>) -> Self {
        Self(folder.into())
    }
}

impl Outside for Folder {
    fn append(&self, log: &str, line: &str) -> io::Result<()> {
        use std::io::Write;
        let path = self.0.join(format!("{log}.log"));
        let new = !path.exists();
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
        // One write, line end first as well: a torn line of an earlier crash must not swallow this one.
        file.write_all(format!("\n{line}\n").as_bytes())?;
        file.sync_all()?;
        if new {
            std::fs::OpenOptions::new().read(true).open(&self.0)?.sync_all()?;
        }
        Ok(())
    }

    fn lines(&self, log: &str) -> io::Result<Vec<String>> {
        match std::fs::read_to_string(self.0.join(format!("{log}.log"))) {
            Ok(text) => Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
