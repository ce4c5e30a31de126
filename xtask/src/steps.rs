//! Running commands as named steps, and remembering what was skipped.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// What a verb ends with: a sentence for the terminal.
pub type Done = Result<(), String>;

/// The checkout's top folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the checkout")
}

/// Where downloads and built tools are kept: the user's cache folder, never the checkout.
pub fn cache() -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or("Neither XDG_CACHE_HOME nor HOME is set: there is no cache folder to keep tools in.")?;
    Ok(base.join("pocketdesk"))
}

/// Whether this run is CI's: there a skip is a failure.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// `cargo` as it was called, in the checkout.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs `command` as the step `name`, its output on the terminal.
pub fn step(name: &str, command: &mut Command) -> Done {
    println!("── {name}");
    let began = Instant::now();
    let status = command.status().map_err(|why| format!("{name}: {why}"))?;
    if status.success() {
        println!("   {name}: ok, {:.1} s", began.elapsed().as_secs_f32());
        Ok(())
    } else {
        Err(format!("{name} failed ({status}). What to look at stands above."))
    }
}

/// Runs `command` and hands back its standard output.
pub fn output(name: &str, command: &mut Command) -> Result<String, String> {
    let done = command.stderr(Stdio::inherit()).output().map_err(|why| format!("{name}: {why}"))?;
    if !done.status.success() {
        return Err(format!("{name} failed ({}).", done.status));
    }
    String::from_utf8(done.stdout).map_err(|_| format!("{name} printed something that is not text."))
}

/// Whether a program of that name answers.
pub fn answers(program: &Path, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Parts of a run that could not be done here, each with its reason.
#[derive(Default)]
pub struct Skips(Vec<String>);

impl Skips {
    /// Remembers and prints one.
    pub fn add(&mut self, part: &str, reason: &str) {
        println!("── SKIPPED {part}: {reason}");
        self.0.push(format!("{part}: {reason}"));
    }

    /// Prints them once more at the end; in CI any is a failure.
    pub fn settle(self) -> Done {
        if self.0.is_empty() {
            return Ok(());
        }
        let list = self.0.iter().map(|skip| format!("  SKIPPED {skip}\n")).collect::<String>();
        if in_ci() {
            return Err(format!("Not everything was run, and CI counts that as a failure:\n{list}"));
        }
        print!("{list}");
        Ok(())
    }
}
