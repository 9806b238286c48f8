//! A transaction in which a decision is made.

use sqlx::PgConnection;

use super::run::{self, Connected};
use crate::{
    StoreError,
    sql::{Answered, Batch, Doing, Runs, Transaction},
};

/// A transaction, and the writes for its end.
pub(super) struct Turn<'t> {
    connection: Connected<'t>,
    writes: Batch,
}

impl<'t> Turn<'t> {
    pub(super) fn new(connection: &'t mut PgConnection) -> Self {
        Self { connection: Connected(connection), writes: Batch::default() }
    }

    /// Writes the result of the decision.
    pub(super) async fn finish(self) -> Result<(), StoreError> {
        run::run(self.connection.0, &self.writes).await.map(drop)
    }
}

impl Runs for Turn<'_> {
    fn run(&mut self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
        self.connection.run(batch)
    }
}

impl Transaction for Turn<'_> {
    fn write(&mut self, writes: Batch) {
        self.writes = writes;
    }

    fn is_alone(&self) -> bool {
        false
    }
}
