//! The real binary: its help, its contract with scripts, and its days with a real server.

mod help;
mod texts;
