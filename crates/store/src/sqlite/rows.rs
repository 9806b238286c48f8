//! Rows of the directory: reading and writing them on a connection that is in a transaction.

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::SqliteConnection;
use vouchsafe::provisioning::{
    Account, AccountId, Domain, EmailAddress, Identity, LookUp, Organization, OrganizationId, Policy,
    Project, Role, Snapshot, Team, TeamId,
};

use super::{OrFailed as _, index};
use crate::{StoreError, Versioned, directory::parsed_policy, text::folded};

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

const NAMED: &str = "
    SELECT 1, record FROM vouchsafe_teams
    WHERE organization = ?1 AND name IN (SELECT value FROM json_each(?2))
    UNION ALL
    SELECT 2, record FROM vouchsafe_projects
    WHERE organization = ?1 AND name IN (SELECT value FROM json_each(?2))";

/// The teams and projects of these names.
pub(super) async fn load_named(
    connection: &mut SqliteConnection,
    names: &BTreeSet<String>,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    let found: Vec<(i64, String)> = sqlx::query_as(NAMED)
        .bind(snapshot.organization.id.as_str())
        .bind(to_json("look-up", names)?)
        .fetch_all(connection)
        .await
        .or_failed()?;
    let (teams, projects) = of_two_kinds(found);
    snapshot.teams = all_from_json("team", &teams)?;
    snapshot.projects = all_from_json("project", &projects)?;
    Ok(())
}

/// The teams that the accounts are in, beside those that are there.
pub(super) async fn load_teams_of_accounts(
    connection: &mut SqliteConnection,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    const TEAMS: &str = "SELECT record FROM vouchsafe_teams
        WHERE organization = ?1 AND id IN (SELECT value FROM json_each(?2)) ORDER BY rowid";
    let memberships = snapshot.accounts.iter().flat_map(|account| &account.memberships);
    let missing: BTreeSet<TeamId> = memberships
        .map(|membership| membership.team.clone())
        .filter(|team| snapshot.team(team).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let teams = sqlx::query_scalar(TEAMS)
        .bind(snapshot.organization.id.as_str())
        .bind(to_json("look-up", &missing)?)
        .fetch_all(connection)
        .await
        .or_failed()?;
    snapshot.teams.extend(all_from_json::<Team>("team", &teams)?);
    Ok(())
}

/// The rows of the first kind, and the others.
fn of_two_kinds(rows: Vec<(i64, String)>) -> (Vec<String>, Vec<String>) {
    let (first, second): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(kind, _)| *kind == 1);
    let texts = |rows: Vec<(i64, String)>| rows.into_iter().map(|(_, text)| text).collect();
    (texts(first), texts(second))
}

