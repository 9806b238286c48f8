//! Decisions about the connections of an organization in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::{ConnectionId, provisioning::OrganizationId};

use super::{
    Batch, Engine, Runs, Transaction,
    connection_rows::{self, Read},
    connection_writes::{retire, write},
    locks, rows, run_one, sessions, set_up_links, sources, writes,
};
use crate::{
    Author, ConnectionDecision, DecidedConnections, OrganizationConnections, SignInError, StoreError,
};

/// How often a decision is made before its transaction. If others change the same organization each time, it is then made
/// in the transaction, which those who come later wait for.
const BEFORE_ITS_TRANSACTION: usize = 4;

pub(super) async fn decide(
    engine: &impl Engine,
    decision: ConnectionDecision,
) -> Result<OrganizationConnections, SignInError> {
    let id = decision.organization().clone();
    let _permit = engine.permit(&id).await?;
    for _ in 0..BEFORE_ITS_TRANSACTION {
        let read = id.clone();
        let seen = engine.read(Box::new(move |runs| Box::pin(Seen::read(runs, read)))).await?;
        let made = Made::of(&decision, seen)?;
        let written = engine.write::<_, SignInError>(Box::new(move |turn| {
            Box::pin(async move {
                made.writing.lock(turn).await?;
                match made.seen.is_still(turn).await? {
                    true => made.write(turn).await.map(Some),
                    false => Ok(None),
                }
            })
        }));
        if let Some(answer) = written.await? {
            return Ok(answer);
        }
    }
    let made_in_it = engine.write::<_, SignInError>(Box::new(move |turn| {
        Box::pin(async move {
            Writing::of(&decision).lock(turn).await?;
            let seen = Seen::read(turn, id).await?;
            Made::of(&decision, seen)?.write(turn).await
        })
    }));
    made_in_it.await
}

/// An organization and its connections as they were read.
struct Seen {
    before: OrganizationConnections,
    version: u64,
    /// The id of each connection, its revision, and how often its row was written.
    writes: Vec<(ConnectionId, u64, i64)>,
}

impl Seen {
    async fn read(runs: &mut (dyn Runs + '_), id: OrganizationId) -> Result<Seen, StoreError> {
        let found = rows::organization_alone(runs, &id).await?;
        let (mut writes, mut all) = (Vec::new(), Vec::new());
        for Read { stored, writes: number } in connection_rows::read_all(runs, &id).await? {
            writes.push((stored.id.clone(), stored.revision, number));
            all.push(stored);
        }
        let before = OrganizationConnections::new(found.organization, all);
        Ok(Seen { before, version: found.version, writes })
    }

    /// Whether nobody has written any of it since. Documents are not read again.
    async fn is_still(&self, turn: &mut dyn Transaction) -> Result<bool, StoreError> {
        const VERSION: &str = "SELECT version FROM vouchsafe_organizations WHERE id = ?";
        const WRITES: &str =
            "SELECT id, revision, writes FROM vouchsafe_connections WHERE organization = ? ORDER BY id";
        let id = self.before.organization.id.as_str();
        let version = run_one(turn, Batch::of(VERSION).bind(id)).await?.optional_number()?;
        let rows = run_one(turn, Batch::of(WRITES).bind(id)).await?.rows;
        let mut is_same =
            version.map(i64::unsigned_abs) == Some(self.version) && rows.len() == self.writes.len();
        for (row, (id, revision, writes)) in rows.iter().zip(&self.writes) {
            is_same &= row.text(0)? == id.as_str()
                && row.integer(1)?.unsigned_abs() == *revision
                && row.integer(2)? == *writes;
        }
        Ok(is_same)
    }
}

/// A decision that was made, and the statements that write it.
struct Made {
    seen: Seen,
    decided: DecidedConnections,
    writing: Writing,
    batch: Batch,
}

impl Made {
    fn of(decision: &ConnectionDecision, seen: Seen) -> Result<Made, SignInError> {
        let decided = decision.decide(&seen.before)?;
        let mut batch = sources::note(decided.added.iter().chain(&decided.changed));
        for added in &decided.added {
            batch = write(batch, added, true)?;
        }
        for changed in &decided.changed {
            batch = write(batch, changed, false)?;
        }
        Ok(Made { seen, decided, writing: Writing::of(decision), batch })
    }

    async fn write(self, turn: &mut dyn Transaction) -> Result<OrganizationConnections, SignInError> {
        let Made { seen, decided, writing, batch } = self;
        let batch = retire(turn, batch, &decided.retired, &writing.author).await?;
        rows::changed(turn, &seen.before.organization.id).await?;
        let batch = rows::put_organization(batch, decided.organization())?;
        let batch = writes::audit(batch, &decided.audit)?;
        turn.run(sessions::end_over(batch, &decided.ends_sessions_over)).await?;
        Ok(decided.into_answer())
    }
}

/// What the transaction that writes a decision asks for before it writes.
struct Writing {
    organization: OrganizationId,
    author: Author,
    /// The link that must be over, and since when.
    left_by: Option<(String, DateTime<Utc>)>,
}

impl Writing {
    fn of(decision: &ConnectionDecision) -> Writing {
        let left_by = decision.link_that_left_it().map(|(id, before)| (id.to_owned(), before));
        let (organization, author) = (decision.organization().clone(), decision.author().clone());
        Writing { organization, author, left_by }
    }

    async fn lock(&self, turn: &mut dyn Transaction) -> Result<(), StoreError> {
        set_up_links::require_open(turn, &self.author).await?;
        if let Some((link, before)) = &self.left_by {
            set_up_links::require_over(turn, link, *before).await?;
        }
        locks::organization(turn, &self.organization).await?;
        locks::connections(turn, &self.organization).await
    }
}
