//! Several statements that are handed to the thread of the connection together.
//!
//! `sqlx` runs SQLite on a thread of each connection: a statement goes there and its answer comes back, which costs more than most statements
//! do. So what can be asked or written together goes in one batch: one text of several statements. The driver for SQLite takes that and no other
//! one does; should it ever stop (sqlx's issue 3108), [`run`] would hand over each statement alone, and everything else would stay as it is.

use std::{fmt, future::poll_fn, sync::Arc};

use sqlx::{
    Arguments as _, AssertSqlSafe, Either, Executor as _, SqliteConnection,
    error::ErrorKind,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::failed;
use crate::StoreError;

/// Statements with their parameters, in order. Parameters have no numbers: each `?` is the next one.
#[derive(Debug, Default)]
pub(super) struct Batch {
    statements: Vec<Statement>,
    parameters: Vec<Parameter>,
}

#[derive(Debug)]
struct Statement {
    sql: &'static str,
    if_taken: Option<&'static str>,
    if_null: Option<StoreError>,
}

/// A parameter of a statement. `Debug` does not show it.
pub(super) enum Parameter {
    Null,
    Text(Arc<str>),
    Integer(i64),
}

/// What a statement answered.
#[derive(Default)]
pub(super) struct Answered {
    pub(super) rows: Vec<SqliteRow>,
    /// How many rows it changed, if it is one that changes rows.
    pub(super) changed: u64,
}

/// A statement that failed, counted from 0. Those before it are done, those behind it are not.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) place: usize,
    pub(super) error: sqlx::Error,
}

impl Batch {
    pub(super) fn of(sql: &'static str) -> Self {
        Self::default().then(sql)
    }

    /// One statement more.
    pub(super) fn then(mut self, sql: &'static str) -> Self {
        self.statements.push(Statement { sql, if_taken: None, if_null: None });
        self
    }

    /// The next parameter.
    pub(super) fn bind(mut self, value: impl Into<Parameter>) -> Self {
        self.parameters.push(value.into());
        self
    }

    /// What has to be unique, if it is not so with the last statement: [`StoreError::Taken`].
    pub(super) fn if_taken(mut self, what: &'static str) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.if_taken = Some(what);
        }
        self
    }

    /// What it means if the last statement writes NULL where there must be a value.
    pub(super) fn if_null(mut self, meaning: StoreError) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.if_null = Some(meaning);
        }
        self
    }

    pub(super) fn len(&self) -> usize {
        self.statements.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// What the failure of one of its statements means. A constraint that was broken undoes its statement and nothing else; every other
    /// failure is one of the database.
    pub(super) fn meaning(self, failure: Failed) -> StoreError {
        let kind = failure.error.as_database_error().map(sqlx::error::DatabaseError::kind);
        let meaning = self.statements.into_iter().nth(failure.place).and_then(|statement| match kind {
            Some(ErrorKind::UniqueViolation) => statement.if_taken.map(StoreError::taken),
            Some(ErrorKind::NotNullViolation) => statement.if_null,
            _ => None,
        });
        meaning.unwrap_or_else(|| failed(failure.error))
    }
}

/// Runs these batches as one, and answers for each statement of all of them.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    batches: [&Batch; 2],
) -> Result<Vec<Answered>, Failed> {
    let statements = batches.iter().flat_map(|batch| &batch.statements);
    let sql: Vec<&str> = statements.map(|statement| statement.sql).collect();
    let mut arguments = SqliteArguments::default();
    for parameter in batches.iter().flat_map(|batch| &batch.parameters) {
        let added = match parameter {
            Parameter::Null => arguments.add(None::<i64>),
            Parameter::Text(text) => arguments.add(Arc::clone(text)),
            Parameter::Integer(number) => arguments.add(*number),
        };
        added.map_err(|error| Failed { place: 0, error: sqlx::Error::Encode(error) })?;
    }
    let query = sqlx::query_with(AssertSqlSafe(sql.join(";\n")), arguments);
    let mut stream = connection.fetch_many(query);
    let (mut answered, mut current) = (Vec::with_capacity(sql.len()), Answered::default());
    while let Some(next) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        match next {
            Ok(Either::Right(row)) => current.rows.push(row),
            Ok(Either::Left(done)) => {
                current.changed = done.rows_affected();
                answered.push(std::mem::take(&mut current));
            }
            Err(error) => return Err(Failed { place: answered.len(), error }),
        }
    }
    match answered.len() == sql.len() {
        true => Ok(answered),
        // The thread of the connection stopped.
        false => Err(Failed { place: answered.len(), error: sqlx::Error::WorkerCrashed }),
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "NULL",
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
        })
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Parameter {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Parameter {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl<T: Into<Parameter>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
