//! `[admission]` and `[defaults]`: who gets an account, and what new accounts get.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Domain, Permission, Role, entries::at_most};

/// `[admission]`. The seat limit is the organization's, not the policy's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Admission {
    /// What makes accounts: `always` (the default), `scim_only`, `never`.
    pub create: Create,
    /// Of which domains the e-mail addresses of new accounts are: `"verified"` (the default), `"any"`, or a list. Subdomains are others.
    pub domains: AdmittedDomains,
    /// Groups whose people are admitted, whatever the case, `*` for any characters and `?` for one; empty: everybody. Whoever signs in for the
    /// first time must be in one of them, also where SCIM made the account or it was there before, and a known person whose login has groups.
    /// Those that were pushed by SCIM count too.
    #[serde(deserialize_with = "at_most")]
    pub required_groups: Vec<String>,
    /// Groups whose people are not admitted, whatever the case, `*` for any characters and `?` for one: neither new ones nor known ones.
    #[serde(deserialize_with = "at_most")]
    pub blocked_groups: Vec<String>,
    /// Which new accounts wait until somebody approves them: `never` (the default), `when_full`, `always`.
    pub approval: Approval,
}

impl Admission {
    /// Whether it depends on a person's groups who is admitted. A store loads the SCIM groups of a login's accounts where it does.
    #[must_use]
    pub fn asks_for_groups(&self) -> bool {
        !self.required_groups.is_empty() || !self.blocked_groups.is_empty()
    }
}

/// What makes accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Create {
    /// The first sign-in of a person, and SCIM.
    #[default]
    Always,
    /// SCIM alone: the identity provider owns the list of people.
    ScimOnly,
    /// Neither: accounts are made by hand.
    Never,
}

/// Which new accounts wait until somebody approves them. Those take no seat, and their people cannot sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Approval {
    /// None: where no seat is left, nobody is admitted.
    #[default]
    Never,
    /// Those for whom no seat is left.
    WhenFull,
    /// All.
    Always,
}

/// Of which domains the e-mail addresses of new accounts are. What another organization has verified is never admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdmittedDomains {
    /// `"verified"`: those that the organization has verified.
    #[default]
    Verified,
    /// `"any"`: any that no other organization has verified.
    Any,
    /// These, whether verified or not.
    Listed(Vec<Domain>),
}

impl Serialize for AdmittedDomains {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Verified => serializer.serialize_str("verified"),
            Self::Any => serializer.serialize_str("any"),
            Self::Listed(domains) => domains.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AdmittedDomains {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadDomains)
    }
}

struct ReadDomains;

impl<'de> de::Visitor<'de> for ReadDomains {
    type Value = AdmittedDomains;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("\"verified\", \"any\" or a list of domains")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
        match word {
            "verified" => Ok(AdmittedDomains::Verified),
            "any" => Ok(AdmittedDomains::Any),
            other => Err(E::unknown_variant(other, &["verified", "any"])),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        let domains: Vec<Domain> = at_most(de::value::SeqAccessDeserializer::new(list))?;
        match domains.is_empty() {
            // An empty list would admit nobody, and earlier versions read it as "anybody".
            true => Err(de::Error::custom("no domain is named: write \"verified\" or \"any\"")),
            false => Ok(AdmittedDomains::Listed(domains)),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for AdmittedDomains {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AdmittedDomains".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                { "enum": ["verified", "any"] },
                { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": (crate::Policy::MAX_ENTRIES) },
            ]
        })
    }
}

/// `[defaults]`: for new people only, and never afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DefaultProject {
    /// Its name, whatever the case of the letters.
    pub name: String,
    /// What they may do in it: `read_write` (the default), `read_only`, `admin`.
    #[serde(default = "read_write")]
    pub permission: Permission,
}

fn read_write() -> Permission {
    Permission::ReadWrite
}
