//! When to push, pull and wait, and what an answer means.
