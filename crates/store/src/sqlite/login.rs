//! What a login is decided on: the organization that it means, with what it could mean there, and nothing else.

use std::collections::BTreeSet;

use sqlx::{Row as _, sqlite::SqliteRow};
use vouchsafe::{
    ConnectionId,
    provisioning::{
        AccountId, Domain, EmailAddress, LoginFacts, LookUp, Organization, OrganizationId, Policy, Snapshot,
    },
};

use super::{
    OrFailed as _,
    batch::{Answered, Batch},
    rows,
    turn::Runs,
};
use crate::{StoreError, directory::parsed_policy};

/// What was read for a login.
#[derive(Debug)]
pub(super) struct AboutLogin {
    pub(super) snapshot: Snapshot,
    pub(super) policy: Policy,
    /// The domains of which the snapshot says whether another organization has verified them.
    pub(super) asked_domains: BTreeSet<Domain>,
}

/// An organization's row.
#[derive(Debug)]
pub(super) struct Known {
    id: OrganizationId,
    snapshot: Snapshot,
    policy: Policy,
}

const OF_CONNECTION: &str = "
    SELECT organization.id, record, version, policy FROM vouchsafe_organization_connections AS own
    JOIN vouchsafe_organizations AS organization ON organization.id = own.organization WHERE own.connection = ?";

const BY_ID: &str = "SELECT id, record, version, policy FROM vouchsafe_organizations WHERE id = ?";

/// What a login means, as one row, since each row wakes its reader: the records of a kind stand in it with [`rows::BETWEEN_RECORDS`] between them.
/// `CROSS JOIN` says in which order the tables are read, from what is asked for to the rows of that name and no others, which SQLite does
/// not find out by itself; the `+` keeps it from going through all rows of the organization.
const MEANT: &str = "
    WITH asked (connection, hashes, organization, names, emails, identities, domains, linked, seats_count)
        AS MATERIALIZED (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)),
    found AS MATERIALIZED (
        SELECT organization FROM (
            SELECT 1 AS rank, token.organization FROM asked CROSS JOIN json_each(asked.hashes) AS hash
            CROSS JOIN vouchsafe_tokens AS token ON token.hash = hash.value
            UNION ALL
            SELECT 2 AS rank, own.organization FROM asked
            CROSS JOIN vouchsafe_organization_connections AS own ON own.connection = asked.connection)
        ORDER BY rank, organization LIMIT 1),
    account_ids AS (
        SELECT account.id FROM asked CROSS JOIN json_each(asked.emails) AS email
        CROSS JOIN vouchsafe_accounts AS account ON account.organization = asked.organization AND account.email = email.value
        UNION
        SELECT known.account FROM asked CROSS JOIN json_each(asked.identities) AS identity
        CROSS JOIN vouchsafe_identities AS known
            ON known.organization = asked.organization AND known.identity = identity.value
        UNION
        SELECT linked FROM asked),
    accounts AS MATERIALIZED (
        SELECT account.record FROM asked CROSS JOIN account_ids
        CROSS JOIN vouchsafe_accounts AS account
            ON account.id = account_ids.id AND +account.organization = asked.organization),
    team_ids AS (
        SELECT team.id FROM asked CROSS JOIN json_each(asked.names) AS name
        CROSS JOIN vouchsafe_teams AS team ON team.organization = asked.organization AND team.name = name.value
        UNION
        SELECT membership.value ->> 'team' FROM accounts
        CROSS JOIN json_each(iif(json_valid(accounts.record), accounts.record, '{}'), '$.memberships') AS membership)
    SELECT
        (SELECT organization FROM found) AS organization,
        (SELECT token_required FROM asked CROSS JOIN vouchsafe_connections AS connection ON connection.id = asked.connection
            WHERE +connection.organization = (SELECT organization FROM found)) AS token_required,
        EXISTS (SELECT 1 FROM asked CROSS JOIN vouchsafe_connections AS connection ON connection.id = asked.connection
            WHERE connection.organization <> (SELECT organization FROM found)) AS is_of_another,
        (SELECT group_concat(record, char(30)) FROM accounts) AS accounts,
        (SELECT group_concat(team.record, char(30)) FROM asked CROSS JOIN team_ids
            CROSS JOIN vouchsafe_teams AS team
            ON team.id = team_ids.id AND +team.organization = asked.organization) AS teams,
        (SELECT group_concat(project.record, char(30)) FROM asked CROSS JOIN json_each(asked.names) AS name
            CROSS JOIN vouchsafe_projects AS project
            ON project.organization = asked.organization AND project.name = name.value) AS projects,
        (SELECT group_concat(verified.domain) FROM asked CROSS JOIN json_each(asked.domains) AS domain
            CROSS JOIN vouchsafe_domains AS verified ON verified.domain = domain.value
            WHERE +verified.organization <> asked.organization) AS domains_of_others,
        CASE WHEN (SELECT seats_count FROM asked) THEN (
            SELECT count(*) FROM asked CROSS JOIN vouchsafe_accounts AS account
            ON account.organization = asked.organization WHERE account.active = 1) END AS seats_taken";

/// Asks for the organization that signs in over a connection.
pub(super) fn ask_organization(batch: Batch, connection: &ConnectionId) -> Batch {
    batch.then(OF_CONNECTION).bind(connection.as_str())
}

/// What is answered to that.
pub(super) fn organization_of(answered: &Answered) -> Result<Option<Known>, StoreError> {
    answered.rows.first().map(Known::read).transpose()
}

/// Reads what a login means, in two hand-overs.
pub(super) async fn read(transaction: &mut impl Runs, login: &LoginFacts) -> Result<AboutLogin, StoreError> {
    let answered = transaction.run(ask_organization(Batch::default(), &login.connection)).await?;
    let known = answered.first().map(organization_of).transpose()?.flatten();
    about(transaction, known, login, None).await
}

