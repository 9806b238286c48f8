//! A new customer with everything that it begins with.

use std::fmt;

use vouchsafe::provisioning::{Account, Organization, OrganizationId, Project, Snapshot, Team, TokenHash};

use crate::{
    AuditRecord, Author, ConnectionDecision, OrganizationConnections, SignInError, StoreError,
    StoredConnection, directory::parsed_policy,
};

/// Everything that a customer begins with: the organization, the teams and projects that its policy needs, the policy, and
/// the connection over which its people sign in. [`Directory::add_customer`](crate::Directory::add_customer) writes all of it
/// in one transaction. `Debug` does not show the policy, which may name people by their addresses.
///
/// ```
/// use vouchsafe::provisioning::{Actor, Organization, OrganizationId, Team, TeamId};
/// use vouchsafe_store::{Author, Directory, Memory, NewCustomer, StoredConnection};
///
/// async fn add(
///     store: &Memory,
///     connection: StoredConnection,
///     now: chrono::DateTime<chrono::Utc>,
/// ) -> Result<(), vouchsafe_store::SignInError> {
///     let id = OrganizationId::new("acme");
///     let mut acme = Organization::new(id.clone(), "acme", "Acme Rockets");
///     acme.entitled = true; // its plan has SAML sign-in
///     let customer = NewCustomer::new(acme)
///         .with_team(Team::new(TeamId::new("acme-all"), id, "All hands"))
///         .with_policy("[defaults]\nteams = [{ name = 'All hands' }]")
///         .signing_in_over(connection, None);
///     store.add_customer(&customer, &Author::new(Actor::Operator, now)).await?;
///     Ok(())
/// }
/// # let _ = add;
/// ```
#[derive(Clone)]
#[must_use = "it is added by Directory::add_customer"]
pub struct NewCustomer {
    organization: Organization,
    projects: Vec<Project>,
    teams: Vec<Team>,
    accounts: Vec<Account>,
    policy: Option<String>,
    connection: Option<(StoredConnection, Option<TokenHash>)>,
}

impl fmt::Debug for NewCustomer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NewCustomer")
            .field("organization", &self.organization.id)
            .field("projects", &self.projects)
            .field("teams", &self.teams)
            .field("accounts", &self.accounts)
            .field("connection", &self.connection.as_ref().map(|(connection, _)| &connection.id))
            .finish_non_exhaustive()
    }
}

impl NewCustomer {
    /// An organization, and nothing else yet.
    pub fn new(organization: Organization) -> NewCustomer {
        NewCustomer {
            organization,
            projects: Vec::new(),
            teams: Vec::new(),
            accounts: Vec::new(),
            policy: None,
            connection: None,
        }
    }

    /// The same with a project.
    pub fn with_project(mut self, project: Project) -> NewCustomer {
        self.projects.push(project);
        self
    }

    /// The same with a team.
    pub fn with_team(mut self, team: Team) -> NewCustomer {
        self.teams.push(team);
        self
    }

    /// The same with an account, such as that of the owner.
    pub fn with_account(mut self, account: Account) -> NewCustomer {
        self.accounts.push(account);
        self
    }

    /// The same with a policy in TOML. Teams and projects that it gives to new people are among those that are added.
    pub fn with_policy(mut self, toml: impl Into<String>) -> NewCustomer {
        self.policy = Some(toml.into());
        self
    }

    /// The same that is a SAML organization from the beginning: its people sign in over this connection, with the organization's token of this hash
    /// where the connection requires one.
    pub fn signing_in_over(mut self, connection: StoredConnection, token: Option<TokenHash>) -> NewCustomer {
        self.connection = Some((connection, token));
        self
    }

