//! Readers: own.db's snapshot first, then that of the cache file which own.db's snapshot names.

use std::sync::Arc;

use pocketdesk_domain::outbox::Payload;
use pocketdesk_protocol::ids::{EntityId, OpId, TicketId};
use rusqlite::Connection;

use super::{
    Place,
    build::CacheFile,
    cache::{CacheName, CacheRead, FoundRow, Hit, Order},
    directory::OWN,
    error::{Result, StoreError},
    open::{self, Access, Kind},
    own::OwnRead,
    words::{Sought, Stemmers},
};

/// How often a reader begins again when the cache file goes under its hands; then it reads without one.
const TRIES: usize = 5;

/// Reads an account on connections of its own; one per reading queue.
pub struct Reader {
    place: Place,
    own: Connection,
    cache: Option<CacheFile>,
}

impl Reader {
    pub(super) fn open(place: Place) -> Result<Self> {
        let own =
            open::open(place.disk.as_ref(), &place.dir.join(OWN), &place.keys.own, Kind::Own, Access::Read)?;
        Ok(Self::of(place, own))
    }

    /// For a file that is only read: see [`super::ReadOnly`].
    pub(super) fn leave_own_as_it_is(&self) -> Result<()> {
        super::leave_as_it_is(&self.own)
    }

    pub(super) fn of(place: Place, own: Connection) -> Self {
        Self { place, own, cache: None }
    }

    /// Closes the cache file, to be opened anew by the next read; which one it was.
    pub(crate) fn let_go(&mut self) -> Option<CacheName> {
        self.cache.take().map(|file| file.name)
    }

    /// Reads one moment of the account.
    pub fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let stemmers = Arc::clone(&self.place.stemmers);
        let mut failed = None;
        for last in (0..TRIES).map(|n| n + 1 == TRIES) {
            let own = self.own.transaction().map_err(StoreError::from)?;
            // The first read takes the snapshot.
            let (active, _) = OwnRead { db: &own }.cache_names()?;
            if self
                .cache
                .as_ref()
                .is_none_or(|file| Some(file.name.as_str()) != active.as_deref() || !file.is_there())
            {
                self.cache =
                    match active.as_deref().map(|name| CacheFile::open(&self.place, name, Access::Read)) {
                        None => None,
                        Some(Ok(file)) => Some(file),
                        Some(Err(error @ (StoreError::Busy | StoreError::Locked | StoreError::Full))) => {
                            return Err(error.into());
                        }
                        // Replaced between the two, perhaps while it was being opened, which may fail in any way:
                        // then own.db's next snapshot names another one.
                        Some(Err(_)) if !last && failed != active => {
                            failed = active;
                            continue;
                        }
                        // Only the process that syncs judges a cache; until then there is none.
                        Some(Err(_)) => None,
                    };
            }
            let cache = match &mut self.cache {
                Some(file) => Some((file.db.transaction().map_err(StoreError::from)?, &file.name)),
                None => None,
            };
            let cache = match &cache {
                Some((db, name)) => {
                    let mut read = CacheRead { db, name, brief: None };
                    // Takes the cache's snapshot.
                    read.brief = Some(read.brief()?);
                    Some(read)
                }
                None => None,
            };
            return work(&Snapshot { own: OwnRead { db: &own }, cache, stemmers: &stemmers });
        }
        Err(StoreError::Gone.into())
    }
}

/// One moment of an account.
pub struct Snapshot<'a> {
    pub(super) own: OwnRead<'a>,
    pub(super) cache: Option<CacheRead<'a>>,
    pub(super) stemmers: &'a Stemmers,
}

/// A hit among the person's words that the server does not show yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHit {
    /// The ticket; none for the draft of a new one.
    pub ticket: Option<TicketId>,
    /// The op, or none for a draft.
    pub op: Option<OpId>,
    /// The entity that the op or draft makes or changes.
    pub entity: EntityId,
    /// The words around the match, one line.
    pub excerpt: String,
}

impl<'a> Snapshot<'a> {
    /// The person's words.
    pub fn own(&self) -> &OwnRead<'a> {
        &self.own
    }

    /// The desk's facts; none before the first sync, or while the file is missing.
    pub fn cache(&self) -> Option<&CacheRead<'a>> {
        self.cache.as_ref()
    }

    /// Rows of the server with every word of `query`; the last word may be unfinished.
    pub fn search(&self, query: &str, order: Order, limit: u32) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        self.search_each(query, order, limit, |found| {
            hits.push(found.into());
            Ok::<_, StoreError>(())
        })?;
        Ok(hits)
    }

    /// The same, each handed to `look` while it is being read.
    pub fn search_each<E: From<StoreError>>(
        &self,
        query: &str,
        order: Order,
        limit: u32,
        look: impl FnMut(FoundRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.cache.map_or(Ok(()), |cache| cache.search(self.stemmers, query, order, limit, look))
    }

    /// The same among drafts and ops, newest first: what the person wrote is found before any server has it. Kept
    /// ops whose words the cache has are found here too; callers drop those that [`Self::search`] found.
    pub fn search_own(&self, query: &str, limit: usize) -> Result<Vec<OwnHit>> {
        let sought = Sought::new(self.stemmers, query);
        let hit = |ticket, op, entity, text: &str| {
            self.stemmers.matches(query, text).then(|| OwnHit {
                ticket,
                op,
                entity,
                excerpt: sought.excerpt(text, 60),
            })
        };
        let drafts = self.own.drafts()?;
        let drafts = drafts.iter().filter_map(|draft| {
            hit(draft.ticket, None, draft.id, &format!("{} {}", draft.subject, draft.text))
        });
        let ops = self.own.ops()?;
        let ops = ops.iter().rev().filter_map(|op| {
            let payload = op.payload();
            let files: String = op.attachments.iter().map(|file| format!(" {}", file.name)).collect();
            let words = format!("{} {}{files}", payload.subject().unwrap_or_default(), payload.text());
            // A body this build cannot read still has words, to be found as they are.
            let words = if payload == Payload::Unknown { op.body.clone() } else { words };
            hit(op.ticket, Some(op.op), op.entity, &words)
        });
        Ok(drafts.chain(ops).take(limit).collect())
    }
}
