-- What was seen of the signing keys of identity providers. A time of 0 is none.
CREATE TABLE vouchsafe_keys (
    connection TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_verified INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    PRIMARY KEY (connection, fingerprint)
) STRICT;

-- Metadata that waits until somebody approves it. Empty: none does.
ALTER TABLE vouchsafe_connections ADD COLUMN staged BLOB NOT NULL DEFAULT X'';
ALTER TABLE vouchsafe_connections ADD COLUMN staged_at INTEGER NOT NULL DEFAULT 0;
