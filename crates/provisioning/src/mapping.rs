//! `[attributes]`: from the identity provider's words to the organization's.

use serde::{Deserialize, Serialize};

/// `[attributes]`: what the identity provider calls things. Names are compared byte by byte; NameFormat and
/// FriendlyName are not compared.
///
/// In TOML a [`preset`](Preset) (`okta` is the default) gives every name, and each key replaces one.
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
    /// Groups; `None`, which no preset has: groups are not looked at. Okta: the name under Group Attribute Statements.
    pub groups: Option<String>,
    /// What comes instead of the groups when they are too many to be sent.
    pub groups_overage: Option<String>,
}

/// Names that a product uses unless told otherwise. Where its console has no default, they are those that are usual there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// Okta: `user.email`, `user.username`, `user.first_name`, `user.last_name`, `token`, and `groups`, unless the organization chose another
    /// name under Group Attribute Statements.
    #[default]
    Okta,
    /// Microsoft Entra ID: claim URIs, and `token`.
    Entra,
    /// Google Workspace: `email`, `username`, `firstName`, `lastName`, `groups`, as its attribute mapping is filled in.
    Google,
    /// Microsoft AD FS: claim URIs of the claim descriptions that it has from the beginning.
    Adfs,
    /// Keycloak: the X.500 names of its built-in mappers, `username`, and `member` of its group list mapper.
    Keycloak,
    /// OneLogin: `User.email`, `User.Username`, `User.FirstName`, `User.LastName`, `memberOf`.
    Onelogin,
    /// JumpCloud: `email`, `username`, `firstname`, `lastname`, `memberOf`.
    Jumpcloud,
    /// PingOne: `email`, `username`, `firstName`, `lastName`, `groups`, as its attribute mapping is filled in.
    Pingone,
}

const CLAIM: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";

impl AttributeMapping {
    /// The attribute names of a preset.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let claim = |name: &str| format!("{CLAIM}{name}");
        match preset {
            Preset::Okta => {
                Self::named(["user.email", "user.username", "user.first_name", "user.last_name"], "groups")
            }
            Preset::Entra => Self {
                email: claim("emailaddress"),
                username: claim("name"),
                first_name: claim("givenname"),
                last_name: claim("surname"),
                token: "token".to_owned(),
                groups: Some("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups".to_owned()),
                groups_overage: Some("http://schemas.microsoft.com/claims/groups.link".to_owned()),
            },
            Preset::Adfs => Self {
                email: claim("emailaddress"),
                username: claim("upn"),
                first_name: claim("givenname"),
                last_name: claim("surname"),
                token: "token".to_owned(),
                groups: Some("http://schemas.xmlsoap.org/claims/Group".to_owned()),
                groups_overage: None,
            },
            Preset::Google | Preset::Pingone => {
                Self::named(["email", "username", "firstName", "lastName"], "groups")
            }
            Preset::Keycloak => Self::named(
                ["urn:oid:1.2.840.113549.1.9.1", "username", "urn:oid:2.5.4.42", "urn:oid:2.5.4.4"],
                "member",
            ),
            Preset::Onelogin => {
                Self::named(["User.email", "User.Username", "User.FirstName", "User.LastName"], "memberOf")
            }
            Preset::Jumpcloud => Self::named(["email", "username", "firstname", "lastname"], "memberOf"),
        }
    }

    fn named([email, username, first_name, last_name]: [&str; 4], groups: &str) -> Self {
        Self {
            email: email.to_owned(),
            username: username.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            token: "token".to_owned(),
            groups: Some(groups.to_owned()),
            groups_overage: None,
        }
    }

    /// Each attribute that is looked for, with the policy key that names it.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("email", Some(&self.email)),
            ("username", Some(&self.username)),
            ("first_name", Some(&self.first_name)),
            ("last_name", Some(&self.last_name)),
            ("token", Some(&self.token)),
            ("groups", self.groups.as_ref()),
            ("groups_overage", self.groups_overage.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, name)| Some((key, name?.as_str())))
    }
}

impl Default for AttributeMapping {
    fn default() -> Self {
        Self::preset(Preset::Okta)
    }
}

/// The table as it is written in TOML.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "AttributeMapping"))]
pub(crate) struct Written {
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

#[cfg(feature = "schema")]
impl schemars::JsonSchema for AttributeMapping {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AttributeMapping".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}
