//! Sessions in SQLite.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{AccountId, Identity};

use super::{Sqlite, rows};
use crate::{Answer, Session, SessionId, SessionStore, StoreError, text::milliseconds_rounded_up};

/// A session, unless the directory has the account and it is suspended.
const CREATE: &str = "
    INSERT INTO sessions (hash, account, identity, session_index, record, expires_at)
    SELECT ?, ?, ?, ?, ?, ?
    WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE id = ? AND organization = ? AND active = 0)";

impl SessionStore for Sqlite {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        Box::pin(async move {
            let created = sqlx::query(CREATE)
                .bind(id.hash())
                .bind(session.account.as_str())
                .bind(session.identity.as_ref().map(Identity::key))
                .bind(session.session_index.as_deref())
                .bind(rows::to_json("session", session)?)
                .bind(milliseconds_rounded_up(session.expires_at))
                .bind(session.account.as_str())
                .bind(session.organization.as_str())
                .execute(&self.pool)
                .await?;
            if created.rows_affected() == 1 {
                Ok(())
            } else {
                Err(StoreError::AccountSuspended { account: session.account.clone() })
            }
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let record: Option<String> = sqlx::query_scalar("SELECT record FROM sessions WHERE hash = ?")
                .bind(id.hash())
                .fetch_optional(&self.pool)
                .await?;
            let session: Option<Session> =
                record.map(|record| rows::from_json("session", &record)).transpose()?;
            Ok(session.filter(|session| !session.is_over(now)))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        Box::pin(async move {
            let revoked = sqlx::query("DELETE FROM sessions WHERE hash = ?")
                .bind(id.hash())
                .execute(&self.pool)
                .await?;
            Ok(revoked.rows_affected() == 1)
        })
    }

    fn revoke_by_name_id<'a>(
        &'a self,
        name_id: &'a Identity,
        session_index: Option<&'a str>,
    ) -> Answer<'a, u64> {
        Box::pin(async move {
            let revoked = sqlx::query(
                "DELETE FROM sessions WHERE identity = ? AND session_index IS coalesce(?, session_index)",
            )
            .bind(name_id.key())
            .bind(session_index)
            .execute(&self.pool)
            .await?;
            Ok(revoked.rows_affected())
        })
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        Box::pin(async move {
            let revoked = sqlx::query("DELETE FROM sessions WHERE account = ?")
                .bind(account.as_str())
                .execute(&self.pool)
                .await?;
            Ok(revoked.rows_affected())
        })
    }

    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async move {
            let swept = sqlx::query("DELETE FROM sessions WHERE expires_at <= ?")
                .bind(now.timestamp_millis())
                .execute(&self.pool)
                .await?;
            Ok(swept.rows_affected())
        })
    }
}
