-- The desk's catalogue is read whole; without this every row would be looked at.
CREATE INDEX rows_catalogue ON rows (id) WHERE kind = 'catalogue';
