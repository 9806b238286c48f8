//! SQLite: one file, or in memory.

mod apply;
mod directory;
mod rows;
mod sessions;

use std::{path::Path, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{
    SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use vouchsafe::{PendingRequest, ReplayKey, StoredPendingRequest};

use crate::{Answer, PendingStore, ReplayStore, StoreError, forgotten_until, text::milliseconds_rounded_up};

/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A store in SQLite. Clones share their connections.
///
/// Its tables are made and brought up to date when it is opened. Everything that changes something takes the
/// write lock first (`BEGIN IMMEDIATE`), so that nothing is decided on what another is about to change.
///
/// ```
/// use vouchsafe_store::{Directory, Sqlite};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), vouchsafe_store::StoreError> {
/// let store = Sqlite::in_memory().await?;
/// assert!(store.organizations().await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sqlite {
    pool: SqlitePool,
    replay_margin: TimeDelta,
}

impl Sqlite {
    /// The store in this file, which is made if it is not there. Write-ahead log, full durability.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] or [`StoreError::Migration`].
    pub async fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        Self::connect(options, 8).await
    }

    /// A store in memory that ends with its last clone. One connection: everything happens in turn.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] or [`StoreError::Migration`].
    pub async fn in_memory() -> Result<Self, StoreError> {
        Self::connect(SqliteConnectOptions::new().in_memory(true), 1).await
    }

    async fn connect(options: SqliteConnectOptions, connections: u32) -> Result<Self, StoreError> {
        let options = options.foreign_keys(true).busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        sqlx::migrate!("migrations/sqlite")
            .run(&pool)
            .await
            .map_err(|source| StoreError::Migration { source })?;
        Ok(Self { pool, replay_margin: ReplayKey::MARGIN })
    }

    /// Keeps replay records for `margin` after the assertions are too old: [`ReplayKey::MARGIN`] by default,
    /// which is also the least.
    #[must_use]
    pub fn with_replay_margin(mut self, margin: TimeDelta) -> Self {
        self.replay_margin = margin.max(ReplayKey::MARGIN);
        self
    }

    /// Closes the connections, once what is under way is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that has the write lock.
    async fn write(&self) -> Result<Transaction<'static, sqlx::Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

impl ReplayStore for Sqlite {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        Box::pin(async move {
            let inserted =
                sqlx::query("INSERT INTO replays (hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
                    .bind(hash)
                    .bind(milliseconds_rounded_up(expires_at))
                    .execute(&self.pool)
                    .await?;
            Ok(inserted.rows_affected() == 1)
        })
    }

    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async move {
            const LATEST: &str = "
                SELECT max(expires_at) FROM
                (SELECT expires_at FROM replays UNION ALL SELECT expires_at FROM applied)";
            let mut transaction = self.write().await?;
            let latest: Option<i64> = sqlx::query_scalar(LATEST).fetch_one(&mut *transaction).await?;
            let latest = latest.and_then(DateTime::from_timestamp_millis);
            let Some(limit) = forgotten_until(now, latest, self.replay_margin) else { return Ok(0) };
            let limit = limit.timestamp_millis();
            sqlx::query("DELETE FROM applied WHERE expires_at <= ?")
                .bind(limit)
                .execute(&mut *transaction)
                .await?;
            let swept = sqlx::query("DELETE FROM replays WHERE expires_at <= ?")
                .bind(limit)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(swept.rows_affected())
        })
    }
}

impl PendingStore for Sqlite {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        Box::pin(async move {
            let record = rows::to_json("pending request", &request.to_stored())?;
            sqlx::query("INSERT OR REPLACE INTO pending (handle, record, expires_at) VALUES (?, ?, ?)")
                .bind(request.handle())
                .bind(record)
                .bind(milliseconds_rounded_up(request.expires_at()))
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }

    fn take<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        Box::pin(async move {
            let record: Option<String> =
                sqlx::query_scalar("DELETE FROM pending WHERE handle = ? RETURNING record")
                    .bind(handle)
                    .fetch_optional(&self.pool)
                    .await?;
            let stored =
                record.map(|record| rows::from_json::<StoredPendingRequest>("pending request", &record));
            crate::pending::opened(stored.transpose()?, now)
        })
    }

    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async move {
            let swept = sqlx::query("DELETE FROM pending WHERE expires_at <= ?")
                .bind(now.timestamp_millis())
                .execute(&self.pool)
                .await?;
            Ok(swept.rows_affected())
        })
    }
}
