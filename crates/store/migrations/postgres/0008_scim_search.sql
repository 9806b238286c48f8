-- What SCIM resources are searched for beside their ids, names and external ids: the first characters of each value, in lower case.

CREATE TABLE vouchsafe_scim_values (
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (connection, kind, attribute, value, id)
);
CREATE INDEX vouchsafe_scim_values_of_resource ON vouchsafe_scim_values (connection, kind, id);

-- Of what is there already. A text with the character NUL is none for PostgreSQL: such a resource is found when it is written next.
WITH users AS (
    SELECT connection, id, CASE WHEN record LIKE '%\\u0000%' THEN NULL ELSE record::json -> 'attributes' END AS attributes
    FROM vouchsafe_scim_resources WHERE kind = 'User')
INSERT INTO vouchsafe_scim_values (connection, kind, attribute, value, id)
    SELECT connection, 'User', 'email', left(lower(trim(email ->> 'value')), 128), id
    FROM users, json_array_elements(coalesce(attributes -> 'emails', '[]')) AS email
    WHERE email ->> 'value' IS NOT NULL
    UNION
    SELECT connection, 'User', 'display_name', left(lower(trim(attributes ->> 'displayName')), 128), id
    FROM users WHERE attributes ->> 'displayName' IS NOT NULL;

-- Who is named so over a connection, whatever the format or the attribute of the name: the first characters of each subject.
CREATE TABLE vouchsafe_subjects (
    organization TEXT NOT NULL,
    connection TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    PRIMARY KEY (organization, connection, subject, account)
);
CREATE INDEX vouchsafe_subjects_of_account ON vouchsafe_subjects (account);
INSERT INTO vouchsafe_subjects (organization, connection, subject, account)
    SELECT DISTINCT organization, identity ->> 'connection', left(trim(identity ->> 'subject'), 128), id
    FROM vouchsafe_accounts, json_array_elements(
        CASE WHEN record LIKE '%\\u0000%' THEN '[]' ELSE coalesce(record::json -> 'identities', '[]') END) AS identity;

-- Whose accounts may not be used.
CREATE INDEX vouchsafe_accounts_inactive ON vouchsafe_accounts (organization, id) WHERE active = 0;
