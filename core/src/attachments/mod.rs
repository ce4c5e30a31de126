//! Files of tickets and comments: sealed on this phone ([`files`]), and on their way to and from the desk.

pub mod files;
