-- Indexes that a file built beside another gets at the end, a growing one at once.
CREATE INDEX IF NOT EXISTS rows_ticket ON rows (ticket, position, foreign_, waiting) WHERE ticket IS NOT NULL;
CREATE INDEX IF NOT EXISTS tickets_order ON tickets (grp, sort, id DESC);
CREATE INDEX IF NOT EXISTS tickets_number ON tickets (number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS documents_key ON documents (key);
