//! Snapshots: all a person sees, in frames that each stand alone. Tickets come by descending id, a key that never
//! moves, then the desk's catalogue by ascending id; every frame is a short transaction of its own, and the delta from `as_of` makes the whole consistent.

use pocketdesk_protocol::{
    ids::{EntityId, Epoch, TicketId},
    limits::FRAME_BYTES,
    rows::kind,
    sync::{FrameEnd, Item, SnapshotLine, SnapshotStart},
};
use serde::{Deserialize, Serialize};

use crate::{
    catalogue,
    context::{Context, ServiceError, Session},
    journal::{
        self,
        cursor::{self, Position},
        rows,
    },
    people::Viewer,
    store::{Mode, StoreError, Tx, Value},
    values,
};

/// One frame of a snapshot.
#[derive(Debug)]
pub struct Frame {
    /// An independent zstd frame of NDJSON lines.
    pub bytes: Vec<u8>,
    /// Hand it back for the next frame.
    pub resume: String,
    /// Whether there is no next one.
    pub last: bool,
}

/// Rows of a ticket asked for at once.
const ROWS: usize = 100;
/// Tickets asked for at once.
const TICKETS: usize = 50;
/// Bytes kept free for the last line.
const END_BYTES: usize = 512;
/// Erased ids one snapshot ends with; more than a person ever has.
const ERASED: usize = 10_000;
/// Kinds of rows by their rank within a ticket.
const KINDS: [&str; 6] =
    [kind::TICKET, kind::COMMENT, kind::ATTACHMENT, kind::EVENT, kind::READ, kind::RATING];
/// Greater than any id.
const TOP: &str = "g";

/// Where to go on: the last ticket begun, and the last of its rows that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Key {
    epoch: Epoch,
    scopes_rev: i64,
    ticket: Option<TicketId>,
    rank: i64,
    row: String,
    /// The last name of the catalogue that was sent; set once there are no more tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalogue: Option<String>,
}

/// The frame after `resume` (none: the first), read in a short transaction of its own. The first frame of an HTTP
/// answer, at its start or a resumption, holds [`SnapshotLine::Start`]: ask with `start`. At the start
/// of an answer a resume key that is not ours, or of other scopes or another epoch, begins anew; in the middle of one it
/// is [`ServiceError::Invalid`].
pub async fn snapshot_frame(
    ctx: &Context,
    session: Session,
    resume: Option<&str>,
    start: bool,
) -> Result<Frame, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let tx = tx.as_mut();
    let viewer = Viewer::load(tx, session.person, &ctx.policy).await?;
    let epoch = journal::epoch(tx).await?;
    let fresh = Key {
        epoch,
        scopes_rev: viewer.scopes_rev,
        ticket: None,
        rank: 0,
        row: String::new(),
        catalogue: None,
    };
    let mut key = match resume {
        None => fresh.clone(),
        Some(text) => match cursor::open::<Key>(&ctx.key, "resume", text) {
            Some(key) => key,
            // A server that lost its key: an error would make the phone ask with the same words for ever. The start
            // line says that this is the beginning.
            None if start => fresh.clone(),
            None => {
                let reason = "is no key of this server; begin the snapshot anew";
                return Err(ServiceError::invalid("resume", reason));
            }
        },
    };
    let moved = key.epoch != epoch || key.scopes_rev != viewer.scopes_rev;
    if moved && !start {
        return Err(ServiceError::invalid(
            "resume",
            "what this session sees has changed; begin the snapshot anew",
        ));
    }
    if moved {
        // The phone sees in the start line that it has to begin anew; what follows is the beginning.
        key = fresh;
    }
    let mut lines = Vec::with_capacity(FRAME_BYTES);
    if start {
        let heads = journal::heads(tx, &viewer.scopes).await?;
        let as_of = Position::at_heads(epoch, viewer.scopes_rev, &heads).seal(&ctx.key);
        let tickets = count(tx, &viewer, &key).await?;
        line(
            &mut lines,
            &SnapshotLine::Start(SnapshotStart { epoch, scopes_rev: viewer.scopes_rev, as_of, tickets }),
        )?;
    }
    let last = fill(tx, &viewer, &mut key, &mut lines).await?;
    let erased = if last { erased(tx, &viewer).await? } else { Vec::new() };
    let resume = cursor::seal(&ctx.key, "resume", &key);
    line(&mut lines, &SnapshotLine::End(FrameEnd { resume: resume.clone(), last, erased }))?;
    let bytes = zstd::bulk::compress(&lines, 3)?;
    Ok(Frame { bytes, resume, last })
}

