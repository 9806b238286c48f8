-- Forms that were posted without a session, sealed, until the person has signed in.

CREATE TABLE vouchsafe_forms (
    handle TEXT PRIMARY KEY,
    binding_hash TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    kept_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX vouchsafe_forms_by_end ON vouchsafe_forms (expires_at);
