//! Where models are kept, and whether one is what it should be.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::{Failure, Quant, Wanted, Weights};

/// The user's cache folder for models; need not exist.
pub fn folder() -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(base.ok_or(Failure::NoCache)?.join("pocketdesk/models"))
}

/// The cached file of that name (`base-q5_1.bin` or `base-q5_1`), if it is there and has its pinned digest.
pub fn cached(name: &str) -> Option<PathBuf> {
    /// Looked at once a process: tests ask often, and a digest of 150 MB takes its time.
    static KNOWN: Mutex<BTreeMap<PathBuf, bool>> = Mutex::new(BTreeMap::new());
    let all = Weights::ALL
        .into_iter()
        .flat_map(|weights| Quant::ALL.into_iter().map(move |quant| Wanted { weights, quant }));
    let wanted = all.into_iter().find(|wanted| {
        let file = wanted.file();
        file == name || file.strip_suffix(".bin") == Some(name)
    })?;
    let path = folder().ok()?.join(wanted.file());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let good = *known.entry(path.clone()).or_insert_with(|| is_pinned(&path, wanted));
    good.then_some(path)
}

/// Whether the file at `path` is the pinned one.
pub(crate) fn is_pinned(path: &Path, wanted: Wanted) -> bool {
    let (sha256, size) = wanted.pinned();
    // The length first: it costs nothing.
    std::fs::metadata(path).is_ok_and(|facts| facts.len() == size)
        && digest(path).is_ok_and(|(found, _)| found == sha256)
}

/// SHA-256 of a file in lower-case hex, and its length.
pub(crate) fn digest(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        length += read as u64;
    }
    let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((digest, length))
}
