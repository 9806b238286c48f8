//! PostgreSQL: everything, for several machines.

mod announcements;
mod permits;
mod run;
mod transaction;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use sqlx::{
    Connection as _, Executor as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use vouchsafe::{ConnectionId, ReplayKey, provisioning::OrganizationId};

use crate::{
    StoreError,
    sql::{
        Action, Answered, Batch, Doing, Engine, Fails, Permit, Reading, SESSION, Sql, Wanted, failed,
        note_missing, run_one,
    },
};
use permits::{Permits, Work};
use run::Connected;
use transaction::Turn;

/// The number of connections in a pool that the store opens itself.
const CONNECTIONS: u32 = 16;

/// How long a request waits for a connection before it is answered with an outage.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is assumed to be open. Checking it costs a round trip for each statement.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Settings of each connection in a pool that the store opens itself. A transaction that waits too long for a lock is
/// answered with an outage, and one that is idle for too long is ended. A machine that stops while it has locked an
/// organization therefore delays only that organization for a moment, and does not use up the connections of others.
const SETTINGS: &str = "SET lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '20s'";

/// How often statements that decide nothing, and the end of sessions, are tried at most, again after a deadlock.
const ATTEMPTS: usize = 5;

/// Decisions read what was committed when the rows were locked. The statements find their rows by indexes whatever the
/// parameters are, so PostgreSQL need not plan them anew for each array length, which would cost as much as running
/// them.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL plan_cache_mode = force_generic_plan";

/// Several statements read from one snapshot.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A store in PostgreSQL, version 13 or later, for as many processes as want to share it. Clones share their connections.
///
/// Its tables, whose names begin with `vouchsafe_`, are created and migrated when it is opened, in the first schema of
/// the connection's `search_path`. `vouchsafe_migrations` lists the applied migrations, so that they do not collide
/// with the application's own.
///
/// A decision locks only what it changes: the rows of its accounts, the names that it creates, the seats that it takes.
/// People of one organization therefore sign in at the same time, at any number of machines, and nothing has to be
/// retried. A change of how the organization signs in waits for the sign-ins under way. A sign-in is one transaction
/// with its replay record and its session.
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
    permits: Arc<Permits>,
    replay_margin: TimeDelta,
}

impl Postgres {
    /// Opens the store at this address: `postgres://user:password@host:port/database`, with `?sslmode=verify-full` for
    /// TLS with a verified certificate, and `&options=-c%20search_path%3Dname` for a schema of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Backend`] or [`StoreError::Migration`]. None of them contains the
    /// password.
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = address.parse().map_err(failed)?;
        // Migrations run on a connection of their own, since they may wait long for another process that migrates.
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
        Self::over(pool).await
    }

    /// A store in the application's own database, over its connections. The application chooses their number, leaves
    /// `synchronous_commit` on, so that answered writes are on the disk, and sets `lock_timeout` and
    /// `idle_in_transaction_session_timeout` (15 and 20 seconds, as [`connect`](Self::connect) does). Without them a
    /// machine that stops in the middle of a transaction delays all others.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Backend`] or [`StoreError::Migration`].
    pub async fn on(pool: PgPool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Self::over(pool).await
    }

    async fn over(pool: PgPool) -> Result<Self, StoreError> {
        // Half of the connections: transactions that end together cost one write to the disk, so fewer would slow down a
        // large organization.
        let each = usize::try_from(pool.options().get_max_connections() / 2).unwrap_or(1);
        let permits = Arc::new(Permits::new(each, ACQUIRE_TIMEOUT));
        let store = Self { pool, permits, replay_margin: ReplayKey::MARGIN };
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

    /// Closes the connections after the work under way is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Returns the organization whose permits a transaction over a connection needs.
    async fn organization_of(&self, connection: &ConnectionId) -> Result<OrganizationId, StoreError> {
        const OF_CONNECTION: &str = "SELECT organization FROM vouchsafe_connections WHERE id = $1";
        if let Some(organization) = self.permits.organization_of(connection) {
            return Ok(organization);
        }
        let answered = self.ask(Batch::of(OF_CONNECTION).bind(connection.as_str())).await?;
        match answered.rows.first() {
            Some(row) => {
                let organization = OrganizationId::new(row.text(0)?);
                self.permits.remember(connection, &organization);
                Ok(organization)
            }
            // It is not stored. Its people are found by their token, or by the name of the connection.
            None => Ok(OrganizationId::new(connection.as_str())),
        }
    }

    /// Runs statements, in a transaction if there are several.
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

/// Creates the tables and applies the migrations.
async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let mut migrations = sqlx::migrate!("migrations/postgres");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    // A newer version may have migrated already. Migrations only add, so this version can use its tables.
    migrations.set_ignore_missing(true);
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
                    // If the rollback fails, the connection is lost, and with it everything that was not committed.
                    let _ = transaction.rollback().await;
                    Err(refusal)
                }
            }
        })
    }

    fn write_again<'a, T: Send + 'static>(
        &'a self,
        action: impl Fn() -> Action<T, StoreError> + Send + Sync + 'a,
    ) -> Doing<'a, T, StoreError> {
        Box::pin(async move {
            for _ in 1..ATTEMPTS {
                match self.write(action()).await {
                    Err(failure) if run::is_deadlock(&failure) => {}
                    answered => return answered,
                }
            }
            self.write(action()).await
        })
    }

    fn permit<'a>(&'a self, organization: &'a OrganizationId) -> Doing<'a, Option<Permit>, StoreError> {
        Box::pin(async move { self.permits.of(organization, Work::Decision).await.map(Some) })
    }

    fn permit_over<'a>(&'a self, connection: &'a ConnectionId) -> Doing<'a, Option<Permit>, StoreError> {
        Box::pin(async move {
            let organization = self.organization_of(connection).await?;
            self.permits.of(&organization, Work::Decision).await.map(Some)
        })
    }

    fn permit_for_logout<'a>(
        &'a self,
        connection: &'a ConnectionId,
    ) -> Doing<'a, Option<Permit>, StoreError> {
        Box::pin(async move {
            let organization = self.organization_of(connection).await?;
            self.permits.of(&organization, Work::Logout).await.map(Some)
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
