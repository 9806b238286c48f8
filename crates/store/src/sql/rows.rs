//! Rows of the directory: reading them on a connection that is in a transaction, and writing organizations.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use vouchsafe::provisioning::{Account, AccountId, Domain, Organization, OrganizationId, Policy, Snapshot};

use super::{Answered, Batch, Row, Runs, Sql, index, run_one};
pub(super) use crate::json::{from_json, to_json};
use crate::{StoreError, Versioned, directory::parsed_policy};

/// An organization with its policy, by id.
pub(super) const BY_ID: &str = "SELECT id, record, version, policy FROM vouchsafe_organizations WHERE id = ?";

/// The same by its slug.
pub(super) const BY_SLUG: &str =
    "SELECT id, record, version, policy FROM vouchsafe_organizations WHERE slug = ?";

/// The same by a domain that it has verified.
pub(super) const BY_DOMAIN: &str = "
    SELECT organization.id, record, version, policy FROM vouchsafe_domains AS verified
    JOIN vouchsafe_organizations AS organization ON organization.id = verified.organization
    WHERE verified.domain = ?";

/// A row of one of these.
pub(super) fn organization(row: &Row) -> Result<Versioned<Organization>, StoreError> {
    Ok(Versioned::new(from_json("organization", row.text(1)?)?, row.integer(2)?.unsigned_abs()))
}

/// The policy in such a row.
pub(super) fn policy(row: &Row) -> Result<Policy, StoreError> {
    parsed_policy(&OrganizationId::new(row.text(0)?), row.optional_text(3)?)
}

/// An organization without accounts, teams and projects.
pub(super) async fn organization_alone(
    runs: &mut dyn Runs,
    id: &OrganizationId,
) -> Result<Snapshot, StoreError> {
    Ok(organization_and_policy_text(runs, id).await?.0)
}

/// The same, with its policy.
pub(super) async fn organization_and_policy(
    runs: &mut dyn Runs,
    id: &OrganizationId,
) -> Result<(Snapshot, Policy), StoreError> {
    let (snapshot, policy) = organization_and_policy_text(runs, id).await?;
    let policy = parsed_policy(id, policy.as_deref())?;
    Ok((snapshot, policy))
}

/// The same, with the text of its policy.
pub(super) async fn organization_and_policy_text(
    runs: &mut dyn Runs,
    id: &OrganizationId,
) -> Result<(Snapshot, Option<String>), StoreError> {
    let answered = run_one(runs, Batch::of(BY_ID).bind(id.as_str())).await?;
    let row = answered.rows.first().ok_or_else(|| StoreError::organization_unknown(id))?;
    let found = organization(row)?;
    let mut snapshot = Snapshot::new(found.value);
    snapshot.version = found.version;
    Ok((snapshot, row.optional_text(3)?.map(str::to_owned)))
}

/// All of an organization.
pub(super) async fn whole(runs: &mut dyn Runs, id: &OrganizationId) -> Result<Snapshot, StoreError> {
    let mut snapshot = organization_alone(runs, id).await?;
    load_everything(runs, &mut snapshot).await?;
    Ok(snapshot)
}

/// What an organization has, and everybody in it.
pub(super) async fn load_everything(runs: &mut dyn Runs, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    const ACCOUNTS: &str = "SELECT record FROM vouchsafe_accounts WHERE organization = ? ORDER BY number";
    load_all_but_accounts(runs, snapshot).await?;
    let accounts = run_one(runs, Batch::of(ACCOUNTS).bind(snapshot.organization.id.as_str())).await?;
    snapshot.accounts = all_records("account", &accounts)?;
    Ok(())
}

/// What an organization has: teams, projects and groups.
pub(super) async fn load_all_but_accounts(
    runs: &mut dyn Runs,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    const PROJECTS: &str = "SELECT record FROM vouchsafe_projects WHERE organization = ? ORDER BY number";
    const GROUPS: &str = "SELECT record FROM vouchsafe_groups WHERE organization = ? ORDER BY number";
    load_all_teams(runs, snapshot).await?;
    let organization = snapshot.organization.id.as_str();
    let projects = run_one(runs, Batch::of(PROJECTS).bind(organization)).await?;
    let groups = run_one(runs, Batch::of(GROUPS).bind(organization)).await?;
    snapshot.projects = all_records("project", &projects)?;
    snapshot.groups = all_records("group", &groups)?;
    Ok(())
}

pub(super) async fn load_all_teams(runs: &mut dyn Runs, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    const TEAMS: &str = "SELECT record FROM vouchsafe_teams WHERE organization = ? ORDER BY number";
    let teams = run_one(runs, Batch::of(TEAMS).bind(snapshot.organization.id.as_str())).await?;
    snapshot.teams = all_records("team", &teams)?;
    Ok(())
}

