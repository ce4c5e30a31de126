//! What the shells are made from: the built library, its bindings for each language, its exported surface.

use std::path::PathBuf;

use crate::steps::{Done, cache, cargo, output, root, step};

/// The library and the programs that shells and their tests need, built as the demo has them.
pub struct Built {
    /// The folder of `libpocketdesk_ffi.so` and `pocketdesk-server`.
    pub folder: PathBuf,
}

impl Built {
    /// Builds them.
    pub fn now() -> Result<Self, String> {
        Self::of("dev")
    }

    /// Builds them for figures.
    pub fn optimised() -> Result<Self, String> {
        Self::of("release")
    }

    fn of(profile: &str) -> Result<Self, String> {
        let mut build = cargo();
        build.args([
            "build",
            "--quiet",
            "--lib",
            "--bin",
            "pocketdesk-server",
            "--bin",
            "pocketdesk-bindgen",
        ]);
        step("build the library and the server", build.args(["--profile", profile]))?;
        // This program lies where cargo puts what it builds for development.
        let me =
            std::env::current_exe().map_err(|why| format!("cargo x does not know where it is: {why}"))?;
        let dev = me.parent().ok_or("cargo x lies in no folder")?;
        let folder = if profile == "dev" { dev.to_owned() } else { dev.with_file_name(profile) };
        Ok(Self { folder })
    }

    /// The core's shared library.
    pub fn library(&self) -> PathBuf {
        self.folder.join(if cfg!(target_os = "macos") {
            "libpocketdesk_ffi.dylib"
        } else {
            "libpocketdesk_ffi.so"
        })
    }

    /// Where things that are built for shells go, beside what cargo builds.
    pub fn out(&self) -> PathBuf {
        self.folder.join("shells")
    }

    /// The folder of the generated Kotlin, Swift and Python of this library; in the user's cache, a folder for each
    /// surface.
    pub fn bindings(&self) -> Result<PathBuf, String> {
        let cache = cache()?.join("bindings");
        std::fs::create_dir_all(&cache).map_err(|why| format!("{}: {why}", cache.display()))?;
        let said = output(
            "generate bindings",
            std::process::Command::new(self.folder.join("pocketdesk-bindgen"))
                .arg("generate")
                .arg(self.library())
                .arg("--config")
                .arg(root().join("bindings/uniffi.toml"))
                .arg("--cache")
                .arg(&cache),
        )?;
        // uniffi's Python half says what it writes; the answer is the last line.
        said.lines().last().map(PathBuf::from).ok_or_else(|| "The bindings' folder was not named.".into())
    }

    fn surface(&self) -> Result<String, String> {
        output(
            "read the surface",
            std::process::Command::new(self.folder.join("pocketdesk-bindgen")).arg("api").arg(self.library()),
        )
    }
}

/// Generates the bindings and says where they are.
pub fn bindings() -> Done {
    let folder = Built::now()?.bindings()?;
    println!("{}", folder.display());
    Ok(())
}

/// The surface as it is pinned.
const GOLDEN: &str = "bindings/surface.txt";

/// Compares the exported surface with the pinned one and prints what moved.
pub fn api() -> Done {
    let now = Built::now()?.surface()?;
    let known = std::fs::read_to_string(root().join(GOLDEN)).map_err(|why| format!("{GOLDEN}: {why}"))?;
    if known == now {
        println!("The exported surface is as {GOLDEN} has it ({} lines).", now.lines().count());
        return Ok(());
    }
    let (old, new) = (whole_lines(&known), whole_lines(&now));
    for gone in old.difference(&new) {
        println!("- {gone}");
    }
    for come in new.difference(&old) {
        println!("+ {come}");
    }
    Err(format!(
        "The exported surface moved, or its order did, and shells written against it may break. If that is meant, \
         `cargo x bless` writes {GOLDEN} anew."
    ))
}

/// Each line with what it belongs to, so that the same field of two records is two lines.
fn whole_lines(text: &str) -> std::collections::BTreeSet<String> {
    let mut head = "";
    text.lines()
        .map(|line| {
            if line.starts_with(' ') {
                return format!("{head}: {}", line.trim_start());
            }
            head = line;
            line.to_owned()
        })
        .collect()
}
