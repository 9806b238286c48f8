-- A session has the session index of each statement of its assertion.
ALTER TABLE vouchsafe_sessions ADD COLUMN session_indexes TEXT[] NOT NULL DEFAULT '{}';
UPDATE vouchsafe_sessions SET session_indexes = ARRAY[session_index] WHERE session_index IS NOT NULL;
ALTER TABLE vouchsafe_sessions DROP COLUMN session_index;