/// The same after its organization was asked for. `known` is the organization of its connection: that the login has another one's token is rare.
pub(super) async fn about(
    transaction: &mut impl Runs,
    mut known: Option<Known>,
    login: &LoginFacts,
    links: Option<&AccountId>,
) -> Result<AboutLogin, StoreError> {
    let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
    let no_organization = || StoreError::no_organization_for(&login.connection);
    loop {
        let asked = ask(known.as_ref(), login, &look_up, links)?;
        let answered = transaction.run(asked).await?;
        let row = answered.first().and_then(|answered| answered.rows.first()).ok_or_else(no_organization)?;
        let found: Option<String> = row.try_get("organization").or_failed()?;
        let found = OrganizationId::new(found.ok_or_else(no_organization)?);
        match known {
            Some(known) if known.id == found => return known.with(row, login, &look_up),
            _ => {
                let asked = Batch::of(BY_ID).bind(found.as_str());
                let answered = transaction.run(asked).await?;
                known = answered.first().map(organization_of).transpose()?.flatten();
                if known.is_none() {
                    return Err(StoreError::organization_unknown(&found));
                }
            }
        }
    }
}

fn ask(
    known: Option<&Known>,
    login: &LoginFacts,
    look_up: &LookUp,
    links: Option<&AccountId>,
) -> Result<Batch, StoreError> {
    let json = |value: &[String]| rows::to_json("look-up", &value);
    let hashes: Vec<String> = look_up.token_hashes.iter().map(|hash| hash.to_hex()).collect();
    let batch = Batch::of(MEANT).bind(login.connection.as_str()).bind(json(&hashes)?);
    // Where no organization is known yet, nothing else is found.
    let Some(known) = known else { return Ok(batch) };
    let meant = look_up.clone().with_takeovers(&known.policy);
    let emails: Vec<&str> = meant.emails.iter().map(EmailAddress::compared).collect();
    let identities: Vec<String> = meant.account_keys().into_iter().collect();
    Ok(batch
        .bind(known.id.as_str())
        .bind(rows::to_json("look-up", &known.policy.names_for(login))?)
        .bind(rows::to_json("look-up", &emails)?)
        .bind(json(&identities)?)
        .bind(rows::to_json("look-up", &meant.domains())?)
        .bind(links.map(AccountId::as_str))
        // Nobody asks for the number where there is no limit, and counting reads a row for each.
        .bind(known.snapshot.organization.seat_limit.is_some()))
}

impl Known {
    fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        let id = OrganizationId::new(row.try_get::<String, _>("id").or_failed()?);
        let record: &str = row.try_get("record").or_failed()?;
        let policy: Option<&str> = row.try_get("policy").or_failed()?;
        let mut snapshot = Snapshot::new(rows::from_json::<Organization>("organization", record)?);
        snapshot.version = row.try_get::<i64, _>("version").or_failed()?.unsigned_abs();
        let policy = parsed_policy(&id, policy)?;
        Ok(Self { id, snapshot, policy })
    }

    fn with(self, row: &SqliteRow, login: &LoginFacts, look_up: &LookUp) -> Result<AboutLogin, StoreError> {
        let (mut snapshot, policy) = (self.snapshot, self.policy);
        let is_of_another: bool = row.try_get("is_of_another").or_failed()?;
        // One that only has the name which this organization would sign in over.
        if is_of_another && snapshot.organization.signs_in_over(&login.connection) {
            return Err(StoreError::no_organization_for(&login.connection));
        }
        let is_token_required: Option<bool> = row.try_get("token_required").or_failed()?;
        if is_token_required == Some(false) {
            snapshot.token_not_required.insert(login.connection.clone());
        }
        snapshot.accounts = rows::records(row, "accounts", "account")?;
        snapshot.teams = rows::records(row, "teams", "team")?;
        snapshot.projects = rows::records(row, "projects", "project")?;
        let domains: Option<&str> = row.try_get("domains_of_others").or_failed()?;
        snapshot.domains_of_others =
            rows::parsed_domains(domains.into_iter().flat_map(|all| all.split(',')))?;
        let seats: Option<i64> = row.try_get("seats_taken").or_failed()?;
        snapshot.seats_taken = seats.map(|seats| u32::try_from(seats).unwrap_or(u32::MAX));
        let asked_domains = look_up.domains().into_iter().cloned().collect();
        Ok(AboutLogin { snapshot, policy, asked_domains })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Sqlite, *};

    /// So a sign-in costs the same in an organization of a hundred thousand. Only what counts the taken seats goes through all accounts.
    #[tokio::test]
    async fn no_table_is_read_but_by_what_is_asked_for() {
        let store = Sqlite::in_memory().await.unwrap();
        for (query, allowed) in [(MEANT, 1), (OF_CONNECTION, 0), (BY_ID, 0)] {
            let steps = store.steps_of(query).await;
            let are_all: Vec<_> = steps.iter().filter(|step| reads_all_of_a_table(step)).collect();
            assert_eq!(are_all.len(), allowed, "{are_all:?} of {steps:#?}");
        }
    }

    fn reads_all_of_a_table(step: &str) -> bool {
        const SOMEBODYS: [&str; 3] = ["vouchsafe_", "INDEX", "PRIMARY KEY"];
        let reads_a_table =
            SOMEBODYS.iter().any(|part| step.contains(part)) && !step.contains("VIRTUAL TABLE");
        reads_a_table && (step.starts_with("SCAN") || step.ends_with("(organization=?)"))
    }
}
