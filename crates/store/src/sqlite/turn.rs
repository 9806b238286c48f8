//! The writer's transaction as one decision of its group uses it.

use sqlx::SqliteConnection;

use super::{FailedTogether, run};
use crate::{
    Revocation, StoreError,
    sql::{Answered, Batch, Doing, Fails as _, Runs, Transaction},
};

/// A turn at the writer's transaction, under a savepoint of its own.
///
/// The statements that a decision [writes](Transaction::write) last are sent together with the first statements of the
/// next decision, before them. The next decision therefore sees them, and they cost no hand-over of their own. If they
/// turn out to be impossible (a name is taken), the decision is answered with that error.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    connection: &'t mut SqliteConnection,
    /// The statements that must be run before any other.
    before: Batch,
    /// The number of statements at its beginning that are writes of the decision before.
    writes_before: usize,
    /// The reason why these could not be written.
    refused_before: Option<StoreError>,
    writes: Batch,
    /// The sessions that were ended in the transaction. If a decision is undone, this may contain too many, which does
    /// no harm.
    ended: Vec<Revocation>,
}

impl<'t> Turn<'t> {
    /// The first turn of a transaction.
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

    /// Runs the remaining writes of the decision before, if nothing was run since.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        if self.before.is_empty() {
            return Ok(());
        }
        self.run(Batch::default()).await.map(drop)
    }

    /// The sessions that were ended, after the commit.
    pub(super) fn into_ended(self) -> Vec<Revocation> {
        self.ended
    }

    /// Ends the turn and keeps the changes of the decision.
    pub(super) async fn keep(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        let writes = std::mem::take(&mut self.writes);
        self.writes_before = writes.len();
        self.before = writes.then("RELEASE decision").then("SAVEPOINT decision");
        Ok(())
    }

    /// Ends the turn and undoes the changes of the decision.
    pub(super) fn discard(&mut self) {
        self.writes = Batch::default();
        // If nothing was run there is nothing to undo, and the writes of the decision before are still to be run.
        if self.before.is_empty() {
            self.undo();
        }
    }

    /// The reason why the decision before could not be written; answered once.
    pub(super) fn refused_before(&mut self) -> Option<StoreError> {
        self.refused_before.take()
    }

    /// The savepoint is reused for the next decision.
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
