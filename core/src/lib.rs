//! The core does what the domain decides. This is the life of a reply, and with it the map of the crate:
//!
//! 1. Every keystroke (at most 300 ms late) is a draft in own.db ([`engine::account::Account::save_draft`]).
//! 2. "Send" is one transaction of own.db ([`store`]): the draft becomes an op with its own id, for a comment whose
//!    id is final. When the call returns the words are on the disk, whatever happens to the process.
//! 3. The commit says what it moved; revisions move ([`engine::topics`]), feeds ask again ([`engine::feed`]), and the
//!    comment is on the screen: *saved*. What is shown is computed by domain's overlay from own.db's ops and the
//!    cache's rows, read in that order, and stored nowhere.
//! 4. The account's runner hands the news to domain's machine, which orders a push; the op's exact bytes go out
//!    together with the cursor ([`remote`]). Its start is counted in own.db before the first byte leaves: *sending*.
//! 5. The answer holds the verdict and the next page. The verdict is committed to own.db first, then the page is
//!    applied to the cache. No transaction spans both files, and none has to: whether the op still shows follows from
//!    both. *Delivered*; and with the desk's answer, *registered*.
//!
//! A crash between any two of these steps loses nothing and repeats at most a push that changes nothing twice. Files
//! travel beside all this ([`attachments`]): text never waits for bytes. Who the person is to the desk is [`session`]'s
//! matter, and trouble with it never touches an op. Speech becomes words in [`voice`]. Time, chance, secrets, the
//! network and threads come through [`env`], so that a simulation can take their place.

#![warn(missing_docs)]

pub mod attachments;
pub mod engine;
pub mod env;
pub mod error;
pub mod remote;
pub mod session;
pub mod store;
pub mod voice;

pub use error::{Error, Result};
