//! What screens ask for. Every answer is computed from one snapshot by domain's overlay; nothing shown is stored.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::ControlFlow,
    sync::Arc,
};

use pocketdesk_domain::{
    model::{
        AccountView, AttachmentView, Delivery, DraftView, OutboxItem, SearchHit, SyncState, TicketFilter,
        TicketKey, TicketSummary, TicketView, Unsent,
    },
    outbox::{
        NewDraft, OpState, StoredOp,
        overlay::{self, FileFacts, InboxKey},
    },
};
use pocketdesk_protocol::{
    ids::{AttachmentId, EntityId, OpId, TicketId},
    op::{FileRef, kind},
    rows,
};

use super::{
    account::Account,
    dictation::spoken_view,
    gathered::{Gathered, line_without_ops},
};
use crate::{
    error::{Error, Result},
    store::{CacheRead, Order, OwnRead, Snapshot, StoreError},
};

/// A line of the list and its place among those of other accounts.
pub(crate) struct Line {
    pub key: InboxKey,
    pub summary: TicketSummary,
}

/// What every reading needs.
pub(crate) struct Scene {
    pub account: overlay::AccountFacts,
    pub files: BTreeMap<AttachmentId, FileFacts>,
}

impl Account {
    pub(crate) fn scene(&self, snapshot: &Snapshot<'_>) -> Result<Scene> {
        let own = snapshot.own();
        let (facts, session) = (own.account()?, own.session()?);
        let wifi = own.setting(crate::attachments::uploads::WIFI)?.is_some();
        Ok(Scene {
            account: self.overlay_facts(&facts, session.is_some(), wifi),
            files: self.file_facts(own.files()?),
        })
    }

    /// The first `limit` lines of the list that pass the filter, in order, and how many there are in all.
    pub(crate) async fn lines(
        self: &Arc<Self>,
        filter: TicketFilter,
        limit: usize,
    ) -> Result<(Vec<Line>, u64, bool)> {
        let ask = || {
            let (this, filter) = (self.clone(), filter.clone());
            self.read_unlooked(move |snapshot| this.lines_of(snapshot, &filter, limit))
        };
        match ask().await {
            // What can be read of it is shown instead.
            Err(Error::Store(StoreError::Damaged { .. } | StoreError::WrongKey { .. })) => {
                self.look().await?;
                ask().await
            }
            lines => {
                self.look_soon();
                lines
            }
        }
    }

