//! What journeys and the demo are told with: the real server, a scripted member of staff, phones.
//!
//! Nothing here stands in for the product: the server is the program companies run, the phone is the facade the
//! shells draw.

#![allow(clippy::disallowed_methods, reason = "tests start processes, write files and wait")]

pub mod desk;
pub mod net;
pub mod program;
pub mod staff;
pub mod teller;
pub mod time;
