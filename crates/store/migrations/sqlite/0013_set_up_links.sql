-- Links by which administrators of customers set single sign-on up, by the hash of the secret.
CREATE TABLE vouchsafe_set_up_links (
    number INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX vouchsafe_set_up_links_by_organization ON vouchsafe_set_up_links (organization, issued_at);
CREATE INDEX vouchsafe_set_up_links_by_end ON vouchsafe_set_up_links (expires_at);
