//! What changed, for programs.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};
use vouchsafe::provisioning::{
    Account, Action, Project, ProjectId, ProjectRef, Snapshot, Team, TeamId, TeamRef,
};

use crate::text::folded;

/// What a record of the audit changed. Names and addresses of people are in it, and `Debug` does not show them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditDetail {
    /// A step of a plan, in which each team and project has its id.
    #[non_exhaustive]
    Step {
        /// The step.
        action: Box<Action>,
        /// The id of the team or the project that it made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<String>,
    },
    /// An account that no plan made.
    Account(Box<Account>),
    /// A team that no plan made.
    Team(Box<Team>),
    /// A project that no plan made.
    Project(Box<Project>),
    /// Nothing: something was refused.
    Refusal,
}

impl fmt::Debug for AuditDetail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Step { .. } => "Step",
            Self::Account(_) => "Account",
            Self::Team(_) => "Team",
            Self::Project(_) => "Project",
            Self::Refusal => "Refusal",
        })
    }
}

/// The ids of teams and projects by their names: a plan may be about some that it makes.
pub(crate) struct Names {
    teams: HashMap<String, TeamId>,
    projects: HashMap<String, ProjectId>,
}

impl Names {
    pub(crate) fn of(after: &Snapshot) -> Self {
        Self {
            teams: after.teams.iter().map(|team| (folded(&team.name), team.id.clone())).collect(),
            projects: after.projects.iter().map(|one| (folded(&one.name), one.id.clone())).collect(),
        }
    }

    /// A step with the ids of what its plan made.
    pub(crate) fn detail(&self, action: &Action) -> AuditDetail {
        let mut action = action.clone();
        let mut made = None;
        match &mut action {
            Action::CreateTeam { name, .. } => made = self.teams.get(&folded(name)).map(ToString::to_string),
            Action::CreateProject { name, .. } => {
                made = self.projects.get(&folded(name)).map(ToString::to_string);
            }
            Action::JoinTeam { team, .. }
            | Action::SetGrant { team, .. }
            | Action::EndGrant { team, .. }
            | Action::LeaveTeam { team, .. } => self.name_team(team),
            Action::AssignProject { project, .. } => self.name_project(project),
            Action::LinkProject { team, project, .. } => {
                self.name_team(team);
                self.name_project(project);
            }
            _ => {}
        }
        AuditDetail::Step { action: Box::new(action), made }
    }

    fn name_team(&self, team: &mut TeamRef) {
        if team.id.is_none() {
            team.id = self.teams.get(&folded(&team.name)).cloned();
        }
    }

    fn name_project(&self, project: &mut ProjectRef) {
        if project.id.is_none() {
            project.id = self.projects.get(&folded(&project.name)).cloned();
        }
    }
}
