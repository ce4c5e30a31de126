//! The verbs that run the product.

use clap::ValueEnum as _;

use crate::{
    check, hosts, model, setup,
    steps::{Done, Skips, cargo, step},
};

/// Tells the tests to do the whole of what `cargo x test` does a part of.
const NIGHTLY: &str = "POCKETDESK_NIGHTLY";

/// Builds the programs, then runs the story.
pub fn demo(keep: bool) -> Done {
    setup::recogniser()?;
    if let Err(missing) = model::all() {
        println!("── SKIPPED the spoken part of the day, it goes on with text: {missing}");
    }
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

/// World's tests plant faults in the product to see whether they are caught; only test builds have the switch.
const PLANTED: &str = "pocketdesk-tests/planted";

/// World, optimised: its days take milliseconds each, not seconds.
pub fn sim(arguments: &[String]) -> Done {
    let mut world = cargo();
    world.args(["run", "--quiet", "--profile", "sim", "--package", "pocketdesk-tests"]);
    world.args(["--features", "planted", "--bin", "pocketdesk-sim", "--"]).args(arguments);
    let status = world.status().map_err(|why| format!("The simulation did not start: {why}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("World failed; the seeds and what to type stand above.".into())
    }
}

/// The core beside the floor, optimised; the ratios are what counts.
pub fn bench(arguments: &[String]) -> Done {
    let mut bench = cargo();
    bench.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "pocketdesk-tests",
        "--bin",
        "pocketdesk-bench",
        "--",
    ]);
    let status =
        bench.args(arguments).status().map_err(|why| format!("The benchmark did not start: {why}"))?;
    if status.success() { Ok(()) } else { Err("The benchmark did not end; why stands above.".into()) }
}

/// Everything that must pass; with `quick` what needs no service and little time.
pub fn test(quick: bool) -> Done {
    let mut skips = Skips::default();
    setup::recogniser()?;
    check::check(!quick)?;
    if quick {
        step("tests without services", cargo().args(["test", "--quiet", "--workspace", "--lib", "--bins"]))?;
        return skips.settle();
    }
    let mut tests = cargo();
    // --no-fail-fast: one red test must not hide another.
    tests.args(["test", "--workspace", "--no-fail-fast", "--features", PLANTED]);
    // The tests look for these themselves, and pass over what needs them.
    if let Err(missing) = setup::postgres() {
        skips.add("PostgreSQL's half of the server's tests", &missing);
    }
    match setup::versitygw() {
        Ok(bin) => drop(tests.env("PATH", setup::on_path(&bin))),
        Err(missing) => skips.add("files in S3", &missing),
    }
    if let Err(missing) = model::all() {
        skips.add("tests of real speech", &missing);
    }
    step("build", cargo().args(["build", "--quiet", "--workspace", "--all-targets", "--features", PLANTED]))?;
    step("tests", &mut tests)?;
    println!(
        "── World: a kill at every poll and every change of the disk of two journeys; every planted fault"
    );
    sim(&["--kills".into()])?;
    sim(&["--faults".into()])?;
    demo(false)?;
    hosts::run(hosts::Language::value_variants(), hosts::Rounds::Some, &mut skips)?;
    skips.settle()
}

/// What is too long for every push.
pub fn nightly() -> Done {
    setup::everything()?;
    step("nightly", cargo().args(["test", "--workspace", "--no-fail-fast", "--release"]).env(NIGHTLY, "1"))?;
    let mut skips = Skips::default();
    hosts::run(hosts::Language::value_variants(), hosts::Rounds::Nightly, &mut skips)?;
    println!("── World: ten thousand short days, every kill, every planted fault");
    sim(&["--proof".into()])?;
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
