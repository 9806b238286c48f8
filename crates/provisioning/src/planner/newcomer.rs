//! `[admission]` and `[defaults]`: for people who have no account yet.

use super::{
    Case,
    draft::Draft,
    groups::{Wanted, WantedGrant},
    is_of_another, profile,
};
use crate::{Action, EmailAddress, Identity, PlanRefusal, ProjectRef, RuleId, Source, TeamRef};

/// Makes the account and links it, when the policy and the plan of the organization allow it.
pub(super) fn admit(case: Case<'_>, identity: &Identity, draft: &mut Draft) -> Result<(), PlanRefusal> {
    let email = profile::email(case)?.ok_or_else(|| PlanRefusal::AttributeMissing {
        field: "e-mail address",
        attribute: case.policy.attributes.email.clone(),
    })?;
    if !case.policy.admission.create {
        return Err(PlanRefusal::CreationOff {});
    }
    domain_is_admitted(case, &email)?;
    let names = profile::names(case, draft);
    let create = Action::CreateAccount {
        username: names.username.unwrap_or_else(|| email.as_str().to_owned()),
        email: email.as_str().to_owned(),
        first_name: names.first_name,
        last_name: names.last_name,
        role: case.policy.defaults.role.into(),
    };
    draft.step(RuleId::from("admission.create"), create, "this is the person's first sign-in");
    let link = Action::LinkIdentity { identity: identity.clone() };
    draft.step(RuleId::from("admission.create"), link, "later sign-ins find the account by it");
    Ok(())
}

pub(super) fn default_teams(case: Case<'_>, wanted: &mut Wanted) -> Result<(), PlanRefusal> {
    for default in &case.policy.defaults.teams {
        let team = case
            .names
            .team_named(&default.name)
            .ok_or_else(|| PlanRefusal::DefaultTeamMissing { team: default.name.clone() })?;
        let team = TeamRef { id: Some(team.id.clone()), name: team.name.clone() };
        let because = "new people join it".to_owned();
        let rule = RuleId::from("defaults.teams");
        wanted.add(team, WantedGrant { source: Source::Defaults, role: default.role, rule, because });
    }
    Ok(())
}

pub(super) fn default_projects(case: Case<'_>, draft: &mut Draft) -> Result<(), PlanRefusal> {
    let mut given: Vec<ProjectRef> = Vec::new();
    for default in &case.policy.defaults.projects {
        let project = case
            .names
            .project_named(&default.name)
            .ok_or_else(|| PlanRefusal::DefaultProjectMissing { project: default.name.clone() })?;
        let project = ProjectRef { id: Some(project.id.clone()), name: project.name.clone() };
        if given.contains(&project) {
            continue;
        }
        given.push(project.clone());
        let assign = Action::AssignProject { project, permission: default.permission };
        draft.step(RuleId::from("defaults.projects"), assign, "new people get it");
    }
    Ok(())
}

/// What another organization has verified is that one's alone, whatever the policy allows.
fn domain_is_admitted(case: Case<'_>, email: &EmailAddress) -> Result<(), PlanRefusal> {
    let (allowed, domain) = (&case.policy.admission.domains, email.domain());
    if is_of_another(case, domain) {
        return Err(PlanRefusal::DomainOfAnother { domain: domain.clone() });
    }
    if allowed.is_empty() || allowed.contains(domain) {
        return Ok(());
    }
    Err(PlanRefusal::DomainNotAllowed { domain: domain.clone(), allowed: allowed.clone() })
}
