//! Rows of connections.

use chrono::DateTime;
use vouchsafe::{ConnectionId, ConnectionState, EntityId, provisioning::OrganizationId};

use super::{Batch, Engine, Row, Runs, Transaction, rows, run_one};
use crate::{ConnectionMetadata, ConnectionOutline, MetadataSource, StoreError, StoredConnection};

pub(super) const BY_ID: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision, staged, staged_at, refused, older_since,
        signer, staged_signer, record_budget, writes
    FROM vouchsafe_connections WHERE id = ?";

pub(super) const OUTLINE: &str =
    "SELECT id, organization, state, settings FROM vouchsafe_connections WHERE id = ?";

pub(super) const BY_ORGANIZATION: &str = "
    SELECT id, organization, state, identity_provider, metadata, source, fetched_at, settings, revision, staged, staged_at, refused, older_since,
        signer, staged_signer, record_budget, writes
    FROM vouchsafe_connections WHERE organization = ? ORDER BY id";

/// A connection as it was read, and how often its row was written.
pub(super) struct Read {
    pub(super) stored: StoredConnection,
    pub(super) writes: i64,
}

pub(super) async fn read(engine: &impl Engine, id: &ConnectionId) -> Result<Read, StoreError> {
    let found = engine.ask(Batch::of(BY_ID).bind(id.as_str())).await?;
    Read::of(found.rows.first().ok_or_else(|| StoreError::connection_unknown(id))?)
}

/// The owner and the state of a stored connection.
pub(super) async fn owner_and_state(
    runs: &mut dyn Transaction,
    id: &ConnectionId,
) -> Result<Option<(OrganizationId, ConnectionState)>, StoreError> {
    const OWNER_AND_STATE: &str = "SELECT organization, state FROM vouchsafe_connections WHERE id = ?";
    let answered = run_one(runs, Batch::of(OWNER_AND_STATE).bind(id.as_str())).await?;
    let read = |row: &Row| Ok((OrganizationId::new(row.text(0)?), state_named(row.text(1)?)?));
    answered.rows.first().map(read).transpose()
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

/// A connection from its row.
pub(super) fn stored(row: &Row) -> Result<StoredConnection, StoreError> {
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

/// The outline of a connection from its row.
pub(super) fn outline(row: &Row) -> Result<ConnectionOutline, StoreError> {
    let (id, organization) = (connection_id(row.text(0)?)?, OrganizationId::new(row.text(1)?));
    let settings = rows::from_json("settings of a connection", row.text(3)?)?;
    Ok(ConnectionOutline::new(id, organization, state_named(row.text(2)?)?, settings))
}

pub(super) fn state_named(state: &str) -> Result<ConnectionState, StoreError> {
    ConnectionState::from_name(state).ok_or_else(|| StoreError::damaged("connection", "state"))
}

pub(super) fn connection_id(id: &str) -> Result<ConnectionId, StoreError> {
    ConnectionId::new(id).map_err(|_| StoreError::damaged("connection", "id"))
}
