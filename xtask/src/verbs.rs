//! The verbs that run the product.

use crate::{
    check, setup,
    steps::{Done, Skips, cargo, step},
};

/// Names the reason PostgreSQL's tests are skipped to the tests themselves, so that they print it too.
const SKIP_POSTGRES: &str = "POCKETDESK_SKIP_POSTGRES";

/// Builds the programs, then runs the story.
pub fn demo(keep: bool) -> Done {
    step(
        "build",
        cargo().args(["build", "--quiet", "--bin", "pocketdesk-server", "--bin", "pocketdesk-demo"]),
    )?;
    let mut story = cargo();
    story.args(["run", "--quiet", "--bin", "pocketdesk-demo"]);
    if keep {
        story.args(["--", "--keep"]);
    }
    let status = story.status().map_err(|why| format!("The demo did not start: {why}"))?;
    if status.success() { Ok(()) } else { Err("The demo did not end as told; the step stands above.".into()) }
}

/// Everything that must pass; with `quick` what needs no service and little time.
pub fn test(quick: bool) -> Done {
    let mut skips = Skips::default();
    check::check(!quick)?;
    if quick {
        step("tests without services", cargo().args(["test", "--quiet", "--workspace", "--lib", "--bins"]))?;
        return skips.settle();
    }
    let mut tests = cargo();
    // --no-fail-fast: one red test must not hide another.
    tests.args(["test", "--workspace", "--no-fail-fast"]);
    if let Err(missing) = setup::postgres() {
        skips.add("PostgreSQL's half of the server's tests", &missing);
        tests.env(SKIP_POSTGRES, missing);
    }
    step("build", cargo().args(["build", "--quiet", "--workspace", "--all-targets"]))?;
    step("tests", &mut tests)?;
    demo(false)?;
    skips.settle()
}

/// Writes goldens anew.
pub fn bless() -> Done {
    step(
        "bless",
        cargo()
            .args(["test", "--quiet", "--workspace", "--", "golden"])
            .env("UPDATE_GOLDENS", "1")
            .env("UPDATE_EXPECT", "1"),
    )?;
    step(
        "what changed",
        std::process::Command::new("git").current_dir(crate::steps::root()).args(["status", "--short"]),
    )
}
