//! The steps.
