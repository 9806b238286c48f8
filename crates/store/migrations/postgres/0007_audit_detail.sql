-- What a record changed, for programs, as JSON.
ALTER TABLE vouchsafe_audit ADD COLUMN detail TEXT;

-- How far the audit was delivered to whom.
CREATE TABLE vouchsafe_audit_receivers (
    name TEXT PRIMARY KEY,
    place BIGINT NOT NULL
);

-- Which refusals of an hour are in the audit: each person and rule once.
CREATE TABLE vouchsafe_refusals (
    organization TEXT NOT NULL,
    hour BIGINT NOT NULL,
    who TEXT NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (organization, hour, who, rule)
);
