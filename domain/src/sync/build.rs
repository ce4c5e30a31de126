//! Building a cache file anew.
