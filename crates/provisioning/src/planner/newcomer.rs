//! `[admission]` and `[defaults]`: people who have no account yet.

use super::{
    Context,
    draft::Draft,
    profile::Names,
    wanted::{Wanted, WantedGrant},
};
use crate::{Action, Approval, EmailAddress, PlanRefusal, ProjectRef, RuleId, Source, Status, TeamRef};

/// A person who is admitted.
pub(super) struct Newcomer {
    pub(super) email: EmailAddress,
    pub(super) names: Names,
    pub(super) because: &'static str,
}

/// Creates the account, which may have to wait for approval.
pub(super) fn create(context: Context<'_>, newcomer: Newcomer, draft: &mut Draft) {
    let Newcomer { email, names, because } = newcomer;
    let waits = waits_for_approval(context);
    let create = Action::CreateAccount {
        username: names.username.unwrap_or_else(|| email.as_str().to_owned()),
        email: email.as_str().to_owned(),
        first_name: names.first_name,
        last_name: names.last_name,
        role: context.policy.defaults.role.into(),
        status: status(context),
    };
    draft.step(RuleId::from("admission.create"), create, because);
    if let Some(reason) = waits {
        draft.note(RuleId::from("admission.approval"), format!("The account waits for approval: {reason}"));
    }
}

/// The contents of a new account.
pub(super) fn status(context: Context<'_>) -> Status {
    match waits_for_approval(context) {
        Some(_) => Status::PendingApproval,
        None => Status::Active,
    }
}

fn waits_for_approval(context: Context<'_>) -> Option<&'static str> {
    let limit = context.snapshot.organization.seat_limit;
    match context.policy.admission.approval {
        Approval::Never => None,
        Approval::WhenFull => {
            limit.is_some_and(|limit| context.snapshot.seats() >= limit).then_some("no seat is left")
        }
        Approval::Always => Some("every new account does"),
    }
}

pub(super) fn default_teams(context: Context<'_>, wanted: &mut Wanted) -> Result<(), PlanRefusal> {
    for default in &context.policy.defaults.teams {
        let team = context
            .names
            .team_named(&default.name)
            .ok_or_else(|| PlanRefusal::DefaultTeamMissing { team: default.name.clone() })?;
        let team = TeamRef::of(team);
        let because = "new people join it".to_owned();
        let rule = RuleId::from("defaults.teams");
        wanted.add(team, WantedGrant { source: Source::Defaults, role: default.role, rule, because });
    }
    Ok(())
}

pub(super) fn default_projects(context: Context<'_>, draft: &mut Draft) -> Result<(), PlanRefusal> {
    let mut given: Vec<ProjectRef> = Vec::new();
    for default in &context.policy.defaults.projects {
        let project = context
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
