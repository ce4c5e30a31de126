//! Which versions of the protocol a server speaks, and how an answer is known to be ours.

/// Carried by every answer (`"1-1"`: the range of versions spoken) and every request (`"1"`: the version the
/// phone speaks). An answer without it came from something in between, whatever its status: a network failure.
pub const PROTOCOL_HEADER: &str = "pocketdesk-protocol";

/// The version this build of the phone's side speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// The oldest version this build of the server still speaks.
pub const PROTOCOL_OLDEST: u32 = 1;

/// The versions a server speaks, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// Below it the server answers 426 and the account is paused: the app is too old.
    pub oldest: u32,
    /// Above it the server is older than the app.
    pub newest: u32,
}

impl VersionRange {
    /// The range this build speaks.
    pub const OURS: Self = Self { oldest: PROTOCOL_OLDEST, newest: PROTOCOL_VERSION };

    /// Reads a header's value; `None` if it is not one of ours.
    pub fn parse(value: &str) -> Option<Self> {
        let (oldest, newest) = value.trim().split_once('-')?;
        let range = Self { oldest: oldest.parse().ok()?, newest: newest.parse().ok()? };
        (range.oldest <= range.newest).then_some(range)
    }

    /// Whether `version` is in the range.
    pub fn contains(self, version: u32) -> bool {
        (self.oldest..=self.newest).contains(&version)
    }
}

impl std::fmt::Display for VersionRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.oldest, self.newest)
    }
}
