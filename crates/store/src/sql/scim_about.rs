//! The rows that a decision about a SCIM fact depends on.

use std::collections::BTreeSet;

use vouchsafe::provisioning::{
    DirectoryGroup, EmailAddress, GroupId, Policy, ScimFact, ScimLookUp, Snapshot, TeamId,
};

use super::{
    Batch, Runs, Sql,
    rows::{self, findable, is_findable},
    run_one,
    writes::subject_key,
};
use crate::StoreError;

/// The group that a fact is about, if the connection has it.
const GROUP: &str =
    "SELECT record FROM vouchsafe_groups WHERE id = ? AND connection = ? AND organization = ?";

/// In SQLite `CROSS JOIN` fixes the order in which the tables are read, and the `+` prevents it from scanning all rows
/// of the organization.
const ACCOUNTS: Sql = Sql {
    sqlite: "
        WITH ids (id) AS (
            SELECT value FROM json_each(?)
            UNION SELECT account FROM vouchsafe_group_members WHERE group_id = ?
            UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND email = ?
            UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND active = 1 AND is_owner = 1
            UNION SELECT known.account FROM json_each(?) AS key CROSS JOIN vouchsafe_identities AS known
                ON known.organization = ? AND known.identity = key.value
            UNION SELECT known.account FROM json_each(?) AS subject CROSS JOIN vouchsafe_subjects AS known
                ON known.organization = ? AND known.connection IN (SELECT value FROM json_each(?))
                AND known.subject = subject.value)
        SELECT account.record FROM ids CROSS JOIN vouchsafe_accounts AS account
            ON account.id = ids.id AND +account.organization = ? ORDER BY account.number",
    postgres: "
        WITH ids (id) AS (
            SELECT unnest(?::text[])
            UNION SELECT account FROM vouchsafe_group_members WHERE group_id = ?
            UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND email = ?
            UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND active = 1 AND is_owner = 1
            UNION SELECT account FROM vouchsafe_identities WHERE identity = ANY(?) AND organization = ?
            UNION SELECT account FROM vouchsafe_subjects
                WHERE subject = ANY(?) AND organization = ? AND connection = ANY(?))
        SELECT account.record FROM ids JOIN vouchsafe_accounts AS account ON account.id = ids.id
        WHERE account.organization = ? ORDER BY account.number",
};

const GROUPS: Sql = Sql {
    sqlite: "
        WITH ids (id) AS (
            SELECT value FROM json_each(?)
            UNION SELECT id FROM vouchsafe_groups WHERE organization = ? AND connection = ? AND name = ?)
        SELECT known.record FROM ids CROSS JOIN vouchsafe_groups AS known
            ON known.id = ids.id AND +known.organization = ? ORDER BY known.number",
    postgres: "
        WITH ids (id) AS (
            SELECT unnest(?::text[])
            UNION SELECT id FROM vouchsafe_groups WHERE organization = ? AND connection = ? AND name = ?)
        SELECT known.record FROM ids JOIN vouchsafe_groups AS known ON known.id = ids.id
        WHERE known.organization = ? ORDER BY known.number",
};

const TEAMS: Sql = Sql {
    sqlite: "
        WITH ids (id) AS (
            SELECT value FROM json_each(?)
            UNION SELECT team.id FROM json_each(?) AS name
                CROSS JOIN vouchsafe_teams AS team ON team.organization = ? AND team.name = name.value)
        SELECT team.record FROM ids CROSS JOIN vouchsafe_teams AS team
            ON team.id = ids.id AND +team.organization = ? ORDER BY team.number",
    postgres: "
        WITH ids (id) AS (
            SELECT unnest(?::text[])
            UNION SELECT id FROM vouchsafe_teams WHERE name = ANY(?) AND organization = ?)
        SELECT team.record FROM ids JOIN vouchsafe_teams AS team ON team.id = ids.id
        WHERE team.organization = ? ORDER BY team.number",
};

const PROJECTS: Sql = Sql {
    sqlite: "
        SELECT project.record FROM json_each(?) AS name
        CROSS JOIN vouchsafe_projects AS project ON project.organization = ? AND project.name = name.value
        ORDER BY project.number",
    postgres: "SELECT record FROM vouchsafe_projects WHERE name = ANY(?) AND organization = ? ORDER BY number",
};

