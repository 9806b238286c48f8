//! `[[identity.takeovers]]`: people of one connection sign in over another.

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

/// That people who signed in over one connection of the organization sign in to the same accounts over another, as when the identity
/// provider is replaced. An account is taken over once: at the person's first sign-in over the new connection, or before it by SCIM over the
/// new connection. One that has an identity of the new connection is not taken over again, and one that SCIM over the new connection gave
/// to a person is taken over by no other. The old identity stays as long as the organization has the old connection.
///
/// ```
/// use vouchsafe_provisioning::{Anchor, Policy};
///
/// let policy = Policy::from_toml(r#"
///     [[identity.takeovers]]
///     from = "acme-okta"
///     to = "acme-entra"
///     by = "email"
/// "#)?;
/// assert_eq!(policy.identity.takeovers[0].by, Anchor::Email);
/// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Takeover {
    /// The connection that the people signed in over until now.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: ConnectionId,
    /// The connection that they sign in over from now on.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub to: ConnectionId,
    /// What says that two people are one.
    pub by: Anchor,
}

/// What says that a person of one connection is a person of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Anchor {
    /// The same subject: the same attribute with the same value, such as
    /// `urn:oasis:names:tc:SAML:attribute:subject-id` as `identity.subject_attribute`, or the same NameID with Format and qualifiers. Both
    /// identity providers must mean the same person by it. SCIM over the new connection finds the account by it too, before the person has
    /// signed in over it, if the account has no password and no role above member: the `externalId` is the subject, or the `externalId`
    /// that SCIM over the old connection sent. The `userName` alone finds no account, because a name may be given to the next person.
    Subject,
    /// The same e-mail address, by the rule of [`link_by_email`](crate::IdentityRules::link_by_email): in a domain that the organization has
    /// verified, and never an account with a password or a role above member. Its person signs in to it otherwise, and links it. SCIM over the
    /// new connection finds the account by it too, before the person has signed in over it.
    Email,
}
