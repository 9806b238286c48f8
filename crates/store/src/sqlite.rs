//! SQLite: one file, in memory, or tables in the application's own database.

mod batch;
mod connections;
mod decide;
mod directory;
mod index;
mod login;
mod look_ups;
mod rows;
mod sessions;
mod turn;
mod writer;
mod writes;

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{
    SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use vouchsafe::{PendingRequest, ReplayKey, StoredPendingRequest};

use crate::{Answer, PendingStore, ReplayStore, StoreError, forgotten_until, text::milliseconds_rounded_up};
use batch::Batch;
use look_ups::{LookUps, Wanted};
use turn::{Runs as _, Turn};
use writer::{Doing, Fails, Writer};

/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Kibibytes, as SQLite wants them: with a minus. What a group of decisions changes stays there until it is committed.
const WRITERS_CACHE: &str = "-16384";

/// After how many pages in the write-ahead log, of 4 KiB each, they are moved into the database, for which the writer waits for the disk twice. A group
/// of sign-ins writes some two hundred.
const WRITERS_CHECKPOINT: &str = "4000";

/// A store in SQLite. Clones share their connections.
///
/// Its tables, whose names begin with `vouchsafe_`, are made and brought up to date when it is opened; which migrations were applied stands in
/// `vouchsafe_migrations`, so that they go beside the application's own.
///
/// Everything that changes something goes through one writer, which takes the write lock first (`BEGIN IMMEDIATE`), so that nothing is
/// decided on what another is about to change, be it another process. Changes that come at the same time share one commit, each under a
/// savepoint of its own. What was answered is on the disk: the writer commits with `synchronous = FULL`. Readers do not wait for it, and what
/// is looked up most (pending requests, revisions of connections, sessions) is looked up for all who ask at the same time. The writer and the
/// look-ups are tasks on the Tokio runtime on which the store was opened.
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
    look_ups: Arc<LookUps>,
    writing: SqlitePool,
    writer: Arc<Writer>,
    replay_margin: TimeDelta,
}

impl Sqlite {
    /// The store in this file, which is made if it is not there. Write-ahead log, full durability.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`] or [`StoreError::Migration`].
    pub async fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = options()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writing = options.clone().pragma("cache_size", WRITERS_CACHE);
        let writing = connected(writing.pragma("wal_autocheckpoint", WRITERS_CHECKPOINT), 1).await?;
        migrate(&writing).await?;
        let reading = connected(options, 8).await?;
        Ok(Self::over(reading, writing, true))
    }

    /// A store in memory that ends with its last clone. One connection: everything happens in turn.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`] or [`StoreError::Migration`].
    pub async fn in_memory() -> Result<Self, StoreError> {
        Self::on(connected(options().in_memory(true), 1).await?).await
    }

    /// A store in the application's own database, over its connections. The application chooses the journal (`WAL`, so that readers and the
    /// writer do not wait for each other), how long a connection waits for a lock (`busy_timeout`), and `temp_store` (`MEMORY`, so that what
    /// undoes a decision is not written into temporary files).
    ///
    /// # Errors
    ///
    /// [`StoreError::Migration`].
    pub async fn on(pool: SqlitePool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(Self::over(pool.clone(), pool, false))
    }

    fn over(reading: SqlitePool, writing: SqlitePool, has_own_connection: bool) -> Self {
        let writer = Arc::new(Writer::start(writing.clone(), has_own_connection));
        let look_ups = Arc::new(LookUps::start(reading.clone()));
        Self { pool: reading, look_ups, writing, writer, replay_margin: ReplayKey::MARGIN }
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
        self.writing.close().await;
        self.pool.close().await;
    }

    /// Takes a turn at the writer's transaction.
    fn take_turn<'a, T, E, F>(&'a self, action: F) -> Answers<'a, T, E>
    where
        T: Send + 'static,
        E: Fails,
        F: for<'c, 't> FnOnce(&'c mut Turn<'t>) -> Doing<'c, T, E> + Send + 'static,
    {
        Box::pin(self.writer.write(action))
    }

    /// Does something in the writer's transaction, statement by statement.
    fn write<'a, T, E, F>(&'a self, action: F) -> Answers<'a, T, E>
    where
        T: Send + 'static,
        E: Fails,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Doing<'c, T, E> + Send + 'static,
    {
        self.take_turn(move |turn| Box::pin(async move { action(turn.connection().await?).await }))
    }
}

#[cfg(test)]
impl Sqlite {
    /// How SQLite runs a query, step by step.
    async fn steps_of(&self, query: &'static str) -> Vec<String> {
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explained).fetch_all(&self.pool).await.unwrap();
        steps.into_iter().map(|(.., step)| step).collect()
    }
}

fn options() -> SqliteConnectOptions {
    // Each decision may be undone alone, for which SQLite keeps what it changes.
    SqliteConnectOptions::new().foreign_keys(true).busy_timeout(BUSY_TIMEOUT).pragma("temp_store", "memory")
}

async fn connected(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // There is nobody at the other end who could have gone.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .or_failed()
}