/// Loads the rows that a fact is decided on, as [`ScimLookUp`] says.
pub(in crate::sql) async fn load(
    runs: &mut dyn Runs,
    fact: &ScimFact,
    policy: &Policy,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    let known = known_group(runs, fact, snapshot).await?;
    let look_up = ScimLookUp::of(fact, known.as_ref()).with_takeovers(fact, policy);
    let accounts = run_one(runs, ask_accounts(&look_up, snapshot)).await?;
    snapshot.accounts = rows::all_records("account", &accounts)?;
    let groups = run_one(runs, ask_groups(&look_up, snapshot)).await?;
    snapshot.groups = rows::all_records("group", &groups)?;
    let names: Vec<String> = look_up.names(policy, &snapshot.groups).into_iter().collect();
    let names = findable(&names);
    let answered = runs.run(ask_teams_and_projects(names, snapshot)).await?;
    let [teams, projects] = answered.as_slice() else {
        return Err(StoreError::damaged("answer", "it is not one for each statement"));
    };
    snapshot.teams = rows::all_records("team", teams)?;
    snapshot.projects = rows::all_records("project", projects)?;
    rows::load_seats(runs, snapshot).await
}

async fn known_group(
    runs: &mut dyn Runs,
    fact: &ScimFact,
    snapshot: &Snapshot,
) -> Result<Option<DirectoryGroup>, StoreError> {
    let Some(id) = fact.group().filter(|id| is_findable(id.as_str())) else { return Ok(None) };
    let asked = Batch::of(GROUP).bind(id.as_str()).bind(fact.connection.as_str());
    let answered = run_one(runs, asked.bind(snapshot.organization.id.as_str())).await?;
    Ok(rows::all_records("group", &answered)?.pop())
}

fn ask_accounts(look_up: &ScimLookUp, snapshot: &Snapshot) -> Batch {
    let organization = snapshot.organization.id.as_str();
    let accounts: Vec<String> = look_up.accounts.iter().map(|id| id.as_str().to_owned()).collect();
    let keys: Vec<String> = look_up.keys.iter().cloned().collect();
    let subjects: Vec<String> = look_up.subjects.iter().map(|subject| subject_key(subject)).collect();
    let connections: Vec<String> =
        look_up.subject_connections.iter().map(|connection| connection.as_str().to_owned()).collect();
    let group = look_up.group.as_ref().filter(|group| look_up.with_members && is_findable(group.as_str()));
    Batch::of(ACCOUNTS)
        .bind(findable(&accounts))
        .bind(group.map(GroupId::as_str))
        .bind(organization)
        .bind(look_up.email.as_ref().map(EmailAddress::compared))
        .bind(organization)
        .bind(findable(&keys))
        .bind(organization)
        .bind(subjects)
        .bind(organization)
        .bind(connections)
        .bind(organization)
}

fn ask_groups(look_up: &ScimLookUp, snapshot: &Snapshot) -> Batch {
    let organization = snapshot.organization.id.as_str();
    let in_use = snapshot.accounts.iter().flat_map(|account| &account.scim_groups);
    let ids: BTreeSet<&str> = in_use.chain(&look_up.group).map(GroupId::as_str).collect();
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let name = look_up.group_name.as_deref().filter(|name| is_findable(name));
    Batch::of(GROUPS)
        .bind(findable(&ids))
        .bind(organization)
        .bind(look_up.connection.as_str())
        .bind(name)
        .bind(organization)
}

fn ask_teams_and_projects(names: Vec<String>, snapshot: &Snapshot) -> Batch {
    let organization = snapshot.organization.id.as_str();
    let memberships = snapshot.accounts.iter().flat_map(|account| &account.memberships);
    let ids: BTreeSet<&str> = memberships.map(|membership| TeamId::as_str(&membership.team)).collect();
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    Batch::of(TEAMS)
        .bind(ids)
        .bind(names.clone())
        .bind(organization)
        .bind(organization)
        .then(PROJECTS)
        .bind(names)
        .bind(organization)
}
