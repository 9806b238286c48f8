//! Identifiers of things in the directory, each with a type of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier with this text, as the store gave it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

identifier! {
    /// The store's id of an organization. It is not the slug, which may change.
    OrganizationId
}
identifier! {
    /// An account in one organization.
    AccountId
}
identifier! {
    /// A team in one organization.
    TeamId
}
identifier! {
    /// A project in one organization.
    ProjectId
}
identifier! {
    /// A group that an identity provider pushed by SCIM: the id of its Group resource.
    GroupId
}
identifier! {
    /// The id of the rule of a policy that asked for a step: its place in the TOML file (`defaults.teams`), or
    /// `groups.map.` and the rule's own id.
    RuleId
}
