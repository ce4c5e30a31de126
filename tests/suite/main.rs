//! Journeys: whole days of requesters, through the facade, against the real server. A test's name says what a person
//! would have lost; its log (shown when it fails) tells who did what.

#![allow(clippy::disallowed_methods, reason = "tests write files, start processes and wait")]

mod answer_out;
mod attachments;
mod bad_input;
mod cache;
mod company;
mod day;
mod disk;
mod export;
mod filing;
mod kills;
mod large;
mod live;
mod models;
mod network;
mod newer_app;
mod old_and_new;
mod processes;
mod remedies;
mod report;
mod restore;
mod rolling;
mod search;
mod sign_out;
mod two_phones;
mod week;
mod world;
mod world_disk;
