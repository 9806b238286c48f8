-- Forms that were posted without a session, sealed, until the person has signed in.

CREATE TABLE vouchsafe_forms (
    handle TEXT PRIMARY KEY,
    binding_hash TEXT NOT NULL,
    sealed BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    kept_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX vouchsafe_forms_by_end ON vouchsafe_forms (expires_at);
