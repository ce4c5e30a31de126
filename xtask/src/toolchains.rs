//! What the journeys in other languages need: their toolchains, installed through apt where that is possible.

use std::{path::PathBuf, process::Command};

use crate::{setup, steps::Done};

/// Installs all of it; names all that is missing.
pub fn everything() -> Done {
    let missing: Vec<String> = [python().err(), maven().err()].into_iter().flatten().collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

/// Python 3.11 or newer (asyncio.timeout), which the host tests need nothing beside.
pub fn python() -> Result<PathBuf, String> {
    let program = PathBuf::from("python3");
    let fits = || {
        Command::new(&program)
            .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
            .status()
            .is_ok_and(|status| status.success())
    };
    if !fits() {
        setup::install(&["python3"]);
    }
    if fits() {
        Ok(program)
    } else {
        Err("Python 3.11 or newer is missing: install the package `python3`.".into())
    }
}

/// Maven on a JDK of 17 or newer; what its builds need comes into the user's cache through it.
pub fn maven() -> Done {
    let fits = || {
        let said = Command::new("mvn").arg("--version").output().map(|said| said.stdout).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        let major = said.split("Java version: ").nth(1).and_then(|rest| rest.split('.').next());
        major.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 17)
    };
    if !fits() {
        setup::install(&["maven", "openjdk-17-jdk-headless"]);
    }
    if fits() {
        Ok(())
    } else {
        Err("Maven with Java 17 or newer is missing: install the packages `maven` and `openjdk-17-jdk-headless`."
            .into())
    }
}
