//! Connections in SQL.

use chrono::DateTime;
use vouchsafe::{ConnectionId, ConnectionState, EntityId, assertion::SourceId, provisioning::OrganizationId};

use super::{
    Batch, Engine, Row, Runs, Transaction, Wanted, key_history, locks, rows, run_one, scim, sessions,
    sources, writes,
};
use crate::{
    Answer, AuditRecord, Author, ConnectionDecision, ConnectionMetadata, ConnectionOutline,
    ConnectionRevision, ConnectionStore, ConnectionTotals, MetadataSource, OrganizationConnections,
    SignInError, StoreError, StoredConnection,
};

const BY_ID: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision, staged, staged_at, refused, older_since,
        signer, staged_signer
    FROM vouchsafe_connections WHERE id = ?";

const OUTLINE: &str = "SELECT id, organization, state, settings FROM vouchsafe_connections WHERE id = ?";

const BY_ORGANIZATION: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision, staged, staged_at, refused, older_since,
        signer, staged_signer
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

/// The length of the metadata is found without reading it.
const TOTALS: &str = "
    SELECT state, CAST(length(metadata) + length(staged) AS BIGINT) FROM vouchsafe_connections WHERE organization = ? AND id <> ?";

const ADD: &str = "
    INSERT INTO vouchsafe_connections (state, is_inactive, identity_provider, assertion_consumer,
        token_required, metadata, source, fetched_at, settings, revision, staged, staged_at, refused,
        older_since, signer, staged_signer, organization, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const CHANGE: &str = "
    UPDATE vouchsafe_connections SET state = ?, is_inactive = ?, identity_provider = ?, assertion_consumer = ?,
        token_required = ?, metadata = ?, source = ?, fetched_at = ?, settings = ?, revision = ?,
        staged = ?, staged_at = ?, refused = ?, older_since = ?, signer = ?, staged_signer = ?
    WHERE organization = ? AND id = ?";

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
            let answered = self.ask(Batch::of(BY_ORGANIZATION).bind(organization.as_str())).await?;
            answered.rows.iter().map(stored).collect()
        })
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        let first = connection.first();
        let records = AuditRecord::of_connection(None, &first, author);
        self.write::<u64, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                locks::connections(turn, &first.organization).await?;
                others_of(turn, &first).await?.require_room(None, &first)?;
                let batch = write(sources::note([&first]), &first, true)?;
                turn.run(writes::audit(batch, &records?)?).await?;
                Ok(first.revision)
            })
        }))
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        let (changed, author) = (connection.clone(), author.clone());
        self.write::<u64, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                // A retired connection's sessions end, so nobody may sign in meanwhile.
                locks::organization(turn, &changed.organization).await?;
                locks::connections(turn, &changed.organization).await?;
                let before = read(turn, &changed.id).await?;
                let next = changed.in_place_of(&before)?;
                others_of(turn, &next).await?.require_room(Some(&before), &next)?;
                let mut batch = write(sources::note([&next]), &next, false)?;
                if next.is_retired_since(&before) {
                    let retired = std::slice::from_ref(&next.id);
                    batch = retire(turn, batch, retired, &author).await?;
                    batch = sessions::end_over(batch, retired);
                }
                let records = AuditRecord::of_connection(Some(&before), &next, &author)?;
                turn.run(writes::audit(batch, &records)?).await?;
                Ok(next.revision)
            })
        }))
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        let renewed = connection.clone();
        self.write::<(), StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                locks::connections(turn, &renewed.organization).await?;
                let before = read(turn, &renewed.id).await?;
                let next = renewed.renewed_in_place_of(&before)?;
                others_of(turn, &next).await?.require_room(Some(&before), &next)?;
                turn.run(write(sources::note([&next]), &next, false)?).await?;
                Ok(())
            })
        }))
    }
}

async fn read(runs: &mut dyn Runs, id: &ConnectionId) -> Result<StoredConnection, StoreError> {
    let found = run_one(runs, Batch::of(BY_ID).bind(id.as_str())).await?;
    found.rows.first().map(stored).transpose()?.ok_or_else(|| StoreError::connection_unknown(id))
}

