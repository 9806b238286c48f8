//! Rows of accounts, teams, projects, sessions and of the audit as statements of a batch.
//!
//! No statement moves a row from one organization to another, and none silently skips a row of another organization: a
//! forbidden write violates a constraint, and the batch stops there.

use std::collections::BTreeSet;

use serde::Serialize;
use vouchsafe::{
    ConnectionId,
    provisioning::{
        Account, AccountId, EmailAddress, GroupId, Identity, OrganizationId, Project, Role, Team,
        session_index_text,
    },
};

use super::{Batch, Sql, batch::IfNull, rows::to_json};
use crate::{
    AuditRecord, Revocation, Session, StoreError,
    text::{folded, milliseconds_rounded_up},
};

pub(super) fn add_account(batch: Batch, account: &Account) -> Result<Batch, StoreError> {
    let batch = batch
        .then("INSERT INTO vouchsafe_accounts (id, organization, email, active, is_owner, record) VALUES (?, ?, ?, ?, ?, ?)")
        .if_taken("the account's id or e-mail address")
        .bind(account.id.as_str())
        .bind(account.organization.as_str())
        .bind(EmailAddress::key_of(&account.email))
        .bind(account.is_active())
        .bind(account.role == Role::Owner)
        .bind(to_json("account", account)?);
    let batch = add_groups(batch, account, &BTreeSet::new());
    Ok(add_identities(batch, account))
}

/// An existing account. At most sign-ins none of its search values changes, and no index is written.
pub(super) fn change_account(batch: Batch, before: &Account, account: &Account) -> Result<Batch, StoreError> {
    let (email, active, is_owner) = searched(account);
    let batch = if searched(before) == (email.clone(), active, is_owner) {
        batch
            .then("UPDATE vouchsafe_accounts SET record = CASE WHEN organization = ? THEN ? END WHERE id = ?")
    } else {
        batch
            .then(
                "UPDATE vouchsafe_accounts SET email = ?, active = ?, is_owner = ?,
                 record = CASE WHEN organization = ? THEN ? END WHERE id = ?",
            )
            .if_taken("the account's e-mail address")
            .bind(email)
            .bind(active)
            .bind(is_owner)
    };
    let batch = batch
        .if_null(IfNull::OfAnother("account"))
        .bind(account.organization.as_str())
        .bind(to_json("account", account)?)
        .bind(account.id.as_str());
    let gone = before.scim_groups.difference(&account.scim_groups);
    let batch = gone.fold(batch, |batch, group| {
        batch
            .then("DELETE FROM vouchsafe_group_members WHERE group_id = ? AND account = ?")
            .bind(group.as_str())
            .bind(account.id.as_str())
    });
    let batch = add_groups(batch, account, &before.scim_groups);
    if before.keys() == account.keys() {
        return Ok(batch);
    }
    let batch = batch.then("DELETE FROM vouchsafe_identities WHERE account = ?").bind(account.id.as_str());
    let batch = match subjects(before) == subjects(account) {
        true => batch,
        false => batch.then("DELETE FROM vouchsafe_subjects WHERE account = ?").bind(account.id.as_str()),
    };
    let batch = add_keys(batch, account);
    Ok(if subjects(before) == subjects(account) { batch } else { add_subjects(batch, account) })
}

/// The groups that the account is newly in.
fn add_groups(batch: Batch, account: &Account, before: &BTreeSet<GroupId>) -> Batch {
    account.scim_groups.difference(before).fold(batch, |batch, group| {
        batch
            .then("INSERT INTO vouchsafe_group_members (group_id, account) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(group.as_str())
            .bind(account.id.as_str())
    })
}

fn add_identities(batch: Batch, account: &Account) -> Batch {
    add_subjects(add_keys(batch, account), account)
}

/// The form in which the subject of an identity is looked up: its first 128 characters. Other subjects may have the
/// same form.
pub(super) fn subject_key(subject: &str) -> String {
    const LONGEST: usize = 128;
    let characters = subject.trim().chars().take(LONGEST);
    characters.map(|one| if one == '\0' { char::REPLACEMENT_CHARACTER } else { one }).collect()
}

pub(super) fn subjects(account: &Account) -> BTreeSet<(&ConnectionId, String)> {
    account.identities.iter().map(|identity| (&identity.connection, subject_key(&identity.subject))).collect()
}

fn add_subjects(batch: Batch, account: &Account) -> Batch {
    const ADD: &str =
        "INSERT INTO vouchsafe_subjects (organization, connection, subject, account) VALUES (?, ?, ?, ?)";
    subjects(account).into_iter().fold(batch, |batch, (connection, subject)| {
        let batch = batch.then(ADD).bind(account.organization.as_str()).bind(connection.as_str());
        batch.bind(subject).bind(account.id.as_str())
    })
}

fn add_keys(batch: Batch, account: &Account) -> Batch {
    let mut batch = batch;
    for key in account.keys() {
        batch = batch
            .then("INSERT INTO vouchsafe_identities (organization, account, identity) VALUES (?, ?, ?)")
            .if_taken("an identity of the account")
            .bind(account.organization.as_str())
            .bind(account.id.as_str())
            .bind(key);
    }
    batch
}

/// Teams and projects are searched for by their names.
struct NamedRow<'r> {
    what: &'static str,
    id: &'r str,
    organization: &'r OrganizationId,
    name: String,
    record: String,
}

