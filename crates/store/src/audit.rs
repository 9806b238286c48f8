//! What changed, when, and which rule asked for it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::provisioning::{
    AccountId, Action, Actor, Cause, Hold, OrganizationId, Plan, RuleId, Snapshot, Status,
};

use crate::{AuditDetail, audit_detail::Names};

/// One change. It has no secret in it: of the assertion only a hash, of the token nothing. Names and addresses of
/// people are in it, and `Debug` does not show them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// The organization.
    pub organization: OrganizationId,
    /// The account; `None` if the record is about the organization itself, such as its conversion.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// Who asked for the change; `None`: the person who signed in.
    #[serde(default)]
    pub actor: Option<Actor>,
    /// When.
    pub at: DateTime<Utc>,
    /// The rule of the policy.
    pub rule: RuleId,
    /// What changed, in words.
    pub change: String,
    /// The value before the change: at most 1,024 characters, followed by `…` if it was longer. A policy, the settings of a
    /// connection and what an organization is are whole.
    pub before: Option<String>,
    /// The value after the change, shortened in the same way.
    pub after: Option<String>,
    /// SHA-256 over issuer and assertion ID, for a sign-in.
    pub assertion_hash: Option<String>,
    /// The change of an account, a team or a project in a form for programs; [`AuditedState`](crate::AuditedState) is
    /// rebuilt from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<AuditDetail>,
}

impl AuditRecord {
    /// Whether the record says that something was refused and that nothing changed.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.detail == Some(AuditDetail::Refusal)
    }
}

impl fmt::Debug for AuditRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuditRecord")
            .field("organization", &self.organization)
            .field("account", &self.account)
            .field("actor", &self.actor)
            .field("at", &self.at)
            .field("rule", &self.rule)
            .field("assertion_hash", &self.assertion_hash)
            .finish_non_exhaustive()
    }
}

/// The records of a plan, one for each step, with the ids of what exists `after` it. `account` is the account that the
/// plan is about, if it is about one account.
pub(crate) fn records(plan: &Plan, account: Option<&AccountId>, after: &Snapshot) -> Vec<AuditRecord> {
    if plan.is_empty() {
        return Vec::new();
    }
    let names = Names::of(after);
    let record = |step: &vouchsafe::provisioning::Step| {
        let (before, after) = values(&step.action);
        AuditRecord {
            organization: plan.organization().clone(),
            account: plan.account_of(step).or(account).cloned(),
            actor: match plan.cause() {
                Cause::Change { actor, .. } => Some(actor.clone()),
                _ => None,
            },
            at: plan.at(),
            rule: step.rule.clone(),
            change: step.action.to_string(),
            before: before.map(cut),
            after: after.map(cut),
            assertion_hash: plan.assertion_hash().map(str::to_owned),
            detail: Some(names.detail(&step.action)),
        }
    };
    plan.steps().iter().map(record).collect()
}

/// The hour of a time, counted from 1970-01-01T00:00:00Z.
pub(crate) fn hour_of(at: DateTime<Utc>) -> i64 {
    const AN_HOUR: i64 = 3_600;
    at.timestamp().div_euclid(AN_HOUR)
}

/// The most characters of a value that are stored. Records are kept for good, and an identity provider may have sent
/// the value.
const LONGEST_VALUE: usize = 1_024;

/// The beginning of a value that is too long.
pub(crate) fn cut(value: String) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}\u{2026}", value.get(..end).unwrap_or_default()),
        None => value,
    }
}

fn values(action: &Action) -> (Option<String>, Option<String>) {
    let made = |value: &str| (None, Some(value.to_owned()));
    match action {
        Action::CreateAccount { email, .. } => made(email),
        // With the parts that tell it from another of the same value.
        Action::LinkIdentity { identity, .. } => made(&identity.key()),
        Action::RenameIdentity { before, after, .. } => (Some(before.key()), Some(after.key())),
        Action::UnlinkIdentity { identity, .. } => (Some(identity.key()), None),
        Action::SetField { before, after, .. } => (before.clone(), Some(after.clone())),
        Action::CreateTeam { name, .. } | Action::CreateProject { name, .. } => made(name),
        Action::LinkProject { permission, .. } | Action::AssignProject { permission, .. } => {
            made(permission.name())
        }
        Action::JoinTeam { role, .. } => made(role.name()),
        Action::SetGrant { before, after, .. } | Action::EndGrant { before, after, .. } => {
            (Some(before.name().to_owned()), Some(after.name().to_owned()))
        }
        Action::LeaveTeam { role, .. } => (Some(role.name().to_owned()), None),
        Action::Suspend { before, .. } => (Some(before.name().to_owned()), Some("suspended".to_owned())),
        Action::Reactivate { by: Hold::Approval, after, .. } => {
            (Some(Status::PendingApproval.name().to_owned()), Some(after.name().to_owned()))
        }
        Action::Reactivate { after, .. } => (Some("suspended".to_owned()), Some(after.name().to_owned())),
        Action::SetScimRecord { before, after, .. } => {
            (before.as_ref().map(|before| before.keys().join("\n")), Some(after.keys().join("\n")))
        }
        Action::CreateGroup { group, .. } => made(&group.name),
        Action::ChangeGroup { group, name, .. } => (Some(group.name.clone()), Some(name.clone())),
        Action::DeleteGroup { group, .. } => (Some(group.name.clone()), None),
        Action::JoinGroup { group, .. } => made(group.id.as_str()),
        Action::LeaveGroup { group, .. } => (Some(group.id.as_str().to_owned()), None),
        Action::SetRole { before, after, .. }
        | Action::GrantRole { before, after, .. }
        | Action::EndRole { before, after, .. } => {
            (Some(before.name().to_owned()), Some(after.name().to_owned()))
        }
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_between_characters() {
        assert_eq!(cut("é".repeat(1_024)), "é".repeat(1_024));
        assert_eq!(cut("é".repeat(100_000)), format!("{}…", "é".repeat(1_024)));
    }
}
