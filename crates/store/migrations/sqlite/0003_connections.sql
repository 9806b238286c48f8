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
