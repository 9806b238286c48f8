//! `[attributes]` and `[[groups.map]]`: from the identity provider's words to the organization's.

use serde::{Deserialize, Serialize};

use crate::{Permission, text::folded};

/// `[attributes]`: what the identity provider calls things. Names are compared octet by octet; NameFormat and
/// FriendlyName are not compared.
///
/// In TOML a `preset` (`okta`, the default, or `entra`) gives every name, and each key replaces one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
#[non_exhaustive]
pub struct AttributeMapping {
    /// E-mail address.
    pub email: String,
    /// Username.
    pub username: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The organization's token.
    pub token: String,
    /// Groups; `None`: groups are not looked at. Okta: the name under Group Attribute Statements.
    pub groups: Option<String>,
    /// What comes instead of the groups when they are too many to be sent.
    pub groups_overage: Option<String>,
}

/// Names that a kind of identity provider uses unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// Okta: `user.email`, `user.username`, `user.first_name`, `user.last_name`, `token`. The group attribute
    /// has the name that the organization chose.
    #[default]
    Okta,
    /// Microsoft Entra ID: claim URIs, and `token`.
    Entra,
}

impl AttributeMapping {
    /// The names of a preset.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let names = |email: &str, username: &str, first_name: &str, last_name: &str| Self {
            email: email.to_owned(),
            username: username.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            token: "token".to_owned(),
            groups: None,
            groups_overage: None,
        };
        match preset {
            Preset::Okta => names("user.email", "user.username", "user.first_name", "user.last_name"),
            Preset::Entra => Self {
                groups: Some("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups".to_owned()),
                groups_overage: Some("http://schemas.microsoft.com/claims/groups.link".to_owned()),
                ..names(
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
                )
            },
        }
    }
}

impl Default for AttributeMapping {
    fn default() -> Self {
        Self::preset(Preset::Okta)
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    preset: Preset,
    email: Option<String>,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    token: Option<String>,
    groups: Option<String>,
    groups_overage: Option<String>,
}

impl From<Written> for AttributeMapping {
    fn from(written: Written) -> Self {
        let preset = Self::preset(written.preset);
        Self {
            email: written.email.unwrap_or(preset.email),
            username: written.username.unwrap_or(preset.username),
            first_name: written.first_name.unwrap_or(preset.first_name),
            last_name: written.last_name.unwrap_or(preset.last_name),
            token: written.token.unwrap_or(preset.token),
            groups: written.groups.or(preset.groups),
            groups_overage: written.groups_overage.or(preset.groups_overage),
        }
    }
}

/// `[[groups.map]]`: people of a group join a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRule", into = "WrittenRule")]
#[non_exhaustive]
pub struct MappingRule {
    /// Its name in explanations and audit records.
    pub id: Option<String>,
    /// Which groups.
    pub matches: GroupMatch,
    /// The team's name, whatever the case of the letters.
    pub team: String,
    /// What they may do in it: `read_only` by default.
    pub role: Permission,
}

/// Which groups a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupMatch {
    /// `group = "..."`: the one of this name, whatever the case of the letters.
    Name(String),
    /// `group_id = "..."`: the one with exactly this id. Entra ID sends object ids.
    Id(String),
}

impl GroupMatch {
    /// Whether a group of the person is meant.
    #[must_use]
    pub fn is_met_by(&self, group: &str) -> bool {
        match self {
            Self::Name(name) => folded(name) == folded(group),
            Self::Id(id) => id == group,
        }
    }

    /// The match in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Id(_) => "id",
        }
    }
}

/// The table as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    team: String,
    #[serde(default)]
    role: Permission,
}

impl TryFrom<WrittenRule> for MappingRule {
    type Error = &'static str;

    fn try_from(written: WrittenRule) -> Result<Self, Self::Error> {
        let matches = match (written.group, written.group_id) {
            (Some(name), None) => GroupMatch::Name(name),
            (None, Some(id)) => GroupMatch::Id(id),
            (None, None) => return Err("a rule names a group: group = \"name\" or group_id = \"id\""),
            (Some(_), Some(_)) => return Err("a rule names one group: either group or group_id"),
        };
        if written.team.trim().is_empty() {
            return Err("the team has no name");
        }
        Ok(Self { id: written.id, matches, team: written.team, role: written.role })
    }
}

impl From<MappingRule> for WrittenRule {
    fn from(rule: MappingRule) -> Self {
        let (group, group_id) = match rule.matches {
            GroupMatch::Name(name) => (Some(name), None),
            GroupMatch::Id(id) => (None, Some(id)),
        };
        Self { id: rule.id, group, group_id, team: rule.team, role: rule.role }
    }
}
