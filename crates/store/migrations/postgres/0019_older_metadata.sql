-- The time since which the address of a connection has given only older documents; 0: its last one was not older.
ALTER TABLE vouchsafe_connections ADD COLUMN older_since BIGINT NOT NULL DEFAULT 0;

-- By whose signature the metadata, and the metadata that waits for approval, were verified; empty: by nobody's.
ALTER TABLE vouchsafe_connections ADD COLUMN signer TEXT NOT NULL DEFAULT '';
ALTER TABLE vouchsafe_connections ADD COLUMN staged_signer TEXT NOT NULL DEFAULT '';
