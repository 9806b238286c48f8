-- What identity providers push by SCIM. Who is in a group stands in the accounts' records; here it is for look-ups.

CREATE TABLE vouchsafe_group_members (
    group_id TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    PRIMARY KEY (group_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_group_members_by_account ON vouchsafe_group_members (account);

-- The number is the order in which resources were made: pages follow it.
CREATE TABLE vouchsafe_scim_resources (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    external_id TEXT,
    record TEXT NOT NULL,
    UNIQUE (connection, kind, id),
    UNIQUE (connection, kind, name)
) STRICT;
CREATE INDEX vouchsafe_scim_resources_in_order ON vouchsafe_scim_resources (connection, kind, number);
CREATE INDEX vouchsafe_scim_resources_by_external_id ON vouchsafe_scim_resources (connection, kind, external_id);

CREATE TABLE vouchsafe_scim_tokens (
    hash TEXT PRIMARY KEY,
    connection TEXT NOT NULL,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    record TEXT NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_scim_tokens_by_connection ON vouchsafe_scim_tokens (connection);
