-- The network that a form came from, so that whoever posts many pushes out those of the same network; NULL where it is not known.
ALTER TABLE vouchsafe_forms ADD COLUMN network TEXT;
