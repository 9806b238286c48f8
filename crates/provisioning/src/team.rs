//! Teams, projects, and the permissions between them.

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, Origin, ProjectId, TeamId, text::folded};

/// A team: a set of people, and permissions on its linked projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Team {
    /// The id that the store gave the team.
    pub id: TeamId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Its name, unique in the organization whatever the case of the letters.
    pub name: String,
    /// Projects that its members may use.
    #[serde(default)]
    pub projects: Vec<LinkedProject>,
    /// Who created it.
    #[serde(default)]
    pub origin: Origin,
}

impl Team {
    /// A team that was created by hand, without projects.
    pub fn new(id: TeamId, organization: OrganizationId, name: impl Into<String>) -> Self {
        Self { id, organization, name: name.into(), projects: Vec::new(), origin: Origin::Hand }
    }

    /// Whether this is its name, ignoring case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        folded(&self.name) == folded(name)
    }
}

/// A project that the members of a team may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LinkedProject {
    /// The project.
    pub project: ProjectId,
    /// What the team's members may do in it.
    pub permission: Permission,
}

impl LinkedProject {
    /// A project with a permission.
    #[must_use]
    pub fn new(project: ProjectId, permission: Permission) -> Self {
        Self { project, permission }
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Project {
    /// The id that the store gave the project.
    pub id: ProjectId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Its name, unique in the organization whatever the case of the letters.
    pub name: String,
    /// Who created it.
    #[serde(default)]
    pub origin: Origin,
}

impl Project {
    /// A project that was created by hand.
    pub fn new(id: ProjectId, organization: OrganizationId, name: impl Into<String>) -> Self {
        Self { id, organization, name: name.into(), origin: Origin::Hand }
    }

    /// Whether this is its name, ignoring case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        folded(&self.name) == folded(name)
    }
}

/// What may be done in a team or a project; the wider permission is the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Permission {
    /// Look.
    #[default]
    ReadOnly,
    /// Look and change.
    ReadWrite,
    /// Look, change, and decide who else may.
    Admin,
}

impl Permission {
    /// The permission in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read only",
            Self::ReadWrite => "read/write",
            Self::Admin => "admin",
        }
    }
}
