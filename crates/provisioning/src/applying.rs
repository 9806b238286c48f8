//! A plan applied to a snapshot, step by step.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    Account, AccountId, Action, Actor, Assignment, Cause, DirectoryGroup, Hold, LinkedProject, Membership,
    Origin, Plan, ProfileField, Project, ProjectId, ProjectRef, Role, RoleGrant, ScimRecord, Snapshot,
    Source, Status, Step, Team, TeamId, TeamRef, membership, names::first_of_each, text::folded,
};

/// A snapshot to which the steps of a plan are being applied, with indexes. A plan may have thousands of steps, so no
/// step searches from the beginning.
pub(crate) struct Applying<'p, 'f> {
    next: Snapshot,
    plan: &'p Plan,
    fresh_id: &'f mut dyn FnMut() -> String,
    /// The account of the current step, and those of earlier steps.
    account: Option<CurrentAccount>,
    others: HashMap<AccountId, CurrentAccount>,
    teams: Option<HashMap<String, TeamId>>,
    team_places: Option<HashMap<TeamId, usize>>,
    projects: Option<HashMap<String, ProjectId>>,
    account_places: Option<HashMap<AccountId, usize>>,
}

/// The position of an account and of its memberships.
struct CurrentAccount {
    id: AccountId,
    place: usize,
    memberships: HashMap<TeamId, usize>,
    /// Whether no source of a membership remains.
    has_ended: bool,
}

impl<'p, 'f> Applying<'p, 'f> {
    pub(crate) fn new(next: Snapshot, plan: &'p Plan, fresh_id: &'f mut dyn FnMut() -> String) -> Self {
        let others = HashMap::new();
        let account = plan.account.as_ref().and_then(|id| {
            let place = next.accounts.iter().position(|account| is_meant(&next, account, id))?;
            CurrentAccount::at(&next, place)
        });
        Self {
            next,
            plan,
            fresh_id,
            account,
            others,
            teams: None,
            team_places: None,
            projects: None,
            account_places: None,
        }
    }

    pub(crate) fn run(mut self) -> Snapshot {
        let (seats, owners) = (self.next.visible_seats(), self.next.visible_owners());
        for step in &self.plan.steps {
            self.turn_to(step.account.as_ref());
            self.apply(step);
        }
        let is_sign_in = matches!(self.plan.cause, Cause::SignIn { .. });
        let at = self.plan.at;
        // A person who waits for approval has not signed in.
        if let Some((account, _)) = self.account().filter(|(account, _)| is_sign_in && account.is_active()) {
            account.last_sign_in = account.last_sign_in.max(Some(at));
        }
        let current = self.account.take();
        for current in self.others.into_values().chain(current).filter(|account| account.has_ended) {
            if let Some(account) = self.next.accounts.get_mut(current.place) {
                account.memberships.retain(|membership| !membership.grants.is_empty());
            }
        }
        let counted = |known: Option<u32>, before: u32, after: u32| {
            known.map(|known| known.saturating_add(after).saturating_sub(before))
        };
        self.next.seats_taken = counted(self.next.seats_taken, seats, self.next.visible_seats());
        self.next.owners = counted(self.next.owners, owners, self.next.visible_owners());
        self.next
    }

    /// Makes the account of a step the current one, or the plan's account if the step names none.
    fn turn_to(&mut self, account: Option<&AccountId>) {
        let Some(id) = account.filter(|id| self.account.as_ref().is_none_or(|known| known.id != **id)) else {
            return;
        };
        let found = self.others.remove(id).or_else(|| {
            let place = self.account_places().get(id).copied()?;
            CurrentAccount::at(&self.next, place)
        });
        if let Some(before) = std::mem::replace(&mut self.account, found) {
            self.others.insert(before.id.clone(), before);
        }
    }

    /// The position of each account.
    fn account_places(&mut self) -> &HashMap<AccountId, usize> {
        let next = &self.next;
        self.account_places.get_or_insert_with(|| {
            let all = next.accounts.iter().enumerate();
            let own = all.filter(|(_, account)| account.organization == next.organization.id);
            first_of_each(own.map(|(place, account)| (account.id.clone(), place)))
        })
    }

    fn apply(&mut self, step: &Step) {
        let origin = match &self.plan.cause {
            Cause::Change { actor: Actor::Account(_) | Actor::Operator } => Origin::Hand,
            Cause::Change { .. } | Cause::SignIn { .. } => Origin::Rule(step.rule.clone()),
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
            Action::CreateGroup { connection, group, external_id } => {
                let organization = self.next.organization.id.clone();
                let id = group.id.clone();
                let mut made = DirectoryGroup::new(id, organization, connection.clone(), &group.name);
                made.external_id.clone_from(external_id);
                self.next.groups.push(made);
            }
            Action::ChangeGroup { group, name, external_id } => {
                let own = &self.next.organization.id;
                let mut groups = self.next.groups.iter_mut();
                if let Some(known) = groups.find(|known| known.organization == *own && known.id == group.id) {
                    known.name.clone_from(name);
                    known.external_id.clone_from(external_id);
                }
            }
            Action::DeleteGroup { group } => {
                let own = self.next.organization.id.clone();
                self.next.groups.retain(|known| known.organization != own || known.id != group.id);
            }
            Action::JoinGroup { group } => {
                if let Some((account, _)) = self.account() {
                    account.scim_groups.insert(group.id.clone());
                }
            }
            Action::LeaveGroup { group } => {
                if let Some((account, _)) = self.account() {
                    account.scim_groups.remove(&group.id);
                }
            }
            action => {
                let at = self.plan.at;
                if let Some((account, _)) = self.account() {
                    change_account(account, action, at);
                }
            }
        }
    }

