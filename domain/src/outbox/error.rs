//! Why an intent could not become an op. In every case the words stay where they were (the draft).

/// One variant per action of the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum OutboxError {
    /// A field has to be changed by the person.
    #[error("{field} {reason}")]
    Invalid {
        /// `subject`, `text`, `attachments`, `value`, `email` or `person`.
        field: String,
        /// What is wrong with it.
        reason: InvalidReason,
    },
    /// The file is larger than the desk takes.
    #[error(
        "the file {name:?} has {size} bytes; the desk takes at most {limit} in one file; leave it out or send a smaller one"
    )]
    TooLarge {
        /// As the person knows it.
        name: String,
        /// Bytes.
        size: u64,
        /// Bytes, inclusive.
        limit: u64,
    },
    /// Too much waits already: connect, then send again; the words stay in the draft.
    #[error(
        "{ops} ops with {bytes} bytes of files wait on this phone already; connect so that they can go, then send again: the words stay in the draft"
    )]
    Full {
        /// Ops that wait.
        ops: u64,
        /// Plain bytes of files that wait.
        bytes: u64,
    },
    /// It was delivered and stands; a further comment is always possible.
    #[error("it was delivered already and stands as it is; write a further comment instead")]
    Delivered,
    /// It cannot be asked for in the ticket's present state.
    #[error("the ticket is not in a state in which this can be asked for; look at it again")]
    NotNow,
    /// There is no such op or entity of this person's.
    #[error("there is nothing of yours with this id on this phone")]
    NotFound,
    /// The op was made by a newer app.
    #[error("this was written with a newer version of the app; update the app to change it")]
    NeedsNewerApp,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum InvalidReason {
    /// Something has to be there.
    Empty,
    /// It is too long.
    TooLong {
        /// How much is allowed: characters of a subject, bytes of everything else.
        limit: u64,
    },
    /// There are too many.
    TooMany {
        /// How many are allowed.
        limit: u64,
    },
    /// It has to be one line.
    NotOneLine,
    /// The number is outside the scale.
    OutOfRange {
        /// The greatest allowed; the least is 1.
        max: u64,
    },
    /// It is not an e-mail address.
    NotAnAddress,
    /// Nobody who follows the ticket is called so.
    NobodyHere,
    /// The same one twice.
    Twice,
    /// A kind of op that cannot have this.
    NotPossible,
    /// The file is larger than may be.
    TooLarge {
        /// Bytes, inclusive.
        limit: u64,
    },
    /// It is a folder and no file.
    Folder,
    /// The file is not there any more.
    Missing,
    /// The app may not read the file.
    Forbidden,
    /// The file cannot be read, for whatever other reason.
    Unreadable,
    /// It is not the address of a server.
    NotAServer,
}

impl std::fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; write something"),
            Self::TooLong { limit } => write!(f, "is too long; at most {limit} fit; shorten it"),
            Self::TooMany { limit } => write!(f, "are too many; at most {limit} fit; leave some out"),
            Self::NotOneLine => f.write_str("has more than one line; keep it to one"),
            Self::OutOfRange { max } => write!(f, "is not between 1 and {max}"),
            Self::NotAnAddress => f.write_str("is not an e-mail address"),
            Self::NobodyHere => {
                f.write_str("is nobody who follows this ticket; give a name as it is shown, or an address")
            }
            Self::Twice => f.write_str("is there twice; leave one out"),
            Self::NotPossible => f.write_str("cannot be given here; leave it out"),
            Self::TooLarge { limit } => {
                write!(f, "is too large; at most {limit} bytes fit; leave it out or send a smaller one")
            }
            Self::Folder => f.write_str("is a folder; choose a file"),
            Self::Missing => f.write_str("is not there any more; choose it again"),
            Self::Forbidden => {
                f.write_str("may not be read by this app; change its permissions, or choose another")
            }
            Self::Unreadable => f.write_str("cannot be read; choose it again"),
            Self::NotAServer => f.write_str("is not the address of a server"),
        }
    }
}

impl OutboxError {
    pub(crate) fn invalid(field: &str, reason: InvalidReason) -> Self {
        Self::Invalid { field: field.to_owned(), reason }
    }
}
