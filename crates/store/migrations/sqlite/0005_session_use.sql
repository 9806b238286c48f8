-- When a session was last used, in milliseconds of Unix time; expires_at is its end unless it is used again.
ALTER TABLE vouchsafe_sessions ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
