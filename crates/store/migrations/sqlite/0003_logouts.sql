-- Logout requests of ours that wait for their answer, and logouts of identity providers that are remembered.

CREATE TABLE vouchsafe_logouts (
    handle TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_logouts_by_end ON vouchsafe_logouts (expires_at);

CREATE TABLE vouchsafe_logouts_remembered (
    identity TEXT NOT NULL,
    session_index TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (identity, session_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_logouts_remembered_by_end ON vouchsafe_logouts_remembered (expires_at);
