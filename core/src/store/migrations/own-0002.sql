-- What was spoken: recordings whose words are not heard yet, and what a dictation added to its draft.
CREATE TABLE dictations (
    id         BLOB    PRIMARY KEY,          -- the draft's id (to be)
    target     TEXT    NOT NULL CHECK (target IN ('ticket', 'comment', 'reopen')),
    ticket     BLOB,                         -- of a comment or a reopening
    state      TEXT    NOT NULL CHECK (state IN ('open', 'waiting', 'heard')),
    spill      TEXT    UNIQUE,               -- the sealed recording's random name, until its words are heard
    language   TEXT    NOT NULL DEFAULT '',  -- asked for; once heard, that of the words
    recording  BLOB,                         -- of files: the recording as it is sent
    started_at INTEGER NOT NULL,
    spoken     TEXT                          -- JSON: guesses and doubtful words, once heard
) STRICT, WITHOUT ROWID;
