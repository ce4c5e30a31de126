//! Typed ids. Every id a person's words depend on is a UUIDv7 made on the phone and final from the first keystroke.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A person's durable intent.
    OpId,
    /// What an op makes or changes, whatever its kind.
    EntityId,
    /// A request for help.
    TicketId,
    /// A reply in a ticket.
    CommentId,
    /// A file of a ticket or comment.
    AttachmentId,
    /// A requester or a member of staff.
    PersonId,
    /// A client of the company that runs the desk.
    CompanyId,
    /// A place of a client.
    SiteId,
    /// The desk a server speaks for; with [`PersonId`] it names an account on the phone.
    DeskId,
    /// One copy of the app on one device.
    InstallId,
    /// One sign-in.
    SessionId,
    /// One asked-for sign-in, from the asking to the code.
    SignInId,
    /// One rotation of a refresh token, named by the phone so that a lost answer can be asked for again.
    RotationId,
}

impl From<TicketId> for EntityId {
    fn from(id: TicketId) -> Self {
        Self(id.0)
    }
}
impl From<EntityId> for TicketId {
    fn from(id: EntityId) -> Self {
        Self(id.0)
    }
}
impl From<CommentId> for EntityId {
    fn from(id: CommentId) -> Self {
        Self(id.0)
    }
}
impl From<EntityId> for CommentId {
    fn from(id: EntityId) -> Self {
        Self(id.0)
    }
}
impl From<AttachmentId> for EntityId {
    fn from(id: AttachmentId) -> Self {
        Self(id.0)
    }
}
impl From<EntityId> for AttachmentId {
    fn from(id: EntityId) -> Self {
        Self(id.0)
    }
}

/// The server's life between two restores: restore time in ms shifted left by 16, then 16 random bits, so that
/// a later one is always the greater number. Fits a positive SQLite integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The epoch that begins at `now`.
    pub fn beginning(now: super::Millis, random: u16) -> Self {
        Self(now << 16 | i64::from(random))
    }
}

/// A set of rows with one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Rows of which this person is author or participant, and what only they see (read marks, ratings).
    Person(PersonId),
    /// Rows of a site.
    Site(SiteId),
    /// Rows of a company.
    Company(CompanyId),
    /// What every requester of the desk sees.
    Desk,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Site(id) => write!(f, "site:{id}"),
            Self::Company(id) => write!(f, "company:{id}"),
            Self::Desk => f.write_str("desk"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = |_| format!("{text:?} names no scope");
        match text.split_once(':') {
            Some(("person", id)) => id.parse().map(Self::Person).map_err(unknown),
            Some(("site", id)) => id.parse().map(Self::Site).map_err(unknown),
            Some(("company", id)) => id.parse().map(Self::Company).map_err(unknown),
            None if text == "desk" => Ok(Self::Desk),
            _ => Err(format!("{text:?} names no scope")),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
