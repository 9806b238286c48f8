-- What was seen of the signing keys of identity providers. A time of 0 is none.
CREATE TABLE vouchsafe_keys (
    connection TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_verified BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    PRIMARY KEY (connection, fingerprint)
);

-- Metadata that waits until somebody approves it. Empty: none does.
ALTER TABLE vouchsafe_connections ADD COLUMN staged BYTEA NOT NULL DEFAULT '';
ALTER TABLE vouchsafe_connections ADD COLUMN staged_at BIGINT NOT NULL DEFAULT 0;
