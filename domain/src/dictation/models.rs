//! Speech models as a shell shows them.

/// One model that is on the device or offered by the company.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SpeechModelView {
    /// `base-q5_1`.
    pub id: String,
    /// Languages it understands: `ru`, `uk`, `en`.
    pub languages: Vec<String>,
    /// Bytes of its file.
    pub bytes: u64,
    /// Bytes that are on the device.
    pub have: u64,
    /// Where it stands.
    pub state: SpeechModelState,
    /// Whether it is the one that suits this device.
    pub recommended: bool,
}

/// Where a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum SpeechModelState {
    /// It can be downloaded.
    Offered,
    /// It is coming.
    Fetching,
    /// A part is here, and nothing comes: download it again to go on.
    Stopped,
    /// It is here and used.
    Ready,
    /// It is here and used, and the company offers a newer one; it goes when that is there.
    Superseded,
}