/// The totals of the other connections of its organization.
async fn others_of(runs: &mut dyn Runs, stored: &StoredConnection) -> Result<ConnectionTotals, StoreError> {
    let asked = Batch::of(TOTALS).bind(stored.organization.as_str()).bind(stored.id.as_str());
    let mut totals = ConnectionTotals::default();
    for row in &run_one(runs, asked).await?.rows {
        totals.count(state_named(row.text(0)?)?, usize::try_from(row.integer(1)?).unwrap_or_default());
    }
    Ok(totals)
}

/// Whether a stored connection is retired.
pub(super) async fn is_retired(runs: &mut dyn Transaction, id: &ConnectionId) -> Result<bool, StoreError> {
    const STATE: &str = "SELECT state FROM vouchsafe_connections WHERE id = ?";
    let answered = run_one(runs, Batch::of(STATE).bind(id.as_str())).await?;
    let state = answered.rows.first().map(|row| state_named(row.text(0)?)).transpose()?;
    Ok(state == Some(ConnectionState::Retired))
}

pub(super) async fn decide(
    turn: &mut dyn Transaction,
    decision: ConnectionDecision,
) -> Result<OrganizationConnections, SignInError> {
    let (id, author) = (decision.organization().clone(), decision.author().clone());
    locks::organization(turn, &id).await?;
    locks::connections(turn, &id).await?;
    let organization = rows::organization_alone(turn, &id).await?.organization;
    let connections = run_one(turn, Batch::of(BY_ORGANIZATION).bind(id.as_str())).await?;
    let connections = connections.rows.iter().map(stored).collect::<Result<_, _>>()?;
    let decided = decision.decide(&OrganizationConnections::new(organization, connections))?;
    let mut batch = sources::note(decided.added.iter().chain(&decided.changed));
    for added in &decided.added {
        batch = write(batch, added, true)?;
    }
    for changed in &decided.changed {
        batch = write(batch, changed, false)?;
    }
    let batch = retire(turn, batch, &decided.retired, &author).await?;
    rows::changed(turn, &id).await?;
    let batch = rows::put_organization(batch, decided.organization())?;
    let batch = writes::audit(batch, &decided.audit)?;
    turn.run(sessions::end_over(batch, &decided.ends_sessions_over)).await?;
    Ok(decided.into_answer())
}

/// Waits for the sign-ins over the retired connections, and ends their SCIM tokens. Their sessions may be kept.
async fn retire(
    turn: &mut dyn Transaction,
    batch: Batch,
    retired: &[ConnectionId],
    author: &Author,
) -> Result<Batch, StoreError> {
    locks::retired(turn, retired).await?;
    let mut batch = batch;
    for id in retired {
        batch = scim::end_tokens(turn, batch, id, author).await?;
    }
    Ok(batch)
}

/// Inserts a connection whose id was not used before, or changes an existing one.
pub(super) fn write(batch: Batch, stored: &StoredConnection, is_new: bool) -> Result<Batch, StoreError> {
    let batch = match is_new {
        true => batch.then(ADD).if_taken("the connection's id"),
        false => batch.then(CHANGE),
    };
    let staged = stored.staged.as_ref();
    let batch = batch
        .bind(stored.state.name())
        .bind(stored.state != ConnectionState::Active)
        .bind(stored.identity_provider.as_str())
        .bind(stored.settings.sign_in.own_assertion_consumer().unwrap_or_default())
        .bind(stored.settings.token_required)
        .bind(&*stored.metadata.document)
        .bind(rows::to_json("source of metadata", &stored.metadata.source)?)
        .bind(stored.metadata.fetched_at.timestamp_millis())
        .bind(rows::to_json("settings of a connection", &stored.settings)?)
        .bind(stored.revision)
        .bind(staged.map_or(&[][..], |staged| &*staged.document))
        .bind(staged.map_or(0, |staged| staged.fetched_at.timestamp_millis()))
        .bind(rows::to_json("refused metadata", &stored.refused)?)
        .bind(stored.older_since.map_or(0, |since| since.timestamp_millis()))
        .bind(stored.metadata.signer.as_deref().unwrap_or_default())
        .bind(staged.and_then(|staged| staged.signer.as_deref()).unwrap_or_default())
        .bind(stored.organization.as_str())
        .bind(stored.id.as_str());
    Ok(key_history::see_keys_of(batch, stored))
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
