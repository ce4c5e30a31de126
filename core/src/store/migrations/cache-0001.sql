-- The desk's facts as one cache file holds them. A newer format is never migrated: the file is built anew.

CREATE TABLE facts (
    only           INTEGER PRIMARY KEY CHECK (only = 1),
    me             BLOB,                        -- whose rows count as read
    epoch          INTEGER,
    scopes_rev     INTEGER NOT NULL DEFAULT 0,
    as_of          TEXT,                        -- of the first frame
    resume         TEXT,                        -- the last whole frame's
    frames_done    INTEGER NOT NULL DEFAULT 0,  -- 1: the last frame is in
    expected       INTEGER NOT NULL DEFAULT 0,  -- tickets the snapshot spoke of
    cursor         TEXT,                        -- once frames_done
    asked_verdicts INTEGER,                     -- own.db's counter when the last complete page was asked for
    finished       INTEGER NOT NULL DEFAULT 0,
    words_version  INTEGER NOT NULL DEFAULT 0,  -- of the normalisation the search index was made with
    indexed_to     INTEGER NOT NULL DEFAULT 0   -- rows.key up to which the search index reaches
) STRICT;

-- Every row the server said, whatever its kind.
CREATE TABLE rows (
    key      INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL,
    kind     TEXT    NOT NULL,
    v        INTEGER NOT NULL,
    ticket   BLOB,                              -- none: of no ticket, or of a kind this build does not know
    position INTEGER,
    foreign_ INTEGER NOT NULL DEFAULT 0,        -- 1: counts as unread past the mark (others' comments and events)
    waiting  INTEGER NOT NULL DEFAULT 0,        -- 1: the person's own words that the desk has not registered
    row      TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX rows_id ON rows (id, kind);

-- What the list of tickets is ordered and counted by.
CREATE TABLE tickets (
    id       BLOB    PRIMARY KEY,
    key      INTEGER NOT NULL,                  -- of rows
    grp      INTEGER NOT NULL,                  -- 0 needs the person, 1 open, 2 solved and closed
    sort     INTEGER NOT NULL,                  -- ascending within the group
    status   TEXT    NOT NULL,
    number   TEXT,
    mine     INTEGER NOT NULL,
    unread   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The search index: stems (see `words`), one document per row that has words. `stamp` grows with the time in the
-- row's id, so that newest-first needs no sorting.
CREATE TABLE documents (
    stamp INTEGER PRIMARY KEY,
    key   INTEGER NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5 (words, content = '', columnsize = 1, tokenize = 'ascii');
INSERT INTO search (search, rank) VALUES ('automerge', 0);
INSERT INTO search (search, rank) VALUES ('crisismerge', 1000);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
