-- Records are JSON of the planner's types; what is searched for or must be unique has a column of its own.
-- Times are milliseconds of Unix time; an end is rounded up.

CREATE TABLE replays (
    hash TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX replays_by_end ON replays (expires_at);

CREATE TABLE pending (
    handle TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_by_end ON pending (expires_at);

CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    identity TEXT,
    session_index TEXT,
    record TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_identity ON sessions (identity);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    identity_provider TEXT,
    version INTEGER NOT NULL,
    record TEXT NOT NULL,
    policy TEXT,
    metadata TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX organizations_by_identity_provider ON organizations (identity_provider);

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_organization ON tokens (organization);

CREATE TABLE domains (
    domain TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX domains_by_organization ON domains (organization);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    email TEXT NOT NULL,
    active INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, email)
) STRICT;

CREATE TABLE identities (
    organization TEXT NOT NULL,
    identity TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (organization, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_account ON identities (account);

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, name)
) STRICT;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, name)
) STRICT;

CREATE TABLE applied (
    key TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    identity TEXT NOT NULL,
    account TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX applied_by_end ON applied (expires_at);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT NOT NULL,
    account TEXT NOT NULL,
    at INTEGER NOT NULL,
    rule TEXT NOT NULL,
    change TEXT NOT NULL,
    before TEXT,
    after TEXT,
    assertion_hash TEXT
) STRICT;
CREATE INDEX audit_by_organization ON audit (organization, number);
