//! A plan in the making.

use super::Case;
use crate::{Account, Action, Cause, Identity, Note, Plan, RuleId, Step};

pub(super) struct Draft {
    plan: Plan,
}

impl Draft {
    pub(super) fn new(case: Case<'_>, identity: &Identity, assertion_hash: Option<String>) -> Self {
        Self {
            plan: Plan {
                organization: case.snapshot.organization.id.clone(),
                account: None,
                cause: Cause::SignIn { identity: identity.clone(), assertion_hash },
                at: case.login.at,
                steps: Vec::new(),
                notes: Vec::new(),
            },
        }
    }

    pub(super) fn is_about(&mut self, account: &Account) {
        self.plan.account = Some(account.id.clone());
    }

    pub(super) fn link(&mut self, account: &Account, identity: &Identity, rule: &str, because: &str) {
        self.is_about(account);
        self.step(RuleId::from(rule), Action::LinkIdentity { identity: identity.clone() }, because);
    }

    pub(super) fn step(&mut self, rule: RuleId, action: Action, because: impl Into<String>) {
        self.plan.steps.push(Step { rule, action, because: because.into() });
    }

    pub(super) fn note(&mut self, rule: RuleId, text: String) {
        self.plan.notes.push(Note { rule, text });
    }

    pub(super) fn finish(self) -> Plan {
        self.plan
    }
}
