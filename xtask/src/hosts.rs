//! The journeys in the languages of the shells: the generated bindings over the real library, against the real server.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{
    model,
    shells::Built,
    steps::{Done, Skips, root, step},
    toolchains,
};

/// A language the core is used from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Python,
    Kotlin,
}

/// How much of what repeats itself is worth the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    Some,
    Nightly,
}

/// `cargo x hosts`: those named, or all.
pub fn hosts(languages: &[Language]) -> Done {
    let mut skips = Skips::default();
    let meant = if languages.is_empty() { Language::value_variants() } else { languages };
    run(meant, Rounds::Some, &mut skips)?;
    skips.settle()
}

/// Lives the journeys in these languages; what this machine cannot run is a skip.
pub fn run(languages: &[Language], rounds: Rounds, skips: &mut Skips) -> Done {
    let built = Built::now()?;
    let bindings = built.bindings()?;
    // Where there is none, what is said is recorded all the same.
    let models = model::all().and_then(|()| pocketdesk_models::folder().map_err(|why| why.to_string()));
    let models =
        models.map_err(|missing| skips.add("the words of what is said in the journeys", &missing)).ok();
    let host = Host { built, bindings, models, rounds };
    for language in languages {
        match language {
            Language::Python => match toolchains::python() {
                Ok(python) => host.python(&python)?,
                Err(missing) => skips.add("the journeys in Python", &missing),
            },
            Language::Kotlin => match toolchains::maven() {
                Ok(()) => host.kotlin()?,
                Err(missing) => skips.add("the journeys and the Android library in Kotlin", &missing),
            },
        }
    }
    Ok(())
}

/// What the journeys run on.
struct Host {
    built: Built,
    bindings: PathBuf,
    models: Option<PathBuf>,
    rounds: Rounds,
}

impl Host {
    fn python(&self, python: &Path) -> Done {
        let out = self.built.out().join("python");
        let package = out.join("pocketdesk");
        stage(&self.bindings.join("python/pocketdesk"), &package, &self.built.library())
            .map_err(|why| format!("{}: {why}", package.display()))?;
        let mut tests = Command::new(python);
        tests
            .current_dir(root().join("tests/hosts/python"))
            .args(["-W", "error", "-m", "unittest", "--verbose"])
            .env("PYTHONPATH", &out)
            .env("PYTHONPYCACHEPREFIX", out.join("compiled"));
        if self.rounds == Rounds::Nightly {
            tests.env("POCKETDESK_NIGHTLY", "1");
        }
        step("journeys in Python", self.around(&mut tests))
    }

    fn kotlin(&self) -> Done {
        self.compile()?;
        let mut tests = self.maven();
        tests.args(["test", "-Dpocketdesk.bindings.sources=none"]);
        if self.rounds == Rounds::Nightly {
            tests.arg("-Dpocketdesk.rounds=10000");
        }
        step("the Android library and the journeys in Kotlin", &mut tests)
    }

    /// Compiles the generated Kotlin beside its sources, once for each surface.
    fn compile(&self) -> Done {
        let compiled = self.bindings.join("jvm/compiled");
        if compiled.exists() {
            return Ok(());
        }
        let mut bindings_alone = self.maven();
        bindings_alone.args(["compile", "-pl", "bindings"]);
        step("compile the Kotlin bindings (once a surface)", &mut bindings_alone)?;
        std::fs::write(&compiled, "").map_err(|why| format!("{}: {why}", compiled.display()))
    }

    fn maven(&self) -> Command {
        let property = |name: &str, value: PathBuf| format!("-Dpocketdesk.{name}={}", value.display());
        let mut mvn = Command::new("mvn");
        mvn.current_dir(root().join("android"))
            .args([
                "--batch-mode",
                "--no-transfer-progress",
                "-Dstyle.color=never",
                "-Dkotlin.compiler.daemon=false",
            ])
            .arg(property("bindings", self.bindings.clone()))
            .arg(property("lib", self.built.folder.clone()))
            .arg(property("out", self.built.out().join("maven")));
        self.around(&mut mvn);
        mvn
    }

    /// Tells a test program where the desk and the speech models are.
    fn around<'a>(&self, program: &'a mut Command) -> &'a mut Command {
        program.env("POCKETDESK_DESK_PROGRAM", self.built.folder.join("pocketdesk-server"));
        match &self.models {
            Some(models) => program.env("POCKETDESK_MODELS", models),
            None => program.env_remove("POCKETDESK_MODELS"),
        }
    }
}

/// The generated package with the library beside it, where its loader looks for it.
fn stage(generated: &Path, package: &Path, library: &Path) -> std::io::Result<()> {
    if package.exists() {
        std::fs::remove_dir_all(package)?;
    }
    std::fs::create_dir_all(package)?;
    for file in std::fs::read_dir(generated)? {
        let file = file?;
        std::fs::copy(file.path(), package.join(file.file_name()))?;
    }
    let beside = package.join(library.file_name().unwrap_or_default());
    #[cfg(unix)]
    std::os::unix::fs::symlink(library, &beside)?;
    #[cfg(not(unix))]
    std::fs::copy(library, &beside)?;
    Ok(())
}

/// `cargo x border`: what crossing into Kotlin costs, over the optimised library.
pub fn border() -> Done {
    toolchains::maven()?;
    let built = Built::optimised()?;
    let bindings = built.bindings()?;
    let host = Host { built, bindings, models: None, rounds: Rounds::Some };
    host.compile()?;
    let mut figures = host.maven();
    figures.args([
        "test",
        "-Dktlint.skip=true",
        "-Dpocketdesk.bindings.sources=none",
        "-Dpocketdesk.figures=true",
        "-Dtest=FiguresTest",
        "-Dsurefire.failIfNoSpecifiedTests=false",
    ]);
    step("what crossing into Kotlin costs", &mut figures)
}
