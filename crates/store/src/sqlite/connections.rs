//! Connections in SQLite.

use chrono::DateTime;
use sqlx::SqliteConnection;
use vouchsafe::{ConnectionId, ConnectionState, EntityId, provisioning::OrganizationId};

use super::{OrFailed as _, Sqlite, batch::Batch, look_ups::Wanted, rows, sessions, turn::Runs as _, writes};
use crate::{
    Answer, AuditRecord, Author, ConnectionDecision, ConnectionMetadata, ConnectionRevision, ConnectionStore,
    ConnectionTotals, OrganizationConnections, SignInError, StoreError, StoredConnection,
};

const BY_ID: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision
    FROM vouchsafe_connections WHERE id = ?";

const BY_ORGANIZATION: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision
    FROM vouchsafe_connections WHERE organization = ? ORDER BY id";

/// The order is that of the index, so that no more rows are read than are answered.
const BY_IDENTITY_PROVIDER: &str = "
    SELECT id, revision FROM vouchsafe_connections
    WHERE identity_provider = ?1 AND assertion_consumer = ?2 ORDER BY is_inactive, id LIMIT ?3";

/// The length of metadata is known without reading it.
const TOTALS: &str = "
    SELECT state, length(metadata) FROM vouchsafe_connections WHERE organization = ? AND id <> ?";

const WRITE: &str = "
    INSERT INTO vouchsafe_connections (id, organization, state, is_inactive, identity_provider, assertion_consumer,
        token_required, metadata, source, fetched_at, settings, revision)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, is_inactive = excluded.is_inactive,
        assertion_consumer = excluded.assertion_consumer, token_required = excluded.token_required,
        metadata = excluded.metadata, source = excluded.source, fetched_at = excluded.fetched_at,
        settings = excluded.settings, revision = excluded.revision";

type Row = (String, String, String, String, Vec<u8>, String, i64, String, i64);

impl ConnectionStore for Sqlite {
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        Box::pin(async move { read(&mut *self.pool.acquire().await.or_failed()?, id).await })
    }

    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>> {
        Box::pin(async move {
            let revision = self.look_ups.find(Wanted::Revision(id.as_str().to_owned())).await?;
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
        Box::pin(async move {
            let found: Vec<(String, i64)> = sqlx::query_as(BY_IDENTITY_PROVIDER)
                .bind(identity_provider.as_str())
                .bind(assertion_consumer.unwrap_or_default())
                .bind(i64::try_from(most).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await
                .or_failed()?;
            let read = |(id, revision): (String, i64)| {
                Ok(ConnectionRevision::new(connection_id(id)?, revision.unsigned_abs()))
            };
            found.into_iter().map(read).collect()
        })
    }

    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        Box::pin(async move { read_all(&mut *self.pool.acquire().await.or_failed()?, organization).await })
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        let first = connection.first();
        let records = AuditRecord::of_connection(None, &first, author);
        self.write(move |connection| {
            Box::pin(async move {
                others_of(connection, &first).await?.require_room(None, &first)?;
                let revision = add(connection, &first).await?;
                connection.run(writes::audit(Batch::default(), &records?)?).await?;
                Ok(revision)
            })
        })
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        let (changed, author) = (connection.clone(), author.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let before = read(connection, &changed.id).await?;
                let before = before.ok_or_else(|| StoreError::connection_unknown(&changed.id))?;
                let next = changed.in_place_of(&before)?;
                others_of(connection, &next).await?.require_room(Some(&before), &next)?;
                let revision = write(connection, &next).await?;
                if next.is_retired_since(&before) {
                    sessions::end_over(connection, std::slice::from_ref(&next.id)).await?;
                }
                let records = AuditRecord::of_connection(Some(&before), &next, &author)?;
                connection.run(writes::audit(Batch::default(), &records)?).await?;
                Ok(revision)
            })
        })
    }
}

pub(super) async fn read(
    connection: &mut SqliteConnection,
    id: &ConnectionId,
) -> Result<Option<StoredConnection>, StoreError> {
    let row: Option<Row> =
        sqlx::query_as(BY_ID).bind(id.as_str()).fetch_optional(connection).await.or_failed()?;
    row.map(stored).transpose()
}

/// Those of an organization.
pub(super) async fn read_all(
    connection: &mut SqliteConnection,
    organization: &OrganizationId,
) -> Result<Vec<StoredConnection>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(BY_ORGANIZATION)
        .bind(organization.as_str())
        .fetch_all(connection)
        .await
        .or_failed()?;
    rows.into_iter().map(stored).collect()
}

