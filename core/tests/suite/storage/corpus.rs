//! Database files of every version that was ever given to people, each opened by every later one.
//!
//! `tests/corpus/databases/own-v<n>.db` and `cache-v<n>.db` are made by [`make`] with a fixed key: run
//! `cargo test -p pocketdesk-core --test suite corpus::make -- --ignored` once after a migration is added, and commit
//! what it wrote under the new number. A file that is there is never made again.