    fn lines_of(
        &self,
        snapshot: &Snapshot<'_>,
        filter: &TicketFilter,
        limit: usize,
    ) -> Result<(Vec<Line>, u64, bool)> {
        let scene = self.scene(snapshot)?;
        let cache = snapshot.cache();
        let with_ops = with_ops(snapshot)?;
        let mut lines = Vec::new();
        let mut without_row = 0;
        let mut own_lines = Vec::new();
        for (ticket, ops) in &with_ops {
            let gathered = Gathered::line(cache, *ticket, ops.clone())?;
            let facts = gathered.facts(&scene.files);
            let summary = overlay::summary(*ticket, &facts, &scene.account);
            if let (Some(summary), Some(key)) = (summary, overlay::inbox_key(&facts, &scene.account)) {
                without_row += u64::from(gathered.rows.ticket.is_none());
                own_lines.push((key, *ticket, summary));
            }
        }
        own_lines.sort_by_key(|(key, ticket, _)| (*key, std::cmp::Reverse(*ticket)));
        let mut own_lines = own_lines.into_iter().peekable();
        let plain = filter.statuses.is_empty() && !filter.unread && !filter.mine;
        let mut passed = 0_u64;
        let mut take = |key: InboxKey, summary: TicketSummary, lines: &mut Vec<Line>| {
            if passes(filter, &summary) {
                passed += 1;
                if lines.len() < limit {
                    lines.push(Line { key, summary });
                }
            }
        };
        if let Some(cache) = cache {
            cache.each_listed(|place, listed| {
                if with_ops.contains_key(&listed.id) {
                    return Ok::<_, Error>(ControlFlow::Continue(()));
                }
                let key = InboxKey { group: place.group, sort: place.sort };
                let before = |(own, id, _): &(InboxKey, TicketId, TicketSummary)| {
                    (*own, std::cmp::Reverse(*id)) < (key, std::cmp::Reverse(listed.id))
                };
                while let Some((key, _, summary)) = own_lines.next_if(before) {
                    take(key, summary, &mut lines);
                }
                // Without a filter the count is known, and what is past the page need not be read.
                if plain && lines.len() >= limit {
                    return Ok(ControlFlow::Break(()));
                }
                if let Some(summary) = line_without_ops(cache, &listed, &scene.account)? {
                    take(key, summary, &mut lines);
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        for (key, _, summary) in own_lines {
            take(key, summary, &mut lines);
        }
        let total = match cache {
            Some(cache) if plain => cache.counts()?.tickets + without_row,
            _ => passed,
        };
        Ok((lines, total, self.is_loading(cache, &scene)?))
    }

    /// Whether the first sync is still bringing rows: a growing file is shown.
    fn is_loading(&self, cache: Option<&CacheRead<'_>>, scene: &Scene) -> Result<bool> {
        let unfinished = match cache {
            Some(cache) => !cache.brief()?.finished,
            None => scene.account.paused.is_none(),
        };
        Ok(unfinished && scene.account.paused.is_none())
    }

    /// A ticket's screen.
    pub async fn ticket(self: &Arc<Self>, ticket: TicketId) -> Result<TicketView> {
        let this = self.clone();
        self.read(move |snapshot| {
            let scene = this.scene(snapshot)?;
            let gathered = Gathered::whole(snapshot.own(), snapshot.cache(), ticket)?;
            let view = overlay::ticket_view(ticket, &gathered.facts(&scene.files), &scene.account);
            view.ok_or(Error::NotFound { what: "ticket" })
        })
        .await
    }

    /// Tickets whose number is this, or whose id is or begins with it.
    pub(crate) async fn find(self: &Arc<Self>, reference: String) -> Result<Vec<TicketKey>> {
        let account = self.name.clone();
        self.read(move |snapshot| {
            let mut found: Vec<TicketId> = Vec::new();
            let hex = reference.replace('-', "").to_ascii_lowercase();
            if let Some(cache) = snapshot.cache() {
                found.extend(cache.by_number(&reference)?);
                if found.is_empty() {
                    found.extend(cache.by_prefix(&reference, 11)?);
                }
            }
            if !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                for op in snapshot.own().ops()? {
                    let fits = |ticket: &TicketId| ticket.0.simple().to_string().starts_with(&hex);
                    found.extend(op.ticket.filter(fits));
                }
            }
            found.sort();
            found.dedup();
            Ok(found
                .into_iter()
                .map(|id| TicketKey { account: account.clone(), id: id.to_string() })
                .collect())
        })
        .await
    }

    /// What waits to be sent or needs the person.
    pub async fn outbox(self: &Arc<Self>) -> Result<Vec<OutboxItem>> {
        let this = self.clone();
        self.read(move |snapshot| this.outbox_of(snapshot)).await
    }

    fn outbox_of(&self, snapshot: &Snapshot<'_>) -> Result<Vec<OutboxItem>> {
        let scene = self.scene(snapshot)?;
        let (own, cache) = (snapshot.own(), snapshot.cache());
        let mut items = Vec::new();
        let mut seen: BTreeMap<TicketId, Gathered> = BTreeMap::new();
        let mut covered: Vec<EntityId> = Vec::new();
        for op in own.ops()? {
            let ticket = op.ticket.unwrap_or(TicketId(op.entity.0));
            // What the desk took and does not refuse is not in the outbox, however much of it is kept.
            if matches!(op.state, OpState::Applied(_)) && !may_be_refused(cache, ticket)? {
                continue;
            }
            let gathered = match seen.entry(ticket) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(Gathered::whole(own, cache, ticket)?),
            };
            let item = overlay::outbox_item(&op, &gathered.facts(&scene.files), &scene.account);
            let needs_person = matches!(item.delivery, Delivery::Attention { .. });
            let is_mark = matches!(op.kind.as_str(), kind::READ_MARK | kind::READ_UNMARK);
            let settled = matches!(op.state, OpState::Applied(_)) || is_mark;
            if needs_person {
                covered.push(op.entity);
            }
            if needs_person || !settled {
                items.push(item);
            }
        }
        if let Some(cache) = cache {
            refused_rows(own, cache, &scene, &covered, &mut items)?;
        }
        Ok(items)
    }

    /// Where an op is; none when it is settled and forgotten.
    pub async fn delivery(self: &Arc<Self>, op: OpId, entity: EntityId) -> Result<Option<Delivery>> {
        let this = self.clone();
        self.read(move |snapshot| {
            let scene = this.scene(snapshot)?;
            let (own, cache) = (snapshot.own(), snapshot.cache());
            if let Some(op) = own.op(op)? {
                let ticket = op.ticket.unwrap_or(TicketId(op.entity.0));
                let gathered = Gathered::whole(own, cache, ticket)?;
                return Ok(Some(overlay::delivery_of_op(&op, &gathered.facts(&scene.files), &scene.account)));
            }
            let Some(cache) = cache else { return Ok(None) };
            let row = match cache.ticket(entity.into())? {
                Some(ticket) => Some((ticket.row.desk, ticket.row.created_at)),
                None => {
                    cache.comment(entity.into())?.map(|comment| (comment.row.desk, comment.row.created_at))
                }
            };
            Ok(row.map(|(desk, at)| overlay::delivery_of_row(&desk, at)))
        })
        .await
    }

    /// Drafts, last changed first.
    pub async fn drafts(self: &Arc<Self>) -> Result<Vec<DraftView>> {
        let this = self.clone();
        self.read(move |snapshot| {
            let scene = this.scene(snapshot)?;
            let own = snapshot.own();
            own.drafts()?.into_iter().map(|draft| this.draft_view(own, draft, &scene)).collect()
        })
        .await
    }

    pub(crate) fn draft_view(&self, own: &OwnRead<'_>, draft: NewDraft, scene: &Scene) -> Result<DraftView> {
        let spoken = own.dictation(draft.id)?.map(|dictated| spoken_view(dictated, &draft));
        Ok(DraftView {
            account: self.name.clone(),
            id: draft.id.to_string(),
            ticket: draft.ticket.map(|id| id.to_string()),
            subject: draft.subject,
            text: draft.text,
            attachments: draft.attachments.iter().map(|file| staged_view(file, &scene.files)).collect(),
            updated_at: draft.updated_at,
            spoken,
        })
    }

    /// What is not with the desk yet; a recording that is in no draft yet is as good as one.
    pub async fn unsent(self: &Arc<Self>) -> Result<Unsent> {
        let unsent = self.read(unsent).await?;
        Ok(Unsent { drafts: unsent.drafts.saturating_add(self.without_draft().await?), ..unsent })
    }

    /// The account and its state.
    pub async fn view(self: &Arc<Self>) -> Result<AccountView> {
        let this = self.clone();
        self.read(move |snapshot| {
            let own = snapshot.own();
            let (facts, session) = (own.account()?, own.session()?);
            let unsent = unsent(snapshot)?;
            let sync = match this.paused(&facts, session.is_some()) {
                Some(why) => SyncState::Paused { why },
                None if this.shared.is_offline() || !this.shared.network().online => SyncState::Offline,
                None => this.standing().sync.clone(),
            };
            let items = this.outbox_of(snapshot)?;
            let attention =
                items.iter().filter(|item| matches!(item.delivery, Delivery::Attention { .. })).count();
            let attention = u32::try_from(attention).unwrap_or(u32::MAX);
            let unread = unread_of(snapshot, &this.scene(snapshot)?)?;
            let me = facts.me.as_ref();
            Ok(AccountView {
                account: this.name.clone(),
                desk: me.map(|me| me.desk.name.clone()).unwrap_or_default(),
                server: facts.server.clone(),
                person: me.map(|me| me.person.name.clone()).unwrap_or_default(),
                email: facts.email.clone(),
                sync,
                unsent: unsent.ops,
                attention,
                drafts: unsent.drafts,
                unread: u32::try_from(unread).unwrap_or(u32::MAX),
                synced_at: facts.synced_at,
            })
        })
        .await
    }

    /// Finds words in everything on this phone.
    pub async fn search(self: &Arc<Self>, query: String, ranked: bool, limit: u32) -> Result<Vec<SearchHit>> {
        let this = self.clone();
        self.read(move |snapshot| {
            let scene = this.scene(snapshot)?;
            let order = if ranked { Order::Ranked } else { Order::Newest };
            let mut hits: Vec<SearchHit> = Vec::new();
            let mut seen: Vec<EntityId> = Vec::new();
            let facts = snapshot.cache().map(CacheRead::overlay_facts).transpose()?.unwrap_or_default();
            let with_ops = with_ops(snapshot)?;
            let line = |ticket: TicketId| -> Result<Option<TicketSummary>> {
                let ops = with_ops.get(&ticket).cloned().unwrap_or_default();
                let gathered = Gathered::line(snapshot.cache(), ticket, ops)?;
                Ok(overlay::summary(ticket, &gathered.facts(&scene.files), &scene.account))
            };
            let mut push = |ticket: TicketId, entity: EntityId, excerpt: String, summary| {
                let Some(summary) = summary else { return };
                if !seen.contains(&entity) {
                    seen.push(entity);
                    let comment = (entity != EntityId::from(ticket)).then(|| entity.to_string());
                    hits.push(SearchHit { ticket: summary, excerpt, comment });
                }
            };
            // What the person wrote and no server shows yet comes first: it is the newest there is.
            for hit in snapshot.search_own(&query, limit as usize)? {
                let (Some(ticket), Some(op)) = (hit.ticket, hit.op) else { continue };
                let Some(op) = snapshot.own().op(op)? else { continue };
                let (kind, id) = op.target_row();
                let row_v = snapshot.cache().map(|cache| cache.v(kind, id)).transpose()?.flatten();
                // Kept words that the desk has shown, or has deleted since, are the cache's to find.
                if overlay::is_shown(&op, row_v, facts) {
                    push(ticket, hit.entity, hit.excerpt, line(ticket)?);
                }
            }
            snapshot.search_each(&query, order, limit, |found| {
                let ticket = found.ticket.id;
                let summary = match snapshot.cache() {
                    Some(cache) if !with_ops.contains_key(&ticket) => {
                        line_without_ops(cache, &found.ticket, &scene.account)?
                    }
                    _ => line(ticket)?,
                };
                // A file is shown as its ticket's.
                let entity = if found.kind == rows::kind::COMMENT { found.id } else { ticket.into() };
                push(ticket, entity, found.excerpt, summary);
                Ok::<_, Error>(())
            })?;
            hits.truncate(limit as usize);
            Ok(hits)
        })
        .await
    }
}

pub(crate) fn unsent(snapshot: &Snapshot<'_>) -> Result<Unsent> {
    let own = snapshot.own();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let files =
        own.files()?.iter().filter(|file| file.staged && file.complete_at.is_none() && !file.stopped).count();
    Ok(Unsent { ops: own.unsent()?, files: count(files), drafts: count(own.drafts()?.len()) })
}

/// Tickets that ops speak of, with them.
fn with_ops(snapshot: &Snapshot<'_>) -> Result<BTreeMap<TicketId, Vec<StoredOp>>> {
    let mut tickets: BTreeMap<TicketId, Vec<StoredOp>> = BTreeMap::new();
    for op in snapshot.own().ops()? {
        if let Some(ticket) = op.ticket {
            tickets.entry(ticket).or_default().push(op);
        }
    }
    Ok(tickets)
}

/// How many tickets of the list have something unread: the cache's count, put right where ops say otherwise. It is
/// shown beside every account, so it must not walk the list.
fn unread_of(snapshot: &Snapshot<'_>, scene: &Scene) -> Result<u64> {
    let cache = snapshot.cache();
    let mut unread = cache.map(CacheRead::counts).transpose()?.unwrap_or_default().unread;
    for (ticket, ops) in with_ops(snapshot)? {
        let entry = cache.map(|cache| cache.inbox_entry(ticket)).transpose()?.flatten();
        let counted = entry.is_some_and(|entry| entry.unread > 0);
        let gathered = Gathered::line(cache, ticket, ops)?;
        let facts = gathered.facts(&scene.files);
        let listed = overlay::inbox_key(&facts, &scene.account).is_some();
        let summary = overlay::summary(ticket, &facts, &scene.account).filter(|_| listed);
        let counts = summary.is_some_and(|summary| summary.unread > 0);
        unread = unread.saturating_sub(u64::from(counted)) + u64::from(counts);
    }
    Ok(unread)
}

fn passes(filter: &TicketFilter, summary: &TicketSummary) -> bool {
    (filter.statuses.is_empty() || filter.statuses.contains(&summary.status))
        && (!filter.unread || summary.unread > 0)
        && (!filter.mine || summary.author.is_none())
}

/// A file that is on this phone and belongs to nothing the desk knows.
pub(crate) fn staged_view(file: &FileRef, files: &BTreeMap<AttachmentId, FileFacts>) -> AttachmentView {
    AttachmentView {
        id: file.id.to_string(),
        name: file.name.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        on_phone: files.get(&file.id).is_some_and(|facts| facts.on_phone),
        state: pocketdesk_domain::model::FileState::Pending,
        delivery: Some(Delivery::Draft),
    }
}

/// Whether anything of a ticket may have been refused by the desk: then it is in the list's first group.
fn may_be_refused(cache: Option<&CacheRead<'_>>, ticket: TicketId) -> Result<bool> {
    Ok(cache
        .map(|cache| cache.group_of(ticket))
        .transpose()?
        .is_some_and(|group| group.is_none_or(|group| group == 0)))
}

/// What the desk refused and no op on this phone speaks of any more: the row's own words.
fn refused_rows(
    own: &OwnRead<'_>,
    cache: &CacheRead<'_>,
    scene: &Scene,
    covered: &[EntityId],
    items: &mut Vec<OutboxItem>,
) -> Result<()> {
    let mut refused = Vec::new();
    cache.each_listed(|place, listed| {
        // Refused words need the person: they are in the first group and nowhere else.
        if place.group > 0 {
            return Ok::<_, Error>(ControlFlow::Break(()));
        }
        refused.extend(listed.plain().is_none().then_some(listed.id));
        Ok(ControlFlow::Continue(()))
    })?;
    for ticket in refused {
        let gathered = Gathered::whole(own, Some(cache), ticket)?;
        let facts = gathered.facts(&scene.files);
        let comments = gathered.rows.comments.iter().map(Some);
        let things = std::iter::once(None).chain(comments);
        let fresh =
            things.filter(|comment| !covered.contains(&comment.map_or(EntityId::from(ticket), |row| row.id)));
        items.extend(fresh.filter_map(|comment| overlay::refused_item(comment, &facts, &scene.account)));
    }
    Ok(())
}
