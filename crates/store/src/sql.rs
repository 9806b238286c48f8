//! The common part of the stores in SQL databases: the statements, and the decisions on their answers.
//!
//! An [`Engine`] runs statements in a transaction; SQLite and PostgreSQL are the two engines. Everything else is
//! written once, over `dyn Transaction`.

mod api_tokens;
mod audit_feed;
mod batch;
mod connection_decisions;
mod connection_rows;
mod connection_writes;
mod connections;
mod customers;
mod decide;
mod decided;
mod directory;
mod ended_sessions;
mod forms;
mod index;
mod key_history;
mod locks;
mod login;
mod logouts;
mod memoranda;
mod refusals;
mod rows;
mod scim;
mod scim_about;
mod scim_tokens;
mod sessions;
mod set_up_links;
mod sign_in_history;
mod sign_in_statement;
mod sources;
mod writes;

mod row;

use std::{fmt, pin::Pin};

use chrono::TimeDelta;
/// The right of a transaction to take a connection, until this is dropped.
pub(crate) use tokio::sync::OwnedSemaphorePermit as Permit;
use vouchsafe::{ConnectionId, provisioning::OrganizationId};

use crate::{SignInError, StoreError};

pub(crate) use batch::{Answered, Batch, Failed, Parameter, Sql};
pub(crate) use row::Row;
#[cfg(feature = "postgres")]
pub(crate) use sessions::SESSION;
pub(crate) use sources::note_missing;

/// The result of work in a transaction.
pub(crate) type Doing<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// A function that works in a transaction. It is called once, so that a decision is made once.
pub(crate) type Action<T, E> =
    Box<dyn for<'c> FnOnce(&'c mut (dyn Transaction + 'c)) -> Doing<'c, T, E> + Send>;

/// The same for a function that only reads.
pub(crate) type Reading<T> =
    Box<dyn for<'c> FnOnce(&'c mut (dyn Runs + 'c)) -> Doing<'c, T, StoreError> + Send>;

/// A database.
pub(crate) trait Engine: Clone + fmt::Debug + Send + Sync + 'static {
    /// Runs a function in a transaction, and answers after the commit. If the function answers an error, nothing is
    /// written.
    fn write<'a, T: Send + 'static, E: Fails>(&'a self, action: Action<T, E>) -> Doing<'a, T, E>;

    /// Runs a function in a transaction that may be run again from its beginning, as it is after a deadlock. `action`
    /// makes the function anew each time.
    fn write_again<'a, T: Send + 'static>(
        &'a self,
        action: impl Fn() -> Action<T, StoreError> + Send + Sync + 'a,
    ) -> Doing<'a, T, StoreError> {
        self.write(action())
    }

    /// Runs statements that decide nothing: all of them or none.
    fn execute(&self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError>;

    /// The same without an answer about what was changed.
    fn apply(&self, batch: Batch) -> Doing<'_, (), StoreError>;

    /// Reads with several statements from one snapshot of what is committed.
    fn read<'a, T: Send + 'static>(&'a self, action: Reading<T>) -> Doing<'a, T, StoreError>;

    /// Reads with one statement.
    fn ask(&self, batch: Batch) -> Doing<'_, Answered, StoreError>;

    /// Looks up a value that was committed before the call.
    fn look_up(&self, wanted: Wanted) -> Doing<'_, Option<String>, StoreError>;

    /// Waits until a transaction of an organization may take a connection. An engine whose transactions do not wait for
    /// each other while they hold one has no such permits.
    fn permit<'a>(&'a self, organization: &'a OrganizationId) -> Doing<'a, Option<Permit>, StoreError> {
        let _ = organization;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Runs a function in a transaction of an organization, as soon as that has a permit.
    fn write_for<'a, T: Send + 'static, E: Fails>(
        &'a self,
        organization: &OrganizationId,
        action: Action<T, E>,
    ) -> Doing<'a, T, E> {
        let organization = organization.clone();
        Box::pin(async move {
            let _permit = self.permit(&organization).await?;
            self.write(action).await
        })
    }

    /// Waits until a transaction over a connection may take one of the database.
    fn permit_over<'a>(&'a self, connection: &'a ConnectionId) -> Doing<'a, Option<Permit>, StoreError> {
        let _ = connection;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Waits until the logout of a person over a connection may take one of the database. It does not wait for other work
    /// of the organization, which may take long.
    fn permit_for_logout<'a>(
        &'a self,
        connection: &'a ConnectionId,
    ) -> Doing<'a, Option<Permit>, StoreError> {
        let _ = connection;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// How long replay records are kept after the assertions have become too old.
    fn replay_margin(&self) -> TimeDelta;
}

/// The most frequent look-ups, by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// The record of a pending request by its handle.
    Pending(String),
    /// The time of last use and the record of a session, by its hash.
    Session(String),
    /// The revision of a connection by its id.
    Revision(String),
}

/// Runs statements.
pub(crate) trait Runs: Send {
    /// Runs all of them and answers each.
    fn run(&mut self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError>;
}

/// A transaction in which a decision is made and written.
pub(crate) trait Transaction: Runs {
    /// Writes the result of the decision. No statement may be run afterwards.
    fn write(&mut self, writes: Batch);

    /// Whether nobody else writes during the transaction. If others do, what the decision depends on is locked first.
    fn is_alone(&self) -> bool;
}

/// Runs one statement.
pub(crate) async fn run_one(runs: &mut (impl Runs + ?Sized), batch: Batch) -> Result<Answered, StoreError> {
    let answered = runs.run(batch).await?;
    answered
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::damaged("answer", "it is not one for each statement"))
}

/// Whether the database failed, as an error says.
pub(crate) trait Fails: From<StoreError> + Send + 'static {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool;
}

impl Fails for StoreError {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Backend { .. } | Self::Busy { .. } | Self::Unavailable { .. })
    }
}

