//! The state of an organization, rebuilt from its audit.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe::{
    ConnectionId,
    provisioning::{
        Account, AccountId, Action, GroupId, Identity, Permission, ProfileField, ProjectId, Role, ScimRecord,
        Snapshot, Status, TeamId,
    },
};

use crate::{AuditDetail, AuditRecord};

/// The accounts of an organization, who signs in to them and what they may do, rebuilt from the audit. Use it if you
/// keep the audit elsewhere, or to compare the audit with the directory.
///
/// ```
/// use vouchsafe::provisioning::OrganizationId;
/// use vouchsafe_store::{AuditedState, Directory, StoreError};
///
/// # async fn example(store: &dyn Directory, id: OrganizationId) -> Result<(), StoreError> {
/// let mut state = AuditedState::default();
/// for record in store.audit(&id).await? {
///     state.apply(&record);
/// }
/// assert_eq!(state, AuditedState::of(&store.whole(&id).await?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedState {
    /// The accounts.
    pub accounts: BTreeMap<AccountId, AuditedAccount>,
    /// The teams, and their names.
    pub teams: BTreeMap<TeamId, String>,
    /// The projects, and their names.
    pub projects: BTreeMap<ProjectId, String>,
    /// The groups that identity providers pushed by SCIM, and their names.
    pub groups: BTreeMap<GroupId, String>,
}

/// An account as the audit describes it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedAccount {
    /// E-mail address.
    pub email: String,
    /// Username, given name and family name.
    pub names: [Option<String>; 3],
    /// Who may sign in to it through an identity provider.
    pub identities: BTreeSet<Identity>,
    /// The data that identity providers pushed by SCIM.
    pub scim: BTreeMap<ConnectionId, ScimRecord>,
    /// The SCIM groups that the account is in.
    pub scim_groups: BTreeSet<GroupId>,
    /// The projects that it was given directly.
    pub projects: BTreeMap<ProjectId, Permission>,
    /// Role in the organization.
    pub role: Role,
    /// Whether the account may be used.
    pub status: Status,
    /// The teams that it is in, and what it may do in them.
    pub memberships: BTreeMap<TeamId, Permission>,
}

/// `Debug` does not show the address.
impl std::fmt::Debug for AuditedAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuditedAccount")
            .field("role", &self.role)
            .field("status", &self.status)
            .field("memberships", &self.memberships)
            .finish_non_exhaustive()
    }
}

impl From<&Account> for AuditedAccount {
    fn from(account: &Account) -> Self {
        Self {
            email: account.email.clone(),
            names: [Some(account.username.clone()), account.first_name.clone(), account.last_name.clone()],
            identities: account.identities.iter().cloned().collect(),
            scim: account.scim.iter().map(|record| (record.connection.clone(), record.clone())).collect(),
            scim_groups: account.scim_groups.clone(),
            projects: account.projects.iter().map(|one| (one.project.clone(), one.permission)).collect(),
            role: account.role,
            status: account.status,
            memberships: account.memberships.iter().map(|one| (one.team.clone(), one.role())).collect(),
        }
    }
}

impl AuditedState {
    /// The same description, made from the stored state.
    #[must_use]
    pub fn of(whole: &Snapshot) -> Self {
        Self {
            accounts: whole.accounts.iter().map(|one| (one.id.clone(), AuditedAccount::from(one))).collect(),
            teams: whole.teams.iter().map(|team| (team.id.clone(), team.name.clone())).collect(),
            projects: whole.projects.iter().map(|one| (one.id.clone(), one.name.clone())).collect(),
            groups: whole.groups.iter().map(|one| (one.id.clone(), one.name.clone())).collect(),
        }
    }

    /// Applies a record. Records must be applied in the order of the audit, from its beginning.
    pub fn apply(&mut self, record: &AuditRecord) {
        match &record.detail {
            None | Some(AuditDetail::Refusal) => {}
            Some(AuditDetail::Account(account)) => {
                self.accounts.insert(account.id.clone(), AuditedAccount::from(&**account));
            }
            Some(AuditDetail::Team(team)) => {
                self.teams.insert(team.id.clone(), team.name.clone());
            }
            Some(AuditDetail::Project(project)) => {
                self.projects.insert(project.id.clone(), project.name.clone());
            }
            Some(AuditDetail::Step { action, made }) => {
                self.take(action, made.as_deref(), record.account.as_ref());
            }
        }
    }

