-- Sessions that ended and are kept elsewhere, by the hash of their identifiers.

CREATE TABLE vouchsafe_ended_sessions (
    hash TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_ended_sessions_by_end ON vouchsafe_ended_sessions (expires_at);
