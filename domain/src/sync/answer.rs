//! What a verdict means for own.db.
