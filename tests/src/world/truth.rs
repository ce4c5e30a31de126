//! What people were promised: each word they wrote has a mark of its own, and what the app acknowledged is never
//! forgotten here.

use std::collections::{BTreeMap, BTreeSet};

use pocketdesk_protocol::ids::{EntityId, OpId, TicketId};

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A ticket's description.
    Ticket,
    /// A reply.
    Comment,
    /// A draft.
    Draft,
}

/// Something a person wrote and the app acknowledged.
#[derive(Debug, Clone)]
pub struct Word {
    /// Unique in the seed; stands in the text.
    pub mark: String,
    /// On which phone.
    pub phone: usize,
    /// Whose.
    pub email: &'static str,
    /// What.
    pub what: What,
    /// Of which ticket; a new ticket's draft has none.
    pub ticket: Option<TicketId>,
    /// The op that carries it; drafts have none.
    pub op: Option<OpId>,
    /// The ticket, comment or draft.
    pub entity: EntityId,
    /// It may be gone: staff removed it, or the person let it go.
    pub excused: bool,
    /// The phone keeps it after its delivery, for a server that is restored; who signs out takes that along.
    pub kept: bool,
}

/// Whose marks staff's words have.
pub const STAFF: &str = "staff";

/// See the module.
#[derive(Default)]
pub struct Truth {
    next: u32,
    /// In the order of the acknowledgements.
    pub words: Vec<Word>,
    /// Marks that were handed out, acknowledged or not, and who may ever see them.
    pub marks: BTreeMap<String, &'static str>,
    /// Rows that staff deleted or erased for good.
    pub removed: BTreeSet<EntityId>,
    /// People who follow tickets of others: ticket, address.
    pub follows: BTreeSet<(TicketId, &'static str)>,
    /// Taras was let see what the others of his company file.
    pub taras_sees_all: bool,
    /// Marks of what staff wrote and the server acknowledged.
    pub staff: Vec<String>,
    /// How many of these are in the backup.
    backed_up: usize,
}

impl Truth {
    /// A new mark of that person.
    pub fn mark(&mut self, email: &'static str) -> String {
        self.next += 1;
        let mark = format!("w{:04}x", self.next);
        self.marks.insert(mark.clone(), email);
        mark
    }

    /// Tickets that the person filed and that nobody removed, oldest first.
    pub fn tickets_of(&self, email: &str) -> Vec<TicketId> {
        let own = self.words.iter().filter(|word| word.what == What::Ticket && word.email == email);
        own.filter(|word| !word.excused).filter_map(|word| word.ticket).collect()
    }

    /// A backup was made.
    pub fn backed_up(&mut self) {
        self.backed_up = self.staff.len();
    }

    /// The server is restored from it: nobody has what staff wrote since, nor what was let go by who signed out.
    pub fn restored(&mut self) {
        self.staff.truncate(self.backed_up);
        for word in self.words.iter_mut().filter(|word| !word.kept) {
            word.excused = true;
        }
    }

    /// Somebody signed out of that phone.
    pub fn left(&mut self, phone: usize) {
        for word in self.words.iter_mut().filter(|word| word.phone == phone) {
            word.kept = false;
        }
    }

    /// What is no longer promised: everything of that ticket.
    pub fn excuse_ticket(&mut self, ticket: TicketId) {
        for word in self.words.iter_mut().filter(|word| word.ticket == Some(ticket)) {
            word.excused = true;
        }
    }

    /// What is no longer promised: that entity's words.
    pub fn excuse(&mut self, entity: EntityId) {
        for word in self.words.iter_mut().filter(|word| word.entity == entity) {
            word.excused = true;
        }
    }
}

/// The marks in a text.
pub fn marks_in(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices('w').map(|(at, _)| at);
    starts.filter_map(move |at| {
        let mark = text.get(at..at + 6)?;
        let digits = mark.get(1..5)?;
        (mark.ends_with('x') && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(mark)
    })
}
