//! Kotlin, Swift and Python, kept by the digest of what they are made from: generating is quick, but compiling what was
//! generated is the slowest step of every shell, and an unchanged folder lets the shells' own builds skip it.

use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

/// Changed when this file's own output changes for the same surface.
const LAYOUT: &str = "1";

/// The folder under `cache` that holds `kotlin/`, `swift/` and `python/` for this library; made if it is not there.
/// Whole or absent, also when two builds run at once.
pub fn bindings(library: &Utf8Path, config: &Utf8Path, cache: &Utf8Path) -> Result<Utf8PathBuf> {
    let names = fs::read(config).with_context(|| format!("{config} cannot be read"))?;
    let mut digest = Sha256::new();
    digest.update(LAYOUT);
    digest.update(format!("{:?}", crate::metadata(library)?));
    digest.update(&names);
    digest.update(library.file_name().unwrap_or_default());
    let digest: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();

    let done = cache.join(&digest);
    if done.is_dir() {
        return Ok(done);
    }
    let building = cache.join(format!(".{digest}-{}", std::process::id()));
    for (language, folder) in [
        (TargetLanguage::Kotlin, "kotlin"),
        (TargetLanguage::Swift, "swift"),
        (TargetLanguage::Python, "python/pocketdesk"),
    ] {
        generate(GenerateOptions {
            languages: vec![language],
            source: library.to_owned(),
            out_dir: building.join(folder),
            config_override: Some(config.to_owned()),
            ..GenerateOptions::default()
        })
        .with_context(|| format!("{folder} could not be generated"))?;
    }
    fs::write(building.join("python/pocketdesk/__init__.py"), PYTHON).context("__init__.py")?;
    if let Err(why) = fs::rename(&building, &done) {
        // Another build was first: its bindings are the same.
        anyhow::ensure!(done.is_dir(), "{done}: {why}");
        fs::remove_dir_all(&building).with_context(|| format!("{building} cannot be removed"))?;
    }
    Ok(done)
}

/// One namespace in front of the two generated ones.
const PYTHON: &str = "\"\"\"Pocketdesk's core for Python; `bindings/surface.txt` lists what is in it.\"\"\"

from .pocketdesk_domain import *
from .pocketdesk_ffi import *
";
