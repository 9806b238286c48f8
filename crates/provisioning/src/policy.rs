//! The policy of an organization: data, written as TOML.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Domain, LoginFacts, Permission, Plan, PlanRefusal, PolicyError, Role, RuleId, Snapshot,
    Takeover,
    entries::at_most,
    mapping::{AttributeMapping, MappingRule},
    planner,
};

/// What an organization's people get when they sign in. One TOML file an organization; every table and every
/// key may be left out, and what is not known is an error with its line and column.
///
/// ```
/// use vouchsafe_provisioning::Policy;
///
/// let policy = Policy::from_toml(r#"
///     [attributes]
///     preset = "okta"                 # or "entra"
///     groups = "department"           # the group attribute's name is the organization's choice
///
///     [admission]
///     domains = ["example.com"]
///
///     [defaults]
///     teams = [{ name = "Everyone at Acme", role = "read_only" }]
///     projects = [{ name = "Default project", permission = "read_write" }]
///
///     [groups]
///     create_teams = true
///
///     [[groups.map]]
///     group = "R&D"
///     team = "Research"
/// "#)?;
/// assert_eq!(policy.attributes.email, "user.email");
///
/// let error = Policy::from_toml("[defaults]\nteam = []").unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 1));
/// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// `[attributes]`: what the identity provider calls things.
    pub attributes: AttributeMapping,
    /// `[identity]`: how a person is found.
    pub identity: IdentityRules,
    /// `[admission]`: who gets an account.
    pub admission: Admission,
    /// `[defaults]`: what new people get.
    pub defaults: Defaults,
    /// `[profile]`: which fields follow the identity provider.
    pub profile: Profile,
    /// `[groups]`: which groups put people into which teams.
    pub groups: Groups,
}

impl Policy {
    /// The most bytes that a policy may have as TOML: it is read at every sign-in.
    pub const MAX_BYTES: usize = 64 * 1_024;

    /// The most entries of each list in it: rules, takeovers, domains, teams, projects, groups that mean nothing.
    pub const MAX_ENTRIES: usize = 100;

    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// What is wrong, with line and column; also that it is longer than [`MAX_BYTES`](Self::MAX_BYTES), or a list than
    /// [`MAX_ENTRIES`](Self::MAX_ENTRIES).
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        if text.len() > Self::MAX_BYTES {
            return Err(PolicyError::too_long(text));
        }
        toml::from_str(text).map_err(|error| PolicyError::new(text, &error))
    }

    /// What a login changes: pure and total. Depends on the arguments only.
    ///
    /// # Errors
    ///
    /// Why the person may not sign in.
    ///
    /// ```
    /// use vouchsafe_assertion::ConnectionId;
    /// use vouchsafe_crypto::Provider;
    /// use vouchsafe_metadata::EntityId;
    /// use vouchsafe_provisioning::{LoginFacts, Organization, OrganizationId, Policy, Snapshot};
    ///
    /// let now = "2026-01-15T09:00:00Z".parse()?;
    /// let okta = EntityId::new("http://www.okta.com/exk1")?;
    /// let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    /// acme.entitled = true;
    /// let token = acme.convert(okta.clone(), &Provider::rustcrypto(), now)?.reveal();
    /// let snapshot = Snapshot::new(acme);
    ///
    /// let login = LoginFacts::new(ConnectionId::new("acme")?, okta, "00u1", now)
    ///     .with_attribute("user.email", ["ada@example.com"])
    ///     .with_attribute("token", [token]);
    /// let plan = Policy::default().plan(&login, &snapshot)?;
    /// println!("{plan}");     // Creates an account for “ada@example.com” as member: ...
    ///
    /// let again = Policy::default().plan(&login, &snapshot.after(&plan))?;
    /// assert!(again.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan(&self, login: impl Into<LoginFacts>, snapshot: &Snapshot) -> Result<Plan, PlanRefusal> {
        planner::plan(self, &login.into(), snapshot, None)
    }

    /// [`plan`](Self::plan) for a person who is signed in to this account by other means (a password) at the
    /// same time, and wants it linked: the one way for an owner's own account.
    ///
    /// # Errors
    ///
    /// Why the person may not sign in, or the account not be linked.
    pub fn plan_link(
        &self,
        login: impl Into<LoginFacts>,
        snapshot: &Snapshot,
        signed_in_to: &AccountId,
    ) -> Result<Plan, PlanRefusal> {
        planner::plan(self, &login.into(), snapshot, Some(signed_in_to))
    }
}

/// `[identity]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct IdentityRules {
    /// Attribute that names the person for good, such as `urn:oasis:names:tc:SAML:attribute:subject-id`,
    /// instead of the NameID.
    pub subject_attribute: Option<String>,
    /// Whether an account with the same e-mail address is linked, once: only for a verified domain of the
    /// organization, and never one with a password, another link, or a role above member. Off by default.
    /// [`Anchor::Email`](crate::Anchor::Email) has the same rule, for accounts that are linked over the connection taken over.
    pub link_by_email: bool,
    /// `[[identity.takeovers]]`: which connections take over the people of which others, by what.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most")]
    pub takeovers: Vec<Takeover>,
}

