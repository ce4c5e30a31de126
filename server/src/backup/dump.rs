//! The dump: NDJSON under zstd. A head line, then per table a line with its name and columns and a line per row; the
//! last line counts them, so that a cut file is noticed.

use std::io::{self, BufRead, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use pocketdesk_protocol::Millis;
use serde::{Deserialize, Serialize};

use crate::{
    context::ServiceError,
    store::{
        Mode, Row, Store, StoreError, Table, Tx, Value,
        migrate::{self, SCHEMA},
        placeholders,
    },
};

/// Rows read at once.
const ROWS: usize = 1000;
/// The format this build writes and reads.
const FORMAT: u32 = 1;

/// A line of a dump.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first.
    Head { format: u32, schema: i64, at: Millis },
    /// Rows of this table follow.
    Table { name: String, columns: Vec<String> },
    /// A row.
    Row(Vec<Cell>),
    /// The last.
    End { rows: u64 },
}

/// A value of a row.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes { base64: String },
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(value) => Self::Int(value),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes { base64: BASE64_STANDARD.encode(bytes) },
        }
    }
}

impl TryFrom<Cell> for Value {
    type Error = io::Error;
    fn try_from(cell: Cell) -> io::Result<Self> {
        Ok(match cell {
            Cell::Null => Self::Null,
            Cell::Int(value) => Self::Int(value),
            Cell::Text(text) => Self::Text(text),
            Cell::Bytes { base64 } => Self::Bytes(BASE64_STANDARD.decode(base64).map_err(io::Error::other)?),
        })
    }
}

/// Dumps all tables as they are at one moment. Tables of the schema itself are not dumped: a restore makes them.
pub(super) async fn write<W: Write + Send>(store: &dyn Store, at: Millis, to: W) -> Result<W, ServiceError> {
    let mut out = zstd::Encoder::new(to, 9)?;
    let mut tx = store.begin(Mode::Read).await?;
    // The database's, which may be a newer program's: only that one can restore all of it.
    let schema = migrate::version(tx.as_mut()).await?;
    line(&mut out, &Line::Head { format: FORMAT, schema, at })?;
    let mut count = 0;
    for table in tx.tables().await?.into_iter().filter(|table| table.name != "schema_version") {
        line(&mut out, &Line::Table { name: table.name.clone(), columns: table.columns.clone() })?;
        let mut after: Option<Row> = None;
        loop {
            let rows = page(tx.as_mut(), &table, after.as_ref()).await?;
            let ended = rows.len() < ROWS;
            after = rows.last().cloned();
            for row in rows {
                line(&mut out, &Line::Row(row.into_iter().map(Cell::from).collect()))?;
                count += 1;
            }
            if ended {
                break;
            }
        }
    }
    line(&mut out, &Line::End { rows: count })?;
    Ok(out.finish()?)
}

/// The next rows of a table by its primary key.
async fn page(tx: &mut dyn Tx, table: &Table, after: Option<&Row>) -> Result<Vec<Row>, StoreError> {
    if table.key.is_empty() {
        return Err(StoreError::Failed(format!("table {} has no primary key to page by", table.name)));
    }
    let (columns, key) = (table.columns.join(", "), table.key.join(", "));
    let (filter, values) = match after {
        None => (String::new(), Vec::new()),
        Some(row) => {
            let at = |column: &String| table.columns.iter().position(|name| name == column);
            let values: Vec<Value> =
                table.key.iter().filter_map(|column| Some(row[at(column)?].clone())).collect();
            (format!("WHERE ({key}) > ({})", placeholders(1, values.len())), values)
        }
    };
    tx.query(&format!("SELECT {columns} FROM {} {filter} ORDER BY {key} LIMIT {ROWS}", table.name), &values)
        .await
}

fn line<W: Write>(out: &mut W, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line).map_err(io::Error::other)?;
    out.write_all(b"\n")
}

/// Reads a dump line by line; checks its head at once and its count at the end.
pub(super) struct Reader<R: BufRead> {
    lines: io::Lines<R>,
    rows: u64,
}

impl<R: BufRead> Reader<R> {
    /// Fails when it is no dump, or one of a newer program.
    pub(super) fn open(from: R) -> Result<Self, ServiceError> {
        let mut reader = Self { lines: from.lines(), rows: 0 };
        match reader.read()? {
            Some(Line::Head { format: FORMAT, schema, .. }) if schema <= SCHEMA => Ok(reader),
            Some(Line::Head { .. }) => Err(ServiceError::invalid(
                "backup",
                "was made by a newer version of the server; install that version and restore with it",
            )),
            _ => Err(ServiceError::invalid("backup", "does not begin like a backup of this server")),
        }
    }

    /// The next table or row; `None` after a whole dump. A cut one is an error.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ServiceError> {
        let line = self.read()?;
        match line {
            Some(Line::Row(_)) => self.rows += 1,
            Some(Line::End { rows }) if rows == self.rows => return Ok(None),
            Some(Line::Table { .. }) => {}
            _ => {
                return Err(ServiceError::invalid("backup", "is cut or damaged; nothing of it may be used"));
            }
        }
        Ok(line)
    }

    fn read(&mut self) -> Result<Option<Line>, ServiceError> {
        let damaged = |_| ServiceError::invalid("backup", "is cut or damaged; nothing of it may be used");
        let Some(text) = self.lines.next() else { return Ok(None) };
        let text = text.map_err(damaged)?;
        serde_json::from_str(&text).map(Some).map_err(|_| damaged(io::Error::other("no line of a dump")))
    }
}