/// Adds rows until the frame is full; `true` when there are no more.
async fn fill(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    key: &mut Key,
    lines: &mut Vec<u8>,
) -> Result<bool, ServiceError> {
    let begun = lines.len();
    if key.catalogue.is_some() {
        return names(tx, viewer, key, lines, begun).await;
    }
    // The ticket the last frame ended in, if the person still sees it.
    if let Some(ticket) = key.ticket
        && rows::visible(tx, viewer, &[ticket].into()).await?.contains(&ticket)
        && !ticket_rows(tx, viewer, ticket, key, lines, begun).await?
    {
        return Ok(false);
    }
    loop {
        let tickets = tickets(tx, viewer, key.ticket).await?;
        if tickets.is_empty() {
            key.catalogue = Some(String::new());
            return names(tx, viewer, key, lines, begun).await;
        }
        for ticket in tickets {
            (key.ticket, key.rank, key.row) = (Some(ticket), -1, String::new());
            if !ticket_rows(tx, viewer, ticket, key, lines, begun).await? {
                return Ok(false);
            }
        }
    }
}

/// Adds the names of the catalogue after the key; `true` when there are no more.
async fn names(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    key: &mut Key,
    lines: &mut Vec<u8>,
    begun: usize,
) -> Result<bool, ServiceError> {
    loop {
        let ids = catalogue::ids_after(tx, key.catalogue.as_deref().unwrap_or_default(), ROWS).await?;
        let whole = ids.len() < ROWS;
        let named: Vec<(String, EntityId)> = ids.iter().map(|id| (kind::CATALOGUE.to_owned(), *id)).collect();
        for item in rows::load(tx, viewer, &named).await? {
            let id = item.id;
            if !add(lines, item, begun)? {
                return Ok(false);
            }
            key.catalogue = Some(id.to_string());
        }
        if whole {
            return Ok(true);
        }
    }
}

/// Adds a row if there is room; a row larger than a frame goes alone: it has to go.
fn add(lines: &mut Vec<u8>, item: Item, begun: usize) -> Result<bool, ServiceError> {
    let mut text = Vec::new();
    line(&mut text, &SnapshotLine::Item(item))?;
    if lines.len() + text.len() + END_BYTES > FRAME_BYTES && lines.len() > begun {
        return Ok(false);
    }
    lines.extend(text);
    Ok(true)
}

/// Adds the rows of one ticket after the key; `false` when the frame was full before its end.
async fn ticket_rows(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    ticket: TicketId,
    key: &mut Key,
    lines: &mut Vec<u8>,
    begun: usize,
) -> Result<bool, ServiceError> {
    loop {
        let keys = keys(tx, viewer, ticket, key).await?;
        let whole = keys.len() < ROWS;
        let named: Vec<(String, EntityId)> =
            keys.iter().map(|(rank, id)| (kind_of(*rank).to_owned(), *id)).collect();
        for ((rank, id), item) in keys.into_iter().zip(rows::load(tx, viewer, &named).await?) {
            if !add(lines, item, begun)? {
                return Ok(false);
            }
            (key.rank, key.row) = (rank, id.to_string());
        }
        if whole {
            return Ok(true);
        }
    }
}

