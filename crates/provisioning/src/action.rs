//! The changes that a step of a plan can make.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{
    DirectoryGroup, GroupId, Hold, Identity, Permission, ProjectId, Role, ScimRecord, Source, Status, Team,
    TeamId, text::Shown,
};

/// A change. It applies to the account of its step or else of its plan. `Debug` shows nothing personal; `Display` does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Creates the account, without a password.
    #[non_exhaustive]
    CreateAccount {
        /// E-mail address.
        email: String,
        /// Username.
        username: String,
        /// Given name.
        first_name: Option<String>,
        /// Family name.
        last_name: Option<String>,
        /// Role in the organization.
        role: Role,
        /// Active, waiting for approval, or suspended from the beginning by SCIM.
        #[serde(default)]
        status: Status,
    },
    /// Lets the person sign in to the account from now on.
    #[non_exhaustive]
    LinkIdentity {
        /// The person, as the identity provider names them.
        identity: Identity,
    },
    /// Replaces the name by which the identity provider knows the account's person.
    #[non_exhaustive]
    RenameIdentity {
        /// The earlier name.
        before: Identity,
        /// The new name.
        after: Identity,
    },
    /// Removes a name: the person can no longer sign in to the account by it.
    #[non_exhaustive]
    UnlinkIdentity {
        /// The person, as the identity provider named them.
        identity: Identity,
    },
    /// Sets a field of the profile to another value.
    #[non_exhaustive]
    SetField {
        /// The field.
        field: ProfileField,
        /// Its value before.
        before: Option<String>,
        /// Its value after.
        after: String,
    },
    /// Creates a team.
    #[non_exhaustive]
    CreateTeam {
        /// Its name.
        name: String,
    },
    /// Creates a project.
    #[non_exhaustive]
    CreateProject {
        /// Its name.
        name: String,
    },
    /// Lets the members of a team use a project.
    #[non_exhaustive]
    LinkProject {
        /// The team.
        team: TeamRef,
        /// The project.
        project: ProjectRef,
        /// What they may do in it.
        permission: Permission,
    },
    /// Adds the account to a team.
    #[non_exhaustive]
    JoinTeam {
        /// The team.
        team: TeamRef,
        /// What the account may do in it.
        role: Permission,
        /// The source of the membership.
        source: Source,
    },
    /// Adds another source to a membership, or changes the role that a source gives.
    #[non_exhaustive]
    SetGrant {
        /// The team.
        team: TeamRef,
        /// The source.
        source: Source,
        /// What it gives.
        role: Permission,
        /// What the account could do in the team before.
        before: Permission,
        /// What it may do in the team after.
        after: Permission,
    },
    /// Removes one source of a membership; another source remains.
    #[non_exhaustive]
    EndGrant {
        /// The team.
        team: TeamRef,
        /// The source.
        source: Source,
        /// What the account could do in the team before.
        before: Permission,
        /// What it may do in the team after.
        after: Permission,
    },
    /// Removes the account from a team, since no source of the membership remains.
    #[non_exhaustive]
    LeaveTeam {
        /// The team.
        team: TeamRef,
        /// What the account could do in it.
        role: Permission,
    },
    /// Gives the account a project directly.
    #[non_exhaustive]
    AssignProject {
        /// The project.
        project: ProjectRef,
        /// What it may do in it.
        permission: Permission,
    },
    /// Adds a reason why the account may not be used. Its sessions and API tokens end; its data is kept.
    #[non_exhaustive]
    Suspend {
        /// The reason.
        by: Hold,
        /// The account's status before.
        before: Status,
    },
    /// Removes a reason why the account may not be used.
    #[non_exhaustive]
    Reactivate {
        /// The reason.
        by: Hold,
        /// The account's status afterwards: active, if it was the last reason.
        after: Status,
    },
    /// Ends all sessions and API tokens of the account, which may still be used.
    EndSessions,
    /// Sets the account's own role in the organization.
    #[non_exhaustive]
    SetRole {
        /// The account's own role from now on. A group may give a higher one.
        role: Role,
        /// Its role before.
        before: Role,
        /// Its role after.
        after: Role,
    },
    /// Adds a source that gives a role in the organization.
    #[non_exhaustive]
    GrantRole {
        /// The source.
        source: Source,
        /// What it gives.
        role: Role,
        /// The account's role before.
        before: Role,
        /// The account's role afterwards.
        after: Role,
    },
    /// Removes a source of a role in the organization.
    #[non_exhaustive]
    EndRole {
        /// The source.
        source: Source,
        /// The account's role before.
        before: Role,
        /// The account's role afterwards.
        after: Role,
    },
    /// Changes the data that the identity provider pushed for the account by SCIM.
    #[non_exhaustive]
    SetScimRecord {
        /// The data before.
        before: Option<ScimRecord>,
        /// The data afterwards.
        after: ScimRecord,
    },
    /// Creates a group that is pushed by SCIM.
    #[non_exhaustive]
    CreateGroup {
        /// The connection.
        connection: ConnectionId,
        /// The group.
        group: GroupRef,
        /// The identity provider's own id of the group.
        external_id: Option<String>,
    },
    /// Renames a SCIM group.
    #[non_exhaustive]
    ChangeGroup {
        /// The group with its name before.
        group: GroupRef,
        /// Its name after.
        name: String,
        /// The identity provider's own id of the group afterwards.
        external_id: Option<String>,
    },
    /// Deletes a SCIM group.
    #[non_exhaustive]
    DeleteGroup {
        /// The group.
        group: GroupRef,
    },
    /// Adds the account to a SCIM group.
    #[non_exhaustive]
    JoinGroup {
        /// The group.
        group: GroupRef,
    },
    /// Removes the account from a SCIM group.
    #[non_exhaustive]
    LeaveGroup {
        /// The group.
        group: GroupRef,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateAccount { email, role, .. } => {
                write!(formatter, "Creates an account for {} as {}", Shown(email), role.name())
            }
            Self::LinkIdentity { identity } => write!(
                formatter,
                "Links the account to {} over the connection {}",
                Shown(&identity.subject),
                identity.connection
            ),
            Self::RenameIdentity { before, after } => write!(
                formatter,
                "Is called {} and no longer {} over the connection {}",
                Shown(&after.subject),
                Shown(&before.subject),
                after.connection
            ),
            Self::UnlinkIdentity { identity } => write!(
                formatter,
                "Unlinks the account from {} over the connection {}",
                Shown(&identity.subject),
                identity.connection
            ),
            Self::SetField { field, before: None, after } => {
                write!(formatter, "Sets the {} to {}", field.name(), Shown(after))
            }
            Self::SetField { field, before: Some(before), after } => {
                write!(formatter, "Changes the {} from {} to {}", field.name(), Shown(before), Shown(after))
            }
            Self::CreateTeam { name } => write!(formatter, "Creates the team {}", Shown(name)),
            Self::CreateProject { name } => write!(formatter, "Creates the project {}", Shown(name)),
            Self::LinkProject { team, project, permission } => write!(
                formatter,
                "Gives the team {} the project {} ({})",
                Shown(&team.name),
                Shown(&project.name),
                permission.name()
            ),
            Self::JoinTeam { team, role, .. } => {
                write!(formatter, "Joins the team {} ({})", Shown(&team.name), role.name())
            }
            Self::SetGrant { team, before, after, .. } | Self::EndGrant { team, before, after, .. }
                if before != after =>
            {
                let team = Shown(&team.name);
                write!(formatter, "Goes from {} to {} in the team {team}", before.name(), after.name())
            }
            Self::SetGrant { team, source, role, .. } => {
                write!(formatter, "Has the team {} by {source} as well ({})", Shown(&team.name), role.name())
            }
            Self::EndGrant { team, source, .. } => {
                write!(formatter, "Has the team {} no longer by {source}, and stays in it", Shown(&team.name))
            }
            Self::LeaveTeam { team, .. } => write!(formatter, "Leaves the team {}", Shown(&team.name)),
            Self::AssignProject { project, permission } => {
                write!(formatter, "Gets the project {} ({})", Shown(&project.name), permission.name())
            }
            Self::Suspend { by, .. } => write!(formatter, "Suspends the account {by}"),
            Self::Reactivate { by: Hold::Approval, after: Status::Active } => {
                formatter.write_str("Approves the account")
            }
            Self::Reactivate { after: Status::Active, .. } => formatter.write_str("Reactivates the account"),
            Self::Reactivate { by, after } => {
                write!(formatter, "Is no longer held {by}, and stays {}", after.name())
            }
            Self::EndSessions => formatter.write_str("Ends all sessions"),
            Self::SetRole { before, after, .. }
            | Self::GrantRole { before, after, .. }
            | Self::EndRole { before, after, .. }
                if before != after =>
            {
                write!(formatter, "Goes from {} to {}", before.name(), after.name())
            }
            Self::SetRole { role, after, .. } => {
                write!(formatter, "Is {} by itself, and stays {}", role.name(), after.name())
            }
            Self::GrantRole { source, role, .. } => {
                write!(formatter, "Has the role {} by {source} as well", role.name())
            }
            Self::EndRole { source, after, .. } => {
                write!(formatter, "Has no role by {source} any more, and stays {}", after.name())
            }
            Self::SetScimRecord { before: None, after } => {
                write!(formatter, "Is known by SCIM over the connection {}", after.connection)
            }
            Self::SetScimRecord { before: Some(before), after } if before.deleted && !after.deleted => {
                write!(formatter, "Is known again by SCIM over the connection {}", after.connection)
            }
            Self::SetScimRecord { after, .. } if after.deleted => {
                write!(formatter, "Is deleted by SCIM over the connection {}", after.connection)
            }
            Self::SetScimRecord { after, .. } => {
                write!(formatter, "Is named otherwise by SCIM over the connection {}", after.connection)
            }
            Self::CreateGroup { connection, group, .. } => {
                write!(
                    formatter,
                    "Gets the SCIM group {} over the connection {connection}",
                    Shown(&group.name)
                )
            }
            Self::ChangeGroup { group, name, .. } if group.name != *name => {
                write!(formatter, "Renames the SCIM group {} to {}", Shown(&group.name), Shown(name))
            }
            Self::ChangeGroup { group, .. } => {
                write!(formatter, "The SCIM group {} has another external id", Shown(&group.name))
            }
            Self::DeleteGroup { group } => write!(formatter, "Deletes the SCIM group {}", Shown(&group.name)),
            Self::JoinGroup { group } => write!(formatter, "Joins the SCIM group {}", Shown(&group.name)),
            Self::LeaveGroup { group } => write!(formatter, "Leaves the SCIM group {}", Shown(&group.name)),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = |name: &str, fields: &[(&str, &dyn fmt::Debug)]| {
            let mut shown = formatter.debug_struct(name);
            for (field, value) in fields {
                shown.field(field, value);
            }
            shown.finish_non_exhaustive()
        };
        match self {
            Self::CreateAccount { role, status, .. } => {
                shown("CreateAccount", &[("role", role), ("status", status)])
            }
            Self::LinkIdentity { identity } => shown("LinkIdentity", &[("identity", identity)]),
            Self::RenameIdentity { before, after } => {
                shown("RenameIdentity", &[("before", before), ("after", after)])
            }
            Self::UnlinkIdentity { identity } => shown("UnlinkIdentity", &[("identity", identity)]),
            Self::SetField { field, .. } => shown("SetField", &[("field", field)]),
            Self::CreateTeam { name } => shown("CreateTeam", &[("name", name)]),
            Self::CreateProject { name } => shown("CreateProject", &[("name", name)]),
            Self::LinkProject { team, project, permission } => {
                shown("LinkProject", &[("team", team), ("project", project), ("permission", permission)])
            }
            Self::JoinTeam { team, role, source } => {
                shown("JoinTeam", &[("team", team), ("role", role), ("source", source)])
            }
            Self::SetGrant { team, source, before, after, .. } => {
                shown("SetGrant", &[("team", team), ("source", source), ("before", before), ("after", after)])
            }
            Self::EndGrant { team, source, before, after } => {
                shown("EndGrant", &[("team", team), ("source", source), ("before", before), ("after", after)])
            }
            Self::LeaveTeam { team, role } => shown("LeaveTeam", &[("team", team), ("role", role)]),
            Self::AssignProject { project, permission } => {
                shown("AssignProject", &[("project", project), ("permission", permission)])
            }
            Self::Suspend { by, .. } => shown("Suspend", &[("by", by)]),
            Self::Reactivate { by, after } => shown("Reactivate", &[("by", by), ("after", after)]),
            Self::EndSessions => formatter.write_str("EndSessions"),
            Self::SetRole { role, before, after } => {
                shown("SetRole", &[("role", role), ("before", before), ("after", after)])
            }
            Self::GrantRole { source, role, before, after } => {
                let fields: [(&str, &dyn fmt::Debug); 4] =
                    [("source", source), ("role", role), ("before", before), ("after", after)];
                shown("GrantRole", &fields)
            }
            Self::EndRole { source, before, after } => {
                shown("EndRole", &[("source", source), ("before", before), ("after", after)])
            }
            Self::SetScimRecord { before, after } => {
                shown("SetScimRecord", &[("before", before), ("after", after)])
            }
            Self::CreateGroup { connection, group, .. } => {
                shown("CreateGroup", &[("connection", connection), ("group", group)])
            }
            Self::ChangeGroup { group, name, .. } => {
                shown("ChangeGroup", &[("group", group), ("name", name)])
            }
            Self::DeleteGroup { group } => shown("DeleteGroup", &[("group", group)]),
            Self::JoinGroup { group } => shown("JoinGroup", &[("group", group)]),
            Self::LeaveGroup { group } => shown("LeaveGroup", &[("group", group)]),
        }
    }
}

