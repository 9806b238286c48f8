//! Rows of the tokens with which identity providers use SCIM.

use chrono::DateTime;
use vouchsafe::{ConnectionId, ConnectionState, provisioning::TokenHash};

use super::{Batch, Row, Runs, Transaction, connection_rows::state_named, rows, run_one, writes};
use crate::{AuditRecord, Author, ScimToken, StoreError};

/// The token with this hash, and the state of its connection if it is stored. Whoever ends a token or changes the state
/// locks the organization, as a decision does.
pub(super) async fn token_and_state(
    turn: &mut dyn Transaction,
    hash: &TokenHash,
) -> Result<(Option<ScimToken>, Option<ConnectionState>), StoreError> {
    const TOKEN_AND_STATE: &str = "
        SELECT token.record, token.last_used_at, connection.state FROM vouchsafe_scim_tokens AS token
        LEFT JOIN vouchsafe_connections AS connection ON connection.id = token.connection
        WHERE token.hash = ?";
    let answered = run_one(turn, Batch::of(TOKEN_AND_STATE).bind(hash.to_hex())).await?;
    let Some(row) = answered.rows.first() else { return Ok((None, None)) };
    Ok((Some(token(row)?), row.optional_text(2)?.map(state_named).transpose()?))
}

/// The SCIM tokens of a connection.
pub(super) async fn tokens_of(
    runs: &mut (impl Runs + ?Sized),
    connection: &ConnectionId,
) -> Result<Vec<ScimToken>, StoreError> {
    const OF_CONNECTION: &str = "SELECT record, last_used_at FROM vouchsafe_scim_tokens WHERE connection = ?";
    let answered = run_one(runs, Batch::of(OF_CONNECTION).bind(connection.as_str())).await?;
    answered.rows.iter().map(token).collect()
}

/// Ends the SCIM tokens of a connection. The organization is locked.
pub(super) async fn end_tokens(
    turn: &mut dyn Transaction,
    batch: Batch,
    connection: &ConnectionId,
    author: &Author,
) -> Result<Batch, StoreError> {
    let mut batch = batch;
    for mut token in tokens_of(turn, connection).await? {
        if token.revoke(author.at) {
            batch = put_token(batch, &token)?;
            batch = writes::audit(batch, &AuditRecord::of_revoked_scim_token(&token, author))?;
        }
    }
    Ok(batch)
}

/// Writes a token again.
pub(super) fn put_token(batch: Batch, token: &ScimToken) -> Result<Batch, StoreError> {
    let batch = batch.then("UPDATE vouchsafe_scim_tokens SET record = ? WHERE hash = ?");
    Ok(batch.bind(rows::to_json("SCIM token", token)?).bind(token.record.hash.to_hex()))
}

/// A token from its row.
pub(super) fn token(row: &Row) -> Result<ScimToken, StoreError> {
    let mut token: ScimToken = rows::from_json("SCIM token", row.text(0)?)?;
    token.last_used_at = row.optional_integer(1)?.and_then(DateTime::from_timestamp_millis);
    Ok(token)
}