impl<'r> NamedRow<'r> {
    fn of_team(team: &'r Team) -> Result<Self, StoreError> {
        Self::of("team", team.id.as_str(), &team.organization, &team.name, team)
    }

    fn of_project(project: &'r Project) -> Result<Self, StoreError> {
        Self::of("project", project.id.as_str(), &project.organization, &project.name, project)
    }

    fn of(
        what: &'static str,
        id: &'r str,
        organization: &'r OrganizationId,
        name: &str,
        record: &impl Serialize,
    ) -> Result<Self, StoreError> {
        Ok(Self { what, id, organization, name: folded(name), record: to_json(what, record)? })
    }
}

const ADD_TEAM: &str = "INSERT INTO vouchsafe_teams (id, organization, name, record) VALUES (?, ?, ?, ?)";
const ADD_PROJECT: &str =
    "INSERT INTO vouchsafe_projects (id, organization, name, record) VALUES (?, ?, ?, ?)";
const CHANGE_TEAM: &str =
    "UPDATE vouchsafe_teams SET name = ?, record = CASE WHEN organization = ? THEN ? END WHERE id = ?";
const CHANGE_PROJECT: &str =
    "UPDATE vouchsafe_projects SET name = ?, record = CASE WHEN organization = ? THEN ? END WHERE id = ?";

pub(super) fn add_team(batch: Batch, team: &Team) -> Result<Batch, StoreError> {
    Ok(add_named(batch, ADD_TEAM, NamedRow::of_team(team)?).if_taken("the team's id or name"))
}

pub(super) fn add_project(batch: Batch, project: &Project) -> Result<Batch, StoreError> {
    Ok(add_named(batch, ADD_PROJECT, NamedRow::of_project(project)?).if_taken("the project's id or name"))
}

pub(super) fn change_team(batch: Batch, team: &Team) -> Result<Batch, StoreError> {
    Ok(change_named(batch, CHANGE_TEAM, NamedRow::of_team(team)?))
}

pub(super) fn change_project(batch: Batch, project: &Project) -> Result<Batch, StoreError> {
    Ok(change_named(batch, CHANGE_PROJECT, NamedRow::of_project(project)?))
}

fn add_named(batch: Batch, sql: &'static str, row: NamedRow<'_>) -> Batch {
    batch.then(sql).bind(row.id).bind(row.organization.as_str()).bind(row.name).bind(row.record)
}

fn change_named(batch: Batch, sql: &'static str, row: NamedRow<'_>) -> Batch {
    batch
        .then(sql)
        .if_taken("the name of a team or a project")
        .if_null(IfNull::OfAnother(row.what))
        .bind(row.name)
        .bind(row.organization.as_str())
        .bind(row.record)
        .bind(row.id)
}

/// All records in one statement.
pub(super) fn audit(batch: Batch, records: &[AuditRecord]) -> Result<Batch, StoreError> {
    match records {
        [] => Ok(batch),
        records => Ok(batch.then(AUDIT).bind(audit_rows(records)?)),
    }
}

/// The records as JSON arrays.
pub(super) fn audit_rows(records: &[AuditRecord]) -> Result<String, StoreError> {
    let mut rows = Vec::new();
    for record in records {
        let actor = record.actor.as_ref().map(|actor| to_json("actor", actor)).transpose()?;
        rows.push((
            record.organization.as_str(),
            record.account.as_ref().map(AccountId::as_str),
            actor,
            record.at.timestamp_millis(),
            record.rule.as_str(),
            &record.change,
            &record.before,
            &record.after,
            &record.assertion_hash,
            record.detail.as_ref().map(|detail| to_json("audit record", detail)).transpose()?,
        ));
    }
    // Texts in PostgreSQL cannot contain the character NUL, and nobody reads this one.
    Ok(to_json("audit records", &rows)?.replace("\\u0000", "\\ufffd"))
}