    fn take(&mut self, action: &Action, made: Option<&str>, account: Option<&AccountId>) {
        match (action, made, account) {
            (
                Action::CreateAccount { email, username, first_name, last_name, role, status, .. },
                _,
                Some(id),
            ) => {
                // It waits, or is active; what suspends it from the beginning is a step of its own.
                let status = match status {
                    Status::PendingApproval => Status::PendingApproval,
                    _ => Status::Active,
                };
                let account = AuditedAccount {
                    email: email.clone(),
                    names: [Some(username.clone()), first_name.clone(), last_name.clone()],
                    role: *role,
                    status,
                    identities: BTreeSet::new(),
                    scim: BTreeMap::new(),
                    scim_groups: BTreeSet::new(),
                    projects: BTreeMap::new(),
                    memberships: BTreeMap::new(),
                };
                self.accounts.insert(id.clone(), account);
            }
            (Action::CreateTeam { name, .. }, Some(id), _) => {
                self.teams.insert(TeamId::new(id), name.clone());
            }
            (Action::CreateProject { name, .. }, Some(id), _) => {
                self.projects.insert(ProjectId::new(id), name.clone());
            }
            (Action::CreateGroup { group, .. }, ..) => {
                self.groups.insert(group.id.clone(), group.name.clone());
            }
            (Action::ChangeGroup { group, name, .. }, ..) => {
                self.groups.insert(group.id.clone(), name.clone());
            }
            (Action::DeleteGroup { group, .. }, ..) => {
                self.groups.remove(&group.id);
            }
            (action, _, Some(id)) => {
                if let Some(account) = self.accounts.get_mut(id) {
                    account.take(action);
                }
            }
            _ => {}
        }
    }
}

impl AuditedAccount {
    fn take(&mut self, action: &Action) {
        match action {
            Action::SetField { field, after, .. } => self.set(*field, after),
            Action::LinkIdentity { identity, .. } => drop(self.identities.insert(identity.clone())),
            Action::RenameIdentity { before, after, .. } => {
                self.identities.remove(before);
                self.identities.insert(after.clone());
            }
            Action::UnlinkIdentity { identity, .. } => drop(self.identities.remove(identity)),
            Action::SetScimRecord { after, .. } => {
                self.scim.insert(after.connection.clone(), after.clone());
            }
            Action::JoinGroup { group, .. } => drop(self.scim_groups.insert(group.id.clone())),
            Action::LeaveGroup { group, .. } => drop(self.scim_groups.remove(&group.id)),
            Action::AssignProject { project, permission, .. } => {
                if let Some(project) = &project.id {
                    self.projects.insert(project.clone(), *permission);
                }
            }
            Action::JoinTeam { team, role, .. } => self.may(team.id.as_ref(), *role),
            Action::SetGrant { team, after, .. } | Action::EndGrant { team, after, .. } => {
                self.may(team.id.as_ref(), *after);
            }
            Action::LeaveTeam { team, .. } => {
                if let Some(team) = &team.id {
                    self.memberships.remove(team);
                }
            }
            Action::Suspend { .. } => self.status = Status::Suspended,
            Action::Reactivate { after, .. } => self.status = *after,
            Action::SetRole { after, .. }
            | Action::GrantRole { after, .. }
            | Action::EndRole { after, .. } => {
                self.role = *after;
            }
            _ => {}
        }
    }

    fn set(&mut self, field: ProfileField, value: &str) {
        let value = value.to_owned();
        let [username, first_name, last_name] = &mut self.names;
        match field {
            ProfileField::Email => self.email = value,
            ProfileField::Username => *username = Some(value),
            ProfileField::FirstName => *first_name = Some(value),
            ProfileField::LastName => *last_name = Some(value),
            _ => {}
        }
    }

    fn may(&mut self, team: Option<&TeamId>, permission: Permission) {
        if let Some(team) = team {
            self.memberships.insert(team.clone(), permission);
        }
    }
}
