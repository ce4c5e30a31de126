//! What a commit moved, by topic. Feeds re-query when a topic they show has moved; nothing carries the change
//! itself, so a missed one costs a query and never a word.

use std::collections::BTreeSet;

use pocketdesk_protocol::ids::TicketId;

/// Topics that moved in one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The list of tickets: order, counts, summaries.
    pub inbox: bool,
    /// Ops: new, gone, or elsewhere on their way.
    pub outbox: bool,
    /// Drafts.
    pub drafts: bool,
    /// Facts about the account and its session.
    pub account: bool,
    /// When everything was here last.
    pub synced: bool,
    /// Files: uploads, downloads, what is on the phone.
    pub files: bool,
    /// Screens of these tickets.
    pub tickets: BTreeSet<TicketId>,
    /// Every ticket's screen: another cache file is shown now.
    pub everything: bool,
}

impl Changes {
    /// Nothing moved.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another commit moved.
    pub fn merge(&mut self, other: Self) {
        self.inbox |= other.inbox;
        self.outbox |= other.outbox;
        self.drafts |= other.drafts;
        self.account |= other.account;
        self.synced |= other.synced;
        self.files |= other.files;
        self.everything |= other.everything;
        self.tickets.extend(other.tickets);
    }

    /// A ticket's row or rows moved: its screen and the list.
    pub fn ticket(&mut self, id: TicketId) {
        self.tickets.insert(id);
        self.inbox = true;
    }
}
