-- API tokens of members, by the hash of what is shown.
CREATE TABLE vouchsafe_api_tokens (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES vouchsafe_accounts (id),
    expires_at BIGINT,
    record TEXT NOT NULL,
    UNIQUE (account, id)
);
CREATE INDEX vouchsafe_api_tokens_by_end ON vouchsafe_api_tokens (expires_at) WHERE expires_at IS NOT NULL;