    /// For stores: everything that is to be written, judged by itself. What is unique among all organizations is for the store to judge: the names,
    /// tokens, connections and domains of the organization, and the ids of everything.
    ///
    /// # Errors
    /// [`StoreError::Policy`] and [`StoreError::PolicyRefused`], refusals such as that the organization is not entitled, and
    /// [`StoreError::Damaged`] for what is another organization's.
    pub fn prepared(&self, author: &Author) -> Result<PreparedCustomer, SignInError> {
        let id = &self.organization.id;
        self.is_of_one_organization()?;
        let mut audit = vec![AuditRecord::of_added_organization(&self.organization, author)];
        audit.extend(self.projects.iter().map(|project| AuditRecord::of_added_project(project, author)));
        audit.extend(self.teams.iter().map(|team| AuditRecord::of_added_team(team, author)));
        audit.extend(self.accounts.iter().map(|account| AuditRecord::of_added_account(account, author)));
        if let Some(toml) = &self.policy {
            let policy = parsed_policy(id, Some(toml))?;
            let is_set = policy.may_be_set(&self.snapshot());
            is_set.map_err(|source| StoreError::policy_refused(id.clone(), source))?;
            audit.extend(AuditRecord::of_policy(id, None, toml, author));
        }
        let mut connections = OrganizationConnections::new(self.organization.clone(), Vec::new());
        if let Some((connection, token)) = self.connection.clone() {
            let (actor, at) = (author.actor.clone(), author.at);
            let convert = ConnectionDecision::new(id.clone(), actor, at, move |customer, at| {
                customer.convert(connection.clone(), token.clone(), at)
            });
            let decided = convert.decide(&connections)?;
            audit.extend(decided.audit.iter().cloned());
            connections = decided.into_answer();
        }
        Ok(PreparedCustomer {
            organization: connections.organization,
            projects: self.projects.clone(),
            teams: self.teams.clone(),
            accounts: self.accounts.clone(),
            policy: self.policy.clone(),
            connections: connections.connections,
            audit,
        })
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new(self.organization.clone());
        snapshot.projects.clone_from(&self.projects);
        snapshot.teams.clone_from(&self.teams);
        snapshot.accounts.clone_from(&self.accounts);
        snapshot
    }

    fn is_of_one_organization(&self) -> Result<(), StoreError> {
        let of_projects = self.projects.iter().map(|project| &project.organization);
        let of_teams = self.teams.iter().map(|team| &team.organization);
        let of_accounts = self.accounts.iter().map(|account| &account.organization);
        let mut all = of_projects.chain(of_teams).chain(of_accounts);
        let is_other = |owner: &&OrganizationId| **owner != self.organization.id;
        match all.find(is_other) {
            Some(_) => Err(StoreError::damaged("customer", "a part of it is another organization's")),
            None => Ok(()),
        }
    }
}

/// Everything of a new customer, for a store to write, all of it or nothing. `Debug` does not show the policy.
#[derive(Clone)]
#[non_exhaustive]
pub struct PreparedCustomer {
    /// The organization, converted where it has a connection.
    pub organization: Organization,
    /// Its projects.
    pub projects: Vec<Project>,
    /// Its teams.
    pub teams: Vec<Team>,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// Its policy in TOML, if it has one.
    pub policy: Option<String>,
    /// Its connections, at their first revision. A name that was used before, by whomever, is [`StoreError::Taken`].
    pub connections: Vec<StoredConnection>,
    /// The audit records to add.
    pub audit: Vec<AuditRecord>,
}

impl fmt::Debug for PreparedCustomer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections: Vec<_> = self.connections.iter().map(|connection| &connection.id).collect();
        formatter
            .debug_struct("PreparedCustomer")
            .field("organization", &self.organization.id)
            .field("projects", &self.projects)
            .field("teams", &self.teams)
            .field("accounts", &self.accounts)
            .field("connections", &connections)
            .finish_non_exhaustive()
    }
}

impl PreparedCustomer {
    /// For stores: what is answered once everything is written.
    #[must_use]
    pub fn into_answer(self) -> OrganizationConnections {
        OrganizationConnections::new(self.organization, self.connections)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use vouchsafe::provisioning::Actor;

    use super::*;

    #[test]
    fn debug_names_nobody() {
        let id = OrganizationId::new("acme");
        let owner = Account::new("1".into(), id.clone(), "olga@acme.example");
        let mut owner_with_password = owner;
        owner_with_password.has_password = true;
        owner_with_password.role = vouchsafe::provisioning::Role::Owner;
        let customer = NewCustomer::new(Organization::new(id, "acme", "Acme"))
            .with_account(owner_with_password)
            .with_policy("[enforcement]\nbreak_glass = ['olga@acme.example']");
        let prepared = customer.prepared(&Author::new(Actor::Operator, DateTime::UNIX_EPOCH)).unwrap();
        for text in [format!("{customer:?}"), format!("{prepared:#?}")] {
            assert!(text.contains("acme") && !text.contains("olga"), "{text}");
        }
    }
}
