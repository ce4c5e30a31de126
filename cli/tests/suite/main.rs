//! The real binary: its help, its contract with scripts, and its days with a real server.

mod day;
mod desk;
mod help;
mod offline;
mod person;
mod terminal;
mod texts;
