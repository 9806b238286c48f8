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
/// The maximum number of keys in memory. A key that was removed is written again at its next sign-in.
const MOST: usize = 10_000;

/// Counts sign-ins by the keys that signed them, and writes the counts from time to time. No sign-in waits for this.
#[derive(Clone)]
pub(crate) struct KeyUse {
    store: Arc<dyn KeyHistory>,
    counts: Arc<Mutex<Counts>>,
}

type Counts = HashMap<(ConnectionId, Box<str>), Count>;

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
        if counts.len() >= MOST {
            counts.retain(|_, count| count.sign_ins > 0);
        }
        let mut due = Due::new();
        let mut keys: Vec<&str> = login.evidence().iter().map(|one| one.key_fingerprint().as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let place = (login.connection().clone(), key.into());
            let never = now.checked_sub_signed(EVERY).unwrap_or(now);
            let count = counts.entry(place).or_insert(Count { sign_ins: 0, last: now, written_at: never });
            count.sign_ins = count.sign_ins.saturating_add(1);
            count.last = count.last.max(now);
            // A clock that was set back must not prevent writing for a long time.
            let since = now.signed_duration_since(count.written_at).abs();
            if since >= EVERY {
                due.entry(login.connection().clone()).or_default().push(count.taken(key, now));
            }
        }
        due
    }

    /// Writes all counts.
    pub(crate) async fn flush(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let due = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let mut due = Due::new();
            for ((connection, key), count) in counts.iter_mut().filter(|(_, count)| count.sign_ins > 0) {
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
                    if let Some(count) = counts.get_mut(&(connection.clone(), key.fingerprint.into())) {
                        count.sign_ins = count.sign_ins.saturating_add(key.verified);
                    }
                }
                failure = Some(error);
            }
        }
        failure.map_or(Ok(()), Err)
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
