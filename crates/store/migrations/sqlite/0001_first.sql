-- The tables stand beside the application's own: each name begins with vouchsafe_, and so does that of the table of migrations.
-- Records are JSON of the planner's types; what is searched for or must be unique has a column of its own.
-- Times are milliseconds of Unix time; an end is rounded up.

CREATE TABLE vouchsafe_replays (
    hash TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_replays_by_end ON vouchsafe_replays (expires_at);

CREATE TABLE vouchsafe_pending (
    handle TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_pending_by_end ON vouchsafe_pending (expires_at);

CREATE TABLE vouchsafe_sessions (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    connection TEXT,
    identity TEXT,
    session_index TEXT,
    record TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_sessions_by_account ON vouchsafe_sessions (account);
CREATE INDEX vouchsafe_sessions_by_connection ON vouchsafe_sessions (connection);
CREATE INDEX vouchsafe_sessions_by_identity ON vouchsafe_sessions (identity);
CREATE INDEX vouchsafe_sessions_by_end ON vouchsafe_sessions (expires_at);

-- How often all sessions of an account were ended. A session of an earlier epoch is over.
CREATE TABLE vouchsafe_epochs (
    account TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE vouchsafe_organizations (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    record TEXT NOT NULL,
    policy TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE vouchsafe_organization_connections (
    connection TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_organization_connections_by_organization ON vouchsafe_organization_connections (organization);

CREATE TABLE vouchsafe_tokens (
    hash TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_tokens_by_organization ON vouchsafe_tokens (organization);

CREATE TABLE vouchsafe_domains (
    domain TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_domains_by_organization ON vouchsafe_domains (organization);

CREATE TABLE vouchsafe_accounts (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    email TEXT NOT NULL,
    active INTEGER NOT NULL,
    is_owner INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, email)
) STRICT;

CREATE INDEX vouchsafe_accounts_active ON vouchsafe_accounts (organization) WHERE active = 1;
CREATE INDEX vouchsafe_accounts_owners ON vouchsafe_accounts (organization) WHERE active = 1 AND is_owner = 1;

CREATE TABLE vouchsafe_identities (
    organization TEXT NOT NULL,
    identity TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    PRIMARY KEY (organization, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_identities_by_account ON vouchsafe_identities (account);

CREATE TABLE vouchsafe_teams (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, name)
) STRICT;

CREATE TABLE vouchsafe_projects (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, name)
) STRICT;

CREATE TABLE vouchsafe_groups (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    connection TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, connection, name)
) STRICT;

CREATE TABLE vouchsafe_audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT NOT NULL,
    account TEXT,
    actor TEXT,
    at INTEGER NOT NULL,
    rule TEXT NOT NULL,
    change TEXT NOT NULL,
    before TEXT,
    after TEXT,
    assertion_hash TEXT
) STRICT;
CREATE INDEX vouchsafe_audit_by_organization ON vouchsafe_audit (organization, number);

-- Connections, each with the metadata of its identity provider. They have no reference to an organization: a service may keep its
-- customers elsewhere. assertion_consumer is empty where the connection has none of its own.

CREATE TABLE vouchsafe_connections (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    state TEXT NOT NULL,
    is_inactive INTEGER NOT NULL,
    identity_provider TEXT NOT NULL,
    assertion_consumer TEXT NOT NULL,
    token_required INTEGER NOT NULL,
    metadata BLOB NOT NULL,
    source TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    settings TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX vouchsafe_connections_by_organization ON vouchsafe_connections (organization, id);
CREATE INDEX vouchsafe_connections_by_identity_provider
    ON vouchsafe_connections (identity_provider, assertion_consumer, is_inactive, id);
CREATE INDEX vouchsafe_connections_active ON vouchsafe_connections (id) WHERE is_inactive = 0;
