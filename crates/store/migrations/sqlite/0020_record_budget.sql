-- How many changes of a connection's metadata the audit has listed in an hour, and those that no record tells yet.
ALTER TABLE vouchsafe_connections ADD COLUMN record_budget TEXT NOT NULL DEFAULT '{}';

-- How often the row was written, renewals included. A write that was prepared with another state of the row begins again.
ALTER TABLE vouchsafe_connections ADD COLUMN writes INTEGER NOT NULL DEFAULT 0;
