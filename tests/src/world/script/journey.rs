//! Two journeys told beforehand, short and in mild weather: their phone is killed at every poll of its tasks, and stopped
//! at every change of its disk, one run each.

use super::Act;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journey {
    /// A person writes: tickets, replies with a file, a draft, a mark, other words; in and out of a dead spot.
    Writing,
    /// A person's server is restored and their cache lost: what was acknowledged comes back by itself.
    Returning,
}

impl Journey {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Writing, Self::Returning];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Returning => "returning",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|journey| journey.name() == name)
    }

    /// What happens when (ms from the start) on which phone. At its end everything has come to rest.
    pub(in crate::world) fn day(self) -> Vec<(u64, usize, Act)> {
        let told: &[(u64, usize, Act)] = match self {
            Self::Writing => &[
                (100, 0, Act::File),
                (400, 0, Act::ReplyWithFile),
                (900, 0, Act::Burst(3)),
                (1_500, 0, Act::KeepDraft),
                (1_600, 0, Act::DeadSpot(3)),
                (1_700, 0, Act::Reply),
                (2_000, 0, Act::Edit),
                (2_600, 0, Act::StaffReply),
                (6_000, 0, Act::StaffStatus(0)),
                (8_000, 0, Act::Read),
                (8_200, 0, Act::Rate),
                (8_500, 0, Act::Ask(1)),
                (9_000, 0, Act::SendDraft),
                (30_000, 1, Act::Read),
            ],
            Self::Returning => &[
                (100, 0, Act::File),
                (500, 0, Act::Burst(2)),
                (1_500, 1, Act::BackUp),
                (2_500, 0, Act::ReplyWithFile),
                (3_500, 1, Act::Reply),
                (4_500, 1, Act::StaffRemove(true)),
                (6_000, 1, Act::Restore),
                (6_200, 0, Act::Reply),
                (7_500, 0, Act::LoseCache),
                (7_700, 0, Act::Read),
                (9_000, 1, Act::StaffFollow(true)),
                (40_000, 1, Act::Read),
            ],
        };
        told.to_vec()
    }
}
