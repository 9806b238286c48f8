//! PostgreSQL: everything, for several machines.

mod announcements;
mod run;
mod transaction;

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{
    Connection as _, Executor as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use vouchsafe::ReplayKey;

use crate::{
    StoreError,
    sql::{Action, Answered, Batch, Doing, Engine, Fails, Reading, Sql, Wanted, failed, run_one},
};
use run::Connected;
use transaction::Turn;

/// How many connections a store of its own pool has.
const CONNECTIONS: u32 = 16;

/// How long a request waits for a connection: whoever waits longer is answered an outage.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that nobody used is believed to be open. To ask it is a way to the server and back for each statement.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Of each connection of a pool of its own. Whoever waits longer for a lock is answered an outage, and whoever hangs in the middle of a transaction loses
/// it: so a machine that stops while it has locked an organization holds up that organization for a moment, and takes the connections of
/// nobody else.
const SETTINGS: &str = "SET lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '20s'";

/// How often statements that decide nothing are tried, where they and others waited for each other in a circle.
const ATTEMPTS: usize = 5;

/// Everything is decided on what was committed when it is locked. What a decision reads is found by indexes whatever the parameters are; to plan
/// that anew each time, as PostgreSQL does where it knows how long an array is, costs as much as to read it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL plan_cache_mode = force_generic_plan";

/// A session that is not of an epoch of its account that is over.
const SESSION: &str = "
    SELECT last_used_at || ' ' || record FROM vouchsafe_sessions AS session WHERE hash = $1 AND NOT EXISTS (
        SELECT 1 FROM vouchsafe_epochs AS now WHERE now.account = session.account AND now.epoch > session.epoch)";

/// What is read with several statements is of one moment.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A store in PostgreSQL, version 13 or later, for as many processes as want to share it. Clones share their connections.
///
/// Its tables, whose names begin with `vouchsafe_`, are made and brought up to date when it is opened, in the first schema of the connection's
/// `search_path`; which migrations were applied stands in `vouchsafe_migrations`, so that they go beside the application's own.
///
/// A decision locks what it changes and nothing else: the rows of its accounts, the names that it makes, the seats that it takes. So people of
/// one organization sign in at the same time, at however many machines, and nothing has to be tried again. Whoever changes how the organization
/// signs in waits for the sign-ins under way. A sign-in is one transaction with its replay record and its session.
///
/// ```no_run
/// use vouchsafe_store::{Directory, Postgres};
///
/// # async fn example() -> Result<(), vouchsafe_store::StoreError> {
/// let store = Postgres::connect("postgres://saml:secret@db.example.com/service?sslmode=verify-full").await?;
/// assert!(store.organizations().await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    replay_margin: TimeDelta,
}

impl Postgres {
    /// The store at this address: `postgres://user:password@host:port/database`, with `?sslmode=verify-full` for TLS with a certificate that is
    /// checked, and `&options=-c%20search_path%3Dname` for a schema of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Backend`] or [`StoreError::Migration`]. None of them repeats the password.
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = address.parse().map_err(failed)?;
        // On a connection of its own: whoever else brings the tables up to date may take long.
        let first = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await;
        let first = first.map_err(failed)?;
        migrate(&first).await?;
        first.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move {
                    if metadata.idle_for > TRUSTED_FOR {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SETTINGS).await.map(drop) })
            })
            .connect_with(options)
            .await
            .map_err(failed)?;
        Ok(Self { pool, replay_margin: ReplayKey::MARGIN })
    }

    /// A store in the application's own database, over its connections. The application chooses how many there are, leaves
    /// `synchronous_commit` on, so that what was answered is on the disk, and sets `lock_timeout` and `idle_in_transaction_session_timeout`, as
    /// [`connect`](Self::connect) does to 15 and 20 seconds: otherwise a machine that hangs in the middle of a transaction holds up all others.
    ///
    /// # Errors
    ///
    /// [`StoreError::Migration`].
    pub async fn on(pool: PgPool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
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

    /// Runs statements, in a transaction if they are several.
    async fn run(&self, batch: &Batch) -> Result<Vec<Answered>, StoreError> {
        if batch.len() == 1 && !batch.announces() {
            let mut connection = self.pool.acquire().await.map_err(failed)?;
            return run::run(&mut connection, batch).await;
        }
        let mut transaction = self.pool.begin_with(BEGIN).await.map_err(failed)?;
        let answered = run::run(&mut transaction, batch).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(answered)
    }
}

/// Makes the tables, and brings them up to date.
async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let mut migrations = sqlx::migrate!("migrations/postgres");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    let migrated = migrations.run(pool).await;
    migrated.map_err(|source| StoreError::Migration { source: Box::new(source) })
}

impl Engine for Postgres {
    fn write<'a, T: Send + 'static, E: Fails>(&'a self, action: Action<T, E>) -> Doing<'a, T, E> {
        Box::pin(async move {
            let failed = |error| E::from(failed(error));
            let mut transaction = self.pool.begin_with(BEGIN).await.map_err(failed)?;
            let mut turn = Turn::new(&mut transaction);
            match action(&mut turn).await {
                Ok(answer) => {
                    turn.finish().await.map_err(E::from)?;
                    transaction.commit().await.map_err(failed)?;
                    Ok(answer)
                }
                Err(refusal) => {
                    // If it cannot be rolled back, the connection is lost, and with it everything that it had not committed.
                    let _ = transaction.rollback().await;
                    Err(refusal)
                }
            }
        })
    }

    fn execute(&self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
        Box::pin(async move {
            for _ in 1..ATTEMPTS {
                match self.run(&batch).await {
                    Err(failure) if run::is_deadlock(&failure) => {}
                    answered => return answered,
                }
            }
            self.run(&batch).await
        })
    }

    fn apply(&self, batch: Batch) -> Doing<'_, (), StoreError> {
        Box::pin(async move { self.execute(batch).await.map(drop) })
    }

    fn read<'a, T: Send + 'static>(&'a self, action: Reading<T>) -> Doing<'a, T, StoreError> {
        Box::pin(async move {
            let mut transaction = self.pool.begin_with(BEGIN_READING).await.map_err(failed)?;
            let answer = action(&mut Connected(&mut transaction)).await;
            let _ = transaction.rollback().await;
            answer
        })
    }

    fn ask(&self, batch: Batch) -> Doing<'_, Answered, StoreError> {
        Box::pin(async move {
            let mut connection = self.pool.acquire().await.map_err(failed)?;
            run_one(&mut Connected(&mut connection), batch).await
        })
    }

    fn look_up(&self, wanted: Wanted) -> Doing<'_, Option<String>, StoreError> {
        let (query, name): (Sql, String) = match wanted {
            Wanted::Pending(handle) => {
                ("SELECT record FROM vouchsafe_pending WHERE handle = ?".into(), handle)
            }
            Wanted::Session(hash) => (SESSION.into(), hash),
            Wanted::Revision(id) => {
                ("SELECT CAST(revision AS TEXT) FROM vouchsafe_connections WHERE id = ?".into(), id)
            }
        };
        Box::pin(async move {
            let answered = self.ask(Batch::of(query).bind(name)).await?;
            answered.rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
        })
    }

    fn replay_margin(&self) -> TimeDelta {
        self.replay_margin
    }
}
