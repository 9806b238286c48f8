//! Connections in SQL.

use chrono::DateTime;
use vouchsafe::{ConnectionId, ConnectionState, EntityId, assertion::SourceId, provisioning::OrganizationId};

use super::{Batch, Engine, Row, Runs, Transaction, Wanted, connection_writes, rows, run_one, sources};
use crate::{
    Answer, Author, ConnectionMetadata, ConnectionOutline, ConnectionRevision, ConnectionStore,
    MetadataSource, StoreError, StoredConnection,
};

const BY_ID: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision, staged, staged_at, refused, older_since,
        signer, staged_signer, record_budget, writes
    FROM vouchsafe_connections WHERE id = ?";

const OUTLINE: &str = "SELECT id, organization, state, settings FROM vouchsafe_connections WHERE id = ?";

const BY_ORGANIZATION: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision, staged, staged_at, refused, older_since,
        signer, staged_signer, record_budget, writes
    FROM vouchsafe_connections WHERE organization = ? ORDER BY id";

/// The order is that of the index, so that no more rows are read than are answered.
const BY_IDENTITY_PROVIDER: &str = "
    SELECT id, revision FROM vouchsafe_connections
    WHERE identity_provider = ? AND assertion_consumer = ? ORDER BY is_inactive, id LIMIT ?";

/// Sorted as in the same index.
const ACTIVE_BY_IDENTITY_PROVIDER: &str = "
    SELECT id, revision FROM vouchsafe_connections
    WHERE identity_provider = ? AND assertion_consumer = ? AND is_inactive = 0 AND id > ? ORDER BY id LIMIT ?";

/// Sorted as in the index.
const ACTIVE: &str = "
    SELECT id, revision FROM vouchsafe_connections WHERE is_inactive = 0 AND id > ? ORDER BY id LIMIT ?";

impl<E: Engine> ConnectionStore for E {
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        Box::pin(async move {
            let answered = self.ask(Batch::of(BY_ID).bind(id.as_str())).await?;
            answered.rows.first().map(stored).transpose()
        })
    }

    fn connection_outline<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<ConnectionOutline>> {
        Box::pin(async move {
            let answered = self.ask(Batch::of(OUTLINE).bind(id.as_str())).await?;
            answered.rows.first().map(outline).transpose()
        })
    }

    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>> {
        Box::pin(async move {
            let revision = self.look_up(Wanted::Revision(id.as_str().to_owned())).await?;
            let parsed = revision.map(|revision| revision.parse::<i64>().map(i64::unsigned_abs));
            parsed.transpose().map_err(|_| StoreError::damaged("connection", "revision"))
        })
    }

    fn connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        let asked = Batch::of(BY_IDENTITY_PROVIDER)
            .bind(identity_provider.as_str())
            .bind(assertion_consumer.unwrap_or_default())
            .bind(most);
        Box::pin(async move { self.ask(asked).await?.rows.iter().map(revision).collect() })
    }

    fn active_connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        let asked = Batch::of(ACTIVE_BY_IDENTITY_PROVIDER)
            .bind(identity_provider.as_str())
            .bind(assertion_consumer.unwrap_or_default())
            .bind(after.map(ConnectionId::as_str).unwrap_or_default())
            .bind(most);
        Box::pin(async move { self.ask(asked).await?.rows.iter().map(revision).collect() })
    }

    fn identity_provider_of_source(&self, source: SourceId) -> Answer<'_, Option<EntityId>> {
        Box::pin(async move {
            let answered = self.ask(sources::look_up(source)).await?;
            answered.rows.first().map(|row| sources::identity_provider(row.text(0)?)).transpose()
        })
    }

    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        let asked = Batch::of(ACTIVE).bind(after.map(ConnectionId::as_str).unwrap_or_default()).bind(most);
        Box::pin(async move { self.ask(asked).await?.rows.iter().map(revision).collect() })
    }

    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        Box::pin(async move {
            let _permit = self.permit(organization).await?;
            let answered = self.ask(Batch::of(BY_ORGANIZATION).bind(organization.as_str())).await?;
            answered.rows.iter().map(stored).collect()
        })
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        Box::pin(connection_writes::add(self, connection, author))
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        Box::pin(connection_writes::replace(self, connection, Some(author)))
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        Box::pin(async move { connection_writes::replace(self, connection, None).await.map(drop) })
    }
}

/// A connection as it was read, and how often its row was written.
pub(super) struct Read {
    pub(super) stored: StoredConnection,
    pub(super) writes: i64,
}

pub(super) async fn read(engine: &impl Engine, id: &ConnectionId) -> Result<Read, StoreError> {
    let found = engine.ask(Batch::of(BY_ID).bind(id.as_str())).await?;
    Read::of(found.rows.first().ok_or_else(|| StoreError::connection_unknown(id))?)
}

