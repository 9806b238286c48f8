//! SQLite: one file, in memory, or tables in the application's own database.

mod announcements;
mod look_ups;
mod run;
mod turn;
mod writer;

use std::{path::Path, sync::Arc, time::Duration};

use chrono::TimeDelta;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use vouchsafe::ReplayKey;

use crate::{
    StoreError,
    sql::{Action, Answered, Batch, Doing, Engine, Fails, Reading, Wanted, failed, run_one},
};
use look_ups::LookUps;
use run::Connected;
use writer::Writer;

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

    /// The connections that read.
    #[cfg(test)]
    pub(crate) fn reading(&self) -> &SqlitePool {
        &self.pool
    }

    /// Closes the connections, once what is under way is done.
    pub async fn close(&self) {
        self.writing.close().await;
        self.pool.close().await;
    }
}

impl Engine for Sqlite {
    fn write<'a, T: Send + 'static, E: Fails>(&'a self, action: Action<T, E>) -> Doing<'a, T, E> {
        Box::pin(self.writer.write(action))
    }

    fn execute(&self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
        self.write(Box::new(move |turn| turn.run(batch)))
    }

    fn apply(&self, batch: Batch) -> Doing<'_, (), StoreError> {
        self.write(Box::new(move |turn| {
            turn.write(batch);
            Box::pin(async { Ok(()) })
        }))
    }

    fn read<'a, T: Send + 'static>(&'a self, action: Reading<T>) -> Doing<'a, T, StoreError> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await.map_err(failed)?;
            action(&mut Connected(&mut transaction)).await
        })
    }

    fn ask(&self, batch: Batch) -> Doing<'_, Answered, StoreError> {
        Box::pin(async move {
            let mut connection = self.pool.acquire().await.map_err(failed)?;
            run_one(&mut Connected(&mut connection), batch).await
        })
    }

    fn look_up(&self, wanted: Wanted) -> Doing<'_, Option<String>, StoreError> {
        Box::pin(self.look_ups.find(wanted))
    }

    fn replay_margin(&self) -> TimeDelta {
        self.replay_margin
    }
}

#[cfg(test)]
impl Sqlite {
    /// How SQLite runs a query, step by step.
    pub(crate) async fn steps_of(&self, query: &'static str) -> Vec<String> {
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

/// Opens connections. SQLite does not wait for a lock (`busy_timeout`) where a file changes to the write-ahead log, which a file that another
/// process has just made does at the first connection.
async fn connected(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // There is nobody at the other end who could have gone.
        .test_before_acquire(false);
    tried_again(|| pool.clone().connect_with(options.clone()), is_locked).await.map_err(failed)
}

/// Brings the tables up to date. `sqlx` takes no lock over processes for SQLite: where two begin at the same moment, the one that comes second
/// fails on what the first has made. Each migration is one transaction, so it finds it done when it looks again.
async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let mut migrations = sqlx::migrate!("migrations/sqlite");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    let migrated = tried_again(|| migrations.run(pool), |_| true).await;
    migrated.map_err(|source| StoreError::Migration { source: Box::new(source) })
}

/// What another process that begins at the same moment stands in the way of: done again after 20 ms, 40 ms and so on, ten times in all.
async fn tried_again<T, E, F: Future<Output = Result<T, E>>>(
    act: impl Fn() -> F,
    may_pass: impl Fn(&E) -> bool,
) -> Result<T, E> {
    const ATTEMPTS: u32 = 10;
    for attempt in 1..ATTEMPTS {
        match act().await {
            Err(failure) if may_pass(&failure) => {}
            ended => return ended,
        }
        tokio::time::sleep(Duration::from_millis(20).saturating_mul(attempt)).await;
    }
    act().await
}

/// `SQLITE_BUSY` (5) and its extended codes, whose last byte it is.
fn is_locked(failure: &sqlx::Error) -> bool {
    let code = failure.as_database_error().and_then(|failure| failure.code());
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
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

#[derive(Debug, thiserror::Error)]
#[error("the store has stopped")]
struct Stopped;
