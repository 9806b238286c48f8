-- The documents that somebody refused: a list of digests, with who refused each and when.
ALTER TABLE vouchsafe_connections ADD COLUMN refused TEXT NOT NULL DEFAULT '[]';
