//! The server, from outside and from inside.
