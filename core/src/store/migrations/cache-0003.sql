-- What the first list of a start would look for elsewhere, or count, page after page.
ALTER TABLE tickets ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;   -- 1: the person's own comments wait for the desk
ALTER TABLE facts ADD COLUMN tickets INTEGER NOT NULL DEFAULT 0;   -- how many the list has
ALTER TABLE facts ADD COLUMN unread  INTEGER NOT NULL DEFAULT 0;   -- how many of them with something unread