impl Fails for SignInError {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Store(failure) if failure.is_of_the_database())
    }
}

/// An error of sqlx as one of a store. The type of sqlx is not part of this crate's interface.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            StoreError::unavailable(error)
        }
        _ if is_locked(&error) => StoreError::busy(error),
        _ if code.as_deref().is_some_and(is_for_a_moment) => StoreError::unavailable(error),
        // The value is not valid JSON. The error's own text would repeat it.
        _ if code.as_deref() == Some("22P02") => StoreError::damaged("record", "it is not in its form"),
        _ => StoreError::backend(error),
    }
}

/// Whether an error means that another transaction holds a lock.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref().is_some_and(is_a_lock)
}

/// PostgreSQL's codes have five characters; SQLite's are numbers of at most four digits.
fn is_of_postgres(code: &str) -> bool {
    code.len() == 5
}

/// Whether a code means that another transaction holds a lock.
fn is_a_lock(code: &str) -> bool {
    /// SQLITE_BUSY and SQLITE_LOCKED: the low bits of every code of that kind.
    const OF_SQLITE: [i64; 2] = [5, 6];
    /// PostgreSQL: locks, deadlocks, serialization failures.
    const OF_POSTGRES: [&str; 3] = ["40001", "40P01", "55P03"];
    match is_of_postgres(code) {
        true => OF_POSTGRES.contains(&code),
        false => code.parse::<i64>().is_ok_and(|code| OF_SQLITE.contains(&(code & 0xff))),
    }
}

/// Whether a code belongs to another failure that may disappear in a moment. PostgreSQL: connection failures, missing
/// resources, an operator's shutdown, and a transaction that it ended because it was idle.
fn is_for_a_moment(code: &str) -> bool {
    const CLASSES: [&str; 3] = ["08", "53", "57"];
    is_of_postgres(code) && (code == "25P03" || CLASSES.iter().any(|class| code.starts_with(class)))
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

    /// A locked, busy or closed database may work in a moment. Everything else is a fault of the database.
    #[test]
    fn a_lock_is_told_from_a_fault() {
        let code = |code| failed(sqlx::Error::Database(Box::new(Coded(code)))).code();
        // The extended codes have the kind in their low bits: SQLITE_BUSY_RECOVERY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED_SHAREDCACHE.
        let of_sqlite = ["5", "6", "261", "517", "262"];
        // serialization_failure, deadlock_detected, lock_not_available.
        let of_postgres = ["40001", "40P01", "55P03"];
        for locked in of_sqlite.iter().chain(&of_postgres) {
            assert_eq!(code(locked), "store.busy", "{locked}");
        }
        // idle_in_transaction_session_timeout, admin_shutdown, too_many_connections, connection_failure.
        for unreachable in ["25P03", "57P01", "53300", "08006"] {
            assert_eq!(code(unreachable), "store.unavailable", "{unreachable}");
        }
        // SQLITE_ERROR, SQLITE_IOERR and two of its kind, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CONSTRAINT, and what is no number;
        // undefined_table, raise_exception, disk_full is of the class of resources.
        for fault in ["1", "10", "266", "1290", "11", "13", "19", "", "busy", "42P01", "P0001"] {
            assert_eq!(code(fault), "store.backend", "{fault}");
        }
        assert_eq!(code("22P02"), "store.damaged");
        for closed in [sqlx::Error::PoolClosed, sqlx::Error::PoolTimedOut] {
            assert_eq!(failed(closed).code(), "store.unavailable");
        }
        assert_eq!(failed(sqlx::Error::RowNotFound).code(), "store.backend");
    }
}
