//! The properties of design 6, looked at on the way and at rest. Each problem is a sentence that begins with the
//! property's number.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_core::store::CacheFacts;
use pocketdesk_domain::{
    model::{AttentionReason, Delivery, WaitsFor},
    outbox::{NewDraft, StoredOp},
};
use pocketdesk_protocol::{
    ids::{EntityId, Epoch, InstallId, SessionId, TicketId},
    rows::kind,
    sync::{SnapshotLine, code},
};
use pocketdesk_server::{
    context::{Context, ServiceError, Session},
    people,
    store::Mode,
    sync::snapshot_frame,
};

use super::{
    TARAS, World,
    script::person::Attached,
    truth::{STAFF, What, marks_in},
};

/// Kind, id, version, JSON: a row as phone and server both have it.
pub type Row = (String, EntityId, i64, String);

/// The words a server holds.
#[derive(Default)]
pub struct ServerWords {
    /// Mark → ids of the tickets and comments it stands in.
    places: BTreeMap<String, Vec<String>>,
    /// Comment → its position.
    positions: BTreeMap<String, i64>,
}

/// What a phone holds.
pub struct PhoneWords {
    /// Every op of own.db.
    pub ops: Vec<StoredOp>,
    /// Every draft.
    pub drafts: Vec<NewDraft>,
    /// Every row of the active cache file.
    pub rows: Vec<Row>,
    /// What that file says of itself.
    pub facts: Option<CacheFacts>,
}

/// What was seen of a phone's cache before.
#[derive(Default)]
pub struct Seen {
    versions: BTreeMap<(String, EntityId), (Epoch, i64)>,
    vanished: BTreeSet<EntityId>,
}

impl Seen {
    /// The power went: the last commits of a cache may be lost and come again.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

async fn server_words(ctx: Context) -> Result<ServerWords, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let mut words = ServerWords::default();
    for sql in ["SELECT id, description, 0 FROM ticket", "SELECT id, body, position FROM comment"] {
        for row in tx.query(sql, &[]).await? {
            let id = row[0].text()?.to_owned();
            for mark in marks_in(row[1].text()?) {
                words.places.entry(mark.to_owned()).or_default().push(id.clone());
            }
            words.positions.insert(id, row[2].int()?);
        }
    }
    Ok(words)
}

async fn servers_view(ctx: Context, email: &'static str) -> Result<Vec<Row>, ServiceError> {
    let person = {
        let mut tx = ctx.store.begin(Mode::Read).await?;
        people::find_by_email(tx.as_mut(), email).await?.ok_or(ServiceError::NotFound("person"))?
    };
    let nobody = uuid::Uuid::nil();
    let session = Session { session: SessionId(nobody), person, install: InstallId(nobody) };
    let (mut rows, mut resume) = (Vec::new(), None);
    loop {
        let frame = snapshot_frame(&ctx, session, resume.as_deref(), resume.is_none()).await?;
        let text = zstd::decode_all(frame.bytes.as_slice())?;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(SnapshotLine::Item(item)) = serde_json::from_slice(line)
                && let Some(row) = item.row
            {
                rows.push((item.k, item.id, item.v, row.get().to_owned()));
            }
        }
        if frame.last {
            rows.sort();
            return Ok(rows);
        }
        resume = Some(frame.resume);
    }
}

impl World {
    /// Something does not hold.
    pub(super) fn problem(&mut self, what: String) {
        if self.problems.len() < 20 && !self.problems.contains(&what) {
            super::trace::note!(self.trace, "PROBLEM {what}");
            self.problems.push(what);
        }
    }

    /// What a running phone holds.
    pub async fn phone_words(&self, phone: usize) -> Option<pocketdesk_core::Result<PhoneWords>> {
        self.phones[phone]
            .call(|account| async move {
                account
                    .read(|snapshot| {
                        let own = snapshot.own();
                        let cache = snapshot.cache();
                        Ok(PhoneWords {
                            ops: own.ops()?,
                            drafts: own.drafts()?,
                            rows: cache.map(|cache| cache.every_row()).transpose()?.unwrap_or_default(),
                            facts: cache.map(|cache| cache.facts()).transpose()?,
                        })
                    })
                    .await
            })
            .await
    }

