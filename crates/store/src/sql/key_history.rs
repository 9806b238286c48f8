//! Keys that were seen, in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::metadata::KeySighting;

use super::{Batch, Engine, Row, Sql};
use crate::{Answer, KeyHistory, StoreError, StoredConnection, keys_in_metadata, remembered_since};

/// A time of 0 stands for "no time".
const NOTE: &str = "
    INSERT INTO vouchsafe_keys (connection, fingerprint, first_seen, last_verified, verified) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (connection, fingerprint) DO UPDATE SET
        first_seen = CASE WHEN excluded.first_seen < vouchsafe_keys.first_seen
            THEN excluded.first_seen ELSE vouchsafe_keys.first_seen END,
        last_verified = CASE WHEN excluded.last_verified > vouchsafe_keys.last_verified
            THEN excluded.last_verified ELSE vouchsafe_keys.last_verified END,
        verified = vouchsafe_keys.verified + excluded.verified";

const KNOWN: &str = "
    SELECT fingerprint, first_seen, last_verified, verified FROM vouchsafe_keys
    WHERE connection = ? ORDER BY first_seen, fingerprint";

const FORGET: Sql = Sql {
    sqlite: "
        DELETE FROM vouchsafe_keys WHERE connection = ? AND last_verified < ?
        AND fingerprint NOT IN (SELECT value FROM json_each(?))",
    postgres: "
        DELETE FROM vouchsafe_keys WHERE connection = $1 AND last_verified < $2
        AND fingerprint <> ALL($3::text[])",
};

/// The transaction that writes a connection also records its keys, and the order in which it locks rows is not known
/// here. A transaction that records the use of keys therefore waits for it before it locks any row.
const WAIT: Sql = Sql {
    sqlite: "SELECT 1 WHERE ? IS NULL",
    postgres: "SELECT 1 FROM vouchsafe_connections WHERE id = $1 FOR SHARE",
};

impl<E: Engine> KeyHistory for E {
    fn note_keys<'a>(&'a self, connection: &'a ConnectionId, seen: &'a [KeySighting]) -> Answer<'a, ()> {
        Box::pin(async move {
            match seen {
                [] => Ok(()),
                seen => {
                    let batch = Batch::of(WAIT).bind(connection.as_str());
                    self.apply(note(batch, connection, seen)).await
                }
            }
        })
    }

    fn key_history<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<KeySighting>> {
        let asked = Batch::of(KNOWN).bind(connection.as_str());
        Box::pin(async move { self.ask(asked).await?.rows.iter().map(sighting).collect() })
    }
}

/// Records the keys of a connection that is written, and deletes keys that are no longer in its metadata and have not
/// signed for long.
pub(super) fn see_keys_of(batch: Batch, connection: &StoredConnection) -> Batch {
    let seen = keys_in_metadata(connection);
    let fingerprints: Vec<String> = seen.iter().map(|key| key.fingerprint.clone()).collect();
    let since = remembered_since(connection).timestamp_millis();
    let batch = batch.then(FORGET).bind(connection.id.as_str()).bind(since).bind(fingerprints);
    note(batch, &connection.id, &seen)
}

/// Rows are locked in the order of their names to avoid deadlocks.
fn note(mut batch: Batch, connection: &ConnectionId, seen: &[KeySighting]) -> Batch {
    let mut seen: Vec<&KeySighting> = seen.iter().collect();
    seen.sort_by(|one, other| one.fingerprint.cmp(&other.fingerprint));
    for key in seen {
        let last = key.last_verified.map(|last| last.timestamp_millis()).unwrap_or_default();
        batch = batch
            .then(NOTE)
            .bind(connection.as_str())
            .bind(key.fingerprint.as_str())
            .bind(key.first_seen.timestamp_millis())
            .bind(last)
            .bind(i64::try_from(key.verified).unwrap_or(i64::MAX));
    }
    batch
}

fn sighting(row: &Row) -> Result<KeySighting, StoreError> {
    let time = |milliseconds: i64| {
        let time: Option<DateTime<Utc>> = DateTime::from_timestamp_millis(milliseconds);
        time.ok_or_else(|| StoreError::damaged("key", "time"))
    };
    let mut sighting = KeySighting::new(row.text(0)?, time(row.integer(1)?)?);
    let last = row.integer(2)?;
    sighting.last_verified = if last == 0 { None } else { Some(time(last)?) };
    sighting.verified = row.integer(3)?.unsigned_abs();
    Ok(sighting)
}
