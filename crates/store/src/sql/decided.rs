//! The result of a decision as statements of a batch.
//!
//! No statement moves a row from one organization to another, and none silently skips a row of another organization: a
//! forbidden write violates a constraint, and the batch stops there.

use std::collections::HashSet;

use vouchsafe::provisioning::{DirectoryGroup, OrganizationId, Snapshot};

use super::{Batch, api_tokens, batch::IfNull, rows::to_json, sessions, sign_in_history, writes};
use crate::{Decided, StoreError, text::folded};

/// Everything that was decided on a snapshot.
pub(super) fn statements(batch: Batch, decided: &Decided, before: &Snapshot) -> Result<Batch, StoreError> {
    let mut batch = batch;
    let organization = decided.plan.organization();
    for account in &decided.accounts {
        is_of(organization, &account.organization)?;
        batch = match before.account(&account.id) {
            Some(known) => writes::change_account(batch, known, account)?,
            None => writes::add_account(batch, account)?,
        };
    }
    let projects: HashSet<_> = before.projects.iter().map(|known| &known.id).collect();
    for project in &decided.projects {
        is_of(organization, &project.organization)?;
        batch = match projects.contains(&project.id) {
            true => writes::change_project(batch, project)?,
            false => writes::add_project(batch, project)?,
        };
    }
    let teams: HashSet<_> = before.teams.iter().map(|known| &known.id).collect();
    for team in &decided.teams {
        is_of(organization, &team.organization)?;
        batch = match teams.contains(&team.id) {
            true => writes::change_team(batch, team)?,
            false => writes::add_team(batch, team)?,
        };
    }
    for group in &decided.removed_groups {
        batch = batch
            .then("DELETE FROM vouchsafe_groups WHERE id = ? AND organization = ?")
            .bind(group.as_str())
            .bind(organization.as_str());
    }
    for group in &decided.groups {
        is_of(organization, &group.organization)?;
        batch = put_group(batch, group)?;
    }
    let batch = sessions::end_of_accounts(batch, &decided.ended_accounts);
    let batch = sign_in_history::forget_deleted(batch, &decided.accounts);
    writes::audit(api_tokens::end_of_accounts(batch, &decided.ended_accounts), &decided.audit)
}

/// A group that is new, or one of the organization's.
fn put_group(batch: Batch, group: &DirectoryGroup) -> Result<Batch, StoreError> {
    Ok(batch
        .then(
            "INSERT INTO vouchsafe_groups (id, organization, connection, name, record) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = CASE
                 WHEN vouchsafe_groups.organization = excluded.organization THEN excluded.record END",
        )
        .if_taken("the name of a SCIM group")
        .if_null(IfNull::OfAnother("group"))
        .bind(group.id.as_str())
        .bind(group.organization.as_str())
        .bind(group.connection.as_str())
        .bind(folded(&group.name))
        .bind(to_json("group", group)?))
}

fn is_of(organization: &OrganizationId, owner: &OrganizationId) -> Result<(), StoreError> {
    match owner == organization {
        true => Ok(()),
        false => Err(StoreError::damaged("plan", "it changes what is another organization's")),
    }
}
