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
    sql::{
        Action, Answered, Batch, Doing, Engine, Fails, Reading, Wanted, failed, is_locked, note_missing,
        run_one,
    },
};
use look_ups::LookUps;
use run::Connected;
use writer::Writer;

/// How long a connection waits for another connection's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// In kibibytes, which SQLite writes as a negative number. The changes of a group of decisions stay in this cache until
/// the commit.
const WRITERS_CACHE: &str = "-16384";

/// The number of pages of 4 KiB in the write-ahead log after which they are moved to the database; the writer waits for
/// the disk twice for that. A group of sign-ins writes about two hundred pages.
const WRITERS_CHECKPOINT: &str = "4000";

/// A store in SQLite. Clones share their connections.
///
/// Its tables, whose names begin with `vouchsafe_`, are created and migrated when it is opened. `vouchsafe_migrations`
/// lists the applied migrations, so that they do not collide with the application's own.
///
/// Every change goes through one writer, which takes the write lock first (`BEGIN IMMEDIATE`), so that no decision
/// depends on state that another one, even in another process, is about to change. Changes that come at the same time
/// share one commit, each under a savepoint of its own. Answered writes are on the disk: the writer commits with
/// `synchronous = FULL`. Readers do not wait for the writer, and the most frequent look-ups (pending requests,
/// revisions of connections, sessions) are made for all callers at the same time. The writer and the look-ups are tasks
/// on the Tokio runtime on which the store was opened.
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
    /// Opens the store in this file, which is created if it does not exist. It uses a write-ahead log and full
    /// durability.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`], [`StoreError::Unavailable`] or [`StoreError::Migration`].
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
        Self::over(reading, writing, true).await
    }

    /// A store in memory that ends with its last clone. It has one connection, so everything happens in turn.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`], [`StoreError::Unavailable`] or [`StoreError::Migration`].
    pub async fn in_memory() -> Result<Self, StoreError> {
        Self::on(connected(options().in_memory(true), 1).await?).await
    }

    /// A store in the application's own database, over its connections. The application chooses the journal (`WAL`, so
    /// that readers and the writer do not wait for each other), how long a connection waits for a lock
    /// (`busy_timeout`), and `temp_store` (`MEMORY`, so that the data for undoing a decision is not written to
    /// temporary files).
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`], [`StoreError::Unavailable`] or [`StoreError::Migration`].
    pub async fn on(pool: SqlitePool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Self::over(pool.clone(), pool, false).await
    }

    async fn over(
        reading: SqlitePool,
        writing: SqlitePool,
        has_own_connection: bool,
    ) -> Result<Self, StoreError> {
        let writer = Arc::new(Writer::start(writing.clone(), has_own_connection));
        let look_ups = Arc::new(LookUps::start(reading.clone()));
        let store = Self { pool: reading, look_ups, writing, writer, replay_margin: ReplayKey::MARGIN };
        note_missing(&store).await?;
        Ok(store)
    }

    /// Keeps replay records for `margin` after the assertions have become too old. The default and the minimum is
    /// [`ReplayKey::MARGIN`].
    #[must_use]
    pub fn with_replay_margin(mut self, margin: Duration) -> Self {
        self.replay_margin = crate::replay::at_least_the_margin(margin);
        self
    }

    /// The connections that read.
    #[cfg(test)]
    pub(crate) fn reading(&self) -> &SqlitePool {
        &self.pool
    }

    /// Closes the connections after the work under way is done.
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
    /// The steps in which SQLite runs a query.
    pub(crate) async fn steps_of(&self, query: &'static str) -> Vec<String> {
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explained).fetch_all(&self.pool).await.unwrap();
        steps.into_iter().map(|(.., step)| step).collect()
    }
}

fn options() -> SqliteConnectOptions {
    // Each decision may be undone by itself; SQLite keeps the old pages for that.
    SqliteConnectOptions::new().foreign_keys(true).busy_timeout(BUSY_TIMEOUT).pragma("temp_store", "memory")
}

/// Opens connections. SQLite does not wait for a lock (`busy_timeout`) while a file changes to the write-ahead log,
/// which happens at the first connection to a file that another process has just created.
async fn connected(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // There is no server whose connection could be lost.
        .test_before_acquire(false);
    tried_again(|| pool.clone().connect_with(options.clone()), is_locked).await.map_err(failed)
}

/// Applies the migrations. `sqlx` takes no lock between processes for SQLite: if two start at the same moment, the
/// second fails on what the first has created. Each migration is one transaction, so the second finds it applied when
/// it looks again.
async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let mut migrations = sqlx::migrate!("migrations/sqlite");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    // A newer version may have migrated already. Migrations only add, so this version can use its tables.
    migrations.set_ignore_missing(true);
    let migrated = tried_again(|| migrations.run(pool), |_| true).await;
    migrated.map_err(|source| StoreError::Migration { source: Box::new(source) })
}

/// Repeats an operation that another starting process prevents: after 20 ms, 40 ms and so on, ten times in all.
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

/// The error of an operation that was made for several callers, copied for each of them.
fn failed_together(failure: &sqlx::Error) -> StoreError {
    match failure {
        sqlx::Error::PoolClosed => failed(sqlx::Error::PoolClosed),
        sqlx::Error::PoolTimedOut => failed(sqlx::Error::PoolTimedOut),
        other => match is_locked(other) {
            true => StoreError::busy(FailedTogether(other.to_string())),
            false => StoreError::unavailable(FailedTogether(other.to_string())),
        },
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an operation that was made for several callers failed: {0}")]
struct FailedTogether(String);

#[derive(Debug, thiserror::Error)]
#[error("the store has stopped")]
struct Stopped;
