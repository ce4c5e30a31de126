//! What goes over the network. [`http`] is the real [`crate::env::Remote`]; above the port, [`api`] speaks the
//! protocol's endpoints and [`answer`] says in one place whether an answer is a desk's at all, [`snapshot`] and
//! [`live`] take the two streams apart.
//!
//! Time limits are kept above the port, by the [`crate::env::Clock`], so that World keeps them too.

pub mod address;
pub mod answer;
pub mod api;
pub mod http;
pub mod live;
pub mod snapshot;
