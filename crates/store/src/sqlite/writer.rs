//! One writer: decisions that come at the same time are written in one transaction, each under a savepoint of its own.
//!
//! A durable commit costs one flush of the disk, however much it writes. Decisions that arrive during a commit go into
//! the next one.

use std::{pin::Pin, sync::Arc};

use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};
use tokio::sync::{Mutex, broadcast, mpsc, oneshot};

use super::{Stopped, announcements::KEPT, failed_together, turn::Turn};
use crate::{
    Revocation, StoreError,
    sql::{Action, Fails, Transaction},
};

/// The most decisions in one commit: enough that the flush is a small part of the cost, and few enough that nobody
/// waits long.
const GROUP: usize = 64;

#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    ended: broadcast::Sender<Revocation>,
}

impl Writer {
    /// Starts on the caller's runtime, and ends when the last clone of the store is dropped.
    ///
    /// The writer's own pool lends it the connection while there is something to write; others may need one in between.
    pub(super) fn start(pool: SqlitePool, is_own: bool) -> Self {
        let (ended, _) = broadcast::channel(KEPT);
        let (jobs, waiting) = mpsc::channel(1024);
        let waiting = Arc::new(Mutex::new(waiting));
        let announces = ended.clone();
        tokio::spawn(async move {
            // A decision that panics ends one task: the callers of its group are answered that nothing was written, and
            // the next task continues.
            loop {
                let (pool, waiting, ended) = (pool.clone(), Arc::clone(&waiting), announces.clone());
                let serving =
                    tokio::spawn(
                        async move { serve(&pool, is_own, &mut *waiting.lock().await, &ended).await },
                    );
                if serving.await.is_ok() {
                    return;
                }
            }
        });
        Self { jobs, ended }
    }

    /// The sessions that are ended from now on.
    pub(super) fn announced(&self) -> broadcast::Receiver<Revocation> {
        self.ended.subscribe()
    }

    /// Runs a function in a transaction that has the write lock, and answers when the changes are on the disk. If the
    /// function answers an error, nothing is written. Work that nobody waits for any more is not started.
    pub(super) async fn write<T: Send + 'static, E: Fails>(&self, action: Action<T, E>) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        let job = One { action: Some(action), outcome: None, reply };
        let closed = |_| E::from(StoreError::unavailable(Stopped));
        self.jobs.send(Box::new(job)).await.map_err(|_| closed(()))?;
        answer.await.unwrap_or_else(|_| Err(closed(())))
    }
}

async fn serve(
    pool: &SqlitePool,
    is_own: bool,
    waiting: &mut mpsc::Receiver<Box<dyn Job>>,
    ended: &broadcast::Sender<Revocation>,
) {
    let (mut group, mut connection) = (Vec::new(), None);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let written = write_all(pool, &mut connection, &mut group).await;
        // Listeners are told before any caller is answered. It is no failure if nobody listens.
        for revocation in written.iter().flatten() {
            let _ = ended.send(revocation.clone());
        }
        if written.is_err() || waiting.is_empty() || pool.is_closed() || !is_own {
            connection = None;
        }
        for job in group.drain(..) {
            job.answer(written.as_ref().err());
        }
    }
}

async fn write_all(
    pool: &SqlitePool,
    connection: &mut Option<PoolConnection<Sqlite>>,
    group: &mut [Box<dyn Job>],
) -> Result<Vec<Revocation>, sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(acquire(pool).await?),
    };
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    match run_all(&mut transaction, group).await {
        Ok(ended) => {
            transaction.commit().await?;
            Ok(ended)
        }
        // SQLite may have rolled back everything, so nothing of the group can be kept.
        Err(Broken) => {
            transaction.rollback().await?;
            Err(sqlx::Error::WorkerCrashed)
        }
    }
}

async fn acquire(pool: &SqlitePool) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    // Set on the application's pool too, which may have chosen less: answered writes must be on the disk.
    sqlx::query("PRAGMA synchronous = FULL").execute(&mut *connection).await?;
    Ok(connection)
}

/// The decisions, one after the other. Each sees the writes of those before it.
async fn run_all(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn Job>],
) -> Result<Vec<Revocation>, Broken> {
    let mut turn = Turn::first(connection);
    let mut before: Option<&mut Box<dyn Job>> = None;
    for job in group {
        let ran = job.run(&mut turn).await;
        let ended = match ran {
            Ran::Keep => turn.keep().await.map_err(|_| Broken),
            Ran::Discard => {
                turn.discard();
                Ok(())
            }
            Ran::Broken => Err(Broken),
        };
        if let (Some(refusal), Some(before)) = (turn.refused_before(), &mut before) {
            before.refuse(refusal);
        }
        ended?;
        if matches!(ran, Ran::Keep) {
            before = Some(job);
        }
    }
    let settled = turn.settle().await.map_err(|_| Broken);
    if let (Some(refusal), Some(before)) = (turn.refused_before(), before) {
        before.refuse(refusal);
    }
    settled.map(|()| turn.into_ended())
}

/// The database failed under a decision.
struct Broken;

enum Ran {
    Keep,
    Discard,
    Broken,
}

trait Job: Send + std::fmt::Debug {
    fn run<'c>(&'c mut self, turn: &'c mut Turn<'_>) -> Pin<Box<dyn Future<Output = Ran> + Send + 'c>>;

    /// The result of the decision could not be written.
    fn refuse(&mut self, refusal: StoreError);

    /// The error of the commit, if there was one.
    fn answer(self: Box<Self>, failure: Option<&sqlx::Error>);
}

struct One<T, E> {
    action: Option<Action<T, E>>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E> std::fmt::Debug for One<T, E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("One")
    }
}

impl<T: Send + 'static, E: Fails> Job for One<T, E> {
    fn run<'c>(&'c mut self, turn: &'c mut Turn<'_>) -> Pin<Box<dyn Future<Output = Ran> + Send + 'c>> {
        Box::pin(async move {
            let Some(action) = self.action.take().filter(|_| !self.reply.is_closed()) else {
                return Ran::Discard;
            };
            let outcome = action(turn as &mut dyn Transaction).await;
            let ran = match &outcome {
                Ok(_) => Ran::Keep,
                Err(failure) if failure.is_of_the_database() => Ran::Broken,
                Err(_) => Ran::Discard,
            };
            self.outcome = Some(outcome);
            ran
        })
    }

    fn refuse(&mut self, refusal: StoreError) {
        self.outcome = Some(Err(E::from(refusal)));
    }

    fn answer(self: Box<Self>, failure: Option<&sqlx::Error>) {
        let answer = match (self.outcome, failure) {
            (Some(Err(own)), _) if own.is_of_the_database() => Err(own),
            // Refused decisions too: a refusal may depend on a write of another decision of the group that is now
            // undone.
            (_, Some(failure)) => Err(E::from(failed_together(failure))),
            (Some(own), None) => own,
            (None, None) => Err(E::from(StoreError::unavailable(Stopped))),
        };
        // A caller that no longer waits is not answered.
        let _ = self.reply.send(answer);
    }
}
