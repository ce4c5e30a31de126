-- Who is signed in, and bytes of files on their way. Secrets are here as hashes only.

CREATE TABLE sign_in (
  id {key} NOT NULL PRIMARY KEY,
  email {key} NOT NULL DEFAULT '',
  challenge TEXT NOT NULL DEFAULT '',
  -- HMAC of the code: six digits behind a plain hash would be guessed at once.
  code {bytes} NOT NULL,
  -- 0 for addresses that may not enter: the row is written all the same, so that both take as long.
  may_enter {int} NOT NULL DEFAULT 0,
  tries {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL DEFAULT 0,
  expires_at {int} NOT NULL DEFAULT 0,
  -- The session it became; asking again with the same code repeats the answer.
  session {key} NOT NULL DEFAULT ''
){strict};
CREATE INDEX sign_in_by_email ON sign_in (email, created_at);
CREATE INDEX sign_in_by_expiry ON sign_in (expires_at);

CREATE TABLE session (
  id {key} NOT NULL PRIMARY KEY,
  person_id {key} NOT NULL DEFAULT '',
  install {key} NOT NULL DEFAULT '',
  device TEXT NOT NULL DEFAULT '',
  created_at {int} NOT NULL DEFAULT 0,
  used_at {int} NOT NULL DEFAULT 0,
  ended_at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX session_by_person ON session (person_id, ended_at);

CREATE TABLE access_token (
  hash {bytes} NOT NULL PRIMARY KEY,
  session {key} NOT NULL DEFAULT '',
  expires_at {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX access_token_by_expiry ON access_token (expires_at);

CREATE TABLE refresh_token (
  hash {bytes} NOT NULL PRIMARY KEY,
  session {key} NOT NULL DEFAULT '',
  created_at {int} NOT NULL DEFAULT 0,
  -- The rotation it was spent in; empty while it is the newest.
  rotation TEXT NOT NULL DEFAULT ''
){strict};
CREATE INDEX refresh_token_by_session ON refresh_token (session);

-- By id and sender: who knows somebody's id cannot take its place, nor learn that it exists.
CREATE TABLE upload (
  id {key} NOT NULL,
  -- Who sends it; empty for staff.
  person_id {key} NOT NULL DEFAULT '',
  size {int} NOT NULL DEFAULT 0,
  sha256 TEXT NOT NULL DEFAULT '',
  part_size {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL DEFAULT 0,
  touched_at {int} NOT NULL DEFAULT 0,
  -- 0 under way, 1 whole, 2 its bytes are being deleted.
  complete {int} NOT NULL DEFAULT 0,
  mime TEXT NOT NULL DEFAULT '',
  -- For what staff send ahead of a reply.
  name TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (id, person_id)
){strict};
CREATE INDEX upload_by_person ON upload (person_id, complete);
CREATE INDEX upload_by_touch ON upload (touched_at);

CREATE TABLE upload_part (
  upload {key} NOT NULL,
  person_id {key} NOT NULL DEFAULT '',
  n {int} NOT NULL,
  sha256 TEXT NOT NULL DEFAULT '',
  size {int} NOT NULL DEFAULT 0,
  PRIMARY KEY (upload, person_id, n)
){strict};
