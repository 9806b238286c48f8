//! Pending and remembered logouts in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::PendingLogout;
use vouchsafe::provisioning::{Identity, LoggedOut};

use super::{Batch, Engine, Sql, locks, memoranda::changed, rows};
use crate::logout::{keys_that_mean, names_that_mean, opened, remembered_under, remembered_until};
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
                WITH asked (names, indexes, issued_at, received_at, expires_at)
                    AS MATERIALIZED (VALUES (?, ?, ?, ?, ?))
                INSERT INTO vouchsafe_logouts_remembered (identity, session_index, issued_at, received_at, expires_at)
                SELECT name.value, one.value, asked.issued_at, asked.received_at, asked.expires_at
                FROM asked CROSS JOIN json_each(asked.names) AS name CROSS JOIN json_each(asked.indexes) AS one
                WHERE one.key = name.key
                ON CONFLICT (identity, session_index) DO UPDATE SET
                    issued_at = max(vouchsafe_logouts_remembered.issued_at, excluded.issued_at),
                    received_at = max(vouchsafe_logouts_remembered.received_at, excluded.received_at),
                    expires_at = max(vouchsafe_logouts_remembered.expires_at, excluded.expires_at)",
            postgres: "
                INSERT INTO vouchsafe_logouts_remembered (identity, session_index, issued_at, received_at, expires_at)
                SELECT name, one, $3, $4, $5 FROM unnest($1::text[], $2::text[]) AS pair (name, one)
                ON CONFLICT (identity, session_index) DO UPDATE SET
                    issued_at = GREATEST(vouchsafe_logouts_remembered.issued_at, excluded.issued_at),
                    received_at = GREATEST(vouchsafe_logouts_remembered.received_at, excluded.received_at),
                    expires_at = GREATEST(vouchsafe_logouts_remembered.expires_at, excluded.expires_at)",
        };
        let (names, indexes): (Vec<String>, Vec<String>) = remembered_under(logout).into_iter().unzip();
        let remember = Batch::of(REMEMBER)
            .bind(names)
            .bind(indexes)
            .bind(milliseconds_rounded_up(issued_at))
            .bind(milliseconds_rounded_up(now))
            .bind(milliseconds_rounded_up(remembered_until(now)));
        let logout = logout.clone();
        // Sessions are looked for after the logout is visible to everybody.
        self.write::<(), StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                locks::logout(turn, &logout).await?;
                turn.run(remember).await.map(drop)
            })
        }))
    }

    fn latest_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Answer<'a, Option<RememberedLogout>> {
        const LATEST: Sql = Sql {
            sqlite: "
                WITH asked (names, keys) AS MATERIALIZED (VALUES (?, ?))
                SELECT max(issued_at), max(received_at) FROM asked CROSS JOIN json_each(asked.names) AS name
                CROSS JOIN vouchsafe_logouts_remembered AS logout ON logout.identity = name.value
                WHERE logout.session_index IN (SELECT value FROM json_each(asked.keys)) OR asked.keys = '[]'",
            postgres: "
                SELECT max(issued_at), max(received_at) FROM vouchsafe_logouts_remembered
                WHERE identity = ANY($1::text[]) AND (session_index = ANY($2::text[]) OR cardinality($2::text[]) = 0)",
        };
        Box::pin(async move {
            let names = names_that_mean(person, session_indexes);
            let asked = Batch::of(LATEST).bind(names).bind(keys_that_mean(session_indexes));
            let answered = self.ask(asked).await?;
            let Some(row) = answered.rows.first() else { return Ok(None) };
            Ok(remembered(row.optional_integer(0)?, row.optional_integer(1)?))
        })
    }

    fn sweep_logouts(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async move {
            let sweep = Batch::of("DELETE FROM vouchsafe_logouts WHERE expires_at <= ?")
                .bind(now.timestamp_millis())
                .then("DELETE FROM vouchsafe_logouts_remembered WHERE expires_at <= ?")
                .bind(now.timestamp_millis());
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
