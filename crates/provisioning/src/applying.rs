//! A plan applied to a snapshot, step by step.

use std::collections::HashMap;

use crate::{
    Account, AccountId, Action, Assignment, Cause, LinkedProject, Membership, Origin, Plan, ProfileField,
    Project, ProjectId, ProjectRef, Snapshot, Status, Step, Team, TeamId, TeamRef, membership,
    names::first_of_each, text::folded,
};

/// A snapshot on its way through the steps of a plan, with what they find things by. A plan may have thousands of steps, so nothing is
/// searched for from the beginning at each.
pub(crate) struct Applying<'p, 'f> {
    next: Snapshot,
    plan: &'p Plan,
    fresh_id: &'f mut dyn FnMut() -> String,
    account: Option<CurrentAccount>,
    teams: Option<HashMap<String, TeamId>>,
    team_places: Option<HashMap<TeamId, usize>>,
    projects: Option<HashMap<String, ProjectId>>,
}

/// Where the plan's account stands, and its memberships.
struct CurrentAccount {
    place: usize,
    memberships: HashMap<TeamId, usize>,
    /// Whether a membership has nothing that gives it any more.
    has_ended: bool,
}

impl<'p, 'f> Applying<'p, 'f> {
    pub(crate) fn new(next: Snapshot, plan: &'p Plan, fresh_id: &'f mut dyn FnMut() -> String) -> Self {
        let account = plan.account.as_ref().and_then(|id| CurrentAccount::find(&next, id));
        Self { next, plan, fresh_id, account, teams: None, team_places: None, projects: None }
    }

    pub(crate) fn run(mut self) -> Snapshot {
        for step in &self.plan.steps {
            self.apply(step);
        }
        let (has_ended, is_sign_in) = (
            self.account.as_ref().is_some_and(|account| account.has_ended),
            matches!(self.plan.cause, Cause::SignIn { .. }),
        );
        let at = self.plan.at;
        if let Some((account, _)) = self.account() {
            if has_ended {
                account.memberships.retain(|membership| !membership.grants.is_empty());
            }
            if is_sign_in {
                account.last_sign_in = account.last_sign_in.max(Some(at));
            }
        }
        self.next
    }

    fn apply(&mut self, step: &Step) {
        let origin = match &self.plan.cause {
            Cause::Change { .. } => Origin::Hand,
            Cause::SignIn { .. } => Origin::Rule(step.rule.clone()),
        };
        match &step.action {
            Action::CreateAccount { .. } => self.create_account(&step.action),
            Action::CreateTeam { name } => self.create_team(name, origin),
            Action::CreateProject { name } => self.create_project(name, origin),
            Action::LinkProject { team, project, permission } => {
                let (Some(team), Some(project)) = (self.team_id(team), self.project_id(project)) else {
                    return;
                };
                if let Some(team) = self.team_mut(&team) {
                    team.projects.push(LinkedProject::new(project, *permission));
                }
            }
            Action::JoinTeam { team, role, source } | Action::SetGrant { team, role, source, .. } => {
                if let (Some(team), Some((account, current))) = (self.team_id(team), self.account()) {
                    match current.membership(account, &team) {
                        Some(known) => membership::set(&mut known.grants, source.clone(), *role),
                        None => {
                            current.memberships.insert(team.clone(), account.memberships.len());
                            account.memberships.push(Membership::new(team, *role, source.clone()));
                        }
                    }
                }
            }
            Action::EndGrant { team, source, .. } => {
                if let (Some(team), Some((account, current))) = (self.team_id(team), self.account()) {
                    current.end(account, &team, |grants| grants.retain(|grant| grant.source != *source));
                }
            }
            Action::LeaveTeam { team, .. } => {
                if let (Some(team), Some((account, current))) = (self.team_id(team), self.account()) {
                    current.end(account, &team, Vec::clear);
                }
            }
            Action::AssignProject { project, permission } => {
                if let (Some(project), Some((account, _))) = (self.project_id(project), self.account()) {
                    account.projects.retain(|assignment| assignment.project != project);
                    account.projects.push(Assignment::new(project, *permission, origin));
                }
            }
            Action::LinkIdentity { identity } => {
                if let Some((account, _)) = self.account() {
                    account.identities.push(identity.clone());
                }
            }
            Action::SetField { field, after, .. } => {
                if let Some((account, _)) = self.account() {
                    set_field(account, *field, after);
                }
            }
            Action::Suspend => self.set_status(Status::Suspended, |seats| seats.saturating_sub(1)),
            Action::Reactivate => self.set_status(Status::Active, |seats| seats.saturating_add(1)),
            Action::SetRole { after, .. } => {
                if let Some((account, _)) = self.account() {
                    account.role = *after;
                }
            }
        }
    }

