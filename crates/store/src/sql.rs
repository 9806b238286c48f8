//! What the stores in SQL databases have in common: the statements, and what is decided on their answers.
//!
//! An [`Engine`] runs statements in a transaction; SQLite and PostgreSQL are two. Everything else is written once, over `dyn Transaction`.

mod api_tokens;
mod audit_feed;
mod batch;
mod connections;
mod decide;
mod directory;
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
mod sessions;
mod sign_in_history;
mod sign_in_statement;
mod sources;
mod writes;

mod row;

use std::{fmt, pin::Pin};

use chrono::TimeDelta;

use crate::{SignInError, StoreError};

pub(crate) use batch::{Answered, Batch, Failed, Parameter, Sql};
pub(crate) use row::Row;

/// What is done in a transaction.
pub(crate) type Doing<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// A function that does something in a transaction. It is called once, so that a decision is made once.
pub(crate) type Action<T, E> =
    Box<dyn for<'c> FnOnce(&'c mut (dyn Transaction + 'c)) -> Doing<'c, T, E> + Send>;

/// The same for what only reads.
pub(crate) type Reading<T> =
    Box<dyn for<'c> FnOnce(&'c mut (dyn Runs + 'c)) -> Doing<'c, T, StoreError> + Send>;

/// A database.
pub(crate) trait Engine: Clone + fmt::Debug + Send + Sync + 'static {
    /// Does something in a transaction, and answers when it is committed. What answers an error leaves nothing behind.
    fn write<'a, T: Send + 'static, E: Fails>(&'a self, action: Action<T, E>) -> Doing<'a, T, E>;

    /// Runs statements that decide nothing, all of them or none.
    fn execute(&self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError>;

    /// The same where nobody asks what was changed.
    fn apply(&self, batch: Batch) -> Doing<'_, (), StoreError>;

    /// Reads with several statements what is committed at one moment.
    fn read<'a, T: Send + 'static>(&'a self, action: Reading<T>) -> Doing<'a, T, StoreError>;

    /// Reads with one statement.
    fn ask(&self, batch: Batch) -> Doing<'_, Answered, StoreError>;

    /// Looks up what was committed before.
    fn look_up(&self, wanted: Wanted) -> Doing<'_, Option<String>, StoreError>;

    /// How long replay records are kept after the assertions are too old.
    fn replay_margin(&self) -> TimeDelta;
}

/// What is looked up most, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// The record of a pending request, by its handle.
    Pending(String),
    /// When a session was last used, and its record, by its hash.
    Session(String),
    /// The revision of a connection, by its id.
    Revision(String),
}

/// Runs statements.
pub(crate) trait Runs: Send {
    /// Runs all of them, and answers for each.
    fn run(&mut self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError>;
}

/// A transaction in which something is decided and written.
pub(crate) trait Transaction: Runs {
    /// What is written when everything is decided. Nothing may be run afterwards.
    fn write(&mut self, writes: Batch);

    /// Whether nobody else writes while it lasts. Where others do, what is decided on is locked first.
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

/// An error that says whether the database failed under it.
pub(crate) trait Fails: From<StoreError> + Send + 'static {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool;
}

impl Fails for StoreError {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Backend { .. } | Self::Unavailable { .. })
    }
}

impl Fails for SignInError {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Store(failure) if failure.is_of_the_database())
    }
}

/// An error of sqlx, which is no part of this crate's interface, as that of a store.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            StoreError::unavailable(error)
        }
        _ if code.as_deref().is_some_and(is_for_a_moment) => StoreError::unavailable(error),
        // What was to be read as JSON is none. The error itself would repeat it.
        _ if code.as_deref() == Some("22P02") => StoreError::damaged("record", "it is not in its form"),
        _ => StoreError::backend(error),
    }
}

/// Whether a code is one of what may work in a moment.
fn is_for_a_moment(code: &str) -> bool {
    /// SQLITE_BUSY and SQLITE_LOCKED, the low bits of every code of the kind.
    const LOCKED: [i64; 2] = [5, 6];
    /// Of PostgreSQL: the connection, resources, an operator who shuts it down; locks, deadlocks and serialization.
    const CLASSES: [&str; 3] = ["08", "53", "57"];
    const LOCKS: [&str; 3] = ["40001", "40P01", "55P03"];
    /// The codes of PostgreSQL have five characters, those of SQLite are numbers of four digits at most.
    const OF_POSTGRES: usize = 5;
    if code.len() == OF_POSTGRES {
        return LOCKS.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class));
    }
    code.parse::<i64>().is_ok_and(|code| LOCKED.contains(&(code & 0xff)))
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
        let of_sqlite = ["5", "6", "261", "517", "262"];
        // serialization_failure, deadlock_detected, lock_not_available, admin_shutdown, too_many_connections, connection_failure.
        let of_postgres = ["40001", "40P01", "55P03", "57P01", "53300", "08006"];
        for locked in of_sqlite.iter().chain(&of_postgres) {
            assert_eq!(code(locked), "store.unavailable", "{locked}");
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
