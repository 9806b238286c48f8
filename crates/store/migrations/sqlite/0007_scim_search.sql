-- What SCIM resources are searched for beside their ids, names and external ids: the first characters of each value, in lower case.

CREATE TABLE vouchsafe_scim_values (
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (connection, kind, attribute, value, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_scim_values_of_resource ON vouchsafe_scim_values (connection, kind, id);

-- Of what is there already. Letters beyond ASCII become lower case when their resource is written next.
INSERT OR IGNORE INTO vouchsafe_scim_values (connection, kind, attribute, value, id)
    SELECT connection, kind, 'email', substr(lower(trim(text.value)), 1, 128), vouchsafe_scim_resources.id
    FROM vouchsafe_scim_resources
    CROSS JOIN json_each(record, '$.attributes.emails') AS email
    CROSS JOIN json_each(CASE email.type WHEN 'object' THEN email.value ELSE '{}' END) AS text
    WHERE kind = 'User' AND text.key = 'value' AND text.type = 'text';
INSERT OR IGNORE INTO vouchsafe_scim_values (connection, kind, attribute, value, id)
    SELECT connection, kind, 'display_name', substr(lower(trim(record ->> '$.attributes.displayName')), 1, 128), id
    FROM vouchsafe_scim_resources
    WHERE kind = 'User' AND typeof(record ->> '$.attributes.displayName') = 'text';

-- Who is named so over a connection, whatever the format or the attribute of the name: the first characters of each subject.
CREATE TABLE vouchsafe_subjects (
    organization TEXT NOT NULL,
    connection TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    PRIMARY KEY (organization, connection, subject, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchsafe_subjects_of_account ON vouchsafe_subjects (account);
INSERT OR IGNORE INTO vouchsafe_subjects (organization, connection, subject, account)
    SELECT organization, identity.value ->> 'connection', substr(trim(identity.value ->> 'subject'), 1, 128), vouchsafe_accounts.id
    FROM vouchsafe_accounts, json_each(record, '$.identities') AS identity;

-- Whose accounts may not be used.
CREATE INDEX vouchsafe_accounts_inactive ON vouchsafe_accounts (organization, id) WHERE active = 0;
