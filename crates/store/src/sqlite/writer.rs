//! One writer: decisions that come at the same time are written in one transaction, each under a savepoint of its own.
//!
//! A durable commit costs one flush of the disk, however much it writes. Whoever waits while one is under way goes into the next.

use std::{pin::Pin, sync::Arc};

use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::failed;
use crate::{SignInError, StoreError};

/// How many decisions go into one commit at most: so many that the flush is a small part, so few that nobody waits long.
const GROUP: usize = 64;

pub(super) type Doing<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Begins on the runtime of the caller, and ends when the last clone of the store goes.
    pub(super) fn start(pool: SqlitePool) -> Self {
        let (jobs, waiting) = mpsc::channel(1024);
        let waiting = Arc::new(Mutex::new(waiting));
        tokio::spawn(async move {
            // A decision that panics ends one task: those of its group are told that nothing was written, and the next task goes on.
            loop {
                let (pool, waiting) = (pool.clone(), Arc::clone(&waiting));
                let serving = tokio::spawn(async move { serve(&pool, &mut *waiting.lock().await).await });
                if serving.await.is_ok_and(|()| true) {
                    return;
                }
            }
        });
        Self { jobs }
    }

    /// Does something in a transaction that has the write lock, and answers when it is on the disk. What answers an error leaves nothing
    /// behind. What nobody waits for any more is not begun.
    pub(super) async fn write<T, E, F>(&self, action: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Fails,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Doing<'c, T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = One { action: Some(action), outcome: None, reply };
        let closed = |_| E::from(StoreError::unavailable(Stopped));
        self.jobs.send(Box::new(job)).await.map_err(|_| closed(()))?;
        answer.await.unwrap_or_else(|_| Err(closed(())))
    }
}

async fn serve(pool: &SqlitePool, waiting: &mut mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::new();
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let written = write_all(pool, &mut group).await;
        for job in group.drain(..) {
            job.answer(written.as_ref().err());
        }
    }
}

async fn write_all(pool: &SqlitePool, group: &mut [Box<dyn Job>]) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    // Also on a pool of the application's, which may have chosen less: what was answered is on the disk.
    sqlx::query("PRAGMA synchronous = FULL").execute(&mut *connection).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Each statement is handed to the thread of the connection and back. So what ends one decision begins the next; the commit ends the last.
    sqlx::query("SAVEPOINT decision").execute(&mut *transaction).await?;
    for job in group {
        let next = match job.run(&mut transaction).await {
            Ran::Keep => "RELEASE decision; SAVEPOINT decision",
            // The savepoint stays, and is the next one's.
            Ran::Discard => "ROLLBACK TO decision",
            // SQLite may have rolled back everything, so that nothing of the group can be kept.
            Ran::Broken => {
                transaction.rollback().await?;
                return Err(sqlx::Error::WorkerCrashed);
            }
        };
        sqlx::query(next).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

enum Ran {
    Keep,
    Discard,
    Broken,
}

/// An error that says whether the database failed under it.
pub(super) trait Fails: From<StoreError> + Send + 'static {
    fn is_of_the_database(&self) -> bool;
}

impl Fails for StoreError {
    fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Backend { .. } | Self::Unavailable { .. })
    }
}

impl Fails for SignInError {
    fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Store(failure) if failure.is_of_the_database())
    }
}

trait Job: Send + std::fmt::Debug {
    fn run<'c>(
        &'c mut self,
        connection: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Ran> + Send + 'c>>;

    /// With the failure of the commit, if there was one.
    fn answer(self: Box<Self>, failure: Option<&sqlx::Error>);
}

struct One<T, E, F> {
    action: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> std::fmt::Debug for One<T, E, F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("One")
    }
}

impl<T, E, F> Job for One<T, E, F>
where
    T: Send + 'static,
    E: Fails,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Doing<'c, T, E> + Send + 'static,
{
    fn run<'c>(
        &'c mut self,
        connection: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Ran> + Send + 'c>> {
        Box::pin(async move {
            let Some(action) = self.action.take().filter(|_| !self.reply.is_closed()) else {
                return Ran::Discard;
            };
            let outcome = action(connection).await;
            let ran = match &outcome {
                Ok(_) => Ran::Keep,
                Err(failure) if failure.is_of_the_database() => Ran::Broken,
                Err(_) => Ran::Discard,
            };
            self.outcome = Some(outcome);
            ran
        })
    }

    fn answer(self: Box<Self>, failure: Option<&sqlx::Error>) {
        let answer = match (self.outcome, failure) {
            (Some(Err(own)), _) if own.is_of_the_database() => Err(own),
            // Also what was refused: it may have been for what another of the group had written, which is not there.
            (_, Some(failure)) => Err(E::from(failed_together(failure))),
            (Some(own), None) => own,
            (None, None) => Err(E::from(StoreError::unavailable(Stopped))),
        };
        // Whoever does not wait any more is not told.
        let _ = self.reply.send(answer);
    }
}

/// The commit of the group failed. The error is one, and those who wait are several.
fn failed_together(failure: &sqlx::Error) -> StoreError {
    match failure {
        sqlx::Error::PoolClosed => failed(sqlx::Error::PoolClosed),
        sqlx::Error::PoolTimedOut => failed(sqlx::Error::PoolTimedOut),
        other => StoreError::unavailable(NotWritten(other.to_string())),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the store's writer has stopped")]
struct Stopped;

#[derive(Debug, thiserror::Error)]
#[error("nothing was written: {0}")]
struct NotWritten(String);