    fn create_account(&mut self, action: &Action) {
        let Action::CreateAccount { email, username, first_name, last_name, role } = action else { return };
        let organization = self.next.organization.id.clone();
        let mut account = Account::new(AccountId::new((self.fresh_id)()), organization, email);
        account.username.clone_from(username);
        account.first_name.clone_from(first_name);
        account.last_name.clone_from(last_name);
        account.role = *role;
        account.created_at = Some(self.plan.at);
        let id = account.id.clone();
        self.next.accounts.push(account);
        self.account = CurrentAccount::find(&self.next, &id);
        self.next.seats_taken = self.next.seats_taken.map(|seats| seats.saturating_add(1));
    }

    fn create_team(&mut self, name: &str, origin: Origin) {
        let organization = self.next.organization.id.clone();
        let mut team = Team::new(TeamId::new((self.fresh_id)()), organization, name);
        team.origin = origin;
        let (id, place) = (team.id.clone(), self.next.teams.len());
        self.team_names().entry(folded(name)).or_insert_with(|| id.clone());
        self.team_places().entry(id).or_insert(place);
        self.next.teams.push(team);
    }

    fn create_project(&mut self, name: &str, origin: Origin) {
        let organization = self.next.organization.id.clone();
        let mut project = Project::new(ProjectId::new((self.fresh_id)()), organization, name);
        project.origin = origin;
        let id = project.id.clone();
        self.project_names().entry(folded(name)).or_insert(id);
        self.next.projects.push(project);
    }

    fn set_status(&mut self, status: Status, seats: fn(u32) -> u32) {
        if let Some((account, _)) = self.account() {
            account.status = status;
            self.next.seats_taken = self.next.seats_taken.map(seats);
        }
    }

    /// The plan's account.
    fn account(&mut self) -> Option<(&mut Account, &mut CurrentAccount)> {
        let current = self.account.as_mut()?;
        self.next.accounts.get_mut(current.place).map(|account| (account, current))
    }

    fn team_mut(&mut self, id: &TeamId) -> Option<&mut Team> {
        let place = self.team_places().get(id).copied()?;
        self.next.teams.get_mut(place)
    }

    fn team_id(&mut self, team: &TeamRef) -> Option<TeamId> {
        team.id.clone().or_else(|| self.team_names().get(&folded(&team.name)).cloned())
    }

    fn project_id(&mut self, project: &ProjectRef) -> Option<ProjectId> {
        project.id.clone().or_else(|| self.project_names().get(&folded(&project.name)).cloned())
    }

    fn team_names(&mut self) -> &mut HashMap<String, TeamId> {
        let own = &self.next.organization.id;
        let teams = self.next.teams.iter().filter(|team| team.organization == *own);
        let names = || first_of_each(teams.map(|team| (folded(&team.name), team.id.clone())));
        self.teams.get_or_insert_with(names)
    }

    fn team_places(&mut self) -> &mut HashMap<TeamId, usize> {
        let teams = self.next.teams.iter().enumerate();
        let places = || first_of_each(teams.map(|(place, team)| (team.id.clone(), place)));
        self.team_places.get_or_insert_with(places)
    }

    fn project_names(&mut self) -> &mut HashMap<String, ProjectId> {
        let own = &self.next.organization.id;
        let projects = self.next.projects.iter().filter(|project| project.organization == *own);
        let names = || first_of_each(projects.map(|project| (folded(&project.name), project.id.clone())));
        self.projects.get_or_insert_with(names)
    }
}

impl CurrentAccount {
    fn find(snapshot: &Snapshot, id: &AccountId) -> Option<Self> {
        let organization = &snapshot.organization.id;
        let is_meant = |account: &Account| account.id == *id && account.organization == *organization;
        let place = snapshot.accounts.iter().position(is_meant)?;
        let memberships = &snapshot.accounts.get(place)?.memberships;
        let places = memberships.iter().enumerate().map(|(place, known)| (known.team.clone(), place));
        Some(Self { place, memberships: first_of_each(places), has_ended: false })
    }

    fn membership<'a>(&self, account: &'a mut Account, team: &TeamId) -> Option<&'a mut Membership> {
        account.memberships.get_mut(*self.memberships.get(team)?)
    }

    /// Takes grants away, and the membership with the last of them: it goes when all steps are done, so that the others keep their places.
    fn end(&mut self, account: &mut Account, team: &TeamId, take: impl FnOnce(&mut Vec<crate::Grant>)) {
        let Some(membership) = self.membership(account, team) else { return };
        take(&mut membership.grants);
        if membership.grants.is_empty() {
            self.memberships.remove(team);
            self.has_ended = true;
        }
    }
}

fn set_field(account: &mut Account, field: ProfileField, value: &str) {
    let value = value.to_owned();
    match field {
        ProfileField::Email => account.email = value,
        ProfileField::Username => account.username = value,
        ProfileField::FirstName => account.first_name = Some(value),
        ProfileField::LastName => account.last_name = Some(value),
    }
}
