//! Pages: what moved in a session's scopes since a cursor, as it is now. A page ends on a commit's boundary and holds
//! at least one commit, so that it moves on whatever its limit.

use std::collections::BTreeSet;

use pocketdesk_protocol::{
    ids::{EntityId, Scope},
    sync::{Ack, Item},
};

use super::{cursor::Position, rows};
use crate::{
    people::Viewer,
    store::{StoreError, Tx},
    values,
};

/// Bytes of items when the phone does not say.
pub const DEFAULT_BYTES: u64 = 256 << 10;
/// Bytes of items whatever the phone says.
const MOST_BYTES: u64 = 1 << 20;
/// Rows fetched at once; more than a commit has, so that one query holds a whole one.
const KEYS: usize = 400;
/// Rows read before their size is looked at.
const ROWS: usize = 50;

/// See the module.
pub struct Page {
    /// The rows.
    pub items: Vec<Item>,
    /// Where the phone stands after them.
    pub next: Position,
    /// Whether that is at the heads.
    pub complete: bool,
}

/// One commit's rows that have not moved since.
struct Commit {
    seq: i64,
    rows: Vec<(String, EntityId)>,
}

/// Reads the page at `position`, which is not stale.
pub async fn read(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    position: &Position,
    heads: &[Ack],
    limit_bytes: Option<u64>,
) -> Result<Page, StoreError> {
    let limit = limit_bytes.unwrap_or(DEFAULT_BYTES).min(MOST_BYTES);
    let mut page = Page { items: Vec::new(), next: position.clone(), complete: true };
    let mut sent = BTreeSet::new();
    let mut bytes = 0;
    for head in heads {
        let mut at = page.next.at[&head.scope].0;
        while at < head.seq {
            let commits = commits(tx, head.scope, at).await?;
            if commits.is_empty() {
                // What moved here has moved on in a later commit or was trimmed: nothing is left to send.
                at = head.seq;
                page.next.at.insert(head.scope, (head.seq, head.tag));
                continue;
            }
            let mut commits = commits.into_iter().peekable();
            while commits.peek().is_some() {
                let mut group = Vec::new();
                while commits.peek().is_some()
                    && group.iter().map(|commit: &Commit| commit.rows.len()).sum::<usize>() < ROWS
                {
                    group.extend(commits.next());
                }
                // A row that is in two scopes is sent once: both times it would be as it is now.
                let fresh: Vec<_> = group
                    .iter()
                    .flat_map(|commit| &commit.rows)
                    .filter(|row| !sent.contains(*row))
                    .cloned()
                    .collect();
                let mut loaded = rows::load(tx, viewer, &fresh).await?.into_iter().peekable();
                for commit in group {
                    let mut items = Vec::new();
                    for row in commit.rows {
                        if sent.contains(&row) {
                            continue;
                        }
                        items.extend(loaded.next_if(|item| item.k == row.0 && item.id == row.1));
                    }
                    let more: u64 = items.iter().map(size).sum();
                    if bytes + more > limit && at_least_one_commit(&page, position) {
                        page.complete = false;
                        return Ok(page);
                    }
                    bytes += more;
                    sent.extend(items.iter().map(|item| (item.k.clone(), item.id)));
                    page.items.extend(items);
                    at = commit.seq;
                    let tag = if at == head.seq { head.tag } else { tag(tx, head.scope, at).await? };
                    page.next.at.insert(head.scope, (at, tag));
                }
            }
        }
    }
    Ok(page)
}

fn at_least_one_commit(page: &Page, from: &Position) -> bool {
    page.next != *from
}

fn size(item: &Item) -> u64 {
    // The envelope: kind, id, version and their names.
    90 + item.row.as_ref().map_or(0, |row| row.get().len() as u64)
}

/// The next commits after `at`, whole ones only.
async fn commits(tx: &mut dyn Tx, scope: Scope, at: i64) -> Result<Vec<Commit>, StoreError> {
    let sql = format!(
        "SELECT kind, entity, seq FROM journal_item WHERE scope = $1 AND seq > $2 ORDER BY seq, kind, entity LIMIT {KEYS}"
    );
    let mut found = tx.query(&sql, &values![scope, at]).await?;
    if found.len() == KEYS {
        let (first, last) = (found[0][2].int()?, found[KEYS - 1][2].int()?);
        if first == last {
            // One commit larger than a commit should be still comes whole.
            let sql = "SELECT kind, entity, seq FROM journal_item WHERE scope = $1 AND seq = $2 ORDER BY kind, entity";
            found = tx.query(sql, &values![scope, first]).await?;
        } else {
            while found.last().is_some_and(|row| row[2].int().is_ok_and(|seq| seq == last)) {
                found.pop();
            }
        }
    }
    let mut commits: Vec<Commit> = Vec::new();
    for row in found {
        let seq = row[2].int()?;
        if commits.last().is_none_or(|commit| commit.seq != seq) {
            commits.push(Commit { seq, rows: Vec::new() });
        }
        commits.last_mut().expect("just pushed").rows.push((row[0].text()?.to_owned(), row[1].id()?));
    }
    Ok(commits)
}

async fn tag(tx: &mut dyn Tx, scope: Scope, seq: i64) -> Result<i64, StoreError> {
    let rows = tx
        .query("SELECT tag FROM journal_commit WHERE scope = $1 AND seq = $2", &values![scope, seq])
        .await?;
    match rows.first() {
        Some(row) => row[0].int(),
        None => Err(StoreError::Failed("a journal lost a commit above its horizon".into())),
    }
}