/// Brings the tables up to date. `sqlx` takes no lock over processes for SQLite: where two begin at the same moment, the one that comes second
/// fails on what the first has made. Each migration is one transaction, so it finds it done when it looks again.
async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    const ATTEMPTS: u32 = 10;
    let mut migrations = sqlx::migrate!("migrations/sqlite");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    let mut migrated = migrations.run(pool).await;
    for attempt in 1..ATTEMPTS {
        if migrated.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20).saturating_mul(attempt)).await;
        migrated = migrations.run(pool).await;
    }
    migrated.map_err(|source| StoreError::Migration { source: Box::new(source) })
}

type Answers<'a, T, E> = std::pin::Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Errors of sqlx, which are no part of this crate's interface, as those of a store.
trait OrFailed<T> {
    fn or_failed(self) -> Result<T, StoreError>;
}

impl<T> OrFailed<T> for Result<T, sqlx::Error> {
    fn or_failed(self) -> Result<T, StoreError> {
        self.map_err(failed)
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    /// SQLITE_BUSY and SQLITE_LOCKED, the low bits of every code of the kind.
    const LOCKED: [i64; 2] = [5, 6];
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff);
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut => StoreError::unavailable(error),
        _ if code.is_some_and(|code| LOCKED.contains(&code)) => StoreError::unavailable(error),
        _ => StoreError::backend(error),
    }
}

/// What was done for several failed. The error is one, and those who wait are several.
fn failed_together(failure: &sqlx::Error) -> StoreError {
    match failure {
        sqlx::Error::PoolClosed => failed(sqlx::Error::PoolClosed),
        sqlx::Error::PoolTimedOut => failed(sqlx::Error::PoolTimedOut),
        other => StoreError::unavailable(FailedTogether(other.to_string())),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("what was done together with others failed: {0}")]
struct FailedTogether(String);

impl ReplayStore for Sqlite {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        let (hash, end) = (hash.to_owned(), milliseconds_rounded_up(expires_at));
        self.take_turn(move |turn| {
            Box::pin(async move {
                let recorded = turn.run(rows::insert_once(&hash, end)).await?;
                Ok(recorded.first().is_some_and(|recorded| recorded.changed == 1))
            })
        })
    }

    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let margin = self.replay_margin;
        self.write(move |connection| {
            Box::pin(async move {
                let latest: Option<i64> = sqlx::query_scalar("SELECT max(expires_at) FROM vouchsafe_replays")
                    .fetch_one(&mut *connection)
                    .await
                    .or_failed()?;
                // A time beyond the calendar is later than any other, and no reason to forget nothing.
                let last = DateTime::<Utc>::MAX_UTC;
                let latest = latest.map(|end| DateTime::from_timestamp_millis(end).unwrap_or(last));
                let Some(limit) = forgotten_until(now, latest, margin) else { return Ok(0) };
                let swept = sqlx::query("DELETE FROM vouchsafe_replays WHERE expires_at <= ?")
                    .bind(limit.timestamp_millis())
                    .execute(connection)
                    .await
                    .or_failed()?;
                Ok(swept.rows_affected())
            })
        })
    }
}

impl PendingStore for Sqlite {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        let record = rows::to_json("pending request", &request.to_stored());
        let (handle, end) = (request.handle().to_owned(), milliseconds_rounded_up(request.expires_at()));
        self.take_turn(move |turn| {
            Box::pin(async move {
                let put =
                    "INSERT OR REPLACE INTO vouchsafe_pending (handle, record, expires_at) VALUES (?, ?, ?)";
                turn.write(Batch::of(put).bind(handle).bind(record?).bind(end));
                Ok(())
            })
        })
    }

    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        Box::pin(async move {
            let record = self.look_ups.find(Wanted::Pending(handle.to_owned())).await?;
            let stored =
                record.map(|record| rows::from_json::<StoredPendingRequest>("pending request", &record));
            crate::pending::opened(stored.transpose()?, now)
        })
    }

    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        let handle = handle.to_owned();
        self.write(move |connection| Box::pin(async move { rows::remove_pending(connection, &handle).await }))
    }

    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.write(move |connection| {
            Box::pin(async move {
                let swept = sqlx::query("DELETE FROM vouchsafe_pending WHERE expires_at <= ?")
                    .bind(now.timestamp_millis())
                    .execute(connection)
                    .await
                    .or_failed()?;
                Ok(swept.rows_affected())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::error::{DatabaseError, ErrorKind};

    /// An error of the database with this code.
    #[derive(Debug, thiserror::Error)]
    #[error("code {0}")]
    struct Coded(&'static str);

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    /// What is locked, busy or closed may work in a moment. Everything else is a fault of the database.
    #[test]
    fn a_lock_is_told_from_a_fault() {
        let code = |code| failed(sqlx::Error::Database(Box::new(Coded(code)))).code();
        // The extended codes have the kind in their low bits: SQLITE_BUSY_RECOVERY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED_SHAREDCACHE.
        for locked in ["5", "6", "261", "517", "262"] {
            assert_eq!(code(locked), "store.unavailable", "{locked}");
        }
        // SQLITE_ERROR, SQLITE_IOERR and two of its kind, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CONSTRAINT, and what is no number.
        for fault in ["1", "10", "266", "1290", "11", "13", "19", "", "busy"] {
            assert_eq!(code(fault), "store.backend", "{fault}");
        }
        for closed in [sqlx::Error::PoolClosed, sqlx::Error::PoolTimedOut] {
            assert_eq!(failed(closed).code(), "store.unavailable");
        }
        assert_eq!(failed(sqlx::Error::RowNotFound).code(), "store.backend");
    }
}