/// What a change about an account is decided on: it, and every active owner.
pub(super) async fn load_account_and_owners(
    runs: &mut dyn Runs,
    account: &AccountId,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    const ACCOUNT: &str = "SELECT record FROM vouchsafe_accounts WHERE id = ? AND organization = ?";
    const OWNERS: &str = "
        SELECT record FROM vouchsafe_accounts
        WHERE organization = ? AND active = 1 AND is_owner = 1 AND id <> ?";
    let (account, organization) = (account.as_str(), snapshot.organization.id.as_str());
    let asked = Batch::of(ACCOUNT).bind(account).bind(organization);
    for answered in runs.run(asked.then(OWNERS).bind(organization).bind(account)).await? {
        snapshot.accounts.extend(all_records::<Account>("account", &answered)?);
    }
    Ok(())
}

/// The number of taken seats. It is needed only if there is a limit, and counting reads a row for each account.
pub(super) async fn load_seats(runs: &mut dyn Runs, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    const SEATS: &str = "SELECT count(*) FROM vouchsafe_accounts WHERE organization = ? AND active = 1";
    if snapshot.organization.seat_limit.is_some() {
        let asked = Batch::of(SEATS).bind(snapshot.organization.id.as_str());
        let seats = run_one(runs, asked).await?.number()?;
        snapshot.seats_taken = Some(u32::try_from(seats).unwrap_or(u32::MAX));
    }
    Ok(())
}

pub(super) fn all_records<T: DeserializeOwned>(
    what: &'static str,
    answered: &Answered,
) -> Result<Vec<T>, StoreError> {
    answered.rows.iter().map(|row| from_json(what, row.text(0)?)).collect()
}

/// The separator of records in one column: a character that JSON never contains unescaped.
const BETWEEN_RECORDS: char = '\u{1e}';

/// The records in a column.
pub(super) fn records<T: DeserializeOwned>(
    row: &Row,
    column: usize,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    let records = row.optional_text(column)?;
    let records = records.into_iter().flat_map(|records| records.split(BETWEEN_RECORDS));
    records.map(|record| from_json(what, record)).collect()
}

/// The domains among these that another organization has verified.
pub(super) async fn of_others(
    runs: &mut dyn Runs,
    id: &OrganizationId,
    domains: &BTreeSet<Domain>,
) -> Result<BTreeSet<Domain>, StoreError> {
    const OF_OTHERS: Sql = Sql {
        sqlite: "SELECT domain FROM vouchsafe_domains
                 WHERE organization <> ? AND domain IN (SELECT value FROM json_each(?))",
        postgres: "SELECT domain FROM vouchsafe_domains WHERE organization <> $1 AND domain = ANY($2)",
    };
    if domains.is_empty() {
        return Ok(BTreeSet::new());
    }
    let asked = domains.iter().map(|domain| domain.as_str().to_owned()).collect::<Vec<String>>();
    let answered = run_one(runs, Batch::of(OF_OTHERS).bind(id.as_str()).bind(asked)).await?;
    let found = answered.rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    parsed_domains(found.into_iter())
}

pub(super) fn parsed_domains<'d>(
    domains: impl Iterator<Item = &'d str>,
) -> Result<BTreeSet<Domain>, StoreError> {
    let parsed = domains.map(Domain::parse);
    parsed.map(|domain| domain.map_err(|error| StoreError::damaged("domain", error))).collect()
}

/// Writes an existing organization.
pub(super) fn put_organization(batch: Batch, organization: &Organization) -> Result<Batch, StoreError> {
    let batch = batch
        .then("UPDATE vouchsafe_organizations SET slug = ?, record = ? WHERE id = ?")
        .if_taken("the organization's slug")
        .bind(Organization::slug_key(&organization.slug))
        .bind(to_json("organization", organization)?)
        .bind(organization.id.as_str());
    index::put(batch, organization)
}

/// Moves an organization to its next version and answers it.
pub(super) async fn changed(runs: &mut dyn Runs, id: &OrganizationId) -> Result<u64, StoreError> {
    const NEXT: &str =
        "UPDATE vouchsafe_organizations SET version = version + 1 WHERE id = ? RETURNING version";
    let answered = run_one(runs, Batch::of(NEXT).bind(id.as_str())).await?;
    let row = answered.rows.first().ok_or_else(|| StoreError::organization_unknown(id))?;
    Ok(row.integer(0)?.unsigned_abs())
}

/// Texts in PostgreSQL cannot contain the character NUL, so a key with one finds nothing.
pub(super) fn is_findable(text: &str) -> bool {
    !text.contains('\0')
}

pub(super) fn findable(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| is_findable(text)).cloned().collect()
}
