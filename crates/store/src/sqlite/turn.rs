//! The writer's transaction, as one decision of its group has it.

use sqlx::SqliteConnection;

use super::{FailedTogether, run};
use crate::{
    Revocation, StoreError,
    sql::{Answered, Batch, Doing, Fails as _, Runs, Transaction},
};

/// A turn at the writer's transaction, under a savepoint of its own.
///
/// What a decision [writes](Transaction::write) last goes together with the first statements of the next one, before them: so the next decision sees it,
/// and it costs no hand-over of its own. If it turns out that it must not be written (a name is taken), it is as if it had answered so.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    connection: &'t mut SqliteConnection,
    /// What must be done before anything else is.
    before: Batch,
    /// How many statements at its beginning are writes of the decision before.
    writes_before: usize,
    /// Why these could not be written.
    refused_before: Option<StoreError>,
    writes: Batch,
    /// What was ended in the transaction. Of a decision that is undone it may be too much, which harms nobody.
    ended: Vec<Revocation>,
}

impl<'t> Turn<'t> {
    /// The first one of a transaction.
    pub(super) fn first(connection: &'t mut SqliteConnection) -> Self {
        let before = Batch::of("SAVEPOINT decision");
        Self {
            connection,
            before,
            writes_before: 0,
            refused_before: None,
            writes: Batch::default(),
            ended: Vec::new(),
        }
    }

    /// Writes what the decision before has left to write, if nothing was run since.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        if self.before.is_empty() {
            return Ok(());
        }
        self.run(Batch::default()).await.map(drop)
    }

    /// What was ended, once the transaction is committed.
    pub(super) fn into_ended(self) -> Vec<Revocation> {
        self.ended
    }

    /// Ends the turn: what the decision did stays.
    pub(super) async fn keep(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        let writes = std::mem::take(&mut self.writes);
        self.writes_before = writes.len();
        self.before = writes.then("RELEASE decision").then("SAVEPOINT decision");
        Ok(())
    }

    /// Ends the turn: what the decision did is undone.
    pub(super) fn discard(&mut self) {
        self.writes = Batch::default();
        // If nothing was run, there is nothing to undo, and the decision before has still to write.
        if self.before.is_empty() {
            self.undo();
        }
    }

    /// Why the decision before was not written after all; once.
    pub(super) fn refused_before(&mut self) -> Option<StoreError> {
        self.refused_before.take()
    }

    /// The savepoint stays, and is the next one's.
    fn undo(&mut self) {
        (self.before, self.writes_before) = (Batch::of("ROLLBACK TO decision"), 0);
    }
}

impl Runs for Turn<'_> {
    fn run(&mut self, own: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
        Box::pin(self.run_with_what_waits(own))
    }
}

impl Transaction for Turn<'_> {
    fn write(&mut self, writes: Batch) {
        self.writes = writes;
    }

    fn is_alone(&self) -> bool {
        true
    }
}

impl Turn<'_> {
    async fn run_with_what_waits(&mut self, own: Batch) -> Result<Vec<Answered>, StoreError> {
        loop {
            let ran = run::run(self.connection, [&self.before, &own]).await;
            let before = std::mem::take(&mut self.before);
            let mut failure = match ran {
                Ok(mut answered) => {
                    let of_own = answered.split_off(before.len().min(answered.len()));
                    self.ended.extend(before.ended(&answered)?);
                    self.ended.extend(own.ended(&of_own)?);
                    return Ok(of_own);
                }
                Err(failure) => failure,
            };
            if let Some(place) = failure.place.checked_sub(before.len()) {
                failure.place = place;
                return Err(own.meaning(failure));
            }
            if failure.place >= self.writes_before {
                return Err(before.meaning(failure));
            }
            let meaning = before.meaning(failure);
            let is_of_the_database = meaning.is_of_the_database();
            self.refused_before = Some(meaning);
            if is_of_the_database {
                return Err(StoreError::unavailable(FailedTogether(
                    "the decision before it could not be written".to_owned(),
                )));
            }
            self.undo();
        }
    }
}