    fn create_account(&mut self, action: &Action) {
        let Action::CreateAccount { email, username, first_name, last_name, role, status } = action else {
            return;
        };
        let organization = self.next.organization.id.clone();
        let mut account = Account::new(AccountId::new((self.fresh_id)()), organization, email);
        account.username.clone_from(username);
        account.first_name.clone_from(first_name);
        account.last_name.clone_from(last_name);
        account.role = *role;
        account.created_at = Some(self.plan.at);
        if *status == Status::PendingApproval {
            account.hold(Hold::Approval);
        }
        let place = self.next.accounts.len();
        self.next.accounts.push(account);
        self.account_places = None;
        self.account = CurrentAccount::at(&self.next, place);
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

    /// The account of the current step.
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

fn is_meant(snapshot: &Snapshot, account: &Account, id: &AccountId) -> bool {
    account.id == *id && account.organization == snapshot.organization.id
}

impl CurrentAccount {
    fn at(snapshot: &Snapshot, place: usize) -> Option<Self> {
        let account = snapshot.accounts.get(place)?;
        let places = account.memberships.iter().enumerate().map(|(place, known)| (known.team.clone(), place));
        Some(Self { id: account.id.clone(), place, memberships: first_of_each(places), has_ended: false })
    }

    fn membership<'a>(&self, account: &'a mut Account, team: &TeamId) -> Option<&'a mut Membership> {
        account.memberships.get_mut(*self.memberships.get(team)?)
    }

    /// Removes grants, and the membership with the last of them. The membership is removed after all steps, so that the
    /// positions of others stay valid.
    fn end(&mut self, account: &mut Account, team: &TeamId, take: impl FnOnce(&mut Vec<crate::Grant>)) {
        let Some(membership) = self.membership(account, team) else { return };
        take(&mut membership.grants);
        if membership.grants.is_empty() {
            self.memberships.remove(team);
            self.has_ended = true;
        }
    }
}

/// The changes of a step to an account by itself.
fn change_account(account: &mut Account, action: &Action, at: DateTime<Utc>) {
    match action {
        Action::LinkIdentity { identity } => account.identities.push(identity.clone()),
        Action::RenameIdentity { before, after } => {
            // Another account that has the new name already loses the old one.
            let has_both = account.identities.contains(after);
            account.identities.retain(|known| !has_both || known != before);
            for known in account.identities.iter_mut().filter(|known| *known == before) {
                known.clone_from(after);
            }
        }
        Action::UnlinkIdentity { identity } => {
            account.identities.retain(|known| known != identity);
            account.ended_at = account.ended_at.max(Some(at));
        }
        Action::SetField { field, after, .. } => set_field(account, *field, after),
        Action::Suspend { by, .. } => {
            account.hold(by.clone());
            account.ended_at = account.ended_at.max(Some(at));
        }
        Action::Reactivate { by, .. } => account.release(by),
        Action::EndSessions => account.ended_at = Some(at),
        Action::SetRole { role, .. } => {
            match &mut account.own_role {
                Some(own) => *own = *role,
                None => account.role = *role,
            }
            settle_role(account);
        }
        Action::GrantRole { source, role, .. } => {
            account.own_role = account.own_role.or(Some(account.role));
            set_role_grant(&mut account.role_grants, source, *role);
            settle_role(account);
        }
        Action::EndRole { source, .. } => {
            account.role_grants.retain(|grant| grant.source != *source);
            settle_role(account);
        }
        Action::SetScimRecord { after, .. } => set_scim_record(&mut account.scim, after),
        _ => {}
    }
}

/// The highest of the account's own role and the roles that groups give.
fn settle_role(account: &mut Account) {
    if account.role_grants.is_empty() {
        account.role = account.own_role.take().unwrap_or(account.role);
    } else {
        account.role = membership::highest_role(account.own_role.unwrap_or_default(), &account.role_grants);
    }
}

fn set_role_grant(grants: &mut Vec<RoleGrant>, source: &Source, role: Role) {
    match grants.iter_mut().find(|grant| grant.source == *source) {
        Some(grant) => grant.role = role,
        None => grants.push(RoleGrant::new(source.clone(), role)),
    }
}

fn set_scim_record(records: &mut Vec<ScimRecord>, after: &ScimRecord) {
    match records.iter_mut().find(|record| record.connection == after.connection) {
        Some(record) => record.clone_from(after),
        None => records.push(after.clone()),
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