/// The statement for PostgreSQL, with the name of its parameter: other statements have it inside.
macro_rules! insert_audit_rows {
    ($rows:literal) => {
        concat!(
            "INSERT INTO vouchsafe_audit
                (organization, account, actor, at, rule, change, before, after, assertion_hash, detail)
            SELECT value ->> 0, value ->> 1, value ->> 2, (value ->> 3)::bigint, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8, value ->> 9
            FROM json_array_elements(",
            $rows,
            "::json) WITH ORDINALITY AS each (value, key) ORDER BY key"
        )
    };
}
pub(super) use insert_audit_rows;

const AUDIT: Sql = Sql {
    sqlite: "
        INSERT INTO vouchsafe_audit
            (organization, account, actor, at, rule, change, before, after, assertion_hash, detail)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
            value ->> 7, value ->> 8, value ->> 9 FROM json_each(?) ORDER BY key",
    postgres: insert_audit_rows!("?"),
};

/// The search values of an account.
pub(super) fn searched(account: &Account) -> (String, bool, bool) {
    (EmailAddress::key_of(&account.email), account.is_active(), account.role == Role::Owner)
}

/// Ends the session that is replaced, and removes the request that was answered.
pub(super) fn ended(batch: Batch, replaces: Option<&str>, answers: Option<&str>) -> Batch {
    let mut batch = batch;
    if let Some(replaced) = replaces {
        batch = batch
            .then("DELETE FROM vouchsafe_sessions WHERE hash = ?")
            .bind(replaced)
            .announcing([Revocation::Session(replaced.to_owned())]);
    }
    if let Some(handle) = answers {
        batch = batch.then("DELETE FROM vouchsafe_pending WHERE handle = ?").bind(handle);
    }
    batch
}

/// The session indexes by which a logout finds a session, without white space around them.
pub(super) fn searched_indexes(session: &Session) -> Vec<String> {
    session.session_indexes.iter().map(|index| session_index_text(index).to_owned()).collect()
}

/// Inserts a session, unless the directory has the account and it is suspended.
pub(super) fn session(batch: Batch, hash: &str, session: &Session) -> Result<Batch, StoreError> {
    Ok(batch
        .then(
            "INSERT INTO vouchsafe_sessions
                 (hash, account, epoch, connection, identity, session_indexes, expires_at, last_used_at, record)
             VALUES (?, ?, coalesce((SELECT epoch FROM vouchsafe_epochs WHERE account = ?), 0), ?, ?, ?, ?, ?, CASE WHEN NOT EXISTS (SELECT 1 FROM vouchsafe_accounts
                 WHERE id = ? AND organization = ? AND active = 0) THEN ? END)",
        )
        .if_taken("the session's identifier")
        .if_null(IfNull::Suspended(session.account.clone()))
        .bind(hash)
        .bind(session.account.as_str())
        .bind(session.account.as_str())
        .bind(session.connection.as_ref().map(ConnectionId::as_str))
        .bind(session.identity.as_ref().map(Identity::key))
        .bind(searched_indexes(session))
        .bind(milliseconds_rounded_up(session.ends_at()))
        .bind(session.last_used_at.timestamp_millis())
        .bind(session.account.as_str())
        .bind(session.organization.as_str())
        .bind(to_json("session", session)?))
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use vouchsafe::provisioning::{Actor, Organization, ProjectId, TeamId};

    use super::*;
    use crate::{Author, Directory as _, Sqlite, sql::Engine as _};

    fn id(name: &str) -> OrganizationId {
        OrganizationId::new(name)
    }

    /// Acme with an account, a team and a project, and Globex with nothing.
    async fn two_organizations() -> Sqlite {
        let store = Sqlite::in_memory().await.unwrap();
        for name in ["acme", "globex"] {
            store.add_organization(&Organization::new(id(name), name, name), &author()).await.unwrap();
        }
        store.add_account(&account("acme"), &author()).await.unwrap();
        store.add_team(&team("acme"), &author()).await.unwrap();
        store.add_project(&project("acme"), &author()).await.unwrap();
        store
    }

    fn author() -> Author {
        Author::new(Actor::Operator, chrono::DateTime::UNIX_EPOCH)
    }

    fn account(organization: &str) -> Account {
        Account::new(AccountId::new("1"), id(organization), "ada@example.com")
    }

    fn team(organization: &str) -> Team {
        Team::new(TeamId::new("1"), id(organization), "All hands")
    }

    fn project(organization: &str) -> Project {
        Project::new(ProjectId::new("1"), id(organization), "Sandbox")
    }

    #[tokio::test]
    async fn no_row_moves_to_another_organization() {
        let store = two_organizations().await;
        let before = store.whole(&id("acme")).await.unwrap();
        assert_eq!(store.add_account(&account("globex"), &author()).await.unwrap_err().code(), "store.taken");
        assert_eq!(store.add_team(&team("globex"), &author()).await.unwrap_err().code(), "store.taken");
        assert_eq!(store.add_project(&project("globex"), &author()).await.unwrap_err().code(), "store.taken");
        let mut other = account("globex");
        other.email = "bob@example.com".to_owned();
        for batch in [
            change_account(Batch::default(), &account("globex"), &account("globex")).unwrap(),
            change_account(Batch::default(), &account("globex"), &other).unwrap(),
            change_named(Batch::default(), CHANGE_TEAM, NamedRow::of_team(&team("globex")).unwrap()),
            change_named(Batch::default(), CHANGE_PROJECT, NamedRow::of_project(&project("globex")).unwrap()),
        ] {
            let failed = store.execute(batch).await.map(drop).unwrap_err();
            assert_eq!(failed.code(), "store.damaged");
        }
        assert_eq!(store.whole(&id("acme")).await.unwrap(), before);
        let globex = store.whole(&id("globex")).await.unwrap();
        assert!(globex.accounts.is_empty() && globex.teams.is_empty() && globex.projects.is_empty());
    }
}
