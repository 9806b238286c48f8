//! Statements on a connection, one after the other.

use std::{
    borrow::Cow,
    collections::HashMap,
    future::poll_fn,
    sync::{LazyLock, PoisonError, RwLock},
};

use sqlx::{
    Arguments as _, Either, Encode, Executor as _, PgConnection, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};

use super::announcements::NOTIFY;
use crate::{
    Revocation, StoreError,
    sql::{Answered, Batch, Doing, Failed, Parameter, Row, Runs, failed},
};

/// A connection that runs statements.
pub(super) struct Connected<'c>(pub(super) &'c mut PgConnection);

impl Runs for Connected<'_> {
    fn run(&mut self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
        Box::pin(async move { run(self.0, &batch).await })
    }
}

/// Runs the statements and answers each.
pub(super) async fn run(connection: &mut PgConnection, batch: &Batch) -> Result<Vec<Answered>, StoreError> {
    let mut answered = Vec::with_capacity(batch.len());
    for (place, (sql, parameters)) in batch.statements().enumerate() {
        let ran = run_one(connection, numbered(sql.postgres), parameters).await;
        answered.push(ran.map_err(|error| batch.meaning(Failed { place, error }))?);
    }
    let told: Vec<String> = batch.ended(&answered)?.iter().map(Revocation::to_text).collect();
    if !told.is_empty() {
        run_one(connection, NOTIFY, &[Parameter::from(told)]).await.map_err(failed)?;
    }
    Ok(answered)
}

async fn run_one(
    connection: &mut PgConnection,
    sql: &'static str,
    parameters: &[Parameter],
) -> Result<Answered, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for parameter in parameters {
        match parameter {
            Parameter::Null => arguments.add(Untyped),
            Parameter::Text(text) => arguments.add(storable(text)),
            Parameter::Integer(number) => arguments.add(*number),
            Parameter::Bytes(bytes) => arguments.add(bytes.to_vec()),
            Parameter::List(texts) => {
                arguments.add(texts.iter().map(|text| storable(text).into_owned()).collect::<Vec<String>>())
            }
        }
        .map_err(sqlx::Error::Encode)?;
    }
    let mut stream = connection.fetch_many(sqlx::query_with(sql, arguments));
    let mut answered = Answered::default();
    while let Some(next) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        match next? {
            Either::Right(row) => answered.rows.push(Row::Postgres(row)),
            Either::Left(done) => answered.changed = done.rows_affected(),
        }
    }
    Ok(answered)
}

/// Whether the failure is a deadlock or a serialization failure, after which nothing was written.
pub(super) fn is_deadlock(failure: &StoreError) -> bool {
    let StoreError::Busy { source } = failure else { return false };
    let error = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    let code = error.and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["40001", "40P01"].contains(&code.as_ref()))
}

/// Texts in PostgreSQL cannot contain the character NUL. It is replaced by the noncharacter U+FFFE, so that a text with
/// one is found again.
fn storable(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffe}")),
        false => Cow::Borrowed(text),
    }
}

/// A NULL with the type of its column.
struct Untyped;

impl Type<sqlx::Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, sqlx::Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// The statement with `$1`, `$2` for its parameters. Each text is made once; there are as many as the crate has
/// statements.
fn numbered(sql: &'static str) -> &'static str {
    static NUMBERED: LazyLock<RwLock<HashMap<&'static str, &'static str>>> = LazyLock::new(RwLock::default);
    if !sql.contains('?') {
        return sql;
    }
    if let Some(known) = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(sql) {
        return known;
    }
    let mut numbered = String::new();
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            numbered.push_str(&format!("${number}"));
        }
        numbered.push_str(part);
    }
    let mut all = NUMBERED.write().unwrap_or_else(PoisonError::into_inner);
    all.entry(sql).or_insert_with(|| Box::leak(numbered.into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_in_turn() {
        assert_eq!(numbered("SELECT ?, x WHERE y = ?"), "SELECT $1, x WHERE y = $2");
        assert_eq!(numbered("SELECT $2, $1"), "SELECT $2, $1");
        assert_eq!(numbered("SELECT 1"), "SELECT 1");
    }

    #[test]
    fn what_cannot_be_stored_is_told_apart_from_nothing() {
        assert_eq!(storable("ada"), "ada");
        assert_eq!(storable("a\0da"), "a\u{fffe}da");
    }
}