/// A team that exists, or one that the same plan creates under that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TeamRef {
    /// Its id; `None` when the same plan creates it.
    pub id: Option<TeamId>,
    /// Its name.
    pub name: String,
}

impl TeamRef {
    /// A reference to an existing team.
    pub(crate) fn of(team: &Team) -> Self {
        Self { id: Some(team.id.clone()), name: team.name.clone() }
    }
}

/// A project that exists, or one that the same plan creates under that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProjectRef {
    /// Its id; `None` when the same plan creates it.
    pub id: Option<ProjectId>,
    /// Its name.
    pub name: String,
}

/// A SCIM group, which exists or is created by the same plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupRef {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

impl GroupRef {
    /// A reference to an existing group.
    pub(crate) fn of(group: &DirectoryGroup) -> Self {
        Self { id: group.id.clone(), name: group.name.clone() }
    }
}

/// A field of an account's profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProfileField {
    /// E-mail address.
    Email,
    /// Username.
    Username,
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
}

impl ProfileField {
    /// The most characters of a field. A longer value is left out, and a note of the plan says so. An
    /// [`EmailAddress`](crate::EmailAddress) is always shorter.
    pub const LONGEST: usize = 255;

    /// The field in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Username => "username",
            Self::FirstName => "first name",
            Self::LastName => "last name",
        }
    }
}
