-- The tables stand beside the application's own: each name begins with vouchsafe_, and so does that of the table of migrations.
-- Records are JSON of the planner's types; what is searched for or must be unique has a column of its own.
-- Numbers and truth values are BIGINT, as the statements that SQLite shares have them. Times are milliseconds of Unix time; an end is rounded up.

CREATE TABLE vouchsafe_replays (
    hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX vouchsafe_replays_by_end ON vouchsafe_replays (expires_at);

CREATE TABLE vouchsafe_pending (
    handle TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX vouchsafe_pending_by_end ON vouchsafe_pending (expires_at);

CREATE TABLE vouchsafe_sessions (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    epoch BIGINT NOT NULL DEFAULT 0,
    connection TEXT,
    identity TEXT,
    session_index TEXT,
    record TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX vouchsafe_sessions_by_account ON vouchsafe_sessions (account);
CREATE INDEX vouchsafe_sessions_by_connection ON vouchsafe_sessions (connection);
CREATE INDEX vouchsafe_sessions_by_identity ON vouchsafe_sessions (identity);
CREATE INDEX vouchsafe_sessions_by_end ON vouchsafe_sessions (expires_at);

-- How often all sessions of an account were ended. A session of an earlier epoch is over.
CREATE TABLE vouchsafe_epochs (
    account TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL
);

CREATE TABLE vouchsafe_organizations (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    record TEXT NOT NULL,
    policy TEXT
);

CREATE TABLE vouchsafe_organization_connections (
    connection TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id)
);
CREATE INDEX vouchsafe_organization_connections_by_organization ON vouchsafe_organization_connections (organization);

CREATE TABLE vouchsafe_tokens (
    hash TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id)
);
CREATE INDEX vouchsafe_tokens_by_organization ON vouchsafe_tokens (organization);

CREATE TABLE vouchsafe_domains (
    domain TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id)
);
CREATE INDEX vouchsafe_domains_by_organization ON vouchsafe_domains (organization);

CREATE TABLE vouchsafe_accounts (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    email TEXT NOT NULL,
    active BIGINT NOT NULL,
    is_owner BIGINT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, email)
);

CREATE INDEX vouchsafe_accounts_active ON vouchsafe_accounts (organization) WHERE active = 1;
CREATE INDEX vouchsafe_accounts_owners ON vouchsafe_accounts (organization) WHERE active = 1 AND is_owner = 1;

CREATE TABLE vouchsafe_identities (
    organization TEXT NOT NULL,
    identity TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    PRIMARY KEY (organization, identity)
);
CREATE INDEX vouchsafe_identities_by_account ON vouchsafe_identities (account);

CREATE TABLE vouchsafe_teams (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, name)
);

CREATE TABLE vouchsafe_projects (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, name)
);

CREATE TABLE vouchsafe_groups (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    connection TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (organization, connection, name)
);

CREATE TABLE vouchsafe_audit (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization TEXT NOT NULL,
    account TEXT,
    actor TEXT,
    at BIGINT NOT NULL,
    rule TEXT NOT NULL,
    change TEXT NOT NULL,
    before TEXT,
    after TEXT,
    assertion_hash TEXT
);
CREATE INDEX vouchsafe_audit_by_organization ON vouchsafe_audit (organization, number);

-- Connections, each with the metadata of its identity provider. They have no reference to an organization: a service may keep its
-- customers elsewhere. assertion_consumer is empty where the connection has none of its own.

CREATE TABLE vouchsafe_connections (
    id TEXT COLLATE "C" PRIMARY KEY,
    organization TEXT NOT NULL,
    state TEXT NOT NULL,
    is_inactive BIGINT NOT NULL,
    identity_provider TEXT NOT NULL,
    assertion_consumer TEXT NOT NULL,
    token_required BIGINT NOT NULL,
    metadata BYTEA NOT NULL,
    source TEXT NOT NULL,
    fetched_at BIGINT NOT NULL,
    settings TEXT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX vouchsafe_connections_by_organization ON vouchsafe_connections (organization, id);
CREATE INDEX vouchsafe_connections_by_identity_provider
    ON vouchsafe_connections (identity_provider, assertion_consumer, is_inactive, id);
CREATE INDEX vouchsafe_connections_active ON vouchsafe_connections (id) WHERE is_inactive = 0;
