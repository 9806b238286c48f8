//! Records which keys signed the responses of sign-ins, for the person who manages a key roll-over.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::metadata::KeySighting;
use vouchsafe::{ConnectionId, Login};
use vouchsafe_store::{KeyHistory, StoreError};

/// The minimum time between two writes for one key.
const EVERY: TimeDelta = TimeDelta::minutes(1);
/// The maximum number of keys in memory. A key that was removed is written again at its next sign-in, and so is each sign-in
/// of a key for which there is no room because the store fails.
const MOST: usize = 10_000;

/// Counts sign-ins by the keys that signed them, and writes the counts from time to time. No sign-in waits for this.
#[derive(Clone)]
pub(crate) struct KeyUse {
    store: Arc<dyn KeyHistory>,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    by_key: HashMap<(ConnectionId, Box<str>), Count>,
    /// The time when keys were last removed, so that not each sign-in looks through all of them.
    removed_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy)]
struct Count {
    sign_ins: u64,
    last: DateTime<Utc>,
    written_at: DateTime<Utc>,
}

/// The sightings to write, by connection.
type Due = HashMap<ConnectionId, Vec<KeySighting>>;

impl KeyUse {
    pub(crate) fn new(store: Arc<dyn KeyHistory>) -> KeyUse {
        KeyUse { store, counts: Arc::default() }
    }

    /// Returns the store of the history.
    #[cfg(feature = "portal")]
    pub(crate) fn history(&self) -> &dyn KeyHistory {
        &*self.store
    }

    /// Counts a sign-in. Due counts are written in the background.
    pub(crate) fn note(&self, login: &Login, now: DateTime<Utc>) {
        let due = self.count(login, now);
        if due.is_empty() {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            if let Err(error) = this.write(due).await {
                tracing::warn!(code = error.code(), reason = %error, "the use of keys could not be noted");
            }
        });
    }

    fn count(&self, login: &Login, now: DateTime<Utc>) -> Due {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.make_room(now);
        let mut due = Due::new();
        let mut keys: Vec<&str> = login.evidence().iter().map(|one| one.key_fingerprint().as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            if let Some(sighting) = counts.count(login.connection(), key, now) {
                due.entry(login.connection().clone()).or_default().push(sighting);
            }
        }
        due
    }

    /// Writes all counts.
    pub(crate) async fn flush(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let due = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let mut due = Due::new();
            for ((connection, key), count) in counts.by_key.iter_mut().filter(|(_, count)| count.sign_ins > 0)
            {
                due.entry(connection.clone()).or_default().push(count.taken(key, now));
            }
            due
        };
        self.write(due).await
    }

    /// Writes sightings. Counts that could not be written are restored.
    async fn write(&self, due: Due) -> Result<(), StoreError> {
        let mut failure = None;
        for (connection, keys) in due {
            if let Err(error) = self.store.note_keys(&connection, &keys).await {
                let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                for key in keys {
                    if let Some(count) = counts.by_key.get_mut(&(connection.clone(), key.fingerprint.into()))
                    {
                        count.sign_ins = count.sign_ins.saturating_add(key.verified);
                    }
                }
                failure = Some(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

impl Counts {
    /// Removes the keys whose sign-ins are written, if there is no room for another one.
    fn make_room(&mut self, now: DateTime<Utc>) {
        let since = self.removed_at.map(|at| now.signed_duration_since(at).abs());
        if self.by_key.len() >= MOST && since.is_none_or(|since| since >= EVERY) {
            self.by_key.retain(|_, count| count.sign_ins > 0);
            self.removed_at = Some(now);
        }
    }

    /// Counts a sign-in by a key. Returns what must be written now, if anything.
    fn count(&mut self, connection: &ConnectionId, key: &str, now: DateTime<Utc>) -> Option<KeySighting> {
        let place = (connection.clone(), key.into());
        let never = now.checked_sub_signed(EVERY).unwrap_or(now);
        let mut unknown = Count { sign_ins: 0, last: now, written_at: never };
        let count = match self.by_key.len() < MOST || self.by_key.contains_key(&place) {
            true => self.by_key.entry(place).or_insert(unknown),
            false => &mut unknown,
        };
        count.sign_ins = count.sign_ins.saturating_add(1);
        count.last = count.last.max(now);
        // A clock that was set back must not prevent writing for a long time.
        let since = now.signed_duration_since(count.written_at).abs();
        (since >= EVERY).then(|| count.taken(key, now))
    }
}

impl Count {
    /// Returns the count since the last write, and resets it.
    fn taken(&mut self, key: &str, now: DateTime<Utc>) -> KeySighting {
        let sighting = KeySighting::new(key, self.last).and_verified(self.sign_ins, self.last);
        (self.sign_ins, self.written_at) = (0, now);
        sighting
    }
}

impl fmt::Debug for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyUse").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The store fails, so that no count can be forgotten.
    #[test]
    fn many_keys_take_no_more_room_than_is_allowed() {
        let (acme, now) = (ConnectionId::new("acme").unwrap(), DateTime::UNIX_EPOCH + EVERY);
        let mut counts = Counts::default();
        for number in 0..MOST + 100 {
            counts.make_room(now);
            let sighting = counts.count(&acme, &number.to_string(), now).unwrap();
            assert_eq!(sighting.verified, 1);
            // It could not be written.
            if let Some(count) = counts.by_key.get_mut(&(acme.clone(), number.to_string().into())) {
                count.sign_ins += 1;
            }
        }
        assert_eq!((counts.by_key.len(), counts.removed_at), (MOST, Some(now)));
        assert!(counts.count(&acme, "0", now).is_none(), "it was written a moment ago");
        // What is written makes room, a minute later.
        counts.by_key.values_mut().take(50).for_each(|count| count.sign_ins = 0);
        counts.make_room(now + EVERY);
        assert_eq!(counts.by_key.len(), MOST - 50);
    }
}