/// Whether a stored connection is retired.
pub(super) async fn is_retired(runs: &mut dyn Transaction, id: &ConnectionId) -> Result<bool, StoreError> {
    const STATE: &str = "SELECT state FROM vouchsafe_connections WHERE id = ?";
    let answered = run_one(runs, Batch::of(STATE).bind(id.as_str())).await?;
    let state = answered.rows.first().map(|row| state_named(row.text(0)?)).transpose()?;
    Ok(state == Some(ConnectionState::Retired))
}

/// The connections of an organization as they were read, and how often the row of each was written.
pub(super) async fn read_all(runs: &mut dyn Runs, of: &OrganizationId) -> Result<Vec<Read>, StoreError> {
    let found = run_one(runs, Batch::of(BY_ORGANIZATION).bind(of.as_str())).await?;
    found.rows.iter().map(Read::of).collect()
}

impl Read {
    fn of(row: &Row) -> Result<Read, StoreError> {
        Ok(Read { stored: stored(row)?, writes: row.integer(16)? })
    }
}

fn stored(row: &Row) -> Result<StoredConnection, StoreError> {
    let damaged = |what| StoreError::damaged("connection", what);
    let signer = |column| {
        Ok::<_, StoreError>(Some(row.text(column)?).filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let fetched_at = DateTime::from_timestamp_millis(row.integer(6)?).ok_or_else(|| damaged("fetched_at"))?;
    let source: MetadataSource = rows::from_json("source of metadata", row.text(5)?)?;
    let identity_provider = EntityId::new(row.text(3)?).map_err(|_| damaged("identity_provider"))?;
    let staged = match row.bytes(9)? {
        none if none.is_empty() => None,
        document => {
            let at = DateTime::from_timestamp_millis(row.integer(10)?).ok_or_else(|| damaged("staged_at"))?;
            let staged = ConnectionMetadata::new(document, source.clone(), at);
            Some(ConnectionMetadata { signer: signer(14)?, ..staged })
        }
    };
    let metadata = ConnectionMetadata::new(row.bytes(4)?, source, fetched_at);
    let metadata = ConnectionMetadata { signer: signer(13)?, ..metadata };
    let organization = OrganizationId::new(row.text(1)?);
    let mut stored =
        StoredConnection::new(connection_id(row.text(0)?)?, organization, identity_provider, metadata);
    stored.staged = staged;
    stored.refused = rows::from_json("refused metadata", row.text(11)?)?;
    stored.older_since = match row.integer(12)? {
        0 => None,
        at => Some(DateTime::from_timestamp_millis(at).ok_or_else(|| damaged("older_since"))?),
    };
    stored.state = state_named(row.text(2)?)?;
    stored.settings = rows::from_json("settings of a connection", row.text(7)?)?;
    stored.revision = row.integer(8)?.unsigned_abs();
    stored.record_budget = rows::from_json("record budget", row.text(15)?)?;
    Ok(stored)
}

fn outline(row: &Row) -> Result<ConnectionOutline, StoreError> {
    let (id, organization) = (connection_id(row.text(0)?)?, OrganizationId::new(row.text(1)?));
    let settings = rows::from_json("settings of a connection", row.text(3)?)?;
    Ok(ConnectionOutline::new(id, organization, state_named(row.text(2)?)?, settings))
}

fn revision(row: &Row) -> Result<ConnectionRevision, StoreError> {
    Ok(ConnectionRevision::new(connection_id(row.text(0)?)?, row.integer(1)?.unsigned_abs()))
}

pub(super) fn state_named(state: &str) -> Result<ConnectionState, StoreError> {
    ConnectionState::from_name(state).ok_or_else(|| StoreError::damaged("connection", "state"))
}

fn connection_id(id: &str) -> Result<ConnectionId, StoreError> {
    ConnectionId::new(id).map_err(|_| StoreError::damaged("connection", "id"))
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;
    use crate::Sqlite;

    /// The query does not read all connections to an identity provider, or all drafts, to find the first few.
    #[tokio::test]
    async fn the_index_gives_the_order() {
        let store = Sqlite::in_memory().await.unwrap();
        for (statement, index) in [
            (BY_IDENTITY_PROVIDER, "USING INDEX vouchsafe_connections_by_identity_provider"),
            (ACTIVE_BY_IDENTITY_PROVIDER, "USING INDEX vouchsafe_connections_by_identity_provider"),
            (ACTIVE, "USING INDEX vouchsafe_connections_active"),
        ] {
            let steps = store.steps_of(statement).await;
            assert!(steps.len() == 1 && steps.concat().contains(index), "{steps:?}");
        }
    }
}
