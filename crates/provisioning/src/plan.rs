//! The changes of a decision, with the rule and the reason of each.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Action, Actor, Domain, EmailAddress, Identity, OrganizationId, ProfileField, RuleId, Snapshot,
    Status,
};

/// The changes in one organization, mostly for one account. Only [`Policy::plan`](crate::Policy::plan) makes a plan. It
/// can be read, stored, and applied to a [`Snapshot`](crate::Snapshot::after) or a store.
///
/// A plan without steps is an ordinary sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub(crate) organization: OrganizationId,
    pub(crate) account: Option<AccountId>,
    pub(crate) cause: Cause,
    pub(crate) at: DateTime<Utc>,
    pub(crate) steps: Vec<Step>,
    pub(crate) notes: Vec<Note>,
}

impl Plan {
    /// The organization in which everything happens.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// The account that the plan is about; `None` if the plan creates it, or is about several accounts or none.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// What the plan was made for.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The time of the cause.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The steps, in the order in which they are applied.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What was seen and changed nothing, such as an ignored group.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// For a sign-in whose assertion ID is known: SHA-256 over the issuer and the ID, in hexadecimal digits. It equals
    /// the hash of the [replay record](vouchsafe_assertion::ReplayKey::hash) and is not secret.
    #[must_use]
    pub fn assertion_hash(&self) -> Option<&str> {
        match &self.cause {
            Cause::SignIn { assertion_hash, .. } => assertion_hash.as_deref(),
            Cause::Change { .. } => None,
        }
    }

    /// The domains of the e-mail addresses that the plan gives to its account. None of them belongs to [another
    /// organization](crate::Snapshot::domains_of_others).
    #[must_use]
    pub fn domains_taken(&self) -> BTreeSet<Domain> {
        let address = |step: &Step| match &step.action {
            Action::CreateAccount { email, .. } => EmailAddress::parse(email).ok(),
            Action::SetField { field: ProfileField::Email, after, .. } => EmailAddress::parse(after).ok(),
            _ => None,
        };
        self.steps.iter().filter_map(address).map(|address| address.domain().clone()).collect()
    }

    /// Whether a step ends all sessions and API tokens of its account in the transaction that applies the plan.
    #[must_use]
    pub fn ends_sessions(&self, step: &Step) -> bool {
        matches!(step.action, Action::Suspend { .. } | Action::EndSessions | Action::UnlinkIdentity { .. })
    }

    /// Whether the plan has a step after which an owner may be one no longer, or may not be used.
    pub(crate) fn may_end_an_owner(&self) -> bool {
        let may_end = |step: &Step| {
            matches!(
                step.action,
                Action::Suspend { .. }
                    | Action::SetRole { .. }
                    | Action::GrantRole { .. }
                    | Action::EndRole { .. }
            )
        };
        self.steps.iter().any(may_end)
    }

    /// The account that the plan is about, found in the state afterwards if the plan creates it; `None` if it is about
    /// several or none.
    #[must_use]
    pub fn account_in(&self, after: &Snapshot) -> Option<AccountId> {
        if let Some(account) = &self.account {
            return Some(account.clone());
        }
        let made = self.steps.iter().find_map(|step| match &step.action {
            Action::LinkIdentity { identity } => after.account_of(identity),
            Action::SetScimRecord { after: record, .. } if step.account.is_none() => {
                after.accounts().find(|account| account.scim.contains(record))
            }
            _ => None,
        });
        made.map(|account| account.id.clone())
    }

    /// The account that a step is about; `None` if the plan creates it or the step is about none.
    #[must_use]
    pub fn account_of<'p>(&'p self, step: &'p Step) -> Option<&'p AccountId> {
        step.account.as_ref().or(self.account.as_ref())
    }

    /// Whether the account that the plan creates waits for approval, so that its person is not signed in.
    #[must_use]
    pub fn waits_for_approval(&self) -> bool {
        let waits = |step: &Step| {
            matches!(step.action, Action::CreateAccount { status: Status::PendingApproval, .. })
        };
        self.steps.iter().any(waits)
    }

    /// The changes and their reasons, line by line, for the customer's administrator. They contain names and addresses
    /// of people, so show them on a page or in an audit record, not in a log.
    #[must_use]
    pub fn explanation(&self) -> Vec<String> {
        let steps = self.steps.iter().map(ToString::to_string);
        let lines: Vec<String> = steps.chain(self.notes.iter().map(ToString::to_string)).collect();
        if self.steps.is_empty() {
            return std::iter::once("Nothing changes.".to_owned()).chain(lines).collect();
        }
        lines
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.explanation().join("\n"))
    }
}

/// What a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A person signed in.
    #[non_exhaustive]
    SignIn {
        /// The person, as the identity provider names them.
        identity: Identity,
        /// Hash of the replay record of the assertion, where its ID is known.
        assertion_hash: Option<String>,
    },
    /// A person, a rule of the service or an identity provider asked for a change.
    #[non_exhaustive]
    Change {
        /// Who.
        actor: Actor,
    },
}

/// One change, and the rule that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The account, if the plan is about several; `None`: the plan's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The rule.
    pub rule: RuleId,
    /// What changes.
    pub action: Action,
    /// The reason, in words.
    pub because: String,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = &self.account {
            write!(formatter, "Account {account}: ")?;
        }
        write!(formatter, "{}: {} (rule {})", self.action, self.because, self.rule)
    }
}

/// Something that was seen and changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Note {
    /// The rule.
    pub rule: RuleId,
    /// What was seen, in words.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (rule {})", self.text, self.rule)
    }
}
