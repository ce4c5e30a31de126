-- The oldest program (by the newest schema it knows) that may go on working on a database with this migration. A
-- program that meets a version it does not know works on if it is at least that, and stops if it is not.
ALTER TABLE schema_version ADD COLUMN serves {int} NOT NULL DEFAULT 0;
