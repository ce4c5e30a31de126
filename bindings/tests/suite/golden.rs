//! The surface that shells are written against, as a golden: a changed line is a changed contract.
//!
//! Read from the metadata inside the built library, so that nothing a shell can name is left out. Set
//! `UPDATE_GOLDENS=1` to write it anew.

use camino::Utf8PathBuf;

/// The library cargo built beside this test.
fn library() -> Utf8PathBuf {
    let me =
        Utf8PathBuf::from_path_buf(std::env::current_exe().expect("a path of its own")).expect("in UTF-8");
    let name = format!("{}pocketdesk_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    me.parent().expect("a folder").join(name)
}

fn surface() -> String {
    pocketdesk_bindgen::surface(&library()).expect("the library tells its surface")
}

#[test]
fn a_shell_written_yesterday_still_fits() {
    let (golden, now) = (concat!(env!("CARGO_MANIFEST_DIR"), "/surface.txt"), surface());
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(golden, &now).unwrap();
    }
    let known = std::fs::read_to_string(golden).unwrap();
    assert!(now == known, "the surface moved; `cargo x api` says where, `cargo x bless` writes it anew");
}

#[test]
fn a_shell_built_without_voice_fits_a_core_built_with_it() {
    // A feature may change what a call answers, never whether it is there: one golden, one set of bindings.
    let sources = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let mut read = 0;
    for source in sources.map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&source).unwrap();
        assert!(!text.contains("cfg(feature"), "{} exports something only with a feature", source.display());
        read += 1;
    }
    assert!(read > 5, "the sources are elsewhere");
}

#[test]
fn no_name_collides_with_what_kotlin_and_swift_have_of_their_own() {
    // Kotlin's exceptions have a `message`, Swift has `Error` and `init`, and `close` ends a Kotlin object.
    for line in surface().lines().map(str::trim_start) {
        let name = line.trim_start_matches("async ").trim_start_matches("fn ");
        let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
        assert!(!["message", "Error", "Init", "close", "destroy"].contains(&name), "{line}");
        assert!(!line.contains(" message:"), "{line}");
    }
}

#[test]
fn bindings_of_one_surface_are_made_once_and_whole() {
    let cache = tempfile::tempdir().unwrap();
    let cache = Utf8PathBuf::from_path_buf(cache.path().to_owned()).unwrap();
    let config = Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/uniffi.toml"));
    let made = pocketdesk_bindgen::bindings(&library(), &config, &cache).unwrap();
    for file in [
        "kotlin/pocketdesk/core/pocketdesk_ffi.kt",
        "kotlin/pocketdesk/model/pocketdesk_domain.kt",
        "swift/PocketdeskCore.swift",
        "swift/PocketdeskModel.swift",
        "python/pocketdesk/pocketdesk_ffi.py",
        "python/pocketdesk/pocketdesk_domain.py",
        "python/pocketdesk/__init__.py",
    ] {
        assert!(std::fs::metadata(made.join(file)).unwrap().len() > 50, "{file}");
    }
    let kotlin = std::fs::read_to_string(made.join("kotlin/pocketdesk/core/pocketdesk_ffi.kt")).unwrap();
    assert!(!kotlin.contains("import android."), "the JVM module would not compile");
    let written =
        made.join("kotlin/pocketdesk/core/pocketdesk_ffi.kt").metadata().unwrap().modified().unwrap();
    assert_eq!(pocketdesk_bindgen::bindings(&library(), &config, &cache).unwrap(), made);
    let again = made.join("kotlin/pocketdesk/core/pocketdesk_ffi.kt").metadata().unwrap().modified().unwrap();
    assert_eq!(written, again, "they were made twice");
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1, "something half-made was left");
}
