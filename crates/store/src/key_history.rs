//! When the keys of a connection's identity provider were seen and used.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::metadata::{IdentityProvider, KeySighting};

use crate::{Answer, StoredConnection};

/// Keeps what was seen of the signing keys of each connection's identity provider, as evidence for a key roll-over
/// ([`KeyEvidence`](vouchsafe::metadata::KeyEvidence)).
///
/// A store that keeps connections records the keys of their metadata in the transaction that writes the metadata. The
/// code that signs people in [records](Self::note_keys) which key verified a sign-in; `vouchsafe_web` does so at most
/// once a minute for each key.
///
/// It is evidence only: a key is not trusted because it is recorded here.
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
    /// Merges a sighting into the record: the earliest first sight, the latest verified signature, and the sum of the
    /// sign-ins.
    fn note_keys<'a>(&'a self, connection: &'a ConnectionId, seen: &'a [KeySighting]) -> Answer<'a, ()>;

    /// The recorded keys of a connection, in the order in which they were first seen. A key that is no longer in the
    /// metadata is included if a signature of it was verified within the last [400 days](remembered_since).
    fn key_history<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<KeySighting>>;
}

/// For stores: the signing keys in the connection's metadata, as seen when the metadata was fetched; empty if it cannot
/// be parsed.
///
/// A store that writes a connection records these keys and deletes the connection's other keys of which no signature
/// was verified since [`remembered_since`].
#[must_use]
pub fn keys_in_metadata(connection: &StoredConnection) -> Vec<KeySighting> {
    let StoredConnection { metadata, identity_provider, .. } = connection;
    let read = metadata.described(identity_provider);
    let mut seen: Vec<KeySighting> = Vec::new();
    for key in read.iter().flat_map(IdentityProvider::signing_keys) {
        let sighting = KeySighting::new(key.fingerprint_sha256(), metadata.fetched_at);
        if !seen.contains(&sighting) {
            seen.push(sighting);
        }
    }
    seen
}

/// How long a key that is no longer in the metadata is remembered: more than a year, so that certificates that are
/// replaced yearly can be compared.
const REMEMBERED: TimeDelta = TimeDelta::days(400);

/// For stores: a key that is not in this metadata and has not signed since this time is deleted. A source that sends
/// other keys each time therefore cannot fill the store.
#[must_use]
pub fn remembered_since(connection: &StoredConnection) -> DateTime<Utc> {
    // A time of 0 stands for "no time" in stores.
    let earliest = DateTime::from_timestamp_millis(1).unwrap_or(DateTime::UNIX_EPOCH);
    let begin = connection.metadata.fetched_at.checked_sub_signed(REMEMBERED);
    begin.unwrap_or(earliest).max(earliest)
}