    /// Properties that hold at any moment.
    pub async fn look(&mut self) {
        let Some(Ok(server)) = self.desk.call(server_words).await else { return };
        let mut held = Vec::new();
        for phone in 0..self.phones.len() {
            held.push(match self.phone_words(phone).await {
                Some(Ok(words)) => Some(words),
                Some(Err(error)) => {
                    // A disk that is full or fails for the moment may say so; the words are looked for later.
                    // So may a phone whose person is gone, and a cache that has just been found spoilt.
                    let out = self.phones[phone].may_be_out;
                    if !out && !self.spoilt[phone] && !self.troubled(phone) && !self.phones[phone].has_died()
                    {
                        self.problem(format!("1: p{phone} cannot read its own words: {error}"));
                    }
                    None
                }
                None => None,
            });
        }
        self.kept(&server, &held);
        self.staffs(&server);
        self.once(&server);
        self.lanes(&server);
        for (phone, words) in held.iter().enumerate() {
            if let Some(words) = words {
                self.never_back(phone, words);
                self.nobody_elses(phone, words);
                self.bounded(phone, words);
            }
        }
        for (phone, words) in held.iter().enumerate() {
            if words.is_some() {
                self.shown(phone, false).await;
            }
        }
    }

    /// 1: acknowledged text is always in {draft, op, server}.
    fn kept(&mut self, server: &ServerWords, held: &[Option<PhoneWords>]) {
        for word in self.truth.words.clone().into_iter().filter(|word| !word.excused) {
            let Some(Some(words)) = held.get(word.phone) else { continue };
            let here = words.ops.iter().any(|op| op.body.contains(&word.mark))
                || words.drafts.iter().any(|draft| draft.text.contains(&word.mark));
            if !here && !server.places.contains_key(&word.mark) {
                self.problem(format!("1: {:?} {} of p{} is nowhere", word.what, word.mark, word.phone));
            }
        }
    }

    /// 1, for staff: what the server acknowledged to them is there. 5: what they removed is not.
    fn staffs(&mut self, server: &ServerWords) {
        let lost: Vec<String> =
            self.truth.staff.iter().filter(|mark| !server.places.contains_key(*mark)).cloned().collect();
        for mark in lost {
            self.problem(format!("1: staff's {mark} is nowhere"));
        }
        let back: Vec<EntityId> = self
            .truth
            .removed
            .iter()
            .filter(|id| server.positions.contains_key(&id.to_string()))
            .copied()
            .collect();
        for id in back {
            self.problem(format!("5: {id} was removed and is at the server again"));
        }
    }

    /// 2: at most one entity per op.
    fn once(&mut self, server: &ServerWords) {
        for (mark, places) in &server.places {
            if places.len() > 1 {
                self.problem(format!("2: {mark} is at the server {} times", places.len()));
            }
        }
    }

    /// 3: a lane's order on the device is its order on the server.
    fn lanes(&mut self, server: &ServerWords) {
        let mut last: BTreeMap<(usize, TicketId), (i64, String)> = BTreeMap::new();
        for word in self.truth.words.clone() {
            let (What::Comment, Some(ticket)) = (word.what, word.ticket) else { continue };
            let Some(position) = server.positions.get(&word.entity.to_string()).copied() else { continue };
            let before = last.insert((word.phone, ticket), (position, word.mark.clone()));
            if let Some((at, mark)) = before.filter(|(at, _)| *at > position) {
                self.problem(format!(
                    "3: {mark} was written first and stands at {at}, {} at {position}",
                    word.mark
                ));
            }
        }
    }

