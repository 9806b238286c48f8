//! People: accounts and what they belong to.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{
    AccountId, GroupId, Hold, Identity, Membership, OrganizationId, Permission, PlanRefusal, ProjectId,
    RoleGrant, RuleId, ScimRecord, TeamId,
};

/// A person's account in one organization. `Debug` shows nothing personal.
///
/// ```
/// use vouchsafe_provisioning::{Account, AccountId, OrganizationId, Role};
///
/// let mut owner = Account::new(AccountId::new("1"), OrganizationId::new("acme"), "ada@example.com");
/// owner.role = Role::Owner;
/// owner.has_password = true;
/// assert!(owner.is_active());
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Account {
    /// The id that the store gave the account.
    pub id: AccountId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// E-mail address. A person may have entered one by hand that is not an [`EmailAddress`](crate::EmailAddress); it
    /// decides nothing.
    pub email: String,
    /// The name that the person signs in with at the identity provider, or the e-mail address.
    #[serde(default)]
    pub username: String,
    /// Given name, where known.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Family name, where known.
    #[serde(default)]
    pub last_name: Option<String>,
    /// What the person may do in the organization: the highest of the account's own role and the roles that groups
    /// give.
    #[serde(default)]
    pub role: Role,
    /// The account's own role, while groups give roles; `None` while none does: [`role`](Self::role).
    #[serde(default)]
    pub own_role: Option<Role>,
    /// The roles that groups give; each source occurs once.
    #[serde(default)]
    pub role_grants: Vec<RoleGrant>,
    /// Whether the account may be used.
    #[serde(default)]
    pub status: Status,
    /// The reasons why it may not be used, where they are known: [`holds`](Self::holds).
    #[serde(default)]
    pub holds: BTreeSet<Hold>,
    /// Whether the account also has a password of the service.
    #[serde(default)]
    pub has_password: bool,
    /// The people who may sign in to it through an identity provider.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// The data that identity providers pushed by SCIM; each connection occurs once.
    #[serde(default)]
    pub scim: Vec<ScimRecord>,
    /// The SCIM groups that it is in.
    #[serde(default)]
    pub scim_groups: BTreeSet<GroupId>,
    /// The teams that it is in.
    #[serde(default)]
    pub memberships: Vec<Membership>,
    /// The projects that it was given directly and not through a team.
    #[serde(default)]
    pub projects: Vec<Assignment>,
    /// When it was created, where known.
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    /// When its person last signed in through the identity provider.
    #[serde(default)]
    pub last_sign_in: Option<DateTime<Utc>>,
    /// When all its sessions and API tokens were last ended. None that began before is valid.
    #[serde(default)]
    pub ended_at: Option<DateTime<Utc>>,
}

impl Account {
    /// An active member without identities, teams or projects, whose username is the e-mail address.
    pub fn new(id: AccountId, organization: OrganizationId, email: impl Into<String>) -> Self {
        let email = email.into();
        Self {
            id,
            organization,
            username: email.clone(),
            email,
            first_name: None,
            last_name: None,
            role: Role::Member,
            own_role: None,
            role_grants: Vec::new(),
            status: Status::Active,
            holds: BTreeSet::new(),
            has_password: false,
            identities: Vec::new(),
            scim: Vec::new(),
            scim_groups: BTreeSet::new(),
            memberships: Vec::new(),
            projects: Vec::new(),
            created_at: None,
            last_sign_in: None,
            ended_at: None,
        }
    }

    /// Whether the account may be used.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Fails if the account may not be used.
    pub(crate) fn may_be_used(&self) -> Result<(), PlanRefusal> {
        let account = || self.id.to_string();
        match self.status {
            Status::Active => Ok(()),
            Status::Suspended => Err(PlanRefusal::AccountSuspended { account: account() }),
            Status::PendingApproval => Err(PlanRefusal::ApprovalPending { account: account() }),
        }
    }

    /// Whether all identity providers that created its person by SCIM have deleted the person. The account is kept and
    /// is suspended.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        !self.scim.is_empty() && self.scim.iter().all(|record| record.deleted)
    }

    /// The account's own role, without the roles that groups give.
    #[must_use]
    pub fn role_of_its_own(&self) -> Role {
        self.own_role.unwrap_or(self.role)
    }

    /// Whether it is an owner and may be used.
    #[must_use]
    pub fn is_active_owner(&self) -> bool {
        self.is_active() && self.role == Role::Owner
    }

    /// Whether its person signs in over a connection.
    #[must_use]
    pub fn signs_in_over(&self, connection: &ConnectionId) -> bool {
        self.identities.iter().any(|identity| identity.connection == *connection)
    }

    /// The membership in a team, if there is one.
    #[must_use]
    pub fn membership(&self, team: &TeamId) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.team == *team)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Account")
            .field("id", &self.id)
            .field("organization", &self.organization)
            .field("role", &self.role)
            .field("status", &self.status)
            .field("holds", &self.holds)
            .field("has_password", &self.has_password)
            .field("identities", &self.identities)
            .field("memberships", &self.memberships)
            .field("projects", &self.projects)
            .finish_non_exhaustive()
    }
}

/// What a person may do in the organization. A higher role compares as greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Uses the teams and projects that the account has.
    #[default]
    Member,
    /// Manages members, teams and projects.
    Admin,
    /// Is responsible for the organization.
    Owner,
}

impl Role {
    /// The role in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl Status {
    /// The status in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::PendingApproval => "pending approval",
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It may be used.
    #[default]
    Active,
    /// It may not be used; its data is kept.
    Suspended,
    /// It may not be used until somebody approves it.
    PendingApproval,
}

/// A project that an account was given directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Assignment {
    /// The project.
    pub project: ProjectId,
    /// What the account may do in it.
    pub permission: Permission,
    /// Who gave it.
    #[serde(default)]
    pub origin: Origin,
}

impl Assignment {
    /// An assignment.
    #[must_use]
    pub fn new(project: ProjectId, permission: Permission, origin: Origin) -> Self {
        Self { project, permission, origin }
    }
}

/// Who created something: a person or a rule of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// A person. No rule takes it away.
    #[default]
    Hand,
    /// The rule with this id.
    Rule(RuleId),
}

impl Origin {
    /// Whether a person made it.
    #[must_use]
    pub fn is_hand(&self) -> bool {
        matches!(self, Self::Hand)
    }
}