/// Keys of a ticket's rows, its own first.
async fn keys(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    ticket: TicketId,
    after: &Key,
) -> Result<Vec<(i64, EntityId)>, StoreError> {
    let sql = format!(
        "SELECT rank, id FROM (SELECT 0 AS rank, id FROM ticket WHERE id = $1 \
           UNION ALL SELECT 1 AS rank, id FROM comment WHERE ticket_id = $1 \
           UNION ALL SELECT 2 AS rank, id FROM attachment WHERE ticket_id = $1 \
           UNION ALL SELECT 3 AS rank, id FROM event WHERE ticket_id = $1 \
           UNION ALL SELECT 4 AS rank, ticket_id FROM read_mark WHERE ticket_id = $1 AND person_id = $2 \
           UNION ALL SELECT 5 AS rank, ticket_id FROM rating WHERE ticket_id = $1 AND person_id = $2 AND round = \
             (SELECT MAX(round) FROM rating WHERE ticket_id = $1 AND person_id = $2)) AS own \
         WHERE rank > $3 OR (rank = $3 AND id > $4) ORDER BY rank, id LIMIT {ROWS}"
    );
    let rows = tx.query(&sql, &values![ticket, viewer.person, after.rank, after.row.as_str()]).await?;
    rows.iter().map(|row| Ok((row[0].int()?, row[1].id()?))).collect()
}

fn kind_of(rank: i64) -> &'static str {
    KINDS[usize::try_from(rank).unwrap_or(0).min(KINDS.len() - 1)]
}

/// The next tickets the person sees, newest first.
async fn tickets(
    tx: &mut dyn Tx,
    viewer: &Viewer,
    before: Option<TicketId>,
) -> Result<Vec<TicketId>, StoreError> {
    let (seen, mut values) = seen(viewer, &format!("ORDER BY id DESC LIMIT {TICKETS}"));
    values[0] = before.map_or_else(|| Value::from(TOP), Value::from);
    let sql = format!("SELECT id FROM ({seen}) AS seen ORDER BY id DESC LIMIT {TICKETS}");
    tx.query(&sql, &values).await?.iter().map(|row| row[0].id()).collect()
}

async fn count(tx: &mut dyn Tx, viewer: &Viewer, key: &Key) -> Result<u64, StoreError> {
    let (seen, mut values) = seen(viewer, "");
    values[0] = key.ticket.map_or_else(|| Value::from(TOP), Value::from);
    let rows = tx.query(&format!("SELECT COUNT(*) FROM ({seen}) AS seen"), &values).await?;
    Ok(u64::try_from(rows[0][0].int()?).unwrap_or(0))
}

/// Ids below `$1` of the tickets in the person's scopes, each source cut by `each`; and its values, the first to be
/// set.
fn seen(viewer: &Viewer, each: &str) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = values!["", viewer.person].into();
    let mut sources = vec![
        "SELECT id FROM ticket WHERE author_id = $2 AND id < $1".to_owned(),
        "SELECT ticket_id AS id FROM participant WHERE person_id = $2 AND ticket_id < $1".to_owned(),
    ];
    for scope in &viewer.scopes {
        let (column, id) = match scope {
            pocketdesk_protocol::ids::Scope::Company(id) => ("company_id", Value::from(*id)),
            pocketdesk_protocol::ids::Scope::Site(id) => ("site_id", Value::from(*id)),
            _ => continue,
        };
        values.push(id);
        sources.push(format!("SELECT id FROM ticket WHERE {column} = ${} AND id < $1", values.len()));
    }
    let sources: Vec<String> =
        sources.iter().map(|source| format!("SELECT id FROM ({source} {each}) AS one")).collect();
    (sources.join(" UNION "), values)
}

async fn erased(tx: &mut dyn Tx, viewer: &Viewer) -> Result<Vec<EntityId>, StoreError> {
    let sql = format!(
        "SELECT id FROM gone WHERE author_id = $1 AND why = 'erased' ORDER BY id DESC LIMIT {ERASED}"
    );
    tx.query(&sql, &values![viewer.person]).await?.iter().map(|row| row[0].id()).collect()
}

fn line(lines: &mut Vec<u8>, line: &SnapshotLine) -> Result<(), ServiceError> {
    serde_json::to_writer(&mut *lines, line)
        .map_err(|error| StoreError::Failed(format!("a line of a snapshot cannot be written: {error}")))?;
    lines.push(b'\n');
    Ok(())
}
