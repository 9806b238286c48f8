//! Connections in SQL.

use vouchsafe::{ConnectionId, EntityId, assertion::SourceId, provisioning::OrganizationId};

use super::{
    Batch, Engine, Row, Wanted,
    connection_rows::{BY_ID, BY_ORGANIZATION, OUTLINE, connection_id, outline, stored},
    connection_writes, sources,
};
use crate::{
    Answer, Author, ConnectionOutline, ConnectionRevision, ConnectionStore, StoreError, StoredConnection,
};

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

fn revision(row: &Row) -> Result<ConnectionRevision, StoreError> {
    Ok(ConnectionRevision::new(connection_id(row.text(0)?)?, row.integer(1)?.unsigned_abs()))
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
