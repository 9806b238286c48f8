//! A row of an answer, for every engine.

#[cfg(feature = "postgres")]
use sqlx::postgres::PgRow;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::SqliteRow;

use sqlx::Row as _;

use super::failed;
use crate::StoreError;

/// A row. Its columns are counted from 0.
pub(crate) enum Row {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr, $type:ty) => {
        match $row {
            #[cfg(feature = "sqlite")]
            Row::Sqlite(row) => row.try_get::<$type, usize>($column),
            #[cfg(feature = "postgres")]
            Row::Postgres(row) => row.try_get::<$type, usize>($column),
        }
        .map_err(failed)
    };
}

impl Row {
    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        get!(self, column, &str)
    }

    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        get!(self, column, Option<&str>)
    }

    pub(crate) fn integer(&self, column: usize) -> Result<i64, StoreError> {
        get!(self, column, i64)
    }

    pub(crate) fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        get!(self, column, Option<i64>)
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        get!(self, column, Vec<u8>)
    }
}
