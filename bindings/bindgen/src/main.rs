//! `pocketdesk-bindgen`: prints the library's surface, or writes its bindings; `cargo x api` and `cargo x bindings` run it.

#![allow(clippy::print_stdout, reason = "its answer is its output")]

use anyhow::Result;
use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "pocketdesk-bindgen", about = "What shells are made from, read from the built library")]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print every exported function, record, enum, error and object, a line each.
    Api {
        /// The built library, e.g. target/debug/libpocketdesk_ffi.so.
        library: Utf8PathBuf,
    },
    /// Write Kotlin, Swift and Python, unless the cache holds those of the same surface; print their folder.
    Generate {
        /// The built library, e.g. target/debug/libpocketdesk_ffi.so.
        library: Utf8PathBuf,
        /// How each language names things: bindings/uniffi.toml.
        #[arg(long)]
        config: Utf8PathBuf,
        /// Where bindings are kept, a folder for each surface.
        #[arg(long)]
        cache: Utf8PathBuf,
    },
}

fn main() -> Result<()> {
    match Args::parse().verb {
        Verb::Api { library } => print!("{}", pocketdesk_bindgen::surface(&library)?),
        Verb::Generate { library, config, cache } => {
            println!("{}", pocketdesk_bindgen::bindings(&library, &config, &cache)?);
        }
    }
    Ok(())
}