/// `[admission]`. The seat limit is the organization's, not the policy's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Admission {
    /// Whether accounts are made at sign-in. On by default.
    pub create: bool,
    /// Domains of the e-mail addresses of new accounts, whatever the case; empty: any that no other organization
    /// has verified. Subdomains are others.
    #[serde(deserialize_with = "at_most")]
    pub domains: Vec<Domain>,
}

impl Default for Admission {
    fn default() -> Self {
        Self { create: true, domains: Vec::new() }
    }
}

/// `[defaults]`: for new people only, and never afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Defaults {
    /// Role in the organization: `member` or `admin`.
    pub role: DefaultRole,
    /// Teams. They must exist.
    #[serde(deserialize_with = "at_most")]
    pub teams: Vec<DefaultTeam>,
    /// Projects. They must exist.
    #[serde(deserialize_with = "at_most")]
    pub projects: Vec<DefaultProject>,
}

/// The role of new people. An owner is made by hand only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DefaultRole {
    /// Member.
    #[default]
    Member,
    /// Admin.
    Admin,
}

impl From<DefaultRole> for Role {
    fn from(role: DefaultRole) -> Self {
        match role {
            DefaultRole::Member => Self::Member,
            DefaultRole::Admin => Self::Admin,
        }
    }
}

/// A team for new people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DefaultTeam {
    /// Its name, whatever the case of the letters.
    pub name: String,
    /// What they may do in it: `read_only` (the default), `read_write`, `admin`.
    #[serde(default)]
    pub role: Permission,
}

/// A project for new people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DefaultProject {
    /// Its name, whatever the case of the letters.
    pub name: String,
    /// What they may do in it: `read_write` (the default), `read_only`, `admin`.
    #[serde(default = "read_write")]
    pub permission: Permission,
}

/// `[profile]`: when a field follows the identity provider. An attribute that is missing or blank never blanks
/// a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Profile {
    /// E-mail address.
    pub email: Follow,
    /// Username.
    pub username: Follow,
    /// Given name.
    pub first_name: Follow,
    /// Family name.
    pub last_name: Follow,
}

/// When a field follows the identity provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Follow {
    /// At every sign-in.
    #[default]
    EveryLogin,
    /// When the account is made.
    CreateOnly,
    /// Never. An e-mail address and a username are set all the same when the account is made.
    Never,
}

/// `[groups]`. A login with more than [`MAX_GROUPS`](crate::LoginFacts::MAX_GROUPS) groups is taken as one that says nothing of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Groups {
    /// Groups that mean nothing, whatever the case. By default `Everyone`, which Okta sends for everybody.
    #[serde(deserialize_with = "at_most")]
    pub ignore: Vec<String>,
    /// What happens to memberships that the groups do not ask for.
    pub sync: SyncMode,
    /// What happens to a group that no rule names.
    pub unmapped: Unmapped,
    /// Whether a team that does not exist is made, with a project of the same name. Off by default.
    pub create_teams: bool,
    /// What people may do in a team that they join without a rule.
    pub role: Permission,
    /// What the members of a team that is made may do in the project that is made with it.
    pub project_permission: Permission,
    /// `[[groups.map]]`: rules. Every rule that names a group of the person counts.
    #[serde(rename = "map", deserialize_with = "at_most")]
    pub rules: Vec<MappingRule>,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            ignore: vec!["Everyone".to_owned()],
            sync: SyncMode::Additive,
            unmapped: Unmapped::SameName,
            create_teams: false,
            role: Permission::ReadOnly,
            project_permission: Permission::ReadWrite,
            rules: Vec::new(),
        }
    }
}

/// What happens to memberships that a person's groups do not ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncMode {
    /// Nothing: groups only ever add.
    #[default]
    Additive,
    /// What a group gave ends when it is not among those that came over its connection, or the organization has that connection no more.
    /// What others gave stays: a person by hand, the defaults, groups of another connection. A login that says nothing of groups ends nothing.
    Managed,
}

/// What happens to a group that no rule names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unmapped {
    /// It stands for the team of the same name, whatever the case.
    #[default]
    SameName,
    /// It is ignored.
    Ignore,
}

impl Groups {
    pub(crate) fn rule_id(&self, rule: &MappingRule, place: usize) -> RuleId {
        match &rule.id {
            Some(id) => RuleId::new(format!("groups.map.{id}")),
            None => RuleId::new(format!("groups.map[{place}]")),
        }
    }
}

fn read_write() -> Permission {
    Permission::ReadWrite
}
