//! The data side on both stores: one suite, run on SQLite and on a real PostgreSQL.

mod support;

mod backups;
mod catalogue;
mod concurrent;
mod delivery;
mod desk_later;
mod feed;
mod files;
mod schema;
mod status;
mod visibility;
