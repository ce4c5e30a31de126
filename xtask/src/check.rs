//! `cargo x check`: what can be said of the code without running it.

use std::process::Command;

use crate::{
    house, setup,
    steps::{Done, cargo, root, step},
};

/// Format, house arrows; with `full` also clippy and the dependencies' licences, sources and versions.
pub fn check(full: bool) -> Done {
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    house::check()?;
    if full {
        setup::recogniser()?;
        step(
            "clippy",
            cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
        )?;
        let deny = setup::cargo_deny()?;
        // deny itself stays offline: all it looks at must be in the registry's cache, other targets' crates too.
        step("fetch", cargo().args(["fetch", "--locked", "--quiet"]))?;
        step(
            "deny",
            Command::new(deny).current_dir(root()).args([
                "--offline",
                "--log-level",
                "error",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ]),
        )?;
    }
    Ok(())
}
