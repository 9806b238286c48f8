//! Writes of one connection in SQL. Documents are read and compared before the transaction, which only checks that the row is
//! still the one that was read.

use vouchsafe::{ConnectionId, ConnectionState};

use super::{
    Batch, Engine, Runs, Transaction,
    connection_rows::{self, Read, state_named},
    key_history, locks, rows, run_one, scim_tokens, sessions, set_up_links, sources, writes,
};
use crate::{
    Author, ConnectionTotals, ConnectionWrite, StoreError, StoredConnection,
    connection_write::{ATTEMPTS, changed_meanwhile},
};

/// The length of the metadata is found without reading it.
const TOTALS: &str = "
    SELECT state, CAST(length(metadata) + length(staged) AS BIGINT) FROM vouchsafe_connections WHERE organization = ? AND id <> ?";

const ADD: &str = "
    INSERT INTO vouchsafe_connections (state, is_inactive, identity_provider, assertion_consumer,
        token_required, metadata, source, fetched_at, settings, revision, staged, staged_at, refused,
        older_since, signer, staged_signer, record_budget, organization, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const CHANGE: &str = "
    UPDATE vouchsafe_connections SET state = ?, is_inactive = ?, identity_provider = ?, assertion_consumer = ?,
        token_required = ?, metadata = ?, source = ?, fetched_at = ?, settings = ?, revision = ?,
        staged = ?, staged_at = ?, refused = ?, older_since = ?, signer = ?, staged_signer = ?,
        record_budget = ?, writes = writes + 1
    WHERE organization = ? AND id = ?";

pub(super) async fn add(
    engine: &impl Engine,
    connection: &StoredConnection,
    author: &Author,
) -> Result<u64, StoreError> {
    let ConnectionWrite { connection: first, records } = connection.first(author);
    let batch = writes::audit(write(sources::note([&first]), &first, true)?, &records)?;
    let (organization, author) = (first.organization.clone(), author.clone());
    engine
        .write_for::<u64, StoreError>(
            &organization,
            Box::new(move |turn| {
                Box::pin(async move {
                    set_up_links::require_open(turn, &author).await?;
                    locks::connections(turn, &first.organization).await?;
                    others_of(turn, &first).await?.require_room(None, &first)?;
                    turn.run(batch).await?;
                    Ok(first.revision)
                })
            }),
        )
        .await
}

/// Replaces a connection, or renews it if there is no author.
pub(super) async fn replace(
    engine: &impl Engine,
    connection: &StoredConnection,
    author: Option<&Author>,
) -> Result<u64, StoreError> {
    let _permit = engine.permit(&connection.organization).await?;
    for _ in 0..ATTEMPTS {
        let before = connection_rows::read(engine, &connection.id).await?;
        let ConnectionWrite { connection: next, records } = connection.replacing(&before.stored, author)?;
        let batch = write(sources::note([&next]), &next, false)?;
        let (author, revision) = (author.cloned(), next.revision);
        let is_written = engine
            .write::<bool, StoreError>(Box::new(move |turn| {
                Box::pin(async move {
                    if let Some(author) = &author {
                        set_up_links::require_open(turn, author).await?;
                        // A retired connection's sessions end, so nobody may sign in meanwhile.
                        locks::organization(turn, &next.organization).await?;
                    }
                    locks::connections(turn, &next.organization).await?;
                    if !is_still(turn, &before).await? {
                        return Ok(false);
                    }
                    others_of(turn, &next).await?.require_room(Some(&before.stored), &next)?;
                    let mut batch = batch;
                    if let Some(author) = author.filter(|_| next.is_retired_since(&before.stored)) {
                        let retired = std::slice::from_ref(&next.id);
                        batch = retire(turn, batch, retired, &author).await?;
                        batch = sessions::end_over(batch, retired);
                    }
                    turn.run(writes::audit(batch, &records)?).await?;
                    Ok(true)
                })
            }))
            .await?;
        if is_written {
            return Ok(revision);
        }
    }
    Err(changed_meanwhile())
}

/// Whether nobody has written the row since it was read. Its documents are not read again.
async fn is_still(runs: &mut dyn Runs, before: &Read) -> Result<bool, StoreError> {
    const STATE: &str = "SELECT revision, writes FROM vouchsafe_connections WHERE id = ?";
    let found = run_one(runs, Batch::of(STATE).bind(before.stored.id.as_str())).await?;
    let Some(row) = found.rows.first() else { return Ok(false) };
    Ok(row.integer(0)?.unsigned_abs() == before.stored.revision && row.integer(1)? == before.writes)
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

/// Waits for the sign-ins over the retired connections, and ends their SCIM tokens. Their sessions may be kept.
pub(super) async fn retire(
    turn: &mut dyn Transaction,
    batch: Batch,
    retired: &[ConnectionId],
    author: &Author,
) -> Result<Batch, StoreError> {
    locks::retired(turn, retired).await?;
    let mut batch = batch;
    for id in retired {
        batch = scim_tokens::end_tokens(turn, batch, id, author).await?;
    }
    Ok(batch)
}

/// Inserts a connection whose id was not used before, or changes an existing one. It reads the metadata for its keys, so it
/// is called before a transaction begins.
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
        .bind(rows::to_json("record budget", &stored.record_budget)?)
        .bind(stored.organization.as_str())
        .bind(stored.id.as_str());
    Ok(key_history::see_keys_of(batch, stored))
}
