//! The policy of an organization, written as TOML.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Admission, AttributeMapping, Defaults, Enforcement, Fact, Groups, Offboarding, Plan, PlanRefusal,
    PolicyError, Sessions, Snapshot, Takeover, entries::at_most, number::whole_number, planner,
};

/// What an organization's people get. One TOML file an organization; every table and every key may be left out, and what is not known is an
/// error with its line and column, and the key that was probably meant.
///
/// ```
/// use vouchsafe_provisioning::Policy;
///
/// let policy = Policy::from_toml(r#"
///     version = 1
///
///     [attributes]
///     preset = "okta"                 # or "entra", "google", "adfs", "keycloak", "onelogin", "jumpcloud", "pingone"
///     groups = "department"           # the group attribute's name is the organization's choice
///
///     [admission]
///     domains = ["example.com"]       # "verified" by default: those that the organization has verified
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
/// assert!(error.to_string().contains("did you mean `teams`?"));
/// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// `version`: of the language that the policy is written in. There is one, `1`.
    pub version: Version,
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
    #[serde(deserialize_with = "Groups::within_budget")]
    pub groups: Groups,
    /// `[enforcement]`: who may still use a password.
    pub enforcement: Enforcement,
    /// `[sessions]`: how long a session lasts.
    pub sessions: Sessions,
    /// `[offboarding]`: what happens to accounts whose people do not come any more.
    pub offboarding: Offboarding,
}

impl Policy {
    /// The most bytes that a policy may have as TOML: it is read at every sign-in.
    pub const MAX_BYTES: usize = 64 * 1_024;

    /// The most entries of each list: rules, takeovers, domains, teams, projects, ignored groups.
    pub const MAX_ENTRIES: usize = 100;

    /// Parses a policy.
    ///
    /// # Errors
    ///
    /// The problem with its line and column, or that the policy is longer than [`MAX_BYTES`](Self::MAX_BYTES) or a list
    /// longer than [`MAX_ENTRIES`](Self::MAX_ENTRIES).
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        if text.len() > Self::MAX_BYTES {
            return Err(PolicyError::too_long(text));
        }
        toml::from_str(text).map_err(|error| PolicyError::new(text, &error))
    }

    /// The plan of a fact. This is a pure and total function of its arguments.
    ///
    /// # Errors
    ///
    /// The reason why the person may not sign in, or why the change may not be made.
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
    /// acme.verified_domains = vec!["example.com".to_owned()];
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
    pub fn plan(&self, fact: impl Into<Fact>, snapshot: &Snapshot) -> Result<Plan, PlanRefusal> {
        planner::plan(self, &fact.into(), snapshot)
    }
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// `1`.
    #[default]
    One,
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One => serializer.serialize_u32(1),
        }
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(number: D) -> Result<Self, D::Error> {
        whole_number(number, 1..=1).map(|_| Self::One)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Version {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "The version of the policy language.", "const": 1 })
    }
}

/// `[identity]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// `[profile]`: when a field follows the identity provider. An attribute that is missing or blank never blanks
/// a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