pub(super) async fn load_account(
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

const MEANT: &str = "
    SELECT 1, record FROM vouchsafe_accounts WHERE organization = ?1 AND email IN (SELECT value FROM json_each(?2))
    UNION
    SELECT 1, record FROM vouchsafe_accounts WHERE organization = ?1 AND id IN (
        SELECT account FROM vouchsafe_identities
        WHERE organization = ?1 AND identity IN (SELECT value FROM json_each(?3)))
    UNION ALL
    SELECT 2, domain FROM vouchsafe_domains WHERE organization <> ?1 AND domain IN (SELECT value FROM json_each(?4))";

/// The accounts that a login could mean, how many seats are taken where it matters, and which of its domains are another's.
pub(super) async fn load_meant_accounts(
    connection: &mut SqliteConnection,
    look_up: &LookUp,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    let emails: Vec<&str> = look_up.emails.iter().map(EmailAddress::compared).collect();
    let identities: Vec<String> = look_up.identities.iter().map(Identity::key).collect();
    let organization = snapshot.organization.id.clone();
    let found: Vec<(i64, String)> = sqlx::query_as(MEANT)
        .bind(organization.as_str())
        .bind(to_json("look-up", &emails)?)
        .bind(to_json("look-up", &identities)?)
        .bind(to_json("look-up", &look_up.domains())?)
        .fetch_all(&mut *connection)
        .await
        .or_failed()?;
    let (accounts, domains) = of_two_kinds(found);
    snapshot.accounts = all_from_json("account", &accounts)?;
    snapshot.domains_of_others = parsed_domains(&domains)?;
    // Nobody asks for the number where there is no limit, and counting reads a row for each.
    if snapshot.organization.seat_limit.is_some() {
        let seats: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM vouchsafe_accounts WHERE organization = ? AND active = 1",
        )
        .bind(organization.as_str())
        .fetch_one(&mut *connection)
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

/// Whether the hash was not there.
pub(super) async fn insert_once(
    connection: &mut SqliteConnection,
    hash: &str,
    expires_at: i64,
) -> Result<bool, StoreError> {
    let inserted =
        sqlx::query("INSERT INTO vouchsafe_replays (hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(hash)
            .bind(expires_at)
            .execute(connection)
            .await
            .or_failed()?;
    Ok(inserted.rows_affected() == 1)
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
    parsed_domains(&found)
}

fn parsed_domains(domains: &[String]) -> Result<BTreeSet<Domain>, StoreError> {
    let parsed = domains.iter().map(|domain| Domain::parse(domain));
    parsed.map(|domain| domain.map_err(|error| StoreError::damaged("domain", error))).collect()
}

/// The parameters have no numbers: sqlx counts them from one statement to the next.
const PUT_ACCOUNT: &str = "
    INSERT INTO vouchsafe_accounts (id, organization, email, active, is_owner, record)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET email = excluded.email, active = excluded.active,
    is_owner = excluded.is_owner, record = excluded.record WHERE organization = excluded.organization;
    DELETE FROM vouchsafe_identities WHERE account = ?;
    INSERT INTO vouchsafe_identities (organization, account, identity) SELECT ?, ?, value FROM json_each(?)";

pub(super) async fn put_account(
    connection: &mut SqliteConnection,
    account: &Account,
) -> Result<(), StoreError> {
    let identities: Vec<String> = account.identities.iter().map(Identity::key).collect();
    sqlx::query(PUT_ACCOUNT)
        .bind(account.id.as_str())
        .bind(account.organization.as_str())
        .bind(EmailAddress::key_of(&account.email))
        .bind(account.is_active())
        .bind(account.role == Role::Owner)
        .bind(to_json("account", account)?)
        .bind(account.id.as_str())
        .bind(account.organization.as_str())
        .bind(account.id.as_str())
        .bind(to_json("identities", &identities)?)
        .execute(connection)
        .await
        .or_failed()?;
    Ok(())
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

pub(super) async fn put_team(connection: &mut SqliteConnection, team: &Team) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO vouchsafe_teams (id, organization, name, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET organization = excluded.organization, name = excluded.name,
         record = excluded.record",
    )
    .bind(team.id.as_str())
    .bind(team.organization.as_str())
    .bind(folded(&team.name))
    .bind(to_json("team", team)?)
    .execute(connection)
    .await
    .or_failed()?;
    Ok(())
}

pub(super) async fn put_project(
    connection: &mut SqliteConnection,
    project: &Project,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO vouchsafe_projects (id, organization, name, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET organization = excluded.organization, name = excluded.name,
         record = excluded.record",
    )
    .bind(project.id.as_str())
    .bind(project.organization.as_str())
    .bind(folded(&project.name))
    .bind(to_json("project", project)?)
    .execute(connection)
    .await
    .or_failed()?;
    Ok(())
}

/// Writes an organization that is there already.
pub(super) async fn put_organization(
    connection: &mut SqliteConnection,
    organization: &Organization,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE vouchsafe_organizations SET slug = ?, record = ? WHERE id = ?")
        .bind(&organization.slug)
        .bind(to_json("organization", organization)?)
        .bind(organization.id.as_str())
        .execute(&mut *connection)
        .await
        .or_failed()
        .map_err(unique("the organization's slug"))?;
    index::put(connection, organization).await
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

pub(super) async fn version(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<u64, StoreError> {
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM vouchsafe_organizations WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .or_failed()?;
    let version = version.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
    Ok(version.unsigned_abs())
}

/// What a failed uniqueness means.
pub(super) fn unique(what: &'static str) -> impl Fn(StoreError) -> StoreError {
    move |failure| match &failure {
        StoreError::Backend { source } if is_unique_violation(source.as_ref()) => StoreError::Taken { what },
        _ => failure,
    }
}

fn is_unique_violation(source: &(dyn std::error::Error + 'static)) -> bool {
    let answer = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    answer.is_some_and(|answer| answer.is_unique_violation())
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