    /// 4 and 5: versions never go back, removed rows never return.
    fn never_back(&mut self, phone: usize, words: &PhoneWords) {
        let Some(epoch) = words.facts.as_ref().and_then(|facts| facts.epoch) else { return };
        let whole = words.facts.as_ref().is_some_and(|facts| facts.finished);
        let mut problems = Vec::new();
        let present: BTreeSet<EntityId> = words.rows.iter().map(|row| row.1).collect();
        let seen = &mut self.seen[phone];
        for (kind, id, v, _) in &words.rows {
            let now = (epoch, *v);
            let before = seen.versions.insert((kind.clone(), *id), now);
            if let Some(before) = before.filter(|before| *before > now) {
                problems.push(format!("4: p{phone} {kind} {id} went back from {before:?} to {now:?}"));
            }
            if seen.vanished.contains(id) {
                problems.push(format!("5: p{phone} {kind} {id} was removed and is back"));
            }
        }
        if whole {
            // What this phone never held may still be on its way to it, in an answer from before the removal.
            let held = |id: &EntityId| seen.versions.contains_key(&(kind::COMMENT.to_owned(), *id));
            let gone = self.truth.removed.iter().filter(|id| held(id) && !present.contains(id));
            seen.vanished.extend(gone);
        }
        for problem in problems {
            self.problem(problem);
        }
    }

    /// 8: no byte of account A under B.
    fn nobody_elses(&mut self, phone: usize, words: &PhoneWords) {
        let email = self.phones[phone].email;
        let mut problems = Vec::new();
        for (kind, id, _, row) in &words.rows {
            for mark in marks_in(row) {
                let Some(author) = self.truth.marks.get(mark) else { continue };
                if *author == STAFF || email == TARAS && self.truth.taras_sees_all {
                    continue;
                }
                let follows = || {
                    let value: serde_json::Value = serde_json::from_str(row).unwrap_or_default();
                    let ticket =
                        if kind == kind::TICKET { Some(id.to_string()) } else { text(&value, "ticket") };
                    self.truth.follows.iter().any(|(of, who)| *who == email && Some(of.to_string()) == ticket)
                };
                if *author != email && !follows() {
                    problems.push(format!("8: p{phone} of {email} holds {mark} of {author} in a {kind}"));
                }
            }
        }
        for problem in problems {
            self.problem(problem);
        }
    }

    /// 9: outbox, WAL and files stay within bounds.
    fn bounded(&mut self, phone: usize, words: &PhoneWords) {
        if words.ops.len() > 2_000 {
            self.problem(format!("9: p{phone} holds {} ops", words.ops.len()));
        }
        let files = self.phones[phone].files();
        if let Some((name, bytes)) =
            files.iter().find(|(name, bytes)| name.ends_with("-wal") && *bytes > 6 << 20)
        {
            self.problem(format!("9: p{phone} {name} has {bytes} bytes"));
        }
        let caches =
            files.iter().filter(|(name, _)| name.contains("/cache-") && name.ends_with(".db")).count();
        if caches > 3 {
            self.problem(format!("9: p{phone} has {caches} cache files"));
        }
    }

    /// What holds once everything that could go has gone.
    pub async fn look_at_rest(&mut self) {
        self.look().await;
        for phone in 0..self.phones.len() {
            let Some(Ok(words)) = self.phone_words(phone).await else {
                self.problem(format!("10: p{phone} does not run at rest"));
                continue;
            };
            self.same_as_server(phone, &words).await;
            self.settled(phone, &words).await;
            self.shown(phone, true).await;
        }
        self.files_arrived().await;
    }

    /// 1, for files: what was attached to words the server holds is whole there.
    async fn files_arrived(&mut self) {
        let whole = self.desk.call(|ctx| async move {
            let mut tx = ctx.store.begin(Mode::Read).await?;
            let rows = tx.query("SELECT id, state FROM attachment", &[]).await?;
            let state = |row: &pocketdesk_server::store::Row| {
                Ok((row[0].text()?.to_owned(), row[1].text()?.to_owned()))
            };
            rows.iter().map(state).collect::<Result<BTreeMap<_, _>, ServiceError>>()
        });
        let Some(Ok(states)) = whole.await else { return };
        for Attached { phone, id, .. } in self.files.clone() {
            if states.get(&id.to_string()).is_some_and(|state| state != "complete") {
                self.problem(format!("1: the bytes of file {id} of p{phone} did not reach the server"));
            }
        }
    }

