//! Restoring a backup: a new epoch begins, revisions and numbers go past any given, and what was erased since the
//! backup is erased again.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
};

use pocketdesk_protocol::ids::Epoch;

use super::{
    BLOBS, BlobCopy, DATABASE,
    dump::{Line, Reader},
    outside::{Outside, high_water},
};
use crate::{
    context::ServiceError,
    desk::remove,
    env::Env,
    store::{Mode, Store, StoreError, Table, Tx, Value, placeholders},
    values,
};

/// Rows written in one transaction.
const ROWS: usize = 2000;

/// Fills an empty, migrated database from a backup: a higher epoch, scopes_rev and numbers past any given, erasures
/// replayed. Half a restore is refused at the next start. No server may run on the database meanwhile.
pub async fn restore(
    store: &dyn Store,
    env: &Env,
    blobs: &dyn BlobCopy,
    outside: &dyn Outside,
    folder: &Path,
) -> Result<(), ServiceError> {
    let file = std::fs::OpenOptions::new().read(true).open(folder.join(DATABASE))?;
    let mut reader = Reader::open(BufReader::new(zstd::Decoder::new(file)?))?;
    let tables = begin(store).await?;
    blobs.copy_from(&folder.join(BLOBS)).await?;
    fill(store, &tables, &mut reader).await?;
    end(store, env, outside).await
}

/// Marks the database as half restored; refuses one that holds anything.
async fn begin(store: &dyn Store) -> Result<BTreeMap<String, Table>, ServiceError> {
    let mut tx = store.begin(Mode::Write).await?;
    tx.lock_schema().await?;
    if !tx.query("SELECT name FROM meta LIMIT 1", &[]).await?.is_empty() {
        return Err(ServiceError::invalid(
            "database",
            "is not empty: restore into a new data directory or a new database, so that nothing is overwritten",
        ));
    }
    tx.execute("INSERT INTO meta (name, value) VALUES ('restoring', '1')", &[]).await?;
    let tables = tx.tables().await?.into_iter().map(|table| (table.name.clone(), table)).collect();
    tx.commit().await?;
    Ok(tables)
}

async fn fill<R: BufRead>(
    store: &dyn Store,
    tables: &BTreeMap<String, Table>,
    reader: &mut Reader<R>,
) -> Result<(), ServiceError> {
    let mut insert = String::new();
    let mut width = 0;
    let mut tx = store.begin(Mode::Write).await?;
    let mut rows = 0;
    while let Some(line) = reader.next()? {
        match line {
            Line::Table { name, columns } => {
                // Names come from a file: only those of our own schema become SQL.
                let known =
                    tables.get(&name).filter(|table| columns.iter().all(|c| table.columns.contains(c)));
                if known.is_none() {
                    return Err(ServiceError::invalid("backup", "holds a table this program does not know"));
                }
                width = columns.len();
                insert = format!(
                    "INSERT INTO {name} ({}) VALUES ({})",
                    columns.join(", "),
                    placeholders(1, width)
                );
            }
            Line::Row(cells) => {
                let row = cells.into_iter().map(Value::try_from).collect::<Result<Vec<_>, _>>()?;
                if width == 0 || row.len() != width {
                    return Err(ServiceError::invalid(
                        "backup",
                        "is cut or damaged; nothing of it may be used",
                    ));
                }
                tx.execute(&insert, &row).await?;
                rows += 1;
                if rows % ROWS == 0 {
                    tx.commit().await?;
                    tx = store.begin(Mode::Write).await?;
                }
            }
            Line::Head { .. } | Line::End { .. } => {}
        }
    }
    Ok(tx.commit().await?)
}

/// Begins the new epoch, in one transaction with the end of the restore.
async fn end(store: &dyn Store, env: &Env, outside: &dyn Outside) -> Result<(), ServiceError> {
    let mut tx = store.begin(Mode::Write).await?;
    let dumped = crate::journal::epoch(tx.as_mut()).await?;
    let highest = high_water::highest(outside, "epoch")?.max(dumped.0);
    // A clock set back must not make an epoch phones take for an old one.
    let epoch = Epoch::beginning(env.clock.now().max((highest >> 16) + 1), u16::from_le_bytes(env.random()));
    let epoch = if pocketdesk_protocol::planted::is("restore-keeps-epoch") { dumped } else { epoch };
    high_water::note(outside, "epoch", epoch.0)?;
    tx.execute("UPDATE meta SET value = $1 WHERE name = 'epoch'", &values![epoch.0.to_string()]).await?;
    for counter in ["number", "scopes_rev"] {
        let given = high_water::highest(outside, counter)?;
        move_past(tx.as_mut(), counter, given).await?;
    }
    let rev = tx
        .query(
            "UPDATE counter SET value = value + 1 WHERE name = 'scopes_rev' RETURNING value, reserved",
            &[],
        )
        .await?;
    let (rev, reserved) = (rev[0][0].int()?, rev[0][1].int()?);
    if rev > reserved {
        high_water::note(outside, "scopes_rev", rev)?;
        tx.execute("UPDATE counter SET reserved = $1 WHERE name = 'scopes_rev'", &values![rev]).await?;
    }
    tx.execute("UPDATE person SET scopes_rev = $1", &values![rev]).await?;
    // Waits began in another life of the server.
    tx.execute("DELETE FROM waiting", &[]).await?;
    let replayed = if pocketdesk_protocol::planted::is("restore-forgets-erasures") {
        0
    } else {
        remove::replay(tx.as_mut(), outside).await?
    };
    // The bytes of what was erased came back with the backup's files: the first sweep takes them.
    tx.execute(
        "UPDATE upload SET complete = $1 WHERE id IN (SELECT id FROM gone WHERE kind = 'attachment' AND why = 'erased')",
        &values![crate::blobs::uploads::GOING],
    )
    .await?;
    tx.execute("DELETE FROM meta WHERE name = 'restoring'", &[]).await?;
    tx.commit().await?;
    tracing::info!(epoch = epoch.0, replayed, "restored");
    Ok(())
}

async fn move_past(tx: &mut dyn Tx, counter: &str, given: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO counter (name, value, reserved) VALUES ($1, $2, $2) ON CONFLICT (name) DO UPDATE SET \
         value = CASE WHEN excluded.value > counter.value THEN excluded.value ELSE counter.value END, \
         reserved = CASE WHEN excluded.value > counter.reserved THEN excluded.value ELSE counter.reserved END",
        &values![counter, given],
    )
    .await
    .map(drop)
}
