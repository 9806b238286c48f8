//! Several statements with their parameters, in a form that every engine can run.
//!
//! A statement is written once if the engines agree on its text, with `?` for each parameter in turn. If they do not
//! agree, [`Sql`] holds both texts.

use std::{fmt, sync::Arc};

use sqlx::error::{DatabaseError, ErrorKind};
use vouchsafe::provisioning::AccountId;

use super::{Row, failed};
use crate::{Revocation, StoreError};

/// Statements with their parameters, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    statements: Vec<Statement>,
}

/// One statement of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    sql: Sql,
    parameters: Vec<Parameter>,
    if_taken: Option<&'static str>,
    if_null: Option<IfNull>,
    announces: Announced,
}

/// What every machine is told about the sessions that a statement ended.
#[derive(Clone, Debug, Default)]
enum Announced {
    #[default]
    Nothing,
    /// This revocation, if the statement changed anything.
    IfChanged(Vec<Revocation>),
    /// The sessions whose hashes the statement answers.
    Sessions,
}

/// The text of a statement for each engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sql {
    /// For SQLite.
    pub(crate) sqlite: &'static str,
    /// For PostgreSQL.
    pub(crate) postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(same: &'static str) -> Self {
        Self { sqlite: same, postgres: same }
    }
}

/// A parameter of a statement. `Debug` does not show it.
#[derive(Clone)]
pub(crate) enum Parameter {
    Null,
    Text(Arc<str>),
    Integer(i64),
    Bytes(Arc<[u8]>),
    /// Several texts: an array in PostgreSQL, and an array in JSON for SQLite.
    List(Arc<[String]>),
}

/// The meaning of a NULL in a column that must have a value.
#[derive(Clone, Debug)]
pub(crate) enum IfNull {
    /// The row belongs to another organization.
    OfAnother(&'static str),
    /// The account of the session is suspended.
    Suspended(AccountId),
}

impl IfNull {
    fn error(&self) -> StoreError {
        match self {
            Self::OfAnother(what) => StoreError::damaged(what, "its id is one of another organization"),
            Self::Suspended(account) => StoreError::account_suspended(account.clone()),
        }
    }
}

/// The answer of a statement.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) rows: Vec<Row>,
    /// The number of changed rows, for a statement that changes rows.
    pub(crate) changed: u64,
}

/// The index of a failed statement, counted from 0. Earlier statements were run, later ones were not.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) place: usize,
    pub(crate) error: sqlx::Error,
}

impl Answered {
    /// The number in the first column; 0 if there is no row.
    pub(crate) fn number(&self) -> Result<i64, StoreError> {
        Ok(self.rows.first().map(|row| row.integer(0)).transpose()?.unwrap_or_default())
    }

    /// The number in the first column, if there is a row.
    pub(crate) fn optional_number(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.rows.first().map(|row| row.optional_integer(0)).transpose()?.flatten())
    }
}

impl Batch {
    pub(crate) fn of(sql: impl Into<Sql>) -> Self {
        Self::default().then(sql)
    }

    /// Adds a statement.
    pub(crate) fn then(mut self, sql: impl Into<Sql>) -> Self {
        let sql = sql.into();
        self.statements.push(Statement {
            sql,
            parameters: Vec::new(),
            if_taken: None,
            if_null: None,
            announces: Announced::Nothing,
        });
        self
    }

    /// The next parameter of the last statement.
    pub(crate) fn bind(mut self, value: impl Into<Parameter>) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.parameters.push(value.into());
        }
        self
    }

    /// The value that must be unique: if the last statement violates this, the error is [`StoreError::Taken`].
    pub(crate) fn if_taken(mut self, what: &'static str) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.if_taken = Some(what);
        }
        self
    }

    /// The meaning of a NULL that the last statement writes where there must be a value.
    pub(crate) fn if_null(mut self, meaning: IfNull) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.if_null = Some(meaning);
        }
        self
    }

    /// What every machine is told after the commit if the last statement changed anything.
    pub(crate) fn announcing(mut self, ended: impl IntoIterator<Item = Revocation>) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.announces = Announced::IfChanged(ended.into_iter().collect());
        }
        self
    }

    /// Every machine is told that the sessions ended whose hashes the last statement answers.
    pub(crate) fn announcing_sessions(mut self) -> Self {
        if let Some(last) = self.statements.last_mut() {
            last.announces = Announced::Sessions;
        }
        self
    }

    /// Whether any of its statements may lead to an announcement.
    #[cfg(feature = "postgres")]
    pub(crate) fn announces(&self) -> bool {
        self.statements.iter().any(|statement| !matches!(statement.announces, Announced::Nothing))
    }

    /// The sessions that its statements ended, according to their answers.
    pub(crate) fn ended(&self, answered: &[Answered]) -> Result<Vec<Revocation>, StoreError> {
        let mut ended = Vec::new();
        for (statement, answered) in self.statements.iter().zip(answered) {
            match &statement.announces {
                Announced::IfChanged(told) if answered.changed > 0 => ended.extend_from_slice(told),
                Announced::Sessions => {
                    for row in &answered.rows {
                        ended.extend(row.optional_text(0)?.map(|hash| Revocation::Session(hash.to_owned())));
                    }
                }
                Announced::Nothing | Announced::IfChanged(_) => {}
            }
        }
        Ok(ended)
    }

    pub(crate) fn len(&self) -> usize {
        self.statements.len()
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    pub(crate) fn statements(&self) -> impl Iterator<Item = (Sql, &[Parameter])> {
        self.statements.iter().map(|statement| (statement.sql, statement.parameters.as_slice()))
    }

    /// The meaning of a failed statement. A violated constraint means what the statement says; every other failure is
    /// one of the database.
    pub(crate) fn meaning(&self, failure: Failed) -> StoreError {
        let kind = failure.error.as_database_error().map(DatabaseError::kind);
        let meaning = self.statements.get(failure.place).and_then(|statement| match kind {
            Some(ErrorKind::UniqueViolation) => statement.if_taken.map(StoreError::taken),
            Some(ErrorKind::NotNullViolation) => statement.if_null.as_ref().map(IfNull::error),
            _ => None,
        });
        meaning.unwrap_or_else(|| failed(failure.error))
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "NULL",
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
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

impl From<u64> for Parameter {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Parameter {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Parameter {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&[u8]> for Parameter {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Vec<String>> for Parameter {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.into())
    }
}

impl<T: Into<Parameter>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