    /// 6: at rest the cache is the server's view, row by row.
    async fn same_as_server(&mut self, phone: usize, words: &PhoneWords) {
        let email = self.phones[phone].email;
        let Some(Ok(theirs)) = self.desk.call(|ctx| servers_view(ctx, email)).await else {
            self.problem("6: the server does not say what it holds".into());
            return;
        };
        if !words.facts.as_ref().is_some_and(|facts| facts.finished) {
            self.problem(format!("6: p{phone} has no whole cache"));
        }
        let mut ours = words.rows.clone();
        ours.sort();
        let missing = theirs.iter().filter(|row| ours.binary_search(row).is_err()).count();
        let extra: Vec<&Row> = ours.iter().filter(|row| theirs.binary_search(row).is_err()).collect();
        if missing > 0 || !extra.is_empty() {
            let first = theirs.iter().find(|row| ours.binary_search(row).is_err());
            let detail = first.or(extra.first().copied()).map(|(kind, id, v, _)| format!("{kind} {id} v{v}"));
            self.problem(format!(
                "6: p{phone} lacks {missing} rows of the server's and has {} others, first {}",
                extra.len(),
                detail.unwrap_or_default()
            ));
        }
    }

    /// 10: what remains needs the person, or depends on what does.
    async fn settled(&mut self, phone: usize, words: &PhoneWords) {
        for op in words.ops.iter().filter(|op| op.is_live() && !op.is_stuck()) {
            if op.wake.interval_ms <= 0 {
                self.problem(format!("11: p{phone} {} has no wake-up", op.kind));
            }
        }
        let items = self.phones[phone].call(|account| async move { account.outbox().await }).await;
        let Some(Ok(items)) = items else {
            self.problem(format!("10: p{phone} does not show its outbox"));
            return;
        };
        for item in items {
            match item.delivery {
                Delivery::Saved { waits_for: WaitsFor::Lane | WaitsFor::Ticket, .. }
                | Delivery::Delivered { .. }
                | Delivery::Registered { .. } => {}
                Delivery::Attention { why: AttentionReason::Rejected { code, .. }, .. } => {
                    let never =
                        [code::OP_ID_REUSED, code::DIGEST, code::INVALID, code::ID_TAKEN, code::NO_RIGHT];
                    if never.contains(&code.as_str()) {
                        self.problem(format!("1: p{phone} {} was rejected as {code}", item.kind));
                    }
                }
                Delivery::Attention { why: AttentionReason::Refused { .. }, .. } => {}
                other => {
                    let (kind, attempts) = (&item.kind, item.attempts);
                    self.problem(format!("10: p{phone} {kind} is still {other:?} after {attempts} tries"));
                }
            }
        }
    }

    /// What was promised is on the screen; at rest once.
    async fn shown(&mut self, phone: usize, at_rest: bool) {
        let words: Vec<_> =
            self.truth.words.iter().filter(|word| word.phone == phone && !word.excused).cloned().collect();
        let tickets: BTreeSet<TicketId> = words.iter().filter_map(|word| word.ticket).collect();
        for ticket in tickets {
            let view =
                self.phones[phone].call(move |account| async move { account.ticket(ticket).await }).await;
            let view = match view {
                Some(Ok(view)) => view,
                // A cache that is not there now holds nothing of it, and own.db nothing any more.
                _ if !at_rest => continue,
                _ => {
                    self.problem(format!("1: p{phone} does not show ticket {ticket}"));
                    continue;
                }
            };
            for word in words.iter().filter(|word| word.ticket == Some(ticket) && word.what != What::Draft) {
                let texts = view
                    .comments
                    .iter()
                    .map(|comment| comment.text.as_str())
                    .chain([view.description.as_str()]);
                let times = texts.filter(|text| text.contains(&word.mark)).count();
                if times == 0 || at_rest && times > 1 {
                    self.problem(format!("1: p{phone} shows {} {times} times", word.mark));
                }
            }
        }
    }
}

fn text(value: &serde_json::Value, field: &str) -> Option<String> {
    value.get(field)?.as_str().map(str::to_owned)
}
