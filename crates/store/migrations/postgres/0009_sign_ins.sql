-- The last sign-ins of each organization: what came with them, and what was made of it.
CREATE TABLE vouchsafe_sign_ins (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES vouchsafe_organizations (id),
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    at BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX vouchsafe_sign_ins_by_organization ON vouchsafe_sign_ins (organization, number);
CREATE INDEX vouchsafe_sign_ins_by_account ON vouchsafe_sign_ins (account);
CREATE INDEX vouchsafe_sign_ins_by_time ON vouchsafe_sign_ins (at);
