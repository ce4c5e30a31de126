//! All that is known of one ticket, read from one snapshot and handed to domain's overlay.

use std::collections::BTreeMap;

use pocketdesk_domain::{
    model::TicketSummary,
    outbox::{
        StoredOp,
        overlay::{self, FileFacts, TicketFacts},
    },
};
use pocketdesk_protocol::ids::{AttachmentId, TicketId};

use crate::{
    error::Result,
    store::{CacheRead, Listed, OwnRead, TicketRows},
};

/// See the module.
pub(crate) struct Gathered {
    pub ticket: TicketId,
    pub rows: TicketRows,
    pub ops: Vec<StoredOp>,
    pub cache: overlay::CacheFacts,
    pub unread: u32,
}

impl Gathered {
    /// Everything, for its screen and for what is asked of it.
    pub fn whole(own: &OwnRead<'_>, cache: Option<&CacheRead<'_>>, ticket: TicketId) -> Result<Self> {
        let ops = own.ops_of(ticket)?;
        let rows = cache.map(|cache| cache.rows_of(ticket)).transpose()?.unwrap_or_default();
        Self::with(cache, ticket, rows, ops)
    }

    /// What the list shows of it: its row, its marks, the comments the desk has not registered.
    pub fn line(cache: Option<&CacheRead<'_>>, ticket: TicketId, ops: Vec<StoredOp>) -> Result<Self> {
        let rows = match cache {
            Some(cache) => TicketRows {
                ticket: cache.ticket(ticket)?,
                comments: cache.waiting_comments(ticket)?,
                read: cache.read_mark(ticket)?,
                rating: cache.rating(ticket)?,
                ..TicketRows::default()
            },
            None => TicketRows::default(),
        };
        Self::with(cache, ticket, rows, ops)
    }

    fn with(
        cache: Option<&CacheRead<'_>>,
        ticket: TicketId,
        rows: TicketRows,
        ops: Vec<StoredOp>,
    ) -> Result<Self> {
        let facts = cache.map(CacheRead::overlay_facts).transpose()?.unwrap_or_default();
        let read_to = overlay::read_to(rows.read.as_ref(), &ops, facts);
        let unread = cache.map(|cache| cache.unread_after(ticket, read_to)).transpose()?.unwrap_or(0);
        Ok(Self { ticket, rows, ops, cache: facts, unread })
    }

    /// For [`overlay`].
    pub fn facts<'a>(&'a self, files: &'a BTreeMap<AttachmentId, FileFacts>) -> TicketFacts<'a> {
        TicketFacts {
            ticket: self.rows.ticket.as_ref(),
            comments: &self.rows.comments,
            attachments: &self.rows.attachments,
            events: &self.rows.events,
            read: self.rows.read.as_ref(),
            rating: self.rows.rating.as_ref(),
            ops: &self.ops,
            files,
            cache: self.cache,
            unread: self.unread,
        }
    }

    /// Whether there is anything of it on this phone.
    pub fn is_known(&self) -> bool {
        self.rows.ticket.is_some() || !self.ops.is_empty()
    }
}

/// The list's line of a ticket that no op speaks of; none if this build cannot read its row.
pub(crate) fn line_without_ops(
    cache: &CacheRead<'_>,
    listed: &Listed<'_>,
    account: &overlay::AccountFacts,
) -> Result<Option<TicketSummary>> {
    if let Some(line) = listed.plain() {
        return Ok(Some(overlay::plain_summary(line, account)));
    }
    let Some(ticket) = listed.ticket() else { return Ok(None) };
    let comments = if listed.waits { cache.waiting_comments(listed.id)? } else { Vec::new() };
    let facts = TicketFacts {
        ticket: Some(&ticket),
        comments: &comments,
        attachments: &[],
        events: &[],
        read: None,
        rating: None,
        ops: &[],
        files: &BTreeMap::new(),
        cache: cache.overlay_facts()?,
        unread: listed.unread,
    };
    Ok(overlay::summary(listed.id, &facts, account))
}
