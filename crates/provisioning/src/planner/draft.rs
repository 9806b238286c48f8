//! A plan that is being made.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::Context;
use crate::{
    Account, AccountId, Action, Actor, Cause, Identity, Note, Plan, RuleId, ScimFact, Step, text::folded,
};

pub(super) struct Draft {
    plan: Plan,
    /// The account of the following steps, if it is not the plan's.
    current: Option<AccountId>,
    /// The folded names of the teams that the plan creates.
    created_teams: HashSet<String>,
}

impl Draft {
    pub(super) fn new(context: Context<'_>, cause: Cause, at: DateTime<Utc>) -> Self {
        let organization = context.snapshot.organization.id.clone();
        let plan = Plan { organization, account: None, cause, at, steps: Vec::new(), notes: Vec::new() };
        Self { plan, current: None, created_teams: HashSet::new() }
    }

    /// A plan for what an identity provider did by SCIM.
    pub(super) fn of_scim(context: Context<'_>, fact: &ScimFact) -> Self {
        Self::new(context, Cause::Change { actor: Actor::Scim(fact.connection.clone()) }, fact.at)
    }

    pub(super) fn is_about(&mut self, account: &Account) {
        self.plan.account = Some(account.id.clone());
    }

    /// Makes the following steps about this account, in a plan about several.
    pub(super) fn turn_to(&mut self, account: &Account) {
        self.current = Some(account.id.clone());
    }

    /// Makes the following steps about no account.
    pub(super) fn turn_away(&mut self) {
        self.current = None;
    }

    pub(super) fn link(&mut self, account: &Account, identity: &Identity, rule: &str, because: &str) {
        self.is_about(account);
        self.step(RuleId::from(rule), Action::LinkIdentity { identity: identity.clone() }, because);
    }

    pub(super) fn step(&mut self, rule: RuleId, action: Action, because: impl Into<String>) {
        self.plan.steps.push(Step { account: self.current.clone(), rule, action, because: because.into() });
    }

    /// Answers `true` once for each team that the plan creates.
    pub(super) fn creates_team(&mut self, name: &str) -> bool {
        self.created_teams.insert(folded(name))
    }

    pub(super) fn note(&mut self, rule: RuleId, text: impl Into<String>) {
        self.plan.notes.push(Note { rule, text: text.into() });
    }

    pub(super) fn finish(self) -> Plan {
        self.plan
    }
}
