//! What a sign-in over a draft would change, and how much of that the holder of a link sees.

use vouchsafe::Trial;
use vouchsafe::provisioning::{
    Action, AttributeMapping, LoginFacts, Plan, PlanRefusal, Policy, Snapshot, Step,
};
use vouchsafe_store::StoredConnection;

use super::error::SetUpError;
use super::settings::SetUp;
use super::visit::renewed_among;
use crate::work::elsewhere;

impl SetUp {
    /// Returns what the sign-in would change if the draft were active. It is planned on a copy of what the sign-in refers
    /// to, and nothing is changed.
    pub(super) async fn planned(
        &self,
        trial: &Trial,
        draft: &StoredConnection,
        connections: &[StoredConnection],
        mut policy: Policy,
        names: AttributeMapping,
    ) -> Result<Plan, SetUpError> {
        let mut facts = LoginFacts::of_trial(trial);
        let renewed = renewed_among(connections, draft)?.map(|renewed| renewed.id.clone());
        if let Some(renewed) = &renewed {
            facts.connection = renewed.clone();
        }
        policy.attributes = names;
        let mut snapshot = self.0.store.snapshot_of_trial(&draft.organization, &policy, &facts).await?;
        if renewed.is_none() {
            let (id, identity_provider) = (draft.id.clone(), draft.identity_provider.clone());
            snapshot.organization.connect(id, identity_provider, trial.judged_at())?;
        }
        // The settings of the draft count, whatever the store has for the connection.
        if draft.settings.token_required {
            snapshot.token_not_required.remove(&facts.connection);
        } else {
            snapshot.token_not_required.insert(facts.connection.clone());
        }
        // Plans of long lists of groups take time, so they are made where other requests do not wait for them.
        Ok(elsewhere(move || Ok(plan_for_holder(&policy, &facts, snapshot))).await??)
    }
}

/// Plans the sign-in. If another organization has verified the domain of the address, and the policy would refuse the
/// address of a domain that nobody has verified as well, that is the refusal: it does not tell who is a customer.
fn plan_for_holder(policy: &Policy, facts: &LoginFacts, mut snapshot: Snapshot) -> Result<Plan, PlanRefusal> {
    match policy.plan(facts, &snapshot) {
        Err(refused @ PlanRefusal::DomainOfAnother { .. }) => {
            snapshot.domains_of_others.clear();
            Err(policy.plan(facts, &snapshot).err().unwrap_or(refused))
        }
        planned => planned,
    }
}

/// Explains a plan to the holder of a link. Whoever gave the metadata may have signed the response with a key of their own,
/// in the name of anybody. So nothing is shown of an account that exists: neither its profile, nor its teams and roles.
pub(super) fn explained_to_holder(plan: &Plan) -> Vec<String> {
    let is_known = |step: &&Step| plan.account_of(step).is_some();
    if plan.account().is_none() && !plan.steps().iter().any(|step| is_known(&step)) {
        return plan.explanation();
    }
    let mut lines = vec!["The person has an account already.".to_owned()];
    for line in
        plan.steps().iter().map(|step| if is_known(&step) { of_known(step) } else { step.to_string() })
    {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if plan.steps().is_empty() {
        lines.push("Nothing changes.".to_owned());
    }
    lines
}

/// What is said to the holder of a link in place of `message`, the reason with this code why a sign-in is refused. Reasons
/// about an account that exists name it, and some tell whether it has a password or a role.
pub(super) fn refusal_to_holder<'m>(code: &str, message: &'m str) -> &'m str {
    match code.strip_prefix("provisioning.").or(code.strip_prefix("store.")) {
        Some(
            "account_suspended"
            | "account_unknown"
            | "approval_pending"
            | "email_taken"
            | "identity_taken"
            | "last_owner"
            | "link_session_ended"
            | "password_refused"
            | "scim_account_taken"
            | "scim_not_managed"
            | "scim_takeover_refused"
            | "scim_user_exists"
            | "too_many_removals",
        ) => "the rules do not let the person sign in to the account that exists, or change it",
        _ => message,
    }
}

/// What a step does to an account that exists, without what the account has.
fn of_known(step: &Step) -> String {
    match &step.action {
        Action::LinkIdentity { .. } | Action::RenameIdentity { .. } => {
            "Lets the person sign in by the name that came.".to_owned()
        }
        Action::SetField { field, .. } => format!("Sets the {} to what came.", field.name()),
        Action::CreateTeam { .. } | Action::CreateProject { .. } => step.to_string(),
        _ => "Changes teams, projects or roles of the account.".to_owned(),
    }
}
