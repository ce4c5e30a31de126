//! Help texts as golden files; `UPDATE_GOLDENS=1` writes them anew.
