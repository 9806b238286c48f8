//! The state that follows from the audit.

use std::collections::BTreeMap;

use vouchsafe::provisioning::{
    Account, AccountId, Action, Permission, ProfileField, ProjectId, Role, Snapshot, Status, TeamId,
};

use crate::{AuditDetail, AuditRecord};

/// Who is in an organization and in which teams, as its audit says: for whoever keeps the audit elsewhere, and for holding one against the other.
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
}

/// An account, as the audit says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedAccount {
    /// E-mail address.
    pub email: String,
    /// Role in the organization.
    pub role: Role,
    /// Whether it may be used.
    pub status: Status,
    /// The teams that it is in, and what it may do in them.
    pub memberships: BTreeMap<TeamId, Permission>,
}

/// Without the address.
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
            role: account.role,
            status: account.status,
            memberships: account.memberships.iter().map(|one| (one.team.clone(), one.role())).collect(),
        }
    }
}

impl AuditedState {
    /// The same of what is there.
    #[must_use]
    pub fn of(whole: &Snapshot) -> Self {
        Self {
            accounts: whole.accounts.iter().map(|one| (one.id.clone(), AuditedAccount::from(one))).collect(),
            teams: whole.teams.iter().map(|team| (team.id.clone(), team.name.clone())).collect(),
            projects: whole.projects.iter().map(|one| (one.id.clone(), one.name.clone())).collect(),
        }
    }

    /// Applies a record. They come in the order of the audit, from its beginning.
    pub fn apply(&mut self, record: &AuditRecord) {
        match &record.detail {
            None => {}
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
            (Action::CreateAccount { email, role, status, .. }, _, Some(id)) => {
                // It waits, or is active; what suspends it from the beginning is a step of its own.
                let status = match status {
                    Status::PendingApproval => Status::PendingApproval,
                    _ => Status::Active,
                };
                let (email, role, memberships) = (email.clone(), *role, BTreeMap::new());
                self.accounts.insert(id.clone(), AuditedAccount { email, role, status, memberships });
            }
            (Action::CreateTeam { name, .. }, Some(id), _) => {
                self.teams.insert(TeamId::new(id), name.clone());
            }
            (Action::CreateProject { name, .. }, Some(id), _) => {
                self.projects.insert(ProjectId::new(id), name.clone());
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
            Action::SetField { field: ProfileField::Email, after, .. } => self.email.clone_from(after),
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

    fn may(&mut self, team: Option<&TeamId>, permission: Permission) {
        if let Some(team) = team {
            self.memberships.insert(team.clone(), permission);
        }
    }
}
