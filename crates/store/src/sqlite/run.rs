//! Statements that are handed to the connection's thread together.
//!
//! `sqlx` runs SQLite on a thread for each connection. A statement goes there and its answer comes back, which costs
//! more than most statements do. Statements that can run together are therefore sent as one text. Only the driver for
//! SQLite accepts that; if it ever stops doing so (sqlx issue 3108), [`run`] would send each statement by itself, and
//! everything else would stay as it is.

use std::{future::poll_fn, sync::Arc};

use sqlx::{Arguments as _, AssertSqlSafe, Either, Executor as _, SqliteConnection, sqlite::SqliteArguments};

use crate::{
    StoreError,
    sql::{Answered, Batch, Doing, Failed, Parameter, Row, Runs},
};

/// A connection, for reading outside the writer.
pub(super) struct Connected<'c>(pub(super) &'c mut SqliteConnection);

impl Runs for Connected<'_> {
    fn run(&mut self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
        Box::pin(async move {
            let answered = run(self.0, [&Batch::default(), &batch]).await;
            answered.map_err(|failure| batch.meaning(failure))
        })
    }
}

/// Runs these batches as one and answers each statement of all of them.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    batches: [&Batch; 2],
) -> Result<Vec<Answered>, Failed> {
    let mut sql: Vec<&str> = Vec::new();
    let mut arguments = SqliteArguments::default();
    for (text, parameters) in batches.iter().flat_map(|batch| batch.statements()) {
        sql.push(text.sqlite);
        for parameter in parameters {
            let added = match parameter {
                Parameter::Null => arguments.add(None::<i64>),
                Parameter::Text(text) => arguments.add(Arc::clone(text)),
                Parameter::Integer(number) => arguments.add(*number),
                Parameter::Bytes(bytes) => arguments.add(bytes.to_vec()),
                Parameter::List(texts) => match serde_json::to_string(&**texts) {
                    Ok(json) => arguments.add(json),
                    Err(error) => Err(error.into()),
                },
            };
            added.map_err(|error| Failed { place: 0, error: sqlx::Error::Encode(error) })?;
        }
    }
    let query = sqlx::query_with(AssertSqlSafe(sql.join(";\n")), arguments);
    let mut stream = connection.fetch_many(query);
    let (mut answered, mut current) = (Vec::with_capacity(sql.len()), Answered::default());
    while let Some(next) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        match next {
            Ok(Either::Right(row)) => current.rows.push(Row::Sqlite(row)),
            Ok(Either::Left(done)) => {
                current.changed = done.rows_affected();
                answered.push(std::mem::take(&mut current));
            }
            Err(error) => return Err(Failed { place: answered.len(), error }),
        }
    }
    match answered.len() == sql.len() {
        true => Ok(answered),
        // The thread of the connection has stopped.
        false => Err(Failed { place: answered.len(), error: sqlx::Error::WorkerCrashed }),
    }
}
