//! Rows of the directory: reading and writing them on a connection that is in a transaction.

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::SqliteConnection;
use vouchsafe::provisioning::{
    Account, Domain, EmailAddress, Identity, LookUp, Organization, OrganizationId, Project, Snapshot, Team,
};

use crate::{StoreError, Versioned, text::folded};

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
    let row: Option<(String, i64)> = sqlx::query_as("SELECT record, version FROM organizations WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|(record, version)| {
        Ok(Versioned::new(from_json("organization", &record)?, version.unsigned_abs()))
    })
    .transpose()
}

/// One organization, with the accounts that are asked for.
pub(super) async fn snapshot(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
    look_up: Option<&LookUp>,
) -> Result<Snapshot, StoreError> {
    let found = organization(connection, id).await?;
    let found = found.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
    let mut snapshot = Snapshot::new(found.value);
    snapshot.version = found.version;
    let teams: Vec<String> =
        sqlx::query_scalar("SELECT record FROM teams WHERE organization = ? ORDER BY rowid")
            .bind(id.as_str())
            .fetch_all(&mut *connection)
            .await?;
    for record in &teams {
        snapshot.teams.push(from_json("team", record)?);
    }
    let projects: Vec<String> =
        sqlx::query_scalar("SELECT record FROM projects WHERE organization = ? ORDER BY rowid")
            .bind(id.as_str())
            .fetch_all(&mut *connection)
            .await?;
    for record in &projects {
        snapshot.projects.push(from_json("project", record)?);
    }
    match look_up {
        None => all_accounts(connection, &mut snapshot).await?,
        Some(look_up) => meant_accounts(connection, look_up, &mut snapshot).await?,
    }
    Ok(snapshot)
}

async fn all_accounts(connection: &mut SqliteConnection, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let records: Vec<String> =
        sqlx::query_scalar("SELECT record FROM accounts WHERE organization = ? ORDER BY rowid")
            .bind(snapshot.organization.id.as_str())
            .fetch_all(connection)
            .await?;
    for record in &records {
        snapshot.accounts.push(from_json("account", record)?);
    }
    Ok(())
}

/// The accounts that a login could mean, and how many seats there are with the others.
async fn meant_accounts(
    connection: &mut SqliteConnection,
    look_up: &LookUp,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    const MEANT: &str = "
        SELECT record FROM accounts WHERE organization = ?1 AND (
            email IN (SELECT value FROM json_each(?2))
            OR id IN (SELECT account FROM identities
                WHERE organization = ?1 AND identity IN (SELECT value FROM json_each(?3))))
        ORDER BY rowid";
    let emails: Vec<&str> = look_up.emails.iter().map(EmailAddress::compared).collect();
    let identities: Vec<String> = look_up.identities.iter().map(Identity::key).collect();
    let organization = snapshot.organization.id.clone();
    let records: Vec<String> = sqlx::query_scalar(MEANT)
        .bind(organization.as_str())
        .bind(to_json("look-up", &emails)?)
        .bind(to_json("look-up", &identities)?)
        .fetch_all(&mut *connection)
        .await?;
    for record in &records {
        snapshot.accounts.push(from_json("account", record)?);
    }
    let seats: i64 =
        sqlx::query_scalar("SELECT count(*) FROM accounts WHERE organization = ? AND active = 1")
            .bind(organization.as_str())
            .fetch_one(&mut *connection)
            .await?;
    snapshot.seats_taken = Some(u32::try_from(seats).unwrap_or(u32::MAX));
    let domains = look_up.domains().into_iter().cloned().collect();
    snapshot.domains_of_others = of_others(connection, &organization, &domains).await?;
    Ok(())
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
        "SELECT domain FROM domains WHERE organization <> ? AND domain IN (SELECT value FROM json_each(?))",
    )
    .bind(id.as_str())
    .bind(to_json("look-up", domains)?)
    .fetch_all(connection)
    .await?;
    found
        .iter()
        .map(|domain| Domain::parse(domain).map_err(|error| StoreError::damaged("domain", error)))
        .collect()
}

pub(super) async fn put_account(
    connection: &mut SqliteConnection,
    account: &Account,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO accounts (id, organization, email, active, record) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET organization = excluded.organization, email = excluded.email,
         active = excluded.active, record = excluded.record",
    )
    .bind(account.id.as_str())
    .bind(account.organization.as_str())
    .bind(EmailAddress::key_of(&account.email))
    .bind(account.is_active())
    .bind(to_json("account", account)?)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM identities WHERE account = ?")
        .bind(account.id.as_str())
        .execute(&mut *connection)
        .await?;
    for identity in &account.identities {
        sqlx::query("INSERT INTO identities (organization, identity, account) VALUES (?, ?, ?)")
            .bind(account.organization.as_str())
            .bind(identity.key())
            .bind(account.id.as_str())
            .execute(&mut *connection)
            .await?;
    }
    if !account.is_active() {
        sqlx::query("DELETE FROM sessions WHERE account = ?")
            .bind(account.id.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn put_team(connection: &mut SqliteConnection, team: &Team) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO teams (id, organization, name, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET organization = excluded.organization, name = excluded.name,
         record = excluded.record",
    )
    .bind(team.id.as_str())
    .bind(team.organization.as_str())
    .bind(folded(&team.name))
    .bind(to_json("team", team)?)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn put_project(
    connection: &mut SqliteConnection,
    project: &Project,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO projects (id, organization, name, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET organization = excluded.organization, name = excluded.name,
         record = excluded.record",
    )
    .bind(project.id.as_str())
    .bind(project.organization.as_str())
    .bind(folded(&project.name))
    .bind(to_json("project", project)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what is searched for in an organization: tokens and domains. Each belongs to one organization.
pub(super) async fn put_index(
    connection: &mut SqliteConnection,
    organization: &Organization,
) -> Result<(), StoreError> {
    let id = organization.id.as_str();
    sqlx::query("DELETE FROM tokens WHERE organization = ?").bind(id).execute(&mut *connection).await?;
    for record in &organization.tokens {
        sqlx::query("INSERT INTO tokens (hash, organization) VALUES (?, ?)")
            .bind(record.hash.to_hex())
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(|error| unique("the organization's token")(error.into()))?;
    }
    sqlx::query("DELETE FROM domains WHERE organization = ?").bind(id).execute(&mut *connection).await?;
    let domains = organization
        .domains()
        .map_err(|source| StoreError::DomainInvalid { organization: organization.id.clone(), source })?;
    for domain in &domains {
        sqlx::query("INSERT INTO domains (domain, organization) VALUES (?, ?)")
            .bind(domain.as_str())
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(|error| unique("a verified domain of the organization")(error.into()))?;
    }
    Ok(())
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
    let next: Option<i64> =
        sqlx::query_scalar("UPDATE organizations SET version = version + 1 WHERE id = ? RETURNING version")
            .bind(id.as_str())
            .fetch_optional(connection)
            .await?;
    let next = next.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
    Ok(next.unsigned_abs())
}

pub(super) async fn version(
    connection: &mut SqliteConnection,
    id: &OrganizationId,
) -> Result<u64, StoreError> {
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM organizations WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    let version = version.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
    Ok(version.unsigned_abs())
}

/// What a failed uniqueness means.
pub(super) fn unique(what: &'static str) -> impl Fn(StoreError) -> StoreError {
    move |failure| match failure {
        StoreError::Database { source: sqlx::Error::Database(error) } if error.is_unique_violation() => {
            StoreError::Taken { what }
        }
        other => other,
    }
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
