//! Keys that were seen, in memory.

use vouchsafe::ConnectionId;
use vouchsafe::metadata::KeySighting;

use super::{Memory, State};
use crate::{Answer, KeyHistory, StoredConnection, remembered_since};

impl KeyHistory for Memory {
    fn note_keys<'a>(&'a self, connection: &'a ConnectionId, seen: &'a [KeySighting]) -> Answer<'a, ()> {
        self.with(move |state| {
            state.note_keys(connection, seen);
            Ok(())
        })
    }

    fn key_history<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<KeySighting>> {
        self.with(move |state| {
            let mut known = state.keys.get(connection).cloned().unwrap_or_default();
            known.sort_by(|one, other| {
                one.first_seen.cmp(&other.first_seen).then_with(|| one.fingerprint.cmp(&other.fingerprint))
            });
            Ok(known)
        })
    }
}

impl State {
    fn note_keys(&mut self, connection: &ConnectionId, seen: &[KeySighting]) {
        let known = self.keys.entry(connection.clone()).or_default();
        for sighting in seen {
            match known.iter_mut().find(|one| one.fingerprint == sighting.fingerprint) {
                Some(one) => {
                    one.first_seen = one.first_seen.min(sighting.first_seen);
                    one.last_verified = one.last_verified.max(sighting.last_verified);
                    one.verified = one.verified.saturating_add(sighting.verified);
                }
                None => known.push(sighting.clone()),
            }
        }
    }

    /// Records the keys of a connection that is written, and deletes keys that are no longer in its metadata and have
    /// not signed for long.
    pub(super) fn see_keys_of(&mut self, connection: &StoredConnection, seen: &[KeySighting]) {
        let since = remembered_since(connection);
        if let Some(known) = self.keys.get_mut(&connection.id) {
            known.retain(|one| {
                one.last_verified.is_some_and(|last| last >= since)
                    || seen.iter().any(|key| key.fingerprint == one.fingerprint)
            });
        }
        self.note_keys(&connection.id, seen);
    }
}
