//! How ids lie in a database: 16 bytes, a third of their text.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use uuid::Uuid;

/// A UUID as a BLOB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blob(pub Uuid);

/// For binding.
pub(crate) fn blob(id: Uuid) -> Blob {
    Blob(id)
}

impl ToSql for Blob {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
    }
}

impl FromSql for Blob {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        Uuid::from_slice(bytes).map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}
