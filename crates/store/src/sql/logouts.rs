//! Pending and remembered logouts in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::PendingLogout;
use vouchsafe::provisioning::{Identity, LoggedOut};

use super::{Batch, Engine, Sql, locks, memoranda::changed, rows};
use crate::logout::{Remembered, forgotten_before, opened, remembered_until};
use crate::{Answer, LogoutStore, RememberedLogout, StoreError, text::milliseconds_rounded_up};

impl<E: Engine> LogoutStore for E {
    fn keep_logout<'a>(&'a self, pending: &'a PendingLogout) -> Answer<'a, ()> {
        const PUT: &str = "
            INSERT INTO vouchsafe_logouts (handle, record, expires_at) VALUES (?, ?, ?)
            ON CONFLICT (handle) DO UPDATE SET record = excluded.record, expires_at = excluded.expires_at";
        Box::pin(async move {
            let record = rows::to_json("pending logout", &pending.to_stored())?;
            let end = milliseconds_rounded_up(pending.expires_at());
            self.apply(Batch::of(PUT).bind(pending.handle()).bind(record).bind(end)).await
        })
    }

    fn find_logout<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>> {
        Box::pin(async move {
            let asked = Batch::of("SELECT record FROM vouchsafe_logouts WHERE handle = ?").bind(handle);
            let answered = self.ask(asked).await?;
            let row = answered.rows.first();
            let stored = row.map(|row| rows::from_json("pending logout", row.text(0)?)).transpose()?;
            opened(stored, now)
        })
    }

    fn remove_logout<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        let remove = Batch::of("DELETE FROM vouchsafe_logouts WHERE handle = ?").bind(handle);
        Box::pin(async move { Ok(changed(self, remove).await? == 1) })
    }

    fn remember_logout<'a>(
        &'a self,
        logout: &'a LoggedOut,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        const REMEMBER: Sql = Sql {
            sqlite: "
                WITH asked (connection, places, issued_at, received_at, expires_at)
                    AS MATERIALIZED (VALUES (?, ?, ?, ?, ?))
                INSERT INTO vouchsafe_logouts_remembered (identity, session_index, issued_at, received_at, expires_at)
                SELECT asked.connection, place.value, asked.issued_at, asked.received_at, asked.expires_at
                FROM asked CROSS JOIN json_each(asked.places) AS place WHERE true
                ON CONFLICT (identity, session_index) DO UPDATE SET
                    issued_at = max(vouchsafe_logouts_remembered.issued_at, excluded.issued_at),
                    received_at = max(vouchsafe_logouts_remembered.received_at, excluded.received_at),
                    expires_at = max(vouchsafe_logouts_remembered.expires_at, excluded.expires_at)",
            postgres: "
                INSERT INTO vouchsafe_logouts_remembered (identity, session_index, issued_at, received_at, expires_at)
                SELECT $1, place, $3, $4, $5 FROM unnest($2::text[]) AS place
                ON CONFLICT (identity, session_index) DO UPDATE SET
                    issued_at = GREATEST(vouchsafe_logouts_remembered.issued_at, excluded.issued_at),
                    received_at = GREATEST(vouchsafe_logouts_remembered.received_at, excluded.received_at),
                    expires_at = GREATEST(vouchsafe_logouts_remembered.expires_at, excluded.expires_at)",
        };
        let Remembered { connection, places } = Remembered::of(logout);
        let remember = Batch::of(REMEMBER)
            .bind(connection)
            .bind(places)
            .bind(milliseconds_rounded_up(issued_at))
            .bind(milliseconds_rounded_up(now))
            .bind(milliseconds_rounded_up(remembered_until(now)));
        Box::pin(async move {
            let _permit = self.permit_for_logout(logout.connection()).await?;
            let logout = logout.clone();
            // Sessions are looked for after the logout is visible to everybody.
            self.write::<(), StoreError>(Box::new(move |turn| {
                Box::pin(async move {
                    locks::logout(turn, &logout).await?;
                    turn.run(remember).await.map(drop)
                })
            }))
            .await
        })
    }

    fn latest_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Answer<'a, Option<RememberedLogout>> {
        const LATEST: Sql = Sql {
            sqlite: "
                WITH asked (connection, places) AS MATERIALIZED (VALUES (?, ?))
                SELECT max(issued_at), max(received_at) FROM asked CROSS JOIN vouchsafe_logouts_remembered AS logout
                ON logout.identity = asked.connection
                WHERE logout.session_index IN (SELECT value FROM json_each(asked.places))",
            postgres: "
                SELECT max(issued_at), max(received_at) FROM vouchsafe_logouts_remembered
                WHERE identity = $1 AND session_index = ANY($2::text[])",
        };
        Box::pin(async move {
            let Remembered { connection, places } = Remembered::that_mean(person, session_indexes);
            let asked = Batch::of(LATEST).bind(connection).bind(places);
            let answered = self.ask(asked).await?;
            let Some(row) = answered.rows.first() else { return Ok(None) };
            Ok(remembered(row.optional_integer(0)?, row.optional_integer(1)?))
        })
    }

    fn sweep_logouts(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        const NEWEST: &str =
            "SELECT issued_at FROM vouchsafe_logouts_remembered ORDER BY expires_at DESC LIMIT 1";
        const FORGET: &str =
            "DELETE FROM vouchsafe_logouts_remembered WHERE expires_at <= ? AND issued_at <= ?";
        Box::pin(async move {
            let newest = self.ask(Batch::of(NEWEST)).await?;
            let newest = newest.rows.first().map(|row| row.integer(0)).transpose()?;
            let forgotten = forgotten_before(now, newest.and_then(DateTime::from_timestamp_millis));
            let mut sweep =
                Batch::of("DELETE FROM vouchsafe_logouts WHERE expires_at <= ?").bind(now.timestamp_millis());
            if let Some(forgotten) = forgotten {
                sweep = sweep.then(FORGET).bind(now.timestamp_millis()).bind(forgotten.timestamp_millis());
            }
            let answered = self.execute(sweep).await?;
            Ok(answered.iter().map(|one| one.changed).fold(0, u64::saturating_add))
        })
    }
}

/// The latest times of logouts, from their columns.
pub(super) fn remembered(issued_at: Option<i64>, received_at: Option<i64>) -> Option<RememberedLogout> {
    let at = |milliseconds: Option<i64>| milliseconds.and_then(DateTime::from_timestamp_millis);
    Some(RememberedLogout { issued_at: at(issued_at)?, received_at: at(received_at)? })
}
