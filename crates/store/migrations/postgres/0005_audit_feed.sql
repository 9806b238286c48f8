-- The place of a record in the feed, given when it is read first.
ALTER TABLE vouchsafe_audit ADD COLUMN place BIGINT UNIQUE;
CREATE INDEX vouchsafe_audit_without_place ON vouchsafe_audit (number) WHERE place IS NULL;
CREATE INDEX vouchsafe_audit_by_place ON vouchsafe_audit (organization, place);
