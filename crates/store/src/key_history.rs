//! Which keys of a connection's identity provider were seen and used, and when.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::metadata::{IdentityProvider, KeySighting};

use crate::{Answer, StoredConnection};

/// Keeps what was seen of the signing keys of each connection's identity provider: evidence for whoever looks after a roll-over
/// ([`KeyEvidence`](vouchsafe::metadata::KeyEvidence)).
///
/// A store that keeps connections notes the keys of their metadata when it writes it, in the same transaction; that a key has vouched for a sign-in
/// is [noted](Self::note_keys) by whoever signed somebody in. `vouchsafe_web` does that at most once a minute for each key.
///
/// It is evidence and nothing else: no key is trusted for being in it.
///
/// ```
/// use vouchsafe::ConnectionId;
/// use vouchsafe::metadata::KeySighting;
/// use vouchsafe_store::{KeyHistory, Memory};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (store, acme) = (Memory::new(), ConnectionId::new("acme")?);
/// let monday = "2026-06-01T09:00:00Z".parse()?;
/// store.note_keys(&acme, &[KeySighting::new("AB:CD", monday).and_verified(3, monday)]).await?;
/// store.note_keys(&acme, &[KeySighting::new("AB:CD", monday).and_verified(2, monday)]).await?;
/// assert_eq!(store.key_history(&acme).await?[0].verified, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait KeyHistory: Send + Sync + fmt::Debug {
    /// Adds what was seen to what is known: the earliest time of the first sight, the latest of the last verified signature, and the sum of the
    /// sign-ins.
    fn note_keys<'a>(&'a self, connection: &'a ConnectionId, seen: &'a [KeySighting]) -> Answer<'a, ()>;

    /// What is known of the keys of a connection, in the order of their first sight. A key that is in its metadata no more is among them if a
    /// signature of it was verified within the last [400 days](remembered_since).
    fn key_history<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<KeySighting>>;
}

/// For stores: the signing keys of the connection's metadata, as seen when that was fetched; none where it cannot be read.
///
/// A store that writes a connection notes these, and forgets the others of the connection of which no signature was verified since
/// [`remembered_since`].
#[must_use]
pub fn keys_in_metadata(connection: &StoredConnection) -> Vec<KeySighting> {
    let StoredConnection { metadata, identity_provider, .. } = connection;
    let read = IdentityProvider::from_metadata_entity(&metadata.document, identity_provider);
    let mut seen: Vec<KeySighting> = Vec::new();
    for key in read.iter().flat_map(IdentityProvider::signing_keys) {
        let sighting = KeySighting::new(key.fingerprint_sha256(), metadata.fetched_at);
        if !seen.contains(&sighting) {
            seen.push(sighting);
        }
    }
    seen
}

/// How long a key is remembered that is in the metadata no more: over a year, so that certificates that are replaced yearly are compared.
const REMEMBERED: TimeDelta = TimeDelta::days(400);

/// For stores: a key that is not in this metadata and has not signed since then is forgotten, so that a source that gives other keys each time
/// does not fill the store.
#[must_use]
pub fn remembered_since(connection: &StoredConnection) -> DateTime<Utc> {
    // A time of 0 is none in stores.
    let earliest = DateTime::from_timestamp_millis(1).unwrap_or(DateTime::UNIX_EPOCH);
    let begin = connection.metadata.fetched_at.checked_sub_signed(REMEMBERED);
    begin.unwrap_or(earliest).max(earliest)
}
