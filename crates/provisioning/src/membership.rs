//! Memberships in teams, and their sources.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{
    GroupId, Permission, Role, TeamId,
    text::{Shown, folded},
};

/// That an account is in a team. It can come from several sources at once, and goes when the last of them ends.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_provisioning::{Membership, Permission, Source, TeamId};
///
/// let sales = Source::group(ConnectionId::new("acme-okta")?, "Sales");
/// let membership = Membership::new(TeamId::new("1"), Permission::ReadOnly, Source::Hand)
///     .also_by(sales, Permission::ReadWrite);
/// assert_eq!(membership.role(), Permission::ReadWrite);
/// assert_eq!(membership.granted_by(&Source::Hand), Some(Permission::ReadOnly));
/// # Ok::<(), vouchsafe_assertion::AssertionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// What gives it, each source once. Never empty.
    pub grants: Vec<Grant>,
}

impl Membership {
    /// A membership that comes from one source.
    #[must_use]
    pub fn new(team: TeamId, role: Permission, source: Source) -> Self {
        Self { team, grants: vec![Grant { source, role }] }
    }

    /// The same membership that another source gives as well.
    #[must_use]
    pub fn also_by(mut self, source: Source, role: Permission) -> Self {
        set(&mut self.grants, source, role);
        self
    }

    /// What the account may do in the team: the widest permission that a source gives.
    #[must_use]
    pub fn role(&self) -> Permission {
        highest(&self.grants).unwrap_or_default()
    }

    /// The permission that a source gives, if it gives one.
    #[must_use]
    pub fn granted_by(&self, source: &Source) -> Option<Permission> {
        self.grants.iter().find(|grant| grant.source == *source).map(|grant| grant.role)
    }
}

/// What one source gives in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Grant {
    /// The source.
    pub source: Source,
    /// What the account may do in the team because of it.
    pub role: Permission,
}

/// The role in the organization that one source gives: a group, by a rule of `[[groups.roles]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RoleGrant {
    /// The source.
    pub source: Source,
    /// The role.
    pub role: Role,
}

impl RoleGrant {
    /// The role that a source gives.
    #[must_use]
    pub fn new(source: Source, role: Role) -> Self {
        Self { source, role }
    }
}

/// What gives a membership. A source that ends takes away what it gave, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// A person, by hand. No sign-in takes it away.
    Hand,
    /// `[defaults]`: it was given with the account. No sign-in takes it away.
    Defaults,
    /// A group of the person at the identity provider of a connection.
    #[non_exhaustive]
    Group {
        /// The connection.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
        connection: ConnectionId,
        /// The group's name or id, in the form in which groups are compared: without white space around it, in lower case.
        group: String,
    },
    /// A group that the identity provider of a connection pushed by SCIM.
    #[non_exhaustive]
    ScimGroup {
        /// The connection.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
        connection: ConnectionId,
        /// The group.
        group: GroupId,
    },
}

impl Source {
    /// A group at the identity provider of a connection.
    #[must_use]
    pub fn group(connection: ConnectionId, group: &str) -> Self {
        Self::Group { connection, group: folded(group) }
    }

    /// A group that the identity provider of a connection pushed by SCIM.
    #[must_use]
    pub fn scim_group(connection: ConnectionId, group: GroupId) -> Self {
        Self::ScimGroup { connection, group }
    }

    /// The connection that the source belongs to; `None` if it does not come from an identity provider.
    #[must_use]
    pub fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Hand | Self::Defaults => None,
            Self::Group { connection, .. } | Self::ScimGroup { connection, .. } => Some(connection),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hand => formatter.write_str("hand"),
            Self::Defaults => formatter.write_str("default"),
            Self::Group { connection, group } => {
                write!(formatter, "the group {} over the connection {connection}", Shown(group))
            }
            Self::ScimGroup { connection, group } => {
                write!(formatter, "the SCIM group {group} over the connection {connection}")
            }
        }
    }
}

/// Sets what a source gives, whatever it gave before.
pub(crate) fn set(grants: &mut Vec<Grant>, source: Source, role: Permission) {
    match grants.iter_mut().find(|grant| grant.source == source) {
        Some(grant) => grant.role = role,
        None => grants.push(Grant { source, role }),
    }
}

/// The role in the organization of an account with this own role and these grants.
pub(crate) fn highest_role(own: Role, grants: &[RoleGrant]) -> Role {
    grants.iter().map(|grant| grant.role).fold(own, Role::max)
}

/// The widest that is given; `None` if there are no grants.
pub(crate) fn highest(grants: &[Grant]) -> Option<Permission> {
    grants.iter().map(|grant| grant.role).max()
}
