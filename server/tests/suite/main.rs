//! The server, from outside and from inside.
mod data;
mod http;
