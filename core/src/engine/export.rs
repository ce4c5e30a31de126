//! Everything of the person's, in plain JSON lines and files, into a folder they chose. Works for an account that
//! can only be read, too: what cannot be written can still be taken along.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use pocketdesk_domain::{model::ExportReport, outbox::OpState};
use pocketdesk_protocol::{ids::TicketId, op::kind};
use serde::Serialize;
use serde_json::{Value, json};

use super::{account::Account, gathered::Gathered};
use crate::{
    attachments::{
        plain::{COPY_NAME_BYTES, Lines, copy_out},
        staging::shortened,
    },
    error::{Error, Result},
    store::{LocalFile, Stored},
};

/// Tickets read at a time.
const CHUNK: u32 = 64;

impl Account {
    /// Writes `tickets.jsonl`, `drafts.jsonl`, `outbox.jsonl` and `files/` into `dir`, which must not hold them yet.
    pub async fn export(self: &Arc<Self>, dir: PathBuf) -> Result<ExportReport> {
        let made = dir.clone();
        self.bytes(move || {
            std::fs::create_dir_all(made.join("files"))
                .map_err(|error| Error::File { path: made.display().to_string(), reason: error.to_string() })
        })
        .await?;
        let to = dir.clone();
        let (mut report, files) = self
            .read(move |snapshot| {
                let (own, cache) = (snapshot.own(), snapshot.cache());
                let mut report = ExportReport::default();
                let mut outbox = Lines::create(to.join("outbox.jsonl"))?;
                for op in own.ops()? {
                    let state = match &op.state {
                        OpState::Live => json!("live"),
                        OpState::Applied(applied) => {
                            json!({"applied": {"number": applied.number, "at": applied.seen_at}})
                        }
                        OpState::Rejected(rejected) => json!({"rejected": {"code": rejected.code}}),
                    };
                    let body: Value = serde_json::from_str(&op.body).unwrap_or_else(|_| json!(op.body));
                    let line = json!({
                        "op": op.op, "kind": op.kind, "entity": op.entity, "ticket": op.ticket,
                        "made_at": op.made_at, "body": body, "state": state,
                    });
                    outbox.push(&line)?;
                    if !matches!(op.state, OpState::Applied(_)) {
                        report.unsent += 1;
                        report.tickets += u64::from(op.kind == kind::TICKET_CREATE);
                        report.comments += u64::from(op.kind == kind::COMMENT_ADD);
                    }
                }
                outbox.finish()?;
                let mut drafts = Lines::create(to.join("drafts.jsonl"))?;
                for draft in own.drafts()? {
                    let line = json!({
                        "id": draft.id, "ticket": draft.ticket, "subject": draft.subject, "text": draft.text,
                        "attachments": draft.attachments, "updated_at": draft.updated_at,
                    });
                    drafts.push(&line)?;
                    report.unsent += 1;
                }
                drafts.finish()?;
                let mut tickets = Lines::create(to.join("tickets.jsonl"))?;
                let mut named = BTreeSet::new();
                let mut after = None;
                while let Some(cache) = cache {
                    let entries = cache.inbox(after, CHUNK)?;
                    after = entries.last().map(|entry| entry.place);
                    for entry in &entries {
                        let ticket: TicketId = entry.place.id;
                        let gathered = Gathered::whole(own, Some(cache), ticket)?;
                        let rows = &gathered.rows;
                        report.tickets += 1;
                        report.comments += rows.comments.len() as u64;
                        named.extend(rows.attachments.iter().map(|file| (file.id.0, file.row.name.clone())));
                        let line = json!({
                            "id": ticket, "ticket": entry.ticket.row, "comments": with_ids(&rows.comments),
                            "attachments": with_ids(&rows.attachments), "events": with_ids(&rows.events),
                            "rating": rows.rating.as_ref().map(|rating| &rating.row),
                        });
                        tickets.push(&line)?;
                    }
                    if entries.len() < CHUNK as usize {
                        break;
                    }
                }
                tickets.finish()?;
                let files = own.files()?;
                let here: BTreeSet<_> = files.iter().map(|file| file.file.id.0).collect();
                report.missing =
                    named.into_iter().filter(|(id, _)| !here.contains(id)).map(|(_, name)| name).collect();
                Ok((report, files))
            })
            .await?;
        for file in files {
            match self.export_file(&dir, &file).await {
                Ok(()) => report.files += 1,
                // One damaged file keeps nobody from the others.
                Err(Error::Files(_)) => report.missing.push(file.file.name),
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    async fn export_file(self: &Arc<Self>, dir: &Path, file: &LocalFile) -> Result<()> {
        // A name may have come from another person's device: whatever in it leads elsewhere is left out.
        let plain: String = file
            .file
            .name
            .chars()
            .map(|c| if c.is_control() || "/\\:".contains(c) { '_' } else { c })
            .collect();
        let prefix = format!("{}-", file.file.id);
        let plain = shortened(plain, COPY_NAME_BYTES - prefix.len());
        let to = dir.join("files").join(prefix + &plain);
        let (folder, sealed) = (self.folder.clone(), file.sealed.clone());
        self.bytes(move || copy_out(&folder, &sealed, &to)).await
    }
}

fn with_ids<T: Serialize>(rows: &[Stored<T>]) -> Vec<Value> {
    rows.iter().map(|row| json!({"id": row.id, "row": row.row})).collect()
}
