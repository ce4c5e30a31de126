-- The desk's names for what is asked about, and what people call it: read-only for phones, in the desk's scope.

CREATE TABLE catalogue (
  id {key} NOT NULL PRIMARY KEY,
  v {int} NOT NULL DEFAULT 1,
  kind {key} NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  -- JSON list of texts.
  synonyms TEXT NOT NULL DEFAULT '[]',
  place {int} NOT NULL DEFAULT 0,
  -- 1: no longer there. The row stays, so that every phone hears of it.
  removed {int} NOT NULL DEFAULT 0,
  -- 0: changed, and the journal is not told yet: a commit tells of a limited number.
  told {int} NOT NULL DEFAULT 0
){strict};
CREATE INDEX catalogue_untold ON catalogue (told, id);
