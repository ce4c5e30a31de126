//! What shells are made from: the metadata that `uniffi` writes into the built library.
//!
//! [`surface`] lists it for people, a line for each thing a shell can name; [`bindings`] turns it into Kotlin, Swift and
//! Python. Both read the library that will run, so that neither can speak of another one.

#![allow(
    clippy::disallowed_methods,
    reason = "a developer's tool reads and writes files; the ports are the product's"
)]

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use uniffi_meta::Metadata;

mod generate;
mod surface;

pub use generate::bindings;

/// Everything the library exports, in an order of its own that a build does not change.
fn metadata(library: &Utf8Path) -> Result<Vec<Metadata>> {
    let mut all = uniffi_bindgen::macro_metadata::extract_from_library(library)
        .with_context(|| format!("{library} cannot be read as a library built with uniffi"))?;
    anyhow::ensure!(!all.is_empty(), "{library} exports nothing: it was built without uniffi's metadata");
    all.sort();
    Ok(all)
}

/// The exported surface of a built library, without docs: what a shell written yesterday relies on.
pub fn surface(library: &Utf8Path) -> Result<String> {
    Ok(surface::write(&metadata(library)?))
}
