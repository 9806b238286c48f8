//! Groups and steps, one after the other, each searching from the beginning: slow, and plain to see.

use std::collections::BTreeSet;

use vouchsafe_provisioning::{
    Account, AccountId, Action, Assignment, Cause, LinkedProject, LoginFacts, Membership, Origin, Plan,
    Policy, Project, ProjectId, ProjectRef, Snapshot, Source, Step, Team, TeamId, TeamRef, Unmapped,
};

/// Names of teams, and what gives them.
pub(crate) type Wanted = BTreeSet<(String, Source)>;

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The teams that the groups of a login ask for, and that are there or may be made.
pub(crate) fn wanted(policy: &Policy, login: &LoginFacts, snapshot: &Snapshot) -> Wanted {
    let mut wanted = Wanted::new();
    let groups = login.values("department").unwrap_or_default().iter().map(|group| group.trim());
    for group in groups.filter(|group| !group.is_empty()) {
        if policy.groups.ignore.iter().any(|ignored| folded(ignored) == folded(group)) {
            continue;
        }
        let rules = policy.groups.rules.iter().filter(|rule| rule.matches.is_met_by(group));
        let mut teams: Vec<&str> = rules.map(|rule| rule.team.as_str()).collect();
        if teams.is_empty() && policy.groups.unmapped == Unmapped::SameName {
            teams.push(group);
        }
        for team in teams {
            let may_be_made = policy.groups.create_teams && !team.trim().contains(char::is_control);
            if snapshot.team_named(team).is_some() || may_be_made {
                wanted.insert((folded(team), Source::group(login.connection.clone(), group)));
            }
        }
    }
    wanted
}

/// What [`Snapshot::after`] says.
pub(crate) fn after(snapshot: &Snapshot, plan: &Plan) -> Snapshot {
    let mut next = snapshot.clone();
    let mut current = plan.account().cloned();
    let mut numbers = 1_u64..;
    for step in plan.steps() {
        apply(&mut next, step, plan, &mut current, &mut || format!("new-{}", numbers.next().unwrap()));
    }
    if let (Some(account), Cause::SignIn { .. }) = (account_mut(&mut next, current.as_ref()), plan.cause()) {
        account.last_sign_in = account.last_sign_in.max(Some(plan.at()));
    }
    next
}

fn apply(
    next: &mut Snapshot,
    step: &Step,
    plan: &Plan,
    current: &mut Option<AccountId>,
    fresh_id: &mut dyn FnMut() -> String,
) {
    let origin = Origin::Rule(step.rule.clone());
    let organization = next.organization.id.clone();
    match &step.action {
        Action::CreateAccount { email, username, first_name, last_name, role, .. } => {
            let mut account = Account::new(AccountId::new(fresh_id()), organization, email);
            account.username.clone_from(username);
            account.first_name.clone_from(first_name);
            account.last_name.clone_from(last_name);
            account.role = *role;
            account.created_at = Some(plan.at());
            *current = Some(account.id.clone());
            next.accounts.push(account);
            next.seats_taken = next.seats_taken.map(|seats| seats.saturating_add(1));
        }
        Action::CreateTeam { name, .. } => {
            let mut team = Team::new(TeamId::new(fresh_id()), organization, name);
            team.origin = origin;
            next.teams.push(team);
        }
        Action::CreateProject { name, .. } => {
            let mut project = Project::new(ProjectId::new(fresh_id()), organization, name);
            project.origin = origin;
            next.projects.push(project);
        }
        Action::LinkProject { team, project, permission, .. } => {
            let (team, project) = (team_id(next, team), project_id(next, project));
            let team = next.teams.iter_mut().find(|known| known.id == team).unwrap();
            team.projects.push(LinkedProject::new(project, *permission));
        }
        Action::JoinTeam { team, role, source, .. } | Action::SetGrant { team, role, source, .. } => {
            let team = team_id(next, team);
            let account = account_mut(next, current.as_ref()).unwrap();
            match account.memberships.iter_mut().find(|known| known.team == team) {
                Some(known) => *known = known.clone().also_by(source.clone(), *role),
                None => account.memberships.push(Membership::new(team, *role, source.clone())),
            }
        }
        Action::EndGrant { team, source, .. } => {
            let team = team_id(next, team);
            let account = account_mut(next, current.as_ref()).unwrap();
            let known = account.memberships.iter_mut().find(|known| known.team == team).unwrap();
            known.grants.retain(|grant| grant.source != *source);
        }
        Action::LeaveTeam { team, .. } => {
            let team = team_id(next, team);
            account_mut(next, current.as_ref()).unwrap().memberships.retain(|known| known.team != team);
        }
        Action::AssignProject { project, permission, .. } => {
            let project = project_id(next, project);
            let account = account_mut(next, current.as_ref()).unwrap();
            account.projects.retain(|assignment| assignment.project != project);
            account.projects.push(Assignment::new(project, *permission, origin));
        }
        Action::LinkIdentity { identity, .. } => {
            account_mut(next, current.as_ref()).unwrap().identities.push(identity.clone());
        }
        Action::SetField { field, after, .. } => {
            let account = account_mut(next, current.as_ref()).unwrap();
            let after = after.clone();
            match field.name() {
                "e-mail address" => account.email = after,
                "username" => account.username = after,
                "first name" => account.first_name = Some(after),
                _ => account.last_name = Some(after),
            }
        }
        // No sign-in asks for more.
        _ => {}
    }
}

fn account_mut<'s>(next: &'s mut Snapshot, id: Option<&AccountId>) -> Option<&'s mut Account> {
    let own = &next.organization.id;
    next.accounts.iter_mut().find(|account| Some(&account.id) == id && account.organization == *own)
}

fn team_id(next: &Snapshot, team: &TeamRef) -> TeamId {
    team.id.clone().unwrap_or_else(|| next.team_named(&team.name).unwrap().id.clone())
}

fn project_id(next: &Snapshot, project: &ProjectRef) -> ProjectId {
    project.id.clone().unwrap_or_else(|| next.project_named(&project.name).unwrap().id.clone())
}
