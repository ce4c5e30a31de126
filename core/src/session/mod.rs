//! Who the person is to a desk: signing in by a code ([`sign_in`]) and keeping the session alive ([`tokens`]).

pub mod sign_in;
pub mod tokens;
