//! Rows of the directory: reading and writing them on a connection that is in a transaction.

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use vouchsafe::provisioning::{Account, AccountId, Domain, Organization, OrganizationId, Policy, Snapshot};

use super::{OrFailed as _, batch::Batch, index};
use crate::{StoreError, Versioned, directory::parsed_policy};

pub(super) fn to_json(what: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unreadable(what, &error))
}

pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// Where a record cannot be read. The text of the error would repeat what is stored there.
fn unreadable(what: &'static str, error: &serde_json::Error) -> StoreError {
    let (line, column) = (error.line(), error.column());
    StoreError::damaged(what, format!("{:?} error at line {line}, column {column}", error.classify()))
}

pub(super) async fn organization(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<Option<Versioned<Organization>>, StoreError> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT record, version FROM vouchsafe_organizations WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
            .or_failed()?;
    row.map(|(record, version)| {
        Ok(Versioned::new(from_json("organization", &record)?, version.unsigned_abs()))
    })
    .transpose()
}

/// An organization without accounts, teams and projects.
pub(super) async fn organization_alone(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<Snapshot, StoreError> {
    let found = organization(connection, id).await?;
    let found = found.ok_or_else(|| StoreError::organization_unknown(id))?;
    let mut snapshot = Snapshot::new(found.value);
    snapshot.version = found.version;
    Ok(snapshot)
}

/// The same, with its policy.
pub(super) async fn organization_and_policy(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<(Snapshot, Policy), StoreError> {
    let row: Option<(String, i64, Option<String>)> =
        sqlx::query_as("SELECT record, version, policy FROM vouchsafe_organizations WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
            .or_failed()?;
    let (record, version, policy) = row.ok_or_else(|| StoreError::organization_unknown(id))?;
    let mut snapshot = Snapshot::new(from_json("organization", &record)?);
    snapshot.version = version.unsigned_abs();
    Ok((snapshot, parsed_policy(id, policy.as_deref())?))
}

/// All of an organization.
pub(super) async fn whole(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<Snapshot, StoreError> {
    let mut snapshot = organization_alone(connection, id).await?;
    load_all_teams(connection, &mut snapshot).await?;
    let projects =
        sqlx::query_scalar("SELECT record FROM vouchsafe_projects WHERE organization = ? ORDER BY rowid")
            .bind(id.as_str())
            .fetch_all(&mut *connection)
            .await
            .or_failed()?;
    snapshot.projects = all_from_json("project", &projects)?;
    let groups =
        sqlx::query_scalar("SELECT record FROM vouchsafe_groups WHERE organization = ? ORDER BY rowid")
            .bind(id.as_str())
            .fetch_all(&mut *connection)
            .await
            .or_failed()?;
    snapshot.groups = all_from_json("group", &groups)?;
    let accounts =
        sqlx::query_scalar("SELECT record FROM vouchsafe_accounts WHERE organization = ? ORDER BY rowid")
            .bind(id.as_str())
            .fetch_all(connection)
            .await
            .or_failed()?;
    snapshot.accounts = all_from_json("account", &accounts)?;
    Ok(snapshot)
}

pub(super) async fn load_all_teams(
    connection: &mut SqliteConnection,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    let teams =
        sqlx::query_scalar("SELECT record FROM vouchsafe_teams WHERE organization = ? ORDER BY rowid")
            .bind(snapshot.organization.id.as_str())
            .fetch_all(connection)
            .await
            .or_failed()?;
    snapshot.teams = all_from_json("team", &teams)?;
    Ok(())
}

async fn load_account(
    connection: &mut SqliteConnection,
    account: &AccountId,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    let found = sqlx::query_scalar("SELECT record FROM vouchsafe_accounts WHERE id = ? AND organization = ?")
        .bind(account.as_str())
        .bind(snapshot.organization.id.as_str())
        .fetch_all(connection)
        .await
        .or_failed()?;
    snapshot.accounts.extend(all_from_json::<Account>("account", &found)?);
    Ok(())
}

/// What a change about an account is decided on: it, and every active owner.
pub(super) async fn load_account_and_owners(
    connection: &mut SqliteConnection,
    account: &AccountId,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    load_account(connection, account, snapshot).await?;
    let owners = sqlx::query_scalar(
        "SELECT record FROM vouchsafe_accounts
         WHERE organization = ? AND active = 1 AND is_owner = 1 AND id <> ?",
    )
    .bind(snapshot.organization.id.as_str())
    .bind(account.as_str())
    .fetch_all(&mut *connection)
    .await
    .or_failed()?;
    snapshot.accounts.extend(all_from_json::<Account>("account", &owners)?);
    Ok(())
}

/// How many seats are taken. Nobody asks for the number where there is no limit, and counting reads a row for each.
pub(super) async fn load_seats(
    connection: &mut SqliteConnection,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    if snapshot.organization.seat_limit.is_some() {
        let seats: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM vouchsafe_accounts WHERE organization = ? AND active = 1",
        )
        .bind(snapshot.organization.id.as_str())
        .fetch_one(connection)
        .await
        .or_failed()?;
        snapshot.seats_taken = Some(u32::try_from(seats).unwrap_or(u32::MAX));
    }
    Ok(())
}

pub(super) async fn policy(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<Policy, StoreError> {
    let toml: Option<Option<String>> =
        sqlx::query_scalar("SELECT policy FROM vouchsafe_organizations WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
            .or_failed()?;
    let toml = toml.ok_or_else(|| StoreError::organization_unknown(id))?;
    parsed_policy(id, toml.as_deref())
}

/// Records a hash, if it is not there: then one row is changed.
pub(super) fn insert_once(hash: &str, expires_at: i64) -> Batch {
    Batch::of("INSERT INTO vouchsafe_replays (hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(hash)
        .bind(expires_at)
}

pub(super) async fn remove_pending(
    connection: &mut SqliteConnection,
    handle: &str,
) -> Result<bool, StoreError> {
    let removed = sqlx::query("DELETE FROM vouchsafe_pending WHERE handle = ?")
        .bind(handle)
        .execute(connection)
        .await
        .or_failed()?;
    Ok(removed.rows_affected() == 1)
}

fn all_from_json<T: DeserializeOwned>(what: &'static str, records: &[String]) -> Result<Vec<T>, StoreError> {
    records.iter().map(|record| from_json(what, record)).collect()
}

/// Between the records that stand in one column: a character that JSON has nowhere as it is.
pub(super) const BETWEEN_RECORDS: char = '\u{1e}';

/// The records in a column.
pub(super) fn records<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    let records: Option<&str> = row.try_get(column).or_failed()?;
    let records = records.into_iter().flat_map(|records| records.split(BETWEEN_RECORDS));
    records.map(|record| from_json(what, record)).collect()
}

/// Those of some domains that another organization than this one has verified.
pub(super) async fn of_others(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
    domains: &BTreeSet<Domain>,
) -> Result<BTreeSet<Domain>, StoreError> {
    if domains.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT domain FROM vouchsafe_domains WHERE organization <> ? AND domain IN (SELECT value FROM json_each(?))",
    )
    .bind(id.as_str())
    .bind(to_json("look-up", domains)?)
    .fetch_all(connection)
    .await.or_failed()?;
    parsed_domains(found.iter().map(String::as_str))
}

pub(super) fn parsed_domains<'d>(
    domains: impl Iterator<Item = &'d str>,
) -> Result<BTreeSet<Domain>, StoreError> {
    let parsed = domains.map(Domain::parse);
    parsed.map(|domain| domain.map_err(|error| StoreError::damaged("domain", error))).collect()
}

/// Whether one of these ids is taken, in whatever organization.
pub(super) async fn is_there(
    connection: &mut SqliteConnection,
    query: &'static str,
    id: &str,
) -> Result<bool, StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar(query).bind(id).fetch_optional(connection).await.or_failed()?;
    Ok(found.is_some())
}

/// Writes an organization that is there already.
pub(super) fn put_organization(batch: Batch, organization: &Organization) -> Result<Batch, StoreError> {
    let batch = batch
        .then("UPDATE vouchsafe_organizations SET slug = ?, record = ? WHERE id = ?")
        .if_taken("the organization's slug")
        .bind(Organization::slug_key(&organization.slug))
        .bind(to_json("organization", organization)?)
        .bind(organization.id.as_str());
    index::put(batch, organization)
}

/// Moves an organization that is still at this version to the next, which is answered.
pub(super) async fn next_version(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
    expected: u64,
) -> Result<u64, StoreError> {
    let actual = version(connection, id).await?;
    if actual != expected {
        return Err(StoreError::Conflict { organization: id.clone(), expected, actual });
    }
    changed(connection, id).await
}

/// Moves an organization to the next version, which is answered.
pub(super) async fn changed(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<u64, StoreError> {
    let next: Option<i64> = sqlx::query_scalar(
        "UPDATE vouchsafe_organizations SET version = version + 1 WHERE id = ? RETURNING version",
    )
    .bind(id.as_str())
    .fetch_optional(connection)
    .await
    .or_failed()?;
    let next = next.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
    Ok(next.unsigned_abs())
}

async fn version(connection: &mut SqliteConnection, id: &OrganizationId) -> Result<u64, StoreError> {
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM vouchsafe_organizations WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .or_failed()?;
    let version = version.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
    Ok(version.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_unreadable_record_holds_is_not_repeated() {
        for record in [r#"{"id": "1", "organization": ["ada@example.com"]}"#, r#""ada@example.com""#, "{"] {
            let failure = from_json::<Account>("account", record).unwrap_err();
            assert_eq!(failure.code(), "store.damaged");
            assert!(!format!("{failure} {failure:?}").contains("ada@"), "{failure}");
            assert!(failure.to_string().contains("line 1, column"), "{failure}");
        }
    }
}
