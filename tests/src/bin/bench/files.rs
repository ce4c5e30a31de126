//! Folders of phones: copied, measured, dropped from the page cache.

use std::{fs, path::Path};

use rustix::fs::{Advice, fadvise};

use crate::Result;

/// A copy of `from` at `to`, which must not exist.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
        fs::set_permissions(&target, fs::metadata(&path)?.permissions())?;
    }
    Ok(())
}

/// Megabytes of all files below.
pub fn size_mb(folder: &Path) -> Result<f64> {
    let mut sum = 0.0;
    each(folder, &mut |path| {
        sum += fs::metadata(path)?.len() as f64 / 1e6;
        Ok(())
    })?;
    Ok(sum)
}

/// Writes everything below to the disk and asks the system to forget its pages: the next read is the disk's. What is
/// the whole machine's to do (dropping all caches) would cost others; these files alone are ours.
pub fn forget_pages(folder: &Path) -> Result<()> {
    each(folder, &mut |path| {
        let file = fs::File::open(path)?;
        file.sync_all()?;
        Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
    })
}

fn each(folder: &Path, work: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { each(&path, work)? } else { work(&path)? }
    }
    Ok(())
}
