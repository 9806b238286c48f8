//! What changes, which rule asked for it, and why, in words.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Actor, Domain, EmailAddress, Identity, OrganizationId, Permission, ProjectId, Role, RuleId,
    Source, TeamId, text::Shown,
};

/// What is to change in one organization for one account. Made by [`Policy::plan`](crate::Policy::plan) and
/// [`Snapshot::change`](crate::Snapshot::change), and by nothing else; it can be read, written down, and
/// applied to a [`Snapshot`](crate::Snapshot::after) or a store.
///
/// A plan without steps is an ordinary sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub(crate) organization: OrganizationId,
    pub(crate) account: Option<AccountId>,
    pub(crate) cause: Cause,
    pub(crate) at: DateTime<Utc>,
    pub(crate) steps: Vec<Step>,
    pub(crate) notes: Vec<Note>,
}

impl Plan {
    /// The organization in which everything happens.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// The account in question; `None` for the one that the plan creates.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// What the plan was made for.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// When that was.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The steps, in the order in which they are applied.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What was seen and led to no step, such as a group that is ignored.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// For a sign-in by an assertion whose ID is known: SHA-256, in hexadecimal, over the issuer and the ID. It is the hash of the
    /// [replay record](vouchsafe_assertion::ReplayKey::hash), and no secret.
    #[must_use]
    pub fn assertion_hash(&self) -> Option<&str> {
        match &self.cause {
            Cause::SignIn { assertion_hash, .. } => assertion_hash.as_deref(),
            Cause::Change { .. } => None,
        }
    }

    /// The domains of the e-mail addresses that the plan gives to its account: never one of
    /// [another organization](crate::Snapshot::domains_of_others).
    #[must_use]
    pub fn domains_taken(&self) -> BTreeSet<Domain> {
        let address = |step: &Step| match &step.action {
            Action::CreateAccount { email, .. } => EmailAddress::parse(email).ok(),
            Action::SetField { field: ProfileField::Email, after, .. } => EmailAddress::parse(after).ok(),
            _ => None,
        };
        self.steps.iter().filter_map(address).map(|address| address.domain().clone()).collect()
    }

    /// Line by line what happens and why, for the customer's admin. It has names and addresses of people in it:
    /// it belongs on a page or into an audit record, not into a log.
    #[must_use]
    pub fn explanation(&self) -> Vec<String> {
        let steps = self.steps.iter().map(ToString::to_string);
        let lines: Vec<String> = steps.chain(self.notes.iter().map(ToString::to_string)).collect();
        if self.steps.is_empty() {
            return std::iter::once("Nothing changes.".to_owned()).chain(lines).collect();
        }
        lines
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.explanation().join("\n"))
    }
}

/// What a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Somebody signed in.
    #[non_exhaustive]
    SignIn {
        /// Who, at the identity provider.
        identity: Identity,
        /// Hash of the replay record of the assertion, where its ID is known.
        assertion_hash: Option<String>,
    },
    /// Somebody asked for it, or a rule of the service.
    #[non_exhaustive]
    Change {
        /// Who.
        actor: Actor,
    },
}

/// One change, and the rule that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The rule.
    pub rule: RuleId,
    /// What changes.
    pub action: Action,
    /// Why, in words.
    pub because: String,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} (rule {})", self.action, self.because, self.rule)
    }
}

/// Something that was seen and led to no step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Note {
    /// The rule.
    pub rule: RuleId,
    /// What was seen, in words.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (rule {})", self.text, self.rule)
    }
}

/// What changes. The account is the plan's. `Debug` shows nothing personal; `Display` does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The account is made, active and without a password.
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
    },
    /// The person signs in to the account from now on.
    #[non_exhaustive]
    LinkIdentity {
        /// Who, at the identity provider.
        identity: Identity,
    },
    /// A field of the profile gets another value.
    #[non_exhaustive]
    SetField {
        /// The field.
        field: ProfileField,
        /// Its value before.
        before: Option<String>,
        /// Its value after.
        after: String,
    },
    /// A team is made.
    #[non_exhaustive]
    CreateTeam {
        /// Its name.
        name: String,
    },
    /// A project is made.
    #[non_exhaustive]
    CreateProject {
        /// Its name.
        name: String,
    },
    /// The members of a team may use a project.
    #[non_exhaustive]
    LinkProject {
        /// The team.
        team: TeamRef,
        /// The project.
        project: ProjectRef,
        /// What they may do in it.
        permission: Permission,
    },
    /// The account joins a team.
    #[non_exhaustive]
    JoinTeam {
        /// The team.
        team: TeamRef,
        /// What the account may do in it.
        role: Permission,
        /// What gives it.
        source: Source,
    },
    /// Another source gives a team that the account is in, or a source gives another role than before.
    #[non_exhaustive]
    SetGrant {
        /// The team.
        team: TeamRef,
        /// The source.
        source: Source,
        /// What it gives.
        role: Permission,
        /// What the account might do in the team before.
        before: Permission,
        /// What it may do in the team after.
        after: Permission,
    },
    /// A source does not give a team any more, and another still does.
    #[non_exhaustive]
    EndGrant {
        /// The team.
        team: TeamRef,
        /// The source.
        source: Source,
        /// What the account might do in the team before.
        before: Permission,
        /// What it may do in the team after.
        after: Permission,
    },
    /// The account leaves a team: nothing gives it any more.
    #[non_exhaustive]
    LeaveTeam {
        /// The team.
        team: TeamRef,
        /// What it might do in it.
        role: Permission,
    },
    /// The account is given a project directly.
    #[non_exhaustive]
    AssignProject {
        /// The project.
        project: ProjectRef,
        /// What it may do in it.
        permission: Permission,
    },
    /// The account may not be used any more; its sessions end; its data is kept.
    Suspend,
    /// The account may be used again.
    Reactivate,
    /// The account has another role in the organization.
    #[non_exhaustive]
    SetRole {
        /// Its role before.
        before: Role,
        /// Its role after.
        after: Role,
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
            Self::Suspend => formatter.write_str("Suspends the account"),
            Self::Reactivate => formatter.write_str("Reactivates the account"),
            Self::SetRole { before, after } => {
                write!(formatter, "Goes from {} to {}", before.name(), after.name())
            }
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
            Self::CreateAccount { role, .. } => shown("CreateAccount", &[("role", role)]),
            Self::LinkIdentity { identity } => shown("LinkIdentity", &[("identity", identity)]),
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
            Self::Suspend => formatter.write_str("Suspend"),
            Self::Reactivate => formatter.write_str("Reactivate"),
            Self::SetRole { before, after } => shown("SetRole", &[("before", before), ("after", after)]),
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

/// A project that exists, or one that the same plan creates under that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProjectRef {
    /// Its id; `None` when the same plan creates it.
    pub id: Option<ProjectId>,
    /// Its name.
    pub name: String,
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
    /// The most characters that a field is set to; a longer value is left out, and a note of the plan says so. An
    /// [`EmailAddress`] is shorter.
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