/// What the other connections of its organization amount to.
async fn others_of(
    connection: &mut SqliteConnection,
    stored: &StoredConnection,
) -> Result<ConnectionTotals, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(TOTALS)
        .bind(stored.organization.as_str())
        .bind(stored.id.as_str())
        .fetch_all(connection)
        .await
        .or_failed()?;
    let mut totals = ConnectionTotals::default();
    for (state, octets) in rows {
        totals.count(state_named(&state)?, usize::try_from(octets).unwrap_or_default());
    }
    Ok(totals)
}

pub(super) async fn decide(
    connection: &mut SqliteConnection,
    decision: ConnectionDecision,
) -> Result<OrganizationConnections, SignInError> {
    let id = decision.organization().clone();
    let organization = rows::organization_alone(connection, &id).await?.organization;
    let before = OrganizationConnections::new(organization, read_all(connection, &id).await?);
    let decided = decision.decide(&before)?;
    for added in &decided.added {
        add(connection, added).await?;
    }
    for changed in &decided.changed {
        write(connection, changed).await?;
    }
    rows::changed(connection, &id).await?;
    let batch = rows::put_organization(Batch::default(), decided.organization())?;
    connection.run(writes::audit(batch, &decided.audit)?).await?;
    sessions::end_over(connection, &decided.ends_sessions_over).await?;
    Ok(decided.into_answer())
}

/// Inserts a connection whose name was not used before.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    first: &StoredConnection,
) -> Result<u64, StoreError> {
    const THERE: &str = "SELECT 1 FROM vouchsafe_connections WHERE id = ?";
    if rows::is_there(connection, THERE, first.id.as_str()).await? {
        return Err(StoreError::taken("the connection's id"));
    }
    write(connection, first).await
}

/// Inserts or replaces a connection. Answers its revision.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    stored: &StoredConnection,
) -> Result<u64, StoreError> {
    sqlx::query(WRITE)
        .bind(stored.id.as_str())
        .bind(stored.organization.as_str())
        .bind(stored.state.name())
        .bind(stored.state != ConnectionState::Active)
        .bind(stored.identity_provider.as_str())
        .bind(stored.settings.sign_in.own_assertion_consumer().unwrap_or_default())
        .bind(stored.settings.token_required)
        .bind(&*stored.metadata.document)
        .bind(rows::to_json("source of metadata", &stored.metadata.source)?)
        .bind(stored.metadata.fetched_at.timestamp_millis())
        .bind(rows::to_json("settings of a connection", &stored.settings)?)
        .bind(i64::try_from(stored.revision).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .or_failed()?;
    Ok(stored.revision)
}

fn stored(row: Row) -> Result<StoredConnection, StoreError> {
    let (id, organization, state, identity_provider, document, source, fetched_at, settings, revision) = row;
    let damaged = |what| StoreError::damaged("connection", what);
    let fetched_at = DateTime::from_timestamp_millis(fetched_at).ok_or_else(|| damaged("fetched_at"))?;
    let source = rows::from_json("source of metadata", &source)?;
    let identity_provider = EntityId::new(identity_provider).map_err(|_| damaged("identity_provider"))?;
    let metadata = ConnectionMetadata::new(document, source, fetched_at);
    let mut stored = StoredConnection::new(
        connection_id(id)?,
        OrganizationId::new(organization),
        identity_provider,
        metadata,
    );
    stored.state = state_named(&state)?;
    stored.settings = rows::from_json("settings of a connection", &settings)?;
    stored.revision = revision.unsigned_abs();
    Ok(stored)
}

fn state_named(state: &str) -> Result<ConnectionState, StoreError> {
    ConnectionState::from_name(state).ok_or_else(|| StoreError::damaged("connection", "state"))
}

fn connection_id(id: String) -> Result<ConnectionId, StoreError> {
    ConnectionId::new(id).map_err(|_| StoreError::damaged("connection", "id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neither all connections to an identity provider nor all drafts are read to find the first few.
    #[tokio::test]
    async fn the_index_gives_the_order() {
        let store = Sqlite::in_memory().await.unwrap();
        let steps = store.steps_of(BY_IDENTITY_PROVIDER).await;
        let by_index = "USING INDEX vouchsafe_connections_by_identity_provider";
        assert!(steps.len() == 1 && steps.concat().contains(by_index), "{steps:?}");
    }
}
