-- One desk: its people, tickets, journals and verdicts. Ids are text; '' is none; lists and states are JSON.

CREATE TABLE meta (
  name {key} NOT NULL PRIMARY KEY,
  value TEXT NOT NULL DEFAULT ''
){strict};

-- Numbers given from a row: never one twice, and none lost by a rollback.
CREATE TABLE counter (
  name {key} NOT NULL PRIMARY KEY,
  value {int} NOT NULL DEFAULT 0,
  reserved {int} NOT NULL DEFAULT 0
){strict};

CREATE TABLE company (
  id {key} NOT NULL PRIMARY KEY,
  name TEXT NOT NULL DEFAULT ''
){strict};

CREATE TABLE site (
  id {key} NOT NULL PRIMARY KEY,
  company_id {key} NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT ''
){strict};
CREATE INDEX site_company ON site (company_id);

CREATE TABLE person (
  id {key} NOT NULL PRIMARY KEY,
  email {key} NOT NULL DEFAULT '' UNIQUE,
  name TEXT NOT NULL DEFAULT '',
  company_id {key} NOT NULL DEFAULT '',
  sees TEXT NOT NULL DEFAULT 'own',
  scopes_rev {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL DEFAULT 0
){strict};

CREATE TABLE person_site (
  person_id {key} NOT NULL,
  site_id {key} NOT NULL,
  PRIMARY KEY (person_id, site_id)
){strict};

-- Scopes a person held once: a ticket known from there has left and is not unknown.
CREATE TABLE scope_held (
  person_id {key} NOT NULL,
  scope {key} NOT NULL,
  PRIMARY KEY (person_id, scope)
){strict};

CREATE TABLE ticket (
  id {key} NOT NULL PRIMARY KEY,
  v {int} NOT NULL DEFAULT 1,
  subject TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'new',
  status_event {int} NOT NULL DEFAULT 0,
  solve_round {int} NOT NULL DEFAULT 0,
  desk TEXT NOT NULL DEFAULT '{"state":"pending"}',
  number {key} NOT NULL DEFAULT '',
  author_id {key} NOT NULL DEFAULT '',
  author_name TEXT NOT NULL DEFAULT '',
  company_id {key} NOT NULL DEFAULT '',
  site_id {key} NOT NULL DEFAULT '',
  assignee TEXT NOT NULL DEFAULT '',
  deadline TEXT NOT NULL DEFAULT '',
  rating_asked {int} NOT NULL DEFAULT 0,
  reopen_until {int} NOT NULL DEFAULT 0,
  merged_into {key} NOT NULL DEFAULT '',
  last_position {int} NOT NULL DEFAULT 0,
  made_at {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL DEFAULT 0,
  updated_at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX ticket_author ON ticket (author_id, id);
CREATE INDEX ticket_number ON ticket (number);
CREATE INDEX ticket_company ON ticket (company_id, id);
CREATE INDEX ticket_site ON ticket (site_id, id);

CREATE TABLE participant (
  ticket_id {key} NOT NULL,
  person_id {key} NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (ticket_id, person_id)
){strict};
CREATE INDEX participant_person ON participant (person_id, ticket_id);

CREATE TABLE comment (
  id {key} NOT NULL PRIMARY KEY,
  v {int} NOT NULL DEFAULT 1,
  ticket_id {key} NOT NULL DEFAULT '',
  position {int} NOT NULL DEFAULT 0,
  author_id {key} NOT NULL DEFAULT '',
  author_name TEXT NOT NULL DEFAULT '',
  author_side TEXT NOT NULL DEFAULT 'requester',
  body TEXT NOT NULL DEFAULT '',
  desk TEXT NOT NULL DEFAULT '{"state":"pending"}',
  made_at {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX comment_ticket ON comment (ticket_id, id);

CREATE TABLE attachment (
  id {key} NOT NULL PRIMARY KEY,
  v {int} NOT NULL DEFAULT 1,
  ticket_id {key} NOT NULL DEFAULT '',
  comment_id {key} NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  size {int} NOT NULL DEFAULT 0,
  sha256 TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'pending',
  mime TEXT NOT NULL DEFAULT '',
  author_id {key} NOT NULL DEFAULT '',
  author_name TEXT NOT NULL DEFAULT '',
  author_side TEXT NOT NULL DEFAULT 'requester',
  created_at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX attachment_ticket ON attachment (ticket_id, id);
CREATE INDEX attachment_state ON attachment (state, created_at);

CREATE TABLE event (
  id {key} NOT NULL PRIMARY KEY,
  v {int} NOT NULL DEFAULT 1,
  ticket_id {key} NOT NULL DEFAULT '',
  position {int} NOT NULL DEFAULT 0,
  by_id {key} NOT NULL DEFAULT '',
  by_name TEXT NOT NULL DEFAULT '',
  by_side TEXT NOT NULL DEFAULT 'requester',
  at {int} NOT NULL DEFAULT 0,
  data TEXT NOT NULL DEFAULT '{}'
){strict};
CREATE INDEX event_ticket ON event (ticket_id, id);

-- When each solve round began: the window of its rating.
CREATE TABLE solved (
  ticket_id {key} NOT NULL,
  round {int} NOT NULL,
  at {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (ticket_id, round)
){strict};

CREATE TABLE read_mark (
  ticket_id {key} NOT NULL,
  person_id {key} NOT NULL,
  v {int} NOT NULL DEFAULT 1,
  position {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (ticket_id, person_id)
){strict};

-- Of a person's ratings of one ticket the row shows the latest round; v counts over all rounds.
CREATE TABLE rating (
  ticket_id {key} NOT NULL,
  person_id {key} NOT NULL,
  round {int} NOT NULL,
  v {int} NOT NULL DEFAULT 1,
  value {int} NOT NULL DEFAULT 0,
  words TEXT NOT NULL DEFAULT '',
  at {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (ticket_id, person_id, round)
){strict};

-- What staff tell each other; in no scope of a requester.
CREATE TABLE note (
  id {key} NOT NULL PRIMARY KEY,
  ticket_id {key} NOT NULL DEFAULT '',
  by_name TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL DEFAULT '',
  at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX note_ticket ON note (ticket_id, id);

-- Rows that were deleted or erased: ids, never words.
CREATE TABLE gone (
  kind {key} NOT NULL,
  id {key} NOT NULL,
  ticket_id {key} NOT NULL DEFAULT '',
  author_id {key} NOT NULL DEFAULT '',
  why TEXT NOT NULL DEFAULT 'deleted',
  v {int} NOT NULL DEFAULT 1,
  at {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, id)
){strict};
CREATE INDEX gone_ticket ON gone (ticket_id);
CREATE INDEX gone_author ON gone (author_id, why);

CREATE TABLE journal_head (
  scope {key} NOT NULL PRIMARY KEY,
  seq {int} NOT NULL DEFAULT 0
){strict};

CREATE TABLE journal_commit (
  scope {key} NOT NULL,
  seq {int} NOT NULL,
  tag {int} NOT NULL DEFAULT 0,
  at {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, seq)
){strict};
CREATE INDEX journal_commit_tag ON journal_commit (tag);

CREATE TABLE journal_item (
  scope {key} NOT NULL,
  kind {key} NOT NULL,
  entity {key} NOT NULL,
  seq {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, kind, entity)
){strict};
CREATE INDEX journal_item_seq ON journal_item (scope, seq);
CREATE INDEX journal_item_entity ON journal_item (kind, entity);

-- Rows of a large ticket still to be appended to a scope, 200 a commit.
CREATE TABLE backfill (
  id {key} NOT NULL PRIMARY KEY,
  scope {key} NOT NULL DEFAULT '',
  ticket_id {key} NOT NULL DEFAULT '',
  ticket_last {int} NOT NULL DEFAULT 0,
  after_rank {int} NOT NULL DEFAULT -1,
  after_id {key} NOT NULL DEFAULT ''
){strict};

-- Locked by every transaction of an install's ops.
CREATE TABLE install (
  id {key} NOT NULL PRIMARY KEY,
  person_id {key} NOT NULL DEFAULT '',
  batches {int} NOT NULL DEFAULT 0
){strict};

-- Final verdicts, kept as long as the account; body goes after a year.
CREATE TABLE verdict (
  op_id {key} NOT NULL PRIMARY KEY,
  person_id {key} NOT NULL DEFAULT '',
  hash TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL DEFAULT '',
  entity_id {key} NOT NULL DEFAULT '',
  ticket_id {key} NOT NULL DEFAULT '',
  epoch {int} NOT NULL DEFAULT 0,
  tag {int} NOT NULL DEFAULT 0,
  position {int} NOT NULL DEFAULT 0,
  at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX verdict_at ON verdict (at);

-- Since when an op waits for a ticket the server does not hold.
CREATE TABLE waiting (
  op_id {key} NOT NULL PRIMARY KEY,
  person_id {key} NOT NULL DEFAULT '',
  since {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX waiting_since ON waiting (since);

-- Files a rejected op named: their bytes stay for a while, an edit may want them again.
CREATE TABLE rejected_file (
  id {key} NOT NULL PRIMARY KEY,
  at {int} NOT NULL DEFAULT 0
){strict};
