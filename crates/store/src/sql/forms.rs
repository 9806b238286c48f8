//! Forms in SQL.

use chrono::{DateTime, Utc};

use super::{Batch, Engine, locks, memoranda::changed, run_one};
use crate::{Answer, FormLimits, FormStore, SealedForm, StoreError, text::milliseconds_rounded_up};

/// Deletes the expired forms, and the oldest forms of the new form's network that exceed its limits. The new form counts
/// as the newest, whatever the clocks of several machines say. The parameters: now, the network, the handle of the new
/// form, the most forms, the most bytes.
const MAKE_ROOM_IN_NETWORK: &str = "
    DELETE FROM vouchsafe_forms WHERE expires_at <= ? OR handle IN (
        SELECT handle FROM (
            SELECT handle, row_number() OVER newest_first AS place, sum(bytes) OVER newest_first AS together
            FROM vouchsafe_forms WHERE network = ?
            WINDOW newest_first AS (ORDER BY CASE WHEN handle = ? THEN 0 ELSE 1 END, kept_at DESC, handle)) AS of_network
        WHERE place > ? OR together > ?)";

/// Deletes the oldest forms of the networks that have the most, if all forms together exceed the limits. The parameters:
/// the handle of the new form, the most forms, the most bytes.
const MAKE_ROOM: &str = "
    DELETE FROM vouchsafe_forms WHERE handle IN (
        SELECT handle FROM (
            SELECT handle,
                row_number() OVER (ORDER BY is_older, place_in_network, kept_at DESC, handle) AS place,
                sum(bytes) OVER (ORDER BY is_older, bytes_in_network, kept_at DESC, handle) AS together
            FROM (
                SELECT handle, bytes, kept_at, is_older, row_number() OVER newest_first AS place_in_network,
                    sum(bytes) OVER newest_first AS bytes_in_network
                FROM (
                    SELECT handle, network, bytes, kept_at, CASE WHEN handle = ? THEN 0 ELSE 1 END AS is_older
                    FROM vouchsafe_forms) AS one
                WINDOW newest_first AS (PARTITION BY network ORDER BY is_older, kept_at DESC, handle)) AS of_network
            ) AS kept
        WHERE place > ? OR together > ?)";

impl<E: Engine> FormStore for E {
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        const KEEP: &str = "
            INSERT INTO vouchsafe_forms (handle, binding_hash, sealed, bytes, kept_at, expires_at, network)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (handle) DO UPDATE
            SET binding_hash = excluded.binding_hash, sealed = excluded.sealed, bytes = excluded.bytes,
                kept_at = excluded.kept_at, expires_at = excluded.expires_at, network = excluded.network";
        if !limits.allow(form) {
            return Box::pin(std::future::ready(Ok(())));
        }
        let keep = Batch::of(KEEP)
            .bind(form.handle.as_str())
            .bind(form.binding_hash.as_str())
            .bind(form.sealed.as_slice())
            .bind(form.sealed.len())
            .bind(now.timestamp_millis())
            .bind(milliseconds_rounded_up(form.expires_at))
            .bind(form.network.as_deref());
        // An unknown network is NULL, which equals no network.
        let make_room = Batch::of(MAKE_ROOM_IN_NETWORK)
            .bind(now.timestamp_millis())
            .bind(form.network.as_deref())
            .bind(form.handle.as_str())
            .bind(limits.forms_of_network)
            .bind(limits.bytes_of_network)
            .then(MAKE_ROOM)
            .bind(form.handle.as_str())
            .bind(limits.forms)
            .bind(limits.bytes);
        self.write::<(), StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                // If several forms are kept at the same time, each transaction sees those of the others.
                locks::forms(turn).await?;
                run_one(turn, keep).await?;
                turn.run(make_room).await.map(drop)
            })
        }))
    }

    fn find_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        const FIND: &str =
            "SELECT sealed FROM vouchsafe_forms WHERE handle = ? AND binding_hash = ? AND expires_at > ?";
        Box::pin(async move {
            let asked = Batch::of(FIND).bind(handle).bind(binding_hash).bind(now.timestamp_millis());
            self.ask(asked).await?.rows.first().map(|row| row.bytes(0)).transpose()
        })
    }

    fn take_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        const TAKE: &str =
            "DELETE FROM vouchsafe_forms WHERE handle = ? AND binding_hash = ? RETURNING sealed, expires_at";
        Box::pin(async move {
            let answered = self.execute(Batch::of(TAKE).bind(handle).bind(binding_hash)).await?;
            let Some(row) = answered.first().and_then(|answered| answered.rows.first()) else {
                return Ok(None);
            };
            let is_over = row.integer(1)? <= now.timestamp_millis();
            if is_over { Ok(None) } else { row.bytes(0).map(Some) }
        })
    }

    fn count_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let count = Batch::of("SELECT count(*) FROM vouchsafe_forms WHERE expires_at > ?");
        let count = count.bind(now.timestamp_millis());
        Box::pin(async move { Ok(u64::try_from(self.ask(count).await?.number()?).unwrap_or_default()) })
    }

    fn sweep_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let sweep = Batch::of("DELETE FROM vouchsafe_forms WHERE expires_at <= ?");
        Box::pin(changed(self, sweep.bind(now.timestamp_millis())))
    }
}
