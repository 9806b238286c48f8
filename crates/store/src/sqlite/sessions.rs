//! Sessions in SQLite.

use chrono::{DateTime, Utc};
use sqlx::{Row as _, SqliteConnection};
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::{AccountId, Identity};

use super::{OrFailed as _, Sqlite, batch::Batch, look_ups::Wanted, rows, turn::Runs, writes};
use crate::{Answer, Session, SessionId, SessionStore, StoreError};

/// The session of an identifier with this hash, over or not, in the writer's transaction.
pub(super) async fn read(transaction: &mut impl Runs, hash: &str) -> Result<Option<Session>, StoreError> {
    let asked = Batch::of("SELECT record FROM vouchsafe_sessions WHERE hash = ?").bind(hash);
    let answered = transaction.run(asked).await?;
    let row = answered.first().and_then(|answered| answered.rows.first());
    let record: Option<&str> = row.map(|row| row.try_get("record").or_failed()).transpose()?;
    record.map(|record| rows::from_json("session", record)).transpose()
}

/// Ends the sessions that began over these connections. It reads every session: a connection is retired once.
pub(super) async fn end_over(
    connection: &mut SqliteConnection,
    ids: &[ConnectionId],
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM vouchsafe_sessions WHERE record ->> 'connection' IN (SELECT value FROM json_each(?))",
    )
    .bind(rows::to_json("look-up", &ids)?)
    .execute(connection)
    .await
    .or_failed()?;
    Ok(())
}

pub(super) async fn revoke(connection: &mut SqliteConnection, hash: &str) -> Result<bool, StoreError> {
    let revoked = sqlx::query("DELETE FROM vouchsafe_sessions WHERE hash = ?")
        .bind(hash)
        .execute(connection)
        .await
        .or_failed()?;
    Ok(revoked.rows_affected() == 1)
}

pub(super) async fn revoke_account(
    connection: &mut SqliteConnection,
    account: &AccountId,
) -> Result<u64, StoreError> {
    let revoked = sqlx::query("DELETE FROM vouchsafe_sessions WHERE account = ?")
        .bind(account.as_str())
        .execute(connection)
        .await
        .or_failed()?;
    Ok(revoked.rows_affected())
}

impl SessionStore for Sqlite {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        let batch = writes::session(Batch::default(), id.hash(), session, None, None);
        self.take_turn(move |turn| {
            Box::pin(async move {
                turn.write(batch?);
                Ok(())
            })
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let record = self.look_ups.find(Wanted::Session(id.hash().to_owned())).await?;
            let session: Option<Session> =
                record.map(|record| rows::from_json("session", &record)).transpose()?;
            Ok(session.filter(|session| !session.is_over(now)))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        let hash = id.hash().to_owned();
        self.write(move |connection| Box::pin(async move { revoke(connection, &hash).await }))
    }

    fn revoke_by_name_id<'a>(
        &'a self,
        name_id: &'a Identity,
        session_index: Option<&'a str>,
    ) -> Answer<'a, u64> {
        let (key, index) = (name_id.key(), session_index.map(str::to_owned));
        self.write(move |connection| {
            Box::pin(async move {
                let revoked = sqlx::query(
                    "DELETE FROM vouchsafe_sessions
                     WHERE identity = ? AND session_index IS coalesce(?, session_index)",
                )
                .bind(key)
                .bind(index)
                .execute(connection)
                .await
                .or_failed()?;
                Ok(revoked.rows_affected())
            })
        })
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        let account = account.clone();
        self.write(move |connection| Box::pin(async move { revoke_account(connection, &account).await }))
    }

    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.write(move |connection| {
            Box::pin(async move {
                let swept = sqlx::query("DELETE FROM vouchsafe_sessions WHERE expires_at <= ?")
                    .bind(now.timestamp_millis())
                    .execute(connection)
                    .await
                    .or_failed()?;
                Ok(swept.rows_affected())
            })
        })
    }
}
