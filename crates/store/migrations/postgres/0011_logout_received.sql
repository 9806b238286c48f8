-- When a logout was received, in milliseconds of Unix time. What was remembered before was kept for 25 hours from then on.
ALTER TABLE vouchsafe_logouts_remembered ADD COLUMN received_at BIGINT NOT NULL DEFAULT 0;
UPDATE vouchsafe_logouts_remembered SET received_at = expires_at - 90000000;
