//! One C file: SQLite with SQLite3MultipleCiphers, compiled with the options that libsqlite3-sys gives to its
//! bundled copy, so that rusqlite finds what it was built for, and with what is said beside each of the others.
// Cargo speaks to build scripts through the environment.
#![allow(clippy::disallowed_methods)]

/// Flags without a value, then flags with one.
const FLAGS: &[&str] = &[
    "SQLITE_CORE",
    "SQLITE_ENABLE_API_ARMOR",
    "SQLITE_ENABLE_COLUMN_METADATA",
    "SQLITE_ENABLE_DBSTAT_VTAB",
    "SQLITE_ENABLE_FTS5",
    "SQLITE_ENABLE_JSON1",
    "SQLITE_ENABLE_STAT4",
    "SQLITE_USE_URI",
    "HAVE_ISNAN",
    "HAVE_LOCALTIME_R",
    "_POSIX_THREAD_SAFE_FUNCTIONS",
    "ARGON2_NO_THREADS",
];

const VALUES: &[(&str, &str)] = &[
    ("SQLITE_DEFAULT_FOREIGN_KEYS", "1"),
    ("SQLITE_THREADSAFE", "1"),
    // Nobody asks how much memory SQLite holds, and counting it takes a lock at every allocation.
    ("SQLITE_DEFAULT_MEMSTATUS", "0"),
    ("HAVE_USLEEP", "1"),
    // A temporary table on disk would be plain text beside an encrypted database.
    ("SQLITE_TEMP_STORE", "3"),
    // Extensions are code from a file: nothing here loads any.
    ("SQLITE_OMIT_LOAD_EXTENSION", "1"),
    // Ciphers without authentication are not even compiled in.
    ("HAVE_CIPHER_AES_128_CBC", "0"),
    ("HAVE_CIPHER_AES_256_CBC", "0"),
    ("HAVE_CIPHER_RC4", "0"),
    ("HAVE_CIPHER_SQLCIPHER", "0"),
];

fn main() {
    let dir = sqlite3mc_src::source_dir();
    let mut build = cc::Build::new();
    build.file(dir.join(sqlite3mc_src::SOURCE_FILE)).include(dir).warnings(false).cargo_metadata(false);
    // SQLite at -O0 is ten times slower and no easier to debug from Rust.
    build.opt_level(3).debug(false);
    for flag in FLAGS {
        build.define(flag, None);
    }
    for (name, value) in VALUES {
        build.define(name, *value);
    }
    build.compile("sqlite3mc");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    println!("cargo:rustc-link-search=native={out}");
    // Whole archive: the callers of sqlite3_* are in libsqlite3-sys, which does not depend on this crate, so the
    // order of libraries on the linker's command line must not matter.
    println!("cargo:rustc-link-lib=static:+whole-archive=sqlite3mc");
    println!("cargo:rerun-if-changed=build.rs");
}
