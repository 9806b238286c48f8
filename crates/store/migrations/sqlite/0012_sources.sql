-- Identity providers by what artifacts name them: SHA-1 over the entity ID, in hexadecimal. A connection that was stored before is here when it is
-- written again.

CREATE TABLE vouchsafe_sources (
    source_id TEXT PRIMARY KEY,
    identity_provider TEXT NOT NULL
) STRICT, WITHOUT ROWID;
