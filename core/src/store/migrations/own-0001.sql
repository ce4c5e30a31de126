-- The person's words. Never dropped, never migrated destructively: a later migration adds, and copies before it
-- removes. A column never changes its meaning. Ids are 16-byte UUIDs, times ms since the epoch, lists JSON.

-- One row: who this account is, and what the phone knows of its server.
CREATE TABLE account (
    only        INTEGER PRIMARY KEY CHECK (only = 1),
    install     BLOB    NOT NULL,            -- the app copy these files belong to
    server      TEXT    NOT NULL DEFAULT '', -- empty: unbound, before the first sign-in
    desk        BLOB,                        -- with person: what the account is bound to, for ever
    person      BLOB,
    email       TEXT    NOT NULL DEFAULT '',
    me          TEXT,                        -- the last answer of GET /me, JSON
    server_time INTEGER NOT NULL DEFAULT 0,  -- of the last answer
    server_seen INTEGER NOT NULL DEFAULT 0,  -- the phone's clock at that answer
    synced_at   INTEGER,                     -- the phone's clock at the last complete page
    paused      TEXT,                        -- why nothing goes
    epoch       INTEGER,                     -- the highest epoch the phone knows
    verdicts    INTEGER NOT NULL DEFAULT 0,  -- counts final verdicts (3-sync rule 8)
    last_n      INTEGER NOT NULL DEFAULT 0,  -- the highest place ever given to an op
    last_cache  INTEGER NOT NULL DEFAULT 0,  -- the highest number ever given to a cache file
    active      TEXT,                        -- the cache file that is shown
    building    TEXT                         -- the cache file that will be
) STRICT;

-- At most one row: the session.
CREATE TABLE session (
    only              INTEGER PRIMARY KEY CHECK (only = 1),
    session           BLOB    NOT NULL,
    access_token      TEXT    NOT NULL,
    refresh_token     TEXT    NOT NULL,
    expires_boot      TEXT    NOT NULL,      -- the access token's end, by the monotonic clock of this boot
    expires_monotonic INTEGER NOT NULL,
    rotation          BLOB                   -- committed before a refresh is sent
) STRICT;

CREATE TABLE ops (
    n              INTEGER PRIMARY KEY,      -- order of writing
    op             BLOB    NOT NULL UNIQUE,
    entity         BLOB    NOT NULL,
    ticket         BLOB,
    kind           TEXT    NOT NULL,
    v              INTEGER NOT NULL,
    body           TEXT    NOT NULL,         -- the exact bytes that travel
    sha256         TEXT    NOT NULL,
    lane           TEXT    NOT NULL,
    made_at        INTEGER NOT NULL,
    made_boot      TEXT    NOT NULL,
    made_monotonic INTEGER NOT NULL,
    starts         INTEGER NOT NULL DEFAULT 0,
    alone_failures INTEGER NOT NULL DEFAULT 0,
    state          TEXT    NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'applied', 'rejected')),
    blocked        TEXT,
    wake_interval  INTEGER NOT NULL,
    wake_due       INTEGER NOT NULL,
    last_failure   TEXT,
    wish           TEXT,                     -- JSON
    supersedes     BLOB,
    receipt        TEXT,                     -- of the verdict, or of an earlier one when live again
    attachments    TEXT    NOT NULL DEFAULT '[]',
    -- The final verdict, when there is one.
    epoch          INTEGER,
    seen_at        INTEGER,                  -- server time of the answer (applied)
    row_v          INTEGER,                  -- applied
    verdict_no     INTEGER,
    number         TEXT,                     -- applied
    ack            TEXT,                     -- applied, JSON
    merged_into    BLOB,                     -- applied
    code           TEXT,                     -- rejected, with the four below
    text_key       TEXT,
    text           TEXT,
    field          TEXT,
    can_edit       INTEGER
) STRICT;
CREATE INDEX ops_ticket ON ops (ticket);
CREATE INDEX ops_entity ON ops (entity);

CREATE TABLE drafts (
    id          BLOB    PRIMARY KEY,         -- the ticket's or comment's id to be
    ticket      BLOB,
    subject     TEXT    NOT NULL DEFAULT '',
    text        TEXT    NOT NULL DEFAULT '',
    attachments TEXT    NOT NULL DEFAULT '[]',
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which op or draft (their ids) names which file: such bytes are not evicted.
CREATE TABLE file_uses (
    file BLOB NOT NULL,
    user BLOB NOT NULL,
    PRIMARY KEY (file, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_uses_user ON file_uses (user);

-- Files whose bytes are on this phone, sealed: staged by the person, or fetched.
CREATE TABLE files (
    id         BLOB    PRIMARY KEY,
    name       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    sealed     TEXT    NOT NULL UNIQUE,      -- the sealed file's random name
    staged     INTEGER NOT NULL,             -- 1: the person's own, to be uploaded
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    have       BLOB    NOT NULL DEFAULT x'', -- parts the server holds, a bit each, lowest first
    complete_at INTEGER,                     -- server time at which it was known to hold the whole
    stopped    INTEGER NOT NULL DEFAULT 0,   -- 1: the person stopped the upload
    token      TEXT,                         -- the upload's own
    wake_interval INTEGER NOT NULL DEFAULT 0,
    wake_due      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Small things by name: settings, sign-ins under way.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
